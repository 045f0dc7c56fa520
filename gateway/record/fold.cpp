// The entry points of record.hpp: changes and clocks in, events, states, effects and messages out, all in the
// caller's Unit.
#include "fhir/json/reader.hpp"
#include "gateway/record/codes.hpp"
#include "gateway/record/context.hpp"
#include "gateway/record/effects.hpp"
#include "gateway/record/linking.hpp"
#include "gateway/record/observe.hpp"
#include "gateway/record/outgoing.hpp"
#include "gateway/record/record.hpp"
#include "gateway/record/rules.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

store::RecordRow row_of_record(ReferralState const& state) {
  return {state.record_id,     "referral",  state.person, std::string(to_code(state.state)),
          state.owner,         state.since, state.due,    to_json(state),
          is_open(state.state)};
}

store::RecordRow row_of_record(TransitionState const& state) {
  return {state.record_id,
          "transition",
          state.person,
          std::string(to_code(state.stay)),
          state.owner,
          state.since,
          state.due,
          to_json(state),
          !is_final(state.stay) || (state.stay == Stay::died && state.has_open_obligation())};
}

/// What a replay of any log gives: the row that is stored beside it.
store::RecordRow replay(std::string const& record, std::vector<Event> const& log);

/// The coordinator's work queue for what belongs to nothing: one row each, open until somebody attaches or
/// dismisses it.
store::RecordRow row_of_orphan(std::string const& record, std::vector<Event> const& log) {
  store::RecordRow row{record, "orphan", {}, "ORPHAN", {}, 0, 0, {}, true};
  Event const& first = log.front();
  row.person = first.text("person");
  row.owner = first.text("coordinator");
  row.since_ms = first.received;
  row.due_ms = first.number("due");
  row.body = to_json(first);
  return row;
}

store::RecordRow replay(std::string const& record, std::vector<Event> const& log) {
  if (record.starts_with("transition/")) return row_of_record(fold_transition(record, log));
  if (record.starts_with("orphan/")) return row_of_orphan(record, log);
  return row_of_record(fold_referral(record, log));
}

/// An event already told: the same thing said again, in a message with a fresh control id.
bool is_told(std::vector<Event> const& log, Event const& event) {
  return std::any_of(log.begin(), log.end(), [&](Event const& known) {
    return known.type == event.type && known.payload == event.payload && known.data == event.data &&
           known.asserted == event.asserted && known.origin == event.origin && !known.inferred;
  });
}

bool is_report(std::string_view type) {
  return type == kind::note || type == kind::corrected || type == kind::interim ||
         type == kind::note_withdrawn;
}

bool is_same_report(std::vector<Event> const& log, Event const& event) {
  return is_report(event.type) && !event.payload.empty() &&
         std::any_of(log.begin(), log.end(), [&](Event const& known) {
           return known.type == event.type && known.payload == event.payload;
         });
}

/// Events that belong in the log though they change nothing in the state.
bool is_always_kept(std::string_view type) {
  return type == kind::delivery || type == kind::withheld || type == kind::withdrawn;
}

/// One record during one run: its log, and what new events make of it.
class Ledger {
 public:
  Ledger(Context& context, std::string record, std::vector<Event> log)
      : context_(context), record_(std::move(record)), log_(std::move(log)), stored_(log_.size()) {}

  std::vector<Event>& log() { return log_; }
  std::size_t stored() const { return stored_; }
  bool grew() const { return log_.size() > stored_; }

  /// Appends it unless it says nothing new; before it, as inferred events, the steps that it implies.
  fhir::Result<void> add_referral(Event event) {
    if (is_told(log_, event) || is_same_report(log_, event)) return {};
    ReferralState const before = fold_referral(record_, log_);
    std::vector<Event> tentative = log_;
    tentative.push_back(event);
    tentative.back().seq = next_seq();
    ReferralState const after = fold_referral(record_, tentative);
    if (to_json(before) == to_json(after) && !is_always_kept(event.type)) return {};
    FHIR_CHECK(add_inferred(event, after));
    event.state_before = log_.empty() ? "" : to_code(before.state);
    event.state_after = to_code(after.state);
    return context_.append(record_, log_, std::move(event));
  }

