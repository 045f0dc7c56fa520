#include "gateway/record/codes.hpp"
#include "gateway/record/effects.hpp"
#include "gateway/record/linking.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

bool is_final_task(std::string_view status) {
  return status == "cancelled" || status == "completed" || status == "failed" || status == "entered-in-error";
}

class TransitionEffects {
 public:
  TransitionEffects(Context& context, TransitionState const& before, std::vector<Event>& log)
      : context_(context), before_(before), log_(log), build_(context.unit.arena()) {
    refold();
  }

  fhir::Result<void> run() {
    FHIR_CHECK(give_notices());
    FHIR_CHECK(keep_transition_task());
    FHIR_CHECK(keep_obligation_tasks());
    return keep_episode();
  }

 private:
  void refold() { after_ = fold_transition(before_.record_id, log_); }

  bool entered(Stay stay) const {
    bool const was = std::any_of(before_.history.begin(), before_.history.end(), [&](auto& entry) {
      return entry.stay == stay && entry.seq == last_entry(stay);
    });
    return last_entry(stay) != 0 && !was;
  }
  std::int64_t last_entry(Stay stay) const {
    std::int64_t seq = 0;
    for (auto const& entry : after_.history)
      if (entry.stay == stay) seq = entry.seq;
    return seq;
  }

  Event own_event(std::string_view type, std::string rule) const {
    Event event = context_.event(type, std::move(rule));
    event.door = "gateway";
    event.origin = std::string(kGatewaySource);
    event.actor = context_.site.gateway_organization;
    event.asserted = event.received;
    event.state_before = event.state_after = to_code(after_.stay);
    return event;
  }

  fhir::Result<void> append(Event event) {
    for (auto const& view : event.all("view")) context_.unit.put_key(kViewSpace, view, before_.record_id);
    FHIR_CHECK(context_.append(before_.record_id, log_, std::move(event)));
    refold();
    return {};
  }

  /// CMS CoP 482.24(d): each of the person's care team is told of admission, ED registration and discharge.
  fhir::Result<void> give_notices() {
    if (entered(Stay::cancelled) || entered(Stay::entered_in_error)) return retract_notices();
    if (entered(Stay::ed)) FHIR_CHECK(notify("admission", "ed-registration", last_entry(Stay::ed)));
    bool const back =
        before_.stay != Stay::none && before_.stay != Stay::ed && before_.stay != Stay::expected;
    if (entered(Stay::in_progress) && !back)
      FHIR_CHECK(notify("admission", "admission", last_entry(Stay::in_progress)));
    if (entered(Stay::in_progress) && before_.discharged_at != 0 && after_.discharged_at == 0)
      FHIR_CHECK(retract("discharge"));
    if (entered(Stay::discharged)) FHIR_CHECK(notify("discharge", "discharge", last_entry(Stay::discharged)));
    return {};
  }

  fhir::Result<void> notify(std::string const& about, std::string_view code, std::int64_t entry) {
    auto const pcps = after_.pcps;
    for (auto const& recipient : pcps) {
      std::string const id =
          derived_id(before_.record_id, std::string(code) + std::to_string(entry), recipient);
      FHIR_TRY(Element const notice, communication(id, code, recipient, {}));
      FHIR_CHECK(context_.unit.put(notice, kGatewaySource, "POST"));
      FHIR_CHECK(remember_notice(about, recipient, id));
    }
    return {};
  }

  fhir::Result<void> remember_notice(std::string const& about, std::string const& recipient,
                                     std::string const& id) {
    Event event = own_event(stay_kind::notice, "notice of " + about + " (CoP 482.24(d))");
    event.set("about", about);
    event.set("recipient", recipient);
    event.set("communication", "Communication/" + id);
    event.add("view", "Communication/" + id);
    return append(std::move(event));
  }

