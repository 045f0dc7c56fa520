/// Dates and times as FHIR R4 writes them: scanned, checked against the calendar, placed on the UTC time
/// line. Source: R4 datatypes.html#date, #dateTime, #instant, #time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fhir {

enum class DatePrecision : std::uint8_t { year, month, day, minute, second, fraction };

struct DateTime {
  int year = 0;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;       ///< 60 is a leap second
  int millisecond = 0;  ///< further digits are cut
  DatePrecision precision = DatePrecision::year;
  bool has_zone = false;
  int offset_minutes = 0;  ///< east of UTC
};

/// Any prefix of YYYY-MM-DDThh:mm:ss.fff, from the year on, with an optional zone once there is a time. What
/// of this a date, dateTime or instant may be is the caller's to ask: see precision and has_zone. Empty when
/// it is none, or no day of the calendar.
std::optional<DateTime> parse_date_time(std::string_view text);

/// hh:mm:ss with an optional fraction.
bool is_time(std::string_view text);

/// Milliseconds since 1970-01-01T00:00:00Z at which the value begins; no zone counts as UTC.
std::int64_t begin_ms(DateTime const& value);
/// Where it ends: the begin of the next year, month, day, minute, second or millisecond.
std::int64_t end_ms(DateTime const& value);

}  // namespace fhir
