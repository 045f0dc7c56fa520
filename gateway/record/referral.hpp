/// The states of one referral and the fold that finds them (record.md section 3).
///
/// Pure: events in, state out; the same events give the same bytes. A late event takes the place of its
/// asserted time and the whole is derived again. State goes forward by what happened and back only by an
/// explicit undo: a cancelled appointment, a refused cancellation, a corrected or withdrawn report, a
/// reopened review, a new Task after the old ended.
#pragma once

#include "gateway/record/clocks.hpp"
#include "gateway/record/event.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

enum class State : unsigned char {
  draft,
  sent,
  received,
  needs_info,
  accepted,
  declined,
  waitlisted,
  scheduled,
  appt_cancelled,
  no_show,
  seen,
  note_returned,
  closed,
  cancel_requested,
  cancelled,
  failed,
  expired,
  entered_in_error,
};
inline constexpr std::size_t kStateCount = 18;

/// Who owns the next step.
enum class Ball : unsigned char { nobody, referrer, recipient, gateway };

/// One row of section 3's table.
struct StateRow {
  State state;
  std::string_view code;             ///< "NEEDS_INFO"
  std::string_view request_status;   ///< What ServiceRequest.status is in this state.
  std::string_view task_status;      ///< What the fulfilment Task's status becomes; "" leaves it.
  std::string_view business_status;  ///< Ours, section 13.
  std::string_view bser;             ///< BSeR's, "" where it has none.
  Ball ball;
  Step step;  ///< Which clock runs.
};

StateRow const& row_of(State state);
std::string_view to_code(State state);
std::optional<State> state_of(std::string_view code);
bool is_open(State state);             ///< Neither closed, cancelled nor entered in error: the need stands.
bool is_fulfilment_over(State state);  ///< Declined, failed, expired: the need is open, the Task is not.
/// Position on the main line, 0 draft to 8 closed; -1 for the states beside it.
int rank_of(State state);

/// Event types of a referral. The first block moves the state, the second tells something about it.
namespace kind {
inline constexpr std::string_view drafted = "drafted", sent = "sent", received = "received",
                                  needs_info = "needs-info", info_supplied = "info-supplied",
                                  accepted = "accepted", declined = "declined", waitlisted = "waitlisted",
                                  booked = "booked", appt_cancelled = "appointment-cancelled",
                                  no_show = "no-show", seen = "seen", interim = "interim-report",
                                  note = "report-returned", corrected = "report-corrected",
                                  note_withdrawn = "report-withdrawn", reviewed = "reviewed",
                                  review_undone = "review-undone", cancel_requested = "cancel-requested",
                                  cancel_refused = "cancel-refused", cancelled = "cancelled",
                                  failed = "failed", expired = "expired", error = "entered-in-error",
                                  rereferred = "re-referred";
inline constexpr std::string_view updated = "updated", attached = "attached", delivery = "delivery",
                                  route = "route", routed = "routed", withheld = "withheld",
                                  withdrawn = "withdrawn";
}  // namespace kind

struct StateEntry {
  State state = State::draft;
  std::int64_t since = 0;
  std::int64_t seq = 0;  ///< The event that moved here.
  bool inferred = false;
  std::string type;  ///< What kind of event did; not serialised.
};

/// What an event did when the log was replayed in order of asserted time.
struct Applied {
  std::int64_t seq = 0;
  std::int64_t at = 0;
  State before = State::draft;
  State after = State::draft;
};

struct ReferralState {
  std::string record_id;
  State state = State::draft;
  State resume = State::draft;  ///< Where NEEDS_INFO and CANCEL_REQUESTED go back to.
  std::int64_t since = 0;
  std::int64_t due = 0;     ///< 0: no clock.
  std::string owner;        ///< Reference; "" when nobody owes anything.
  std::string accountable;  ///< Who answers for the patient's problem: RF1-4 AM moves it on accept.

  std::string person, patient, service_request, task, requester, performer, placer_source, priority,
      disposition;
  std::string appointment, encounter, report, reviewer, reason;
  std::string gateway, coordinator;
  std::int64_t sent_at = 0, accepted_at = 0, appointment_start = 0, need_by = 0, expires = 0;
  bool interim = false;  ///< A preliminary report came, no final one yet.
  bool amended = false;  ///< The last report is a correction.
  bool info_supplied = false;
  bool route_open = false;            ///< Nobody known to send it to: the care coordinator's.
  std::vector<std::string> services;  ///< ServiceRequests beside service_request: its requisition's others.
  std::vector<std::string> keys, views;
  std::vector<std::string> specialties;  ///< "system|code" that the referral asks for; what T4 links by.
  std::string order_encounter;           ///< The Encounter in which it was ordered.
  std::set<std::string> flags;
  std::vector<StateEntry> history;
  Calendar calendar;
};

ReferralState fold_referral(std::string_view record_id, std::span<Event const> log,
                            std::vector<Applied>* applied = nullptr);

/// What must have happened before an event of this type can, given the state: types in order. Written as
/// inferred events.
std::vector<std::string_view> implied(ReferralState const& state, std::string_view type);

/// The stored body of the record's row.
std::string to_json(ReferralState const& state);

/// The businessStatus code (ours) with its nuances: interim-report, report-amended, information-supplied.
std::string_view business_status_of(ReferralState const& state);

/// Events in the order in which they count, with the time each counts from.
struct Placed {
  Event const* event = nullptr;
  std::int64_t at = 0;
};
std::vector<Placed> place(std::span<Event const> log);

}  // namespace gateway::record
