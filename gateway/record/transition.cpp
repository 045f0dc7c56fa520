#include "gateway/record/transition.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gateway::record {
namespace {

using enum Stay;
using namespace obligation;

constexpr std::int64_t kMinute = 60'000;
constexpr int kWatchDays = 30;  // record.md section 7: day 31 closes with gaps.

constexpr std::array<std::string_view, 14> kStayCodes = {
    "",           "EXPECTED",         "ED",     "IN_PROGRESS",      "ON_LEAVE",   "DISCHARGE_PLANNED",
    "DISCHARGED", "POST_ACUTE_WATCH", "CLOSED", "CLOSED_WITH_GAPS", "READMITTED", "DIED",
    "CANCELLED",  "ENTERED_IN_ERROR"};

bool is_during(Stay stay) { return stay >= expected && stay <= discharge_planned; }
bool is_after(Stay stay) { return stay == discharged || stay == post_acute_watch; }

bool is_follow_up(std::string_view code) { return code == follow_up_scheduled || code == follow_up_seen; }

std::int64_t due_of(std::string_view code, std::int64_t from, bool shortened, Calendar const& calendar) {
  using enum TimeUnit;
  if (code == admission_notice || code == discharge_notice) return from + 30 * kMinute;  // "minutes"
  if (code == discharge_information) return end_of_day(from, shortened ? 1 : 2, calendar);
  if (code == interactive_contact) return add(from, {shortened ? 1 : 2, business_days}, calendar);
  if (code == follow_up_scheduled) return add(from, {shortened ? 1 : 3, days}, calendar);
  if (code == follow_up_seen) return end_of_day(from, shortened ? 7 : 14, calendar);
  if (code == medication_reconciliation) return end_of_day(from, 30, calendar);
  return end_of_day(from, 30, calendar);
}

/// One replay of a log.
class Replay {
 public:
  explicit Replay(TransitionState& state) : s_(state) {}

  void apply(Event const& event, std::int64_t at) {
    event_ = &event;
    at_ = at;
    learn();
    move();
    settle();
  }

  void finish() {
    s_.due = 0;
    for (Obligation& each : s_.obligations) {
      each.owner = owner_of(each.code);
      if (each.state == Due::open && (s_.due == 0 || each.due < s_.due)) s_.due = each.due;
    }
    if (is_final(s_.stay) && !s_.has_open_obligation()) s_.due = 0;
    s_.owner = owner();
    if (!s_.history.empty()) s_.since = s_.history.back().since;
    std::sort(s_.keys.begin(), s_.keys.end());
    std::sort(s_.views.begin(), s_.views.end());
  }

 private:
  void learn() {
    auto const take = [&](char const* name, std::string& into) {
      if (auto const& value = event_->text(name); !value.empty()) into = value;
    };
    take("person", s_.person);
    take("patient", s_.patient);
    take("encounter", s_.encounter);
    take("visit_class", s_.visit_class);
    take("location", s_.location);
    take("hospital", s_.hospital);
    take("attending", s_.attending);
    take("disposition", s_.disposition);
    take("receiving", s_.receiving);
    take("task", s_.task);
    take("gateway", s_.gateway);
    take("coordinator", s_.coordinator);
    if (!event_->text("zone").empty())
      s_.calendar.utc_offset_minutes = static_cast<int>(event_->number("zone"));
    for (auto const& day : event_->all("holiday")) s_.calendar.holidays.insert(day);
    if (!event_->all("pcp").empty()) s_.pcps = event_->all("pcp");
    merge(event_->all("key"), s_.keys);
    merge(event_->all("view"), s_.views);
    for (auto const& name : event_->all("flag")) s_.flags.insert(name);
    take("episode", s_.episode);
    merge(event_->all("previous"), s_.previous);
    merge(event_->all("next"), s_.next);
  }

  static void merge(std::vector<std::string> const& from, std::vector<std::string>& into) {
    for (auto const& value : from)
      if (std::find(into.begin(), into.end(), value) == into.end()) into.push_back(value);
  }

  void enter(Stay stay) {
    if (s_.stay == stay) return;
    s_.stay = stay;
    s_.history.push_back({stay, at_, event_->seq, event_->inferred});
  }

