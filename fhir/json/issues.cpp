#include "fhir/json/issues.hpp"

#include "fhir/json/writer.hpp"

namespace fhir::json {

std::string to_json(Issues const& issues) {
  Arena arena;
  Element list = Element::of_array();
  for (Issue const& issue : issues) {
    Element& item = list.push(arena);
    item.set(arena, "severity", Element::of_string(to_code(issue.severity)));
    item.set(arena, "code", Element::of_string(to_code(issue.code)));
    item.set(arena, "diagnostics", Element::of_string(issue.diagnostics));
    if (!issue.expression.empty()) item.set(arena, "expression", Element::of_string(issue.expression));
    if (!issue.source.empty()) item.set(arena, "source", Element::of_string(issue.source));
  }
  return write(list);
}

}  // namespace fhir::json
