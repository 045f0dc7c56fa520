#include "tests/support/database.hpp"

#include <openssl/evp.h>
#include <sqlite3.h>

#include <memory>
#include <stdexcept>

namespace support {

Database::Database(std::string const& path) {
  if (sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK) {
    sqlite3_close(handle_);
    throw std::runtime_error("cannot open " + path);
  }
  sqlite3_busy_timeout(handle_, 60'000);
}

Database::~Database() { sqlite3_close(handle_); }

void Database::each(std::string const& sql, std::vector<std::string> const& parameters,
                    std::function<void(Row const&)> const& take) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(handle_));
  }
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> const statement(raw, sqlite3_finalize);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    sqlite3_bind_text(raw, static_cast<int>(i + 1), parameters[i].data(),
                      static_cast<int>(parameters[i].size()), SQLITE_TRANSIENT);
  }
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(raw)) == SQLITE_ROW) {
    Row row;
    for (int column = 0; column < sqlite3_column_count(raw); ++column) {
      auto const* const bytes = static_cast<char const*>(sqlite3_column_blob(raw, column));
      row.emplace_back(bytes == nullptr ? "" : bytes,
                       static_cast<std::size_t>(sqlite3_column_bytes(raw, column)));
    }
    take(row);
  }
  if (step != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(handle_));
}

std::vector<Database::Row> Database::rows(std::string const& sql,
                                          std::vector<std::string> const& parameters) {
  std::vector<Row> all;
  each(sql, parameters, [&](Row const& row) { all.push_back(row); });
  return all;
}

std::string Database::text(std::string const& sql, std::vector<std::string> const& parameters) {
  auto const all = rows(sql, parameters);
  return all.empty() || all.front().empty() ? std::string{} : all.front().front();
}

std::int64_t Database::number(std::string const& sql, std::vector<std::string> const& parameters) {
  std::string const found = text(sql, parameters);
  return found.empty() ? 0 : std::stoll(found);
}

void execute(std::string const& path, std::string const& sql) {
  sqlite3* handle = nullptr;
  sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr);
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> const database(handle, sqlite3_close);
  if (sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(handle));
  }
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text.push_back("0123456789abcdef"[digest[i] >> 4]);
    text.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return text;
}

}  // namespace support
