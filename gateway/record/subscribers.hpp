/// What profile subscribers are told besides the record (translation.md 3.3, "One choice per commit and
/// destination", part 2): a problem, goal, plan, appointment or document that changed, by the event tables,
/// one message per anchor.
///
/// Only to partners that list the event in their profile, never to the origin, never what a record's own
/// message carries: a resource that is a view of a record is told by it, and what a told plan names travels
/// in its message.
#pragma once

#include "gateway/record/record.hpp"

#include <functional>
#include <optional>
#include <string>

namespace gateway::record {

/// What the event tables choose for one change and one partner: "PPR^PC1" and "PPR_PC1".
struct ChosenEvent {
  std::string message;
  std::string structure;
};

/// The event tables, asked by the caller, who knows the maps and the partner's whole profile. nullopt: no
/// event that it takes.
using ChooseEvent = std::function<std::optional<ChosenEvent>(
    Party const& party, fhir::json::Element const* before, fhir::json::Element const& after)>;

/// Queues those messages for what the Unit has written. Called after fold(). Errors: those of reading the
/// store.
fhir::Result<void> tell_subscribers(store::Unit& unit, Cause const& cause, Site const& site,
                                    ChooseEvent const& choose);

}  // namespace gateway::record
