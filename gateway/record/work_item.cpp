#include "gateway/record/work_item.hpp"

#include "fhir/json/issues.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/record/codes.hpp"
#include "gateway/record/context.hpp"
#include "gateway/record/ledger.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

std::string state_of_type(std::string_view type) {
  if (type == work::attached) return "ATTACHED";
  if (type == work::accepted) return "ACCEPTED";
  if (type == work::answered) return "ANSWERED";
  if (type == work::dismissed) return "DISMISSED";
  return "OPEN";
}

std::vector<std::string> const* values_of(WorkItemState const& item, std::string const& name) {
  auto const found = item.data.find(name);
  return found == item.data.end() || found->second.empty() ? nullptr : &found->second;
}

std::string to_json(WorkItemState const& item, Event const& first) {
  std::string out = "{";
  auto const add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (out.size() > 1) out += ',';
    fhir::json::write_string(name, out);
    out += ':';
    fhir::json::write_string(value, out);
  };
  add("record", item.record_id);
  add("kind", item.kind);
  add("state", item.state);
  add("reason", item.reason);
  add("subject", item.subject);
  add("person", item.person);
  add("patient", item.patient);
  add("task", item.task);
  add("origin", first.origin);
  add("message", first.message);
  add("message_id", first.message_id);
  add("settled_by", item.settled_by);
  add("settled_reason", item.settled_reason);
  add("target", item.target);
  // What a person needs to answer it. An orphan's data is what its message said, and stays in the log.
  if (item.kind != work::unmapped_code && item.kind != work::unwritable && item.kind != work::invalid)
    return out + "}";
  for (char const* const name : {"partner", "vocabulary", "code", "text", "field", "row", "destination",
                                 "feed", "tables", "validation"}) {
    if (auto const* const values = values_of(item, name)) add(name, values->front());
  }
  for (char const* const name : {"element", "outcome", "finding"}) {
    auto const* const values = values_of(item, name);
    if (values == nullptr) continue;
    out.append(",\"").append(name).append("\":[");
    for (std::string const& value : *values) {
      if (&value != &values->front()) out += ',';
      fhir::json::write_string(value, out);
    }
    out += ']';
  }
  return out + "}";
}

Event event_of_item(Context& context, WorkItem const& item) {
  Event event = context.event(work::opened, item.reason);
  event.data = item.data;
  event.payload = item.subject;
  event.set("person", item.person);
  event.set("patient", item.patient);
  event.set("owner", item.owner);
  event.set("due", std::to_string(due_at(event.received, Step::accept_or_decline, Priority::urgent,
                                         context.calendar())));
  return event;
}

/// What went wrong, as the contained OperationOutcome that the Task's output names.
fhir::Result<void> add_outcome(Builder const& build, Element& task, fhir::Issues const& issues) {
  FHIR_TRY(Element outcome, fhir::json::read(fhir::json::to_outcome(issues), build.arena()));
  build.set(outcome, "id", "outcome");
  Element output = build.object();
  build.set(output, "type", build.concept_of(kTaskCodeSystem, kOutcomeCode));
  build.set(output, "valueReference", build.reference("#outcome"));
  build.set(task, "contained", build.list_of(outcome));
  build.set(task, "output", build.list_of(output));
  return {};
}

/// The item as its owner's EHR sees it.
fhir::Result<std::string> put_task(Context& context, std::string const& id, WorkItem const& item,
                                   std::int64_t due) {
  Builder const build(context.unit.arena());
  std::string const task_id = derived_id(id, "work-item");
  Element task = build.object();
  build.set(task, "resourceType", "Task");
  build.set(task, "id", task_id);
  build.set(task, "status", "requested");
  build.set(task, "intent", "order");
  Element code = build.concept_of(kTaskCodeSystem, kWorkItemCode);
  build.push(*code.find("coding"), build.coding(kTaskCodeSystem, item.kind));
  build.set(task, "code", code);
  build.set(task, "description", item.reason);
  if (Reference const subject = reference_of(item.subject))
    build.set(task, "focus", build.reference(subject.text()));
  if (!item.patient.empty()) build.set(task, "for", build.reference(item.patient));
  build.set(task, "authoredOn", instant_of(context.now()));
  build.set(task, "lastModified", instant_of(context.now()));
  build.set(task, "requester", build.reference(context.site.gateway_organization));
  build.set(task, "owner", build.reference(item.owner));
  Element period = build.object();
  build.set(period, "end", instant_of(due));
  Element restriction = build.object();
  build.set(restriction, "period", period);
  build.set(task, "restriction", restriction);
  if (!item.outcome.empty()) FHIR_CHECK(add_outcome(build, task, item.outcome));
  FHIR_TRY(auto const before, context.unit.find("Task", task_id));
  FHIR_CHECK(context.unit.put(task, kGatewaySource, before ? "PUT" : "POST"));
  context.unit.put_key(kViewSpace, "Task/" + task_id, id);
  return "Task/" + task_id;
}