  void move() {
    using namespace stay_kind;
    std::string_view const type = event_->type;
    if (type == stay_kind::expected) {
      if (s_.stay == none) enter(Stay::expected);
    } else if (type == stay_kind::ed) {
      register_ed();
    } else if (type == admitted || type == transferred || type == returned) {
      admit(type);
    } else if (type == stay_kind::on_leave) {
      if (is_during(s_.stay)) enter(Stay::on_leave);
    } else if (type == stay_kind::discharge_planned) {
      if (is_during(s_.stay)) enter(Stay::discharge_planned);
    } else if (type == stay_kind::discharged) {
      discharge();
    } else if (type == discharge_cancelled) {
      cancel_discharge();
    } else if (type == admit_cancelled) {
      end(Stay::cancelled, "stay cancelled");
    } else if (type == stay_kind::error) {
      end(Stay::entered_in_error, "entered in error");
    } else {
      follow();
    }
  }

  /// What happens after the stay, or beside it.
  void follow() {
    using namespace stay_kind;
    std::string_view const type = event_->type;
    if (type == info_received) close(discharge_information);
    if (type == obligation_closed) close(event_->text("obligation"));
    if (type == stay_kind::readmitted && is_after(s_.stay)) end(Stay::readmitted, "readmitted");
    if (type == stay_kind::died && s_.stay != none) die();
    if (type == watch_ended && is_after(s_.stay) && s_.has_open_obligation()) enter(closed_with_gaps);
    if (type == notice) {
      s_.notices.push_back(
          {event_->text("about"), event_->text("recipient"), event_->text("communication"), false, false});
    }
    if (type == notice_retracted) retract(event_->text("communication"));
    if (type == delivery) deliver();
    if (type == result_pending) merge(event_->all("report"), s_.pending_results);
    if (type == result_final) finish_result();
    if (type == service_ordered) order_service();
    if (type == service_ended) end_service();
    if (type == chained && !event_->all("next").empty()) hand_over();
  }

  /// What was ordered in the stay is its own referral's loop; the stay is not over before that is.
  void order_service() {
    std::string const& service = event_->text("service");
    std::int64_t const due = event_->number("due");
    s_.ordered_services[service] = due;
    if (is_after(s_.stay)) open_service(service, due);
  }

  void open_service(std::string const& service, std::int64_t due) {
    std::string const code = std::string(ordered_service) + ":" + service;
    open(code, s_.discharged_at, false, Due::open);
    if (Obligation* each = get(code); each != nullptr && due != 0) each->due = due;
  }

  /// Closed with its loop; cancelled with it too.
  void end_service() {
    std::string const& service = event_->text("service");
    s_.ordered_services.erase(service);
    std::string const code = std::string(ordered_service) + ":" + service;
    if (event_->text("outcome") == "closed") return close(code);
    if (Obligation* each = get(code); each != nullptr && each->state != Due::closed) {
      each->state = Due::cancelled;
      each->evidence = "its referral ended: " + event_->text("outcome");
    }
  }

  /// A transfer: what waited for the receiving stay is that stay's from its admission on.
  void hand_over() {
    for (Obligation& each : s_.obligations) {
      if (each.state != Due::suspended) continue;
      each.state = Due::cancelled;
      each.evidence = "taken over by " + event_->text("next");
    }
  }

  void register_ed() {
    if (s_.stay != none && s_.stay != Stay::expected) return;
    s_.admitted_at = at_;
    open(admission_notice, at_, false, Due::open);
    enter(Stay::ed);
  }

  void admit(std::string_view type) {
    // A late or repeated admission never reopens a stay; only the undo of the discharge does.
    if (!is_during(s_.stay) && s_.stay != none) return;
    bool const new_admission = s_.stay == none || s_.stay == Stay::expected || s_.stay == Stay::ed;
    if (new_admission) {
      if (s_.admitted_at == 0) s_.admitted_at = at_;
      reopen(admission_notice, at_);
    }
    if (s_.stay == Stay::discharge_planned && type != stay_kind::returned) return;
    enter(in_progress);
  }

  void discharge() {
    if (!is_during(s_.stay) && s_.stay != none) return;
    Disposition const meaning = disposition_of(s_.disposition);
    if (meaning.still_patient) return;
    s_.discharged_at = at_;
    if (meaning.against_advice) s_.flags.insert("against-medical-advice");
    if (s_.pcps.empty()) s_.flags.insert("no-pcp");
    for (std::string_view code : meaning.obligations) {
      bool const waits = meaning.to_acute && code != discharge_notice && code != discharge_information;
      open(code, at_, meaning.against_advice, waits ? Due::suspended : Due::open);
    }
    for (auto const& report : s_.pending_results)
      open(std::string(pending_result) + ":" + report, at_, false, Due::open);
    for (auto const& [service, due] : s_.ordered_services) open_service(service, due);
    enter(discharged);
    if (meaning.died) return die();
    if (Obligation* info = get(discharge_information); info != nullptr && info->state == Due::closed)
      enter(post_acute_watch);
  }

