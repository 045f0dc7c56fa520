/// FHIRPath's Date, DateTime and Time: read, written, compared and moved with their precision.
/// Source: FHIRPath N1 sections 4.1.6-4.1.8 (literals), 6.1.1 and 6.2 (comparison), 6.6.7 (arithmetic).
#pragma once

#include "fhir/path/decimal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fhir::path {

struct Temporal {
  enum class Precision : std::uint8_t { year, month, day, hour, minute, second, millisecond };

  int year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0;
  Precision precision = Precision::year;
  bool is_time = false;  ///< A Time: year, month and day mean nothing.
  bool is_date = false;  ///< A Date, which can have no time.
  bool has_zone = false;
  int offset_minutes = 0;  ///< east of UTC
};

/// YYYY[-MM[-DD]] with `is_date` set, as a Date; with [T[hh[:mm[:ss[.fff]]]][zone]] as a DateTime. nullopt
/// when it is none or no day of the calendar.
std::optional<Temporal> parse_date_or_date_time(std::string_view text);
/// hh[:mm[:ss[.fff]]]
std::optional<Temporal> parse_time(std::string_view text);
/// As it is read: no "@", no "T" before a time.
std::string to_string(Temporal const& value);

/// What is known of a pair: they are ordered so, or it cannot be told because one is less precise, or only
/// one has a zone.
enum class Order : std::uint8_t { less, equal, greater, unknown };
/// Compares two of the same kind (times with times; dates and dateTimes with each other).
Order compare(Temporal const& left, Temporal const& right);

/// The calendar units of FHIRPath.
enum class CalendarUnit : std::uint8_t { year, month, week, day, hour, minute, second, millisecond };
/// "day", "days" ...; nullopt for other words.
std::optional<CalendarUnit> calendar_unit(std::string_view word);

/// `value` moved by that many units; whole ones only for units above seconds (N1 6.6.7). A unit finer than
/// the value's precision is converted to it. A day that the month has not becomes the month's last. nullopt:
/// out of the years 1 to 9999, or a Time moved by days.
std::optional<Temporal> move(Temporal const& value, Decimal const& amount, CalendarUnit unit);

/// The least or greatest instant that the value may stand for, at a precision counted in digits: 4 (year), 6,
/// 8, 10 (hour), 12, 14 (second), 17 for dates and dateTimes; 2, 4, 6, 9 for times. Digits below the value's
/// own cut it. nullopt for other counts.
std::optional<Temporal> boundary(Temporal const& value, int digits, bool upper);
/// Its own precision in such digits.
int precision_digits(Temporal const& value);

}  // namespace fhir::path
