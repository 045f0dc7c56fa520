#include "gateway/rest/status.hpp"

namespace gateway::rest {

namespace {

using fhir::IssueType;

int status_of_conflict(std::string_view source) {
  return source == kIfMatch || source == kIfNoneMatch ? 412 : 409;
}

int status_of_not_supported(std::string_view source) {
  if (source == kMethod) return 405;
  if (source == kAccept) return 406;
  if (source == kContentType) return 415;
  return 400;
}

bool is_error(fhir::Issue const& issue) {
  return issue.severity == fhir::Severity::error || issue.severity == fhir::Severity::fatal;
}

/// Which of two statuses an answer with both reasons carries.
int rank(int status) {
  if (status >= 500) return 3;
  return status == 400 ? 2 : 1;
}

}  // namespace

int status_of(fhir::Issue const& issue) {
  if (issue.source == kRules) return 422;
  switch (issue.code) {
    case IssueType::code_invalid:
    case IssueType::business_rule:
    case IssueType::processing:
      return 422;
    case IssueType::conflict:
      return status_of_conflict(issue.source);
    case IssueType::multiple_matches:
      return 412;
    case IssueType::duplicate:
    case IssueType::lock_error:
      return 409;
    case IssueType::not_supported:
      return status_of_not_supported(issue.source);
    case IssueType::not_found:
      return 404;
    case IssueType::deleted:
      return 410;
    case IssueType::security:
    case IssueType::forbidden:
      return 403;
    case IssueType::too_long:
      return 413;
    case IssueType::throttled:
      return 429;
    case IssueType::no_store:  // RFC 4918 section 11.5
      return 507;
    case IssueType::transient:
    case IssueType::timeout:
    case IssueType::incomplete:
      return 503;
    case IssueType::exception:
      return 500;
    case IssueType::invalid:
    case IssueType::structure:
    case IssueType::required:
    case IssueType::value:
    case IssueType::invariant:
    case IssueType::extension:
    case IssueType::too_costly:
    case IssueType::informational:
      return 400;
  }
  return 500;
}

int status_of(fhir::Issues const& issues) {
  int worst = 0;
  for (fhir::Issue const& issue : issues) {
    if (!is_error(issue)) continue;
    int const status = status_of(issue);
    if (worst == 0 || rank(status) > rank(worst)) worst = status;
  }
  return worst == 0 ? 500 : worst;
}

}  // namespace gateway::rest
