/// Issues as an OperationOutcome. Source: R4 operationoutcome.html.
#pragma once

#include "fhir/result.hpp"

#include <string>

namespace gateway::rest {

/// JSON bytes, as fhir::json::to_outcome ("http.If-Match" style is left to who made the Issue).
std::string to_outcome(fhir::Issues const& issues);
std::string to_outcome(fhir::Issue const& issue);

}  // namespace gateway::rest
