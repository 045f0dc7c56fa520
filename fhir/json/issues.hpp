/// Issues as a JSON array, for journals and command lines; an OperationOutcome is gateway/rest's.
#pragma once

#include <string>

#include "fhir/result.hpp"

namespace fhir::json {

/// [{"severity":"error","code":"value","diagnostics":"...","expression":"...","source":"..."}]; empty parts are left out.
std::string to_json(Issues const& issues);

}  // namespace fhir::json
