/// What every room returns when something can go wrong: a value, or the Issue that says what, where and why.
/// Source: FHIR R4 operationoutcome.html; the codes are http://hl7.org/fhir/issue-type.
///
/// One Issue becomes an OperationOutcome (gateway/rest), an ERR segment (mappings/hl7v2/ack.hpp), a journal
/// line or a line on stderr. It is translated once, at the door. Exceptions never cross a room's door.
#pragma once

#include <boost/system/result.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fhir {

enum class Severity : unsigned char { fatal, error, warning, information };

/// The codes of http://hl7.org/fhir/issue-type that Handoff uses.
enum class IssueType : unsigned char {
  invalid,
  structure,
  required,
  value,
  invariant,
  security,
  forbidden,
  processing,
  not_supported,
  duplicate,
  multiple_matches,
  not_found,
  deleted,
  too_long,
  code_invalid,
  extension,
  too_costly,
  business_rule,
  conflict,
  transient,
  lock_error,
  no_store,
  exception,
  timeout,
  incomplete,
  throttled,
  informational
};

std::string_view to_code(Severity severity);  // "error"
std::string_view to_code(IssueType type);     // "not-found"

/// One finding. `diagnostics` names the rule broken and what would satisfy it, never a patient's data.
struct Issue {
  Severity severity = Severity::error;
  IssueType code = IssueType::exception;
  std::string diagnostics;
  std::string expression;  ///< FHIRPath of the element: "Patient.birthDate", "" where there is none.
  std::string source;  ///< The sender's address: "PID-7.1", "line 3 column 14", "/ClinicalDocument/id", "".
};

using Issues = std::vector<Issue>;

template <class T>
using Result = boost::system::result<T, Issue>;

inline Issue error(IssueType code, std::string diagnostics, std::string expression = {},
                   std::string source = {}) {
  return Issue{Severity::error, code, std::move(diagnostics), std::move(expression), std::move(source)};
}

inline Issue warning(IssueType code, std::string diagnostics, std::string expression = {},
                     std::string source = {}) {
  return Issue{Severity::warning, code, std::move(diagnostics), std::move(expression), std::move(source)};
}

/// One line for stderr or a log: "error not-found Patient.birthDate PID-7: what is wrong".
std::string to_line(Issue const& issue);

/// Lets Result<T>::value() throw where a caller has proved that there is a value; never used to carry bad
/// input.
[[noreturn]] void throw_exception_from_error(Issue const& issue, boost::source_location const& where);

}  // namespace fhir

#define FHIR_TRY_NAME2(a, b) a##b
#define FHIR_TRY_NAME1(a, b) FHIR_TRY_NAME2(a, b)
#define FHIR_TRY_IMPL(temporary, declaration, ...)     \
  auto temporary = (__VA_ARGS__);                      \
  if (!temporary) return std::move(temporary).error(); \
  declaration = std::move(*temporary)

/// FHIR_TRY(auto date, parse_date(text)); returns the Issue of the right side, or names its value.
#define FHIR_TRY(declaration, ...) \
  FHIR_TRY_IMPL(FHIR_TRY_NAME1(fhir_try_, __LINE__), declaration, __VA_ARGS__)

/// FHIR_CHECK(step()); returns the Issue of a Result<void>.
#define FHIR_CHECK(...)                                                                     \
  do {                                                                                      \
    if (auto fhir_check = (__VA_ARGS__); !fhir_check) return std::move(fhir_check).error(); \
  } while (false)
