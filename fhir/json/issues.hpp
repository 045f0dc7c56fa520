/// Issues as a JSON array, for journals and command lines; an OperationOutcome is gateway/rest's.
#pragma once

#include "fhir/result.hpp"

#include <string>

namespace fhir::json {

/// [{"severity":"error","code":"value","diagnostics":"...","expression":"...","source":"..."}]; empty parts
/// are left out.
std::string to_json(Issues const& issues);

}  // namespace fhir::json
