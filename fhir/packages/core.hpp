/// R4's conformance resources as the program carries them: gzip of one JSON resource per line, made by
/// fhir/definitions/generate_conformance.py.
#pragma once

#include <string_view>

namespace fhir::packages {

std::string_view core_gzip();

}  // namespace fhir::packages
