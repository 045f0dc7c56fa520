/// XPN, XAD, XTN (and PN, AD, TN of early versions) and FHIR HumanName, Address, ContactPoint.
/// Source: HL7 v2.5.1 2.A.88 (XPN), 2.A.86 (XAD), 2.A.89 (XTN); tables 0200, 0190, 0201, 0202.
#include "mappings/types/families.hpp"

#include <array>
#include <utility>

namespace mappings::types {

namespace {

using Code = std::pair<std::string_view, std::string_view>;

constexpr Code kNameUses[] = {{"L", "official"},  {"D", "usual"}, {"N", "nickname"}, {"M", "maiden"},
                              {"A", "anonymous"}, {"T", "temp"},  {"BAD", "old"},    {"S", "anonymous"}};
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

/// Six name components from `first`: family, given, further given, suffix, prefix, degree.
bool read_human_name(In& in, std::size_t first, Element& out) {
  Arena& arena = in.arena();
  std::string_view const family = in.part(first);
  std::string_view const given = in.part(first + 1);
  std::string_view const further = in.part(first + 2);
  if (!family.empty()) out.set(arena, "family", Element::of_string(family));
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
  out.set(first + 1, name.text_of("given", 0));
  std::string further;
  if (Element const* const given = name.find("given")) {
    for (std::size_t at = 1; at < given->size(); ++at) {
      if (at > 1) further += ' ';
      further += given->items()[at].text();
    }
  }
  out.set(first + 2, further);
  out.set(first + 3, name.text_of("suffix", 0));
  out.set(first + 4, name.text_of("prefix", 0));
  out.set(first + 5, name.text_of("suffix", 1));
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
  for (auto const& member : name.members()) out.set(arena, member.name, member.value);
  Element period;
  std::string_view const start = date_time_text(in.part(12), in.context().partner->utc_offset, arena);
  std::string_view const end = date_time_text(in.part(13), in.context().partner->utc_offset, arena);
  if (!start.empty()) period.set(arena, "start", Element::of_string(start));
  if (!end.empty()) period.set(arena, "end", Element::of_string(end));
  if (!period.is_null()) out.set(arena, "period", period);
  return true;
}

bool write_xpn(Element const& value, Out& out) {
  write_human_name(value, 1, out);
  if (out.empty()) return false;
  out.set(7, to_left(kNameUses, value.text_at("use")));
  out.set(12, dtm_text(value.text_of("period", "start")));
  out.set(13, dtm_text(value.text_of("period", "end")));
  return true;
}

bool read_xad(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const kind = in.peek(7);
  std::string_view const use = to_right(kAddressUses, kind);
  if (!use.empty() || kind == "M") {
    in.part(7);
    out = Element::of_object();
    if (!use.empty()) out.set(arena, "use", Element::of_string(use));
    if (kind == "M") out.set(arena, "type", Element::of_string("postal"));
  }
  Element place;
  push_text(place, "line", in.part(1), arena);
  push_text(place, "line", in.part(2), arena);
  auto const put = [&](std::string_view name, std::size_t part) {
    std::string_view const text = in.part(part);
    if (!text.empty()) place.set(arena, name, Element::of_string(text));
  };
  put("city", 3);
  put("district", 9);
  put("state", 4);
  put("postalCode", 5);
  put("country", 6);
  if (place.is_null()) {
    out = {};
    return false;
  }
  for (auto const& member : place.members()) out.set(arena, member.name, member.value);
  return true;
}

bool write_xad(Element const& value, Out& out) {
  Element const* const lines = value.find("line");
  out.set(1, value.text_of("line", 0));
  std::string rest;
  for (std::size_t at = 1; lines != nullptr && at < lines->size(); ++at) {
    if (at > 1) rest += ", ";
    rest += lines->items()[at].text();
  }
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
  std::string_view const use = to_left(kAddressUses, value.text_at("use"));
  out.set(7, use.empty() && value.text_at("type") == "postal" ? std::string_view("M") : use);
  return true;
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
  out.append_unchecked(arena, "system", Element::of_string(system));
  out.append_unchecked(arena, "value", Element::of_string(value));
  if (!use.empty()) out.append_unchecked(arena, "use", Element::of_string(use));
  return true;
}

bool write_xtn(Element const& value, Out& out) {
  std::string_view const number = value.text_at("value");
  std::string_view const system = value.text_at("system");
  std::string_view const use = value.text_at("use");
  if (number.empty()) return false;
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
