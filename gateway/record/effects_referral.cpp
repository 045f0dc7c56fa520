#include "gateway/record/codes.hpp"
#include "gateway/record/effects.hpp"
#include "gateway/record/ledger.hpp"
#include "gateway/record/linking.hpp"

#include <algorithm>
#include <array>

namespace gateway::record {
namespace {

using fhir::json::Element;

constexpr std::array<std::string_view, 6> kTaskOrder = {"draft",    "requested",   "received",
                                                        "accepted", "in-progress", "completed"};

int place_of(std::string_view status) {
  if (status == "ready") status = "accepted";
  if (status == "on-hold") status = "in-progress";
  auto const found = std::find(kTaskOrder.begin(), kTaskOrder.end(), status);
  return found == kTaskOrder.end() ? -1 : static_cast<int>(found - kTaskOrder.begin());
}

bool is_final_task(std::string_view status) {
  return status == "rejected" || status == "cancelled" || status == "completed" || status == "failed" ||
         status == "entered-in-error";
}

/// A Task's status goes forward; what is final stays (R4: rejected, cancelled, completed, failed).
bool may_become(std::string_view was, std::string_view status) {
  if (status.empty() || was == status) return false;
  if (is_final_task(was)) return status == "entered-in-error";
  int const from = place_of(was);
  int const to = place_of(status);
  return to < 0 || from < to;
}

class ReferralEffects {
 public:
  ReferralEffects(Context& context, ReferralState const& before, std::vector<Event>& log)
      : context_(context), before_(before), log_(log), build_(context.unit.arena()) {
    refold();
  }

  fhir::Result<void> run() {
    FHIR_CHECK(ensure_task());
    FHIR_CHECK(update_task());
    FHIR_CHECK(update_request());
    FHIR_CHECK(follow_report());
    FHIR_CHECK(follow_cancellation());
    return follow_order();
  }

 private:
  void refold() { after_ = fold_referral(before_.record_id, log_); }

  bool entered(State state) const {
    return after_.state == state && (before_.history.empty() || before_.state != state ||
                                     before_.history.back().seq != after_.history.back().seq);
  }
  bool left(State state) const { return before_.state == state && after_.state != state; }
  std::string moved_by() const { return std::to_string(after_.history.back().seq); }

  Event own_event(std::string_view type, std::string rule) const {
    Event event = context_.event(type, std::move(rule));
    event.door = "gateway";
    event.origin = std::string(kGatewaySource);
    event.actor = context_.site.gateway_organization;
    event.asserted = event.received;
    event.state_before = event.state_after = to_code(after_.state);
    return event;
  }

  fhir::Result<void> note_view(std::string const& reference, std::string rule) {
    context_.unit.put_key(kViewSpace, reference, before_.record_id);
    if (std::find(after_.views.begin(), after_.views.end(), reference) != after_.views.end()) return {};
    Event event = own_event(kind::attached, std::move(rule));
    event.add("view", reference);
    FHIR_CHECK(context_.append(before_.record_id, log_, std::move(event)));
    refold();
    return {};
  }

  Element task(std::string const& id, std::string_view status, std::string_view intent) {
    Element task = build_.object();
    build_.set(task, "resourceType", "Task");
    build_.set(task, "id", id);
    build_.set(task, "status", status);
    build_.set(task, "intent", intent);
    if (!after_.patient.empty()) build_.set(task, "for", build_.reference(after_.patient));
    build_.set(task, "authoredOn", instant_of(context_.now()));
    build_.set(task, "lastModified", instant_of(context_.now()));
    return task;
  }

  void based_on_request(Element& task) {
    build_.set(task, "basedOn", build_.list_of(build_.reference(after_.service_request)));
  }

