/// The ceiling of every durable path: the very rows that a run of the gateway left behind, all in memory,
/// inserted again by one thread in group commits, each group's rows of a table in key order. What the gateway
/// updated on the way (versions that ended, records that moved on) is inserted once, as it ended: the ceiling
/// is on the generous side.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// The database file and all that lies beside it.
void remove_store(std::string const& path);

class ReadyRows {
 public:
  /// Reads the store at `path`, dealt into as many groups. Throws std::runtime_error.
  ReadyRows(std::string const& path, std::size_t groups);

  std::size_t rows() const;
  /// Inserts them into an empty store at `path` and returns how long that took.
  double commit_again(std::string const& path) const;

 private:
  struct FreeValue {
    void operator()(sqlite3_value* value) const { sqlite3_value_free(value); }
  };
  using Row = std::vector<std::unique_ptr<sqlite3_value, FreeValue>>;
  struct Table {
    std::string name;
    std::size_t columns = 0;
    std::vector<std::vector<Row>> groups;
  };

  std::size_t groups_;
  std::vector<Table> tables_;
};

}  // namespace bench
