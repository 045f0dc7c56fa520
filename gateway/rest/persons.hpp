/// A search that names one Patient answers for the whole person (design architecture.md section 3): every
/// Patient that is the same person by a deterministic or explicit link. `_person=false` asks for plain R4.
#pragma once

#include "fhir/search/query.hpp"
#include "gateway/store/store.hpp"

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

/// Puts the other Patients of the person beside each Patient that a reference parameter names. The resource
/// that is named by itself (`Patient?_id`, `?identifier`) and the links of persons are left alone. True: more
/// is asked for than before.
fhir::Result<bool> widen_to_persons(store::Snapshot& snapshot, fhir::search::Query& query);

}  // namespace gateway::rest
