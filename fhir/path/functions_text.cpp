/// Functions on texts, counted in code points. Source: FHIRPath N1 section 5.6, and the additional functions
/// of the 2.1 ballot that R4's own suite asks for (encode, decode, escape, unescape, trim, split, join).
#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/types.hpp"
#include "fhir/path/unicode.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace fhir::path {

namespace {

Collection boolean(bool value) { return Collection(Item::of_boolean(value)); }
Collection integer(std::int64_t value) { return Collection(Item::of_integer(value)); }

Result<Collection> text(Call& call, std::string const& value) {
  if (value.size() > kTextMax) return error(IssueType::too_costly, "a text became too long");
  FHIR_CHECK(call.evaluation.spend(value.size() / 64));
  return Collection{call.evaluation.text_item(value)};
}

/// The input and one argument, both there; else the function gives nothing.
struct Pair {
  bool present = false;
  std::string_view input;
  std::string_view argument;
};

Result<Pair> pair_of(Call& call) {
  FHIR_TRY(auto const input, call.input_text());
  FHIR_TRY(auto const argument, call.text_argument(0));
  if (!input || !argument) return Pair{};
  return Pair{true, *input, *argument};
}

Result<Collection> index_in_code_points(Call& call, bool last) {
  FHIR_TRY(Pair const pair, pair_of(call));
  if (!pair.present) return Collection{};
  auto const at = last ? pair.input.rfind(pair.argument) : pair.input.find(pair.argument);
  if (at == std::string_view::npos) return integer(-1);
  return integer(static_cast<std::int64_t>(utf8_count(pair.input.substr(0, at))));
}

Result<Collection> index_of(Call& call) { return index_in_code_points(call, false); }
Result<Collection> last_index_of(Call& call) { return index_in_code_points(call, true); }

Result<Collection> substring(Call& call) {
  FHIR_TRY(auto const input, call.input_text());
  FHIR_TRY(auto const start, call.integer_argument(0));
  if (!input || !start || *start < 0 || *start >= static_cast<std::int64_t>(utf8_count(*input)))
    return Collection{};
  std::string_view rest = input->substr(utf8_offset(*input, static_cast<std::size_t>(*start)));
  if (call.has_argument(1)) {
    FHIR_TRY(auto const length, call.integer_argument(1));
    if (length)
      rest = rest.substr(0, utf8_offset(rest, static_cast<std::size_t>(std::max<std::int64_t>(*length, 0))));
  }
  return Collection{Item::of_text(Item::Kind::string, rest)};
}

Result<Collection> starts_with(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  return pair.present ? boolean(pair.input.starts_with(pair.argument)) : Collection{};
}

Result<Collection> ends_with(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  return pair.present ? boolean(pair.input.ends_with(pair.argument)) : Collection{};
}

Result<Collection> contains_text(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  return pair.present ? boolean(pair.input.find(pair.argument) != std::string_view::npos) : Collection{};
}

/// ASCII by hand, other letters by nobody: FHIR has no locale to fold them in.
Result<Collection> in_case(Call& call, char first, char last, int step) {
  FHIR_TRY(auto const input, call.input_text());
  if (!input) return Collection{};
  std::string changed(*input);
  for (char& c : changed) {
    if (c >= first && c <= last) c = static_cast<char>(c + step);
  }
  return text(call, changed);
}

Result<Collection> upper(Call& call) { return in_case(call, 'a', 'z', 'A' - 'a'); }
Result<Collection> lower(Call& call) { return in_case(call, 'A', 'Z', 'a' - 'A'); }

Result<Collection> replace(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  FHIR_TRY(auto const by, call.text_argument(1));
  if (!pair.present || !by) return Collection{};
  std::string out;
  if (pair.argument.empty()) {  // around every character
    out = *by;
    for (std::size_t at = 0; at < pair.input.size() && out.size() <= kTextMax;) {
      std::size_t const length = utf8_length(pair.input[at]);
      out.append(pair.input.substr(at, length)).append(*by);
      at += length;
    }
    return text(call, out);
  }
  std::string_view rest = pair.input;
  for (auto at = rest.find(pair.argument); at != std::string_view::npos && out.size() <= kTextMax;
       at = rest.find(pair.argument)) {
    out.append(rest.substr(0, at)).append(*by);
    rest.remove_prefix(at + pair.argument.size());
  }
  return text(call, out.append(rest));
}

/// FHIRPath's expressions are PCRE's in the single-line mode; RE2 runs all of it that needs no going back.
Result<std::unique_ptr<RE2>> expression(Call& call, std::string_view pattern) {
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!compiled->ok()) return failure(call.node, "not a regular expression that can be run");
  return compiled;
}

