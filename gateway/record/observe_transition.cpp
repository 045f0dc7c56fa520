// Transitions: Encounters that are stays, what is owed after them, and what closes it.
#include "gateway/record/codes.hpp"
#include "gateway/record/observer.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

constexpr std::int64_t kDayMs = std::int64_t{24} * 3'600'000;

std::string current_location(Element const& encounter) {
  Element const* locations = encounter.find("location");
  if (locations == nullptr) return {};
  std::string newest;
  for (Element const& each : locations->items()) {
    std::string const place = reference_at(each.find("location")).text();
    if (place.empty() || each.text_at("status") == "completed" || !each.text_of("period", "end").empty())
      continue;
    newest = place;
  }
  return newest;
}

std::string attending_of(Element const& encounter) {
  Element const* participants = encounter.find("participant");
  if (participants == nullptr) return {};
  for (Element const& each : participants->items())
    if (has_code(each.find("type"), "ATND")) return reference_at(each.find("individual")).text();
  return {};
}

std::string disposition_code(Element const& encounter) {
  Element const* disposition = encounter.at("hospitalization", "dischargeDisposition");
  return disposition == nullptr ? std::string{} : std::string(disposition->text_of("coding", 0, "code"));
}

bool is_emergency(std::string_view act_code) { return act_code == "EMER"; }

/// What the change from before to after is, as event types in order; "" in front when nothing moved.
std::vector<std::string_view> types_of_stay(Element const* before, Element const& after,
                                            std::string_view trigger) {
  std::string_view const now = after.text_at("status");
  std::string_view const was = before == nullptr ? std::string_view{} : before->text_at("status");
  std::string_view const arrival =
      is_emergency(after.text_of("class", "code")) ? stay_kind::ed : stay_kind::admitted;
  bool const in_house = now == "in-progress" || now == "arrived" || now == "triaged";
  bool const was_in_house = was == "in-progress" || was == "arrived" || was == "triaged";
  if (now == "entered-in-error") return {stay_kind::error};
  if (now == "cancelled")
    return was == "cancelled" ? std::vector<std::string_view>{} : std::vector{stay_kind::admit_cancelled};
  if (now == "planned")
    return was.empty() ? std::vector{stay_kind::expected} : std::vector<std::string_view>{};
  if (now == "onleave")
    return was == "onleave" ? std::vector<std::string_view>{} : std::vector{stay_kind::on_leave};
  if (now == "finished") {
    if (was == "finished") return {};
    if (!was_in_house && was != "onleave") return {arrival, stay_kind::discharged};
    return {stay_kind::discharged};
  }
  if (!in_house) return {};
  if (was == "finished") return {stay_kind::discharge_cancelled};
  if (was == "onleave") return {stay_kind::returned};
  if (!was_in_house) return {arrival};
  if (is_emergency(before->text_of("class", "code")) && arrival == stay_kind::admitted)
    return {stay_kind::admitted};
  if (trigger == "A16") return {stay_kind::discharge_planned};
  if (current_location(*before) != current_location(after)) return {stay_kind::transferred};
  return {};
}

/// The time of the visit itself, for doors whose messages carry no event time of their own.
std::int64_t own_time(Element const& encounter, std::string_view type, Calendar const& calendar) {
  if (type == stay_kind::discharged) return time_of(encounter.text_of("period", "end"), calendar);
  bool const arrival = type == stay_kind::admitted || type == stay_kind::ed;
  return arrival ? time_of(encounter.text_of("period", "start"), calendar) : 0;
}

bool is_planned_admission(Element const& encounter) {
  Element const* priority = encounter.find("priority");
  return has_code(priority, "EL") || has_code(encounter.at("hospitalization", "admitSource"), "planned");
}

bool is_discharge_summary(Element const& resource) {
  for (std::string_view code : {"18842-5", "DS"})
    if (has_code(resource.find("type"), code) || has_code(resource.find("category"), code) ||
        has_code(resource.find("code"), code))
      return true;
  return false;
}

bool shares_visit(std::vector<std::string> const& a, std::vector<std::string> const& b) {
  return std::any_of(a.begin(), a.end(), [&](std::string const& key) {
    return key.starts_with("visit|") && std::find(b.begin(), b.end(), key) != b.end();
  });
}

