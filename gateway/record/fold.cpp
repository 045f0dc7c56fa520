// The entry points of record.hpp: changes and clocks in, events, states, effects and messages out, all in the
// caller's Unit.
#include "fhir/json/reader.hpp"
#include "gateway/record/codes.hpp"
#include "gateway/record/context.hpp"
#include "gateway/record/ledger.hpp"
#include "gateway/record/observe.hpp"
#include "gateway/record/record.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/rules.hpp"
#include "gateway/record/transition.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

fhir::Result<void> apply(Context& context, Observed observed) {
  std::vector<std::string> order;
  for (auto const& each : observed.records)
    if (std::find(order.begin(), order.end(), each.record) == order.end()) order.push_back(each.record);
  for (auto const& record : order) {
    std::vector<Event> events;
    for (auto& each : observed.records)
      if (each.record == record) events.push_back(std::move(each.event));
    FHIR_CHECK(fold_one(context, record, std::move(events)));
  }
  for (WorkItem const& item : observed.items)
    FHIR_CHECK(open_work_item(context.unit, context.cause, context.site, item));
  for (auto const& [id, settlement] : observed.settled)
    FHIR_CHECK(settle_work_item(context.unit, context.cause, context.site, id, settlement));
  return {};
}

/// Open records follow the survivor of a merge: their person is written anew from their Patient (section 1).
fhir::Result<void> follow_persons(Context& context) {
  auto const changes = context.unit.changes();
  for (auto const& change : changes) {
    if (change.type != "Patient" || !change.changed) continue;
    std::string const patient = "Patient/" + change.id;
    FHIR_TRY(auto const person, context.person_of(patient));
    FHIR_TRY(auto const records, context.unit.keys_of(kPatientSpace, patient));
    for (auto const& record : records) {
      FHIR_TRY(auto const row, context.unit.find_record(record));
      if (!row || row->person == person) continue;
      Event event = context.event(kind::updated, "the patient's person changed");
      event.set("person", person);
      FHIR_CHECK(fold_one(context, record, {event}));
    }
  }
  return {};
}

bool is_positive(std::string_view outcome) {
  return outcome == "AA" || outcome == "CA" || outcome == "2xx" || (outcome.size() == 3 && outcome[0] == '2');
}

bool is_refusal(std::string_view outcome) {
  for (std::string_view code : {"AE", "AR", "CE", "CR"})
    if (outcome == code) return true;
  return outcome.size() == 3 && outcome[0] == '4';
}

/// Every "Type/id" that a request names, wherever it stands: a rest-hook's request is delivery's own.
void references_in(Element const& element, std::vector<std::string>& out) {
  if (element.is_string()) {
    if (Reference const reference = reference_of(element.text());
        reference && reference.type[0] >= 'A' && reference.type[0] <= 'Z')
      out.push_back(reference.text());
  }
  for (Element const& item : element.items()) references_in(item, out);
  for (auto const& member : element.members()) references_in(member.value, out);
}

Event delivery_event(Context const& context, store::OutboxRow const& row, std::string_view outcome) {
  Event event = context.event(kind::delivery, row.kind + " " + std::string(outcome));
  event.set("to", row.destination);
  event.set("outcome", std::string(outcome));
  event.set("attempts", std::to_string(row.attempts));
  event.set("outbox", std::to_string(row.id));
  if (row.resent > 0) event.set("resent", std::to_string(row.resent));
  event.set("refused", is_refusal(outcome) ? "true" : is_positive(outcome) ? "false" : "");
  return event;
}

