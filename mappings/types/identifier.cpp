/// CX, EI, HD and FHIR Identifier and system URIs.
/// Source: HL7 v2.5.1 2.A.14 (CX), 2.A.28 (EI), 2.A.33 (HD); FHIR R4 datatypes.html#Identifier.
#include "mappings/types/families.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace mappings::types {

namespace {

constexpr std::string_view kIdentifierTypes = "http://terminology.hl7.org/CodeSystem/v2-0203";
constexpr std::string_view kOid = "urn:oid:";
constexpr std::string_view kUuid = "urn:uuid:";

bool is_oid(std::string_view text) {
  return text.size() > 2 && text[0] >= '0' && text[0] <= '2' && text[1] == '.' &&
         text.find_first_not_of("0123456789.") == std::string_view::npos && text.back() != '.';
}

bool is_uri(std::string_view text) {
  return text.find(':') != std::string_view::npos && text.find_first_of(" \t") == std::string_view::npos;
}

}  // namespace

namespace {

/// OIDs that have a URI of their own in FHIR (identifier-registry.html): the URI is the preferred system.
constexpr std::pair<std::string_view, std::string_view> kKnownOids[] = {
    {"2.16.840.1.113883.4.6", "http://hl7.org/fhir/sid/us-npi"},
    {"2.16.840.1.113883.4.1", "http://hl7.org/fhir/sid/us-ssn"},
};

}  // namespace

std::string_view system_of(std::string_view namespace_id, std::string_view universal_id,
                           std::string_view type, Context const& context) {
  for (auto const& known : context.partner->authorities) {
    bool const same_universal = !known.universal_id.empty() && known.universal_id == universal_id;
    bool const same_namespace =
        universal_id.empty() && !known.namespace_id.empty() && known.namespace_id == namespace_id;
    if (same_universal || same_namespace) return context.arena->copy(known.system);
  }
  if (!universal_id.empty()) {
    for (auto const& [oid, uri] : kKnownOids) {
      if (oid == universal_id) return uri;
    }
    if (is_oid(universal_id)) return joined(*context.arena, {kOid, universal_id});
    if (type == "UUID" || type == "GUID") return joined(*context.arena, {kUuid, universal_id});
    if (is_uri(universal_id)) return universal_id;
    return site_urn(context, "", universal_id);
  }
  if (namespace_id.empty()) return {};
  if (is_uri(namespace_id)) return namespace_id;
  return site_urn(context, "", namespace_id);
}

bool authority_of(std::string_view system, Context const& context, HdView& authority) {
  authority = {};
  for (auto const& known : context.partner->authorities) {
    if (known.system != system) continue;
    authority = {known.namespace_id, known.universal_id, known.universal_id_type};
    return true;
  }
  for (auto const& [oid, uri] : kKnownOids) {
    if (uri != system) continue;
    authority = {"", oid, "ISO"};
    return true;
  }
  if (system.starts_with(kOid)) {
    authority = {"", system.substr(kOid.size()), "ISO"};
  } else if (system.starts_with(kUuid)) {
    authority = {"", system.substr(kUuid.size()), "UUID"};
  } else if (auto const name = site_name(context, system, ""); !name.empty()) {
    authority.namespace_id = name;
  } else if (!system.empty()) {
    authority = {"", system, "URI"};
  }
  return !system.empty();
}

