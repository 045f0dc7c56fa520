/// What profile subscribers are told by the event tables, in one notation both ways (translation.md 3.3): a
/// person that is new, changed, merged or linked; a visit that moved; a problem, goal, plan, appointment,
/// report, order or document that changed. One message per anchor.
///
/// Only to partners that list the event in their profile, never to the origin, never what a referral's own
/// message carries: a resource that is a view of a referral is told by the record's states ("One choice per
/// commit and destination"), a visit of one to everybody else; what a told plan names travels in its message.
#pragma once

#include "gateway/record/record.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace gateway::record {

/// What the event tables choose for one change and one partner.
struct ChosenEvent {
  std::string message;                       ///< "PPR^PC1"
  std::string structure;                     ///< "PPR_PC1"
  std::string role;                          ///< What the changed resource is in it: "problem".
  std::string row;                           ///< "pat.merge"
  std::map<std::string, std::string> facts;  ///< What it must say besides: order.control HD.
};

/// The event tables, asked by the caller, who knows the maps and the partner's whole profile. nullopt: no
/// event that it takes.
using ChooseEvent = std::function<std::optional<ChosenEvent>(
    Party const& party, fhir::json::Element const* before, fhir::json::Element const& after)>;

/// Queues what the Unit's Patients have to tell. Called before fold(): who is who goes out first. Errors:
/// those of reading the store.
fhir::Result<void> tell_of_persons(store::Unit& unit, Cause const& cause, Site const& site,
                                   ChooseEvent const& choose);
/// Queues the other messages for what the Unit has written. Called after fold(). Errors: as above.
fhir::Result<void> tell_subscribers(store::Unit& unit, Cause const& cause, Site const& site,
                                    ChooseEvent const& choose);

}  // namespace gateway::record
