#include "gateway/delivery/queue.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace gateway::delivery {

namespace {

/// How often in a row the receiver has said AE or CE, as last_outcome tells: "AE", then "AE 2", "AE 3" ...
int errors_in_a_row(std::string_view last_outcome) {
  if (last_outcome.size() < 2 || last_outcome[1] != 'E') return 0;
  int count = 1;
  if (last_outcome.size() > 3)
    std::from_chars(last_outcome.data() + 3, last_outcome.data() + last_outcome.size(), count);
  return count;
}

}  // namespace

Choice choose_next(std::vector<store::OutboxRow> const& rows, std::int64_t now_ms) {
  Choice choice;
  std::set<std::string_view> blocked;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    store::OutboxRow const& row = rows[i];
    bool const is_open = row.state == store::OutboxState::waiting || row.state == store::OutboxState::sent;
    if (!is_open && row.state != store::OutboxState::stopped) continue;
    if (!blocked.insert(row.order_key).second || !is_open) continue;  // an earlier row of this key goes first
    if (row.next_attempt_ms <= now_ms) {
      choice.row = i;
      choice.wake_ms = 0;
      return choice;
    }
    if (choice.wake_ms == 0 || row.next_attempt_ms < choice.wake_ms) choice.wake_ms = row.next_attempt_ms;
  }
  return choice;
}

store::OutboxRow after_attempt(store::OutboxRow row, Disposition disposition, std::string_view outcome,
                               std::int64_t now_ms, Patience const& patience, double jitter) {
  // Only what the receiver says counts as its error: the attempts of an outage do not use up its retries
  // (S5).
  int const errors = disposition == Disposition::error ? errors_in_a_row(row.last_outcome) + 1 : 0;
  row.last_outcome = outcome;
  if (errors > 1) row.last_outcome += ' ' + std::to_string(errors);
  ++row.attempts;
  if (disposition == Disposition::delivered) {
    row.state = store::OutboxState::delivered;
    return row;
  }
  if (disposition == Disposition::unconfirmed) {
    row.state = store::OutboxState::unconfirmed;
    return row;
  }
  bool const gives_up = disposition == Disposition::refused ||
                        (disposition == Disposition::error && errors > patience.error_retries);
  if (gives_up) {
    row.state = store::OutboxState::stopped;
    return row;
  }
  std::int64_t const doublings = std::min<std::int64_t>(row.attempts - 1, 20);
  std::int64_t const delay =
      std::min(patience.retry_delay_ms_max, patience.retry_delay_ms_min * (std::int64_t{1} << doublings));
  // Between half and all of the delay, so that many rows that failed together do not come back together.
  row.next_attempt_ms =
      now_ms + delay / 2 + static_cast<std::int64_t>(static_cast<double>(delay / 2) * jitter);
  return row;
}

}  // namespace gateway::delivery
