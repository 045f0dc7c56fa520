#include "gateway/store/sqlite/index_tables.hpp"

#include "gateway/store/sqlite/index_writer.hpp"
#include "gateway/store/sqlite/new_rows.hpp"
#include "gateway/store/sqlite/reader.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace gateway::store::sqlite {
namespace {

constexpr std::string_view kInsertToken = R"(
  INSERT INTO search_token (param, code, resource_key, system, part, born, died, text)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (param, code, resource_key, system, part, born) DO UPDATE SET died = excluded.died, text = excluded.text)";
constexpr std::string_view kInsertNewToken = R"(
  INSERT OR FAIL INTO search_token (param, code, resource_key, system, part, born, died, text)
  SELECT param, value, resource_key, first, part, born, 9223372036854775807, second
  FROM new_rows)";
constexpr std::string_view kKillToken = R"(
  UPDATE search_token SET died = $1
  WHERE param = $2 AND code = $3 AND resource_key = $4 AND system = $5 AND part = $6 AND born = $7)";
constexpr std::string_view kKillAllToken = R"(
  UPDATE search_token SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingToken = R"(
  SELECT param, code, system, part, born, text
  FROM search_token INDEXED BY search_token_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeToken = R"(
  DELETE FROM search_token
  WHERE (param, code, resource_key, system, part, born) IN (
    SELECT param, code, resource_key, system, part, born
    FROM search_token INDEXED BY search_token_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

constexpr std::string_view kInsertString = R"(
  INSERT INTO search_string (param, normalised, resource_key, original, part, born, died)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (param, normalised, resource_key, original, part, born) DO UPDATE SET died = excluded.died)";
constexpr std::string_view kInsertNewString = R"(
  INSERT OR FAIL INTO search_string (param, normalised, resource_key, original, part, born, died)
  SELECT param, value, resource_key, first, part, born, 9223372036854775807
  FROM new_rows)";
constexpr std::string_view kKillString = R"(
  UPDATE search_string SET died = $1
  WHERE param = $2 AND normalised = $3 AND resource_key = $4 AND original = $5 AND part = $6 AND born = $7)";
constexpr std::string_view kKillAllString = R"(
  UPDATE search_string SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingString = R"(
  SELECT param, normalised, original, part, born
  FROM search_string INDEXED BY search_string_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeString = R"(
  DELETE FROM search_string
  WHERE (param, normalised, resource_key, original, part, born) IN (
    SELECT param, normalised, resource_key, original, part, born
    FROM search_string INDEXED BY search_string_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

constexpr std::string_view kInsertDate = R"(
  INSERT INTO search_date (param, low, high, resource_key, part, born, died)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (param, low, high, resource_key, part, born) DO UPDATE SET died = excluded.died)";
constexpr std::string_view kInsertNewDate = R"(
  INSERT OR FAIL INTO search_date (param, low, high, resource_key, part, born, died)
  SELECT param, low_ms, high_ms, resource_key, part, born, 9223372036854775807
  FROM new_rows)";
constexpr std::string_view kKillDate = R"(
  UPDATE search_date SET died = $1
  WHERE param = $2 AND low = $3 AND high = $4 AND resource_key = $5 AND part = $6 AND born = $7)";
constexpr std::string_view kKillAllDate = R"(
  UPDATE search_date SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingDate = R"(
  SELECT param, low, high, part, born
  FROM search_date INDEXED BY search_date_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeDate = R"(
  DELETE FROM search_date
  WHERE (param, low, high, resource_key, part, born) IN (
    SELECT param, low, high, resource_key, part, born
    FROM search_date INDEXED BY search_date_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

constexpr std::string_view kInsertReference = R"(
  INSERT INTO search_reference (param, target_id, resource_key, target_type, base, version, part, born, died)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (param, target_id, resource_key, target_type, base, version, part, born) DO UPDATE SET died = excluded.died)";
constexpr std::string_view kInsertNewReference = R"(
  INSERT OR FAIL INTO search_reference (param, target_id, resource_key, target_type, base, version, part, born, died)
  SELECT param, value, resource_key, first, second, third, part, born, 9223372036854775807
  FROM new_rows)";
