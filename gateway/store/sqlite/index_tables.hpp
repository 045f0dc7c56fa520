/// Writing the search index: rows are born, live through the commits in which their resource has the value,
/// and die.
///
/// The one door to the tables of sql/0004_search.sql, so that another index can take their place.
#pragma once

#include "gateway/store/index_rows.hpp"
#include "gateway/store/sqlite/database.hpp"

#include <cstdint>
#include <vector>

namespace gateway::store::sqlite {

/// An index row of one resource; `row.code` is empty, `param` stands for it.
struct KeyedRow {
  std::int64_t param = 0;
  IndexRow row;
  std::int64_t resource_key = 0;
  std::int64_t born = 0;
};

/// A row on its way into the index; `row` stays where the worker made it.
struct NewRow {
  std::int64_t param = 0;
  std::int64_t resource_key = 0;
  IndexRow const* row = nullptr;
};

/// The order of the tables' keys: rows inserted in it dirty each page once.
bool in_key_order(NewRow const& left, NewRow const& right);
/// Whether two rows say the same, whatever their `code`.
bool is_same_value(IndexRow const& left, IndexRow const& right);

/// One row by itself; one that was killed at the same commit lives again.
fhir::Result<void> insert_row(Database& database, NewRow const& row, std::int64_t born);
fhir::Result<std::vector<KeyedRow>> living_rows(Database& database, std::int64_t resource_key);
fhir::Result<void> kill_row(Database& database, KeyedRow const& row, std::int64_t died);
fhir::Result<void> kill_all_rows(Database& database, std::int64_t resource_key, std::int64_t died);

/// Deletes at most `limit` rows per table that died at or before `horizon`; how many it were.
fhir::Result<std::int64_t> purge_rows(Database& database, std::int64_t horizon, std::int64_t limit);

}  // namespace gateway::store::sqlite
