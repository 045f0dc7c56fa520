/// Places and conditions that v2 writes as text about itself: ERL and ELD (where a fault is), QIP (what a
/// query asks by). Source: HL7 v2.5.1 2.A.28 (ERL), 2.A.27 (ELD), 2.A.60 (QIP); FHIR R4 patient.html#search.
#include "mappings/types/families.hpp"

#include <array>
#include <string>

namespace mappings::types {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "PID[1]-5(2).1.3": segment, which of its kind, field, repetition, component, subcomponent.
std::string place_text(std::string_view segment, std::string_view sequence, std::string_view field,
                       std::string_view repetition, std::string_view component,
                       std::string_view subcomponent) {
  std::string text(segment);
  if (is_number(sequence)) text.append("[").append(sequence).append("]");
  if (!is_number(field)) return text;
  text.append("-").append(field);
  if (is_number(repetition)) text.append("(").append(repetition).append(")");
  if (is_number(component)) text.append(".").append(component);
  if (is_number(component) && is_number(subcomponent)) text.append(".").append(subcomponent);
  return text;
}

bool read_erl(In& in, Element& out) {
  std::string_view const segment = in.part(1);
  if (segment.empty()) return false;
  out = Element::of_string(
      in.keep(place_text(segment, in.part(2), in.part(3), in.part(4), in.part(5), in.part(6))));
  return true;
}

bool read_eld(In& in, Element& out) {
  std::string_view const segment = in.part(1);
  if (segment.empty()) return false;
  out = Element::of_string(in.keep(place_text(segment, in.part(2), in.part(3), {}, {}, {})));
  return true;
}

/// The number that stands between `open` and what ends it, taken off the front of `text`; "" when `open` is
/// not there.
std::string_view take(std::string_view& text, char open, std::string_view ends) {
  if (text.empty() || text.front() != open) return {};
  auto const end = std::min(text.find_first_of(ends, 1), text.size());
  std::string_view const number = text.substr(1, end - 1);
  text.remove_prefix(end);
  if (!text.empty() && (text.front() == ']' || text.front() == ')')) text.remove_prefix(1);
  return is_number(number) ? number : std::string_view{};
}

/// Segment, which of its kind, and field; what follows is left in `text`, which is empty where no field
/// stands.
bool write_place(std::string_view& text, Out& out) {
  auto const head = std::min(text.find_first_of("[-"), text.size());
  if (head != 3) return false;
  out.set(1, text.substr(0, head));
  text.remove_prefix(head);
  out.set(2, take(text, '[', "]"));
  std::string_view const field = take(text, '-', "(.");
  out.set(3, field);
  if (field.empty()) text = {};
  return true;
}

bool write_eld(Element const& value, Out& out) {
  std::string_view text = value.text();
  return write_place(text, out);
}

bool write_erl(Element const& value, Out& out) {
  std::string_view text = value.text();
  if (!write_place(text, out)) return false;
  out.set(4, take(text, '(', ")"));
  std::string_view const component = take(text, '.', ".");
  out.set(5, component);
  if (!component.empty()) out.set(6, take(text, '.', "."));
  return true;
}

/// Search parameters of Patient by the field that a query names.
constexpr std::pair<std::string_view, std::string_view> kSearches[] = {{"PID.3.1", "identifier"},
                                                                       {"PID.3", "identifier"},
                                                                       {"PID.5.1", "family"},
                                                                       {"PID.5.1.1", "family"},
                                                                       {"PID.5.2", "given"},
                                                                       {"PID.7", "birthdate"},
                                                                       {"PID.7.1", "birthdate"},
                                                                       {"PID.8", "gender"},
                                                                       {"PID.11.3", "address-city"},
                                                                       {"PID.11.4", "address-state"},
                                                                       {"PID.11.5", "address-postalcode"},
                                                                       {"PID.11.6", "address-country"},
                                                                       {"PID.13", "phone"},
                                                                       {"PID.13.1", "phone"}};

/// "@PID.5.1^SMITH" is the search parameter family=SMITH. A field that is no search parameter keeps its own
/// name.
bool read_query(In& in, Element& out) {
  std::string_view field = in.part(1);
  std::string_view const wanted = in.part(2);
  if (field.empty() || wanted.empty()) return false;
  std::string_view name = field;
  if (field.front() == '@') field.remove_prefix(1);
  for (auto const& [v2, search] : kSearches) {
    if (v2 == field) {
      name = search;
      break;
    }
  }
  out.set(in.arena(), "name", Element::of_string(name));
  out.set(in.arena(), "valueString", Element::of_string(wanted));
  return true;
}

bool write_query(Element const& value, Out& out) {
  std::string_view const name = value.text_at("name");
  std::string_view const wanted = value.text_at("valueString");
  if (wanted.empty()) return false;
  std::string field(name);
  for (auto const& [v2, search] : kSearches) {
    if (search != name) continue;
    field = "@" + std::string(v2);
    break;
  }
  if (!field.starts_with('@')) return false;
  out.set(1, field);
  out.set(2, wanted);
  return true;
}

constexpr std::array kPairs = {
    Pair{.name = "ERL~string", .forward = read_erl, .reverse = write_erl},
    Pair{.name = "ELD~string", .forward = read_eld, .reverse = write_eld},
    Pair{.name = "QIP~Parameters.parameter", .forward = read_query, .reverse = write_query},
};

}  // namespace

std::span<Pair const> location_pairs();
std::span<Pair const> location_pairs() { return kPairs; }

}  // namespace mappings::types