constexpr std::string_view kKillReference = R"(
  UPDATE search_reference SET died = $1
  WHERE param = $2 AND target_id = $3 AND resource_key = $4 AND target_type = $5 AND base = $6 AND version = $7 AND part = $8 AND born = $9)";
constexpr std::string_view kKillAllReference = R"(
  UPDATE search_reference SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingReference = R"(
  SELECT param, target_id, target_type, base, version, part, born
  FROM search_reference INDEXED BY search_reference_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeReference = R"(
  DELETE FROM search_reference
  WHERE (param, target_id, resource_key, target_type, base, version, part, born) IN (
    SELECT param, target_id, resource_key, target_type, base, version, part, born
    FROM search_reference INDEXED BY search_reference_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

constexpr std::string_view kInsertUri = R"(
  INSERT INTO search_uri (param, uri, resource_key, part, born, died)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (param, uri, resource_key, part, born) DO UPDATE SET died = excluded.died)";
constexpr std::string_view kInsertNewUri = R"(
  INSERT OR FAIL INTO search_uri (param, uri, resource_key, part, born, died)
  SELECT param, value, resource_key, part, born, 9223372036854775807
  FROM new_rows)";
constexpr std::string_view kKillUri = R"(
  UPDATE search_uri SET died = $1
  WHERE param = $2 AND uri = $3 AND resource_key = $4 AND part = $5 AND born = $6)";
constexpr std::string_view kKillAllUri = R"(
  UPDATE search_uri SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingUri = R"(
  SELECT param, uri, part, born
  FROM search_uri INDEXED BY search_uri_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeUri = R"(
  DELETE FROM search_uri
  WHERE (param, uri, resource_key, part, born) IN (
    SELECT param, uri, resource_key, part, born
    FROM search_uri INDEXED BY search_uri_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

constexpr std::string_view kInsertNumber = R"(
  INSERT INTO search_number (param, low, high, resource_key, part, born, died)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (param, low, high, resource_key, part, born) DO UPDATE SET died = excluded.died)";
constexpr std::string_view kInsertNewNumber = R"(
  INSERT OR FAIL INTO search_number (param, low, high, resource_key, part, born, died)
  SELECT param, low, high, resource_key, part, born, 9223372036854775807
  FROM new_rows)";
constexpr std::string_view kKillNumber = R"(
  UPDATE search_number SET died = $1
  WHERE param = $2 AND low = $3 AND high = $4 AND resource_key = $5 AND part = $6 AND born = $7)";
constexpr std::string_view kKillAllNumber = R"(
  UPDATE search_number SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingNumber = R"(
  SELECT param, low, high, part, born
  FROM search_number INDEXED BY search_number_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeNumber = R"(
  DELETE FROM search_number
  WHERE (param, low, high, resource_key, part, born) IN (
    SELECT param, low, high, resource_key, part, born
    FROM search_number INDEXED BY search_number_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

constexpr std::string_view kInsertQuantity = R"(
  INSERT INTO search_quantity (param, low, high, resource_key, code, system, unit, part, born, died)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (param, low, high, resource_key, code, system, unit, part, born) DO UPDATE SET died = excluded.died)";
constexpr std::string_view kInsertNewQuantity = R"(
  INSERT OR FAIL INTO search_quantity (param, low, high, resource_key, code, system, unit, part, born, died)
  SELECT param, low, high, resource_key, value, first, second, part, born, 9223372036854775807
  FROM new_rows)";
constexpr std::string_view kKillQuantity = R"(
  UPDATE search_quantity SET died = $1
  WHERE param = $2 AND low = $3 AND high = $4 AND resource_key = $5 AND code = $6 AND system = $7 AND unit = $8 AND part = $9 AND born = $10)";
constexpr std::string_view kKillAllQuantity = R"(
  UPDATE search_quantity SET died = $1 WHERE resource_key = $2 AND died = 9223372036854775807)";
