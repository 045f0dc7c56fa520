#include "gateway/record/referral.hpp"

#include "fhir/json/writer.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace gateway::record {
namespace {

using enum State;

// record.md section 3. DRAFT has no clock there; a draft left lying is reminded like an unreviewed note.
// CANCEL_REQUESTED waits for an answer as a new referral does; a fulfilment that ended waits for R8.
constexpr std::array<StateRow, kStateCount> kRows = {{
    {draft, "DRAFT", "draft", "draft", "created", "", Ball::referrer, Step::review_after_note},
    {sent, "SENT", "active", "requested", "created", "2.0", Ball::gateway, Step::delivery_receipt},
    {received, "RECEIVED", "active", "received", "received", "", Ball::recipient, Step::accept_or_decline},
    {needs_info, "NEEDS_INFO", "active", "", "awaiting-information", "", Ball::referrer, Step::info_answer},
    {accepted, "ACCEPTED", "active", "accepted", "accepted", "3.0", Ball::recipient,
     Step::booked_after_accept},
    {declined, "DECLINED", "active", "rejected", "declined", "4.0", Ball::referrer, Step::re_refer},
    {waitlisted, "WAITLISTED", "active", "accepted", "waitlisted", "", Ball::recipient,
     Step::booked_after_accept},
    {scheduled, "SCHEDULED", "active", "in-progress", "booked", "5.1.1", Ball::recipient, Step::seen},
    {appt_cancelled, "APPT_CANCELLED", "active", "in-progress", "appointment-cancelled", "5.1.3",
     Ball::recipient, Step::rebook},
    {no_show, "NO_SHOW", "active", "in-progress", "no-show", "5.1.2", Ball::recipient, Step::rebook},
    {seen, "SEEN", "active", "in-progress", "visit-complete", "5.1.4", Ball::recipient,
     Step::note_after_seen},
    {note_returned, "NOTE_RETURNED", "active", "completed", "report-received", "7.0", Ball::referrer,
     Step::review_after_note},
    {closed, "CLOSED", "completed", "completed", "reviewed-closed", "7.0", Ball::nobody, Step::none},
    {cancel_requested, "CANCEL_REQUESTED", "active", "", "cancellation-requested", "5.2", Ball::recipient,
     Step::accept_or_decline},
    {cancelled, "CANCELLED", "revoked", "cancelled", "cancelled", "6.0", Ball::nobody, Step::none},
    {failed, "FAILED", "active", "failed", "unable-to-perform", "", Ball::referrer, Step::re_refer},
    {expired, "EXPIRED", "active", "cancelled", "expired", "", Ball::referrer, Step::re_refer},
    {entered_in_error, "ENTERED_IN_ERROR", "entered-in-error", "entered-in-error", "cancelled", "",
     Ball::nobody, Step::none},
}};

/// Where a main-line type leads, and from which ranks it may be entered.
struct Progress {
  std::string_view type;
  State target;
  int rank_max;  ///< The highest rank of the state before that still moves.
};
constexpr Progress kProgress[] = {
    {kind::sent, sent, 0},
    {kind::received, received, 1},
    {kind::accepted, accepted, 2},
    {kind::waitlisted, waitlisted, 3},
    {kind::booked, scheduled, 5},
    {kind::no_show, no_show, 5},
    {kind::appt_cancelled, appt_cancelled, 5},
    {kind::seen, seen, 5},
    {kind::interim, seen, 5},
    {kind::note, note_returned, 6},
    {kind::corrected, note_returned, 8},
};

Progress const* progress_of(std::string_view type) {
  auto const found =
      std::find_if(std::begin(kProgress), std::end(kProgress), [&](auto& row) { return row.type == type; });
  return found == std::end(kProgress) ? nullptr : found;
}

bool is_overlay(State state) { return state == needs_info || state == cancel_requested; }

/// The main-line state that counts: behind NEEDS_INFO and CANCEL_REQUESTED stands the one they go back to.
State base_of(ReferralState const& s) { return is_overlay(s.state) ? s.resume : s.state; }

/// One replay of a log.
class Replay {
 public:
  explicit Replay(ReferralState& state) : s_(state) {}

  void apply(Event const& event, std::int64_t at) {
    at_ = at;
    event_ = &event;
    learn();
    if (event.asserted > event.received) flag("future-dated");
    for (std::string_view step : implied(s_, event.type)) move_by(step, true);
    move_by(event.type, event.inferred);
    remember();
  }

