#include "fhir/json/issues.hpp"
#include "gateway/command/commands.hpp"

#include <iostream>

namespace gateway::command {

void print(fhir::Issues const& issues, bool json) {
  if (!json) {
    for (fhir::Issue const& issue : issues) std::cerr << fhir::to_line(issue) << "\n";
    return;
  }
  std::cerr << fhir::json::to_json(issues) << "\n";
}

int code_of(fhir::Result<void> const& done, bool json) {
  if (done) return kDone;
  print({done.error()}, json);
  return kRefused;
}

}  // namespace gateway::command
