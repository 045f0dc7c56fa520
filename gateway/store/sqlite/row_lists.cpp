#include "gateway/store/sqlite/row_lists.hpp"

#include "gateway/store/sqlite/packed_rows.hpp"
#include "gateway/store/sqlite/virtual_table.hpp"

#include <array>
#include <memory>
#include <span>

namespace gateway::store::sqlite {
namespace {

enum class Field : std::uint8_t { param, value, first, second, third, low, high, part, born, died, list };

/// One function: its name, its columns as SQL and as fields of a PackedRow.
struct Kind {
  char const* name;
  IndexTable table;
  char const* declaration;
  std::span<Field const> fields;
};

using enum Field;
constexpr std::array kToken{param, value, first, part, born, died, second, list};
constexpr std::array kString{param, value, first, part, born, died, list};
constexpr std::array kBounds{param, low, high, part, born, died, list};
constexpr std::array kReference{param, value, first, second, third, part, born, died, list};
constexpr std::array kUri{param, value, part, born, died, list};
constexpr std::array kQuantity{param, low, high, value, first, second, part, born, died, list};

constexpr std::array<Kind, kIndexTables> kKinds{{
    {"tokens_of", IndexTable::token,
     "CREATE TABLE x (param, code, system, part, born, died, text, list HIDDEN)", kToken},
    {"strings_of", IndexTable::string,
     "CREATE TABLE x (param, normalised, original, part, born, died, list HIDDEN)", kString},
    {"dates_of", IndexTable::date, "CREATE TABLE x (param, low, high, part, born, died, list HIDDEN)",
     kBounds},
    {"references_of", IndexTable::reference,
     "CREATE TABLE x (param, target_id, target_type, base, version, part, born, died, list HIDDEN)",
     kReference},
    {"uris_of", IndexTable::uri, "CREATE TABLE x (param, uri, part, born, died, list HIDDEN)", kUri},
    {"numbers_of", IndexTable::number, "CREATE TABLE x (param, low, high, part, born, died, list HIDDEN)",
     kBounds},
    {"quantities_of", IndexTable::quantity,
     "CREATE TABLE x (param, low, high, code, system, unit, part, born, died, list HIDDEN)", kQuantity},
}};

struct Table {
  sqlite3_vtab base{};
  Kind const* kind = nullptr;
};

struct Cursor {
  sqlite3_vtab_cursor base{};
  std::string bytes;
  PackedRows rows{{}};
  PackedRow row;
  std::int64_t number = 0;
  std::int64_t wanted = 0;  // the parameter; 0: any
  bool ended = true;
};

Kind const& kind_of(sqlite3_vtab* table) { return *reinterpret_cast<Table*>(table)->kind; }
Cursor& cursor_of(sqlite3_vtab_cursor* cursor) { return *reinterpret_cast<Cursor*>(cursor); }

int connect(sqlite3* handle, void* kind, int, char const* const*, sqlite3_vtab** made, char**) {
  auto table = std::make_unique<Table>();
  table->kind = static_cast<Kind const*>(kind);
  if (int const code = sqlite3_declare_vtab(handle, table->kind->declaration); code != SQLITE_OK) return code;
  sqlite3_vtab_config(handle, SQLITE_VTAB_INNOCUOUS);
  *made = &table.release()->base;
  return SQLITE_OK;
}

constexpr int kWithParam = 1;

/// The list must be given; a single parameter is looked for here.
int best_index(sqlite3_vtab* table, sqlite3_index_info* info) {
  auto const list_column = static_cast<int>(kind_of(table).fields.size()) - 1;
  bool has_list = false;
  for (int at = 0; at < info->nConstraint; ++at) {
    auto const& constraint = info->aConstraint[at];
    if (constraint.op != SQLITE_INDEX_CONSTRAINT_EQ || constraint.usable == 0) continue;
    auto& usage = info->aConstraintUsage[at];
    if (constraint.iColumn == list_column && !has_list) {
      has_list = true;
      usage.argvIndex = 1;
      usage.omit = 1;
    } else if (constraint.iColumn == 0 && info->idxNum == 0 && sqlite3_vtab_in(info, at, -1) == 0) {
      info->idxNum = kWithParam;
      usage.argvIndex = 2;
      usage.omit = 1;
    }
  }
  if (!has_list) return SQLITE_CONSTRAINT;
  info->estimatedCost = info->idxNum == kWithParam ? 2 : 20;
  info->estimatedRows = info->idxNum == kWithParam ? 2 : 20;
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* base) {
  auto& cursor = cursor_of(base);
  auto const table = kind_of(base->pVtab).table;
  while (cursor.rows.next(cursor.row)) {
    ++cursor.number;
    if (cursor.row.table == table && (cursor.wanted == 0 || cursor.row.param == cursor.wanted))
      return SQLITE_OK;
  }
  cursor.ended = true;
  return cursor.rows.good() ? SQLITE_OK : SQLITE_CORRUPT_VTAB;
}

int filter(sqlite3_vtab_cursor* base, int plan, char const*, int, sqlite3_value** arguments) {
  auto& cursor = cursor_of(base);
  auto const* const bytes = static_cast<char const*>(sqlite3_value_blob(arguments[0]));
  cursor.bytes.assign(bytes == nullptr ? "" : bytes,
                      static_cast<std::size_t>(sqlite3_value_bytes(arguments[0])));
  cursor.rows = PackedRows(cursor.bytes);
  cursor.number = 0;
  cursor.wanted = plan == kWithParam ? sqlite3_value_int64(arguments[1]) : 0;
  cursor.ended = false;
  return next(base);
}

int is_at_end(sqlite3_vtab_cursor* cursor) { return cursor_of(cursor).ended ? 1 : 0; }

int column(sqlite3_vtab_cursor* base, sqlite3_context* result, int number) {
  auto const& row = cursor_of(base).row;
  auto const text = [&](std::string_view bytes) {
    sqlite3_result_text64(result, bytes.data() == nullptr ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT,
                          SQLITE_UTF8);
  };
  auto const bound = [&](std::int64_t instant, double real) {
    if (row.table == IndexTable::date) {
      sqlite3_result_int64(result, instant);
    } else {
      sqlite3_result_double(result, real);
    }
  };
  switch (kind_of(base->pVtab).fields[static_cast<std::size_t>(number)]) {
    case param:
      sqlite3_result_int64(result, row.param);
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
    case low:
      bound(row.low_ms, row.low);
      break;
    case high:
      bound(row.high_ms, row.high);
      break;
    case part:
      sqlite3_result_int64(result, row.part);
      break;
    case born:
      sqlite3_result_int64(result, row.born);
      break;
    case died:
      sqlite3_result_int64(result, row.died);
      break;
    case list:
      sqlite3_result_null(result);
      break;
  }
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* cursor, sqlite3_int64* id) {
  *id = cursor_of(cursor).number;
  return SQLITE_OK;
}

sqlite3_module const& module() {
  static auto const made =
      make_module<Table, Cursor>({connect, best_index, filter, next, is_at_end, column, row_id});
  return made;
}

// pack_rows(kind, param, part, born, died, low, high, value, first, second, third)
constexpr int kPackArguments = 11;

std::string& bytes_of(sqlite3_context* context, bool make) {
  static std::string none;
  auto* const place = static_cast<std::string**>(
      sqlite3_aggregate_context(context, make ? static_cast<int>(sizeof(std::string*)) : 0));
  if (place == nullptr) return none;
  if (*place == nullptr && make) *place = std::make_unique<std::string>().release();
  return *place == nullptr ? none : **place;
}

void pack(sqlite3_context* context, int, sqlite3_value** arguments) {
  auto const integer = [&](int at) { return sqlite3_value_int64(arguments[at]); };
  auto const text = [&](int at) {
    auto const* const bytes = static_cast<char const*>(sqlite3_value_blob(arguments[at]));
    return bytes == nullptr
               ? std::string_view{}
               : std::string_view(bytes, static_cast<std::size_t>(sqlite3_value_bytes(arguments[at])));
  };
  PackedRow row;
  row.table = static_cast<IndexTable>(integer(0));
  row.param = integer(1);
  row.part = integer(2);
  row.born = integer(3);
  row.died = integer(4);
  row.low_ms = integer(5);
  row.high_ms = integer(6);
  row.low = sqlite3_value_double(arguments[5]);
  row.high = sqlite3_value_double(arguments[6]);
  row.value = text(7);
  row.first = text(8);
  row.second = text(9);
  row.third = text(10);
  append_packed(row, bytes_of(context, true));
}

void packed(sqlite3_context* context) {
  auto const& bytes = bytes_of(context, false);
  sqlite3_result_blob64(context, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  auto* const place = static_cast<std::string**>(sqlite3_aggregate_context(context, 0));
  if (place != nullptr) delete *place;
}

}  // namespace

fhir::Result<void> register_row_lists(Database& database) {
  for (auto const& kind : kKinds) {
    int const code =
        sqlite3_create_module_v2(database.handle(), kind.name, &module(), const_cast<Kind*>(&kind), nullptr);
    if (code != SQLITE_OK) return issue_of(code, "making a table-valued function");
  }
  int const code =
      sqlite3_create_function_v2(database.handle(), "pack_rows", kPackArguments,
                                 SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr, nullptr, pack, packed, nullptr);
  if (code != SQLITE_OK) return issue_of(code, "making a function");
  return {};
}

}  // namespace gateway::store::sqlite
