/// XCN, XON, PL: v2 values that are resources of their own in FHIR (Practitioner, Organization, Location).
/// Source: HL7 v2.5.1 2.A.90 (XCN), 2.A.87 (XON), 2.A.53 (PL). The language makes the resource and the
/// Reference; a pair maps its content only.
#include "mappings/types/families.hpp"

#include <array>

namespace mappings::types {

namespace {

constexpr std::string_view kIdentifierTypes = "http://terminology.hl7.org/CodeSystem/v2-0203";

struct IdParts {
  std::string_view value, namespace_id, universal_id, universal_id_type, type;
};

void set_identifier(IdParts const& id, In& in, Element& out) {
  if (id.value.empty()) return;
  Arena& arena = in.arena();
  Element made = Element::of_object();
  if (!id.type.empty() && id.type.find(' ') == std::string_view::npos) {
    Element coding = Element::of_object();
    coding.append_unchecked(arena, "system", Element::of_string(kIdentifierTypes));
    coding.append_unchecked(arena, "code", Element::of_string(id.type));
    made.set(arena, "type").set(arena, "coding").push(arena, coding);
  }
  std::string_view const system =
      system_of(id.namespace_id, id.universal_id, id.universal_id_type, in.context());
  if (!system.empty()) made.set(arena, "system", Element::of_string(system));
  made.set(arena, "value", Element::of_string(id.value));
  if (!system.empty() && !id.universal_id.empty() && !id.namespace_id.empty())
    made.set(arena, "assigner").set(arena, "display", Element::of_string(id.namespace_id));
  out.set(arena, "identifier").push(arena, made);
}

/// HD at part `hd`, type at part `type`, for the first identifier.
void write_identifier(Element const& value, std::size_t id, std::size_t hd, std::size_t type, Out& out) {
  Element const* const first = value.at("identifier", 0);
  if (first == nullptr) return;
  out.set(id, first->text_at("value"));
  HdView authority;
  authority_of(first->text_at("system"), *out.context, authority);
  if (authority.namespace_id.empty()) authority.namespace_id = first->text_of("assigner", "display");
  out.set(hd, authority.namespace_id, 1);
  out.set(hd, authority.universal_id, 2);
  out.set(hd, authority.type, 3);
  if (first->text_of("type", "coding", 0, "system") == kIdentifierTypes)
    out.set(type, first->text_of("type", "coding", 0, "code"));
}

constexpr NameDetails kXcnDetails{.use = 10, .range = 17, .order = 18, .start = 19};

bool read_practitioner(In& in, Element& out) {
  Arena& arena = in.arena();
  set_identifier({in.part(1), in.sub(9, 1), in.sub(9, 2), in.sub(9, 3), in.part(13)}, in, out);
  Element name;
  if (read_human_name(in, 2, name)) {
    // The professional suffix stands behind the name type and what else a number has.
    std::string_view const suffix = in.part(21);
    if (!suffix.empty()) name.set(arena, "suffix").push(arena, Element::of_string(suffix));
    read_name_details(in, kXcnDetails, name);
    out.set(arena, "name").push(arena, name);
  }
  return !out.is_null();
}

bool write_practitioner(Element const& value, Out& out) {
  write_identifier(value, 1, 9, 13, out);
  if (Element const* const name = value.at("name", 0)) {
    write_human_name(*name, 2, out);
    out.set(21, name->text_of("suffix", 2));
    write_name_details(*name, kXcnDetails, out);
  }
  if (out.empty()) out.set(2, value.text_at("display"));
  return !out.empty();
}

bool read_organization(In& in, Element& out) {
  std::string_view const name = in.part(1);
  std::string_view const number = in.peek(3);
  bool const use_number = in.peek(10).empty();
  set_identifier(
      {use_number ? in.part(3) : in.part(10), in.sub(6, 1), in.sub(6, 2), in.sub(6, 3), in.part(7)}, in, out);
  (void)number;
  if (!name.empty()) out.set(in.arena(), "name", Element::of_string(name));
  return !out.is_null();
}

bool write_organization(Element const& value, Out& out) {
  std::string_view const name = value.text_at("name");
  out.set(1, name.empty() ? value.text_at("display") : name);
  write_identifier(value, 10, 6, 7, out);
  return !out.empty();
}

/// OBX-23 with the address of OBX-24.
constexpr std::size_t kAddressField = 24;
constexpr std::pair<std::size_t, std::string_view> kAddressParts[] = {
    {2, ""}, {3, "city"}, {4, "state"}, {5, "postalCode"}, {6, "country"}};

bool read_performing(In& in, Element& out) {
  if (!read_organization(in, out)) return false;
  Arena& arena = in.arena();
  Element address;
  if (auto const street = in.sibling(kAddressField, 1); !street.empty())
    address.set(arena, "line").push(arena, Element::of_string(street));
  for (auto const& [part, name] : kAddressParts) {
    std::string_view const text = in.sibling(kAddressField, part);
    if (text.empty()) continue;
    if (name.empty())
      address.set(arena, "line").push(arena, Element::of_string(text));
    else
      address.set(arena, name, Element::of_string(text));
  }
  if (!address.is_null()) out.set(arena, "address").push(arena, address);
  return true;
}

bool write_performing(Element const& value, Out& out) {
  if (!write_organization(value, out)) return false;
  Element const* const address = value.at("address", 0);
  if (address == nullptr) return true;
  out.sibling(kAddressField, address->text_of("line", 0), 1);
  out.sibling(kAddressField, address->text_of("line", 1), 2);
  for (auto const& [part, name] : kAddressParts) {
    if (!name.empty()) out.sibling(kAddressField, address->text_at(name), part);
  }
  return true;
}

/// A code that names an organization: RXA-17 (MVX), OBX-15.
bool read_coded_organization(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const code = in.part(1);
  std::string_view const name = in.part(2).empty() ? in.part(9) : in.part(2);
  if (!code.empty()) {
    Element identifier;
    if (auto const system = code_system_uri(in.part(3), in.context()); !system.empty())
      identifier.set(arena, "system", Element::of_string(system));
    identifier.set(arena, "value", Element::of_string(code));
    out.set(arena, "identifier").push(arena, identifier);
  }
  if (!name.empty()) out.set(arena, "name", Element::of_string(name));
  return !out.is_null();
}

bool write_coded_organization(Element const& value, Out& out) {
  if (Element const* const identifier = value.at("identifier", 0)) {
    out.set(1, identifier->text_at("value"));
    out.set(3, code_system_name(identifier->text_at("system"), *out.context));
  }
  std::string_view const name = value.text_at("name");
  out.set(2, name.empty() ? value.text_at("display") : name);
  return !out.empty();
}

/// A person as part of a component (NDL.1): a CNN, whose authority stands in three parts of its own.
bool read_cnn(In& in, Element& out) {
  Arena& arena = in.arena();
  set_identifier({in.part(1), in.part(9), in.part(10), in.part(11), {}}, in, out);
  Element name;
  if (read_human_name(in, 2, name)) out.set(arena, "name").push(arena, name);
  return !out.is_null();
}

bool write_cnn(Element const& value, Out& out) {
  if (Element const* const first = value.at("identifier", 0)) {
    out.set(1, first->text_at("value"));
    HdView authority;
    authority_of(first->text_at("system"), *out.context, authority);
    if (authority.namespace_id.empty()) authority.namespace_id = first->text_of("assigner", "display");
    out.set(9, authority.namespace_id);
    out.set(10, authority.universal_id);
    out.set(11, authority.type);
  }
  if (Element const* const name = value.at("name", 0)) write_human_name(*name, 2, out);
  if (out.empty()) out.set(2, value.text_at("display"));
  return !out.empty();
}

/// PL.1-4, 7, 8 in the order of a place within a place; Location.identifier values are "room", the whole is
/// the name.
constexpr std::string_view kLocationParts = "urn:handoff:location-part:";
constexpr std::pair<std::size_t, std::string_view> kPlaces[] = {
    {4, "facility"}, {7, "building"}, {8, "floor"}, {1, "point-of-care"}, {2, "room"}, {3, "bed"}};

bool read_location(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view name;
  for (auto const& [part, kind] : kPlaces) {
    std::string_view const text = in.part(part);
    if (text.empty()) continue;
    Element identifier = Element::of_object();
    identifier.append_unchecked(arena, "system", Element::of_string(joined(arena, {kLocationParts, kind})));
    identifier.append_unchecked(arena, "value", Element::of_string(text));
    out.set(arena, "identifier").push(arena, identifier);
    name = name.empty() ? text : joined(arena, {name, " ", text});
  }
  std::string_view const description = in.part(9);
  if (!description.empty()) out.set(arena, "description", Element::of_string(description));
  if (out.is_null()) return false;
  out.set(arena, "name", Element::of_string(name.empty() ? description : name));
  return true;
}

bool write_location(Element const& value, Out& out) {
  if (Element const* const identifiers = value.find("identifier")) {
    for (Element const& one : identifiers->items()) {
      std::string_view const system = one.text_at("system");
      if (!system.starts_with(kLocationParts)) continue;
      for (auto const& [part, kind] : kPlaces) {
        if (system.substr(kLocationParts.size()) == kind) out.set(part, one.text_at("value"));
      }
    }
  }
  out.set(9, value.text_at("description"));
  if (out.empty()) {
    std::string_view const name = value.text_at("name");
    out.set(1, name.empty() ? value.text_at("display") : name);
  }
  return !out.empty();
}

/// DLD: where a patient is discharged to. The code is the Location's type and, having no text, its name.
constexpr std::string_view kDischargedTo = "http://terminology.hl7.org/CodeSystem/v2-0113";

bool read_discharge_location(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const code = in.sub(1, 1);
  if (code.empty()) return false;
  std::string_view const text = in.sub(1, 2);
  out = Element::of_object();
  out.set(arena, "name", Element::of_string(text.empty() ? code : text));
  if (!is_code(code)) return true;
  Element coding = Element::of_object();
  coding.append_unchecked(arena, "system", Element::of_string(kDischargedTo));
  coding.append_unchecked(arena, "code", Element::of_string(code));
  out.set(arena, "type").push(arena, Element::of_object()).set(arena, "coding").push(arena, coding);
  return true;
}

bool write_discharge_location(Element const& value, Out& out) {
  std::string_view const code = value.text_of("type", 0, "coding", 0, "code");
  std::string_view const name = value.text_at("name");
  out.set(1, code.empty() ? name : code, 1);
  if (!code.empty() && name != code) out.set(1, name, 2);
  if (out.empty()) out.set(1, value.text_at("display"), 1);
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "XCN~Practitioner",
         .forward = read_practitioner,
         .reverse = write_practitioner,
         .resource = "Practitioner"},
    Pair{.name = "XON~Organization",
         .forward = read_organization,
         .reverse = write_organization,
         .resource = "Organization"},
    Pair{.name = "OBX23~Organization",
         .forward = read_performing,
         .reverse = write_performing,
         .resource = "Organization"},
    Pair{.name = "CWE~Organization",
         .forward = read_coded_organization,
         .reverse = write_coded_organization,
         .resource = "Organization"},
    Pair{.name = "CNN~Practitioner", .forward = read_cnn, .reverse = write_cnn, .resource = "Practitioner"},
    Pair{.name = "PL~Location", .forward = read_location, .reverse = write_location, .resource = "Location"},
    Pair{.name = "DLD~Location",
         .forward = read_discharge_location,
         .reverse = write_discharge_location,
         .resource = "Location"},
};

}  // namespace

std::span<Pair const> reference_pairs() { return kPairs; }

}  // namespace mappings::types
