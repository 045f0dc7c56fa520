/// Definitions that R4 lacks and the gateway uses: extensions of HL7's extensions pack, and ours under
/// https://handoff.example/fhir. JSON of StructureDefinitions, part of the program; files in extra/.
#pragma once

#include <span>
#include <string_view>

namespace fhir::definitions {

std::span<std::string_view const> extra();

}  // namespace fhir::definitions
