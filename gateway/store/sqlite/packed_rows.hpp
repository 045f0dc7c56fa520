/// The index rows of one resource as bytes: the column `rows` of sql/0008_packed_rows.sql.
///
/// Row after row, each: the table (a byte), then param, part, born and died, then the columns of its table.
/// Whole numbers are varints (7 bits a byte, the lowest first; signed ones as zigzag), texts are led by their
/// length, reals are their 8 bytes, lowest first. `died` is 0 in a row that lives.
#pragma once

#include "gateway/store/index_rows.hpp"
#include "gateway/store/sqlite/rows.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::store::sqlite {

/// One row of the list; texts refer to the bytes it was read from.
struct PackedRow {
  IndexTable table = IndexTable::token;
  std::int64_t param = 0;
  std::int64_t part = 0;
  std::int64_t born = 0;
  std::int64_t died = kNever;
  std::int64_t low_ms = 0, high_ms = 0;
  double low = 0, high = 0;
  std::string_view value, first, second, third;

  bool lives() const { return died == kNever; }
  friend bool operator==(PackedRow const&, PackedRow const&) = default;
};

PackedRow to_packed(IndexRow const& row, std::int64_t param, std::int64_t born);
/// The row's value, without its code.
IndexRow to_index_row(PackedRow const& row);

void append_packed(PackedRow const& row, std::string& bytes);

/// Goes through a list from its begin.
class PackedRows {
 public:
  explicit PackedRows(std::string_view bytes) : rest_(bytes) {}
  /// False at the end, and where the bytes are no list: good() tells which.
  bool next(PackedRow& row);
  bool good() const { return good_; }

 private:
  std::int64_t integer();
  std::int64_t zigzag();
  double real();
  std::string_view text();

  std::string_view rest_;
  bool good_ = true;
};

}  // namespace gateway::store::sqlite