  void finish() {
    StateRow const& row = row_of(s_.state);
    s_.since = s_.history.empty() ? s_.since : s_.history.back().since;
    s_.due = clock(row.step);
    s_.owner = owner(row.ball);
    bool const moved = s_.disposition == "AM" && s_.accepted_at != 0;
    s_.accountable =
        is_open(s_.state) ? (moved && !is_fulfilment_over(s_.state) ? s_.performer : s_.requester) : "";
    std::sort(s_.keys.begin(), s_.keys.end());
    std::sort(s_.views.begin(), s_.views.end());
  }

 private:
  /// What the event says of the referral, whatever it does to its state.
  void learn() {
    auto const take = [&](char const* name, std::string& into) {
      if (auto const& value = event_->text(name); !value.empty()) into = value;
    };
    take("person", s_.person);
    take("patient", s_.patient);
    take("service_request", s_.service_request);
    take("requester", s_.requester);
    take("placer_source", s_.placer_source);
    take("priority", s_.priority);
    take("disposition", s_.disposition);
    take("encounter", s_.encounter);
    take("gateway", s_.gateway);
    take("coordinator", s_.coordinator);
    if (s_.task.empty() || event_->type == kind::rereferred || event_->type == kind::note_withdrawn)
      take("task", s_.task);
    if (s_.performer.empty() || event_->type == kind::rereferred || event_->type == kind::updated)
      take("performer", s_.performer);
    if (auto const need_by = event_->number("need_by")) s_.need_by = need_by;
    if (auto const expires = event_->number("expires")) s_.expires = expires;
    if (!event_->text("zone").empty())
      s_.calendar.utc_offset_minutes = static_cast<int>(event_->number("zone"));
    for (auto const& day : event_->all("holiday")) s_.calendar.holidays.insert(day);
    for (auto const& name : event_->all("flag")) flag(name);
    if (!event_->all("specialty").empty()) s_.specialties = event_->all("specialty");
    take("order_encounter", s_.order_encounter);
    merge(event_->all("key"), s_.keys);
    merge(event_->all("view"), s_.views);
    merge(event_->all("service"), s_.services);
  }

  static void merge(std::vector<std::string> const& from, std::vector<std::string>& into) {
    for (auto const& value : from)
      if (std::find(into.begin(), into.end(), value) == into.end()) into.push_back(value);
  }

  /// What the event says of its own subject: appointment, report, reviewer. After the move, which compares
  /// with the old.
  void remember() {
    if (event_->type == kind::route) s_.route_open = true;
    if (event_->type == kind::routed || s_.state != sent) s_.route_open = false;
    if (event_->type == kind::delivery && event_->text("refused") == "true") flag("delivery-refused");
    if (event_->type == kind::delivery && event_->text("refused") == "false")
      s_.flags.erase("delivery-refused");
  }

  void flag(std::string const& name) { s_.flags.insert(name); }
  void late(std::string_view type) { flag("late-" + std::string(type)); }

  void enter(State state, bool inferred) {
    s_.state = state;
    s_.history.push_back({state, at_, event_->seq, inferred, std::string(type_)});
    if (state == sent) s_.sent_at = at_;
    if (state == accepted) s_.accepted_at = at_;
    if (state != needs_info && state != cancel_requested) s_.resume = state;
  }

  void move_by(std::string_view type, bool inferred) {
    type_ = type;
    if (Progress const* progress = progress_of(type)) return advance(*progress, inferred);
    if (type == kind::drafted && s_.history.empty()) return enter(draft, inferred);
    if (type == kind::needs_info) return ask(inferred);
    if (type == kind::info_supplied) return supply(inferred);
    if (type == kind::declined || type == kind::failed) return end_fulfilment(type, inferred);
    if (type == kind::expired) return expire(inferred);
    if (type == kind::note_withdrawn) return withdraw_note(inferred);
    if (type == kind::reviewed) return review(inferred);
    if (type == kind::review_undone && s_.state == closed) return enter(note_returned, inferred);
    if (type == kind::cancel_requested) return request_cancel(inferred);
    if (type == kind::cancel_refused && s_.state == cancel_requested) return enter(s_.resume, inferred);
    if (type == kind::cancelled) return cancel(inferred);
    if (type == kind::error && s_.state != entered_in_error) return enter(entered_in_error, inferred);
    if (type == kind::rereferred && is_fulfilment_over(s_.state)) return start_again(inferred);
  }