bool is_void(Stay stay) {
  return stay == Stay::none || stay == Stay::cancelled || stay == Stay::entered_in_error;
}

/// Whether `later` goes on where `earlier` ended: a transfer to another acute hospital within 24 hours, or an
/// inpatient stay under the visit number of the emergency visit before it.
bool follows(TransitionState const& earlier, TransitionState const& later) {
  if (is_void(earlier.stay) || is_void(later.stay)) return false;
  bool const from_ed = is_emergency(earlier.visit_class) && !is_emergency(later.visit_class) &&
                       shares_visit(earlier.keys, later.keys);
  if (from_ed) return earlier.admitted_at <= later.admitted_at;
  if (earlier.discharged_at == 0 || !disposition_of(earlier.disposition).to_acute) return false;
  return later.admitted_at > earlier.admitted_at && later.admitted_at >= earlier.discharged_at - kDayMs &&
         later.admitted_at <= earlier.discharged_at + kDayMs;
}

bool is_final_report(Element const& resource) {
  bool const document = resource.text_at("resourceType") == "DocumentReference";
  std::string_view const status = resource.text_at(document ? "docStatus" : "status");
  return status == "final" || status == "amended" || status == "corrected" || status == "appended";
}

}  // namespace

bool is_stay_class(std::string_view code) {
  for (std::string_view stay : {"IMP", "ACUTE", "NONAC", "OBSENC", "SS", "EMER"})
    if (code == stay) return true;
  return false;
}

std::string transition_id(std::string_view id) { return "transition/" + std::string(id); }

/// As stored, unless this run has found something new for it: then its log and that.
fhir::Result<TransitionState> Observer::stay_of_record(std::string const& record) {
  bool const is_new = std::any_of(found_.begin(), found_.end(),
                                  [&](Observation const& each) { return each.record == record; });
  if (!is_new) {
    FHIR_TRY(auto const row, context_.unit.find_record(record));
    if (row) return transition_of(row->body);
  }
  FHIR_TRY(auto log, context_.log(record));
  for (Observation const& each : found_) {
    if (each.record != record) continue;
    log.push_back(each.event);
    log.back().seq = static_cast<std::int64_t>(log.size());
  }
  return fold_transition(record, log);
}

fhir::Result<std::vector<TransitionState>> Observer::stays_of(std::string const& person) {
  std::vector<TransitionState> stays;
  FHIR_TRY(auto const records, context_.records_of(person));
  for (auto const& record : records) {
    if (!record.starts_with("transition/")) continue;
    FHIR_TRY(TransitionState stay, stay_of_record(record));
    stays.push_back(std::move(stay));
  }
  return stays;
}

fhir::Result<void> Observer::see_stay(Change const& change, Element const* before, Element const& after) {
  std::string const reference = "Encounter/" + change.id;
  FHIR_TRY(auto known, context_.record_of_view(reference));
  bool const is_known = known && known->starts_with("transition/");
  if (!is_known && !is_stay_class(after.text_of("class", "code"))) return {};
  std::string const record = transition_id(change.id);
  auto types = types_of_stay(before, after, context_.trigger());
  if (types.empty()) types = {is_known ? stay_kind::updated : std::string_view{}};
  if (types.front().empty()) return {};
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  for (std::size_t i = 0; i < types.size(); ++i) {
    Event event = context_.event(types[i], "Encounter.status " + std::string(after.text_at("status")));
    if (context_.cause.asserted_ms == 0) {
      if (auto const at = own_time(after, types[i], context_.calendar())) event.asserted = at;
    }
    event.inferred = i + 1 < types.size();
    FHIR_CHECK(describe_stay(event, after, !is_known && i == 0));
    FHIR_TRY(event.payload, context_.version(reference));
    std::int64_t const at = effective_time(event);
    bool const admission = types[i] == stay_kind::admitted;
    add(RecordKind::transition, record, std::move(event), keys_of(after), {reference});
    bool const moved = admission || types[i] == stay_kind::ed || types[i] == stay_kind::discharged;
    if (!moved) continue;
    FHIR_TRY(auto const stays, stays_of(person));
    if (admission) see_readmission(record, stays, at, after);
    FHIR_CHECK(see_chain(record, stays, after));
  }
  return {};
}

