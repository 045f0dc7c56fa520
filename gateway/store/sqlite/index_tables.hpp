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

/// The order of the tables' keys: rows inserted in it dirty each page once.
bool in_key_order(KeyedRow const& left, KeyedRow const& right);

fhir::Result<void> insert_row(Database& database, KeyedRow const& row);
fhir::Result<std::vector<KeyedRow>> living_rows(Database& database, std::int64_t resource_key);
fhir::Result<void> kill_row(Database& database, KeyedRow const& row, std::int64_t died);
fhir::Result<void> kill_all_rows(Database& database, std::int64_t resource_key, std::int64_t died);

/// Deletes at most `limit` rows per table that died at or before `horizon`; how many it were.
fhir::Result<std::int64_t> purge_rows(Database& database, std::int64_t horizon, std::int64_t limit);

}  // namespace gateway::store::sqlite