  fhir::Result<Element> communication(std::string const& id, std::string_view code,
                                      std::string const& recipient, std::string const& retracts) {
    Element notice = build_.object();
    build_.set(notice, "resourceType", "Communication");
    build_.set(notice, "id", id);
    if (!retracts.empty()) build_.set(notice, "inResponseTo", build_.list_of(build_.reference(retracts)));
    build_.set(notice, "status", "in-progress");
    build_.set(notice, "category", build_.list_of(build_.concept_of(kNoticeSystem, code)));
    FHIR_TRY(std::string const subject, patient_as_known_to(recipient));
    build_.set(notice, "subject", build_.reference(subject));
    build_.set(notice, "about", build_.list_of(build_.reference(after_.encounter)));
    build_.set(notice, "encounter", build_.reference(after_.encounter));
    build_.set(notice, "sent", instant_of(context_.now()));
    build_.set(notice, "recipient", build_.list_of(build_.reference(recipient)));
    build_.set(notice, "sender", build_.reference(context_.site.gateway_organization));
    Element payload = build_.object();
    build_.set(payload, "contentReference", build_.reference(after_.encounter));
    build_.set(notice, "payload", build_.list_of(payload));
    return notice;
  }

  /// The recipient finds the notice under its own Patient where it has one.
  fhir::Result<std::string> patient_as_known_to(std::string const& recipient) {
    FHIR_TRY(auto const parties, context_.parties_of(recipient));
    FHIR_TRY(auto const person, context_.person_of(after_.patient));
    FHIR_TRY(auto const patients, context_.patients_of(person));
    for (Party const* party : parties) {
      for (auto const& patient : patients) {
        FHIR_TRY(auto const source, context_.source(patient));
        if (source == party->name) return patient;
      }
    }
    return after_.patient;
  }

  fhir::Result<void> retract_notices() {
    FHIR_CHECK(retract("admission"));
    return retract("discharge");
  }

  /// Whoever got the notice is told that it no longer holds; the notice itself is marked.
  fhir::Result<void> retract(std::string const& about) {
    auto const notices = after_.notices;
    for (Notice const& notice : notices) {
      if (notice.about != about || notice.retracted) continue;
      FHIR_TRY(Element const* current, context_.load(reference_of(notice.communication)));
      if (current != nullptr) {
        Element changed = fhir::json::deep_copy(build_.arena(), *current);
        build_.set(changed, "status", "entered-in-error");
        FHIR_CHECK(context_.unit.put(changed, kGatewaySource, "PUT"));
      }
      Event event = own_event(stay_kind::notice_retracted, about + " no longer holds");
      event.set("communication", notice.communication);
      FHIR_CHECK(append(std::move(event)));
      std::string const id = derived_id(before_.record_id, "retraction", notice.communication);
      FHIR_TRY(Element const retraction,
               communication(id, "retraction-of-" + about, notice.recipient, notice.communication));
      FHIR_CHECK(context_.unit.put(retraction, kGatewaySource, "POST"));
      FHIR_CHECK(remember_notice("retraction", notice.recipient, id));
    }
    return {};
  }

  std::string transition_task() const { return derived_id(before_.record_id, "transition"); }

  fhir::Result<void> keep_transition_task() {
    std::string const id = transition_task();
    FHIR_TRY(Element const* current, context_.load({"Task", id}));
    if (current == nullptr && is_final(after_.stay)) return {};
    std::string_view const status = !is_final(after_.stay)                  ? "in-progress"
                                    : after_.stay == Stay::cancelled        ? "cancelled"
                                    : after_.stay == Stay::entered_in_error ? "entered-in-error"
                                                                            : "completed";
    Element task = current == nullptr ? new_task(id, "") : fhir::json::deep_copy(build_.arena(), *current);
    if (current == nullptr) build_.set(task, "code", build_.concept_of(kTaskCodeSystem, kTransitionCode));
    build_.set(task, "status", status);
    build_.set(task, "businessStatus", build_.concept_of(kStateSystem, to_code(after_.stay)));
    set_owner_and_due(task, after_.owner, after_.due);
    FHIR_CHECK(put_if_changed(task, current));
    if (current != nullptr) return {};
    Event event = own_event(stay_kind::attached, "the transition's Task");
    event.set("task", "Task/" + id);
    event.add("view", "Task/" + id);
    return append(std::move(event));
  }

