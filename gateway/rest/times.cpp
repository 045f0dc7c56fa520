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

void add_digits(std::string& text, unsigned value, std::size_t width) {
  auto const end = text.size() + width;
  text.resize(end, '0');
  for (auto at = end; value != 0 && at > end - width; value /= 10)
    text[--at] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string to_http_date(std::int64_t ms) {
  static constexpr std::array<char const*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<char const*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto const [day, weekday, time] = split(ms);
  // One per answer, so by hand: a tenth of what a format string costs.
  std::string text(kDays[weekday.c_encoding()]);
  text += ", ";
  add_digits(text, static_cast<unsigned>(day.day()), 2);
  text.append(" ").append(kMonths[static_cast<unsigned>(day.month()) - 1]).append(" ");
  add_digits(text, static_cast<unsigned>(static_cast<int>(day.year())), 4);
  text += ' ';
  add_digits(text, static_cast<unsigned>(time.hours().count()), 2);
  text += ':';
  add_digits(text, static_cast<unsigned>(time.minutes().count()), 2);
  text += ':';
  add_digits(text, static_cast<unsigned>(time.seconds().count()), 2);
  return text += " GMT";
}

std::string to_instant(std::int64_t ms) {
  auto const [day, weekday, time] = split(ms);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace gateway::rest