fhir::Result<void> Observer::describe_stay(Event& event, Element const& encounter, bool first) {
  std::string const patient = patient_of(encounter);
  FHIR_TRY(auto const person, context_.person_of(patient));
  event.set("patient", patient);
  event.set("person", person);
  event.set("encounter", "Encounter/" + std::string(encounter.text_at("id")));
  event.set("visit_class", std::string(encounter.text_of("class", "code")));
  event.set("location", current_location(encounter));
  event.set("attending", attending_of(encounter));
  event.set("disposition", disposition_code(encounter));
  event.set("receiving", reference_at(encounter.at("hospitalization", "destination")).text());
  std::string hospital = reference_at(encounter.find("serviceProvider")).text();
  if (hospital.empty()) {
    Party const* party = context_.party_named(context_.cause.origin);
    if (party != nullptr && !party->serves.empty()) hospital = reference_of(party->serves.front()).text();
  }
  event.set("hospital", hospital);
  FHIR_TRY(auto const pcps, primary_care_of(person));
  for (auto const& pcp : pcps) event.add("pcp", pcp);
  if (first) describe_site(event);
  return {};
}

/// Everybody who is the person's general practitioner to any of its sources: one per partner, else as they
/// are named.
fhir::Result<std::vector<std::string>> Observer::primary_care_of(std::string const& person) {
  std::vector<std::string> named, served, partners;
  FHIR_TRY(auto const patients, context_.patients_of(person));
  for (auto const& patient : patients) {
    FHIR_TRY(Element const* resource, context_.load(reference_of(patient)));
    Element const* practitioners = resource == nullptr ? nullptr : resource->find("generalPractitioner");
    if (practitioners == nullptr) continue;
    for (Element const& each : practitioners->items()) {
      std::string const who = reference_at(&each).text();
      if (who.empty()) continue;
      named.push_back(who);
      FHIR_TRY(auto const parties, context_.parties_of(who));
      if (parties.empty()) continue;
      if (std::find(partners.begin(), partners.end(), parties.front()->name) != partners.end()) continue;
      partners.push_back(parties.front()->name);
      served.push_back(who);
    }
  }
  auto& chosen = served.empty() ? named : served;
  std::vector<std::string> unique;
  for (auto& who : chosen)
    if (std::find(unique.begin(), unique.end(), who) == unique.end()) unique.push_back(std::move(who));
  return unique;
}

/// Section 7: a new unplanned inpatient stay within 30 days of discharge, not a transfer, ends the index
/// transition.
void Observer::see_readmission(std::string const& record, std::vector<TransitionState> const& stays,
                               std::int64_t at, Element const& encounter) {
  if (is_emergency(encounter.text_of("class", "code")) || is_planned_admission(encounter)) return;
  for (TransitionState const& index : stays) {
    if (index.record_id == record || index.discharged_at == 0 || is_final(index.stay)) continue;
    if (at < index.discharged_at || at > index.discharged_at + 30 * kDayMs) continue;
    Disposition const left = disposition_of(index.disposition);
    bool const transfer = left.to_acute && at <= index.discharged_at + 2 * kDayMs;
    if (left.planned_return || transfer || shares_visit(index.keys, keys_of(encounter))) continue;
    Event event = context_.event(stay_kind::readmitted, "an unplanned stay within 30 days (section 7)");
    event.set("by", "Encounter/" + std::string(encounter.text_at("id")));
    add(RecordKind::transition, index.record_id, std::move(event), {}, {});
  }
}

/// Section 7: stays that are one course of care are chained, whichever message told of them first.
fhir::Result<void> Observer::see_chain(std::string const& record, std::vector<TransitionState> const& stays,
                                       Element const& encounter) {
  FHIR_TRY(TransitionState here, stay_of_record(record));
  for (auto& key : keys_of(encounter)) here.keys.push_back(std::move(key));
  for (TransitionState const& other : stays) {
    if (other.record_id == record) continue;
    if (follows(other, here)) {
      chain(other, here);
    } else if (follows(here, other)) {
      chain(here, other);
    }
  }
  return {};
}

