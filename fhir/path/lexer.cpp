#include "fhir/path/lexer.hpp"

#include "fhir/path/node.hpp"
#include "fhir/path/temporal.hpp"
#include "fhir/path/unicode.hpp"

#include <fmt/format.h>

#include <charconv>

namespace fhir::path {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }

}  // namespace

Result<void> Lexer::skip_space() {
  for (;;) {
    if (std::string_view(" \t\r\n").find(at(at_)) != std::string_view::npos && at_ < text_.size()) {
      ++at_;
    } else if (text_.substr(at_).starts_with("//")) {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    } else if (text_.substr(at_).starts_with("/*")) {
      std::size_t const end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) {
        return error(IssueType::invalid,
                     "a comment is not closed, from " + place(static_cast<std::uint32_t>(at_)));
      }
      at_ = end + 2;
    } else {
      return {};
    }
  }
}

Result<Token> Lexer::next() {
  FHIR_CHECK(skip_space());
  Token token;
  token.at = static_cast<std::uint32_t>(at_);
  if (at_ == text_.size()) return token;
  char const c = text_[at_];
  if (is_digit(c)) return number();
  if (is_word_start(c) || c == '$') return word();
  if (c == '\'') return quoted('\'', Token::Kind::string);
  if (c == '`') return quoted('`', Token::Kind::delimited);
  if (c == '@') return temporal();
  if (c == '%') {
    ++at_;
    Token name;
    if (at(at_) == '\'' || at(at_) == '`') {
      FHIR_TRY(name, quoted(at(at_), Token::Kind::variable));
    } else if (is_word_start(at(at_))) {
      name = word();
      // %vs-administrative-gender is written so in R4, though its grammar asks for quotes.
      if (name.text == "vs" || name.text == "ext") {
        std::size_t end = at_;
        while (is_word(at(end)) || (at(end) == '-' && is_word(at(end + 1)))) ++end;
        name.text = text_.substr(token.at + 1, end - token.at - 1);
        at_ = end;
      }
    } else {
      return error(IssueType::invalid, "a name is expected after % at " + place(token.at));
    }
    name.kind = Token::Kind::variable;
    name.at = token.at;
    return name;
  }
  static constexpr std::string_view kSingle = ".()[]{},+-*/&|=~<>";
  std::string_view const two = text_.substr(at_, 2);
  if (two == "!=" || two == "!~" || two == "<=" || two == ">=") {
    token.text = two;
  } else if (kSingle.find(c) != std::string_view::npos) {
    token.text = text_.substr(at_, 1);
  } else {
    return error(IssueType::invalid, "a character that FHIRPath has not at " + place(token.at));
  }
  token.kind = Token::Kind::symbol;
  at_ += token.text.size();
  return token;
}

Result<Token> Lexer::quoted(char quote, Token::Kind kind) {
  Token token{.kind = kind, .at = static_cast<std::uint32_t>(at_)};
  std::size_t const start = ++at_;
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == quote) {
      token.text = text_.substr(start, at_ - start);
      ++at_;
      return token;
    }
    if (text_[at_] == '\\') {
      token.has_escapes = true;
      ++at_;
    }
  }
  return error(IssueType::invalid, "a quote is not closed, from " + place(token.at));
}

std::size_t Lexer::digits_from(std::size_t where) const {
  std::size_t end = where;
  while (is_digit(at(end))) ++end;
  return end - where;
}

Token Lexer::number() {
  Token token{.kind = Token::Kind::number, .at = static_cast<std::uint32_t>(at_)};
  std::size_t end = at_ + digits_from(at_);
  if (at(end) == '.' && is_digit(at(end + 1))) end += 1 + digits_from(end + 1);
  token.text = text_.substr(at_, end - at_);
  at_ = end;
  return token;
}

Token Lexer::word() {
  Token token{.kind = Token::Kind::word, .at = static_cast<std::uint32_t>(at_)};
  std::size_t end = at_ + 1;
  while (is_word(at(end))) ++end;
  token.text = text_.substr(at_, end - at_);
  at_ = end;
  return token;
}

/// "@" then a date, a dateTime (with "T") or a time ("T" first), as far as its characters go.
Result<Token> Lexer::temporal() {
  Token token{.kind = Token::Kind::temporal, .at = static_cast<std::uint32_t>(at_)};
  std::size_t const start = ++at_;
  std::size_t end = start;
  auto const clock = [&] {
    end += digits_from(end);
    while (at(end) == ':' && is_digit(at(end + 1))) end += 1 + digits_from(end + 1);
    if (at(end) == '.' && is_digit(at(end + 1))) end += 1 + digits_from(end + 1);
  };
  bool valid = false;
  if (at(end) == 'T') {
    ++end;
    clock();
    token.temporal_kind = Item::Kind::time;
    token.text = text_.substr(start + 1, end - start - 1);
    valid = parse_time(token.text).has_value();
  } else {
    end += digits_from(end);
    while (at(end) == '-' && is_digit(at(end + 1))) end += 1 + digits_from(end + 1);
    if (at(end) == 'T') {
      ++end;
      clock();
      token.temporal_kind = Item::Kind::date_time;
      if (at(end) == 'Z') {
        ++end;
      } else if ((at(end) == '+' || at(end) == '-') && digits_from(end + 1) == 2 && at(end + 3) == ':') {
        end += 4 + digits_from(end + 4);
      }
    }
    token.text = text_.substr(start, end - start);
    valid = parse_date_or_date_time(token.text).has_value();
  }
  at_ = end;
  // A word right behind it ("@T14:34Z": a time has no zone) belongs to no other token either.
  if (!valid || is_word(at(end)))
    return error(IssueType::invalid, "no date or time of FHIRPath at " + place(token.at));
  return token;
}

Result<std::string> unescape(Token const& token) {
  std::string out;
  std::string_view const text = token.text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out.push_back(text[i]);
      continue;
    }
    static constexpr std::string_view kFrom = "'\"`\\/fnrt";
    static constexpr std::string_view kTo = "'\"`\\/\f\n\r\t";
    char const c = text[++i];
    if (auto const known = kFrom.find(c); known != std::string_view::npos) {
      out.push_back(kTo[known]);
      continue;
    }
    unsigned code = 0;
    if (c != 'u' || text.size() - i < 5 ||
        std::from_chars(text.data() + i + 1, text.data() + i + 5, code, 16).ptr != text.data() + i + 5) {
      return error(IssueType::invalid, "an escape that FHIRPath has not, in the text at " + place(token.at));
    }
    i += 4;
    if (code >= 0xD800 && code < 0xDC00 && text.substr(i + 1).starts_with("\\u")) {  // a surrogate pair
      unsigned low = 0;
      std::string_view const digits = text.substr(i + 3, 4);
      if (std::from_chars(digits.data(), digits.data() + digits.size(), low, 16).ptr ==
              digits.data() + digits.size() &&
          low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        i += 6;
      }
    }
    if (code >= 0xD800 && code < 0xE000) {
      return error(IssueType::invalid, "half of a surrogate pair, in the text at " + place(token.at));
    }
    append_utf8(out, code);
  }
  return out;
}

}  // namespace fhir::path