  void advance(Progress const& progress, bool inferred) {
    State const base = base_of(s_);
    int const rank = rank_of(base);
    if (s_.history.empty() && progress.target == sent) return enter(sent, inferred);
    if (rank < 0) {
      if (progress.type != kind::sent && progress.type != kind::received) late(progress.type);
      return;
    }
    if (!concerns_current_appointment(progress, base)) return;
    note_subject(progress, rank);
    if (rank > progress.rank_max) return;
    if (base == progress.target && progress.type != kind::corrected) return;
    if ((progress.target == no_show || progress.target == appt_cancelled) &&
        (base == no_show || base == appt_cancelled))
      return;
    arrive(progress.target, inferred);
  }

  /// Progress under an open cancellation only moves what a refusal would go back to; but a visit or a report
  /// refuses it.
  void arrive(State target, bool inferred) {
    if (s_.state == cancel_requested && rank_of(target) < rank_of(seen)) {
      s_.resume = target;
      if (target == accepted) s_.accepted_at = at_;
      return;
    }
    enter(target, inferred);
  }

  /// A no-show or cancellation of an appointment that was replaced meanwhile says nothing about the present
  /// one.
  bool concerns_current_appointment(Progress const& progress, State base) const {
    if (progress.type != kind::no_show && progress.type != kind::appt_cancelled) return true;
    auto const& named = event_->text("appointment");
    return base != scheduled || named.empty() || s_.appointment.empty() || named == s_.appointment;
  }

  void note_subject(Progress const& progress, int rank) {
    if (progress.type == kind::booked && rank <= progress.rank_max && event_->type == kind::booked) {
      if (!event_->text("appointment").empty()) s_.appointment = event_->text("appointment");
      if (auto const start = event_->number("appointment_start")) s_.appointment_start = start;
    }
    if (progress.type == kind::interim && rank <= rank_of(seen)) s_.interim = true;
    bool const report =
        progress.type == kind::note || progress.type == kind::corrected || progress.type == kind::interim;
    bool const newest = progress.type != kind::interim || rank <= rank_of(seen);
    if (report && newest && !event_->text("report").empty()) s_.report = event_->text("report");
    if (progress.type == kind::note || progress.type == kind::corrected) {
      s_.interim = false;
      s_.amended = s_.amended || (progress.type == kind::corrected && rank >= rank_of(note_returned));
    }
    if (progress.type == kind::note && rank == rank_of(closed)) flag("report-after-close");
  }

  void ask(bool inferred) {
    int const rank = rank_of(s_.state);
    if (s_.state == needs_info) return;
    if (rank < rank_of(received) || rank > rank_of(waitlisted)) return late(kind::needs_info);
    s_.resume = s_.state;
    s_.info_supplied = false;
    if (!event_->text("reason").empty()) s_.reason = event_->text("reason");
    enter(needs_info, inferred);
  }

  void supply(bool inferred) {
    if (s_.state != needs_info) return;
    s_.info_supplied = true;
    enter(s_.resume, inferred);
  }

  void end_fulfilment(std::string_view type, bool inferred) {
    int const rank = rank_of(base_of(s_));
    if (rank < 0 || rank > (type == kind::failed ? 6 : 5)) return late(type);
    if (!event_->text("reason").empty()) s_.reason = event_->text("reason");
    // Both sides want the end: a refusal that crosses a cancellation confirms it.
    if (s_.state == cancel_requested) return enter(cancelled, inferred);
    enter(rank <= rank_of(received) ? declined : failed, inferred);
  }

  void expire(bool inferred) {
    int const rank = rank_of(base_of(s_));
    if (rank < 0 || rank >= rank_of(seen)) return late(kind::expired);
    enter(s_.state == cancel_requested ? cancelled : expired, inferred);
  }

  void withdraw_note(bool inferred) {
    if (s_.state != note_returned && s_.state != closed) return;
    s_.report.clear();
    s_.amended = false;
    enter(seen, inferred);
  }

  void review(bool inferred) {
    if (s_.state != note_returned || s_.report.empty()) return;  // Never closed without a final report.
    s_.reviewer = event_->text("reviewer");
    if (s_.reviewer.empty()) s_.reviewer = event_->actor;
    if (s_.reviewer.empty()) return flag("review-without-reviewer");
    enter(closed, inferred);
  }

  void request_cancel(bool inferred) {
    if (s_.state == draft || is_fulfilment_over(s_.state)) return enter(cancelled, inferred);
    if (s_.state == cancel_requested) return;
    int const rank = rank_of(base_of(s_));
    if (rank < 0 || rank > rank_of(seen)) return late(kind::cancel_requested);
    s_.resume = base_of(s_);
    enter(cancel_requested, inferred);
  }