namespace {

void set_authority(HdView const& hd, In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const system = system_of(hd.namespace_id, hd.universal_id, hd.type, in.context());
  if (!system.empty()) out.set(arena, "system", Element::of_string(system));
  // Where the system comes from the universal id, the name would be lost: Identifier.assigner keeps it.
  if (!system.empty() && !hd.universal_id.empty() && !hd.namespace_id.empty()) {
    Element assigner = Element::of_object();
    assigner.append_unchecked(arena, "display", Element::of_string(hd.namespace_id));
    out.set(arena, "assigner", assigner);
  }
}

void set_type(std::string_view code, Element& out, Arena& arena, std::string_view system = kIdentifierTypes) {
  if (code.empty() || code.find_first_of(" \t") != std::string_view::npos) return;
  Element coding = Element::of_object();
  coding.append_unchecked(arena, "system", Element::of_string(system));
  coding.append_unchecked(arena, "code", Element::of_string(code));
  Element codings;
  codings.push(arena, coding);
  Element type = Element::of_object();
  type.append_unchecked(arena, "coding", codings);
  out.set(arena, "type", type);
}

std::string_view type_code(Element const& identifier, std::string_view system = kIdentifierTypes) {
  Element const* const codings = identifier.at("type", "coding");
  if (codings == nullptr) return {};
  for (Element const& one : codings->items()) {
    if (one.text_at("system") == system) return one.text_at("code");
  }
  return {};
}

HdView authority_to_write(Element const& identifier, Context const& context) {
  HdView authority;
  authority_of(identifier.text_at("system"), context, authority);
  if (authority.namespace_id.empty()) authority.namespace_id = identifier.text_of("assigner", "display");
  return authority;
}

/// The day part of a DT for Identifier.period.
void set_period(In& in, std::size_t start_part, Element& out) {
  Arena& arena = in.arena();
  Element period;
  std::string_view const start = date_time_text(in.part(start_part), {}, arena);
  std::string_view const end = date_time_text(in.part(start_part + 1), {}, arena);
  if (!start.empty()) period.set(arena, "start", Element::of_string(start));
  if (!end.empty()) period.set(arena, "end", Element::of_string(end));
  if (!period.is_null()) out.set(arena, "period", period);
}

bool read_cx(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const value = in.part(1);
  if (value.empty()) return false;
  out = Element::of_object();
  HdView hd;
  if (in.size() >= 4) hd = {in.sub(4, 1), in.sub(4, 2), in.sub(4, 3)};
  set_type(in.part(5), out, arena);
  set_authority(hd, in, out);
  out.append_unchecked(arena, "value", Element::of_string(value));
  if (in.size() >= 7) set_period(in, 7, out);
  return true;
}

bool write_cx(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  if (out.empty()) return false;
  auto const hd = authority_to_write(value, *out.context);
  out.set(4, hd.namespace_id, 1);
  out.set(4, hd.universal_id, 2);
  out.set(4, hd.type, 3);
  out.set(5, type_code(value));
  out.set(7, dtm_text(value.text_of("period", "start"), *out.context->arena).substr(0, 8));
  out.set(8, dtm_text(value.text_of("period", "end"), *out.context->arena).substr(0, 8));
  return true;
}

bool read_ei(In& in, Element& out) {
  std::string_view const value = in.part(1);
  if (value.empty()) return false;
  out = Element::of_object();
  set_authority({in.part(2), in.part(3), in.part(4)}, in, out);
  out.append_unchecked(in.arena(), "value", Element::of_string(value));
  return true;
}

bool write_ei(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  if (out.empty()) return false;
  auto const hd = authority_to_write(value, *out.context);
  out.set(2, hd.namespace_id);
  out.set(3, hd.universal_id);
  out.set(4, hd.type);
  return true;
}

constexpr std::string_view kNpi = "http://hl7.org/fhir/sid/us-npi";
/// Table 0338; what it does not have, TAX included, is a type of table 0203.
constexpr std::string_view kPractitionerIdTypes = "http://terminology.hl7.org/CodeSystem/v2-0338";
constexpr std::string_view kPractitionerIdCodes[] = {"CY",  "DEA", "GL", "LI",  "L&I", "MCD",
                                                     "MCR", "QA",  "SL", "TRL", "UPIN"};

/// PLN: practitioner id number, its type (table 0338), state, expiry.
bool read_pln(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const value = in.part(1);
  if (value.empty()) return false;
  std::string_view const type = in.part(2);
  out = Element::of_object();
  if (type == "NPI") {
    out.append_unchecked(arena, "system", Element::of_string(kNpi));
  } else if (!type.empty()) {
    bool const own = std::ranges::find(kPractitionerIdCodes, type) != std::end(kPractitionerIdCodes);
    set_type(type, out, arena, own ? kPractitionerIdTypes : kIdentifierTypes);
    out.set(arena, "system", Element::of_string(site_urn(in.context(), "", type)));
  }
  out.set(arena, "value", Element::of_string(value));
  std::string_view const end = date_time_text(in.part(4), {}, arena);
  if (!end.empty()) out.set(arena, "period").set(arena, "end", Element::of_string(end));
  return true;
}

bool write_pln(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  if (out.empty()) return false;
  std::string_view type = value.text_at("system") == kNpi ? "NPI" : type_code(value, kPractitionerIdTypes);
  if (type.empty()) type = type_code(value);
  out.set(2, type);
  out.set(4, dtm_text(value.text_of("period", "end"), *out.context->arena).substr(0, 8));
  return true;
}

bool read_plain(In& in, Element& out) {
  std::string_view const value = in.part(1);
  if (value.empty()) return false;
  out = Element::of_object();
  if (!in.default_system.empty())
    out.append_unchecked(in.arena(), "system", Element::of_string(in.default_system));
  out.append_unchecked(in.arena(), "value", Element::of_string(value));
  return true;
}

bool write_plain(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  return !out.empty();
}

/// A driver's licence: number, issuing state, expiry. The state is the name of the authority.
bool read_dln(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const value = in.part(1);
  if (value.empty()) return false;
  out = Element::of_object();
  set_type("DL", out, arena);
  std::string_view const state = in.part(2);
  if (!state.empty()) {
    out.set(arena, "system", Element::of_string(site_urn(in.context(), "", state)));
    out.set(arena, "assigner").set(arena, "display", Element::of_string(state));
  }
  out.set(arena, "value", Element::of_string(value));
  std::string_view const end = date_time_text(in.part(3), {}, arena);
  if (!end.empty()) out.set(arena, "period").set(arena, "end", Element::of_string(end));
  return true;
}

bool write_dln(Element const& value, Out& out) {
  out.set(1, value.text_at("value"));
  if (out.empty()) return false;
  out.set(2, value.text_of("assigner", "display"));
  out.set(3, dtm_text(value.text_of("period", "end"), *out.context->arena).substr(0, 8));
  return true;
}

bool read_hd(In& in, Element& out) {
  std::string_view const system = system_of(in.part(1), in.part(2), in.part(3), in.context());
  if (system.empty()) return false;
  out = Element::of_string(system);
  return true;
}

bool write_hd(Element const& value, Out& out) {
  HdView hd;
  if (!authority_of(value.text(), *out.context, hd)) return false;
  out.set(1, hd.namespace_id);
  out.set(2, hd.universal_id);
  out.set(3, hd.type);
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "CX~Identifier", .forward = read_cx, .reverse = write_cx},
    Pair{.name = "EI~Identifier", .forward = read_ei, .reverse = write_ei},
    Pair{.name = "PLN~Identifier", .forward = read_pln, .reverse = write_pln},
    Pair{.name = "DLN~Identifier", .forward = read_dln, .reverse = write_dln},
    Pair{.name = "ST~Identifier", .forward = read_plain, .reverse = write_plain},
    Pair{.name = "HD~uri", .forward = read_hd, .reverse = write_hd},
};

}  // namespace

std::span<Pair const> identifier_pairs() { return kPairs; }

}  // namespace mappings::types
