#include "gateway/record/ledger.hpp"

#include "gateway/record/effects.hpp"
#include "gateway/record/linking.hpp"
#include "gateway/record/outgoing.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/transition.hpp"
#include "gateway/record/work_item.hpp"

#include <algorithm>
#include <type_traits>

namespace gateway::record {
namespace {

// What the two kinds of record say of themselves, under one name each.
template <class State>
State fold_log(std::string const& record, std::vector<Event> const& log);
template <>
ReferralState fold_log(std::string const& record, std::vector<Event> const& log) {
  return fold_referral(record, log);
}
template <>
TransitionState fold_log(std::string const& record, std::vector<Event> const& log) {
  return fold_transition(record, log);
}

std::string_view code_of(ReferralState const& state) { return to_code(state.state); }
std::string_view code_of(TransitionState const& state) { return to_code(state.stay); }

/// The steps that the event of that place implied, as event types; a stay's are told by who observes it.
std::vector<std::string> implied_by(ReferralState const& state, std::int64_t seq) {
  std::vector<std::string> steps;
  for (StateEntry const& entry : state.history)
    if (entry.seq == seq && entry.inferred) steps.push_back(entry.type);
  return steps;
}
std::vector<std::string> implied_by(TransitionState const&, std::int64_t) { return {}; }

store::RecordRow row_of(ReferralState const& state) {
  return {state.record_id,     "referral",  state.person, std::string(to_code(state.state)),
          state.owner,         state.since, state.due,    to_json(state),
          is_open(state.state)};
}

store::RecordRow row_of(TransitionState const& state) {
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

/// Events that belong in the log though they change nothing in the state: what was asked for may change in an
/// element that no state holds (a reason, a code, a note), and the recipient must hear of it.
bool is_always_kept(Event const& event) {
  bool const is_request = event.type == kind::updated && event.payload.starts_with("ServiceRequest/");
  return is_request || event.type == kind::delivery || event.type == kind::withheld ||
         event.type == kind::withdrawn;
}

template <class State>
class Ledger {
 public:
  Ledger(Context& context, std::string const& record, std::vector<Event> log)
      : context_(context), record_(record), log_(std::move(log)), stored_(log_.size()) {}

  std::vector<Event>& log() { return log_; }
  std::size_t stored() const { return stored_; }
  bool grew() const { return log_.size() > stored_; }

  /// Appends it unless it says nothing new; before it, as inferred events, the steps that it implies.
  fhir::Result<void> add(Event event) {
    if (is_told(log_, event) || is_same_report(log_, event)) return {};
    State const before = fold_log<State>(record_, log_);
    State const after = fold_with(event);
    if (to_json(before) == to_json(after) && !is_always_kept(event)) return {};
    if (!event.inferred) FHIR_CHECK(add_inferred(event, implied_by(after, next_seq())));
    event.state_before = log_.empty() ? "" : code_of(before);
    event.state_after = code_of(after);
    return context_.append(record_, log_, std::move(event));
  }

 private:
  std::int64_t next_seq() const { return log_.empty() ? 1 : log_.back().seq + 1; }

  State fold_with(Event const& event) const {
    std::vector<Event> tentative = log_;
    tentative.push_back(event);
    tentative.back().seq = next_seq();
    return fold_log<State>(record_, tentative);
  }

  fhir::Result<void> add_inferred(Event const& cause, std::vector<std::string> const& steps) {
    for (auto const& step : steps) {
      Event inferred = cause;
      inferred.data.clear();
      inferred.payload.clear();
      inferred.type = step;
      inferred.inferred = true;
      inferred.rule = "implied by " + cause.type;
      inferred.state_before = code_of(fold_log<State>(record_, log_));
      inferred.state_after = code_of(fold_with(inferred));
      FHIR_CHECK(context_.append(record_, log_, std::move(inferred)));
    }
    return {};
  }

  Context& context_;
  std::string const& record_;
  std::vector<Event> log_;
  std::size_t stored_;
};

fhir::Result<void> remember_views(Context& context, std::string const& record, Event const& event) {
  if (!event.text("patient").empty()) context.unit.put_key(kPatientSpace, record, event.text("patient"));
  return remember(context, record, event.text("person"), event.all("key"), event.all("view"));
}

template <class State>
fhir::Result<void> fold_events(Context& context, std::string const& record, std::vector<Event> events) {
  FHIR_TRY(auto log, context.log(record));
  State const before = fold_log<State>(record, log);
  Ledger<State> ledger(context, record, std::move(log));
  if (ledger.stored() == 0) enlist(context.unit, record);
  for (Event& event : events) {
    FHIR_CHECK(remember_views(context, record, event));
    FHIR_CHECK(ledger.add(std::move(event)));
  }
  if (!ledger.grew()) return {};
  FHIR_CHECK(apply_effects(context, before, ledger.log()));
  if constexpr (std::is_same_v<State, ReferralState>)
    FHIR_CHECK(tell_partners(context, before, ledger.log(), ledger.stored()));
  context.unit.put_record(row_of(fold_log<State>(record, ledger.log())));
  return {};
}

}  // namespace

store::RecordRow replay(std::string const& record, std::vector<Event> const& log) {
  if (is_work_item(record)) return row_of_work_item(record, log);
  if (record.starts_with("transition/")) return row_of(fold_transition(record, log));
  return row_of(fold_referral(record, log));
}

fhir::Result<void> fold_one(Context& context, std::string const& record, std::vector<Event> events) {
  if (record.starts_with("transition/"))
    return fold_events<TransitionState>(context, record, std::move(events));
  return fold_events<ReferralState>(context, record, std::move(events));
}

void enlist(store::Unit& unit, std::string_view record) { unit.put_key(kRecordsSpace, record, kRecordsName); }

}  // namespace gateway::record
