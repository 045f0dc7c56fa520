// Referrals: ServiceRequest, Task, Appointment, Encounter, reports, and the facts of REF, RRI, OMG, OSU and
// ORM.
#include "gateway/record/codes.hpp"
#include "gateway/record/observer.hpp"

#include <algorithm>
#include <optional>

namespace gateway::record {
namespace {

using fhir::json::Element;

bool same_code(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
  });
}

std::string first_reference(Element const* list) {
  if (list == nullptr) return {};
  return reference_at(list->is_array() ? list->at(0) : list).text();
}

/// RF1-4, kept as an orderDetail coding of table 0282.
std::string disposition_code(Element const& request) {
  for (std::string_view code : {"AM", "SO", "RP", "WR"})
    if (has_code(request.find("orderDetail"), code)) return std::string(code);
  return {};
}

std::string_view reason_text(Element const& task) {
  std::string_view const text = task.text_of("statusReason", "text");
  return text.empty() ? task.text_of("statusReason", "coding", 0, "display") : text;
}

/// A fulfilment Task's new status as an event type; "" when it says nothing about the referral's state.
std::string_view type_of_task_status(std::string_view status, bool by_placer) {
  if (status == "received") return kind::received;
  if (status == "accepted" || status == "in-progress") return kind::accepted;
  if (status == "rejected") return kind::declined;
  if (status == "failed") return kind::failed;
  if (status == "on-hold") return kind::needs_info;
  if (status == "cancelled") return by_placer ? kind::cancelled : kind::failed;
  if (status == "entered-in-error") return kind::error;
  return {};
}

struct BusinessRow {
  std::string_view ours, bser;
  std::string_view type;
};
constexpr BusinessRow kBusiness[] = {
    {"received", "", kind::received},
    {"awaiting-information", "", kind::needs_info},
    {"information-supplied", "", kind::info_supplied},
    {"accepted", "3.0", kind::accepted},
    {"waitlisted", "", kind::waitlisted},
    {"declined", "4.0", kind::declined},
    {"booked", "5.1.1", kind::booked},
    {"no-show", "5.1.2", kind::no_show},
    {"appointment-cancelled", "5.1.3", kind::appt_cancelled},
    {"visit-complete", "5.1.4", kind::seen},
    {"cancellation-requested", "5.2", kind::cancel_requested},
    {"cancellation-refused", "", kind::cancel_refused},
    {"cancelled", "6.0", kind::cancelled},
    {"unable-to-perform", "", kind::failed},
};

std::string_view type_of_business_status(Element const* before, Element const& after) {
  Element const* now = after.find("businessStatus");
  Element const* was = before == nullptr ? nullptr : before->find("businessStatus");
  for (BusinessRow const& row : kBusiness) {
    auto const says = [&](Element const* status) {
      return has_coding(status, kBusinessStatusSystem, row.ours) ||
             (!row.bser.empty() && has_coding(status, kBserBusinessStatusSystem, row.bser));
    };
    if (says(now) && !says(was)) return row.type;
  }
  return {};
}

std::string_view type_of_appointment(Observer& observer, Element const* before, Element const& after) {
  std::string_view const status = after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{} : before->text_at("status");
  std::string_view const trigger = observer.context().trigger();
  std::string_view const schedule = observer.context().fact("schedule.status");
  if (observer.context().message_type() == "SIU") {
    if (trigger == "S26" || same_code(schedule, "Noshow")) return kind::no_show;
    if (trigger == "S15" || trigger == "S16" || trigger == "S17" || same_code(schedule, "Cancelled"))
      return kind::appt_cancelled;
    if (same_code(schedule, "Started") || same_code(schedule, "Complete")) return kind::seen;
    if (same_code(schedule, "Waitlist") || same_code(schedule, "Pending")) return kind::waitlisted;
    if (status == "booked") return kind::booked;
  }
  if (status == was && status != "booked") return {};
  if (status == "waitlist" || status == "proposed" || status == "pending") return kind::waitlisted;
  if (status == "booked") return kind::booked;
  if (status == "noshow") return kind::no_show;
  if (status == "cancelled" || status == "entered-in-error") return kind::appt_cancelled;
  if (status == "fulfilled") return kind::seen;
  return {};
}

/// Preliminary never closes: a v2 fact that says so outweighs a status that says more (record.md section 3).
std::string_view type_of_report(Observer& observer, std::string_view type, Element const* before,
                                Element const& after) {
  Context& context = observer.context();
  bool const document = type == "DocumentReference";
  std::string_view const status = document ? after.text_at("docStatus") : after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{}
                               : document        ? before->text_at("docStatus")
                                                 : before->text_at("status");
  bool const wrong =
      status == "entered-in-error" || status == "cancelled" || after.text_at("status") == "entered-in-error";
  if (wrong || context.trigger() == "T11")
    return before == nullptr ? std::string_view{} : kind::note_withdrawn;
  std::string_view const fact = context.fact(document ? "document.completion" : "report.status");
  if (document) {
    bool const open = !fact.empty() && fact != "AU" && fact != "LA";  // TXA-17
    bool const withheld = context.fact("document.availability") == "UN";
    if (open || withheld || status == "preliminary" || status.empty()) return kind::interim;
  } else {
    bool const open = fact == "P" || fact == "R" || fact == "A" || fact == "I" || fact == "O" || fact == "S";
    if (open || status == "registered" || status == "partial" || status == "preliminary")
      return kind::interim;
  }
  bool const replaces = document && has_code(after.find("relatesTo"), "replaces");
  if (status == "corrected" || status == "amended" || status == "appended" || replaces ||
      context.trigger() == "T10" || fact == "C")
    return kind::corrected;
  if (status == "final") return was == "final" ? kind::corrected : kind::note;
  return {};
}

