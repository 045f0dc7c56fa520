/// The lexical rules of FHIR's primitive types.
/// Source: R4 datatypes.html#primitive (the regular expressions there, plus the calendar and 32-bit ranges).
#pragma once

#include "fhir/definitions/definitions.hpp"

#include <string_view>

namespace fhir::validate {

/// Whether `text` (without quotes) is a value of that primitive type. A boolean's text is "true" or "false".
bool is_primitive_value(definitions::Primitive type, std::string_view text);

/// What would be one, for diagnostics: "a date: YYYY, YYYY-MM or YYYY-MM-DD".
std::string_view describe(definitions::Primitive type);

}  // namespace fhir::validate