  /// A13: back in the stay; what was owed waits, but a booked follow-up stays booked.
  void cancel_discharge() {
    if (!is_after(s_.stay) && s_.stay != closed && s_.stay != closed_with_gaps) return;
    s_.discharged_at = 0;
    s_.disposition.clear();
    for (Obligation& each : s_.obligations) {
      bool const goes_on = is_follow_up(each.code) || each.code == admission_notice ||
                           each.code.starts_with(ordered_service);  // a loop of its own
      if (each.state == Due::open && !goes_on) each.state = Due::suspended;
    }
    enter(in_progress);
  }

  void end(Stay stay, std::string const& reason) {
    if (is_final(s_.stay)) return;
    for (Obligation& each : s_.obligations) {
      if (each.state != Due::open && each.state != Due::suspended) continue;
      each.state = Due::cancelled;
      each.evidence = reason;
    }
    enter(stay);
  }

  /// All outreach to the person stops; telling the care team does not.
  void die() {
    for (Obligation& each : s_.obligations) {
      bool const telling = each.code == discharge_notice || each.code == admission_notice;
      if (telling || (each.state != Due::open && each.state != Due::suspended)) continue;
      each.state = Due::cancelled;
      each.evidence = "died";
    }
    s_.flags.insert("deceased");
    enter(Stay::died);
  }

  Obligation* get(std::string_view code) {
    auto const found = std::find_if(s_.obligations.begin(), s_.obligations.end(),
                                    [&](auto& each) { return each.code == code; });
    return found == s_.obligations.end() ? nullptr : &*found;
  }

  /// Opens, or takes up again what A13 suspended. What was done stays done, but everybody is told of the new
  /// discharge.
  void open(std::string_view code, std::int64_t from, bool shortened, Due state) {
    Obligation* each = get(code);
    if (each == nullptr) {
      s_.obligations.push_back({std::string(code), state, {}, from, 0, {}});
      each = &s_.obligations.back();
    } else if (each->state == Due::closed && code != discharge_notice) {
      return;
    } else {
      *each = {each->code, state, {}, from, 0, {}};
    }
    each->due = due_of(code, from, shortened, s_.calendar);
  }

  void reopen(std::string_view code, std::int64_t from) {
    if (Obligation* each = get(code)) {
      each->state = Due::open;
      each->opened = from;
      each->due = due_of(code, from, false, s_.calendar);
      each->evidence.clear();
      return;
    }
    open(code, from, false, Due::open);
  }

  void close(std::string_view code) {
    Obligation* each = get(code);
    if (each == nullptr || (each->state != Due::open && each->state != Due::suspended)) return;
    each->state = Due::closed;
    each->evidence = !event_->text("evidence").empty() ? event_->text("evidence") : event_->payload;
    if (code == discharge_information && s_.stay == discharged) enter(post_acute_watch);
  }

  void retract(std::string const& communication) {
    for (Notice& each : s_.notices)
      if (each.communication == communication) each.retracted = true;
  }

  /// A receipt closes the notice's obligation once every recipient of that notice has one.
  void deliver() {
    if (event_->text("refused") == "true") return;
    std::string about;
    for (Notice& each : s_.notices) {
      if (each.communication != event_->text("communication")) continue;
      each.delivered = true;
      about = each.about;
    }
    if (about.empty() || about == "retraction") return;
    bool const all = std::all_of(s_.notices.begin(), s_.notices.end(), [&](Notice const& each) {
      return each.about != about || each.delivered || each.retracted;
    });
    if (all) close(about == "admission" ? admission_notice : discharge_notice);
  }

  void finish_result() {
    for (auto const& report : event_->all("report")) {
      std::erase(s_.pending_results, report);
      close(std::string(pending_result) + ":" + report);
    }
  }

  void settle() {
    if (is_after(s_.stay) && !s_.obligations.empty() && !s_.has_open_obligation()) enter(closed);
  }