  Element new_task(std::string const& id, std::string_view part_of) {
    Element task = build_.object();
    build_.set(task, "resourceType", "Task");
    build_.set(task, "id", id);
    if (!part_of.empty()) build_.set(task, "partOf", build_.list_of(build_.reference(part_of)));
    build_.set(task, "status", "requested");
    build_.set(task, "intent", "order");
    build_.set(task, "focus", build_.reference(after_.encounter));
    if (!after_.patient.empty()) build_.set(task, "for", build_.reference(after_.patient));
    build_.set(task, "encounter", build_.reference(after_.encounter));
    build_.set(task, "authoredOn", instant_of(context_.now()));
    build_.set(task, "requester", build_.reference(context_.site.gateway_organization));
    return task;
  }

  void set_owner_and_due(Element& task, std::string const& owner, std::int64_t due) {
    if (Reference const who = reference_of(owner)) {
      build_.set(task, "owner", build_.reference(who.text()));
    } else {
      task.remove("owner");
    }
    if (due == 0) return task.remove("restriction");
    Element period = build_.object();
    build_.set(period, "end", instant_of(due));
    Element restriction = build_.object();
    build_.set(restriction, "period", period);
    build_.set(task, "restriction", restriction);
  }

  fhir::Result<void> put_if_changed(Element& task, Element const* current) {
    if (current != nullptr && task == *current) return {};
    build_.set(task, "lastModified", instant_of(context_.now()));
    FHIR_CHECK(context_.unit.put(task, kGatewaySource, current == nullptr ? "POST" : "PUT"));
    return {};
  }

  /// The EpisodeOfCare that chains this stay with others: which they are stands in its identifiers, for the
  /// Encounters are their sources' own.
  fhir::Result<void> keep_episode() {
    Reference const reference = reference_of(after_.episode);
    if (!reference) return {};
    FHIR_TRY(Element const* current, context_.load(reference));
    FHIR_TRY(Element episode, current == nullptr
                                  ? new_episode(reference.id)
                                  : fhir::Result<Element>(fhir::json::deep_copy(build_.arena(), *current)));
    Element& identifiers = *episode.find("identifier");
    auto const same = [&](Element const& each) { return each.text_at("value") == after_.record_id; };
    if (std::none_of(identifiers.items().begin(), identifiers.items().end(), same))
      build_.push(identifiers, identifier_of(after_.record_id));
    bool open = !is_final(after_.stay);
    for (Element const& each : identifiers.items()) {
      if (same(each)) continue;
      FHIR_TRY(auto const row, context_.unit.find_record(std::string(each.text_at("value"))));
      open = open || (row && row->open);
    }
    build_.set(episode, "status", open ? "active" : "finished");
    set_period(episode, open);
    if (current != nullptr && episode == *current) return {};
    FHIR_CHECK(context_.unit.put(episode, kGatewaySource, current == nullptr ? "POST" : "PUT"));
    return {};
  }

  Element identifier_of(std::string_view record) {
    Element identifier = build_.object();
    build_.set(identifier, "system", kRecordSystem);
    build_.set(identifier, "value", record);
    return identifier;
  }

  /// It begins with the stays before this one, and is about the Patient of the first.
  fhir::Result<Element> new_episode(std::string const& id) {
    std::string patient = after_.patient;
    Element identifiers = build_.array();
    for (auto const& earlier : after_.previous) {
      FHIR_TRY(auto const record, context_.record_of_view(earlier));
      FHIR_TRY(Element const* encounter, context_.load(reference_of(earlier)));
      if (!record || encounter == nullptr) continue;
      build_.push(identifiers, identifier_of(*record));
      patient = patient_of(*encounter);
    }
    Element episode = build_.object();
    build_.set(episode, "resourceType", "EpisodeOfCare");
    build_.set(episode, "id", id);
    build_.set(episode, "identifier", identifiers);
    build_.set(episode, "status", "active");
    build_.set(episode, "patient", build_.reference(patient));
    return episode;
  }

