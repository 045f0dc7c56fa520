#include "gateway/record/rules.hpp"

#include "gateway/record/codes.hpp"
#include "gateway/record/linking.hpp"
#include "gateway/record/observer.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/work_item.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::IssueType;
using fhir::json::Element;

bool is_one_of(std::string_view status, std::initializer_list<std::string_view> set) {
  return std::find(set.begin(), set.end(), status) != set.end();
}

bool is_final_task(std::string_view status) {
  return is_one_of(status, {"rejected", "cancelled", "completed", "failed"});
}

fhir::Issue refuse(std::string rule, std::string expression) {
  return fhir::error(IssueType::business_rule, std::move(rule), std::move(expression));
}

/// Which side of a referral the writer speaks for. Both where the site names nobody.
struct Side {
  bool placer = true;
  bool filler = true;
};

fhir::Result<Side> side_of(Context& context, ReferralState const& state) {
  Side side;
  Party const* party = context.party_named(context.cause.origin);
  bool const placed_it = context.cause.origin == state.placer_source;
  if (party == nullptr) {
    // An unknown client: the placer by its source, else whoever the Task was sent to.
    side.filler = true;
    side.placer = placed_it;
    return side;
  }
  FHIR_TRY(bool const for_requester, context.serves(*party, state.requester));
  FHIR_TRY(bool const for_performer, context.serves(*party, state.performer));
  side.placer = placed_it || for_requester;
  side.filler = for_performer || !side.placer;
  return side;
}

fhir::Result<void> check_request(Context& context, store::Unit::Change const& change, Element const& before) {
  FHIR_TRY(auto const record, context.record_of_view("ServiceRequest/" + change.id));
  if (!record || change.before->source == context.cause.origin) return {};
  if (*change.after == before) return {};
  return fhir::error(
      IssueType::conflict,
      "a ServiceRequest is changed only by the party that placed it (COW rule a); say it by the Task",
      "ServiceRequest");
}

fhir::Result<void> check_fulfilment(Context& context, ReferralState const& state, std::string_view was,
                                    std::string_view status) {
  if (status == "on-hold" && was != "in-progress")
    return refuse("a Task goes on-hold only from in-progress; ask by businessStatus awaiting-information",
                  "Task.status");
  FHIR_TRY(Side const side, side_of(context, state));
  bool const fillers = is_one_of(
      status, {"received", "accepted", "rejected", "in-progress", "on-hold", "completed", "failed"});
  bool const placers = is_one_of(status, {"draft", "requested"});
  if (fillers && !side.filler)
    return refuse("this Task.status is set by the party that the Task was sent to", "Task.status");
  if (placers && !side.placer)
    return refuse("this Task.status is set by the placer of the referral", "Task.status");
  if (status == "cancelled" && side.placer && !side.filler && was == "in-progress")
    return refuse(
        "work has begun: ask for cancellation by a Task with code abort and focus this Task (COW rule d)",
        "Task.status");
  return {};
}

fhir::Result<void> check_review(Context& context, ReferralState const& state, std::string_view status) {
  if (status != "completed") return {};
  if (state.state != State::note_returned && state.state != State::closed)
    return refuse("a referral is closed only after its final report came", "Task.status");
  FHIR_TRY(Side const side, side_of(context, state));
  if (!side.placer && context.party_named(context.cause.origin) != nullptr)
    return refuse("the report is reviewed by the referring side", "Task.status");
  return {};
}