  /// A referral without a Task, or whose note was withdrawn after the Task was completed, gets one (sections
  /// 3 and 12).
  fhir::Result<void> ensure_task() {
    if (after_.service_request.empty() || rank_of(after_.state) < rank_of(State::sent)) return {};
    bool const reopened = before_.state != after_.state && after_.state == State::seen &&
                          rank_of(before_.state) > rank_of(State::seen);
    if (!after_.task.empty() && !reopened) return {};
    std::string const id = derived_id(before_.record_id, "task", reopened ? moved_by() : "");
    Element made = task(id, reopened ? "in-progress" : "requested", "order");
    build_.set(made, "code", build_.concept_of(kFhirTaskCodeSystem, "fulfill"));
    based_on_request(made);
    build_.set(made, "focus", build_.reference(reopened ? after_.task : after_.service_request));
    if (!after_.requester.empty()) build_.set(made, "requester", build_.reference(after_.requester));
    if (!after_.performer.empty()) build_.set(made, "owner", build_.reference(after_.performer));
    FHIR_CHECK(context_.unit.put(made, kGatewaySource, "POST"));
    Event event =
        own_event(kind::updated, reopened ? "reopened by a new Task" : "the referral came without a Task");
    if (reopened) event.type = kind::rereferred;  // The state is that of the newest Task.
    event.set("task", "Task/" + id);
    event.add("view", "Task/" + id);
    context_.unit.put_key(kViewSpace, "Task/" + id, before_.record_id);
    FHIR_CHECK(context_.append(before_.record_id, log_, std::move(event)));
    refold();
    return {};
  }

  fhir::Result<void> update_task() {
    FHIR_TRY(Element const* current, context_.load(reference_of(after_.task)));
    if (current == nullptr) return {};
    Element changed = fhir::json::deep_copy(build_.arena(), *current);
    std::string_view const was = current->text_at("status");
    std::string_view const status = row_of(after_.state).task_status;
    if (may_become(was, status)) build_.set(changed, "status", status);
    build_.set(changed, "businessStatus", business_status());
    bool const ended = after_.state == State::declined || after_.state == State::failed ||
                       after_.state == State::expired || after_.state == State::needs_info;
    if (ended && current->find("statusReason") == nullptr) set_reason(changed);
    if (!ended && !is_final_task(was) && current->find("statusReason") != nullptr &&
        before_.state == State::needs_info)
      changed.remove("statusReason");
    add_output(changed);
    if (changed == *current) return {};
    build_.set(changed, "lastModified", instant_of(context_.now()));
    FHIR_TRY(auto const source, context_.source(after_.task));
    FHIR_CHECK(context_.unit.put(changed, source, "PUT"));
    return {};
  }

  Element business_status() {
    Element status = build_.concept_of(kBusinessStatusSystem, business_status_of(after_));
    std::string_view const bser = row_of(after_.state).bser;
    if (!bser.empty() && !(after_.state == State::seen && after_.interim))
      build_.push(*status.find("coding"), build_.coding(kBserBusinessStatusSystem, bser));
    return status;
  }

  void set_reason(Element& task) {
    std::string_view const text = !after_.reason.empty()           ? std::string_view(after_.reason)
                                  : after_.state == State::expired ? std::string_view("expired")
                                                                   : std::string_view{};
    if (text.empty()) return;
    Element reason = build_.object();
    build_.set(reason, "text", text);
    build_.set(task, "statusReason", reason);
  }

  void add_output(Element& task) {
    if (after_.report.empty()) return;
    if (Element const* outputs = task.find("output")) {
      for (Element const& each : outputs->items())
        if (reference_at(each.find("valueReference")).text() == after_.report) return;
    }
    Element output = build_.object();
    build_.set(output, "type", build_.concept_of(kTaskCodeSystem, kConsultantReportCode));
    build_.set(output, "valueReference", build_.reference(after_.report));
    if (task.find("output") == nullptr) build_.set(task, "output", build_.array());
    build_.push(*task.find("output"), output);
  }

  /// SR.status, only where the placer's own recorded act says so: a review, or a cancellation it asked for.
  fhir::Result<void> update_request() {
    bool const asked = std::any_of(after_.history.begin(), after_.history.end(),
                                   [](auto& entry) { return entry.state == State::cancel_requested; });
    bool const act = entered(State::closed) || (entered(State::cancelled) && asked);
    bool const undone =
        left(State::closed) && after_.state == State::note_returned && !before_.history.empty();
    if (!act && !undone) return {};
    std::vector<std::string> changed;
    std::string_view const was = row_of(before_.state).request_status;
    for (std::string const& service : after_.services) FHIR_CHECK(set_status(service, was, changed));
    FHIR_CHECK(set_status(after_.service_request, {}, changed));
    if (changed.empty()) return {};
    return write_provenance(after_.state == State::closed ? after_.reviewer : after_.requester, changed);
  }

