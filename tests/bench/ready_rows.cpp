#include "tests/bench/ready_rows.hpp"

#include "gateway/store/store.hpp"
#include "tests/bench/harness.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <functional>
#include <stdexcept>

namespace bench {

namespace {

using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

class Connection {
 public:
  explicit Connection(std::string const& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("cannot open " + path);
  }
  ~Connection() { sqlite3_close(handle_); }
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  Statement prepare(std::string const& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      throw std::runtime_error(fmt::format("{}: {}", sql, sqlite3_errmsg(handle_)));
    }
    return {statement, sqlite3_finalize};
  }
  void execute(char const* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error(fmt::format("{}: {}", sql, sqlite3_errmsg(handle_)));
    }
  }
  void each(std::string const& sql, std::function<void(sqlite3_stmt*)> const& take) {
    auto const statement = prepare(sql);
    while (sqlite3_step(statement.get()) == SQLITE_ROW) take(statement.get());
  }
  std::string message() const { return sqlite3_errmsg(handle_); }

 private:
  sqlite3* handle_ = nullptr;
};

std::string text(sqlite3_stmt* statement, int column) {
  auto const* const bytes = reinterpret_cast<char const*>(sqlite3_column_text(statement, column));
  return bytes == nullptr ? "" : bytes;
}

/// What a row was committed by, where its table says so.
std::string commit_order(std::vector<std::string> const& columns) {
  for (auto const* const name :
       {"born", "commit_seq", "version_key", "journal_id", "outbox_id", "resource_key"}) {
    if (std::find(columns.begin(), columns.end(), name) != columns.end()) return name;
  }
  return "random()";  // keys as scattered within a group as they were
}

/// An empty store and its schema; the gateway's own code makes it.
void make_store(std::string const& path) {
  remove_store(path);
  auto store = gateway::store::open_sqlite({.path = path}, [] { return std::int64_t{1'700'000'000'000}; });
  if (!store) throw std::runtime_error(fhir::to_line(store.error()));
}

}  // namespace

void remove_store(std::string const& path) {
  for (auto const* const suffix : {"", "-wal", "-shm", ".seq"}) std::filesystem::remove(path + suffix);
}

ReadyRows::ReadyRows(std::string const& path, std::size_t groups) : groups_(groups) {
  Connection from(path);
  std::vector<std::string> names;
  from.each("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            [&](sqlite3_stmt* row) { names.push_back(text(row, 0)); });
  for (auto const& name : names) {
    if (name == "store_state" || name.find("migration") != std::string::npos)
      continue;  // a fresh store has them
    std::vector<std::string> columns, key;
    from.each(fmt::format("SELECT name, pk FROM pragma_table_info('{}')", name), [&](sqlite3_stmt* row) {
      columns.push_back(text(row, 0));
      if (sqlite3_column_int(row, 1) != 0) key.push_back(columns.back());
    });
    auto const& list = fmt::format("{}", fmt::join(columns, ", "));
    Table table{name, columns.size(), {}};
    table.groups.resize(groups);
    from.each(
        fmt::format("SELECT {0}, ntile({1}) OVER (ORDER BY {2}) AS part FROM {3} ORDER BY part{4}{5}", list,
                    groups, commit_order(columns), name, key.empty() ? "" : ", ", fmt::join(key, ", ")),
        [&](sqlite3_stmt* row) {
          auto const group =
              static_cast<std::size_t>(sqlite3_column_int64(row, static_cast<int>(columns.size())));
          auto& kept = table.groups[group - 1].emplace_back();
          for (int column = 0; column < static_cast<int>(columns.size()); ++column) {
            kept.emplace_back(sqlite3_value_dup(sqlite3_column_value(row, column)));
          }
        });
    tables_.push_back(std::move(table));
  }
}

std::size_t ReadyRows::rows() const {
  std::size_t all = 0;
  for (auto const& table : tables_) {
    for (auto const& group : table.groups) all += group.size();
  }
  return all;
}

double ReadyRows::commit_again(std::string const& path) const {
  make_store(path);
  Connection into(path);
  into.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536");
  std::vector<Statement> inserts;
  for (auto const& table : tables_) {
    std::string marks = "?";
    for (std::size_t column = 1; column < table.columns; ++column) marks += ", ?";
    inserts.push_back(into.prepare(fmt::format("INSERT INTO {} VALUES ({})", table.name, marks)));
  }
  auto const update = into.prepare("UPDATE store_state SET commit_seq = commit_seq + 1 WHERE one = 1");
  auto const start = Clock::now();
  for (std::size_t group = 0; group < groups_; ++group) {
    into.execute("BEGIN IMMEDIATE");
    for (std::size_t at = 0; at < tables_.size(); ++at) {
      auto* const insert = inserts[at].get();
      for (auto const& row : tables_[at].groups[group]) {
        for (std::size_t column = 0; column < row.size(); ++column) {
          sqlite3_bind_value(insert, static_cast<int>(column) + 1, row[column].get());
        }
        if (sqlite3_step(insert) != SQLITE_DONE) {
          throw std::runtime_error(tables_[at].name + ": " + into.message());
        }
        sqlite3_reset(insert);
      }
    }
    sqlite3_step(update.get());
    sqlite3_reset(update.get());
    into.execute("COMMIT");
  }
  return seconds_since(start);
}

}  // namespace bench
