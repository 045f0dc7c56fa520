/// One event of a record: what happened, when each clock says so, who said it, and what it carried (record.md
/// section 5).
///
/// Pure values; JSON in and out. The body is what the store chains by hash, so to_json is deterministic:
/// members in a fixed order, data in name order, empty members left out.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

struct Event {
  std::int64_t seq = 0;       ///< Place in the log; given by the store, not part of the body.
  std::string type;           ///< "accepted"; the kinds are in referral.hpp and transition.hpp.
  std::int64_t asserted = 0;  ///< When the sender says it happened, ms.
  std::int64_t source_time = 0;
  std::int64_t received = 0;
  std::string actor;       ///< Reference of organization or person, "" when unknown.
  std::string origin;      ///< Partner or client that told us; "gateway" for the gateway itself.
  std::string door;        ///< "v2", "fhir", "gateway"
  std::string message;     ///< "RRI^I12"
  std::string message_id;  ///< MSH-10 or request id.
  bool inferred = false;   ///< Implied by another event, told by nobody.
  std::string rule;        ///< Why: "RF1-1 A", "linked by T3", "skip".
  std::string state_before;
  std::string state_after;
  std::string payload;  ///< Exact version: "DiagnosticReport/x/_history/2".
  std::vector<std::string> loss_notes;
  std::map<std::string, std::vector<std::string>> data;

  std::string const& text(std::string const& name) const;  ///< The first value of that name, or "".
  std::vector<std::string> const& all(std::string const& name) const;
  void set(std::string const& name, std::string value);  ///< Replaces; "" removes.
  void add(std::string const& name, std::string value);  ///< Appends unless it is there.
  std::int64_t number(std::string const& name) const;    ///< 0 when absent or no number.
};

std::string to_json(Event const& event);
/// Errors: structure.
fhir::Result<Event> event_of(std::string_view body, std::int64_t seq);

/// The time an event has in the fold: what was asserted, never in the future of its receipt.
std::int64_t effective_time(Event const& event);

}  // namespace gateway::record