/// The order's own referral number is unknown: somebody waits for it, so a person must look.
bool names_an_order(std::vector<std::string> const& keys) {
  return std::any_of(keys.begin(), keys.end(), [](auto& key) { return key.starts_with("plac|"); });
}

bool is_consult_note(Element const& resource) {
  Element const* type = resource.find("type");
  Element const* category = resource.find("category");
  for (std::string_view code : {"11488-4", "CN", "CF"})
    if (has_code(type, code) || has_code(category, code)) return true;
  return false;
}

}  // namespace

std::string referral_id(std::string_view id) { return "referral/" + std::string(id); }

fhir::Result<bool> Observer::by_placer(ReferralState const& state) {
  if (context_.cause.origin == state.placer_source) return true;
  Party const* party = context_.party_named(context_.cause.origin);
  if (party == nullptr) return false;
  return context_.serves(*party, state.requester);
}

fhir::Result<ReferralState> Observer::state_of_record(std::string const& record) {
  FHIR_TRY(auto log, context_.log(record));
  for (Observation const& each : found_) {
    if (each.record != record) continue;
    log.push_back(each.event);
    log.back().seq = static_cast<std::int64_t>(log.size());
  }
  return fold_referral(record, log);
}

/// What a new record starts from: all that its clocks, owners and links need, so that the log alone can
/// rebuild it.
fhir::Result<void> Observer::describe(Event& event, Element const& request, Element const* task) {
  Calendar const calendar = context_.calendar();
  event.set("service_request", "ServiceRequest/" + std::string(request.text_at("id")));
  event.set("patient", patient_of(request));
  FHIR_TRY(auto const person, context_.person_of(patient_of(request)));
  event.set("person", person);
  event.set("requester", first_reference(request.find("requester")));
  std::string const owner = task == nullptr ? std::string{} : first_reference(task->find("owner"));
  event.set("performer", owner.empty() ? first_reference(request.find("performer")) : owner);
  event.set("priority", std::string(request.text_at("priority")));
  event.set("disposition", disposition_code(request));
  FHIR_TRY(auto const specialties, specialties_of(context_, request));
  for (auto const& specialty : specialties) event.add("specialty", specialty);
  if (Reference const ordered_in = reference_at(request.find("encounter")); ordered_in.type == "Encounter")
    event.set("order_encounter", ordered_in.text());
  std::string_view const end = request.text_of("occurrencePeriod", "end");
  std::string_view const need_by = end.empty() ? request.text_at("occurrenceDateTime") : end;
  if (auto const at = time_of(need_by, calendar, true)) event.set("need_by", std::to_string(at));
  if (task != nullptr) {
    event.set("task", "Task/" + std::string(task->text_at("id")));
    if (auto const at = time_of(task->text_of("restriction", "period", "end"), calendar, true))
      event.set("expires", std::to_string(at));
  }
  return {};
}

/// The calendar and the fallbacks that this site has now: they belong to the record, so that a rebuild needs
/// no site.
void Observer::describe_site(Event& event) {
  event.set("gateway", context_.site.gateway_organization);
  event.set("coordinator", context_.site.care_coordinator);
  event.set("zone", std::to_string(context_.site.utc_offset_minutes));
  for (auto const& day : context_.site.holidays) event.add("holiday", day);
}

fhir::Result<void> Observer::open_referral(Element const& request, Element const* task,
                                           std::string_view source) {
  std::string const id(request.text_at("id"));
  bool const drafted =
      request.text_at("status") == "draft" || (task != nullptr && task->text_at("status") == "draft");
  Event event = context_.event(drafted ? kind::drafted : kind::sent, "a referral (section 3)");
  FHIR_CHECK(describe(event, request, task));
  describe_site(event);
  event.set("placer_source", std::string(source));
  std::vector<std::string> views = {"ServiceRequest/" + id};
  auto keys = keys_of(request);
  if (task != nullptr) {
    views.push_back("Task/" + std::string(task->text_at("id")));
    for (auto& key : keys_of(*task)) keys.push_back(std::move(key));
  }
  FHIR_TRY(event.payload, context_.version(views.front()));
  add(RecordKind::referral, referral_id(id), std::move(event), std::move(keys), std::move(views));
  return see_ordered_service(request);
}

