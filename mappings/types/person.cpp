/// XPN, XAD, XTN (and PN, AD, TN of early versions) and FHIR HumanName, Address, ContactPoint.
/// Source: HL7 v2.5.1 2.A.88 (XPN), 2.A.86 (XAD), 2.A.89 (XTN); tables 0200, 0190, 0201, 0202.
#include "mappings/types/families.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <utility>

namespace mappings::types {

namespace {

using Code = std::pair<std::string_view, std::string_view>;

constexpr Code kNameUses[] = {{"L", "official"},  {"D", "usual"},       {"N", "nickname"}, {"M", "maiden"},
                              {"A", "anonymous"}, {"T", "temp"},        {"BAD", "old"},    {"S", "anonymous"},
                              {"R", "official"},  {"MSK", "anonymous"}, {"NAV", "temp"},   {"TEMP", "temp"}};
constexpr Code kAddressUses[] = {{"H", "home"}, {"B", "work"}, {"O", "work"},
                                 {"C", "temp"}, {"BA", "old"}, {"BI", "billing"}};
constexpr Code kTelecomUses[] = {{"PRN", "home"}, {"WPN", "work"}, {"ORN", "home"},
                                 {"VHN", "home"}, {"BPN", "work"}, {"PRS", "mobile"}};
constexpr Code kEquipment[] = {{"PH", "phone"},       {"FX", "fax"},      {"BP", "pager"}, {"CP", "phone"},
                               {"Internet", "email"}, {"X.400", "email"}, {"MD", "other"}, {"SAT", "phone"},
                               {"TDD", "other"},      {"TTY", "other"}};

template <std::size_t N>
std::string_view to_right(Code const (&table)[N], std::string_view left) {
  for (auto const& [v2, fhir] : table) {
    if (v2 == left) return fhir;
  }
  return {};
}

template <std::size_t N>
std::string_view to_left(Code const (&table)[N], std::string_view right) {
  for (auto const& [v2, fhir] : table) {
    if (fhir == right) return v2;
  }
  return {};
}

void push_text(Element& out, std::string_view name, std::string_view text, Arena& arena) {
  if (!text.empty()) out.set(arena, name).push(arena, Element::of_string(text));
}

}  // namespace

namespace {

/// The parts of a surname (FN.2 to FN.5): extensions of HumanName.family.
constexpr std::pair<std::size_t, std::string_view> kSurnameParts[] = {
    {2, "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"},
    {3, "http://hl7.org/fhir/StructureDefinition/humanname-own-name"},
    {4, "http://hl7.org/fhir/StructureDefinition/humanname-partner-prefix"},
    {5, "http://hl7.org/fhir/StructureDefinition/humanname-partner-name"}};

void push_extension(Element& owner, std::string_view url, std::string_view choice, std::string_view text,
                    Arena& arena) {
  if (text.empty()) return;
  Element made = Element::of_object();
  made.append_unchecked(arena, "url", Element::of_string(url));
  made.append_unchecked(arena, choice, Element::of_string(text));
  owner.set(arena, "extension").push(arena, made);
}

/// The value of the extension `url` of `owner` (which may be nullptr); "" when there is none.
std::string_view extension_text(Element const* owner, std::string_view url, std::string_view choice) {
  Element const* const list = owner == nullptr ? nullptr : owner->find("extension");
  if (list == nullptr) return {};
  for (Element const& one : list->items()) {
    if (one.text_at("url") == url) return one.text_at(choice);
  }
  return {};
}

void read_surname_parts(In& in, std::size_t part, Element& name) {
  Element parts;
  for (auto const& [sub, url] : kSurnameParts)
    push_extension(parts, url, "valueString", in.sub(part, sub), in.arena());
  if (!parts.is_null()) name.set(in.arena(), "_family", parts);
}

void write_surname_parts(Element const& name, std::size_t part, Out& out) {
  for (auto const& [sub, url] : kSurnameParts)
    out.set(part, extension_text(name.find("_family"), url, "valueString"), sub);
}

/// From and until: two dates, before HL7 v2.5 one component of two.
void read_span(In& in, std::size_t range, std::size_t start_part, Element& out) {
  Arena& arena = in.arena();
  std::string_view const offset = in.context().partner->utc_offset;
  std::string_view start = date_time_text(in.part(start_part), offset, arena);
  std::string_view end = date_time_text(in.part(start_part + 1), offset, arena);
  if (start.empty() && end.empty() && range != 0) {
    start = date_time_text(in.sub(range, 1), offset, arena);
    end = date_time_text(in.sub(range, 2), offset, arena);
  }
  Element period;
  if (!start.empty()) period.set(arena, "start", Element::of_string(start));
  if (!end.empty()) period.set(arena, "end", Element::of_string(end));
  if (!period.is_null()) out.set(arena, "period", period);
}

void write_span(Element const& value, std::size_t start_part, Out& out) {
  out.set(start_part, dtm_text(value.text_of("period", "start"), *out.context->arena));
  out.set(start_part + 1, dtm_text(value.text_of("period", "end"), *out.context->arena));
}

}  // namespace

/// Six name components from `first`: family, given, further given, suffix, prefix, degree.
bool read_human_name(In& in, std::size_t first, Element& out) {
  Arena& arena = in.arena();
  std::string_view const family = in.part(first);
  std::string_view const given = in.part(first + 1);
  std::string_view const further = in.part(first + 2);
  if (!family.empty()) {
    out.set(arena, "family", Element::of_string(family));
    if (in.has_subs(first)) read_surname_parts(in, first, out);
  }
  push_text(out, "given", given, arena);
  push_text(out, "given", further, arena);
  push_text(out, "prefix", in.part(first + 4), arena);
  push_text(out, "suffix", in.part(first + 3), arena);
  push_text(out, "suffix", in.part(first + 5), arena);
  return !out.is_null();
}

void write_human_name(Element const& name, std::size_t first, Out& out) {
  std::string_view const family = name.text_at("family");
  out.set(first, family.empty() && name.find("given") == nullptr ? name.text_at("text") : family);
  if (!family.empty()) write_surname_parts(name, first, out);
  out.set(first + 1, name.text_of("given", 0));
  std::string_view further = name.text_of("given", 1);
  if (Element const* const given = name.find("given")) {
    for (std::size_t at = 2; at < given->size(); ++at)
      further = joined(*out.context->arena, {further, " ", given->items()[at].text()});
  }
  out.set(first + 2, further);
  out.set(first + 3, name.text_of("suffix", 0));
  out.set(first + 4, name.text_of("prefix", 0));
  out.set(first + 5, name.text_of("suffix", 1));
}

namespace {

/// Whether the family name comes first (F) or the given one (G), table 0444.
constexpr std::string_view kNameOrder = "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order";

void read_name_order(In& in, std::size_t part, Element& out) {
  if (std::string_view const order = in.peek(part); order == "F" || order == "G")
    push_extension(out, kNameOrder, "valueCode", in.part(part), in.arena());
}

}  // namespace

void read_name_details(In& in, NameDetails const& at, Element& name) {
  if (in.size() < at.use) return;
  if (std::string_view const use = to_right(kNameUses, in.peek(at.use)); !use.empty()) {
    in.part(at.use);
    name.set(in.arena(), "use", Element::of_string(use));
  }
  read_name_order(in, at.order, name);
  read_span(in, at.range, at.start, name);
}

void write_name_details(Element const& name, NameDetails const& at, Out& out) {
  out.set(at.use, to_left(kNameUses, name.text_at("use")));
  out.set(at.order, extension_text(&name, kNameOrder, "valueCode"));
  write_span(name, at.start, out);
}

namespace {

bool read_xpn(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const use = to_right(kNameUses, in.peek(7));
  if (!use.empty()) {
    in.part(7);
    out.set(arena, "use", Element::of_string(use));
  }
  Element name;
  if (!read_human_name(in, 1, name)) {
    out = {};
    return false;
  }
  push_text(name, "suffix", in.part(14), arena);
  read_name_order(in, 11, out);
  for (auto const& member : name.members()) out.set(arena, member.name, member.value);
  read_span(in, 10, 12, out);
  return true;
}

bool write_xpn(Element const& value, Out& out) {
  write_human_name(value, 1, out);
  if (out.empty()) return false;
  write_name_details(value, {.use = 7, .range = 10, .order = 11, .start = 12}, out);
  out.set(14, value.text_of("suffix", 2));
  return true;
}

constexpr std::string_view kAddressUse = "http://hl7.org/fhir/StructureDefinition/iso21090-AD-use";
constexpr std::string_view kVacationHome = "HV";

/// XAD.7 is one code for what R4 says as use, type or, of a vacation home, by an extension.
void read_address_kind(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const kind = in.peek(7);
  std::string_view const use = to_right(kAddressUses, kind);
  bool const postal = kind == "M" || kind == "SH";
  if (use.empty() && !postal && kind != kVacationHome) return;
  in.part(7);
  out = Element::of_object();
  if (kind == kVacationHome) push_extension(out, kAddressUse, "valueCode", kVacationHome, arena);
  if (!use.empty()) out.set(arena, "use", Element::of_string(use));
  if (postal) out.set(arena, "type", Element::of_string("postal"));
}

std::string_view address_kind(Element const& value) {
  if (extension_text(&value, kAddressUse, "valueCode") == kVacationHome) return kVacationHome;
  std::string_view const use = to_left(kAddressUses, value.text_at("use"));
  return use.empty() && value.text_at("type") == "postal" ? std::string_view("M") : use;
}

/// SAD.1 as it stands, else the name of the street (SAD.2) and the number of the house (SAD.3).
std::string_view street_line(In& in) {
  std::string_view const line = in.part(1);
  if (!line.empty() || !in.has_subs(1)) return line;
  std::string_view const street = in.sub(1, 2);
  std::string_view const house = in.sub(1, 3);
  if (street.empty() || house.empty()) return street.empty() ? house : street;
  return in.keep(std::string(street) + " " + std::string(house));
}

bool read_xad(In& in, Element& out) {
  Arena& arena = in.arena();
  read_address_kind(in, out);
  Element place;
  push_text(place, "line", street_line(in), arena);
  push_text(place, "line", in.part(2), arena);
  auto const put = [&](std::string_view name, std::size_t part) {
    std::string_view const text = in.part(part);
    if (!text.empty()) place.set(arena, name, Element::of_string(text));
  };
  put("city", 3);
  // A CWE since v2.7: the county by its code, else by its text.
  std::string_view district = in.part(9);
  if (district.empty() && in.has_subs(9)) district = in.sub(9, 2);
  if (!district.empty()) place.set(arena, "district", Element::of_string(district));
  put("state", 4);
  put("postalCode", 5);
  put("country", 6);
  if (place.is_null()) {
    out = {};
    return false;
  }
  for (auto const& member : place.members()) out.set(arena, member.name, member.value);
  read_span(in, 12, 13, out);
  return true;
}

bool write_xad(Element const& value, Out& out) {
  Element const* const lines = value.find("line");
  out.set(1, value.text_of("line", 0));
  std::string_view rest = value.text_of("line", 1);
  for (std::size_t at = 2; lines != nullptr && at < lines->size(); ++at)
    rest = joined(*out.context->arena, {rest, ", ", lines->items()[at].text()});
  out.set(2, rest);
  out.set(3, value.text_at("city"));
  out.set(4, value.text_at("state"));
  out.set(5, value.text_at("postalCode"));
  out.set(6, value.text_at("country"));
  out.set(9, value.text_at("district"));
  if (out.empty()) {
    out.set(1, value.text_at("text"));
    if (out.empty()) return false;
  }
  out.set(7, address_kind(value));
  write_span(value, 13, out);
  return true;
}

/// The parts of a number (XTN.5 to XTN.8): extensions of ContactPoint.
constexpr std::pair<std::size_t, std::string_view> kNumberParts[] = {
    {5, "http://hl7.org/fhir/StructureDefinition/contactpoint-country"},
    {6, "http://hl7.org/fhir/StructureDefinition/contactpoint-area"},
    {7, "http://hl7.org/fhir/StructureDefinition/contactpoint-local"},
    {8, "http://hl7.org/fhir/StructureDefinition/contactpoint-extension"}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the digits of `part` from the front of those of `whole`; false where it has others.
bool take_digits(std::string_view part, std::string_view& whole) {
  for (char const c : part) {
    if (!is_digit(c)) continue;
    whole.remove_prefix(static_cast<std::size_t>(std::ranges::find_if(whole, is_digit) - whole.begin()));
    if (whole.empty() || whole.front() != c) return false;
    whole.remove_prefix(1);
  }
  return true;
}

/// The parts go back only where they say what the number says: a number that was changed leaves them behind.
void write_number_parts(Element const& value, Out& out) {
  if (value.find("extension") == nullptr) return;
  std::array<std::string_view, std::size(kNumberParts)> parts;
  std::string_view whole = value.text_at("value");
  bool any = false;
  for (std::size_t at = 0; at < parts.size(); ++at) {
    parts[at] = extension_text(&value, kNumberParts[at].second, "valueString");
    any = any || std::ranges::any_of(parts[at], is_digit);
    if (!take_digits(parts[at], whole)) return;
  }
  if (!any || std::ranges::any_of(whole, is_digit)) return;
  for (std::size_t at = 0; at < parts.size(); ++at) out.set(kNumberParts[at].first, parts[at]);
}

/// The number of an XTN: XTN.1 as it stands, XTN.12, or the parts +cc (area) local X ext; XTN.4 is an
/// address.
std::string_view telecom_value(In& in, bool email) {
  if (email) {
    std::string_view const address = in.part(4);
    if (!address.empty()) return address;
  }
  std::string_view const whole = in.part(1);
  if (!whole.empty()) return whole;
  std::string_view const unformatted = in.part(12);
  if (!unformatted.empty()) return unformatted;
  std::string_view const local = in.part(7);
  if (local.empty()) return in.part(4);
  std::string text;
  std::string_view const country = in.part(5);
  std::string_view const area = in.part(6);
  std::string_view const extension = in.part(8);
  if (!country.empty()) text.append("+").append(country).append(" ");
  if (!area.empty()) text.append("(").append(area).append(") ");
  text += local;
  if (!extension.empty()) text.append(" X").append(extension);
  return in.keep(text);
}

/// A number from 1 on that JSON can say.
bool is_rank(std::string_view text) {
  return !text.empty() && text.size() <= 9 && text.front() != '0' && std::ranges::all_of(text, is_digit);
}

bool read_xtn(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const equipment = in.peek(3);
  std::string_view system = to_right(kEquipment, equipment);
  std::string_view const code = in.peek(2);
  bool const email =
      system == "email" || code == "NET" || (!in.peek(4).empty() && in.peek(1).empty() && in.peek(7).empty());
  std::string_view const value = telecom_value(in, email);
  if (value.empty()) return false;
  in.part(2);
  in.part(3);
  if (email) system = "email";
  if (system.empty()) system = "phone";
  std::string_view use = equipment == "CP" ? std::string_view("mobile") : to_right(kTelecomUses, code);
  out = Element::of_object();
  if (!email && in.size() >= 5) {
    for (auto const& [part, url] : kNumberParts)
      push_extension(out, url, "valueString", in.part(part), arena);
  }
  out.append_unchecked(arena, "system", Element::of_string(system));
  out.append_unchecked(arena, "value", Element::of_string(value));
  if (!use.empty()) out.append_unchecked(arena, "use", Element::of_string(use));
  if (std::string_view const rank = in.peek(18); is_rank(rank)) {
    in.part(18);
    out.append_unchecked(arena, "rank", Element::of_number(rank));
  }
  read_span(in, 0, 13, out);
  return true;
}

bool write_xtn(Element const& value, Out& out) {
  std::string_view const number = value.text_at("value");
  std::string_view const system = value.text_at("system");
  std::string_view const use = value.text_at("use");
  if (number.empty()) return false;
  out.set(18, value.text_at("rank"));
  write_span(value, 13, out);
  if (system == "email") {
    out.set(2, use.empty() ? std::string_view("NET") : to_left(kTelecomUses, use));
    out.set(3, "Internet");
    out.set(4, number);
    return true;
  }
  out.set(1, number);
  out.set(2, use == "mobile" ? std::string_view("PRN") : to_left(kTelecomUses, use));
  out.set(3, use == "mobile"  ? std::string_view("CP")
             : system.empty() ? std::string_view("PH")
                              : to_left(kEquipment, system));
  write_number_parts(value, out);
  return true;
}

/// The name alone of an XCN or CN: its id is left to the complement.
bool read_xcn_name(In& in, Element& out) { return read_human_name(in, 2, out); }

bool write_xcn_name(Element const& value, Out& out) {
  write_human_name(value, 2, out);
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "XPN~HumanName", .forward = read_xpn, .reverse = write_xpn},
    Pair{.name = "XAD~Address", .forward = read_xad, .reverse = write_xad},
    Pair{.name = "XTN~ContactPoint", .forward = read_xtn, .reverse = write_xtn},
    Pair{.name = "XCN~HumanName", .forward = read_xcn_name, .reverse = write_xcn_name},
};

}  // namespace

std::span<Pair const> person_pairs() { return kPairs; }

}  // namespace mappings::types
