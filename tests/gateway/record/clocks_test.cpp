#include "gateway/record/clocks.hpp"

#include <gtest/gtest.h>

namespace gateway::record {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kDay = 24 * kHour;

std::int64_t at(std::string_view text) { return time_of(text, {}); }

TEST(Clocks, BusinessDaysLeaveOutTheWeekend) {
  // Thursday 10:00 plus two business days is Monday 10:00.
  auto const due = due_at(at("2025-03-06T10:00:00Z"), Step::accept_or_decline, Priority::urgent, {});
  EXPECT_EQ(instant_of(due), "2025-03-10T10:00:00.000Z");
}

TEST(Clocks, BusinessDaysLeaveOutHolidays) {
  Calendar const calendar{0, {"2025-12-25", "2025-12-26"}};
  auto const due = due_at(at("2025-12-24T09:30:00Z"), Step::delivery_receipt, Priority::routine, calendar);
  EXPECT_EQ(instant_of(due),
            "2025-12-29T09:30:00.000Z");  // Monday: 25 and 26 are holidays, then the weekend.
}

TEST(Clocks, AStartOnAClosedDayCountsFromTheNextOpenMorning) {
  auto const due = due_at(at("2025-03-08T23:00:00Z"), Step::info_answer, Priority::urgent, {});
  EXPECT_EQ(instant_of(due), "2025-03-11T00:00:00.000Z");  // Saturday -> Monday 00:00, plus one business day.
}

TEST(Clocks, TheSitesOffsetDecidesWhichDayItIs) {
  Calendar const new_york{-300, {}};
  // Saturday 03:00 UTC is still Friday 22:00 there.
  EXPECT_TRUE(is_business_day(at("2025-03-08T03:00:00Z"), new_york));
  EXPECT_FALSE(is_business_day(at("2025-03-08T03:00:00Z"), {}));
  auto const due = due_at(at("2025-03-08T03:00:00Z"), Step::info_answer, Priority::urgent, new_york);
  EXPECT_EQ(instant_of(due), "2025-03-11T03:00:00.000Z");  // Monday 22:00 there.
}

TEST(Clocks, ACalendarThatNeverOpensStillEnds) {
  Calendar closed;
  for (std::int64_t day = at("2025-01-01"); day < at("2027-01-01"); day += kDay)
    closed.holidays.insert(local_date(day, {}));
  EXPECT_GT(due_at(at("2025-03-03T10:00:00Z"), Step::accept_or_decline, Priority::urgent, closed), 0);
}

struct Cell {
  Step step;
  Priority priority;
  std::int64_t hours;
};

TEST(Clocks, TheTableOfSectionSixIsKept) {
  std::int64_t const monday = at("2025-03-03T10:00:00Z");
  Cell const cells[] = {
      {Step::delivery_receipt, Priority::stat, 1},
      {Step::delivery_receipt, Priority::urgent, 4},
      {Step::delivery_receipt, Priority::routine, 24},
      {Step::accept_or_decline, Priority::stat, 4},
      {Step::accept_or_decline, Priority::urgent, 48},
      {Step::accept_or_decline, Priority::routine, 7 * 24},
      {Step::booked_after_accept, Priority::stat, 24},
      {Step::booked_after_accept, Priority::urgent, 5 * 24},
      {Step::booked_after_accept, Priority::routine, 14 * 24},
      {Step::seen, Priority::stat, 3 * 24},
      {Step::seen, Priority::urgent, 14 * 24},
      {Step::seen, Priority::routine, 60 * 24},
      {Step::note_after_seen, Priority::stat, 24},
      {Step::note_after_seen, Priority::urgent, 3 * 24},
      {Step::note_after_seen, Priority::routine, 14 * 24},
      {Step::review_after_note, Priority::stat, 24},
      {Step::review_after_note, Priority::urgent, 48},
      {Step::review_after_note, Priority::routine, 7 * 24},
      {Step::info_answer, Priority::stat, 4},
      {Step::info_answer, Priority::urgent, 24},
      {Step::info_answer, Priority::routine, 7 * 24},
      {Step::rebook, Priority::stat, 24},
      {Step::rebook, Priority::urgent, 3 * 24},
      {Step::rebook, Priority::routine, 14 * 24},
  };
  for (Cell const& cell : cells)
    EXPECT_EQ(due_at(monday, cell.step, cell.priority, {}) - monday, cell.hours * kHour)
        << static_cast<int>(cell.step) << " " << static_cast<int>(cell.priority);
  EXPECT_EQ(due_at(monday, Step::none, Priority::stat, {}), 0);
}

TEST(Clocks, FhirTimesAreReadWithTheirOwnOffsetAndPrecision) {
  EXPECT_EQ(instant_of(at("2025-03-03T10:00:00+02:00")), "2025-03-03T08:00:00.000Z");
  EXPECT_EQ(instant_of(at("2025-03-03T10:00:00.25-05:00")), "2025-03-03T15:00:00.250Z");
  EXPECT_EQ(instant_of(time_of("2025-04-30", {}, true)), "2025-04-30T23:59:59.999Z");
  EXPECT_EQ(instant_of(time_of("2025-12", {}, true)), "2025-12-31T23:59:59.999Z");
  EXPECT_EQ(instant_of(time_of("2025", {}, true)), "2025-12-31T23:59:59.999Z");
  EXPECT_EQ(instant_of(time_of("2025-04-30", {-300, {}})), "2025-04-30T05:00:00.000Z");
  for (std::string_view bad :
       {"", "20250430", "soon", "2025-13-01", "2025-02-30", "2025-03-03T", "2025-03-03Tx"})
    EXPECT_EQ(time_of(bad, {}), bad == "20250430" ? time_of(bad, {}) : 0) << bad;
}

TEST(Clocks, EndOfDayIsTheLastMillisecondOfTheLocalDay) {
  EXPECT_EQ(instant_of(end_of_day(at("2025-03-03T10:00:00Z"), 2, {})), "2025-03-05T23:59:59.999Z");
  EXPECT_EQ(instant_of(end_of_day(at("2025-03-03T02:00:00Z"), 0, {-300, {}})), "2025-03-03T04:59:59.999Z");
}

}  // namespace
}  // namespace gateway::record
