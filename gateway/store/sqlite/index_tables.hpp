/// Writing the search index: rows are born, live through the commits in which their resource has the value,
/// and die.
///
/// The one door to the tables of sql/0004_search.sql and sql/0008_packed_rows.sql, so that another index can
/// take their place.
#pragma once

#include "gateway/store/index_rows.hpp"
#include "gateway/store/sqlite/database.hpp"
#include "gateway/store/sqlite/packed_rows.hpp"

#include <cstdint>
#include <string>

namespace gateway::store::sqlite {

/// A row on its way into the index; `row` stays where the worker made it.
struct NewRow {
  std::int64_t param = 0;
  std::int64_t resource_key = 0;
  IndexRow const* row = nullptr;
};

/// The order of the tables' keys: rows inserted in it dirty each page once.
bool in_key_order(NewRow const& left, NewRow const& right);
/// Whether two rows say the same, whatever their `code`.
bool is_same_value(IndexRow const& left, PackedRow const& right);

/// One row by itself; one that was killed at the same commit lives again.
fhir::Result<void> insert_row(Database& database, NewRow const& row, std::int64_t born);
/// A row of `resource_key`, living or not, dies in its table; its list is the caller's.
fhir::Result<void> kill_row(Database& database, PackedRow const& row, std::int64_t resource_key,
                            std::int64_t died);
/// All living rows of a resource die, in the tables and in its list.
fhir::Result<void> kill_all_rows(Database& database, std::int64_t resource_key, std::int64_t died);

/// The list of a resource's rows (packed_rows.hpp), those that died included; empty where it has none.
fhir::Result<std::string> rows_of(Database& database, std::int64_t resource_key);
fhir::Result<void> put_rows(Database& database, std::int64_t resource_key, std::string_view packed);
fhir::Issue broken_rows(std::int64_t resource_key);

/// Deletes at most `limit` rows per table that died at or before `horizon`, from the lists too; how many.
fhir::Result<std::int64_t> purge_rows(Database& database, std::int64_t horizon, std::int64_t limit);

}  // namespace gateway::store::sqlite
