#include "gateway/rest/times.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

namespace gateway::rest {

namespace {

struct Moment {
  std::chrono::year_month_day day;
  std::chrono::weekday weekday;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> time;
};

Moment split(std::int64_t ms) {
  std::chrono::sys_time<std::chrono::milliseconds> const at{std::chrono::milliseconds{ms}};
  auto const day = std::chrono::floor<std::chrono::days>(at);
  return {day, std::chrono::weekday{day}, std::chrono::hh_mm_ss{at - day}};
}

}  // namespace

std::string to_http_date(std::int64_t ms) {
  static constexpr std::array<char const*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<char const*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto const [day, weekday, time] = split(ms);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[weekday.c_encoding()],
                     static_cast<unsigned>(day.day()), kMonths[static_cast<unsigned>(day.month()) - 1],
                     static_cast<int>(day.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

std::string to_instant(std::int64_t ms) {
  auto const [day, weekday, time] = split(ms);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace gateway::rest
