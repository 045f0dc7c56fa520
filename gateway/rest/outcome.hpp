/// Issues as an OperationOutcome. Source: R4 operationoutcome.html.
#pragma once

#include "fhir/result.hpp"

#include <string>

namespace gateway::rest {

/// JSON bytes. Issue::source becomes `location` ("http.If-Match" style is left to who made the Issue);
/// without any issue one informational "All OK" stands in, for an OperationOutcome needs one.
std::string to_outcome(fhir::Issues const& issues);
std::string to_outcome(fhir::Issue const& issue);

}  // namespace gateway::rest
