#include "gateway/store/sqlite/packed_rows.hpp"

#include <bit>
#include <cstring>

namespace gateway::store::sqlite {
namespace {

constexpr unsigned kBits = 7;
constexpr unsigned kMore = 1U << kBits;

void append_integer(std::uint64_t value, std::string& bytes) {
  for (; value >= kMore; value >>= kBits) bytes.push_back(static_cast<char>(value | kMore));
  bytes.push_back(static_cast<char>(value));
}

void append_integer(std::int64_t value, std::string& bytes) {
  append_integer(static_cast<std::uint64_t>(value), bytes);
}

void append_zigzag(std::int64_t value, std::string& bytes) {
  auto const sign = static_cast<std::uint64_t>(value < 0 ? -1 : 0);
  append_integer((static_cast<std::uint64_t>(value) << 1U) ^ sign, bytes);
}

void append_real(double value, std::string& bytes) {
  static_assert(std::endian::native == std::endian::little);
  char eight[sizeof value];
  std::memcpy(eight, &value, sizeof value);
  bytes.append(eight, sizeof eight);
}

void append_text(std::string_view text, std::string& bytes) {
  append_integer(std::uint64_t{text.size()}, bytes);
  bytes.append(text);
}

}  // namespace

PackedRow to_packed(IndexRow const& row, std::int64_t param, std::int64_t born) {
  return {row.table, param,    row.part,  born,      kNever,     row.low_ms, row.high_ms,
          row.low,   row.high, row.value, row.first, row.second, row.third};
}

IndexRow to_index_row(PackedRow const& row) {
  IndexRow plain;
  plain.table = row.table;
  plain.value = row.value;
  plain.first = row.first;
  plain.second = row.second;
  plain.third = row.third;
  plain.low_ms = row.low_ms;
  plain.high_ms = row.high_ms;
  plain.low = row.low;
  plain.high = row.high;
  plain.part = row.part;
  return plain;
}

void append_packed(PackedRow const& row, std::string& bytes) {
  bytes.push_back(static_cast<char>(row.table));
  append_integer(row.param, bytes);
  append_integer(row.part, bytes);
  append_integer(row.born, bytes);
  append_integer(row.lives() ? 0 : row.died, bytes);
  switch (row.table) {
    case IndexTable::token:
      for (auto const text : {row.value, row.first, row.second}) append_text(text, bytes);
      break;
    case IndexTable::string:
      for (auto const text : {row.value, row.first}) append_text(text, bytes);
      break;
    case IndexTable::date:
      for (auto const instant : {row.low_ms, row.high_ms}) append_zigzag(instant, bytes);
      break;
    case IndexTable::reference:
      for (auto const text : {row.value, row.first, row.second, row.third}) append_text(text, bytes);
      break;
    case IndexTable::uri:
      append_text(row.value, bytes);
      break;
    case IndexTable::number:
      for (auto const bound : {row.low, row.high}) append_real(bound, bytes);
      break;
    case IndexTable::quantity:
      for (auto const bound : {row.low, row.high}) append_real(bound, bytes);
      for (auto const text : {row.value, row.first, row.second}) append_text(text, bytes);
      break;
  }
}

bool PackedRows::next(PackedRow& row) {
  if (rest_.empty() || !good_) return false;
  auto const table = static_cast<unsigned char>(rest_.front());
  rest_.remove_prefix(1);
  if (table >= kIndexTables) return good_ = false;
  row = {};
  row.table = static_cast<IndexTable>(table);
  row.param = integer();
  row.part = integer();
  row.born = integer();
  if (auto const died = integer(); died != 0) row.died = died;
  switch (row.table) {
    case IndexTable::token:
      for (auto* const at : {&row.value, &row.first, &row.second}) *at = text();
      break;
    case IndexTable::string:
      for (auto* const at : {&row.value, &row.first}) *at = text();
      break;
    case IndexTable::date:
      for (auto* const at : {&row.low_ms, &row.high_ms}) *at = zigzag();
      break;
    case IndexTable::reference:
      for (auto* const at : {&row.value, &row.first, &row.second, &row.third}) *at = text();
      break;
    case IndexTable::uri:
      row.value = text();
      break;
    case IndexTable::number:
      for (auto* const at : {&row.low, &row.high}) *at = real();
      break;
    case IndexTable::quantity:
      for (auto* const at : {&row.low, &row.high}) *at = real();
      for (auto* const at : {&row.value, &row.first, &row.second}) *at = text();
      break;
  }
  return good_;
}

std::int64_t PackedRows::integer() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += kBits) {
    auto const byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & (kMore - 1)) << shift;
    if (byte < kMore) return static_cast<std::int64_t>(value);
  }
  good_ = false;
  return 0;
}

std::int64_t PackedRows::zigzag() {
  auto const value = static_cast<std::uint64_t>(integer());
  return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1));
}

double PackedRows::real() {
  double value = 0;
  if (rest_.size() < sizeof value) {
    good_ = false;
    return 0;
  }
  std::memcpy(&value, rest_.data(), sizeof value);
  rest_.remove_prefix(sizeof value);
  return value;
}

std::string_view PackedRows::text() {
  auto const size = static_cast<std::uint64_t>(integer());
  if (size > rest_.size()) {
    good_ = false;
    return {};
  }
  auto const text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

}  // namespace gateway::store::sqlite
