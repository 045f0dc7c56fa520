#include "gateway/store/sqlite/new_rows.hpp"

#include "gateway/store/sqlite/virtual_table.hpp"

#include <memory>

namespace gateway::store::sqlite {

namespace {

// In the order of the columns declared below.
enum Column : int {
  param,
  resource_key,
  value,
  first,
  second,
  third,
  low_ms,
  high_ms,
  low,
  high,
  part,
  born
};
constexpr char const* kDeclaration =
    "CREATE TABLE new_rows (param, resource_key, value, first, second, third, low_ms, high_ms, low, high, "
    "part, born)";

using Content = NewRowsTable::Content;

struct Table {
  sqlite3_vtab base{};
  Content const* content = nullptr;
};

struct Cursor {
  sqlite3_vtab_cursor base{};
  std::size_t at = 0;
};

Content const& content_of(sqlite3_vtab_cursor* cursor) {
  return *reinterpret_cast<Table*>(cursor->pVtab)->content;
}
std::size_t& place_of(sqlite3_vtab_cursor* cursor) { return reinterpret_cast<Cursor*>(cursor)->at; }

int connect(sqlite3* handle, void* content, int, char const* const*, sqlite3_vtab** made, char**) {
  if (int const code = sqlite3_declare_vtab(handle, kDeclaration); code != SQLITE_OK) return code;
  auto table = std::make_unique<Table>();
  table->content = static_cast<Content const*>(content);
  *made = &table.release()->base;
  return SQLITE_OK;
}

int best_index(sqlite3_vtab*, sqlite3_index_info*) { return SQLITE_OK; }

int filter(sqlite3_vtab_cursor* cursor, int, char const*, int, sqlite3_value**) {
  place_of(cursor) = 0;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) {
  ++place_of(cursor);
  return SQLITE_OK;
}

int is_at_end(sqlite3_vtab_cursor* cursor) {
  return place_of(cursor) >= content_of(cursor).rows.size() ? 1 : 0;
}

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* result, int number) {
  auto const& content = content_of(cursor);
  NewRow const& one = content.rows[place_of(cursor)];
  IndexRow const& row = *one.row;
  auto const text = [&](std::string const& bytes) {
    sqlite3_result_text64(result, bytes.data(), bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
  };
  switch (static_cast<Column>(number)) {
    case param:
      sqlite3_result_int64(result, one.param);
      break;
    case resource_key:
      sqlite3_result_int64(result, one.resource_key);
      break;
    case value:
      text(row.value);
      break;
    case first:
      text(row.first);
      break;
    case second:
      text(row.second);
      break;
    case third:
      text(row.third);
      break;
    case low_ms:
      sqlite3_result_int64(result, row.low_ms);
      break;
    case high_ms:
      sqlite3_result_int64(result, row.high_ms);
      break;
    case low:
      sqlite3_result_double(result, row.low);
      break;
    case high:
      sqlite3_result_double(result, row.high);
      break;
    case part:
      sqlite3_result_int64(result, row.part);
      break;
    case born:
      sqlite3_result_int64(result, content.born);
      break;
  }
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = static_cast<sqlite3_int64>(place_of(cursor));
  return SQLITE_OK;
}

sqlite3_module const& module() {
  static auto const made =
      make_module<Table, Cursor>({connect, best_index, filter, next, is_at_end, column, row_id});
  return made;
}

}  // namespace

fhir::Result<NewRowsTable> NewRowsTable::make(Database& database) {
  auto* const content = new Content;  // SQLite deletes it, also when this fails
  int const code = sqlite3_create_module_v2(database.handle(), "new_rows", &module(), content,
                                            [](void* gone) { delete static_cast<Content*>(gone); });
  if (code != SQLITE_OK) return issue_of(code, "making a virtual table");
  return NewRowsTable(content);
}

void NewRowsTable::show(std::span<NewRow const> rows, std::int64_t born) const { *content_ = {rows, born}; }

}  // namespace gateway::store::sqlite