Result<Collection> matched(Call& call, bool whole) {
  FHIR_TRY(Pair const pair, pair_of(call));
  if (!pair.present) return Collection{};
  FHIR_TRY(auto const compiled, expression(call, pair.argument));
  FHIR_CHECK(call.evaluation.spend(pair.input.size() / 16));
  re2::StringPiece const subject(pair.input.data(), pair.input.size());
  return boolean(whole ? RE2::FullMatch(subject, *compiled) : RE2::PartialMatch(subject, *compiled));
}

Result<Collection> matches(Call& call) { return matched(call, false); }
Result<Collection> matches_full(Call& call) { return matched(call, true); }

/// $1 and ${1} of FHIRPath as RE2's \1; other characters stand for themselves.
std::string rewritten(std::string_view substitution) {
  std::string out;
  for (std::size_t i = 0; i < substitution.size(); ++i) {
    char const c = substitution[i];
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '$' && i + 1 < substitution.size() && substitution[i + 1] >= '0' &&
               substitution[i + 1] <= '9') {
      out.append("\\").push_back(substitution[++i]);
    } else if (c == '$' && substitution.size() - i > 3 && substitution[i + 1] == '{' &&
               substitution[i + 3] == '}') {
      out.append("\\").push_back(substitution[i + 2]);
      i += 3;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Result<Collection> replace_matches(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  FHIR_TRY(auto const by, call.text_argument(1));
  if (!pair.present || !by) return Collection{};
  if (pair.argument.empty()) return call.input;
  FHIR_TRY(auto const compiled, expression(call, pair.argument));
  std::string const rewrite = rewritten(*by);
  std::string why;
  if (!compiled->CheckRewriteString(rewrite, &why))
    return failure(call.node, "the replacement names a group that is not there");
  std::string out(pair.input);
  RE2::GlobalReplace(&out, *compiled, rewrite);
  return text(call, out);
}

Result<Collection> length(Call& call) {
  FHIR_TRY(auto const input, call.input_text());
  return input ? integer(static_cast<std::int64_t>(utf8_count(*input))) : Collection{};
}

Result<Collection> to_chars(Call& call) {
  FHIR_TRY(auto const input, call.input_text());
  Collection out;
  for (std::size_t at = 0; input && at < input->size();) {
    std::size_t const size = utf8_length((*input)[at]);
    out.push_back(Item::of_text(Item::Kind::string, input->substr(at, size)));
    at += size;
  }
  return out;
}

Result<Collection> trim(Call& call) {
  FHIR_TRY(auto const input, call.input_text());
  if (!input) return Collection{};
  static constexpr std::string_view kSpace = " \t\r\n\f\v";
  auto const first = input->find_first_not_of(kSpace);
  if (first == std::string_view::npos) return text(call, "");
  return Collection{
      Item::of_text(Item::Kind::string, input->substr(first, input->find_last_not_of(kSpace) - first + 1))};
}

Result<Collection> split(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  if (!pair.present || pair.argument.empty()) return call.input;
  Collection out;
  std::string_view rest = pair.input;
  for (auto at = rest.find(pair.argument); at != std::string_view::npos; at = rest.find(pair.argument)) {
    out.push_back(Item::of_text(Item::Kind::string, rest.substr(0, at)));
    rest.remove_prefix(at + pair.argument.size());
  }
  out.push_back(Item::of_text(Item::Kind::string, rest));
  return out;
}

Result<Collection> join(Call& call) {
  std::string_view separator;
  if (call.has_argument(0)) {
    FHIR_TRY(auto const given, call.text_argument(0));
    separator = given.value_or("");
  }
  if (call.input.empty()) return Collection{};
  std::string out;
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    FHIR_TRY(auto const part, as_text(call.node, call.input[i]));
    if (i > 0) out += separator;
    out += part.value_or("");
  }
  return text(call, out);
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string to_base64(std::string_view bytes, std::string_view alphabet) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    std::size_t const count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out.push_back(k <= count ? alphabet[group >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text, std::string_view alphabet) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  unsigned group = 0;
  int bits = 0;
  for (char const c : text) {
    auto const digit = alphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<unsigned>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(group >> bits & 0xFF));
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (char const c : bytes) {
    auto const byte = static_cast<unsigned char>(c);
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    if (std::from_chars(text.data() + i, text.data() + i + 2, byte, 16).ptr != text.data() + i + 2)
      return std::nullopt;
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

Result<Collection> encode(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  if (!pair.present) return Collection{};
  if (pair.argument == "hex") return text(call, to_hex(pair.input));
  if (pair.argument == "base64") return text(call, to_base64(pair.input, kBase64));
  if (pair.argument == "urlbase64") return text(call, to_base64(pair.input, kUrlBase64));
  return failure(call.node, "encode() knows hex, base64 and urlbase64");
}

Result<Collection> decode(Call& call) {
  FHIR_TRY(Pair const pair, pair_of(call));
  if (!pair.present) return Collection{};
  std::optional<std::string> decoded;
  if (pair.argument == "hex") {
    decoded = from_hex(pair.input);
  } else if (pair.argument == "base64" || pair.argument == "urlbase64") {
    decoded = from_base64(pair.input, pair.argument == "base64" ? kBase64 : kUrlBase64);
  } else {
    return failure(call.node, "decode() knows hex, base64 and urlbase64");
  }
  if (!decoded) return failure(call.node, "the text is not in that encoding");
  return text(call, *decoded);
}

using Replacement = std::pair<std::string_view, std::string_view>;
constexpr std::array<Replacement, 5> kHtml = {
    {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}}};
constexpr std::array<Replacement, 7> kJson = {{{"\\", "\\\\"},
                                               {"\"", "\\\""},
                                               {"\n", "\\n"},
                                               {"\r", "\\r"},
                                               {"\t", "\\t"},
                                               {"\b", "\\b"},
                                               {"\f", "\\f"}}};

std::string exchanged(std::string_view from, std::span<Replacement const> table, bool back) {
  std::string out;
  while (!from.empty()) {
    auto const found = std::ranges::find_if(
        table, [&](Replacement const& row) { return from.starts_with(back ? row.second : row.first); });
    if (found == table.end()) {
      out.push_back(from.front());
      from.remove_prefix(1);
    } else {
      out += back ? found->first : found->second;
      from.remove_prefix((back ? found->second : found->first).size());
    }
  }
  return out;
}

Result<Collection> escaped(Call& call, bool back) {
  FHIR_TRY(Pair const pair, pair_of(call));
  if (!pair.present) return Collection{};
  if (pair.argument == "html") return text(call, exchanged(pair.input, kHtml, back));
  if (pair.argument == "json") return text(call, exchanged(pair.input, kJson, back));
  return failure(call.node, "escape() and unescape() know html and json");
}

Result<Collection> escape(Call& call) { return escaped(call, false); }
Result<Collection> unescape_text(Call& call) { return escaped(call, true); }

using T = Takes;
using G = Gives;

constexpr std::array kFunctions = {
    FunctionDefinition{"indexOf", 1, 1, index_of, T::text, G::one_integer, true},
    FunctionDefinition{"lastIndexOf", 1, 1, last_index_of, T::text, G::one_integer, true},
    FunctionDefinition{"substring", 1, 2, substring, T::text, G::one_text, true},
    FunctionDefinition{"startsWith", 1, 1, starts_with, T::text, G::one_boolean, true},
    FunctionDefinition{"endsWith", 1, 1, ends_with, T::text, G::one_boolean, true},
    FunctionDefinition{"contains", 1, 1, contains_text, T::text, G::one_boolean, true},
    FunctionDefinition{"upper", 0, 0, upper, T::text, G::one_text, true},
    FunctionDefinition{"lower", 0, 0, lower, T::text, G::one_text, true},
    FunctionDefinition{"replace", 2, 2, replace, T::text, G::one_text, true},
    FunctionDefinition{"matches", 1, 1, matches, T::text, G::one_boolean, true},
    FunctionDefinition{"matchesFull", 1, 1, matches_full, T::text, G::one_boolean, true},
    FunctionDefinition{"replaceMatches", 2, 2, replace_matches, T::text, G::one_text, true},
    FunctionDefinition{"length", 0, 0, length, T::text, G::one_integer, true},
    FunctionDefinition{"toChars", 0, 0, to_chars, T::text, G::texts},
    FunctionDefinition{"trim", 0, 0, trim, T::text, G::one_text, true},
    FunctionDefinition{"split", 1, 1, split, T::text, G::texts},
    FunctionDefinition{"join", 0, 1, join, T::anything, G::one_text, true},
    FunctionDefinition{"encode", 1, 1, encode, T::text, G::one_text, true},
    FunctionDefinition{"decode", 1, 1, decode, T::text, G::one_text, true},
    FunctionDefinition{"escape", 1, 1, escape, T::text, G::one_text, true},
    FunctionDefinition{"unescape", 1, 1, unescape_text, T::text, G::one_text, true}};

}  // namespace

std::span<FunctionDefinition const> text_functions() { return kFunctions; }

}  // namespace fhir::path