fhir::Result<void> delivered_of_referral(Context& context, store::OutboxRow const& row,
                                         std::string_view outcome, std::string const& record) {
  FHIR_TRY(auto const log, context.log(record));
  if (log.empty()) return {};
  ReferralState const state = fold_referral(record, log);
  std::vector<Event> events = {delivery_event(context, row, outcome)};
  bool const referral = row.kind == "hl7v2:REF^I12" || row.kind == "hl7v2:OMG^O19";
  if (is_positive(outcome) && state.state == State::sent && (referral || row.kind == "rest-hook"))
    events.push_back(context.event(kind::received, "receipt " + std::string(outcome)));
  Party const* party = context.party_named(row.destination);
  bool const report =
      row.kind.starts_with("hl7v2:ORU") || row.kind.starts_with("hl7v2:MDM") || row.kind == "rest-hook";
  if (party != nullptr && party->close_on_delivery && report && is_positive(outcome) &&
      state.state == State::note_returned) {
    FHIR_TRY(bool const referrer, context.serves(*party, state.requester));
    if (referrer || party->name == state.placer_source) {
      Event event = context.event(kind::reviewed, "site policy: close on delivery");
      event.set("reviewer", "policy:close-on-delivery");
      events.push_back(std::move(event));
    }
  }
  return fold_one(context, record, std::move(events));
}

fhir::Result<void> delivered_of_transition(Context& context, store::OutboxRow const& row,
                                           std::string_view outcome, std::string const& record,
                                           std::string const& communication) {
  Event event = delivery_event(context, row, outcome);
  event.set("communication", communication);
  FHIR_CHECK(fold_one(context, record, {event}));
  if (communication.empty() || !is_positive(outcome)) return {};
  FHIR_TRY(Element const* notice, context.load(reference_of(communication)));
  if (notice == nullptr || notice->text_at("status") != "in-progress") return {};
  Builder const build(context.unit.arena());
  Element done = fhir::json::deep_copy(build.arena(), *notice);
  build.set(done, "status", "completed");
  build.set(done, "received", instant_of(context.now()));
  FHIR_CHECK(context.unit.put(done, kGatewaySource, "PUT"));
  return {};
}

/// `reader` is a partner's name or the organization it reads for.
fhir::Result<bool> reads_for(Context& context, std::string_view reader, std::string const& performer) {
  if (reader == performer) return true;
  for (Party const& party : context.site.parties) {
    FHIR_TRY(bool const theirs, context.serves(party, performer));
    if (!theirs) continue;
    bool const same = party.name == reader ||
                      std::find(party.serves.begin(), party.serves.end(), reader) != party.serves.end();
    if (same) return true;
  }
  return false;
}

Cause gateway_cause(store::Unit const& unit, std::string_view origin, std::string_view message) {
  Cause cause;
  cause.door = Door::gateway;
  cause.origin = origin;
  cause.message = message;
  cause.received_ms = unit.now_ms();
  return cause;
}

}  // namespace

fhir::Result<void> fold(store::Unit& unit, Cause const& cause, Site const& site) {
  Context context(unit, cause, site);
  FHIR_CHECK(check_rules(context));
  FHIR_TRY(auto observations, observe(context));
  FHIR_CHECK(apply(context, std::move(observations)));
  return follow_persons(context);
}

fhir::Result<void> delivered(store::Unit& unit, store::OutboxRow const& row, std::string_view outcome,
                             Site const& site) {
  Cause const cause = gateway_cause(unit, row.destination, row.kind);
  Context context(unit, cause, site);
  FHIR_TRY(auto const request, fhir::json::read_document(row.request.empty() ? "{}" : row.request));
  std::string const named(request.root.text_at("record"));
  if (named.starts_with("referral/")) return delivered_of_referral(context, row, outcome, named);
  if (named.starts_with("transition/")) return delivered_of_transition(context, row, outcome, named, {});
  std::vector<std::string> references;
  references_in(request.root, references);
  for (auto const& reference : references) {
    bool const notice = reference.starts_with("Communication/");
    if (!notice && !reference.starts_with("Task/")) continue;
    FHIR_TRY(auto const record, context.record_of_view(reference));
    if (!record) continue;
    if (record->starts_with("transition/"))
      FHIR_CHECK(delivered_of_transition(context, row, outcome, *record, notice ? reference : std::string{}));
    if (record->starts_with("referral/")) FHIR_CHECK(delivered_of_referral(context, row, outcome, *record));
  }
  return {};
}

