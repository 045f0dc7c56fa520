#include <iostream>

#include "fhir/json/writer.hpp"
#include "gateway/command/commands.hpp"

namespace gateway::command {

void print(fhir::Issues const& issues, bool json) {
  if (!json) {
    for (fhir::Issue const& issue : issues) std::cerr << fhir::to_line(issue) << "\n";
    return;
  }
  fhir::json::Arena arena;
  auto list = fhir::json::Element::of_array();
  for (fhir::Issue const& issue : issues) {
    auto& item = list.push(arena);
    item.set(arena, "severity", fhir::json::Element::of_string(to_code(issue.severity)));
    item.set(arena, "code", fhir::json::Element::of_string(to_code(issue.code)));
    item.set(arena, "diagnostics", fhir::json::Element::of_string(issue.diagnostics));
    if (!issue.expression.empty()) item.set(arena, "expression", fhir::json::Element::of_string(issue.expression));
    if (!issue.source.empty()) item.set(arena, "source", fhir::json::Element::of_string(issue.source));
  }
  std::cerr << fhir::json::write(list) << "\n";
}

}  // namespace gateway::command
