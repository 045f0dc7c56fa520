/// What our virtual tables have in common: read only, there under their module's name and nowhere else.
///
/// "The Virtual Table Mechanism", sqlite.org/vtab.html; section 2.1.2 on modules without xCreate. A Table
/// begins with an sqlite3_vtab, a Cursor with an sqlite3_vtab_cursor.
#pragma once

#include <sqlite3.h>

#include <memory>

namespace gateway::store::sqlite {

/// What differs from table to table, by the names that SQLite has for it without their x.
struct TableMethods {
  decltype(sqlite3_module::xConnect) connect;
  decltype(sqlite3_module::xBestIndex) best_index;
  decltype(sqlite3_module::xFilter) filter;
  decltype(sqlite3_module::xNext) next;
  decltype(sqlite3_module::xEof) is_at_end;
  decltype(sqlite3_module::xColumn) column;
  decltype(sqlite3_module::xRowid) row_id;
};

template <class Table, class Cursor>
sqlite3_module make_module(TableMethods const& own) {
  sqlite3_module methods{};
  methods.iVersion = 1;
  methods.xConnect = own.connect;
  methods.xBestIndex = own.best_index;
  methods.xDisconnect = [](sqlite3_vtab* table) {
    delete reinterpret_cast<Table*>(table);
    return SQLITE_OK;
  };
  methods.xOpen = [](sqlite3_vtab*, sqlite3_vtab_cursor** made) {
    *made = &std::make_unique<Cursor>().release()->base;
    return SQLITE_OK;
  };
  methods.xClose = [](sqlite3_vtab_cursor* cursor) {
    delete reinterpret_cast<Cursor*>(cursor);
    return SQLITE_OK;
  };
  methods.xFilter = own.filter;
  methods.xNext = own.next;
  methods.xEof = own.is_at_end;
  methods.xColumn = own.column;
  methods.xRowid = own.row_id;
  return methods;
}

}  // namespace gateway::store::sqlite
