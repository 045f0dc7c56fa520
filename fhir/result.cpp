#include "fhir/result.hpp"

#include <array>
#include <stdexcept>

namespace fhir {

namespace {

constexpr std::array<std::string_view, 4> kSeverityCodes{"fatal", "error", "warning", "information"};

constexpr std::array<std::string_view, 27> kIssueTypeCodes{
    "invalid",    "structure",  "required",      "value",     "invariant",        "security",
    "forbidden",  "processing", "not-supported", "duplicate", "multiple-matches", "not-found",
    "deleted",    "too-long",   "code-invalid",  "extension", "too-costly",       "business-rule",
    "conflict",   "transient",  "lock-error",    "no-store",  "exception",        "timeout",
    "incomplete", "throttled",  "informational"};

}  // namespace

std::string_view to_code(Severity severity) { return kSeverityCodes[static_cast<std::size_t>(severity)]; }

std::string_view to_code(IssueType type) { return kIssueTypeCodes[static_cast<std::size_t>(type)]; }

std::string to_line(Issue const& issue) {
  std::string line(to_code(issue.severity));
  line.append(" ").append(to_code(issue.code));
  if (!issue.expression.empty()) line.append(" ").append(issue.expression);
  if (!issue.source.empty()) line.append(" ").append(issue.source);
  return line.append(": ").append(issue.diagnostics);
}

void throw_exception_from_error(Issue const& issue, boost::source_location const&) {
  throw std::logic_error("a Result without a value was read: " + to_line(issue));
}

}  // namespace fhir