/// Completed or cancelled by how it was settled; one that its owner settled already is left.
fhir::Result<void> end_task(Context& context, std::string const& task, Settlement const& settlement) {
  FHIR_TRY(Element const* current, context.load(reference_of(task)));
  if (current == nullptr || current->text_at("status") == "completed" ||
      current->text_at("status") == "cancelled" || current->text_at("status") == "rejected")
    return {};
  Builder const build(context.unit.arena());
  Element changed = fhir::json::deep_copy(build.arena(), *current);
  build.set(changed, "status", settlement.how == work::dismissed ? "cancelled" : "completed");
  Element reason = build.object();
  build.set(reason, "text", settlement.reason);
  build.set(changed, "statusReason", reason);
  build.set(changed, "lastModified", instant_of(context.now()));
  FHIR_CHECK(context.unit.put(changed, kGatewaySource, "PUT"));
  return {};
}

}  // namespace

std::string work_item_id(std::string_view kind, std::string_view seed) {
  return std::string(kind) + "/" + derived_id(kind, "work-item", seed);
}

bool is_work_item(std::string_view record_id) {
  return !record_id.starts_with("referral/") && !record_id.starts_with("transition/");
}

WorkItemState fold_work_item(std::string_view record_id, std::span<Event const> log) {
  WorkItemState item;
  item.record_id = record_id;
  item.kind = record_id.substr(0, record_id.find('/'));
  for (Event const& event : log) {
    item.state = state_of_type(event.type);
    item.since = event.received;
    if (!item.is_open()) {
      item.due = 0;
      item.settled_by = event.text("by");
      item.settled_reason = event.rule;
      item.target = event.text("target");
      continue;
    }
    item.reason = event.rule;
    item.subject = event.payload;
    item.due = event.number("due");
    item.data = event.data;
    item.settled_by.clear();
    item.settled_reason.clear();
    item.target.clear();
    auto const take = [&](char const* name, std::string& into) {
      if (auto const& value = event.text(name); !value.empty()) into = value;
    };
    take("person", item.person);
    take("patient", item.patient);
    take("owner", item.owner);
    take("coordinator", item.owner);  // what orphans were called by before they were work items
    take("task", item.task);
  }
  return item;
}

store::RecordRow row_of_work_item(std::string_view record_id, std::span<Event const> log) {
  WorkItemState const item = fold_work_item(record_id, log);
  return {.record_id = item.record_id,
          .kind = item.kind,
          .person = item.person,
          .state = item.state,
          .owner = item.is_open() ? item.owner : std::string{},
          .since_ms = item.since,
          .due_ms = item.due,
          .body = log.empty() ? std::string("{}") : to_json(item, log.front()),
          .open = item.is_open()};
}

fhir::Result<std::string> open_work_item(store::Unit& unit, Cause const& cause, Site const& site,
                                         WorkItem const& item) {
  Context context(unit, cause, site);
  std::string const id = work_item_id(item.kind, item.seed);
  FHIR_TRY(auto log, context.log(id));
  if (!log.empty()) {
    WorkItemState const known = fold_work_item(id, log);
    bool const is_news = (known.state == "DISMISSED" && known.subject != item.subject) ||
                         (known.state == "ANSWERED" && item.kind == work::invalid);
    if (!is_news) return id;
  }
  enlist(unit, id);
  Event event = event_of_item(context, item);
  if (item.as_task) {
    FHIR_TRY(auto task, put_task(context, id, item, event.number("due")));
    event.set("task", std::move(task));
  }
  FHIR_CHECK(context.append(id, log, std::move(event)));
  unit.put_record(row_of_work_item(id, log));
  return id;
}

fhir::Result<void> settle_work_item(store::Unit& unit, Cause const& cause, Site const& site,
                                    std::string_view id, Settlement const& settlement) {
  Context context(unit, cause, site);
  FHIR_TRY(auto log, context.log(std::string(id)));
  if (log.empty() || !is_work_item(id))
    return fhir::error(fhir::IssueType::not_found, "no work item has this id");
  WorkItemState const item = fold_work_item(id, log);
  if (!item.is_open())
    return fhir::error(fhir::IssueType::conflict, "the work item is settled already: " + item.state);
  if (settlement.reason.empty())
    return fhir::error(fhir::IssueType::required, "a work item is settled with a reason");
  Event event = context.event(settlement.how, settlement.reason);
  event.set("by", settlement.by);
  event.set("target", settlement.target);
  FHIR_CHECK(context.append(std::string(id), log, std::move(event)));
  unit.put_record(row_of_work_item(id, log));
  return end_task(context, item.task, settlement);
}

Cause operator_cause(store::Unit const& unit, std::string_view command, std::string_view by) {
  Cause cause;
  cause.door = Door::gateway;
  cause.origin = "operator";
  cause.actor = by;
  cause.message = command;
  cause.received_ms = unit.now_ms();
  return cause;
}

}  // namespace gateway::record
