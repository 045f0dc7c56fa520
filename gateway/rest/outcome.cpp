#include "gateway/rest/outcome.hpp"

#include "fhir/json/issues.hpp"

namespace gateway::rest {

std::string to_outcome(fhir::Issues const& issues) { return fhir::json::to_outcome(issues); }

std::string to_outcome(fhir::Issue const& issue) { return to_outcome(fhir::Issues{issue}); }

}  // namespace gateway::rest