  /// The status that a request has in this state; with `was`, only where it moved with the referral until
  /// now: a service that its placer called off by itself stays so.
  fhir::Result<void> set_status(std::string const& request, std::string_view was,
                                std::vector<std::string>& written) {
    FHIR_TRY(Element const* current, context_.load(reference_of(request)));
    std::string_view const status = row_of(after_.state).request_status;
    if (current == nullptr || current->text_at("status") == status ||
        current->text_at("status") == "entered-in-error" ||
        (!was.empty() && current->text_at("status") != was))
      return {};
    Element changed = fhir::json::deep_copy(build_.arena(), *current);
    build_.set(changed, "status", status);
    FHIR_TRY(auto const source, context_.source(request));
    FHIR_CHECK(context_.unit.put(changed, source, "PUT"));
    written.push_back(request);
    return {};
  }

  fhir::Result<void> write_provenance(std::string const& on_behalf_of,
                                      std::vector<std::string> const& requests) {
    Element provenance = build_.object();
    build_.set(provenance, "resourceType", "Provenance");
    std::string const id = derived_id(before_.record_id, "provenance", moved_by());
    build_.set(provenance, "id", id);
    for (std::string const& request : requests) {
      FHIR_TRY(auto const version, context_.version(request));
      if (provenance.find("target") == nullptr)
        build_.set(provenance, "target", build_.list_of(build_.reference(version)));
      else
        build_.push(*provenance.find("target"), build_.reference(version));
    }
    build_.set(provenance, "recorded", instant_of(context_.now()));
    build_.set(provenance, "activity", build_.concept_of(kEventSystem, log_activity()));
    Element agent = build_.object();
    build_.set(agent, "who", build_.reference(context_.site.gateway_organization));
    Reference const placer = reference_of(on_behalf_of);
    build_.set(agent, "onBehalfOf", placer ? build_.reference(placer.text()) : display(on_behalf_of));
    build_.set(provenance, "agent", build_.list_of(agent));
    FHIR_CHECK(context_.unit.put(provenance, kGatewaySource, "POST"));
    return note_view("Provenance/" + id, "the gateway acted for the placer");
  }

  Element display(std::string_view text) {
    Element who = build_.object();
    build_.set(who, "display", text.empty() ? std::string_view("placer") : text);
    return who;
  }

  std::string_view log_activity() const {
    for (auto each = log_.rbegin(); each != log_.rend(); ++each)
      if (each->seq == after_.history.back().seq) return each->type;
    return kind::updated;
  }

  /// The report's two Tasks: somebody must review it, and CMS50 counts it.
  fhir::Result<void> follow_report() {
    if (entered(State::note_returned)) {
      FHIR_CHECK(end_reviews("cancelled"));
      FHIR_CHECK(open_review());
      return write_consultant_report();
    }
    if (left(State::note_returned))
      return end_reviews(after_.state == State::closed ? "completed" : "cancelled");
    return {};
  }

  fhir::Result<void> open_review() {
    std::string const id = derived_id(before_.record_id, "review", moved_by());
    Element review = task(id, "requested", "order");
    build_.set(review, "code", build_.concept_of(kTaskCodeSystem, kReviewCode));
    based_on_request(review);
    if (!after_.report.empty()) build_.set(review, "focus", build_.reference(after_.report));
    build_.set(review, "requester", build_.reference(context_.site.gateway_organization));
    build_.set(review, "owner", build_.reference(after_.owner));
    Element period = build_.object();
    build_.set(period, "end", instant_of(after_.due));
    Element restriction = build_.object();
    build_.set(restriction, "period", period);
    build_.set(review, "restriction", restriction);
    FHIR_CHECK(context_.unit.put(review, kGatewaySource, "POST"));
    return note_view("Task/" + id, "the report waits for review");
  }

