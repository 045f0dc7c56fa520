/// Issues as JSON: an array for journals and command lines, an OperationOutcome for who speaks FHIR.
#pragma once

#include "fhir/result.hpp"

#include <string>

namespace fhir::json {

/// [{"severity":"error","code":"value","diagnostics":"...","expression":"...","source":"..."}]; empty parts
/// are left out.
std::string to_json(Issues const& issues);

/// An OperationOutcome (R4 operationoutcome.html). Issue::source becomes `location`; without any issue one
/// informational "All OK" stands in, for an OperationOutcome needs one.
std::string to_outcome(Issues const& issues);

}  // namespace fhir::json