void Observer::chain(TransitionState const& earlier, TransitionState const& later) {
  bool const known =
      std::find(earlier.next.begin(), earlier.next.end(), later.encounter) != earlier.next.end();
  if (known || earlier.encounter.empty() || later.encounter.empty()) return;
  std::string const episode = !earlier.episode.empty() ? earlier.episode
                              : !later.episode.empty()
                                  ? later.episode
                                  : "EpisodeOfCare/" + derived_id(earlier.record_id, "episode");
  auto const tell = [&](std::string const& record, char const* side, std::string const& other) {
    Event event = context_.event(stay_kind::chained, "one course of care (section 7)");
    event.set("episode", episode);
    event.set(side, other);
    add(RecordKind::transition, record, std::move(event), {}, {});
  };
  tell(earlier.record_id, "next", later.encounter);
  tell(later.record_id, "previous", earlier.encounter);
}

/// A referral that was placed in a stay is one of the things that the stay leaves to be done.
fhir::Result<void> Observer::see_ordered_service(Element const& request) {
  Reference const encounter = reference_at(request.find("encounter"));
  if (encounter.type != "Encounter") return {};
  FHIR_TRY(auto const record, record_of(encounter.text()));
  if (!record || !record->starts_with("transition/")) return {};
  Event event = context_.event(stay_kind::service_ordered, "a referral placed in the stay");
  event.set("service", "ServiceRequest/" + std::string(request.text_at("id")));
  std::string_view const end = request.text_of("occurrencePeriod", "end");
  std::string_view const need_by = end.empty() ? request.text_at("occurrenceDateTime") : end;
  if (auto const due = time_of(need_by, context_.calendar(), true)) event.set("due", std::to_string(due));
  add(RecordKind::transition, *record, std::move(event), {}, {});
  return {};
}

void Observer::close_obligation(TransitionState const& stay, std::string_view code,
                                std::string const& evidence, std::string rule) {
  Obligation const* owed = stay.find(code);
  if (owed == nullptr || owed->state == Due::closed || owed->state == Due::cancelled) return;
  bool const information = code == obligation::discharge_information;
  Event event =
      context_.event(information ? stay_kind::info_received : stay_kind::obligation_closed, std::move(rule));
  event.set("obligation", std::string(code));
  event.set("evidence", evidence);
  add(RecordKind::transition, stay.record_id, std::move(event), {}, {});
}

fhir::Result<void> Observer::see_obligation(Change const& change, Element const* before,
                                            Element const& after) {
  std::string const reference = "Task/" + change.id;
  FHIR_TRY(auto const record, record_of(reference));
  if (!record || context_.cause.door == Door::gateway) return {};
  if (after.text_at("status") != "completed" ||
      (before != nullptr && before->text_at("status") == "completed"))
    return {};
  FHIR_TRY(TransitionState const stay, stay_of_record(*record));
  for (Obligation const& owed : stay.obligations)
    if (has_coding(after.find("reasonCode"), kObligationSystem, owed.code.substr(0, owed.code.find(':'))))
      close_obligation(stay, owed.code, reference, "its Task was completed");
  return {};
}

fhir::Result<void> Observer::see_follow_up_booking(Change const& change, Element const* before,
                                                   Element const& after) {
  if (after.text_at("status") != "booked" || (before != nullptr && before->text_at("status") == "booked"))
    return {};
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(auto const stays, stays_of(person));
  std::int64_t const start = time_of(after.text_at("start"), context_.calendar());
  for (TransitionState const& stay : stays) {
    if (stay.discharged_at == 0 || (start != 0 && start < stay.discharged_at)) continue;
    close_obligation(stay, obligation::follow_up_scheduled, "Appointment/" + change.id,
                     "a visit after discharge is booked");
  }
  return {};
}

