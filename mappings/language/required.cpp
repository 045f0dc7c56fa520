/// Fields that must be there before a message may leave.
#include "mappings/language/reversal.hpp"
#include "mappings/language/text.hpp"

namespace mappings::language {

namespace {

/// What a field is filled from, for the error that says it is empty; "" when no row writes it.
std::string source_of(Structure const& structure, std::string_view segment, std::size_t field) {
  for (Use const& use : structure.uses) {
    for (Row const* const row : use.rows) {
      for (Place const& place : row->places) {
        if (place.segment != segment || place.field != field) continue;
        return row->kind == Row::Kind::path
                   ? structure.roles[use.targets[row->target].role].type + "." + row->path.text
                   : "@" + row->fact;
      }
    }
  }
  return {};
}

/// One place of one segment. Error required: it is empty; names segment, field, repetition and component.
fhir::Result<void> check_place(Reversal& on, hl7v2::Address const& address, std::string_view who) {
  auto const& image = on.image();
  if (!image.raw(address).empty()) return {};
  std::string_view const segment = image.segment_id(address.segment);
  std::string name = std::string(segment) + "-" + std::to_string(address.field);
  if (address.repetition != 0) name += "(" + std::to_string(address.repetition) + ")";
  if (address.component != 0) name += "." + std::to_string(address.component);
  if (address.subcomponent != 0) name += "." + std::to_string(address.subcomponent);
  std::string const source = source_of(*on.structure, segment, address.field);
  std::string const what = name + " is required by " + std::string(who) + " and nothing fills it";
  if (source.empty()) {
    on.warnings.push_back(fhir::warning(fhir::IssueType::required, what + "; no row writes it", {}, name));
    return {};
  }
  return fhir::error(fhir::IssueType::required, what + "; supply " + source, source, name);
}

/// "PV1-19", or "PID-3.4": of each repetition that there is.
fhir::Result<void> check_profile(Reversal& on) {
  for (RequiredField const& required : on.partner.required_fields) {
    Fault fault;
    auto const place = read_place(required, fault);
    if (!place) continue;
    for (std::uint32_t segment = 0; segment < on.image().segment_count(); ++segment) {
      if (on.image().segment_id(segment) != place->segment) continue;
      hl7v2::Address address{segment, place->field, 0, 0, 0};
      FHIR_CHECK(check_place(on, address, "the partner's profile"));
      address.component = place->component;
      address.subcomponent = place->subcomponent;
      auto const count = on.image().repetition_count(segment, place->field);
      for (std::uint16_t at = 1; at <= count && address.component != 0; ++at) {
        address.repetition = at;
        FHIR_CHECK(check_place(on, address, "the partner's profile"));
      }
    }
  }
  return {};
}

}  // namespace

fhir::Result<void> check_required(Reversal& reversal) {
  FHIR_CHECK(check_profile(reversal));
  for (Layout::Serial const serial : reversal.fresh) {
    std::size_t const segment = reversal.layout->index_of(serial);
    if (segment >= reversal.image().segment_count()) continue;
    auto const fields = hl7v2::fields_of(reversal.version, reversal.image().segment_id(segment));
    for (std::size_t field = 1; field <= fields.size(); ++field) {
      auto const* const definition = fields[field - 1];
      if (definition != nullptr && definition->optionality == 'R')
        FHIR_CHECK(check_place(
            reversal, {static_cast<std::uint32_t>(segment), static_cast<std::uint16_t>(field), 0, 0, 0},
            "HL7 v2"));
    }
  }
  return {};
}

}  // namespace mappings::language