  std::string first_known(std::string const& a, std::string const& b = {}) const {
    return !a.empty() ? a : !b.empty() ? b : s_.coordinator;
  }

  std::string after_care() const {
    Disposition const meaning = disposition_of(s_.disposition);
    if ((meaning.to_facility || meaning.to_acute) && !s_.receiving.empty()) return s_.receiving;
    return first_known(s_.pcps.empty() ? std::string{} : s_.pcps.front());
  }

  std::string owner_of(std::string_view code) const {
    if (code == admission_notice || code == discharge_notice)
      return s_.pcps.empty() ? s_.coordinator : first_known(s_.gateway);
    if (code == discharge_information || code.starts_with(pending_result)) return first_known(s_.hospital);
    return after_care();
  }

  std::string owner() const {
    if (is_during(s_.stay)) return first_known(s_.attending, s_.hospital);
    if (s_.stay == discharged) return first_known(s_.hospital);
    if (s_.stay == post_acute_watch) return after_care();
    if (s_.stay == Stay::died && s_.has_open_obligation()) return s_.coordinator;
    return {};
  }

  TransitionState& s_;
  Event const* event_ = nullptr;
  std::int64_t at_ = 0;
};

bool counts_when_received(std::string_view type) {
  using namespace stay_kind;
  return type == delivery || type == notice || type == notice_retracted || type == watch_ended ||
         type == obligation_closed || type == service_ended || type == chained || type == info_received ||
         type == result_final || type == stay_kind::readmitted;
}

std::vector<std::pair<Event const*, std::int64_t>> place_stay(std::span<Event const> log) {
  std::vector<Event const*> by_seq;
  for (Event const& event : log) by_seq.push_back(&event);
  std::stable_sort(by_seq.begin(), by_seq.end(), [](auto* a, auto* b) { return a->seq < b->seq; });
  std::vector<std::pair<Event const*, std::int64_t>> placed;
  std::int64_t discharged_at = 0;
  for (Event const* event : by_seq) {
    std::int64_t at = counts_when_received(event->type) ? event->received : effective_time(*event);
    // An undo cannot count before what it undoes.
    if (event->type == stay_kind::discharge_cancelled) at = std::max(at, discharged_at);
    if (event->type == stay_kind::discharged) discharged_at = std::max(discharged_at, at);
    if (event->type == stay_kind::admit_cancelled)
      for (auto const& [other, other_at] : placed)
        at = std::max(at, counts_when_received(other->type) ? at : other_at);
    placed.emplace_back(event, at);
  }
  // What is known only when received comes last of all that the same message brought about the stay itself.
  std::stable_sort(placed.begin(), placed.end(), [](auto& a, auto& b) { return a.second < b.second; });
  return placed;
}

}  // namespace

std::string_view to_code(Stay stay) { return kStayCodes[static_cast<std::size_t>(stay)]; }

bool is_final(Stay stay) { return stay >= closed; }

std::string_view to_code(Due state) {
  static constexpr std::array<std::string_view, 4> kCodes = {"open", "suspended", "closed", "cancelled"};
  return kCodes[static_cast<std::size_t>(state)];
}

Obligation const* TransitionState::find(std::string_view code) const {
  auto const found =
      std::find_if(obligations.begin(), obligations.end(), [&](auto& each) { return each.code == code; });
  return found == obligations.end() ? nullptr : &*found;
}

bool TransitionState::has_open_obligation() const {
  return std::any_of(obligations.begin(), obligations.end(),
                     [](auto& each) { return each.state == Due::open || each.state == Due::suspended; });
}

