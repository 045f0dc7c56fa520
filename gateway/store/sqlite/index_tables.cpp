#include "gateway/store/sqlite/index_tables.hpp"

#include "gateway/store/sqlite/index_writer.hpp"
#include "gateway/store/sqlite/new_rows.hpp"
#include "gateway/store/sqlite/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
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
constexpr std::string_view kPurgeToken = R"(
  DELETE FROM search_token
  WHERE (param, code, resource_key, system, part, born) IN (
    SELECT param, code, resource_key, system, part, born
    FROM search_token INDEXED BY search_token_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

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
constexpr std::string_view kPurgeString = R"(
  DELETE FROM search_string
  WHERE (param, normalised, resource_key, original, part, born) IN (
    SELECT param, normalised, resource_key, original, part, born
    FROM search_string INDEXED BY search_string_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

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
constexpr std::string_view kPurgeDate = R"(
  DELETE FROM search_date
  WHERE (param, low, high, resource_key, part, born) IN (
    SELECT param, low, high, resource_key, part, born
    FROM search_date INDEXED BY search_date_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

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
constexpr std::string_view kPurgeReference = R"(
  DELETE FROM search_reference
  WHERE (param, target_id, resource_key, target_type, base, version, part, born) IN (
    SELECT param, target_id, resource_key, target_type, base, version, part, born
    FROM search_reference INDEXED BY search_reference_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

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
constexpr std::string_view kPurgeUri = R"(
  DELETE FROM search_uri
  WHERE (param, uri, resource_key, part, born) IN (
    SELECT param, uri, resource_key, part, born
    FROM search_uri INDEXED BY search_uri_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

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
constexpr std::string_view kPurgeNumber = R"(
  DELETE FROM search_number
  WHERE (param, low, high, resource_key, part, born) IN (
    SELECT param, low, high, resource_key, part, born
    FROM search_number INDEXED BY search_number_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

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
constexpr std::string_view kPurgeQuantity = R"(
  DELETE FROM search_quantity
  WHERE (param, low, high, resource_key, code, system, unit, part, born) IN (
    SELECT param, low, high, resource_key, code, system, unit, part, born
    FROM search_quantity INDEXED BY search_quantity_dead
    WHERE died <= $1 AND died < 9223372036854775807 LIMIT $2)
  RETURNING resource_key)";

constexpr std::string_view kSelectRows = "SELECT rows FROM search_rows WHERE resource_key = $1";
constexpr std::string_view kUpsertRows = R"(
  INSERT INTO search_rows (resource_key, rows) VALUES ($1, $2)
  ON CONFLICT (resource_key) DO UPDATE SET rows = excluded.rows)";

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

struct Statements {
  std::string_view insert, insert_new, kill, purge;
};

constexpr std::array<Statements, kIndexTables> kStatements = {{
    {kInsertToken, kInsertNewToken, kKillToken, kPurgeToken},
    {kInsertString, kInsertNewString, kKillString, kPurgeString},
    {kInsertDate, kInsertNewDate, kKillDate, kPurgeDate},
    {kInsertReference, kInsertNewReference, kKillReference, kPurgeReference},
    {kInsertUri, kInsertNewUri, kKillUri, kPurgeUri},
    {kInsertNumber, kInsertNewNumber, kKillNumber, kPurgeNumber},
    {kInsertQuantity, kInsertNewQuantity, kKillQuantity, kPurgeQuantity},
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

bool is_same_value(IndexRow const& left, PackedRow const& right) {
  return left.table == right.table && left.part == right.part && left.low_ms == right.low_ms &&
         left.high_ms == right.high_ms && left.low == right.low && left.high == right.high &&
         left.value == right.value && left.first == right.first && left.second == right.second &&
         left.third == right.third;
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

fhir::Result<std::string> rows_of(Database& database, std::int64_t resource_key) {
  auto statement = database.prepare(kSelectRows);
  statement.bind(1, resource_key);
  FHIR_TRY(bool const found, statement.step());
  return found ? std::string(statement.text(0)) : std::string{};
}

fhir::Result<void> put_rows(Database& database, std::int64_t resource_key, std::string_view packed) {
  auto statement = database.prepare(kUpsertRows);
  statement.bind(1, resource_key).bind_blob(2, packed);
  return statement.run();
}

fhir::Issue broken_rows(std::int64_t resource_key) {
  return fhir::error(fhir::IssueType::exception,
                     fmt::format("The list of index rows of resource {} cannot be read.", resource_key));
}

fhir::Result<void> kill_row(Database& database, PackedRow const& row, std::int64_t resource_key,
                            std::int64_t died) {
  auto statement = database.prepare(statements_of(row.table).kill);
  auto const plain = to_index_row(row);
  statement.bind(1, died);
  bind_key(statement, {row.param, resource_key, &plain}, row.born, 2);
  return statement.run();
}

fhir::Result<void> kill_all_rows(Database& database, std::int64_t resource_key, std::int64_t died) {
  FHIR_TRY(auto const packed, rows_of(database, resource_key));
  std::string left;
  PackedRows rows(packed);
  for (PackedRow row; rows.next(row);) {
    if (row.lives()) {
      FHIR_CHECK(kill_row(database, row, resource_key, died));
      row.died = died;
    }
    if (row.born < row.died) append_packed(row, left);
  }
  if (!rows.good()) return broken_rows(resource_key);
  return put_rows(database, resource_key, left);
}

namespace {

/// Drops from a resource's list what died at or before `horizon`.
fhir::Result<void> purge_list(Database& database, std::int64_t resource_key, std::int64_t horizon) {
  FHIR_TRY(auto const packed, rows_of(database, resource_key));
  std::string left;
  PackedRows rows(packed);
  for (PackedRow row; rows.next(row);) {
    if (row.died > horizon) append_packed(row, left);
  }
  if (!rows.good()) return broken_rows(resource_key);
  return put_rows(database, resource_key, left);
}

}  // namespace

fhir::Result<std::int64_t> purge_rows(Database& database, std::int64_t horizon, std::int64_t limit) {
  std::int64_t purged = 0;
  std::set<std::int64_t> resources;
  for (auto const& statements : kStatements) {
    auto statement = database.prepare(statements.purge);
    statement.bind(1, horizon).bind(2, limit);
    for (;; ++purged) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) break;
      resources.insert(statement.integer(0));
    }
  }
  for (auto const resource_key : resources) FHIR_CHECK(purge_list(database, resource_key, horizon));
  return purged;
}

}  // namespace gateway::store::sqlite
