/// Code systems that are grammars: what can be read is a code, and none can be listed.
/// Source: UCUM 2.0.1; R4 ucum.html (the filter property "canonical"); BCP 13 (RFC 6838, RFC 2045); BCP 47
/// (RFC 5646).
#pragma once

#include "fhir/terminology/code_system.hpp"

#include <memory>
#include <string_view>

namespace fhir::terminology {

/// Units of UCUM, media types, languages by their urls; nullptr for every other url. Made for one run: it
/// remembers the codes that were asked for.
std::shared_ptr<CodeSystem const> make_grammar(std::string_view url);

}  // namespace fhir::terminology
