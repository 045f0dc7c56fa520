/// UCUM as a code system: a grammar, so that every unit is a code and none can be listed.
/// Source: UCUM 2.0.1; R4 ucum.html (the filter property "canonical").
#pragma once

#include "fhir/terminology/code_system.hpp"

#include <memory>
#include <string_view>

namespace fhir::terminology {

inline constexpr std::string_view kUcum = "http://unitsofmeasure.org";

/// Made for one run: it remembers the codes that were asked for.
std::shared_ptr<CodeSystem const> make_ucum();

}  // namespace fhir::terminology
