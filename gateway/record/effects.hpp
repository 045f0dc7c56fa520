/// What the gateway itself writes when a record moved, in the same Unit (record.md sections 3 and 7).
/// Internal to this room.
///
/// It owns: the fulfilment Task's status and businessStatus, review, consultant-report, abort, transition and
/// obligation Tasks, notices, and Provenance. It writes ServiceRequest.status only as agent of the placer's
/// own recorded act.
#pragma once

#include "gateway/record/context.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/transition.hpp"

#include <vector>

namespace gateway::record {

/// `log` grows by what the gateway did. `before` is the state before this Unit's events.
fhir::Result<void> apply_effects(Context& context, ReferralState const& before, std::vector<Event>& log);
fhir::Result<void> apply_effects(Context& context, TransitionState const& before, std::vector<Event>& log);

}  // namespace gateway::record
