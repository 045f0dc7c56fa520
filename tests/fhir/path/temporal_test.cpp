#include "fhir/path/temporal.hpp"

#include <gtest/gtest.h>

namespace fhir::path {
namespace {

Temporal day(std::string_view text) { return parse_date_or_date_time(text).value(); }

std::string moved(std::string_view text, std::string_view amount, CalendarUnit unit) {
  auto const result = move(day(text), *Decimal::parse(amount), unit);
  return result ? to_string(*result) : "nothing";
}

TEST(Temporal, IsWrittenAsItWasRead) {
  for (auto const* text :
       {"2015", "2015-02", "2015-02-04", "2015-02-04T14", "2015-02-04T14:34", "2015-02-04T14:34:28",
        "2015-02-04T14:34:28.123", "2015-02-04T14:34:28Z", "2015-02-04T14:34:28+10:00"}) {
    EXPECT_EQ(to_string(day(text)), text);
  }
  EXPECT_EQ(to_string(*parse_time("14:34")), "14:34");
}

TEST(Temporal, RefusesWhatIsNoDayOrTime) {
  for (auto const* text :
       {"", "15", "2015-13", "2015-02-29", "2015-02-04T25", "2015-02-04T14:60", "2015-2-4", "2015-02T10"}) {
    EXPECT_FALSE(parse_date_or_date_time(text)) << text;
  }
  EXPECT_FALSE(parse_time("14:34Z"));
}

TEST(Temporal, ComparesAcrossZones) {
  EXPECT_EQ(compare(day("2017-11-05T01:30:00-04:00"), day("2017-11-05T00:30:00-05:00")), Order::equal);
  EXPECT_EQ(compare(day("2012-04-15T15:00:00Z"), day("2012-04-15T10:00:00")), Order::unknown);
  EXPECT_EQ(compare(day("2012-04-15T15:00:00Z"), day("2012-04-17T10:00:00")), Order::less);
  EXPECT_EQ(compare(day("2012"), day("2012-04")), Order::unknown);
  EXPECT_EQ(compare(day("2012"), day("2013-04")), Order::less);
}

TEST(Temporal, MovesByTheCalendar) {
  EXPECT_EQ(moved("2024-01-31", "1", CalendarUnit::month), "2024-02-29");
  EXPECT_EQ(moved("2024-02-29", "1", CalendarUnit::year), "2025-02-28");
  EXPECT_EQ(moved("2023-12-31", "1", CalendarUnit::day), "2024-01-01");
  EXPECT_EQ(moved("2024-03-01", "-1", CalendarUnit::day), "2024-02-29");
  EXPECT_EQ(moved("2024-03-01", "7.7", CalendarUnit::day), "2024-03-08");
  EXPECT_EQ(moved("2024", "23", CalendarUnit::month), "2025");
  EXPECT_EQ(moved("9999-12-31", "1", CalendarUnit::day), "nothing");
}

TEST(Temporal, ATimeWrapsAroundMidnight) {
  EXPECT_EQ(to_string(*move(*parse_time("23:30"), Decimal::of(45), CalendarUnit::minute)), "00:15");
}

TEST(Temporal, KnowsTheLeastAndGreatestOfWhatItMayBe) {
  EXPECT_EQ(to_string(*boundary(day("2014-02"), 8, true)), "2014-02-28");
  EXPECT_EQ(to_string(*boundary(day("2014T"), 17, false)), "2014-01-01T00:00:00.000+14:00");
  EXPECT_FALSE(boundary(day("2014"), 17, true)) << "a Date has no time";
  EXPECT_FALSE(boundary(day("2014"), 5, true));
}

}  // namespace
}  // namespace fhir::path