  fhir::Result<void> add_transition(Event event) {
    if (is_told(log_, event)) return {};
    TransitionState const before = fold_transition(record_, log_);
    std::vector<Event> tentative = log_;
    tentative.push_back(event);
    tentative.back().seq = next_seq();
    TransitionState const after = fold_transition(record_, tentative);
    if (to_json(before) == to_json(after) && !is_always_kept(event.type)) return {};
    event.state_before = to_code(before.stay);
    event.state_after = to_code(after.stay);
    return context_.append(record_, log_, std::move(event));
  }

 private:
  std::int64_t next_seq() const { return log_.empty() ? 1 : log_.back().seq + 1; }

  fhir::Result<void> add_inferred(Event const& cause, ReferralState const& after) {
    std::int64_t const seq = next_seq();
    std::vector<std::string> steps;
    for (StateEntry const& entry : after.history)
      if (entry.seq == seq && entry.inferred && !cause.inferred) steps.push_back(entry.type);
    for (auto const& step : steps) {
      Event inferred = cause;
      inferred.data.clear();
      inferred.payload.clear();
      inferred.type = step;
      inferred.inferred = true;
      inferred.rule = "implied by " + cause.type;
      inferred.state_before = to_code(fold_referral(record_, log_).state);
      std::vector<Event> tentative = log_;
      tentative.push_back(inferred);
      tentative.back().seq = next_seq();
      inferred.state_after = to_code(fold_referral(record_, tentative).state);
      FHIR_CHECK(context_.append(record_, log_, std::move(inferred)));
    }
    return {};
  }

  Context& context_;
  std::string record_;
  std::vector<Event> log_;
  std::size_t stored_;
};

/// Every record has a key that leads to this one name: a rebuild finds closed ones too.
constexpr std::string_view kRecordsSpace = "record.all";
constexpr std::string_view kRecordsName = "all";

fhir::Result<void> remember_views(Context& context, std::string const& record, Event const& event) {
  if (!event.text("patient").empty()) context.unit.put_key(kPatientSpace, record, event.text("patient"));
  return remember(context, record, event.text("person"), event.all("key"), event.all("view"));
}

fhir::Result<void> fold_one_referral(Context& context, std::string const& record, std::vector<Event> events) {
  FHIR_TRY(auto log, context.log(record));
  ReferralState const before = fold_referral(record, log);
  Ledger ledger(context, record, std::move(log));
  if (ledger.stored() == 0) context.unit.put_key(kRecordsSpace, record, kRecordsName);
  for (Event& event : events) {
    FHIR_CHECK(remember_views(context, record, event));
    FHIR_CHECK(ledger.add_referral(std::move(event)));
  }
  if (!ledger.grew()) return {};
  FHIR_CHECK(apply_effects(context, before, ledger.log()));
  FHIR_CHECK(tell_partners(context, before, ledger.log(), ledger.stored()));
  context.unit.put_record(replay(record, ledger.log()));
  return {};
}

fhir::Result<void> fold_one_transition(Context& context, std::string const& record,
                                       std::vector<Event> events) {
  FHIR_TRY(auto log, context.log(record));
  TransitionState const before = fold_transition(record, log);
  Ledger ledger(context, record, std::move(log));
  if (ledger.stored() == 0) context.unit.put_key(kRecordsSpace, record, kRecordsName);
  for (Event& event : events) {
    FHIR_CHECK(remember_views(context, record, event));
    FHIR_CHECK(ledger.add_transition(std::move(event)));
  }
  if (!ledger.grew()) return {};
  FHIR_CHECK(apply_effects(context, before, ledger.log()));
  FHIR_CHECK(tell_partners(context, before, ledger.log(), ledger.stored()));
  context.unit.put_record(replay(record, ledger.log()));
  return {};
}

