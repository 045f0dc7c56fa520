/// Coded v2 types (CWE, CE, CNE, IS, ID) and FHIR code, Coding, CodeableConcept.
/// The sender's coding always stays beside a mapped one, so that reverse is exact.
#include "mappings/types/families.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace mappings::types {

namespace {

constexpr std::string_view kTables = "http://terminology.hl7.org/CodeSystem/v2-";
constexpr std::string_view kSite = "urn:site:";

bool is_table_name(std::string_view name) {
  return name.size() == 7 && name.starts_with("HL7") &&
         name.find_first_not_of("0123456789", 3) == std::string_view::npos;
}

/// Percent-encodes what a URN may not hold; returns where it ends.
char* append_urn(std::string_view text, char* out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (char const c : text) {
    bool const plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '.' || c == '_';
    if (plain) {
      *out++ = c;
    } else {
      auto const byte = static_cast<unsigned char>(c);
      *out++ = '%';
      *out++ = kHex[byte >> 4];
      *out++ = kHex[byte & 15];
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view joined(Arena& arena, std::initializer_list<std::string_view> texts) {
  std::size_t size = 0;
  for (std::string_view const text : texts) size += text.size();
  auto* const place = static_cast<char*>(arena.allocate(size, 1));
  char* at = place;
  for (std::string_view const text : texts) at = std::ranges::copy(text, at).out;
  return {place, size};
}

std::string_view site_urn(Context const& context, std::string_view kind, std::string_view name) {
  std::string_view const partner =
      context.partner->name.empty() ? std::string_view("unknown") : std::string_view(context.partner->name);
  // Each character may take three.
  std::size_t const size_max = kSite.size() + 3 * partner.size() + kind.size() + 1 + 3 * name.size();
  auto* const place = static_cast<char*>(context.arena->allocate(size_max, 1));
  char* at = std::ranges::copy(kSite, place).out;
  at = append_urn(partner, at);
  at = std::ranges::copy(kind, at).out;
  if (!name.empty()) {
    *at++ = ':';
    at = append_urn(name, at);
  }
  return {place, static_cast<std::size_t>(at - place)};
}

std::string_view site_name(Context const& context, std::string_view urn, std::string_view kind) {
  if (!urn.starts_with(kSite)) return {};
  urn.remove_prefix(kSite.size());
  auto const colon = urn.find(':');
  if (colon == std::string_view::npos) return {};
  urn.remove_prefix(colon);
  if (!urn.starts_with(kind)) return {};
  urn.remove_prefix(kind.size());
  if (urn.empty() || urn.front() != ':') return {};
  urn.remove_prefix(1);
  if (urn.find('%') == std::string_view::npos) return urn;
  auto* const place = static_cast<char*>(context.arena->allocate(urn.size(), 1));
  char* end = place;
  for (std::size_t at = 0; at < urn.size(); ++at) {
    if (urn[at] == '%' && at + 2 < urn.size() && hex_digit(urn[at + 1]) >= 0 && hex_digit(urn[at + 2]) >= 0) {
      *end++ = static_cast<char>(hex_digit(urn[at + 1]) * 16 + hex_digit(urn[at + 2]));
      at += 2;
    } else {
      *end++ = urn[at];
    }
  }
  return {place, static_cast<std::size_t>(end - place)};
}

std::string_view code_system_uri(std::string_view name, Context const& context) {
  if (name.empty()) return {};
  for (auto const& known : context.systems->names) {
    if (equals_ignoring_case(known.v2, name)) return known.uri;
  }
  if (is_table_name(name)) return joined(*context.arena, {kTables, name.substr(3)});
  if (name.find(':') != std::string_view::npos && name.find(' ') == std::string_view::npos) return name;
  return site_urn(context, ":code", name);
}

std::string_view code_system_name(std::string_view uri, Context const& context) {
  if (uri.empty()) return {};
  for (auto const& known : context.systems->names) {
    if (known.uri == uri) return known.v2;
  }
  if (uri.starts_with(kTables) && uri.size() == kTables.size() + 4)
    return joined(*context.arena, {"HL7", uri.substr(kTables.size())});
  std::string_view const name = site_name(context, uri, ":code");
  return name.empty() ? uri : name;
}

namespace {

/// The vocabulary, asked with the partner's own map; what a profile says is copied, since a Draft may outlive
/// it.
std::optional<TargetView> target_of(In& in, std::string_view code) {
  auto const& partner = *in.context().partner;
  auto target = to_fhir(*in.vocabulary, code, partner);
  if (!code.empty() && (!target || target->is_fallback)) in.unmapped = code;
  if (target && !partner.codes.empty())
    target = TargetView{in.keep(target->system), in.keep(target->code), in.keep(target->display)};
  return target;
}

Element coding(std::string_view system, std::string_view code, std::string_view display, Arena& arena) {
  Element made = Element::of_object();
  if (!system.empty()) made.append_unchecked(arena, "system", Element::of_string(system));
  if (!code.empty()) made.append_unchecked(arena, "code", Element::of_string(code));
  if (!display.empty()) made.append_unchecked(arena, "display", Element::of_string(display));
  return made;
}

}  // namespace

bool is_code(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         text.find("  ") == std::string_view::npos && text.find_first_of("\t\n\r") == std::string_view::npos;
}

namespace {

bool read_code(In& in, Element& out) {
  std::string_view sent = in.part(1);
  if (sent.empty()) sent = in.part(4);
  if (sent.empty()) return false;
  if (in.vocabulary == nullptr) {
    if (!is_code(sent)) return false;
    out = Element::of_string(sent);
    return true;
  }
  auto const target = target_of(in, sent);
  if (!target) return false;
  out = Element::of_string(target->code);
  return true;
}

bool write_code(Element const& value, Out& out) {
  if (out.vocabulary == nullptr) {
    out.set(1, value.text());
  } else {
    out.set(1, to_v2(*out.vocabulary, {}, value.text(), *out.context->partner));
  }
  return !out.empty();
}

/// Where a triplet (code, text, system) of a CWE begins, and where the version of its system stands.
struct Triplet {
  std::size_t first, version;
};
constexpr Triplet kTriplets[] = {{1, 7}, {4, 8}, {10, 13}};

/// One of the sender's own codings.
Element sent_coding(In& in, Triplet const& at, std::string_view default_system) {
  std::string_view const code = in.part(at.first);
  std::string_view const text = in.part(at.first + 1);
  std::string_view const name = in.part(at.first + 2);
  if (code.empty() && text.empty()) return {};
  std::string_view const system = name.empty() ? default_system : code_system_uri(name, in.context());
  if (!code.empty() && !is_code(code)) return {};
  if (code.empty()) return {};
  Element made = coding(system, code, text, in.arena());
  if (std::string_view const version = in.part(at.version); !version.empty())
    made.append_unchecked(in.arena(), "version", Element::of_string(version));
  return made;
}

bool read_concept(In& in, Element& out) {
  Arena& arena = in.arena();
  Element codings;
  std::string_view const code = in.part(1);
  Element const first = sent_coding(in, kTriplets[0], in.default_system);
  if (!first.is_null()) codings.push(arena, first);
  if (in.vocabulary != nullptr && !code.empty()) {
    auto const target = target_of(in, code);
    if (target && !(target->system == first.text_at("system") && target->code == code))
      codings.push(arena, coding(target->system, target->code, target->display, arena));
  }
  for (std::size_t at = 1; at < std::size(kTriplets) && in.size() >= kTriplets[at].first; ++at) {
    Element const alternate = sent_coding(in, kTriplets[at], {});
    if (!alternate.is_null()) codings.push(arena, alternate);
  }
  std::string_view text = in.part(9);
  if (text.empty() && first.is_null()) text = in.part(2).empty() ? code : in.part(2);
  if (!codings.is_null()) out.set(arena, "coding", codings);
  if (!text.empty()) out.set(arena, "text", Element::of_string(text));
  return !out.is_null();
}

struct Codings {
  Element const* first = nullptr;
  std::array<Element const*, std::size(kTriplets) - 1> others{};
};

/// Which codings go into the first and the alternate triplets. What the vocabulary itself made of the first
/// is left out.
Codings choose(Element const& value, Out const& out) {
  Codings chosen;
  Element const* const list = value.find("coding");
  if (list == nullptr) return chosen;
  auto const all = list->items();
  for (Element const& one : all) {
    if (chosen.first == nullptr && !out.default_system.empty() && one.text_at("system") == out.default_system)
      chosen.first = &one;
  }
  if (chosen.first == nullptr && !all.empty()) chosen.first = &all[0];
  auto const made = [&](Element const& one) {
    if (out.vocabulary == nullptr || chosen.first == nullptr) return false;
    auto const target = to_fhir(*out.vocabulary, chosen.first->text_at("code"), *out.context->partner);
    return target && target->system == one.text_at("system") && target->code == one.text_at("code");
  };
  std::size_t used = 0;
  for (Element const& one : all) {
    if (&one == chosen.first || made(one)) continue;
    chosen.others[used++] = &one;
    if (used == chosen.others.size()) break;
  }
  return chosen;
}

void write_coding(Element const& one, Triplet const& at, Out& out) {
  out.set(at.first, one.text_at("code"));
  out.set(at.first + 1, one.text_at("display"));
  if (one.text_at("code").empty()) return;
  if (at.first != 1 || one.text_at("system") != out.default_system)
    out.set(at.first + 2, code_system_name(one.text_at("system"), *out.context));
  out.set(at.version, one.text_at("version"));
}

bool write_concept(Element const& value, Out& out) {
  Codings const chosen = choose(value, out);
  if (chosen.first != nullptr) {
    std::string_view const mapped =
        out.vocabulary == nullptr || chosen.first->text_at("system") == out.default_system
            ? std::string_view()
            : to_v2(*out.vocabulary, chosen.first->text_at("system"), chosen.first->text_at("code"),
                    *out.context->partner);
    if (!mapped.empty()) {
      out.set(1, mapped);
      out.set(2, chosen.first->text_at("display"));
    } else {
      write_coding(*chosen.first, kTriplets[0], out);
    }
  }
  for (std::size_t at = 0; at < chosen.others.size(); ++at) {
    if (chosen.others[at] != nullptr) write_coding(*chosen.others[at], kTriplets[at + 1], out);
  }
  std::string_view const text = value.text_at("text");
  if (!text.empty()) out.set(chosen.first == nullptr ? 2 : 9, text);
  return !out.empty();
}

/// IS and ID hold one code; so does ST.
bool write_simple_concept(Element const& value, Out& out) {
  Codings const chosen = choose(value, out);
  if (chosen.first == nullptr) {
    out.set(1, value.text_at("text"));
    return !out.empty();
  }
  std::string_view mapped;
  if (out.vocabulary != nullptr && chosen.first->text_at("system") != out.default_system)
    mapped = to_v2(*out.vocabulary, chosen.first->text_at("system"), chosen.first->text_at("code"),
                   *out.context->partner);
  out.set(1, mapped.empty() ? chosen.first->text_at("code") : mapped);
  return !out.empty();
}

bool read_coding(In& in, Element& out) {
  std::string_view const code = in.part(1);
  if (in.vocabulary != nullptr) {
    auto const target = target_of(in, code);
    if (code.empty() || !target) return false;
    out = coding(target->system, target->code, target->display, in.arena());
    return true;
  }
  out = sent_coding(in, kTriplets[0], in.default_system);
  return !out.is_null();
}

bool write_coding_value(Element const& value, Out& out) {
  if (out.vocabulary != nullptr) {
    out.set(1, to_v2(*out.vocabulary, value.text_at("system"), value.text_at("code"), *out.context->partner));
    return !out.empty();
  }
  write_coding(value, kTriplets[0], out);
  return !out.empty();
}

bool write_simple_coding(Element const& value, Out& out) {
  if (out.vocabulary != nullptr) return write_coding_value(value, out);
  out.set(1, value.text_at("code"));
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "CWE~code", .forward = read_code, .reverse = write_code, .is_code = true},
    Pair{.name = "CWE~CodeableConcept", .forward = read_concept, .reverse = write_concept, .is_code = true},
    Pair{.name = "CWE~Coding", .forward = read_coding, .reverse = write_coding_value, .is_code = true},
    Pair{.name = "IS~SimpleCoding", .forward = read_coding, .reverse = write_simple_coding, .is_code = true},
    Pair{.name = "IS~SimpleConcept",
         .forward = read_concept,
         .reverse = write_simple_concept,
         .is_code = true},
};

}  // namespace

std::span<Pair const> coded_pairs() { return kPairs; }

}  // namespace mappings::types
