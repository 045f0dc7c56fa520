/// The structure of a resource against the base definitions of R4: what a server must refuse whatever the
/// profile. Source: R4 json.html, datatypes.html, references.html, terminologies.html#required;
/// StructureDefinitions of the types.
///
/// One walk, no allocation while nothing is wrong. Issue codes say what a door should answer:
///   structure      unknown element, wrong JSON type, empty value, repetition, two types of one choice (400)
///   value          a primitive that is not of its type: date, id, integer range ... (400)
///   required       an element with min 1 is missing (400)
///   code_invalid   a code outside a required binding (422)
/// Each Issue has the element's FHIRPath ("Patient.name[1].given[0]") and says what would satisfy it; values
/// of the resource are never repeated. Invariants and profiles are not judged here.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"

namespace fhir::validate {

/// Above this many findings the walk stops, with one more Issue (too_costly) that says so.
constexpr std::size_t kIssuesMax = 100;

/// Appends what is wrong with `resource` to `issues`; nothing when it is well formed.
void validate_structure(json::Element const& resource, Issues& issues);

}  // namespace fhir::validate
