#include "fhir/json/reader.hpp"
#include "fhir/validate/structure.hpp"
#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/rest/outcome.hpp"

#include <algorithm>
#include <iostream>

namespace gateway::command {

namespace {

fhir::Issues findings_in(std::string const& path) {
  auto const bytes = read_file(path);
  if (!bytes) return {bytes.error()};
  auto const document = fhir::json::read_document(*bytes);
  if (!document) return {document.error()};
  fhir::Issues issues;
  fhir::validate::validate_structure(document->root, issues);
  return issues;
}

}  // namespace

int validate(std::vector<std::string> const& files) {
  int code = kDone;
  for (std::string const& file : files) {
    fhir::Issues const issues = findings_in(file);
    std::cout << rest::to_outcome(issues) << "\n";
    bool const has_error = std::ranges::any_of(
        issues, [](fhir::Issue const& issue) { return issue.severity <= fhir::Severity::error; });
    if (has_error) code = kRefused;
  }
  return code;
}

}  // namespace gateway::command