fhir::Result<void> Observer::see_request(store::Unit::Change const& change, Element const* before,
                                         Element const& after) {
  std::string const reference = "ServiceRequest/" + change.id;
  FHIR_TRY(auto const known, record_of(reference));
  if (known) return see_known_request(*known, change, before, after);
  if (std::string const lead = lead_of(reference, after); !lead.empty()) {
    FHIR_TRY(auto const record, record_of(lead));
    if (record && record->starts_with("referral/")) {
      Event event = context_.event(kind::attached, "one more service under the same requisition");
      event.add("service", reference);
      FHIR_TRY(event.payload, context_.version(reference));
      add(RecordKind::referral, *record, std::move(event), {}, {reference});
      return {};
    }
  }
  Element const* task = find_task_on(reference);
  bool const v2_referral = context_.message_type() == "REF";
  if (!is_referral(after, task, context_.site, v2_referral ? context_.cause.message : std::string{}))
    return {};
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(Link const link, link_by_key(context_, after, person));
  if (link.record.empty() || link.tier == "T2") return open_referral(after, task, change.source);
  FHIR_TRY(ReferralState const state, state_of_record(link.record));
  if (!is_open(state.state)) return open_referral(after, task, change.source);
  // The same number again: accepted, joined to the same referral, flagged, nothing sent (section 3).
  bool const again = change.source == state.placer_source;
  Event event = context_.event(kind::attached, "linked by " + link.tier);
  if (again) event.add("flag", "duplicate");
  FHIR_TRY(event.payload, context_.version(reference));
  add(RecordKind::referral, link.record, std::move(event), keys_of(after), {reference});
  return {};
}

fhir::Result<void> Observer::see_known_request(std::string const& record, store::Unit::Change const& change,
                                               Element const* before, Element const& after) {
  FHIR_TRY(ReferralState const state, state_of_record(record));
  std::string const reference = "ServiceRequest/" + change.id;
  if (std::find(state.services.begin(), state.services.end(), reference) != state.services.end()) {
    Event event = context_.event(kind::updated, "another service of the requisition");
    FHIR_TRY(event.payload, context_.version(reference));
    add(RecordKind::referral, record, std::move(event), {}, {});
    return {};
  }
  if (state.service_request != reference) return {};
  std::string_view const status = after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{} : before->text_at("status");
  std::string_view type = kind::updated;
  if (context_.cause.door == Door::fhir && status != was) {
    if (status == "active" && was == "draft") type = kind::sent;
    if (status == "revoked") type = kind::cancel_requested;
    if (status == "entered-in-error") type = kind::error;
    if (status == "completed" && state.state == State::note_returned) type = kind::reviewed;
  }
  Event event =
      context_.event(type, type == kind::updated ? "" : "ServiceRequest.status " + std::string(status));
  FHIR_CHECK(describe(event, after, nullptr));
  event.set("performer", "");  // Whom it was sent to is the Task's owner.
  if (status == "completed" && type == kind::updated && was != status && state.state != State::closed)
    event.add("flag", "placer-completed-without-report");
  if (type == kind::reviewed)
    event.set("reviewer", context_.cause.actor.empty() ? state.requester : context_.cause.actor);
  FHIR_TRY(event.payload, context_.version(state.service_request));
  bool const answers = type == kind::updated && state.state == State::needs_info;
  Event supplied = event;
  add(RecordKind::referral, record, std::move(event), keys_of(after), {});
  if (answers && context_.cause.door == Door::fhir) {
    supplied.type = kind::info_supplied;
    supplied.rule = "the placer changed the ServiceRequest";
    add(RecordKind::referral, record, std::move(supplied), {}, {});
  }
  return {};
}

/// The request that carries the referral of which this one is only one more service: the focus of the Task
/// that is based on it, or, where it is no Task's focus, the one of its requisition that is. "" where it
/// stands for itself. One loop is one Task and one record, however many services are asked for (record.md
/// section 12).
std::string Observer::lead_of(std::string const& reference, Element const& request) const {
  auto const requisition_of = [](Element const& one) {
    Element const* const identifier = one.find("requisition");
    std::string_view const value = identifier == nullptr ? std::string_view{} : identifier->text_at("value");
    return value.empty() ? std::string{}
                         : std::string(identifier->text_at("system")).append("|").append(value);
  };
  std::string const requisition = requisition_of(request);
  std::string by_task, by_requisition;
  for (auto const& change : changes_) {
    if (change.type != "Task" || change.after == nullptr || role_of(*change.after) != TaskRole::fulfil)
      continue;
    Element const* const based_on = change.after->find("basedOn");
    Reference lead = reference_at(change.after->find("focus"));
    if (!lead && based_on != nullptr && based_on->is_array()) lead = reference_at(based_on->at(0));
    if (lead.type != "ServiceRequest") continue;
    if (lead.text() == reference) return {};
    auto const other = std::find_if(changes_.begin(), changes_.end(), [&](auto const& one) {
      return one.type == lead.type && one.id == lead.id && one.after != nullptr;
    });
    if (other == changes_.end() || patient_of(*other->after) != patient_of(request)) continue;
    for (Reference const& parent : parents_of(*change.after))
      if (parent.text() == reference) by_task = lead.text();
    if (!requisition.empty() && requisition_of(*other->after) == requisition) by_requisition = lead.text();
  }
  return by_task.empty() ? by_requisition : by_task;
}

