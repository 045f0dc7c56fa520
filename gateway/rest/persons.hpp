/// The choice that a client has where a search names one Patient: it answers for the whole person (design
/// architecture.md section 3), `_person=false` asks for plain R4.
#pragma once

#include "fhir/result.hpp"

#include <string>
#include <string_view>

namespace gateway::rest {

struct PersonChoice {
  std::string query;  ///< What is left for parse_query().
  std::string asked;  ///< The pair as it came, "" where there was none.
  bool whole = true;
};
/// Takes `_person` out of a raw query. Errors: value (neither true nor false, or twice).
fhir::Result<PersonChoice> take_person(std::string_view raw);

}  // namespace gateway::rest
