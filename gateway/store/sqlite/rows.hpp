/// The rows of a bound statement as values.
#pragma once

#include "gateway/store/sqlite/database.hpp"

#include <optional>
#include <string>
#include <vector>

namespace gateway::store::sqlite {

constexpr std::int64_t kNever = INT64_MAX;  // `died` of a living index row, `due` of a record without a clock

/// All rows of a bound statement, each turned into a value.
template <class Convert>
auto all_rows(Statement& statement, Convert convert)
    -> fhir::Result<std::vector<decltype(convert(statement))>> {
  std::vector<decltype(convert(statement))> rows;
  for (;;) {
    FHIR_TRY(bool const more, statement.step());
    if (!more) return rows;
    rows.push_back(convert(statement));
  }
}

template <class Convert>
auto first_row(Statement& statement, Convert convert)
    -> fhir::Result<std::optional<decltype(convert(statement))>> {
  FHIR_TRY(bool const more, statement.step());
  if (!more) return std::optional<decltype(convert(statement))>{};
  return std::optional{convert(statement)};
}

inline std::string first_text(Statement const& row) { return std::string(row.text(0)); }
inline std::int64_t first_integer(Statement const& row) { return row.integer(0); }

inline std::int64_t as_limit(std::size_t count) {
  return count > static_cast<std::size_t>(INT64_MAX) ? INT64_MAX : static_cast<std::int64_t>(count);
}

}  // namespace gateway::store::sqlite