Element const* Observer::find_task_on(std::string const& request) {
  for (auto const& change : changes_) {
    if (change.type != "Task" || change.after == nullptr || role_of(*change.after) != TaskRole::fulfil)
      continue;
    for (Reference const& parent : parents_of(*change.after))
      if (parent.text() == request) return change.after;
  }
  return nullptr;
}

fhir::Result<void> Observer::see_task(store::Unit::Change const& change, Element const* before,
                                      Element const& after) {
  switch (role_of(after)) {
    case TaskRole::fulfil:
      return see_fulfilment(change, before, after);
    case TaskRole::review:
      return see_review(change, before, after);
    case TaskRole::abort:
      return see_abort(change, before, after);
    case TaskRole::obligation:
      return see_obligation(change, before, after);
    case TaskRole::work_item:
      return see_work_item(change, before, after);
    default:
      return {};
  }
}

fhir::Result<void> Observer::see_fulfilment(store::Unit::Change const& change, Element const* before,
                                            Element const& after) {
  std::string const reference = "Task/" + change.id;
  FHIR_TRY(auto record, record_of(reference));
  if (!record) {
    FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
    FHIR_TRY(Link link, link_to_found(after, person));
    if (!link.record.empty()) record = link.record;
  }
  if (!record) return open_by_task(change, after);
  FHIR_TRY(ReferralState const state, state_of_record(*record));
  if (state.task.empty() ||
      (is_fulfilment_over(state.state) && state.task != reference && before == nullptr)) {
    bool const again = is_fulfilment_over(state.state);
    Event event = context_.event(again ? kind::rereferred : kind::updated,
                                 again ? "a new Task on the same request" : "");
    event.set("task", reference);
    event.set("performer", first_reference(after.find("owner")));
    if (auto const at = time_of(after.text_of("restriction", "period", "end"), context_.calendar(), true))
      event.set("expires", std::to_string(at));
    add(RecordKind::referral, *record, std::move(event), keys_of(after), {reference});
    FHIR_TRY(ReferralState const now, state_of_record(*record));
    return tell_task_status(*record, now, nullptr, after);
  }
  if (before == nullptr && state.task != reference) {
    Event event = context_.event(kind::attached, "another Task on the same request");
    add(RecordKind::referral, *record, std::move(event), keys_of(after), {reference});
    return {};
  }
  if (state.task != reference) return {};
  Event event = context_.event(kind::updated, "");
  if (auto const at = time_of(after.text_of("restriction", "period", "end"), context_.calendar(), true))
    event.set("expires", std::to_string(at));
  bool const moved = is_before_acceptance(state.state);
  if (moved) event.set("performer", first_reference(after.find("owner")));
  add(RecordKind::referral, *record, std::move(event), keys_of(after), {});
  return tell_task_status(*record, state, before, after);
}

bool Observer::is_before_acceptance(State state) {
  return rank_of(state) >= 0 && rank_of(state) < rank_of(State::accepted);
}

/// A fulfilment Task on an order that nobody took for a referral yet: addressed to another organization, it
/// is one.
fhir::Result<void> Observer::open_by_task(store::Unit::Change const& change, Element const& after) {
  for (Reference const& parent : parents_of(after)) {
    if (parent.type != "ServiceRequest") continue;
    FHIR_TRY(Element const* request, context_.load(parent));
    if (request == nullptr || !is_referral(*request, &after, context_.site, {})) continue;
    FHIR_TRY(auto const source, context_.source(parent.text()));
    FHIR_CHECK(open_referral(*request, &after, source));
    FHIR_TRY(ReferralState const state, state_of_record(referral_id(parent.id)));
    return tell_task_status(referral_id(parent.id), state, change.before ? &after : nullptr, after);
  }
  return {};
}

/// Only FHIR says a state by Task.status; what v2 says comes as facts.
fhir::Result<void> Observer::tell_task_status(std::string const& record, ReferralState const& state,
                                              Element const* before, Element const& after) {
  if (context_.cause.door != Door::fhir) return {};
  FHIR_TRY(bool const placer, by_placer(state));
  FHIR_CHECK(tell_output(record, after));
  std::string_view const status = after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{} : before->text_at("status");
  auto const tell = [&](std::string_view type, std::string rule) {
    Event event = context_.event(type, std::move(rule));
    event.set("reason", std::string(reason_text(after)));
    add(RecordKind::referral, record, std::move(event), {}, {});
  };
  if (status == "requested" && (was == "draft")) tell(kind::sent, "Task.status requested");
  if (status != was) {
    if (auto const type = type_of_task_status(status, placer || state.state == State::cancel_requested);
        !type.empty())
      tell(type, "Task.status " + std::string(status));
    if (status == "completed") FHIR_CHECK(tell_completed(record));
  }
  if (auto const type = type_of_business_status(before, after); !type.empty())
    tell(type, "Task.businessStatus");
  return {};
}

