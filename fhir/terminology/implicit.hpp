/// Value sets that are told by their url alone. Source: R4 snomedct.html#implicit, loinc.html#4.3.16.
#pragma once

#include "fhir/terminology/code_system.hpp"

#include <string_view>

namespace fhir::terminology {

/// "http://snomed.info/sct?fhir_vs", "...?fhir_vs=isa/73211009", "http://loinc.org/vs"; nullptr for every
/// other url.
SharedElement implicit_value_set(std::string_view url);

}  // namespace fhir::terminology
