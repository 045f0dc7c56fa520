#include "gateway/rest/outcome.hpp"

#include "fhir/json/writer.hpp"

namespace gateway::rest {

namespace {

void write_member(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":";
  fhir::json::write_string(text, out);
}

void write_list_of_one(std::string_view name, std::string_view text, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":[";
  fhir::json::write_string(text, out);
  out += ']';
}

void write_issue(fhir::Issue const& issue, std::string& out) {
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

std::string to_outcome(fhir::Issues const& issues) {
  if (issues.empty()) {
    return to_outcome(
        fhir::Issue{fhir::Severity::information, fhir::IssueType::informational, "All OK", "", ""});
  }
  std::string out = R"({"resourceType":"OperationOutcome","issue":[)";
  for (fhir::Issue const& issue : issues) {
    if (&issue != &issues.front()) out += ',';
    write_issue(issue, out);
  }
  return out + "]}";
}

std::string to_outcome(fhir::Issue const& issue) { return to_outcome(fhir::Issues{issue}); }

}  // namespace gateway::rest
