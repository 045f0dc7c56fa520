/// Why a terminology operation has no answer, with what an OperationOutcome of such an operation also says.
/// Source: http://hl7.org/fhir/tools/CodeSystem/tx-issue-type.
#pragma once

#include "fhir/result.hpp"

#include <boost/system/result.hpp>

#include <string>

namespace fhir::terminology {

struct Failure {
  Issue issue;
  std::string detail;      ///< tx-issue-type: "not-found", "vs-invalid", "" for none
  std::string message_id;  ///< of operationoutcome-message-id: which message of many, whatever its language
};

template <class T>
using Outcome = boost::system::result<T, Failure>;

inline Failure fail(IssueType code, std::string text, std::string detail = {}, std::string message_id = {},
                    std::string expression = {}) {
  return Failure{error(code, std::move(text), std::move(expression)), std::move(detail),
                 std::move(message_id)};
}

[[noreturn]] void throw_exception_from_error(Failure const& failure, boost::source_location const& where);

}  // namespace fhir::terminology
