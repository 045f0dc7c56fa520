/// Where in the text of a resource a finding is: line and column, counted from 1.
#pragma once

#include "fhir/result.hpp"

#include <string_view>

namespace fhir::validate {

/// Sets `source` to "line 3 column 14" for each issue that has an expression and no source: the place of the
/// element in `text`, which is the JSON or XML that the resource was read from, or of the nearest element
/// around it that stands there. One pass over the text, whatever the number of issues. Columns count bytes.
void locate(std::string_view text, Issues& issues);

}  // namespace fhir::validate