  /// From the first admission on; until now once all of its stays are over.
  void set_period(Element& episode, bool open) {
    Element const* const known = episode.find("period");
    std::string start = instant_of(after_.admitted_at);
    if (known != nullptr && !known->text_at("start").empty())
      start = std::min(start, std::string(known->text_at("start")));
    std::string end = known == nullptr ? std::string{} : std::string(known->text_at("end"));
    if (end.empty()) end = instant_of(context_.now());
    Element period = build_.object();
    build_.set(period, "start", start);
    if (!open) build_.set(period, "end", end);
    build_.set(episode, "period", period);
  }

  /// One Task per obligation, partOf the transition's. What ended stays ended; what is owed anew gets a new
  /// Task.
  fhir::Result<void> keep_obligation_tasks() {
    auto const obligations = after_.obligations;
    for (Obligation const& owed : obligations) FHIR_CHECK(keep_obligation(owed));
    return {};
  }

  fhir::Result<void> keep_obligation(Obligation const& owed) {
    std::string_view const status = owed.state == Due::open        ? "requested"
                                    : owed.state == Due::suspended ? "on-hold"
                                    : owed.state == Due::closed    ? "completed"
                                                                   : "cancelled";
    std::string id;
    Element const* current = nullptr;
    for (int round = 1;; ++round) {
      id = derived_id(before_.record_id, "obligation " + std::to_string(round), owed.code);
      FHIR_TRY(current, context_.load({"Task", id}));
      bool const usable = current == nullptr || !is_final_task(current->text_at("status")) ||
                          current->text_at("status") == status;
      if (usable) break;
    }
    Element task = current == nullptr ? new_task(id, "Task/" + transition_task())
                                      : fhir::json::deep_copy(build_.arena(), *current);
    std::string_view const now = task.text_at("status");
    // Who took the Task up said so by its own status: that is not taken back.
    bool const taken_up = status == "requested" && current != nullptr && now != "on-hold";
    if (!taken_up) build_.set(task, "status", status);
    if (current == nullptr) describe(task, owed.code);
    set_owner_and_due(task, owed.owner, owed.due);
    if (!owed.evidence.empty() && owed.state == Due::closed) set_evidence(task, owed.evidence);
    if (!owed.evidence.empty() && owed.state == Due::cancelled) {
      Element reason = build_.object();
      build_.set(reason, "text", owed.evidence);
      build_.set(task, "statusReason", reason);
    }
    FHIR_CHECK(put_if_changed(task, current));
    if (current != nullptr) return {};
    Event event = own_event(stay_kind::attached, "obligation " + owed.code);
    event.add("view", "Task/" + id);
    return append(std::move(event));
  }

  void describe(Element& task, std::string_view code) {
    build_.set(task, "code", build_.concept_of(kTaskCodeSystem, kObligationCode));
    build_.set(task, "reasonCode", build_.concept_of(kObligationSystem, code.substr(0, code.find(':'))));
    if (code.find(':') != code.npos)
      build_.set(task, "reasonReference", build_.reference(code.substr(code.find(':') + 1)));
  }

  void set_evidence(Element& task, std::string const& evidence) {
    Reference const shown = reference_of(evidence);
    if (!shown || shown.text() == "Task/" + std::string(task.text_at("id"))) return;
    Element output = build_.object();
    build_.set(output, "type", build_.concept_of(kTaskCodeSystem, "evidence"));
    build_.set(output, "valueReference", build_.reference(shown.text()));
    build_.set(task, "output", build_.list_of(output));
  }

  Context& context_;
  TransitionState const& before_;
  TransitionState after_;
  std::vector<Event>& log_;
  Builder build_;
};

}  // namespace

fhir::Result<void> apply_effects(Context& context, TransitionState const& before, std::vector<Event>& log) {
  return TransitionEffects(context, before, log).run();
}

}  // namespace gateway::record