  fhir::Result<void> write_consultant_report() {
    std::string const id = derived_id(before_.record_id, "consultant-report");
    Element report = task(id, "completed", "order");
    Element code = build_.concept_of(kTaskCodeSystem, kConsultantReportCode);
    build_.push(*code.find("coding"), build_.coding(kLoincSystem, "11488-4"));
    build_.set(report, "code", code);
    based_on_request(report);
    if (!after_.report.empty()) build_.set(report, "focus", build_.reference(after_.report));
    if (!after_.performer.empty()) build_.set(report, "owner", build_.reference(after_.performer));
    Element period = build_.object();
    build_.set(period, "start", instant_of(after_.sent_at));
    build_.set(period, "end", instant_of(std::max(after_.sent_at, after_.since)));
    build_.set(report, "executionPeriod", period);
    FHIR_CHECK(context_.unit.put(report, kGatewaySource, "POST"));
    return note_view("Task/" + id, "consultant report (CMS50)");
  }

  /// A referral placed in a stay is one of its obligations: the loop's end ends it (section 7).
  fhir::Result<void> follow_order() {
    bool const ended =
        entered(State::closed) || entered(State::cancelled) || entered(State::entered_in_error);
    if (!ended || after_.order_encounter.empty()) return {};
    FHIR_TRY(auto const record, context_.record_of_view(after_.order_encounter));
    if (!record || !record->starts_with("transition/")) return {};
    Event event = own_event(stay_kind::service_ended, "its referral's loop");
    event.set("service", after_.service_request);
    event.set("outcome",
              after_.state == State::closed ? "closed" : std::string(row_of(after_.state).business_status));
    event.set("evidence", after_.service_request);
    event.state_before.clear();
    event.state_after.clear();
    return fold_one(context_, *record, {std::move(event)});
  }

  fhir::Result<void> end_reviews(std::string_view status) { return end_tasks(TaskRole::review, status); }

  fhir::Result<void> end_tasks(TaskRole role, std::string_view status) {
    for (auto const& view : after_.views) {
      if (!view.starts_with("Task/")) continue;
      FHIR_TRY(Element const* current, context_.load(reference_of(view)));
      if (current == nullptr || role_of(*current) != role || is_final_task(current->text_at("status")))
        continue;
      Element changed = fhir::json::deep_copy(build_.arena(), *current);
      build_.set(changed, "status", status);
      build_.set(changed, "lastModified", instant_of(context_.now()));
      FHIR_CHECK(context_.unit.put(changed, kGatewaySource, "PUT"));
    }
    return {};
  }

  /// COW (d): a cancellation is a Task that the recipient answers; one that the placer made itself serves.
  fhir::Result<void> follow_cancellation() {
    if (left(State::cancel_requested))
      return end_tasks(TaskRole::abort, after_.state == State::cancelled ? "completed" : "rejected");
    if (!entered(State::cancel_requested) || after_.task.empty()) return {};
    for (auto const& view : after_.views) {
      if (!view.starts_with("Task/")) continue;
      FHIR_TRY(Element const* each, context_.load(reference_of(view)));
      if (each != nullptr && role_of(*each) == TaskRole::abort && !is_final_task(each->text_at("status")))
        return {};
    }
    std::string const id = derived_id(before_.record_id, "abort", moved_by());
    Element abort = task(id, "requested", "order");
    build_.set(abort, "code", build_.concept_of(kFhirTaskCodeSystem, "abort"));
    based_on_request(abort);
    build_.set(abort, "focus", build_.reference(after_.task));
    if (!after_.requester.empty()) build_.set(abort, "requester", build_.reference(after_.requester));
    build_.set(abort, "owner", build_.reference(after_.owner));
    FHIR_CHECK(context_.unit.put(abort, kGatewaySource, "POST"));
    return note_view("Task/" + id, "the placer asks for cancellation");
  }

  Context& context_;
  ReferralState const& before_;
  ReferralState after_;
  std::vector<Event>& log_;
  Builder build_;
};

}  // namespace

fhir::Result<void> apply_effects(Context& context, ReferralState const& before, std::vector<Event>& log) {
  return ReferralEffects(context, before, log).run();
}

}  // namespace gateway::record