/// A completed Task without its report ends the visit, not the loop: the specialist still owes the note.
fhir::Result<void> Observer::tell_completed(std::string const& record) {
  FHIR_TRY(ReferralState const now, state_of_record(record));
  if (rank_of(now.state) >= rank_of(State::note_returned)) return {};
  Event event = context_.event(kind::seen, "Task.status completed");
  event.add("flag", "completed-without-report");
  add(RecordKind::referral, record, std::move(event), {}, {});
  return {};
}

fhir::Result<void> Observer::tell_output(std::string const& record, Element const& task) {
  Element const* outputs = task.find("output");
  if (outputs == nullptr) return {};
  for (Element const& output : outputs->items()) {
    Reference const report = reference_at(output.find("valueReference"));
    if (report.type != "DiagnosticReport" && report.type != "DocumentReference") continue;
    FHIR_TRY(auto const known, record_of(report.text()));
    if (known) continue;
    FHIR_TRY(Element const* resource, context_.load(report));
    if (resource == nullptr) continue;
    std::string_view const type = type_of_report(*this, report.type, nullptr, *resource);
    if (!type.empty() && type != kind::note_withdrawn)
      FHIR_CHECK(add_report(record, type, report.text(), "Task.output"));
  }
  return {};
}

fhir::Result<void> Observer::see_review(store::Unit::Change const& change, Element const* before,
                                        Element const& after) {
  FHIR_TRY(auto const record, record_of("Task/" + change.id));
  if (!record || context_.cause.door == Door::gateway) return {};
  std::string_view const status = after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{} : before->text_at("status");
  if (status == was) return {};
  if (status != "completed" && was != "completed") return {};
  Event event = context_.event(status == "completed" ? kind::reviewed : kind::review_undone,
                               "review Task " + std::string(status));
  event.set("reviewer", reviewer_of(after));
  FHIR_TRY(event.payload, context_.version("Task/" + change.id));
  add(RecordKind::referral, *record, std::move(event), {}, {});
  return {};
}

/// Who reviewed: the person on the Task, else the author of its last note, else who acted, else whoever owns
/// the Task.
std::string Observer::reviewer_of(Element const& task) {
  Reference const owner = reference_at(task.find("owner"));
  if (owner.type == "Practitioner" || owner.type == "PractitionerRole") return owner.text();
  if (Element const* notes = task.find("note"); notes != nullptr && !notes->empty()) {
    Element const& last = notes->items().back();
    if (Reference const author = reference_at(last.find("authorReference"))) return author.text();
    if (!last.text_at("authorString").empty()) return std::string(last.text_at("authorString"));
  }
  return context_.cause.actor.empty() ? owner.text() : context_.cause.actor;
}

/// COW (d): the placer asks for the end by a Task of its own; the filler answers it.
fhir::Result<void> Observer::see_abort(store::Unit::Change const& change, Element const* before,
                                       Element const& after) {
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(Link const link, link_to_found(after, person));
  if (link.record.empty()) return {};
  std::string_view const status = after.text_at("status");
  if (before != nullptr && before->text_at("status") == status) return {};
  std::string_view type;
  if (status == "requested") type = kind::cancel_requested;
  if (status == "accepted" || status == "completed") type = kind::cancelled;
  if (status == "rejected") type = kind::cancel_refused;
  Event event = context_.event(type.empty() ? kind::attached : type, "abort Task " + std::string(status));
  event.set("reason", std::string(reason_text(after)));
  add(RecordKind::referral, link.record, std::move(event), {}, {"Task/" + change.id});
  return {};
}

fhir::Result<void> Observer::see_appointment(store::Unit::Change const& change, Element const* before,
                                             Element const& after) {
  std::string const reference = "Appointment/" + change.id;
  FHIR_CHECK(see_follow_up_booking(change, before, after));
  std::string_view const type = type_of_appointment(*this, before, after);
  if (type.empty()) return {};
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(Link const link, link_view(reference, after, person));
  auto const keys = keys_of(after);
  if (link.record.empty()) {
    if (names_an_order(keys)) FHIR_CHECK(orphan(reference, person, "no referral has this number"));
    return {};
  }
  return add_appointment(link.record, type, after, "linked by " + link.tier);
}

fhir::Result<void> Observer::add_appointment(std::string const& record, std::string_view type,
                                             Element const& after, std::string rule) {
  std::string const reference = "Appointment/" + std::string(after.text_at("id"));
  Event event = context_.event(type, std::move(rule));
  event.set("appointment", reference);
  if (auto const start = time_of(after.text_at("start"), context_.calendar()))
    event.set("appointment_start", std::to_string(start));
  FHIR_TRY(event.payload, context_.version(reference));
  add(RecordKind::referral, record, std::move(event), keys_of(after), {reference});
  return {};
}