  void cancel(bool inferred) {
    int const rank = rank_of(base_of(s_));
    if (is_fulfilment_over(s_.state) || (rank >= 0 && rank <= rank_of(seen)))
      return enter(cancelled, inferred);
    if (s_.state != cancelled) late(kind::cancelled);
  }

  void start_again(bool inferred) {
    s_.appointment.clear();
    s_.appointment_start = s_.accepted_at = s_.expires = 0;
    if (auto const expires = event_->number("expires")) s_.expires = expires;
    s_.interim = false;
    s_.reason.clear();
    s_.report.clear();
    enter(sent, inferred);
  }

  std::int64_t clock(Step step) const {
    Priority const priority = priority_of(s_.priority);
    if (step == Step::seen) {
      if (s_.need_by != 0) return s_.need_by;
      return due_at(s_.sent_at != 0 ? s_.sent_at : s_.since, step, priority, s_.calendar);
    }
    if (s_.state == waitlisted && s_.accepted_at != 0)
      return due_at(s_.accepted_at, step, priority, s_.calendar);
    return due_at(s_.since, step, priority, s_.calendar);
  }

  std::string owner(Ball ball) const {
    auto const or_coordinator = [&](std::string const& who) { return who.empty() ? s_.coordinator : who; };
    switch (ball) {
      case Ball::nobody:
        return {};
      case Ball::referrer:
        return or_coordinator(s_.requester);
      case Ball::recipient:
        return or_coordinator(s_.performer);
      case Ball::gateway:
        return s_.route_open || s_.flags.contains("delivery-refused") ? s_.coordinator
                                                                      : or_coordinator(s_.gateway);
    }
    return s_.coordinator;
  }

  ReferralState& s_;
  Event const* event_ = nullptr;
  std::string_view type_;
  std::int64_t at_ = 0;
};

bool counts_when_received(std::string_view type) {
  return type == kind::corrected || type == kind::note_withdrawn || type == kind::reviewed ||
         type == kind::review_undone || type == kind::rereferred || type == kind::delivery ||
         type == kind::route;
}

/// What an answer answers: it cannot count before the question, whatever the answering clock says.
std::string_view question_of(std::string_view type) {
  if (type == kind::cancel_refused || type == kind::cancelled) return kind::cancel_requested;
  if (type == kind::info_supplied) return kind::needs_info;
  if (type == kind::accepted || type == kind::declined || type == kind::received) return kind::rereferred;
  return {};
}

}  // namespace

StateRow const& row_of(State state) { return kRows[static_cast<std::size_t>(state)]; }
std::string_view to_code(State state) { return row_of(state).code; }

std::optional<State> state_of(std::string_view code) {
  for (StateRow const& row : kRows)
    if (row.code == code) return row.state;
  return std::nullopt;
}

bool is_open(State state) { return state != closed && state != cancelled && state != entered_in_error; }
bool is_fulfilment_over(State state) { return state == declined || state == failed || state == expired; }

int rank_of(State state) {
  switch (state) {
    case draft:
      return 0;
    case sent:
      return 1;
    case received:
      return 2;
    case accepted:
      return 3;
    case waitlisted:
      return 4;
    case scheduled:
    case appt_cancelled:
    case no_show:
      return 5;
    case seen:
      return 6;
    case note_returned:
      return 7;
    case closed:
      return 8;
    default:
      return -1;
  }
}

std::vector<std::string_view> implied(ReferralState const& state, std::string_view type) {
  int const rank = rank_of(base_of(state));
  bool const asks = type == kind::needs_info;
  auto const* progress = progress_of(type);
  bool const ends = type == kind::declined || type == kind::failed;
  if (rank < 0 || (!asks && !ends && progress == nullptr)) return {};
  int const target = asks || ends ? rank_of(received) + 1 : rank_of(progress->target);
  if (rank >= target) return {};
  std::vector<std::string_view> steps;
  if (rank < 1 && target > 1 && !state.history.empty()) steps.push_back(kind::sent);
  if (rank < 2 && target > 2) steps.push_back(kind::received);
  if (rank < 3 && target > 3) steps.push_back(kind::accepted);
  // A visit or a report under an open cancellation says that the recipient went on.
  if (state.state == cancel_requested && target >= rank_of(seen)) steps.push_back(kind::cancel_refused);
  bool const about_a_booking = type == kind::no_show || type == kind::appt_cancelled;
  if (rank < 5 && about_a_booking) steps.push_back(kind::booked);
  if (rank < 6 && target > 6) steps.push_back(kind::seen);
  return steps;
}

