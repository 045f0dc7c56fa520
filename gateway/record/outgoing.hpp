/// What each v2 partner is told when a referral moved: one message per state change and destination
/// (record.md section 3, column "v2 OUT"; translation.md 3.3). A stay is told by the event tables
/// (subscribers.hpp). Internal to this room.
///
/// Never to the origin, never what a partner was last told or last said itself (S9), never to anyone who is
/// not named: no destination or several opens the obligation "route" for the care coordinator. Rest-hook
/// notices are delivery's.
#pragma once

#include "gateway/record/context.hpp"
#include "gateway/record/referral.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gateway::record {

struct Outgoing {
  std::string message;  ///< "RRI^I12"; "" when the dialect cannot say it.
  std::map<std::string, std::string> facts;
  std::string loss;  ///< Why nothing is sent, for the loss notes.
};

enum class Toward : unsigned char { recipient, referrer };

/// The message for a state, pure: what the table's column says in the party's dialect. nullopt: this side is
/// not told.
std::optional<Outgoing> message_for(ReferralState const& state, std::string_view moved_by, Toward side,
                                    Party const& party);

fhir::Result<void> tell_partners(Context& context, ReferralState const& before, std::vector<Event>& log,
                                 std::size_t log_before);

}  // namespace gateway::record
