/// The clocks of record.md section 6: how long each step may take, and when that is up.
///
/// Pure. Times are milliseconds since the epoch, UTC; business days are Monday to Friday in the site's
/// offset, minus its holidays. The defaults are the table's; a site must accept them, they are its clinical
/// decision.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace gateway::record {

enum class Priority : unsigned char { stat, urgent, routine };  // asap counts as urgent

/// "stat", "asap", "urgent", "routine"; anything else is routine.
Priority priority_of(std::string_view code);

enum class Step : unsigned char {
  none,
  delivery_receipt,
  accept_or_decline,
  booked_after_accept,
  seen,
  note_after_seen,
  review_after_note,
  info_answer,
  rebook,
  re_refer,  ///< R8: declined, failed or expired, and the need still open.
};

struct Calendar {
  int utc_offset_minutes = 0;
  std::set<std::string> holidays;  ///< "2025-12-25"
};

enum class TimeUnit : unsigned char { hours, days, business_days };

struct Span {
  int amount = 0;
  TimeUnit unit = TimeUnit::hours;
};

/// The cell of the table; amount 0 for Step::none.
Span span_of(Step step, Priority priority);

/// `from` plus the span. A business day ends at the same local time of day; a start on a closed day counts
/// from the next open day's midnight.
std::int64_t add(std::int64_t from_ms, Span span, Calendar const& calendar);
std::int64_t due_at(std::int64_t from_ms, Step step, Priority priority, Calendar const& calendar);

bool is_business_day(std::int64_t at_ms, Calendar const& calendar);
/// The site's calendar date: "2025-03-10".
std::string local_date(std::int64_t at_ms, Calendar const& calendar);
/// The last millisecond of the local day `days` after the one of `at_ms`.
std::int64_t end_of_day(std::int64_t at_ms, int days, Calendar const& calendar);

/// A FHIR date, dateTime or instant as milliseconds; a date is its last millisecond when `end`, else its
/// first. 0 when it is none.
std::int64_t time_of(std::string_view fhir_time, Calendar const& calendar, bool end = false);
/// "2025-03-10T08:00:00.000Z"
std::string instant_of(std::int64_t at_ms);

}  // namespace gateway::record
