#include "gateway/record/observe.hpp"

#include "gateway/record/observer.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

/// Requests before what fulfils them, stays before what is owed after them, whatever order they were put in.
int order_of(std::string_view type) {
  static constexpr std::string_view kOrder[] = {"Patient",           "ServiceRequest", "Task",
                                                "Encounter",         "Appointment",    "DiagnosticReport",
                                                "DocumentReference", "Communication"};
  auto const found = std::find(std::begin(kOrder), std::end(kOrder), type);
  return static_cast<int>(found - std::begin(kOrder));
}

}  // namespace

Observer::Observer(Context& context) : context_(context), changes_(context.unit.changes()) {
  // One resource put twice in a Unit counts as it stands at the end.
  std::vector<Change> last;
  for (auto& change : changes_) {
    auto const same = std::find_if(last.begin(), last.end(), [&](Change const& other) {
      return other.type == change.type && other.id == change.id;
    });
    if (same == last.end()) {
      last.push_back(change);
    } else {
      same->after = change.after;
      same->changed = same->changed || change.changed;
    }
  }
  std::stable_sort(last.begin(), last.end(),
                   [](Change const& a, Change const& b) { return order_of(a.type) < order_of(b.type); });
  changes_ = std::move(last);
  // The request that carries a referral before what else is asked for with it.
  auto const is_request = [](Change const& change) { return change.type == "ServiceRequest"; };
  auto const first = std::find_if(changes_.begin(), changes_.end(), is_request);
  std::stable_partition(
      first, std::find_if_not(first, changes_.end(), is_request), [&](Change const& change) {
        return change.after == nullptr || lead_of("ServiceRequest/" + change.id, *change.after).empty();
      });
}

fhir::Result<Observed> Observer::run() {
  for (Change const& change : changes_)
    if (change.changed) FHIR_CHECK(see(change));
  FHIR_CHECK(see_message());
  FHIR_CHECK(see_receipt());
  return Observed{std::move(found_), std::move(items_), std::move(settled_)};
}

fhir::Result<void> Observer::see(Change const& change) {
  if (change.after == nullptr) {
    FHIR_TRY(auto const record, record_of(change.type + "/" + change.id));
    if (!record || is_work_item(*record)) return {};
    Event event = context_.event(kind::withdrawn, "deleted");
    event.set("view", change.type + "/" + change.id);
    bool const stay = record->starts_with("transition/");
    add(stay ? RecordKind::transition : RecordKind::referral, *record, std::move(event), {}, {});
    return {};
  }
  FHIR_TRY(Element const* before, context_.before(change));
  Element const& after = *change.after;
  if (change.type == "Patient") return see_patient(change, before, after);
  if (change.type == "ServiceRequest") return see_request(change, before, after);
  if (change.type == "Task") return see_task(change, before, after);
  if (change.type == "Appointment") return see_appointment(change, before, after);
  if (change.type == "Communication") return see_communication(change, before, after);
  if (change.type == "Encounter") {
    FHIR_CHECK(see_stay(change, before, after));
    bool const visit = !is_stay_class(after.text_of("class", "code"));
    if (visit && after.text_at("status") != "planned" && after.text_at("status") != "cancelled")
      FHIR_CHECK(see_follow_up_visit(change, after));
    return see_visit(change, before, after);
  }
  if (change.type == "DiagnosticReport" || change.type == "DocumentReference") {
    FHIR_CHECK(see_stay_report(change, before, after));
    return see_report(change, before, after);
  }
  return {};
}

/// What the recipient says about a referral it has, whatever that is, is a receipt: with a receiver that
/// acknowledges nothing, the only one (section 3).
fhir::Result<void> Observer::see_receipt() {
  if (context_.cause.door != Door::v2) return {};
  Party const* const sender = context_.party_named(context_.cause.origin);
  if (sender == nullptr) return {};
  std::vector<std::string> records;
  for (Observation const& each : found_) {
    bool const known = std::find(records.begin(), records.end(), each.record) != records.end();
    if (each.record_kind == RecordKind::referral && !known) records.push_back(each.record);
  }
  for (auto const& record : records) {
    FHIR_TRY(ReferralState const state, state_of_record(record));
    if (state.state != State::sent || state.placer_source == sender->name) continue;
    FHIR_TRY(bool const recipient, context_.serves(*sender, state.performer));
    if (recipient)
      add(RecordKind::referral, record, context_.event(kind::received, "a message from the recipient"), {},
          {});
  }
  return {};
}

void Observer::add(RecordKind record_kind, std::string record, Event event, std::vector<std::string> keys,
                   std::vector<std::string> views) {
  for (auto const& key : keys) event.add("key", key);
  for (auto const& view : views) event.add("view", view);
  found_.push_back({record_kind, std::move(record), event.text("person"), std::move(event), std::move(keys),
                    std::move(views)});
}

/// For the care coordinator: not remembered as a view, as a later attachment decides where it belongs; but
/// with all that its message said, so that it then counts as if it had been linked.
fhir::Result<void> Observer::orphan(std::string const& view, std::string const& person, std::string reason) {
  WorkItem item;
  item.kind = work::orphan;
  item.seed = context_.cause.origin + "|" + (view.empty() ? context_.cause.message_id : view);
  item.reason = std::move(reason);
  FHIR_TRY(item.subject, context_.version(view));
  item.person = person;
  if (!context_.cause.patients.empty()) item.patient = context_.cause.patients.front();
  item.owner = context_.site.care_coordinator;
  for (Fact const& fact : context_.cause.facts)
    item.data[std::string(kFactPrefix) + fact.name] = {fact.value};
  item.as_task = true;
  items_.push_back(std::move(item));
  return {};
}

fhir::Result<std::optional<std::string>> Observer::record_of(std::string const& reference) {
  for (auto const& each : found_)
    if (std::find(each.views.begin(), each.views.end(), reference) != each.views.end())
      return std::optional<std::string>(each.record);
  return context_.record_of_view(reference);
}

fhir::Result<Link> Observer::link_to_found(Element const& resource, std::string const& person) {
  for (Reference const& parent : parents_of(resource)) {
    for (auto const& each : found_) {
      bool const viewed = std::find(each.views.begin(), each.views.end(), parent.text()) != each.views.end();
      if (each.record_kind == RecordKind::referral && viewed) return Link{each.record, "reference", false};
    }
  }
  return link_by_key(context_, resource, person);
}

/// A resource that already is a view stays where it is; else by reference, by key, or by what intake
/// recognised.
fhir::Result<Link> Observer::link_view(std::string const& reference, Element const& resource,
                                       std::string const& person) {
  FHIR_TRY(auto const known, record_of(reference));
  if (known && known->starts_with("referral/")) return Link{*known, "reference", false};
  FHIR_TRY(Link link, link_to_found(resource, person));
  if (!link.record.empty() || link.ambiguous || person.empty()) return link;
  for (auto const& anchor : context_.cause.anchors) {
    FHIR_TRY(auto const record, record_of(anchor));
    if (!record || !record->starts_with("referral/")) continue;
    FHIR_TRY(auto const records, context_.records_of(person));
    if (std::find(records.begin(), records.end(), *record) != records.end())
      return Link{*record, "T1", false};
  }
  return link;
}

fhir::Result<Observed> observe(Context& context) {
  Observer observer(context);
  return observer.run();
}

}  // namespace gateway::record
