#include "fhir/date_time.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace fhir {
namespace {

TEST(DateTime, BeginsAndEndsByItsPrecision) {
  struct Case {
    std::string_view text;
    std::int64_t begin;
    std::int64_t end;
  };
  constexpr std::int64_t kDay = 86'400'000;
  Case const cases[] = {
      {"1970", 0, 365 * kDay},
      {"1970-02", 31 * kDay, 59 * kDay},
      {"1972-02", 761 * kDay, 790 * kDay},
      {"1969-12-31", -kDay, 0},
      {"1970-12", 334 * kDay, 365 * kDay},
      {"1970-01-01T00:00", 0, 60'000},
      {"1970-01-01T00:00:01", 1000, 2000},
      {"1970-01-01T00:00:00.5Z", 500, 501},
      {"1970-01-01T00:00:00.1239Z", 123, 124},
      {"1970-01-01T02:00:00+02:00", 0, 1000},
      {"1969-12-31T19:00:00-05:00", 0, 1000},
      {"1970-01-01T00:00:60Z", 60'000, 61'000},
      {"2013-01-14T10:00:00Z", 1'358'157'600'000, 1'358'157'601'000},
  };
  for (Case const& one : cases) {
    auto const value = parse_date_time(one.text);
    ASSERT_TRUE(value) << one.text;
    EXPECT_EQ(begin_ms(*value), one.begin) << one.text;
    EXPECT_EQ(end_ms(*value), one.end) << one.text;
  }
}

TEST(DateTime, RefusesWhatIsNoDate) {
  for (std::string_view const text : {"",
                                      "0000",
                                      "19",
                                      "19700",
                                      "1970-",
                                      "1970-1",
                                      "1970-13",
                                      "1970-00",
                                      "1970-02-30",
                                      "1971-02-29",
                                      "1900-02-29",
                                      "1970-01-32",
                                      "1970-01-01T",
                                      "1970-01-01T1",
                                      "1970-01-01T24:00:00Z",
                                      "1970-01-01T10:60:00Z",
                                      "1970-01-01T10:00:61Z",
                                      "1970-01-01T10:00:00.Z",
                                      "1970-01-01T10:00:00+15:00",
                                      "1970-01-01T10:00:00+14:30",
                                      "1970-01-01T10:00:00+0100",
                                      "1970-01-01T10:00:00z",
                                      "1970-01-01 10:00:00Z",
                                      "1970-01-01Z",
                                      " 1970",
                                      "1970 ",
                                      "-1970",
                                      "1970/01/01"}) {
    EXPECT_FALSE(parse_date_time(text)) << text;
  }
}

TEST(DateTime, TellsTimes) {
  for (std::string_view const text : {"00:00:00", "23:59:60", "12:34:56.789"})
    EXPECT_TRUE(is_time(text)) << text;
  for (std::string_view const text : {"", "12:34", "24:00:00", "12:34:56Z", "12:34:56.", "1:02:03"})
    EXPECT_FALSE(is_time(text)) << text;
}

}  // namespace
}  // namespace fhir
