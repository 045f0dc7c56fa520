#include "fhir/path/temporal.hpp"

#include <array>
#include <chrono>
#include <cstdlib>

namespace fhir::path {

namespace {

using Precision = Temporal::Precision;

constexpr std::int64_t kMsPerDay = 86'400'000;

int days_in_month(int year, int month) {
  using namespace std::chrono;
  return static_cast<int>(static_cast<unsigned>(
      (std::chrono::year{year} / std::chrono::month{static_cast<unsigned>(month)} / last).day()));
}

/// Reads fixed-width numbers and separators from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }
  bool skip(char c) {
    if (peek() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool number(int width, int least, int most, int& value) {
    if (text_.size() < static_cast<std::size_t>(width)) return false;
    int read = 0;
    for (int i = 0; i < width; ++i) {
      char const c = text_[static_cast<std::size_t>(i)];
      if (c < '0' || c > '9') return false;
      read = read * 10 + (c - '0');
    }
    if (read < least || read > most) return false;
    text_.remove_prefix(static_cast<std::size_t>(width));
    value = read;
    return true;
  }
  /// One to nine digits of a second's fraction; what is below a millisecond is cut.
  bool fraction(int& milliseconds) {
    int digits = 0;
    milliseconds = 0;
    for (; digits < 9 && peek() >= '0' && peek() <= '9'; ++digits) {
      if (digits < 3) milliseconds = milliseconds * 10 + (peek() - '0');
      text_.remove_prefix(1);
    }
    for (int i = digits; i < 3; ++i) milliseconds *= 10;
    return digits > 0;
  }

 private:
  std::string_view text_;
};

/// [hh[:mm[:ss[.fff]]]]; hours are there.
bool scan_clock(Scanner& in, Temporal& value) {
  if (!in.number(2, 0, 23, value.hour)) return false;
  value.precision = Precision::hour;
  if (!in.skip(':')) return true;
  if (!in.number(2, 0, 59, value.minute)) return false;
  value.precision = Precision::minute;
  if (!in.skip(':')) return true;
  if (!in.number(2, 0, 59, value.second)) return false;
  value.precision = Precision::second;
  if (!in.skip('.')) return true;
  value.precision = Precision::millisecond;
  return in.fraction(value.millisecond);
}

bool scan_zone(Scanner& in, Temporal& value) {
  if (in.skip('Z')) {
    value.has_zone = true;
    return true;
  }
  bool const west = in.peek() == '-';
  if (!west && in.peek() != '+') return true;
  in.skip(in.peek());
  int hours = 0;
  int minutes = 0;
  if (!in.number(2, 0, 14, hours) || !in.skip(':') || !in.number(2, 0, 59, minutes)) return false;
  value.has_zone = true;
  value.offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
  return true;
}

std::int64_t days_since_epoch(int year, int month, int day) {
  using namespace std::chrono;
  return sys_days{std::chrono::year{year} / std::chrono::month{static_cast<unsigned>(month)} /
                  std::chrono::day{static_cast<unsigned>(day)}}
      .time_since_epoch()
      .count();
}

std::int64_t clock_ms(Temporal const& value) {
  return ((value.hour * 60LL + value.minute) * 60 + value.second) * 1000 + value.millisecond;
}

std::int64_t local_ms(Temporal const& value) {
  std::int64_t const days = value.is_time ? 0 : days_since_epoch(value.year, value.month, value.day);
  return days * kMsPerDay + clock_ms(value);
}

void set_clock(Temporal& value, std::int64_t ms) {
  value.millisecond = static_cast<int>(ms % 1000);
  value.second = static_cast<int>(ms / 1000 % 60);
  value.minute = static_cast<int>(ms / 60'000 % 60);
  value.hour = static_cast<int>(ms / 3'600'000 % 24);
}

/// False when the year leaves 1 to 9999.
bool set_local_ms(Temporal& value, std::int64_t ms) {
  std::int64_t days = ms / kMsPerDay;
  std::int64_t rest = ms % kMsPerDay;
  if (rest < 0) {
    rest += kMsPerDay;
    --days;
  }
  std::chrono::year_month_day const date{std::chrono::sys_days{std::chrono::days{days}}};
  value.year = static_cast<int>(date.year());
  value.month = static_cast<int>(static_cast<unsigned>(date.month()));
  value.day = static_cast<int>(static_cast<unsigned>(date.day()));
  set_clock(value, rest);
  return value.year >= 1 && value.year <= 9999;
}

int field(Temporal const& value, Precision which) {
  switch (which) {
    case Precision::year:
      return value.year;
    case Precision::month:
      return value.month;
    case Precision::day:
      return value.day;
    case Precision::hour:
      return value.hour;
    case Precision::minute:
      return value.minute;
    default:
      return value.second * 1000 + value.millisecond;  // seconds and their fraction are one precision
  }
}

Precision joined(Precision precision) {
  return precision == Precision::millisecond ? Precision::second : precision;
}

/// The same moment on UTC's clock; only where there is a time to move.
Temporal in_utc(Temporal value) {
  if (!value.has_zone || value.precision < Precision::hour || value.offset_minutes == 0) return value;
  set_local_ms(value, local_ms(value) - value.offset_minutes * 60'000LL);
  return value;
}

Order compare_fields(Temporal const& left, Temporal const& right) {
  auto const least = left.is_time ? Precision::hour : Precision::year;
  for (int at = static_cast<int>(least); at <= static_cast<int>(Precision::second); ++at) {
    auto const precision = static_cast<Precision>(at);
    bool const in_left = precision <= joined(left.precision);
    bool const in_right = precision <= joined(right.precision);
    if (!in_left && !in_right) return Order::equal;
    if (in_left != in_right) return Order::unknown;
    int const a = field(left, precision);
    int const b = field(right, precision);
    if (a != b) return a < b ? Order::less : Order::greater;
  }
  return Order::equal;
}

constexpr std::array<int, 7> kDateDigits = {4, 6, 8, 10, 12, 14, 17};
constexpr std::array<int, 7> kTimeDigits = {0, 0, 0, 2, 4, 6, 9};

std::array<int, 7> const& digits_of(Temporal const& value) {
  return value.is_time ? kTimeDigits : kDateDigits;
}

}  // namespace

std::optional<Temporal> parse_date_or_date_time(std::string_view text) {
  Scanner in(text);
  Temporal value;
  value.is_date = true;
  if (!in.number(4, 1, 9999, value.year)) return std::nullopt;
  if (in.skip('-')) {
    if (!in.number(2, 1, 12, value.month)) return std::nullopt;
    value.precision = Precision::month;
    if (in.skip('-')) {
      if (!in.number(2, 1, days_in_month(value.year, value.month), value.day)) return std::nullopt;
      value.precision = Precision::day;
    }
  }
  if (in.skip('T')) {
    value.is_date = false;
    if (!in.done()) {
      if (value.precision != Precision::day || !scan_clock(in, value) || !scan_zone(in, value))
        return std::nullopt;
    }
  }
  if (!in.done()) return std::nullopt;
  return value;
}

std::optional<Temporal> parse_time(std::string_view text) {
  Scanner in(text);
  Temporal value;
  value.is_time = true;
  if (!scan_clock(in, value) || !in.done()) return std::nullopt;
  return value;
}

std::string to_string(Temporal const& value) {
  std::string text;
  auto const append = [&](std::string_view before, int number, int width) {
    char digits[4];
    for (int i = width; i-- > 0; number /= 10) digits[i] = static_cast<char>('0' + number % 10);
    text.append(before).append(digits, static_cast<std::size_t>(width));
  };
  if (!value.is_time) {
    append("", value.year, 4);
    if (value.precision >= Precision::month) append("-", value.month, 2);
    if (value.precision >= Precision::day) append("-", value.day, 2);
    if (!value.is_date && value.precision >= Precision::hour) text += 'T';
  }
  if (value.precision >= Precision::hour) append("", value.hour, 2);
  if (value.precision >= Precision::minute) append(":", value.minute, 2);
  if (value.precision >= Precision::second) append(":", value.second, 2);
  if (value.precision >= Precision::millisecond) append(".", value.millisecond, 3);
  if (!value.has_zone || value.precision < Precision::hour) return text;
  if (value.offset_minutes == 0) return text += 'Z';
  int const offset = std::abs(value.offset_minutes);
  append(value.offset_minutes < 0 ? "-" : "+", offset / 60, 2);
  append(":", offset % 60, 2);
  return text;
}

Order compare(Temporal const& left, Temporal const& right) {
  if (left.has_zone == right.has_zone || left.precision < Precision::hour ||
      right.precision < Precision::hour) {
    return compare_fields(in_utc(left), in_utc(right));
  }
  // One says no zone: it may be any from -12:00 to +14:00. Ordered only if it is so in all of them.
  Temporal west = left.has_zone ? right : left;
  Temporal east = west;
  west.has_zone = east.has_zone = true;
  west.offset_minutes = -12 * 60;
  east.offset_minutes = 14 * 60;
  Order const at_west = left.has_zone ? compare(left, west) : compare(west, right);
  Order const at_east = left.has_zone ? compare(left, east) : compare(east, right);
  return at_west == at_east && at_west != Order::equal ? at_west : Order::unknown;
}

std::optional<CalendarUnit> calendar_unit(std::string_view word) {
  static constexpr std::array<std::string_view, 8> kNames = {"year", "month",  "week",   "day",
                                                             "hour", "minute", "second", "millisecond"};
  if (word.ends_with('s')) word.remove_suffix(1);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (word == kNames[i]) return static_cast<CalendarUnit>(i);
  }
  return std::nullopt;
}

namespace {

constexpr std::int64_t kAmountMax = 10'000LL * 366 * kMsPerDay;

/// Milliseconds of a unit that is always the same length; 0 for months and years.
std::int64_t unit_ms(CalendarUnit unit) {
  switch (unit) {
    case CalendarUnit::week:
      return 7 * kMsPerDay;
    case CalendarUnit::day:
      return kMsPerDay;
    case CalendarUnit::hour:
      return 3'600'000;
    case CalendarUnit::minute:
      return 60'000;
    case CalendarUnit::second:
      return 1000;
    case CalendarUnit::millisecond:
      return 1;
    default:
      return 0;
  }
}

std::optional<Temporal> move_months(Temporal value, std::int64_t months) {
  std::int64_t const total = value.year * 12LL + (value.month - 1) + months;
  if (total < 12 || total >= 120'000) return std::nullopt;
  value.year = static_cast<int>(total / 12);
  value.month = static_cast<int>(total % 12) + 1;
  value.day = std::min(value.day, days_in_month(value.year, value.month));
  return value;
}

/// A precision that has no smaller unit takes only whole ones of its own: 60 days added to a year are
/// nothing.
std::int64_t whole_units(std::int64_t ms, Precision precision) {
  switch (precision) {
    case Precision::day:
      return ms / kMsPerDay * kMsPerDay;
    case Precision::hour:
      return ms / 3'600'000 * 3'600'000;
    case Precision::minute:
      return ms / 60'000 * 60'000;
    default:
      return ms;
  }
}

}  // namespace

std::optional<Temporal> move(Temporal const& value, Decimal const& amount, CalendarUnit unit) {
  auto const whole = amount.truncated(0);
  if (!whole || whole->unscaled > kAmountMax || whole->unscaled < -kAmountMax) return std::nullopt;
  auto const count = static_cast<std::int64_t>(whole->unscaled);
  if (unit == CalendarUnit::year || unit == CalendarUnit::month) {
    if (value.is_time) return std::nullopt;
    if (unit == CalendarUnit::month && value.precision == Precision::year)
      return move_months(value, count / 12 * 12);
    return move_months(value, unit == CalendarUnit::year ? count * 12 : count);
  }
  std::int64_t ms = 0;
  if (__builtin_mul_overflow(count, unit_ms(unit), &ms)) return std::nullopt;
  if (unit == CalendarUnit::second) {
    auto const fraction = add(amount, whole->negated());
    ms += static_cast<std::int64_t>(fraction->truncated(3)->unscaled);
  }
  if (std::abs(ms) > kAmountMax) return std::nullopt;
  if (value.precision <= Precision::month) {  // thirty days a month, twelve months a year
    std::int64_t const months = ms / (30 * kMsPerDay);
    return move_months(value, value.precision == Precision::year ? months / 12 * 12 : months);
  }
  Temporal moved = value;
  ms = whole_units(ms, value.precision);
  if (value.is_time) {
    std::int64_t const clock = ((clock_ms(value) + ms) % kMsPerDay + kMsPerDay) % kMsPerDay;
    set_clock(moved, clock);
    return moved;
  }
  if (!set_local_ms(moved, local_ms(value) + ms)) return std::nullopt;
  if (ms % 1000 != 0 && moved.precision == Precision::second) moved.precision = Precision::millisecond;
  return moved;
}

std::optional<Temporal> boundary(Temporal const& value, int digits, bool upper) {
  auto const& table = digits_of(value);
  std::optional<Precision> asked;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i] == digits && digits > 0) asked = static_cast<Precision>(i);
  }
  if (!asked || (value.is_date && *asked > Precision::day)) return std::nullopt;
  Temporal bound = value;
  if (upper) {
    if (value.precision < Precision::month) bound.month = 12;
    if (value.precision < Precision::day && !value.is_time)
      bound.day = days_in_month(bound.year, bound.month);
    if (value.precision < Precision::hour) bound.hour = 23;
    if (value.precision < Precision::minute) bound.minute = 59;
    if (value.precision < Precision::second) bound.second = 59;
    if (value.precision < Precision::millisecond) bound.millisecond = 999;
  }
  bound.precision = *asked;
  if (*asked < Precision::hour) {
    bound.has_zone = false;
    bound.is_date = true;
  } else if (!value.is_time && !value.has_zone) {
    // The earliest a local time can be is in the easternmost zone, the latest in the westernmost.
    bound.has_zone = true;
    bound.offset_minutes = upper ? -12 * 60 : 14 * 60;
  }
  return bound;
}

int precision_digits(Temporal const& value) {
  return digits_of(value)[static_cast<std::size_t>(value.precision)];
}

}  // namespace fhir::path