Disposition disposition_of(std::string_view code) {
  // FHIR's discharge-disposition codes, for hospitals that speak FHIR.
  static constexpr std::pair<std::string_view, int> kFhir[] = {
      {"home", 1}, {"alt-home", 1}, {"other-hcf", 2}, {"hosp", 50}, {"long", 63}, {"aadvice", 7},
      {"exp", 20}, {"psy", 65},     {"rehab", 62},    {"snf", 3},   {"oth", 1}};
  // UB-04 81-95: as the second number, with a planned return.
  static constexpr int kPlanned[] = {1, 2, 3, 4, 5, 6, 21, 43, 61, 62, 63, 64, 65, 66, 70};
  int number = 0;
  if (auto const [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
      error != std::errc{} || end != code.data() + code.size()) {
    number = 1;  // Unknown or none: all obligations of a discharge home.
    for (auto const& [name, value] : kFhir)
      if (name == code) number = value;
  }
  Disposition meaning;
  meaning.planned_return = number >= 81 && number <= 95;
  if (meaning.planned_return) number = kPlanned[number - 81];
  meaning.code = (number < 10 ? "0" : "") + std::to_string(number);
  meaning.died = number == 20 || (number >= 40 && number <= 42);
  meaning.against_advice = number == 7;
  meaning.still_patient = number == 30;
  meaning.to_facility = number == 3 || number == 4 || (number >= 61 && number <= 65);
  meaning.to_acute = number == 2 || number == 5 || number == 43 || number == 66 || number == 70;
  if (meaning.still_patient) return meaning;
  meaning.obligations = {discharge_notice};
  if (meaning.died) return meaning;
  meaning.obligations.push_back(discharge_information);
  if (number == 50 || number == 51) {  // Hospice: contact, no campaign of visits.
    meaning.obligations.push_back(interactive_contact);
  } else if (meaning.to_facility) {
    meaning.obligations.push_back(medication_reconciliation);
  } else {
    for (auto each : {interactive_contact, follow_up_scheduled, follow_up_seen, medication_reconciliation})
      meaning.obligations.push_back(each);
  }
  return meaning;
}

TransitionState fold_transition(std::string_view record_id, std::span<Event const> log,
                                std::vector<StayApplied>* applied) {
  TransitionState state;
  state.record_id = record_id;
  Replay replay(state);
  for (auto const& [event, at] : place_stay(log)) {
    Stay const before = state.stay;
    replay.apply(*event, at);
    if (applied != nullptr) applied->push_back({event->seq, at, before, state.stay});
  }
  replay.finish();
  return state;
}

std::int64_t watch_end(TransitionState const& state) {
  return state.discharged_at == 0 ? 0 : end_of_day(state.discharged_at, kWatchDays, state.calendar);
}

namespace {

class Body {
 public:
  Body& text(std::string_view name, std::string_view value) {
    if (!value.empty()) fhir::json::write_string(value, begin(name));
    return *this;
  }
  Body& number(std::string_view name, std::int64_t value) {
    if (value != 0) begin(name) += std::to_string(value);
    return *this;
  }
  Body& flag(std::string_view name, bool value) {
    if (value) begin(name) += "true";
    return *this;
  }
  template <class List, class Write>
  Body& list(std::string_view name, List const& values, Write const& write) {
    if (values.empty()) return *this;
    std::string& out = begin(name);
    out += '[';
    bool first = true;
    for (auto const& value : values) {
      if (!first) out += ',';
      first = false;
      write(value, out);
    }
    out += ']';
    return *this;
  }
  template <class List>
  Body& texts(std::string_view name, List const& values) {
    return list(name, values,
                [](auto const& value, std::string& out) { fhir::json::write_string(value, out); });
  }
  std::string finish() { return (out_.empty() ? "{" : std::move(out_)) + "}"; }

 private:
  std::string& begin(std::string_view name) {
    out_ += out_.empty() ? '{' : ',';
    fhir::json::write_string(name, out_);
    out_ += ':';
    return out_;
  }
  std::string out_;
};

}  // namespace

std::string to_json(TransitionState const& s) {
  Body body;
  body.text("record", s.record_id).text("kind", "transition").text("state", to_code(s.stay));
  body.number("since", s.since).number("due", s.due).text("owner", s.owner);
  body.text("person", s.person).text("patient", s.patient).text("encounter", s.encounter);
  body.text("class", s.visit_class).text("location", s.location).text("hospital", s.hospital);
  body.text("attending", s.attending)
      .texts("pcp", s.pcps)
      .text("receiving", s.receiving)
      .text("task", s.task);
  body.number("admitted", s.admitted_at)
      .number("discharged", s.discharged_at)
      .text("disposition", s.disposition);
  body.list("obligations", s.obligations, [](Obligation const& each, std::string& out) {
    Body one;
    one.text("code", each.code).text("state", to_code(each.state)).text("owner", each.owner);
    one.number("opened", each.opened).number("due", each.due).text("evidence", each.evidence);
    out += one.finish();
  });
  body.list("notices", s.notices, [](Notice const& each, std::string& out) {
    Body one;
    one.text("about", each.about).text("recipient", each.recipient).text("communication", each.communication);
    one.flag("delivered", each.delivered).flag("retracted", each.retracted);
    out += one.finish();
  });
  body.text("episode", s.episode).texts("previous", s.previous).texts("next", s.next);
  body.list("ordered_services", s.ordered_services, [](auto const& each, std::string& out) {
    Body one;
    one.text("service", each.first).number("due", each.second);
    out += one.finish();
  });
  body.texts("pending_results", s.pending_results)
      .texts("flags", s.flags)
      .texts("keys", s.keys)
      .texts("views", s.views);
  body.list("history", s.history, [](StayEntry const& entry, std::string& out) {
    Body one;
    one.text("state", to_code(entry.stay)).number("since", entry.since).number("seq", entry.seq);
    one.flag("inferred", entry.inferred);
    out += one.finish();
  });
  return body.finish();
}

namespace {

using fhir::json::Element;

std::int64_t number_at(Element const& object, std::string_view name) {
  std::string_view const digits = object.text_at(name);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::vector<std::string> texts_at(Element const& object, std::string_view name) {
  std::vector<std::string> texts;
  if (Element const* list = object.find(name))
    for (Element const& item : list->items()) texts.emplace_back(item.text());
  return texts;
}

template <class Made, class Make>
std::vector<Made> list_at(Element const& object, std::string_view name, Make const& make) {
  std::vector<Made> made;
  if (Element const* list = object.find(name))
    for (Element const& item : list->items()) made.push_back(make(item));
  return made;
}

Stay stay_at(Element const& object) {
  auto const found = std::find(kStayCodes.begin(), kStayCodes.end(), object.text_at("state"));
  return found == kStayCodes.end() ? Stay::none : static_cast<Stay>(found - kStayCodes.begin());
}

Due due_at(Element const& object) {
  for (Due const state : {Due::open, Due::suspended, Due::closed})
    if (object.text_at("state") == to_code(state)) return state;
  return Due::cancelled;
}

Obligation obligation_of(Element const& object) {
  return {
      std::string(object.text_at("code")), due_at(object),           std::string(object.text_at("owner")),
      number_at(object, "opened"),         number_at(object, "due"), std::string(object.text_at("evidence"))};
}

Notice notice_of(Element const& object) {
  return {std::string(object.text_at("about")), std::string(object.text_at("recipient")),
          std::string(object.text_at("communication")), object.text_at("delivered") == "true",
          object.text_at("retracted") == "true"};
}

StayEntry entry_of(Element const& object) {
  return {stay_at(object), number_at(object, "since"), number_at(object, "seq"),
          object.text_at("inferred") == "true"};
}

}  // namespace

fhir::Result<TransitionState> transition_of(std::string_view body) {
  FHIR_TRY(auto const document, fhir::json::read_document(body));
  Element const& root = document.root;
  if (root.text_at("kind") != "transition")
    return fhir::error(fhir::IssueType::structure, "a stored transition is a JSON object that says so");
  TransitionState state;
  auto const take = [&](std::string& member, std::string_view name) { member = root.text_at(name); };
  take(state.record_id, "record");
  state.stay = stay_at(root);
  state.since = number_at(root, "since");
  state.due = number_at(root, "due");
  take(state.owner, "owner");
  take(state.person, "person");
  take(state.patient, "patient");
  take(state.encounter, "encounter");
  take(state.visit_class, "class");
  take(state.location, "location");
  take(state.hospital, "hospital");
  take(state.attending, "attending");
  state.pcps = texts_at(root, "pcp");
  take(state.receiving, "receiving");
  take(state.task, "task");
  state.admitted_at = number_at(root, "admitted");
  state.discharged_at = number_at(root, "discharged");
  take(state.disposition, "disposition");
  state.obligations = list_at<Obligation>(root, "obligations", obligation_of);
  state.notices = list_at<Notice>(root, "notices", notice_of);
  take(state.episode, "episode");
  state.previous = texts_at(root, "previous");
  state.next = texts_at(root, "next");
  if (Element const* services = root.find("ordered_services"))
    for (Element const& each : services->items())
      state.ordered_services[std::string(each.text_at("service"))] = number_at(each, "due");
  state.pending_results = texts_at(root, "pending_results");
  auto flags = texts_at(root, "flags");
  state.flags.insert(flags.begin(), flags.end());
  state.keys = texts_at(root, "keys");
  state.views = texts_at(root, "views");
  state.history = list_at<StayEntry>(root, "history", entry_of);
  return state;
}

}  // namespace gateway::record
