/// The states of one transition of care, its obligations, and the fold that finds them (record.md section 7).
///
/// One transition is one stay of one person in one facility. Pure, like referral.hpp: events in, state out.
/// What a discharge asks for (who must be told, called, seen, reconciled, by when) opens with A03 and closes
/// by evidence; A13 suspends it and keeps the follow-ups; a second A03 resumes it.
#pragma once

#include "gateway/record/clocks.hpp"
#include "gateway/record/event.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

enum class Stay : unsigned char {
  none,  ///< Before the first event.
  expected,
  ed,
  in_progress,
  on_leave,
  discharge_planned,
  discharged,
  post_acute_watch,
  closed,
  closed_with_gaps,
  readmitted,
  died,
  cancelled,
  entered_in_error,
};

std::string_view to_code(Stay stay);  ///< "POST_ACUTE_WATCH"
bool is_final(Stay stay);

/// Event types of a transition.
namespace stay_kind {
inline constexpr std::string_view expected = "expected", ed = "ed-registered", admitted = "admitted",
                                  transferred = "transferred", on_leave = "on-leave", returned = "returned",
                                  discharge_planned = "discharge-planned", discharged = "discharged",
                                  discharge_cancelled = "discharge-cancelled",
                                  admit_cancelled = "admit-cancelled",
                                  info_received = "discharge-information-received", readmitted = "readmitted",
                                  died = "died", watch_ended = "watch-ended", error = "stay-entered-in-error";
inline constexpr std::string_view updated = "updated", attached = "attached", notice = "notice",
                                  notice_retracted = "notice-retracted",
                                  obligation_closed = "obligation-closed", result_pending = "result-pending",
                                  result_final = "result-final", delivery = "delivery",
                                  service_ordered = "service-ordered", service_ended = "service-ended",
                                  chained = "chained";
}  // namespace stay_kind

/// Obligation codes (kObligationSystem); "pending-result" is followed by ":" and the report's reference,
/// "ordered-service" by the ServiceRequest's.
namespace obligation {
inline constexpr std::string_view admission_notice = "admission-notice",
                                  discharge_notice = "discharge-notice",
                                  discharge_information = "discharge-information",
                                  interactive_contact = "interactive-contact",
                                  follow_up_scheduled = "follow-up-scheduled",
                                  follow_up_seen = "follow-up-seen",
                                  medication_reconciliation = "medication-reconciliation",
                                  pending_result = "pending-result", ordered_service = "ordered-service";
}  // namespace obligation

enum class Due : unsigned char { open, suspended, closed, cancelled };
std::string_view to_code(Due state);

struct Obligation {
  std::string code;
  Due state = Due::open;
  std::string owner;
  std::int64_t opened = 0;
  std::int64_t due = 0;
  std::string evidence;  ///< What closed it, or why it was cancelled.
};

struct Notice {
  std::string about;  ///< "admission", "discharge", "retraction"
  std::string recipient;
  std::string communication;
  bool delivered = false;
  bool retracted = false;
};

struct StayEntry {
  Stay stay = Stay::none;
  std::int64_t since = 0;
  std::int64_t seq = 0;
  bool inferred = false;
};

/// What PV1-36 (UB-04, or FHIR's discharge-disposition code) means for what must follow.
struct Disposition {
  std::string code;  ///< UB-04, planned-readmission codes 81-95 reduced to their base.
  bool planned_return = false;
  bool died = false;
  bool against_advice = false;
  bool still_patient = false;
  bool to_facility = false;  ///< SNF, rehab, LTCH, psychiatric: the receiving facility takes over.
  bool to_acute = false;     ///< The obligations wait for the receiving stay.
  std::vector<std::string_view> obligations;
};
Disposition disposition_of(std::string_view code);

struct TransitionState {
  std::string record_id;
  Stay stay = Stay::none;
  std::int64_t since = 0;
  std::int64_t due = 0;
  std::string owner;
  std::string person, patient, encounter, visit_class, location, hospital, attending, disposition, receiving,
      task;
  std::vector<std::string> pcps;  ///< Who is told; the first is accountable after the stay.
  std::string gateway, coordinator;
  std::int64_t admitted_at = 0, discharged_at = 0;
  std::vector<Obligation> obligations;
  std::vector<Notice> notices;
  std::vector<std::string> keys, views, pending_results;
  std::string episode;                      ///< The EpisodeOfCare that chains this stay with others.
  std::vector<std::string> previous, next;  ///< Encounters of the stays before and after it in the chain.
  std::map<std::string, std::int64_t>
      ordered_services;  ///< Referral ordered in the stay -> due; until it ends.
  std::set<std::string> flags;
  std::vector<StayEntry> history;
  Calendar calendar;

  Obligation const* find(std::string_view code) const;
  bool has_open_obligation() const;
};

struct StayApplied {
  std::int64_t seq = 0;
  std::int64_t at = 0;
  Stay before = Stay::none;
  Stay after = Stay::none;
};

TransitionState fold_transition(std::string_view record_id, std::span<Event const> log,
                                std::vector<StayApplied>* applied = nullptr);
std::string to_json(TransitionState const& state);
/// What to_json() wrote, which is all but what only the fold goes by (gateway, coordinator, calendar).
/// Errors: structure.
fhir::Result<TransitionState> transition_of(std::string_view body);

/// Day 31 after discharge, when what is still open becomes a gap; 0 before discharge.
std::int64_t watch_end(TransitionState const& state);

}  // namespace gateway::record
