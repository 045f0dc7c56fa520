/// A group's new index rows as a table that SQL can select from: one INSERT ... SELECT per index table
/// instead of one statement per row, whose beginning and end cost as much as the row.
///
/// "Virtual table", sqlite.org/vtab.html; known as new_rows to the one connection it was made for. Its
/// columns are those of NewRow and IndexRow.
#pragma once

#include "gateway/store/sqlite/index_tables.hpp"

#include <span>

namespace gateway::store::sqlite {

class NewRowsTable {
 public:
  /// Errors: exception (the connection takes no module).
  static fhir::Result<NewRowsTable> make(Database& database);

  /// What a SELECT from new_rows sees until the next call; `rows` are kept by the caller.
  void show(std::span<NewRow const> rows, std::int64_t born) const;

  struct Content {
    std::span<NewRow const> rows;
    std::int64_t born = 0;
  };

 private:
  explicit NewRowsTable(Content* content) : content_(content) {}
  Content* content_;  // the connection's, gone with it
};

}  // namespace gateway::store::sqlite
