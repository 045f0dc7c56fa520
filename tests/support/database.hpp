/// A read-only look into the gateway's SQLite file, past all of its code. And the digest that ledgers are
/// written with.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace support {

class Database {
 public:
  /// Throws std::runtime_error when the file cannot be opened.
  explicit Database(std::string const& path);
  ~Database();
  Database(Database const&) = delete;
  Database& operator=(Database const&) = delete;

  /// One row: its columns as bytes ("" for NULL).
  using Row = std::vector<std::string>;
  /// Parameters are bound as text to ?1, ?2 ... Throws with SQLite's words.
  void each(std::string const& sql, std::vector<std::string> const& parameters,
            std::function<void(Row const&)> const& take);
  std::vector<Row> rows(std::string const& sql, std::vector<std::string> const& parameters = {});
  /// The first column of the first row, "" when there is none.
  std::string text(std::string const& sql, std::vector<std::string> const& parameters = {});
  std::int64_t number(std::string const& sql, std::vector<std::string> const& parameters = {});

 private:
  sqlite3* handle_ = nullptr;
};

/// Runs statements that change the file; for copies that are to be harmed. Throws with SQLite's words.
void execute(std::string const& path, std::string const& sql);

std::string sha256_hex(std::string_view bytes);

}  // namespace support