/// A visit that a referral waits for, by key or by T3: same person, the provider it was sent to, alone in its
/// window.
fhir::Result<void> Observer::see_visit(store::Unit::Change const& change, Element const* before,
                                       Element const& after) {
  std::string_view const status = after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{} : before->text_at("status");
  bool const here =
      status == "arrived" || status == "triaged" || status == "in-progress" || status == "finished";
  bool const was_here = was == "arrived" || was == "triaged" || was == "in-progress" || was == "finished";
  if (!here || was_here) return {};
  std::string const reference = "Encounter/" + change.id;
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(Link link, link_view(reference, after, person));
  bool const stay = is_stay_class(after.text_of("class", "code"));
  if (link.record.empty() && !stay) {
    FHIR_TRY(auto specialties, specialties_of(context_, after));
    Sighting sighting{person,
                      providers_of(after),
                      std::move(specialties),
                      effective_time(context_.event(kind::seen, "")),
                      1,
                      5};
    FHIR_TRY(link, link_by_person(context_, sighting));
    if (link.ambiguous) return orphan(reference, person, "several referrals wait for this visit");
  }
  if (link.record.empty()) return {};
  return add_visit(link.record, after, "linked by " + link.tier);
}

fhir::Result<void> Observer::add_visit(std::string const& record, Element const& after, std::string rule) {
  std::string const reference = "Encounter/" + std::string(after.text_at("id"));
  Event event = context_.event(kind::seen, std::move(rule));
  event.set("encounter", reference);
  FHIR_TRY(event.payload, context_.version(reference));
  // A stay is a view of its own transition.
  std::vector<std::string> views;
  if (!is_stay_class(after.text_of("class", "code"))) views.push_back(reference);
  add(RecordKind::referral, record, std::move(event), keys_of(after), std::move(views));
  return {};
}

std::vector<std::string> Observer::providers_of(Element const& encounter) {
  std::vector<std::string> providers;
  if (auto const text = reference_at(encounter.find("serviceProvider")).text(); !text.empty())
    providers.push_back(text);
  if (Element const* participants = encounter.find("participant"))
    for (Element const& each : participants->items())
      if (auto const text = reference_at(each.find("individual")).text(); !text.empty())
        providers.push_back(text);
  return providers;
}

fhir::Result<void> Observer::see_report(store::Unit::Change const& change, Element const* before,
                                        Element const& after) {
  std::string const reference = change.type + "/" + change.id;
  std::string_view const type = type_of_report(*this, change.type, before, after);
  if (type.empty()) return {};
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(Link link, link_view(reference, after, person));
  bool const consult = is_consult_note(after);
  if (link.record.empty() && consult && !link.ambiguous) {
    FHIR_TRY(auto specialties, specialties_of(context_, after));
    Sighting sighting{person, {}, std::move(specialties), effective_time(context_.event(type, "")), 3, 7};
    if (auto const author = first_reference(after.find("author")); !author.empty())
      sighting.providers.push_back(author);
    if (auto const who = first_reference(after.find("performer")); !who.empty())
      sighting.providers.push_back(who);
    FHIR_TRY(link, link_by_person(context_, sighting));
  }
  if (link.record.empty()) {
    if (names_an_order(keys_of(after)) || consult || link.ambiguous)
      return orphan(
          reference, person,
          link.ambiguous ? "several referrals could own this report" : "no referral owns this report");
    return {};
  }
  FHIR_TRY(ReferralState const state, state_of_record(link.record));
  if (state.state == State::cancelled || state.state == State::entered_in_error)
    FHIR_CHECK(orphan(reference, person, "its referral was cancelled"));
  return add_report(link.record, type, reference, "linked by " + link.tier);
}

fhir::Result<void> Observer::add_report(std::string const& record, std::string_view type,
                                        std::string const& reference, std::string rule) {
  Event event = context_.event(type, std::move(rule));
  event.set("report", reference);
  FHIR_TRY(event.payload, context_.version(reference));
  add(RecordKind::referral, record, std::move(event), {}, {reference});
  return {};
}

/// A word about the referral: the placer's is an answer to what was asked.
fhir::Result<void> Observer::see_communication(store::Unit::Change const& change, Element const* before,
                                               Element const& after) {
  if (context_.cause.door == Door::gateway) return {};
  FHIR_CHECK(see_contact(change, after));
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(Link const link, link_to_found(after, person));
  if (before != nullptr || link.record.empty()) return {};
  FHIR_TRY(ReferralState const state, state_of_record(link.record));
  FHIR_TRY(bool const placer, by_placer(state));
  bool const answer = placer && state.state == State::needs_info;
  Event event = context_.event(answer ? kind::info_supplied : kind::attached, "Communication");
  FHIR_TRY(event.payload, context_.version("Communication/" + change.id));
  add(RecordKind::referral, link.record, std::move(event), {}, {"Communication/" + change.id});
  return {};
}

// --- What a v2 message says by itself
// -------------------------------------------------------------------------------------

