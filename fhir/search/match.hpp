/// Whether one resource fulfils a search, without an index: for subscriptions and for what is not stored yet.
/// Source: R4 search.html. The same rules as the store's SQL; a property test holds the two against each
/// other.
#pragma once

#include "fhir/result.hpp"
#include "fhir/search/query.hpp"
#include "fhir/search/values.hpp"

#include <string_view>

namespace fhir::search {

/// What is not among the extracted values.
struct MatchSubject {
  std::string_view type;
  std::string_view id;
  std::int64_t last_updated_ms = 0;
};

/// All criteria hold, any operand of each. Errors: not_supported (a chain, _has, :above, :below, :in,
/// :not-in, :text: they need more than this one resource).
Result<bool> matches(Query const& query, MatchSubject const& subject, IndexValues const& values);

}  // namespace fhir::search
