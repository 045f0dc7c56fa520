/// Puts a group's new rows into the index; of the committer's connection.
#pragma once

#include "gateway/store/sqlite/index_tables.hpp"
#include "gateway/store/sqlite/new_rows.hpp"

#include <span>

namespace gateway::store::sqlite {

class IndexWriter {
 public:
  static fhir::Result<IndexWriter> make(Database& database);

  /// `rows` are in_key_order() and none of them is there: an error leaves some of them inserted, and the
  /// transaction is to be given up.
  fhir::Result<void> insert(Database& database, std::span<NewRow const> rows, std::int64_t born) const;

 private:
  explicit IndexWriter(NewRowsTable table) : new_rows_(table) {}
  NewRowsTable new_rows_;
};

}  // namespace gateway::store::sqlite