/// A work item is settled by its owner, and dismissed with a reason; an orphan is attached by an output that
/// names where it belongs.
fhir::Result<void> check_work_item(Context& context, Element const& before, Element const& after) {
  std::string_view const was = before.text_at("status");
  std::string_view const status = after.text_at("status");
  if (is_final_task(was)) return refuse("this work item is settled", "Task.status");
  std::string const owner = reference_at(before.find("owner")).text();
  if (!context.cause.actor.empty() && context.cause.actor != owner) {
    Party const* const party = context.party_named(context.cause.origin);
    FHIR_TRY(bool const serves, party == nullptr ? fhir::Result<bool>(false) : context.serves(*party, owner));
    if (!serves) return refuse("a work item is settled by its owner", "Task.status");
  }
  bool const dismissed = status == "cancelled" || status == "rejected";
  if (dismissed && after.text_of("statusReason", "text").empty())
    return refuse("a work item is dismissed with a reason", "Task.statusReason.text");
  bool const is_orphan = has_coding(before.find("code"), kTaskCodeSystem, work::orphan);
  if (status == "completed" && is_orphan && target_of_work_item(after).empty())
    return refuse("name the ServiceRequest or Encounter that it belongs to", "Task.output.valueReference");
  return {};
}

fhir::Result<void> check_task(Context& context, store::Unit::Change const& change, Element const& before) {
  Element const& after = *change.after;
  std::string_view const was = before.text_at("status");
  std::string_view const status = after.text_at("status");
  FHIR_TRY(auto const record, context.record_of_view("Task/" + change.id));
  if (!record || status == was) return {};
  TaskRole const role = role_of(before);
  if (role == TaskRole::work_item) return check_work_item(context, before, after);
  if (!record->starts_with("referral/")) return {};
  // A review may be taken back by who made it; everything else that ended stays ended.
  bool const undo = role == TaskRole::review && was == "completed";
  if (is_final_task(was) && status != "entered-in-error" && !undo)
    return refuse("a Task that is " + std::string(was) +
                      " is final: re-refer or reopen by a new Task on the same ServiceRequest",
                  "Task.status");
  FHIR_TRY(auto const log, context.log(*record));
  ReferralState const state = fold_referral(*record, log);
  if (role == TaskRole::fulfil) return check_fulfilment(context, state, was, status);
  if (role == TaskRole::review) return check_review(context, state, status);
  return {};
}

/// Section 3, "Deletes": what an open record names is not deleted.
fhir::Result<void> check_delete(Context& context, store::Unit::Change const& change) {
  static constexpr std::string_view kGuarded[] = {"ServiceRequest", "Task", "Encounter", "Appointment",
                                                  "Patient"};
  if (std::find(std::begin(kGuarded), std::end(kGuarded), change.type) == std::end(kGuarded)) return {};
  std::string const reference = change.type + "/" + change.id;
  std::vector<std::string> records;
  FHIR_TRY(auto const record, context.record_of_view(reference));
  if (record) records.push_back(*record);
  if (change.type == "Patient") {
    FHIR_TRY(auto const of_patient, context.unit.keys_of(kPatientSpace, reference));
    records.insert(records.end(), of_patient.begin(), of_patient.end());
  }
  for (auto const& id : records) {
    FHIR_TRY(auto const row, context.unit.find_record(id));
    bool const over = !row || row->state == "CLOSED" || row->state == "CANCELLED" ||
                      row->state == "ENTERED_IN_ERROR" || row->state == "CLOSED_WITH_GAPS" ||
                      row->state == "READMITTED" || row->state == "DIED" || (is_work_item(id) && !row->open);
    if (!over)
      return fhir::error(
          IssueType::conflict,
          "an open referral or transition names this resource: set entered-in-error or revoked instead",
          change.type);
  }
  return {};
}

}  // namespace

fhir::Result<void> check_rules(Context& context) {
  if (context.cause.door != Door::fhir) return {};
  for (auto const& change : context.unit.changes()) {
    if (!change.changed) continue;
    if (change.after == nullptr) {
      FHIR_CHECK(check_delete(context, change));
      continue;
    }
    FHIR_TRY(Element const* before, context.before(change));
    if (before == nullptr) continue;
    if (change.type == "ServiceRequest") FHIR_CHECK(check_request(context, change, *before));
    if (change.type == "Task") FHIR_CHECK(check_task(context, change, *before));
  }
  return {};
}

}  // namespace gateway::record
