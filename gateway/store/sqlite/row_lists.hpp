/// What SQL knows of packed rows: a table-valued function for each kind, tokens_of(bytes) ...
/// quantities_of(bytes), and the aggregate that makes such bytes, pack_rows().
///
/// "Table-valued functions", sqlite.org/vtab.html section 3.1.2. The columns are those of the index table
/// without resource_key. None can be read without a list, so that no plan goes through more than one
/// resource's rows.
#pragma once

#include "gateway/store/sqlite/database.hpp"

namespace gateway::store::sqlite {

/// Makes them known to a connection. Errors: exception.
fhir::Result<void> register_row_lists(Database& database);

}  // namespace gateway::store::sqlite