constexpr std::string_view kLivingQuantity = R"(
  SELECT param, low, high, code, system, unit, part, born
  FROM search_quantity INDEXED BY search_quantity_by_resource
  WHERE resource_key = $1 AND died = 9223372036854775807)";
constexpr std::string_view kPurgeQuantity = R"(
  DELETE FROM search_quantity
  WHERE (param, low, high, resource_key, code, system, unit, part, born) IN (
    SELECT param, low, high, resource_key, code, system, unit, part, born
    FROM search_quantity INDEXED BY search_quantity_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2))";

/// Binds the columns of a row's key from $first on, in the order of the tables' definitions; the next free
/// number.
int bind_key(Statement& statement, NewRow const& keyed, std::int64_t born, int number) {
  auto const& row = *keyed.row;
  auto const integer = [&](std::int64_t value) { statement.bind(number++, value); };
  auto const real = [&](double value) { statement.bind(number++, value); };
  auto const text = [&](std::string const& value) { statement.bind(number++, std::string_view(value)); };
  integer(keyed.param);
  switch (row.table) {
    case IndexTable::token:
      text(row.value);
      integer(keyed.resource_key);
      text(row.first);
      break;
    case IndexTable::string:
      text(row.value);
      integer(keyed.resource_key);
      text(row.first);
      break;
    case IndexTable::date:
      integer(row.low_ms);
      integer(row.high_ms);
      integer(keyed.resource_key);
      break;
    case IndexTable::reference:
      text(row.value);
      integer(keyed.resource_key);
      text(row.first);
      text(row.second);
      text(row.third);
      break;
    case IndexTable::uri:
      text(row.value);
      integer(keyed.resource_key);
      break;
    case IndexTable::number:
      real(row.low);
      real(row.high);
      integer(keyed.resource_key);
      break;
    case IndexTable::quantity:
      real(row.low);
      real(row.high);
      integer(keyed.resource_key);
      text(row.value);
      text(row.first);
      text(row.second);
      break;
  }
  integer(row.part);
  integer(born);
  return number;
}

/// Reads what kLiving... selects: the key without resource_key.
KeyedRow keyed_in(Statement const& from, IndexTable table, std::int64_t resource_key) {
  KeyedRow keyed;
  keyed.resource_key = resource_key;
  auto& row = keyed.row;
  row.table = table;
  int column = 0;
  keyed.param = from.integer(column++);
  switch (table) {
    case IndexTable::token:
    case IndexTable::string:
      row.value = from.text(column++);
      row.first = from.text(column++);
      break;
    case IndexTable::date:
      row.low_ms = from.integer(column++);
      row.high_ms = from.integer(column++);
      break;
    case IndexTable::reference:
      row.value = from.text(column++);
      row.first = from.text(column++);
      row.second = from.text(column++);
      row.third = from.text(column++);
      break;
    case IndexTable::uri:
      row.value = from.text(column++);
      break;
    case IndexTable::number:
      row.low = from.real(column++);
      row.high = from.real(column++);
      break;
    case IndexTable::quantity:
      row.low = from.real(column++);
      row.high = from.real(column++);
      row.value = from.text(column++);
      row.first = from.text(column++);
      row.second = from.text(column++);
      break;
  }
  row.part = from.integer(column++);
  keyed.born = from.integer(column++);
  if (table == IndexTable::token) row.second = from.text(column);
  return keyed;
}

struct Statements {
  std::string_view insert, insert_new, kill, kill_all, living, purge;
};

constexpr std::array<Statements, kIndexTables> kStatements = {{
    {kInsertToken, kInsertNewToken, kKillToken, kKillAllToken, kLivingToken, kPurgeToken},
    {kInsertString, kInsertNewString, kKillString, kKillAllString, kLivingString, kPurgeString},
    {kInsertDate, kInsertNewDate, kKillDate, kKillAllDate, kLivingDate, kPurgeDate},
    {kInsertReference, kInsertNewReference, kKillReference, kKillAllReference, kLivingReference,
     kPurgeReference},
    {kInsertUri, kInsertNewUri, kKillUri, kKillAllUri, kLivingUri, kPurgeUri},
    {kInsertNumber, kInsertNewNumber, kKillNumber, kKillAllNumber, kLivingNumber, kPurgeNumber},
    {kInsertQuantity, kInsertNewQuantity, kKillQuantity, kKillAllQuantity, kLivingQuantity, kPurgeQuantity},
}};

