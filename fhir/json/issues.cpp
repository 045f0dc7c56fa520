#include "fhir/json/issues.hpp"

#include "fhir/json/writer.hpp"

namespace fhir::json {

namespace {

void write_member(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  write_string(text, out);
}

void write_list_of_one(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":[";
  write_string(text, out);
  out += ']';
}

void write_issue(Issue const& issue, std::string& out) {
  out += "{\"severity\":\"";
  out += to_code(issue.severity);
  out += "\",\"code\":\"";
  out += to_code(issue.code);
  out += '"';
  if (!issue.diagnostics.empty()) write_member("diagnostics", issue.diagnostics, out);
  if (!issue.source.empty()) write_list_of_one("location", issue.source, out);
  if (!issue.expression.empty()) write_list_of_one("expression", issue.expression, out);
  out += '}';
}

}  // namespace

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

std::string to_outcome(Issues const& issues) {
  if (issues.empty())
    return to_outcome({{Severity::information, IssueType::informational, "All OK", "", ""}});
  std::string out = R"({"resourceType":"OperationOutcome","issue":[)";
  for (Issue const& issue : issues) {
    if (&issue != &issues.front()) out += ',';
    write_issue(issue, out);
  }
  return out + "]}";
}

}  // namespace fhir::json
