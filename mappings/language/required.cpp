/// Fields that must be there before a message may leave.
#include "mappings/language/reversal.hpp"

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

fhir::Result<void> check_field(Reversal& on, std::size_t segment, std::size_t field, std::string_view who) {
  auto const& image = on.image();
  if (!image.raw({static_cast<std::uint32_t>(segment), static_cast<std::uint16_t>(field), 0, 0, 0}).empty())
    return {};
  std::string const name = std::string(image.segment_id(segment)) + "-" + std::to_string(field);
  std::string const source = source_of(*on.structure, image.segment_id(segment), field);
  std::string const what = name + " is required by " + std::string(who) + " and nothing fills it";
  if (source.empty()) {
    on.warnings.push_back(fhir::warning(fhir::IssueType::required, what + "; no row writes it", {}, name));
    return {};
  }
  return fhir::error(fhir::IssueType::required, what + "; supply " + source, source, name);
}

fhir::Result<void> check_profile(Reversal& on) {
  for (RequiredField const& required : on.partner.required_fields) {
    auto const dash = required.find('-');
    if (dash == std::string::npos) continue;
    std::string_view const id = std::string_view(required).substr(0, dash);
    std::size_t number = 0;
    for (char const c : std::string_view(required).substr(dash + 1))
      number = number * 10 + static_cast<std::size_t>(c - '0');
    for (std::size_t segment = 0; segment < on.image().segment_count(); ++segment) {
      if (on.image().segment_id(segment) == id)
        FHIR_CHECK(check_field(on, segment, number, "the partner's profile"));
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
        FHIR_CHECK(check_field(reversal, segment, field, "HL7 v2"));
    }
  }
  return {};
}

}  // namespace mappings::language
