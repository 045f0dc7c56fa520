/// A search as SQL with the values to bind, free of the Query it came from: so that it can be run again at
/// commit.
///
/// The statement is put together from fragments that stand as text in search_plan.cpp; every value is bound.
/// Each criterion is a set of resource keys from the index. The most selective one, by a bounded count,
/// drives; the others are asked for each candidate, by the table's key or by its list of rows. The rules are
/// those of fhir/search/match.cpp: a property test holds the two together.
#pragma once

#include "fhir/result.hpp"
#include "fhir/search/query.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gateway::store::sqlite {

/// The number of a search parameter, looked up when the plan runs: it may be given out between two runs.
struct ParameterName {
  std::string type;
  std::string code;
};
/// The commit_seq at which the plan runs.
struct AtSeq {};

using Bound = std::variant<std::int64_t, double, std::string, ParameterName, AtSeq>;

/// SQL text with a `?` for each bound value; numbered() makes them `$1`, `$2` ...
struct Fragment {
  std::string sql;
  std::vector<Bound> bound;

  Fragment& add(std::string_view text);
  Fragment& add(std::string_view text, Bound value);  ///< `text` ends where the `?` stands.
  Fragment& add(Fragment const& other);
  std::string numbered() const;
};

struct SearchPlan {
  /// A condition on a candidate `r`, and where it can lead the same as a set of resource keys.
  struct Condition {
    Fragment filter;
    std::optional<Fragment> keys;
    bool lives = false;  ///< Holds for resources only that are not deleted.
    /// `keys` is one equality that an index answers in key order: a page of it alone needs no more rows than
    /// it shows.
    bool ordered = false;
  };
  struct Sort {
    Fragment value;  ///< A scalar over r; NULL where the resource has none
    bool descending = false;
  };

  std::string type;
  std::vector<Condition> conditions;
  std::vector<Sort> sort;
};

/// Errors: not_supported, naming the parameter and modifier.
fhir::Result<SearchPlan> to_plan(fhir::search::Query const& query);

/// Where a page ended: the values its last row was sorted by.
struct SearchCursor {
  using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
  std::int64_t seq = 0;
  std::optional<std::int64_t> total;
  std::int64_t resource_key = 0;
  std::vector<Value> values;
};
std::string to_text(SearchCursor const& cursor);
fhir::Result<SearchCursor> parse_cursor(std::string_view text);

/// The candidates counted, no further than `limit`: which condition to lead with.
Fragment count_statement(Fragment const& keys, std::int64_t limit);
/// Rows (resource_key, sort values ...) in order. `driver` names the leading condition; none scans the type
/// in key order.
Fragment page_statement(SearchPlan const& plan, std::optional<std::size_t> driver, SearchCursor const* after,
                        std::int64_t limit);
/// The same for a plan that is one ordered condition and no sort.
Fragment ordered_page_statement(SearchPlan const& plan, SearchCursor const* after, std::int64_t limit);
bool is_ordered(SearchPlan const& plan);
Fragment total_statement(SearchPlan const& plan, std::optional<std::size_t> driver);

}  // namespace gateway::store::sqlite