fhir::Result<void> returned(store::Unit& unit, std::string_view task_id, std::string_view reader,
                            Site const& site) {
  Cause const cause = gateway_cause(unit, reader, "read");
  Context context(unit, cause, site);
  std::string const reference = "Task/" + std::string(task_id);
  FHIR_TRY(auto const record, context.record_of_view(reference));
  if (!record || !record->starts_with("referral/")) return {};
  FHIR_TRY(auto const row, unit.find_record(*record));
  if (!row || row->state != "SENT") return {};
  FHIR_TRY(auto const log, context.log(*record));
  ReferralState const state = fold_referral(*record, log);
  if (state.task != reference) return {};
  FHIR_TRY(bool const owner, reads_for(context, reader, state.performer));
  if (!owner) return {};
  return fold_one(context, *record, {context.event(kind::received, "the owner's first read")});
}

namespace {

/// A cheap look first: only a record whose clock may have passed is read whole.
fhir::Result<void> pass_time(Context& context, store::RecordRow const& row) {
  FHIR_TRY(auto const body, fhir::json::read_document(row.body));
  bool const referral = row.kind == "referral";
  if (body.root.text_at(referral ? "expires" : "discharged").empty()) return {};
  FHIR_TRY(auto const log, context.log(row.record_id));
  if (!referral) {
    TransitionState const state = fold_transition(row.record_id, log);
    if (is_final(state.stay) || watch_end(state) == 0 || context.now() <= watch_end(state)) return {};
    return fold_one(context, row.record_id, {context.event(stay_kind::watch_ended, "day 31")});
  }
  ReferralState const state = fold_referral(row.record_id, log);
  if (state.expires == 0 || context.now() <= state.expires) return {};
  State const base =
      state.state == State::needs_info || state.state == State::cancel_requested ? state.resume : state.state;
  if (rank_of(base) < 0 || rank_of(base) >= rank_of(State::seen)) return {};
  return fold_one(context, row.record_id, {context.event(kind::expired, "RF1-8 passed")});
}

}  // namespace

fhir::Result<Walk> tick(store::Unit& unit, Site const& site, Walk walk, std::size_t count) {
  Cause const cause = gateway_cause(unit, kGatewaySource, "clock");
  Context context(unit, cause, site);
  FHIR_TRY(auto const rows, unit.snapshot().list_records(walk.kind, "", "", count, walk.place));
  for (store::RecordRow const& row : rows) FHIR_CHECK(pass_time(context, row));
  if (rows.size() == count) {
    walk.place = place_of(rows.back());
    return walk;
  }
  return Walk{walk.kind == "referral" ? "transition" : "", {}};
}

fhir::Issues rebuild(store::Store& store) {
  fhir::Issues issues;
  std::vector<std::string> records;
  {
    auto snapshot = store.snapshot();
    if (!snapshot) return {snapshot.error()};
    auto keys = (*snapshot)->keys_of(kRecordsSpace, kRecordsName);
    if (!keys) return {keys.error()};
    records = std::move(*keys);
  }
  for (auto const& record : records) {
    bool differs = false;
    auto const done = store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      differs = false;
      FHIR_TRY(auto const rows, unit.events(record));
      std::vector<Event> log;
      for (auto const& row : rows) {
        FHIR_TRY(Event event, event_of(row.body, row.seq));
        log.push_back(std::move(event));
      }
      FHIR_TRY(auto const stored, unit.find_record(record));
      if (log.empty() || !stored) return {};
      store::RecordRow again = replay(record, log);
      differs = again.body != stored->body || again.state != stored->state || again.owner != stored->owner ||
                again.since_ms != stored->since_ms || again.due_ms != stored->due_ms ||
                again.person != stored->person;
      if (differs) unit.put_record(std::move(again));
      return {};
    });
    if (!done) issues.push_back(done.error());
    if (differs)
      issues.push_back(
          fhir::warning(fhir::IssueType::processing,
                        record + ": the stored fold differed from its log and was written anew"));
  }
  return issues;
}

fhir::Result<void> attach_orphan(store::Unit& unit, Site const& site, std::string_view id,
                                 std::string_view target, Settlement const& settlement) {
  Cause const cause = operator_cause(unit, "attach", settlement.by);
  Context context(unit, cause, site);
  FHIR_TRY(auto observed, observe_attachment(context, std::string(id), target, settlement));
  return apply(context, std::move(observed));
}

}  // namespace gateway::record
