// The parts below the store that can be tried alone.
#include "gateway/store/crc32c.hpp"
#include "gateway/store/hash.hpp"
#include "gateway/store/instant.hpp"
#include "gateway/store/sqlite/database.hpp"
#include "gateway/store/sqlite/packed_rows.hpp"
#include "gateway/store/sqlite/search_plan.hpp"
#include "gateway/store/sqlite/side_file.hpp"
#include "tests/gateway/store/store_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace gateway::store {
namespace {

using sqlite::Database;
using sqlite::PackedRow;
using sqlite::PackedRows;
using sqlite::SearchCursor;
using sqlite::SideFile;

TEST(Crc32c, AgreesWithThePublishedVectors) {
  // RFC 3720 B.4, and the check value of the CRC catalogue.
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
}

TEST(Crc32c, TheFastAndThePortableWayAgreeAtEveryLengthAndSplit) {
  std::string text;
  for (int length = 0; length < 70; ++length) {
    EXPECT_EQ(crc32c(text), crc32c_portable(text));
    for (std::size_t cut = 0; cut <= text.size(); ++cut)
      EXPECT_EQ(crc32c(std::string_view(text).substr(cut), crc32c(std::string_view(text).substr(0, cut))),
                crc32c(text));
    text.push_back(static_cast<char>(length * 37 + 11));
  }
}

TEST(Hash, ChainsAsSha256OfPreviousHashAndBody) {
  EXPECT_EQ(sha256_hex({"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(chain_hash("ab", "c"), sha256_hex({"abc"}));
}

TEST(Instant, IsUtcWithMilliseconds) {
  EXPECT_EQ(to_instant(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_instant(1'709'251'199'007), "2024-02-29T23:59:59.007Z");
}

// SQLite numbers $n by first appearance: bound by position, this statement would silently swap its
// parameters.
TEST(Statement, DollarTwoBeforeDollarOneIsBoundByName) {
  auto const directory = unique_directory();
  {
    auto database = Database::open(directory + "/x.db", true, 1);
    ASSERT_TRUE(database);
    auto statement = database->prepare("SELECT $2, $1");
    statement.bind(1, std::string_view("first")).bind(2, std::string_view("second"));
    ASSERT_TRUE(*statement.step());
    EXPECT_EQ(statement.text(0), "second");
    EXPECT_EQ(statement.text(1), "first");
  }
  std::filesystem::remove_all(directory);
}

TEST(Statement, BindingWhatIsNotThereIsAnErrorAndNotSilence) {
  auto const directory = unique_directory();
  {
    auto database = Database::open(directory + "/x.db", true, 1);
    auto statement = database->prepare("SELECT $1");
    statement.bind(2, std::int64_t{1});
    EXPECT_FALSE(statement.step());
    EXPECT_FALSE(database->prepare("SELECT nothing FROM nowhere").step());
  }
  std::filesystem::remove_all(directory);
}

/// One row of each table, with values that a varint or a double might get wrong.
std::vector<PackedRow> rows_of_each_table() {
  static std::string const kLong(300, 'x');
  std::vector<PackedRow> rows;
  for (int table = 0; table < kIndexTables; ++table) {
    for (std::int64_t const number : {std::int64_t{0}, std::int64_t{127}, std::int64_t{128}, INT64_MAX - 1}) {
      PackedRow row;
      row.table = static_cast<IndexTable>(table);
      row.param = number / 2;
      row.part = number % 5;
      row.born = number;
      if (number % 2 == 1) row.died = number + 1;
      auto const is = [&](std::initializer_list<IndexTable> tables) {
        return std::find(tables.begin(), tables.end(), row.table) != tables.end();
      };
      using T = IndexTable;
      if (is({T::date})) row.low_ms = -number, row.high_ms = number;
      if (is({T::number, T::quantity}))
        row.low = -std::numeric_limits<double>::infinity(), row.high = 0.1 * static_cast<double>(number);
      if (!is({T::date, T::number})) row.value = number == 127 ? std::string_view(kLong) : "v\0w";
      if (is({T::token, T::string, T::reference, T::quantity})) row.first = "first";
      if (is({T::token, T::reference, T::quantity})) row.second = number == 0 ? "" : "second";
      if (is({T::reference})) row.third = "3";
      rows.push_back(row);
    }
  }
  return rows;
}

std::string packed(std::vector<PackedRow> const& rows) {
  std::string bytes;
  for (auto const& row : rows) append_packed(row, bytes);
  return bytes;
}

std::vector<PackedRow> unpacked(std::string_view bytes, bool& good) {
  std::vector<PackedRow> rows;
  PackedRows list(bytes);
  for (PackedRow row; list.next(row);) rows.push_back(row);
  good = list.good();
  return rows;
}

TEST(PackedRows, ReadBackAsTheyWereWritten) {
  auto const rows = rows_of_each_table();
  bool good = false;
  EXPECT_EQ(unpacked(packed(rows), good), rows);
  EXPECT_TRUE(good);
}

TEST(PackedRows, AListThatIsCutOrOfAnUnknownTableIsNotGood) {
  for (auto const& row : rows_of_each_table()) {
    auto const bytes = packed({row});
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      bool good = true;
      EXPECT_TRUE(unpacked(std::string_view(bytes).substr(0, size), good).empty());
      EXPECT_FALSE(good) << size << " of " << bytes.size();
    }
  }
  bool good = true;
  EXPECT_TRUE(unpacked("\x07\x01\x01\x01\x01", good).empty());
  EXPECT_FALSE(good);
  EXPECT_TRUE(unpacked("\x04" + std::string(11, '\xff'), good).empty()) << "a number without an end";
  EXPECT_FALSE(good);
}

TEST(SideFile, RemembersTheLastNumberAndSurvivesATornSlot) {
  auto const directory = unique_directory();
  auto const path = directory + "/x.seq";
  {
    auto file = SideFile::open(path);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->commit_seq(), 0);
    ASSERT_TRUE(file->write(41));
    ASSERT_TRUE(file->write(42));
    EXPECT_EQ(SideFile::open(path).error().code, fhir::IssueType::lock_error) << "one process at a time";
  }
  EXPECT_EQ(SideFile::open(path)->commit_seq(), 42);
  // The second write went to the second slot, at byte 512.
  std::filesystem::resize_file(path, 512 + 8);
  EXPECT_EQ(SideFile::open(path)->commit_seq(), 41);
  std::filesystem::remove_all(directory);
}

TEST(SearchCursor, AnyCursorReadsBackAsItWas) {
  SearchCursor cursor{7, 12, 99, {}};
  cursor.values = {std::monostate{},
                   std::int64_t{-5},
                   0.1,
                   std::string("a b:c \xC3\xA9"),
                   -2.5,
                   std::numeric_limits<double>::infinity()};
  auto const read = sqlite::parse_cursor(to_text(cursor));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->seq, 7);
  EXPECT_EQ(read->total, 12);
  EXPECT_EQ(read->resource_key, 99);
  EXPECT_EQ(read->values, cursor.values);
  EXPECT_FALSE(sqlite::parse_cursor("7 -1 99")->total);
}

TEST(SearchCursor, NonsenseIsRefused) {
  for (auto const* text :
       {"", "7", "7 1", "x 1 2", "7 1 2 s9:short", "7 1 2 q", "7 1 2 s", "7 1 2  i1", "7 1 2 "})
    EXPECT_FALSE(sqlite::parse_cursor(text)) << text;
}

}  // namespace
}  // namespace gateway::store