/// A visit after the day of discharge, telehealth too; a telephone visit is the interactive contact.
fhir::Result<void> Observer::see_follow_up_visit(Change const& change, Element const& after) {
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(auto const stays, stays_of(person));
  Calendar const calendar = context_.calendar();
  std::int64_t start = time_of(after.text_of("period", "start"), calendar);
  if (start == 0) start = effective_time(context_.event(kind::seen, ""));
  for (TransitionState const& stay : stays) {
    if (stay.discharged_at == 0 || start <= end_of_day(stay.discharged_at, 0, calendar)) continue;
    std::string const reference = "Encounter/" + change.id;
    close_obligation(stay, obligation::follow_up_scheduled, reference, "the follow-up took place");
    close_obligation(stay, obligation::follow_up_seen, reference, "the follow-up took place");
    if (after.text_of("class", "code") == "VR")
      close_obligation(stay, obligation::interactive_contact, reference, "a virtual visit after discharge");
  }
  return {};
}

/// TCM's interactive contact: a telephone call that the practice recorded after discharge.
fhir::Result<void> Observer::see_contact(Change const& change, Element const& after) {
  if (!has_code(after.find("medium"), "PHONE") || after.text_at("status") != "completed") return {};
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(auto const stays, stays_of(person));
  for (TransitionState const& stay : stays)
    if (stay.discharged_at != 0)
      close_obligation(stay, obligation::interactive_contact, "Communication/" + change.id,
                       "a call after discharge");
  return {};
}

fhir::Result<void> Observer::see_stay_report(Change const& change, Element const* before,
                                             Element const& after) {
  std::string const reference = change.type + "/" + change.id;
  bool const document = change.type == "DocumentReference";
  std::string const status(after.text_at(document ? "docStatus" : "status"));
  bool const is_final_now = is_final_report(after);
  bool const was_final = before != nullptr && before->text_at(document ? "docStatus" : "status") == status;
  FHIR_TRY(auto const person, context_.person_of(patient_of(after)));
  FHIR_TRY(auto const stays, stays_of(person));
  for (TransitionState const& stay : stays) {
    auto const parents = parents_of(after);
    bool const of_this_stay = std::any_of(parents.begin(), parents.end(),
                                          [&](auto& parent) { return parent.text() == stay.encounter; });
    bool const after_discharge = stay.discharged_at != 0 && !is_final(stay.stay);
    if (is_discharge_summary(after) && is_final_now && !was_final && (of_this_stay || after_discharge)) {
      close_obligation(stay, obligation::discharge_information, reference, "a final discharge summary came");
      continue;
    }
    if (document || !of_this_stay) continue;
    bool const pending = std::find(stay.pending_results.begin(), stay.pending_results.end(), reference) !=
                         stay.pending_results.end();
    if (is_final_now == !pending) continue;
    Event event = context_.event(is_final_now ? stay_kind::result_final : stay_kind::result_pending,
                                 "DiagnosticReport " + status);
    event.set("report", reference);
    add(RecordKind::transition, stay.record_id, std::move(event), {}, {reference});
  }
  return {};
}

fhir::Result<void> Observer::attach_to_stay(std::string const& record, Element const& subject,
                                            std::string const& rule) {
  std::string const reference =
      std::string(subject.text_at("resourceType")) + "/" + std::string(subject.text_at("id"));
  Event event = context_.event(stay_kind::attached, rule);
  FHIR_TRY(event.payload, context_.version(reference));
  add(RecordKind::transition, record, std::move(event), {}, {reference});
  if (!is_discharge_summary(subject) || !is_final_report(subject)) return {};
  FHIR_TRY(TransitionState const stay, stay_of_record(record));
  close_obligation(stay, obligation::discharge_information, reference, rule);
  return {};
}

/// PID-30: all outreach to the person stops.
fhir::Result<void> Observer::see_patient(Change const& change, Element const* before, Element const& after) {
  auto const deceased = [](Element const* patient) {
    return patient != nullptr &&
           (patient->text_at("deceasedBoolean") == "true" || patient->find("deceasedDateTime") != nullptr);
  };
  if (!deceased(&after) || deceased(before)) return {};
  FHIR_TRY(auto const person, context_.person_of("Patient/" + change.id));
  FHIR_TRY(auto const stays, stays_of(person));
  for (TransitionState const& stay : stays) {
    if (is_final(stay.stay)) continue;
    add(RecordKind::transition, stay.record_id, context_.event(stay_kind::died, "the Patient is deceased"),
        {}, {});
  }
  return {};
}

}  // namespace gateway::record
