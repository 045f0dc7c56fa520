/// Where an index keeps the values of a parameter: several parameters of a type reach the same values, and
/// each value is kept once.
///
/// Patient.phonetic has the values of Patient.name; Encounter.patient those of Encounter.subject that name a
/// Patient; Patient.name those of Patient.family and Patient.given and what else a HumanName says;
/// Observation.combo-code those of Observation.code and Observation.component-code. All of it follows from
/// the expressions of the SearchParameters (plan.hpp), and a test holds what an index answers against
/// match.hpp. What is kept where is part of a stored index: sources_test.cpp pins it.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/search/values.hpp"

#include <span>
#include <string_view>

namespace fhir::search {

struct Plan;

struct Source {
  SearchParameter const* parameter = nullptr;
  /// Of its values only the references that name this type, by their text or by Reference.type; "" for all.
  std::string_view target_type;

  friend bool operator==(Source const&, Source const&) = default;
};

/// The parameters under which extract_for_index() gives the values of `parameter`; at least one. Logical
/// references (Reference.identifier) are never under a Source that has a target_type.
std::span<Source const> sources_of(std::string_view resource_type, SearchParameter const& parameter);

/// As extract(), but each value under one of the parameters that have it only.
void extract_for_index(json::Element const& resource, IndexValues& out);

/// The plan that extract_for_index() walks; nullptr when there is no such type.
Plan const* find_index_plan(std::string_view resource_type);

}  // namespace fhir::search