namespace {

struct Meaning {
  std::string_view type;
  std::string rule;
};

std::optional<Meaning> referral_meaning(Context& context) {
  std::string_view const status = context.fact("referral.status");
  std::string_view const trigger = context.trigger();
  std::string const rf1 = "RF1-1 " + std::string(status);
  if (context.message_type() == "REF") {
    if (status == "E") return Meaning{kind::expired, rf1};
    if (trigger == "I14") return Meaning{kind::cancel_requested, "REF^I14"};
    if (trigger == "I13") return Meaning{kind::info_supplied, "REF^I13"};
    return std::nullopt;
  }
  if (context.message_type() != "RRI") return std::nullopt;
  if (trigger == "I14") return Meaning{kind::cancelled, "RRI^I14"};
  if (status == "A") return Meaning{kind::accepted, rf1};
  if (status == "R") return Meaning{kind::declined, rf1};
  if (status == "E") return Meaning{kind::expired, rf1};
  if (status == "P" && !context.fact("referral.information").empty())
    return Meaning{kind::needs_info, "RF1-1 P + NTE"};
  if (status == "P") return Meaning{kind::received, rf1};
  return std::nullopt;  // MSA alone is technical: it never declines (record.md section 12).
}

/// Order control of OMG, OSU, ORM: the direction decides what CA means (standards.md 1).
std::optional<Meaning> order_meaning(Context& context, bool by_placer) {
  std::string_view const control = context.fact("order.control");
  std::string_view const status = context.fact("order.status");
  std::string const rule =
      "ORC-1 " + std::string(control) + (status.empty() ? "" : ", ORC-5 " + std::string(status));
  auto const is = [&](std::initializer_list<std::string_view> codes) {
    return std::find(codes.begin(), codes.end(), control) != codes.end();
  };
  if (control.empty()) return std::nullopt;
  if (by_placer) {
    if (is({"CA", "DC"})) return Meaning{kind::cancel_requested, rule};
    if (is({"SC"}) && status == "CM") return Meaning{kind::reviewed, rule};
    if (is({"XO"})) return Meaning{kind::info_supplied, rule};
    return std::nullopt;
  }
  if (is({"RR", "NA"})) return Meaning{kind::received, rule};
  if (is({"OK"})) return Meaning{kind::accepted, rule};
  if (is({"UA", "OC"}) || (is({"CA"}))) return Meaning{kind::declined, rule};
  if (is({"CR", "DR", "OD"})) return Meaning{kind::cancelled, rule};
  if (is({"UC", "UD"})) return Meaning{kind::cancel_refused, rule};
  if (status == "HD") return Meaning{kind::needs_info, rule};
  if (status == "IP") return Meaning{kind::accepted, rule};
  if (status == "SC") return Meaning{kind::booked, rule};
  if (status == "CM") return Meaning{kind::seen, rule};  // The report is what completes it.
  if (status == "CA" || status == "DC") return Meaning{kind::cancelled, rule};
  return std::nullopt;
}

}  // namespace

fhir::Result<void> Observer::see_message() {
  std::string_view const type = context_.message_type();
  bool const referral = type == "REF" || type == "RRI";
  bool const order = type == "OMG" || type == "OSU" || type == "ORM" || type == "ORR";
  if (!referral && !order) return {};
  FHIR_TRY(std::string const record, record_of_message());
  if (record.empty()) {
    bool const answer = type == "RRI" || type == "OSU" || context_.trigger() != "I12";
    if (referral ? answer : type == "OSU") return orphan({}, {}, "no referral has this number");
    return {};
  }
  return tell_message(record, {});
}

/// What REF, RRI and the order messages say of their referral by themselves. `linked`: who says that it is
/// this one, where it is not the message.
fhir::Result<void> Observer::tell_message(std::string const& record, std::string const& linked) {
  FHIR_TRY(ReferralState const state, state_of_record(record));
  FHIR_TRY(bool const placer, by_placer(state));
  std::string_view const message = context_.message_type();
  bool const referral = message == "REF" || message == "RRI";
  auto const meaning = referral ? referral_meaning(context_) : order_meaning(context_, placer);
  if (!meaning) return {};
  Event event = context_.event(meaning->type, linked.empty() ? meaning->rule : meaning->rule + ", " + linked);
  for (std::string_view name : {"order.reason", "referral.reason", "referral.information"})
    if (auto const text = context_.fact(name); !text.empty()) event.set("reason", std::string(text));
  if (meaning->type == kind::reviewed)
    event.set("reviewer", context_.cause.actor.empty() ? state.requester : context_.cause.actor);
  add(RecordKind::referral, record, std::move(event), {}, {});
  return {};
}

/// The referral that the message speaks of: what it wrote, or what intake recognised for it.
fhir::Result<std::string> Observer::record_of_message() {
  std::vector<std::string> spoken_of = context_.cause.anchors;
  for (auto const& change : changes_) spoken_of.push_back(change.type + "/" + change.id);
  for (auto const& reference : spoken_of) {
    FHIR_TRY(auto const record, record_of(reference));
    if (record && record->starts_with("referral/")) return *record;
  }
  for (auto const& change : changes_) {
    if (change.after == nullptr) continue;
    FHIR_TRY(auto const person, context_.person_of(patient_of(*change.after)));
    FHIR_TRY(Link const link, link_by_key(context_, *change.after, person));
    if (!link.record.empty()) return link.record;
  }
  return std::string{};
}

// --- Orphans that a person settles
// -------------------------------------------------------------------------------------

