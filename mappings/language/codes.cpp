/// What an operator may answer to an unmapped code, and what lacks a value for want of one.
#include "mappings/language/codes.hpp"

#include "fhir/definitions/definitions.hpp"
#include "mappings/language/program.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

using fhir::definitions::ElementDefinition;
using fhir::definitions::TypeDefinition;

/// The element that a row's path names, nullptr where R4 has none or the pair chooses (value[x]).
ElementDefinition const* element_of(std::string_view type_name, Path const& path) {
  TypeDefinition const* type = fhir::definitions::find_type(type_name);
  ElementDefinition const* element = nullptr;
  for (Step const& step : path.steps) {
    if (type == nullptr || step.choice) return nullptr;
    auto const elements = type->elements();
    auto const found =
        std::ranges::find_if(elements, [&](ElementDefinition const& one) { return one.name() == step.name; });
    if (found == elements.end()) return nullptr;
    element = &*found;
    type = &element->type();
  }
  return element;
}

}  // namespace

fhir::Issues lacking_codes(Draft const& draft) {
  fhir::Issues lacking;
  for (UnmappedCode const& code : draft.unmapped) {
    if (code.row == nullptr || code.row->path.empty()) continue;
    Path const& path = code.row->path;
    std::string const& name = path.steps.front().name;
    for (DraftResource const& resource : draft.resources) {
      TypeDefinition const* const type = fhir::definitions::find_type(resource.type);
      if (type == nullptr || resource.content.find(name) != nullptr) continue;
      auto const elements = type->elements();
      auto const found =
          std::ranges::find_if(elements, [&](ElementDefinition const& one) { return one.name() == name; });
      if (found == elements.end() || found->min() == 0) continue;
      hl7v2::Address place = code.address;
      if (place.component == 0) place.component = 1;
      std::string const table = code.row->vocabulary->v2_system.empty() ? code.row->vocabulary->name
                                                                        : code.row->vocabulary->v2_system;
      lacking.push_back(fhir::error(
          fhir::IssueType::code_invalid,
          "the code is not in table " + table + ", and the element is required; row " + code.row->id,
          std::string(resource.type) + "." + name, to_string(*draft.message, place)));
    }
  }
  return lacking;
}

std::vector<std::string> vocabularies_of(Maps const& maps, std::string_view name) {
  if (maps.program().find_vocabulary(name) != nullptr) return {std::string(name)};
  std::string_view table = name;
  if (table.starts_with("HL7")) table.remove_prefix(3);
  std::vector<std::string> all;
  if (table.size() != 4) return all;
  std::string const system = "http://terminology.hl7.org/CodeSystem/v2-" + std::string(table);
  for (types::Vocabulary const& vocabulary : maps.program().vocabularies) {
    if (vocabulary.v2_system == system) all.push_back(vocabulary.name);
  }
  return all;
}

bool has_code(Maps const& maps, std::string_view vocabulary, std::string_view code,
              PartnerProfile const& partner) {
  types::Vocabulary const* const known = maps.program().find_vocabulary(vocabulary);
  if (known == nullptr) return false;
  auto const target = types::to_fhir(*known, code, partner);
  return target && !target->is_fallback;
}

fhir::Result<void> check_answer(Maps const& maps, std::string_view vocabulary, std::string_view system,
                                std::string_view code) {
  types::Vocabulary const* const known = maps.program().find_vocabulary(vocabulary);
  if (known == nullptr)
    return fhir::error(fhir::IssueType::not_found, "the tables have no vocabulary of that name");
  if (code.empty() || code.front() == ' ' || code.back() == ' ' || code.size() > 200)
    return fhir::error(fhir::IssueType::value, "a code is 1 to 200 characters without spaces at its ends", {},
                       "code");
  std::string_view const own = system.empty() ? std::string_view(known->fhir_system) : system;
  for (SegmentMap const& segment : maps.program().segments) {
    for (Row const& row : segment.rows) {
      if (row.vocabulary != known || !row.forward || row.kind != Row::Kind::path) continue;
      ElementDefinition const* const element = element_of(segment.targets[row.target], row.path);
      if (element == nullptr || element->binding() == nullptr) continue;
      if (fhir::definitions::code_in_binding(*element, own, code)) continue;
      return fhir::error(fhir::IssueType::code_invalid,
                         "the code is not in " + std::string(element->binding()->value_set()) +
                             ", which row " + row.id + " needs",
                         {}, "code");
    }
  }
  return {};
}

}  // namespace mappings::language
