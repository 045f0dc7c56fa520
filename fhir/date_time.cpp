#include "fhir/date_time.hpp"

#include <algorithm>
#include <chrono>

namespace fhir {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a text from its front; every step leaves it untouched when it fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool skip(char expected) {
    if (rest_.empty() || rest_.front() != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` digits whose value lies in [low, high].
  bool number(std::size_t digits, int low, int high, int& value) {
    if (rest_.size() < digits ||
        !std::all_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(digits), is_digit)) {
      return false;
    }
    int read = 0;
    for (char const c : rest_.substr(0, digits)) read = read * 10 + (c - '0');
    if (read < low || read > high) return false;
    value = read;
    rest_.remove_prefix(digits);
    return true;
  }
  /// One digit or more after the decimal point, as whole milliseconds.
  bool fraction(int& milliseconds) {
    std::size_t digits = 0;
    int read = 0;
    for (; digits < rest_.size() && is_digit(rest_[digits]); ++digits) {
      if (digits < 3) read = read * 10 + (rest_[digits] - '0');
    }
    if (digits == 0) return false;
    for (std::size_t i = digits; i < 3; ++i) read *= 10;
    milliseconds = read;
    rest_.remove_prefix(digits);
    return true;
  }

 private:
  std::string_view rest_;
};

bool scan_zone(Scanner& scanner, DateTime& value) {
  if (scanner.at_end()) return true;
  value.has_zone = true;
  if (scanner.skip('Z')) return true;
  bool const west = scanner.skip('-');
  if (!west && !scanner.skip('+')) return false;
  int hours = 0;
  int minutes = 0;
  if (!scanner.number(2, 0, 14, hours) || !scanner.skip(':') || !scanner.number(2, 0, 59, minutes))
    return false;
  if (hours == 14 && minutes != 0) return false;
  value.offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
  return true;
}

bool scan_time(Scanner& scanner, DateTime& value) {
  if (!scanner.number(2, 0, 23, value.hour) || !scanner.skip(':') || !scanner.number(2, 0, 59, value.minute))
    return false;
  value.precision = DatePrecision::minute;
  if (!scanner.skip(':')) return true;
  if (!scanner.number(2, 0, 60, value.second)) return false;
  value.precision = DatePrecision::second;
  if (!scanner.skip('.')) return true;
  value.precision = DatePrecision::fraction;
  return scanner.fraction(value.millisecond);
}

bool is_day_of_calendar(DateTime const& value) {
  using namespace std::chrono;
  return year_month_day(year(value.year), month(static_cast<unsigned>(value.month)),
                        day(static_cast<unsigned>(value.day)))
      .ok();
}

std::int64_t day_ms(int y, int m, int d) {
  using namespace std::chrono;
  auto const days = sys_days(year(y) / month(static_cast<unsigned>(m)) / day(static_cast<unsigned>(d)));
  return duration_cast<milliseconds>(days.time_since_epoch()).count();
}

}  // namespace

std::optional<DateTime> parse_date_time(std::string_view text) {
  Scanner scanner(text);
  DateTime value;
  if (!scanner.number(4, 1, 9999, value.year)) return std::nullopt;
  if (scanner.at_end()) return value;
  if (!scanner.skip('-') || !scanner.number(2, 1, 12, value.month)) return std::nullopt;
  value.precision = DatePrecision::month;
  if (scanner.at_end()) return value;
  if (!scanner.skip('-') || !scanner.number(2, 1, 31, value.day) || !is_day_of_calendar(value))
    return std::nullopt;
  value.precision = DatePrecision::day;
  if (scanner.at_end()) return value;
  if (!scanner.skip('T') || !scan_time(scanner, value) || !scan_zone(scanner, value) || !scanner.at_end()) {
    return std::nullopt;
  }
  return value;
}

bool is_time(std::string_view text) {
  Scanner scanner(text);
  DateTime value;
  return scan_time(scanner, value) && scanner.at_end() && value.precision >= DatePrecision::second;
}

std::int64_t begin_ms(DateTime const& value) {
  std::int64_t const minutes = std::int64_t{60} * value.hour + value.minute - value.offset_minutes;
  return day_ms(value.year, value.month, value.day) + (minutes * 60 + value.second) * 1000 +
         value.millisecond;
}

std::int64_t end_ms(DateTime const& value) {
  switch (value.precision) {
    case DatePrecision::year:
      return day_ms(value.year + 1, 1, 1);
    case DatePrecision::month:
      return value.month == 12 ? day_ms(value.year + 1, 1, 1) : day_ms(value.year, value.month + 1, 1);
    case DatePrecision::day:
      return begin_ms(value) + 24 * 3600 * 1000;
    case DatePrecision::minute:
      return begin_ms(value) + 60 * 1000;
    case DatePrecision::second:
      return begin_ms(value) + 1000;
    case DatePrecision::fraction:
      return begin_ms(value) + 1;
  }
  return begin_ms(value);
}

}  // namespace fhir
