/// Which row of a destination's outbox may go next, and what its outcome makes of it. Pure.
/// Source: reliability.md S2 (one in flight per order key), S5 (outcome table), S6 (stop the key, not the
/// destination).
#pragma once

#include "gateway/store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::delivery {

struct Patience {
  std::int64_t retry_delay_ms_min = 1'000;
  std::int64_t retry_delay_ms_max = 60'000;
  int error_retries = 5;  ///< AE or CE more often than this in a row, then the key stops.
};

struct Choice {
  std::optional<std::size_t> row;  ///< Index of the row to send now.
  std::int64_t wake_ms = 0;  ///< With no row: when the next one falls due; 0: not before something changes.
};

/// The first row in id order whose key has no earlier row that is stopped or waits for its next attempt.
Choice choose_next(std::vector<store::OutboxRow> const& rows, std::int64_t now_ms);

enum class Disposition : unsigned char {
  delivered,    ///< AA, CA, 2xx
  refused,      ///< AR, CR: sending it again will not help
  error,        ///< AE, CE: the receiver may take it later
  unconfirmed,  ///< written to a receiver that answers nothing, and the connection lived on
  unknown       ///< no connection, no answer, an answer that is none: sent again for ever
};

/// The row after an attempt: its state, attempts, when to try again. `jitter` in [0, 1) spreads retries.
store::OutboxRow after_attempt(store::OutboxRow row, Disposition disposition, std::string_view outcome,
                               std::int64_t now_ms, Patience const& patience, double jitter);

}  // namespace gateway::delivery