fhir::Result<void> keep_orphan(Context& context, std::string const& record, Event event) {
  FHIR_TRY(auto log, context.log(record));
  if (!log.empty()) return {};
  context.unit.put_key(kRecordsSpace, record, kRecordsName);
  event.set("coordinator", context.site.care_coordinator);
  event.set("due", std::to_string(due_at(event.received, Step::accept_or_decline, Priority::urgent,
                                         context.calendar())));
  FHIR_CHECK(context.append(record, log, std::move(event)));
  context.unit.put_record(replay(record, log));
  return {};
}

fhir::Result<void> apply(Context& context, std::vector<Observation> observations) {
  std::vector<std::string> order;
  for (auto const& each : observations)
    if (std::find(order.begin(), order.end(), each.record) == order.end()) order.push_back(each.record);
  for (auto const& record : order) {
    std::vector<Event> events;
    RecordKind record_kind = RecordKind::referral;
    for (auto& each : observations) {
      if (each.record != record) continue;
      record_kind = each.record_kind;
      events.push_back(std::move(each.event));
    }
    if (record_kind == RecordKind::orphan)
      FHIR_CHECK(keep_orphan(context, record, std::move(events.front())));
    if (record_kind == RecordKind::referral)
      FHIR_CHECK(fold_one_referral(context, record, std::move(events)));
    if (record_kind == RecordKind::transition)
      FHIR_CHECK(fold_one_transition(context, record, std::move(events)));
  }
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
      bool const stay = record.starts_with("transition/");
      FHIR_CHECK(stay ? fold_one_transition(context, record, {event})
                      : fold_one_referral(context, record, {event}));
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
  return fold_one_referral(context, record, std::move(events));
}

fhir::Result<void> delivered_of_transition(Context& context, store::OutboxRow const& row,
                                           std::string_view outcome, std::string const& record,
                                           std::string const& communication) {
  Event event = delivery_event(context, row, outcome);
  event.set("communication", communication);
  FHIR_CHECK(fold_one_transition(context, record, {event}));
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
  return fold_one_referral(context, *record, {context.event(kind::received, "the owner's first read")});
}

fhir::Result<void> tick(store::Unit& unit, Site const& site) {
  constexpr std::size_t kRecordsMax = 10'000;  // One minute's worth; the rest waits for the next tick.
  Cause const cause = gateway_cause(unit, kGatewaySource, "clock");
  Context context(unit, cause, site);
  for (std::string_view record_kind : {"referral", "transition"}) {
    FHIR_TRY(auto const rows, unit.snapshot().list_records(record_kind, "", "", kRecordsMax));
    for (auto const& row : rows) {
      FHIR_TRY(auto const body, fhir::json::read_document(row.body));
      bool const referral = record_kind == "referral";
      // A cheap look first: only a record whose clock has passed is read whole.
      if (referral && body.root.text_at("expires").empty()) continue;
      if (!referral && body.root.text_at("discharged").empty()) continue;
      FHIR_TRY(auto const log, context.log(row.record_id));
      if (referral) {
        ReferralState const state = fold_referral(row.record_id, log);
        if (state.expires == 0 || context.now() <= state.expires) continue;
        State const base = state.state == State::needs_info || state.state == State::cancel_requested
                               ? state.resume
                               : state.state;
        if (rank_of(base) < 0 || rank_of(base) >= rank_of(State::seen)) continue;
        FHIR_CHECK(fold_one_referral(context, row.record_id, {context.event(kind::expired, "RF1-8 passed")}));
      } else {
        TransitionState const state = fold_transition(row.record_id, log);
        if (is_final(state.stay) || watch_end(state) == 0 || context.now() <= watch_end(state)) continue;
        FHIR_CHECK(
            fold_one_transition(context, row.record_id, {context.event(stay_kind::watch_ended, "day 31")}));
      }
    }
  }
  return {};
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

}  // namespace gateway::record
