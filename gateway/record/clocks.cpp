#include "gateway/record/clocks.hpp"

#include "gateway/store/instant.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>

namespace gateway::record {
namespace {

constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

std::int64_t offset_ms(Calendar const& calendar) { return calendar.utc_offset_minutes * kMinute; }

std::chrono::sys_days local_day(std::int64_t at_ms, Calendar const& calendar) {
  return std::chrono::floor<std::chrono::days>(std::chrono::sys_time<std::chrono::milliseconds>(
      std::chrono::milliseconds(at_ms + offset_ms(calendar))));
}

std::int64_t start_of(std::chrono::sys_days day, Calendar const& calendar) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(day.time_since_epoch()).count() -
         offset_ms(calendar);
}

std::string text_of(std::chrono::sys_days day) {
  std::chrono::year_month_day const date(day);
  return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()));
}

bool is_open(std::chrono::sys_days day, Calendar const& calendar) {
  std::chrono::weekday const weekday(day);
  if (weekday == std::chrono::Saturday || weekday == std::chrono::Sunday) return false;
  return !calendar.holidays.contains(text_of(day));
}

std::int64_t add_business_days(std::int64_t from_ms, int days, Calendar const& calendar) {
  auto day = local_day(from_ms, calendar);
  std::int64_t time_of_day = from_ms - start_of(day, calendar);
  if (!is_open(day, calendar)) time_of_day = 0;
  // A closed year would loop for ever; no calendar closes 370 days in a row but a broken one.
  int closed_in_a_row = 0;
  auto const next_open = [&] {
    while (!is_open(day, calendar) && ++closed_in_a_row < 370) day += std::chrono::days(1);
    closed_in_a_row = 0;
  };
  next_open();
  for (int i = 0; i < days; ++i) {
    day += std::chrono::days(1);
    next_open();
  }
  return start_of(day, calendar) + time_of_day;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// Offset of "Z", "+01:00" or "-05:00" in minutes; nullopt when it is none of them.
std::optional<int> zone_of(std::string_view zone) {
  if (zone == "Z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  auto const hours = digits(zone, 1, 2);
  auto const minutes = digits(zone, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  int const total = *hours * 60 + *minutes;
  return zone[0] == '-' ? -total : total;
}

std::int64_t date_time_of(std::chrono::sys_days day, std::string_view rest, Calendar const& calendar) {
  auto const hour = digits(rest, 0, 2);
  auto const minute = digits(rest, 3, 2);
  if (!hour || !minute) return 0;
  std::int64_t at = *hour * kHour + *minute * kMinute;
  std::size_t next = 5;
  if (next < rest.size() && rest[next] == ':') {
    at += digits(rest, next + 1, 2).value_or(0) * 1000;
    next += 3;
  }
  if (next < rest.size() && rest[next] == '.') {
    ++next;
    for (int place = 100; next < rest.size() && rest[next] >= '0' && rest[next] <= '9'; ++next, place /= 10)
      at += (rest[next] - '0') * place;
  }
  auto const zone = zone_of(next <= rest.size() ? rest.substr(next) : std::string_view{});
  Calendar const own{zone.value_or(calendar.utc_offset_minutes), {}};
  return start_of(day, own) + at;
}

}  // namespace

Priority priority_of(std::string_view code) {
  if (code == "stat") return Priority::stat;
  return code == "asap" || code == "urgent" ? Priority::urgent : Priority::routine;
}

Span span_of(Step step, Priority priority) {
  using enum TimeUnit;
  struct Row {
    Step step;
    Span stat, urgent, routine;
  };
  // record.md section 6; the last row is R8 of section 9.
  static constexpr Row kTable[] = {
      {Step::delivery_receipt, {1, hours}, {4, hours}, {1, business_days}},
      {Step::accept_or_decline, {4, hours}, {2, business_days}, {7, days}},
      {Step::booked_after_accept, {1, days}, {5, days}, {14, days}},
      {Step::seen, {3, days}, {14, days}, {60, days}},
      {Step::note_after_seen, {1, days}, {3, days}, {14, days}},
      {Step::review_after_note, {1, days}, {2, business_days}, {7, days}},
      {Step::info_answer, {4, hours}, {1, business_days}, {5, business_days}},
      {Step::rebook, {1, days}, {3, days}, {14, days}},
      {Step::re_refer, {2, business_days}, {2, business_days}, {2, business_days}},
  };
  for (Row const& row : kTable) {
    if (row.step != step) continue;
    return priority == Priority::stat ? row.stat : priority == Priority::urgent ? row.urgent : row.routine;
  }
  return {};
}

std::int64_t add(std::int64_t from_ms, Span span, Calendar const& calendar) {
  switch (span.unit) {
    case TimeUnit::hours:
      return from_ms + span.amount * kHour;
    case TimeUnit::days:
      return from_ms + span.amount * kDay;
    case TimeUnit::business_days:
      return add_business_days(from_ms, span.amount, calendar);
  }
  return from_ms;
}

std::int64_t due_at(std::int64_t from_ms, Step step, Priority priority, Calendar const& calendar) {
  return step == Step::none ? 0 : add(from_ms, span_of(step, priority), calendar);
}

bool is_business_day(std::int64_t at_ms, Calendar const& calendar) {
  return is_open(local_day(at_ms, calendar), calendar);
}

std::string local_date(std::int64_t at_ms, Calendar const& calendar) {
  return text_of(local_day(at_ms, calendar));
}

std::int64_t end_of_day(std::int64_t at_ms, int days, Calendar const& calendar) {
  return start_of(local_day(at_ms, calendar) + std::chrono::days(days + 1), calendar) - 1;
}

std::int64_t time_of(std::string_view text, Calendar const& calendar, bool end) {
  auto const year = digits(text, 0, 4);
  if (!year) return 0;
  int const month = text.size() >= 7 ? digits(text, 5, 2).value_or(0) : 1;
  int const day = text.size() >= 10 ? digits(text, 8, 2).value_or(0) : 1;
  std::chrono::year_month_day const date{std::chrono::year(*year), std::chrono::month(unsigned(month)),
                                         std::chrono::day(unsigned(day))};
  if (!date.ok()) return 0;
  if (text.size() > 10) return date_time_of(std::chrono::sys_days(date), text.substr(11), calendar);
  if (!end) return start_of(std::chrono::sys_days(date), calendar);
  if (text.size() >= 10) return start_of(std::chrono::sys_days(date) + std::chrono::days(1), calendar) - 1;
  auto const next = text.size() >= 7 ? date + std::chrono::months(1) : date + std::chrono::years(1);
  return start_of(std::chrono::sys_days(next), calendar) - 1;
}

std::string instant_of(std::int64_t at_ms) { return store::to_instant(at_ms); }

}  // namespace gateway::record