Statements const& statements_of(IndexTable table) { return kStatements[static_cast<std::size_t>(table)]; }

}  // namespace

bool in_key_order(NewRow const& left, NewRow const& right) {
  auto const key = [](NewRow const& keyed) {
    auto const& row = *keyed.row;
    return std::tie(row.table, keyed.param, row.low_ms, row.high_ms, row.low, row.high);
  };
  if (key(left) != key(right)) return key(left) < key(right);
  // Numbers lead the key of quantities, the value that of all others; then the resource, then the rest.
  if (left.row->table == IndexTable::quantity)
    return std::tie(left.resource_key, *left.row) < std::tie(right.resource_key, *right.row);
  return std::tie(left.row->value, left.resource_key, *left.row) <
         std::tie(right.row->value, right.resource_key, *right.row);
}

bool is_same_value(IndexRow const& left, IndexRow const& right) {
  auto const all = [](IndexRow const& row) {
    return std::tie(row.table, row.low_ms, row.high_ms, row.low, row.high, row.part, row.value, row.first,
                    row.second, row.third);
  };
  return all(left) == all(right);
}

fhir::Result<void> insert_row(Database& database, NewRow const& row, std::int64_t born) {
  auto statement = database.prepare(statements_of(row.row->table).insert);
  int const next = bind_key(statement, row, born, 1);
  statement.bind(next, kNever);
  if (row.row->table == IndexTable::token) statement.bind(next + 1, std::string_view(row.row->second));
  return statement.run();
}

fhir::Result<IndexWriter> IndexWriter::make(Database& database) {
  FHIR_TRY(auto const table, NewRowsTable::make(database));
  return IndexWriter(table);
}

fhir::Result<void> IndexWriter::insert(Database& database, std::span<NewRow const> rows,
                                       std::int64_t born) const {
  for (auto from = rows.begin(); from != rows.end();) {
    auto const table = from->row->table;
    auto const to =
        std::find_if(from, rows.end(), [&](NewRow const& row) { return row.row->table != table; });
    new_rows_.show({from, to}, born);
    auto const inserted = database.prepare(statements_of(table).insert_new).run();
    new_rows_.show({}, 0);
    if (!inserted) return inserted.error();
    from = to;
  }
  return {};
}

fhir::Result<std::vector<KeyedRow>> living_rows(Database& database, std::int64_t resource_key) {
  std::vector<KeyedRow> rows;
  for (int number = 0; number < kIndexTables; ++number) {
    auto const table = static_cast<IndexTable>(number);
    auto statement = database.prepare(statements_of(table).living);
    statement.bind(1, resource_key);
    for (;;) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) break;
      rows.push_back(keyed_in(statement, table, resource_key));
    }
  }
  return rows;
}

fhir::Result<void> kill_row(Database& database, KeyedRow const& row, std::int64_t died) {
  auto statement = database.prepare(statements_of(row.row.table).kill);
  statement.bind(1, died);
  bind_key(statement, {row.param, row.resource_key, &row.row}, row.born, 2);
  return statement.run();
}

fhir::Result<void> kill_all_rows(Database& database, std::int64_t resource_key, std::int64_t died) {
  for (auto const& statements : kStatements) {
    auto statement = database.prepare(statements.kill_all);
    statement.bind(1, died).bind(2, resource_key);
    FHIR_CHECK(statement.run());
  }
  return {};
}

fhir::Result<std::int64_t> purge_rows(Database& database, std::int64_t horizon, std::int64_t limit) {
  std::int64_t purged = 0;
  for (auto const& statements : kStatements) {
    auto statement = database.prepare(statements.purge);
    statement.bind(1, horizon).bind(2, limit);
    FHIR_CHECK(statement.run());
    purged += database.rows_changed();
  }
  return purged;
}

}  // namespace gateway::store::sqlite