/// The owner of a work item ends its Task: completed, an orphan's with an output that says where it belongs,
/// settles it; cancelled or rejected dismisses it. rules.cpp has seen to it that output or reason is there.
fhir::Result<void> Observer::see_work_item(Change const& change, Element const* before,
                                           Element const& after) {
  FHIR_TRY(auto const id, record_of("Task/" + change.id));
  if (!id || !is_work_item(*id) || context_.cause.door != Door::fhir) return {};
  std::string_view const status = after.text_at("status");
  if (before == nullptr || before->text_at("status") == status) return {};
  Settlement settlement;
  settlement.by = reviewer_of(after);
  settlement.reason = reason_text(after);
  if (status == "cancelled" || status == "rejected") {
    settlement.how = work::dismissed;
    settled_.emplace_back(*id, std::move(settlement));
  } else if (status == "completed") {
    if (settlement.reason.empty()) settlement.reason = "its Task was completed";
    if (!id->starts_with(work::orphan)) {
      settlement.how = work::accepted;
      settled_.emplace_back(*id, std::move(settlement));
      return {};
    }
    settlement.how = work::attached;
    std::string const target = target_of_work_item(after);
    FHIR_TRY(auto observed, observe_attachment(context_, *id, target, settlement));
    for (auto& each : observed.records) found_.push_back(std::move(each));
    for (auto& each : observed.settled) settled_.push_back(std::move(each));
  }
  return {};
}

std::string target_of_work_item(Element const& task) {
  return reference_at(task.at("output", 0, "valueReference")).text();
}

fhir::Result<Observed> Observer::attach(std::string const& record, Reference const& subject,
                                        std::string const& rule) {
  if (subject) {
    FHIR_TRY(Element const* resource, context_.load(subject));
    if (resource == nullptr) return fhir::error(fhir::IssueType::deleted, "what was to be attached is gone");
    bool const stay = record.starts_with("transition/");
    FHIR_CHECK(stay ? attach_to_stay(record, *resource, rule) : attach_to_referral(record, *resource, rule));
  } else if (record.starts_with("referral/")) {
    FHIR_CHECK(tell_message(record, rule));
  }
  return Observed{std::move(found_), {}, {}};
}

fhir::Result<void> Observer::attach_to_referral(std::string const& record, Element const& subject,
                                                std::string const& rule) {
  std::string const type(subject.text_at("resourceType"));
  std::string const reference = type + "/" + std::string(subject.text_at("id"));
  if (type == "DiagnosticReport" || type == "DocumentReference") {
    auto const means = type_of_report(*this, type, nullptr, subject);
    if (!means.empty()) return add_report(record, means, reference, rule);
  }
  if (type == "Appointment") {
    auto const means = type_of_appointment(*this, nullptr, subject);
    if (!means.empty()) return add_appointment(record, means, subject, rule);
  }
  if (type == "Encounter") return add_visit(record, subject, rule);
  Event event = context_.event(kind::attached, rule);
  FHIR_TRY(event.payload, context_.version(reference));
  add(RecordKind::referral, record, std::move(event), keys_of(subject), {reference});
  return {};
}

fhir::Result<Observed> observe_attachment(Context& context, std::string const& id, std::string_view target,
                                          Settlement const& settlement) {
  FHIR_TRY(auto const log, context.log(id));
  if (log.empty() || !is_work_item(id))
    return fhir::error(fhir::IssueType::not_found, "no work item has this id");
  WorkItemState const item = fold_work_item(id, log);
  if (item.kind != work::orphan)
    return fhir::error(fhir::IssueType::business_rule, "only an orphan is attached to a record");
  FHIR_TRY(auto const record, context.record_of_view(target));
  if (!record || is_work_item(*record))
    return fhir::error(fhir::IssueType::not_found,
                       "no referral or transition record belongs to the resource it is to be attached to");
  FHIR_TRY(auto const row, context.unit.find_record(*record));
  FHIR_TRY(auto const person,
           item.patient.empty() ? fhir::Result<std::string>(item.person) : context.person_of(item.patient));
  if (row && !person.empty() && !row->person.empty() && row->person != person)
    return fhir::error(fhir::IssueType::business_rule, "that record is another person's");
  // As the message that brought it would have said it, so that it counts, and is told on, as if it had been
  // linked.
  Cause cause;
  Event const& first = log.front();
  cause.door = first.door == "v2" ? Door::v2 : first.door == "fhir" ? Door::fhir : Door::gateway;
  cause.origin = first.origin;
  cause.actor = first.actor;
  cause.message = first.message;
  cause.message_id = first.message_id;
  cause.asserted_ms = first.asserted;
  cause.source_ms = first.source_time;
  cause.received_ms = context.now();
  for (auto const& [name, values] : first.data)
    if (name.starts_with(kFactPrefix))
      cause.facts.push_back({name.substr(kFactPrefix.size()), values.front(), {}});
  Context as_sent(context.unit, cause, context.site);
  Observer observer(as_sent);
  FHIR_TRY(auto observed, observer.attach(*record, reference_of(item.subject),
                                          "attached by a person: " + settlement.reason));
  Settlement settled = settlement;
  settled.how = work::attached;
  settled.target = *record;
  observed.settled.emplace_back(id, std::move(settled));
  return observed;
}

}  // namespace gateway::record