std::vector<Placed> place(std::span<Event const> log) {
  std::vector<Event const*> by_seq;
  for (Event const& event : log) by_seq.push_back(&event);
  std::stable_sort(by_seq.begin(), by_seq.end(), [](auto* a, auto* b) { return a->seq < b->seq; });
  std::vector<Placed> placed;
  std::map<std::string_view, std::int64_t> latest;
  std::int64_t opened = 0;
  for (Event const* event : by_seq) {
    std::int64_t at = counts_when_received(event->type) ? event->received : effective_time(*event);
    if (placed.empty()) opened = at;
    at = std::max(at, opened);
    if (auto const asked = latest.find(question_of(event->type)); asked != latest.end())
      at = std::max(at, asked->second);
    latest[event->type] = std::max(latest[event->type], at);
    placed.push_back({event, at});
  }
  std::stable_sort(placed.begin(), placed.end(), [](auto& a, auto& b) { return a.at < b.at; });
  return placed;
}

ReferralState fold_referral(std::string_view record_id, std::span<Event const> log,
                            std::vector<Applied>* applied) {
  ReferralState state;
  state.record_id = record_id;
  Replay replay(state);
  for (Placed const& placed : place(log)) {
    State const before = state.state;
    replay.apply(*placed.event, placed.at);
    if (applied != nullptr) applied->push_back({placed.event->seq, placed.at, before, state.state});
  }
  replay.finish();
  return state;
}

std::string_view business_status_of(ReferralState const& state) {
  if (state.state == seen && state.interim) return "interim-report";
  if (state.state == note_returned && state.amended) return "report-amended";
  if (state.state == received && state.info_supplied) return "information-supplied";
  return row_of(state.state).business_status;
}

namespace {

void add_text(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += out.empty() ? '{' : ',';
  fhir::json::write_string(name, out);
  out += ':';
  fhir::json::write_string(value, out);
}

void add_number(std::string& out, std::string_view name, std::int64_t value) {
  if (value == 0) return;
  out += out.empty() ? '{' : ',';
  fhir::json::write_string(name, out);
  out += ':' + std::to_string(value);
}

template <class Texts>
void add_list(std::string& out, std::string_view name, Texts const& values) {
  if (values.empty()) return;
  out += ',';
  fhir::json::write_string(name, out);
  out += ":[";
  bool first = true;
  for (auto const& value : values) {
    if (!first) out += ',';
    first = false;
    fhir::json::write_string(value, out);
  }
  out += ']';
}

void add_history(std::string& out, std::vector<StateEntry> const& history) {
  out += ",\"history\":[";
  for (std::size_t i = 0; i < history.size(); ++i) {
    auto const& entry = history[i];
    if (i > 0) out += ',';
    out += "{\"state\":\"" + std::string(to_code(entry.state)) +
           "\",\"since\":" + std::to_string(entry.since) + ",\"seq\":" + std::to_string(entry.seq) +
           (entry.inferred ? ",\"inferred\":true}" : "}");
  }
  out += ']';
}

}  // namespace

std::string to_json(ReferralState const& s) {
  std::string out;
  add_text(out, "record", s.record_id);
  add_text(out, "kind", "referral");
  add_text(out, "state", to_code(s.state));
  add_text(out, "resume", s.resume == s.state ? "" : to_code(s.resume));
  add_text(out, "business_status", business_status_of(s));
  add_number(out, "since", s.since);
  add_number(out, "due", s.due);
  add_text(out, "owner", s.owner);
  add_text(out, "accountable", s.accountable);
  add_text(out, "person", s.person);
  add_text(out, "patient", s.patient);
  add_text(out, "service_request", s.service_request);
  add_list(out, "services", s.services);
  add_text(out, "task", s.task);
  add_text(out, "requester", s.requester);
  add_text(out, "performer", s.performer);
  add_text(out, "placer_source", s.placer_source);
  add_text(out, "priority", s.priority);
  add_text(out, "disposition", s.disposition);
  add_number(out, "need_by", s.need_by);
  add_number(out, "expires", s.expires);
  add_text(out, "appointment", s.appointment);
  add_number(out, "appointment_start", s.appointment_start);
  add_text(out, "encounter", s.encounter);
  add_text(out, "report", s.report);
  add_text(out, "reviewer", s.reviewer);
  add_text(out, "reason", s.reason);
  add_list(out, "flags", s.flags);
  add_text(out, "order_encounter", s.order_encounter);
  add_list(out, "specialties", s.specialties);
  add_list(out, "keys", s.keys);
  add_list(out, "views", s.views);
  add_history(out, s.history);
  return out + "}";
}

}  // namespace gateway::record
