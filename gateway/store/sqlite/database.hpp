/// One SQLite connection with its prepared statements: the only file that speaks the C interface with
/// database.cpp.
///
/// Statements are text constants, prepared once per connection and kept. `$n` is bound by name, because
/// SQLite numbers
/// `$n` by first appearance and not by n.
#pragma once

#include "fhir/result.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace gateway::store::sqlite {

/// A prepared statement in use; it goes back to its connection when this ends. Bound texts must live until
/// then.
class Statement {
 public:
  struct Prepared {
    sqlite3_stmt* handle = nullptr;
    std::vector<int> positions;  ///< Of $1, $2 ...
    bool in_use = false;
  };

  Statement(sqlite3* database, Prepared* prepared, int code)
      : database_(database), prepared_(prepared), code_(code) {}
  Statement(Statement&& other) noexcept;
  Statement(Statement const&) = delete;
  Statement& operator=(Statement&&) = delete;
  Statement& operator=(Statement const&) = delete;
  ~Statement();

  Statement& bind(int number, std::int64_t value);
  Statement& bind(int number, double value);
  Statement& bind(int number, std::string_view value);
  Statement& bind_blob(int number, std::string_view value);

  /// True when there is a row to read.
  fhir::Result<bool> step();
  /// Runs a statement that gives no rows, and makes it ready to be bound again.
  fhir::Result<void> run();
  /// Ready to be bound again; what was bound stays.
  void reset();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  ///< Good until the next step.
  /// Whatever stands there; monostate for NULL.
  std::variant<std::monostate, std::int64_t, double, std::string> value(int column) const;

 private:
  int position(int number);
  void note(int code);

  sqlite3* database_;
  Prepared* prepared_;
  int code_;
};

class Database {
 public:
  static constexpr int kBusyMilliseconds = 5000;  ///< How long a lock is waited for.

  static fhir::Result<Database> open(std::string const& path, bool writable, std::size_t cache_mib);
  Database(Database&& other) noexcept;
  Database& operator=(Database&&) = delete;
  Database(Database const&) = delete;
  Database& operator=(Database const&) = delete;
  ~Database();

  /// A statement whose text is a constant of the program: kept by its address.
  Statement prepare(std::string_view constant);
  /// A statement put together for one search: kept by its text, the least used ones given up.
  Statement prepare_composed(std::string const& sql);
  /// Runs statements without parameters or rows: pragmas, migrations, BEGIN, COMMIT.
  fhir::Result<void> execute(char const* sql);

  std::int64_t last_insert_key() const { return sqlite3_last_insert_rowid(handle_); }
  std::int64_t rows_changed() const { return sqlite3_changes64(handle_); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  /// Closing no longer copies the WAL into the database: after a failed sync it must stay as it is.
  void keep_wal() { sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }
  sqlite3* handle() { return handle_; }

 private:
  explicit Database(sqlite3* handle) : handle_(handle) {}
  int compile(std::string_view sql, Statement::Prepared& prepared);

  sqlite3* handle_ = nullptr;
  std::unordered_map<char const*, Statement::Prepared> constants_;
  std::map<std::string, Statement::Prepared> composed_;
};

/// The Issue of a SQLite result code: transient (busy, no memory), no_store (disk full), conflict (a rule of
/// the schema), exception (all else: failing disk, corrupt file).
fhir::Issue issue_of(int code, std::string_view doing);

}  // namespace gateway::store::sqlite
