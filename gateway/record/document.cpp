// $referral-record, $transition-record and $timeline: the record as resources that any FHIR client can read.
#include "fhir/json/reader.hpp"
#include "gateway/record/codes.hpp"
#include "gateway/record/context.hpp"
#include "gateway/record/observe.hpp"
#include "gateway/record/record.hpp"
#include "gateway/record/referral.hpp"
#include "gateway/record/transition.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::IssueType;
using fhir::json::Element;

/// What both kinds of record say of themselves.
struct Summary {
  std::string record, kind, state, owner, patient, anchor;
  std::int64_t since = 0, due = 0;
  std::vector<std::string> views, flags;
  struct Step {
    std::string state;
    std::int64_t since = 0, seq = 0;
    bool inferred = false;
  };
  std::vector<Step> history;
  struct Told {
    std::int64_t seq = 0;
    std::string before, after;
  };
  std::vector<Told> told;
};

fhir::Result<std::vector<Event>> load_log(store::Snapshot& snapshot, std::string const& record) {
  FHIR_TRY(auto const rows, snapshot.events(record));
  std::vector<Event> log;
  for (auto const& row : rows) {
    FHIR_TRY(Event event, event_of(row.body, row.seq));
    log.push_back(std::move(event));
  }
  if (log.empty())
    return fhir::error(IssueType::not_found, "no referral or transition record belongs to this resource");
  return log;
}

/// Clients that cannot know: what has been superseded in the meantime is said at read time, never stored
/// (section 3).
void add_derived_flags(Summary& summary, std::int64_t now) {
  if (summary.due != 0 && now > summary.due) summary.flags.push_back("overdue");
}

Summary summary_of_referral(std::string const& record, std::vector<Event> const& log, std::int64_t now) {
  std::vector<Applied> applied;
  ReferralState const state = fold_referral(record, log, &applied);
  Summary summary{record,
                  "referral",
                  std::string(to_code(state.state)),
                  state.owner,
                  state.patient,
                  state.service_request,
                  state.since,
                  state.due,
                  state.views,
                  {state.flags.begin(), state.flags.end()},
                  {},
                  {}};
  for (auto const& entry : state.history)
    summary.history.push_back({std::string(to_code(entry.state)), entry.since, entry.seq, entry.inferred});
  for (auto const& each : applied)
    summary.told.push_back({each.seq, std::string(to_code(each.before)), std::string(to_code(each.after))});
  add_derived_flags(summary, now);
  return summary;
}

Summary summary_of_transition(std::string const& record, std::vector<Event> const& log, std::int64_t now) {
  std::vector<StayApplied> applied;
  TransitionState const state = fold_transition(record, log, &applied);
  Summary summary{record,
                  "transition",
                  std::string(to_code(state.stay)),
                  state.owner,
                  state.patient,
                  state.encounter,
                  state.since,
                  state.due,
                  state.views,
                  {state.flags.begin(), state.flags.end()},
                  {},
                  {}};
  if (!state.episode.empty()) summary.views.push_back(state.episode);
  for (auto const& entry : state.history)
    summary.history.push_back({std::string(to_code(entry.stay)), entry.since, entry.seq, entry.inferred});
  for (auto const& each : applied)
    summary.told.push_back({each.seq, std::string(to_code(each.before)), std::string(to_code(each.after))});
  add_derived_flags(summary, now);
  return summary;
}

/// Builds one answer; everything lies in the document's own arena.
class Writer {
 public:
  Writer(store::Snapshot& snapshot, store::AccessPolicy const& policy, std::int64_t now)
      : snapshot_(snapshot), policy_(policy), now_(now), build_(document_.arena) {}

  fhir::Result<fhir::json::Document> record_document(Summary const& summary, std::vector<Event> const& log) {
    Element bundle = begin("document", summary.record);
    Element entries = build_.array();
    Element timeline = build_.array();
    Element joined = build_.array();
    std::vector<Element> resources;
    FHIR_CHECK(collect(summary, joined, resources));
    std::vector<Element> told = provenances(summary, log, timeline);
    push(entries, composition(summary, timeline, joined));
    for (Element const& each : resources) push(entries, each);
    for (Element const& each : told) push(entries, each);
    build_.set(bundle, "entry", entries);
    document_.root = bundle;
    return std::move(document_);
  }

  fhir::Result<fhir::json::Document> timeline_bundle(Summary const& summary, std::vector<Event> const& log) {
    Element bundle = begin("collection", summary.record + "/timeline");
    Element ignored = build_.array();
    Element entries = build_.array();
    for (Element const& each : provenances(summary, log, ignored)) push(entries, each);
    build_.set(bundle, "entry", entries);
    document_.root = bundle;
    return std::move(document_);
  }

 private:
  Element begin(std::string_view type, std::string const& record) {
    Element bundle = build_.object();
    build_.set(bundle, "resourceType", "Bundle");
    build_.set(bundle, "id", derived_id(record, "bundle"));
    Element identifier = build_.object();
    build_.set(identifier, "system", kRecordSystem);
    build_.set(identifier, "value", record);
    build_.set(bundle, "identifier", identifier);
    build_.set(bundle, "type", type);
    build_.set(bundle, "timestamp", instant_of(now_));
    return bundle;
  }

  void push(Element& entries, Element resource) {
    Element entry = build_.object();
    build_.set(entry, "resource", resource);
    build_.push(entries, entry);
  }

  Element extension(std::string_view name, std::string_view member, Element value) {
    Element extension = build_.object();
    build_.set(extension, "url", std::string(kExtensionBase) + std::string(name));
    build_.set(extension, member, value);
    return extension;
  }

  void extend(Element& list, std::string_view name, std::string_view member, std::string_view value) {
    if (!value.empty()) build_.push(list, extension(name, member, build_.text(value)));
  }

  Element composition(Summary const& summary, Element timeline, Element joined) {
    Element composition = build_.object();
    build_.set(composition, "resourceType", "Composition");
    build_.set(composition, "id", derived_id(summary.record, "composition"));
    Element extensions = build_.array();
    extend(extensions, "record-state", "valueCode", summary.state);
    if (!summary.owner.empty())
      build_.push(extensions, extension("record-owner", "valueReference", who(summary.owner)));
    extend(extensions, "record-since", "valueInstant", instant_of(summary.since));
    if (summary.due != 0) extend(extensions, "record-due", "valueInstant", instant_of(summary.due));
    bool const overdue = summary.due != 0 && now_ > summary.due;
    build_.push(extensions, extension("record-overdue", "valueBoolean", Element::of_boolean(overdue)));
    for (auto const& flag : summary.flags) extend(extensions, "record-flag", "valueCode", flag);
    for (auto const& step : summary.history) build_.push(extensions, history_extension(step));
    build_.set(composition, "extension", extensions);
    build_.set(composition, "status", summary.owner.empty() ? "final" : "preliminary");
    bool const referral = summary.kind == "referral";
    build_.set(composition, "type", build_.concept_of(kLoincSystem, referral ? "57133-1" : "18761-7"));
    if (!summary.patient.empty()) build_.set(composition, "subject", build_.reference(summary.patient));
    if (!referral) build_.set(composition, "encounter", build_.reference(summary.anchor));
    build_.set(composition, "date", instant_of(now_));
    Element author = build_.object();
    build_.set(author, "display", "Handoff");
    build_.set(composition, "author", build_.list_of(author));
    build_.set(composition, "title", referral ? "Referral record" : "Transition record");
    Element sections = build_.array();
    add_section(sections, "Resources", "resources", joined);
    add_section(sections, "Timeline", "timeline", timeline);
    build_.set(composition, "section", sections);
    return composition;
  }

  void add_section(Element& sections, std::string_view title, std::string_view code, Element entries) {
    if (entries.empty()) return;
    Element section = build_.object();
    build_.set(section, "title", title);
    build_.set(section, "code", build_.concept_of(kSectionSystem, code));
    build_.set(section, "entry", entries);
    build_.push(sections, section);
  }

  /// One state that the record went through, in order: {state, since, inferred}.
  Element history_extension(Summary::Step const& step) {
    Element parts = build_.array();
    Element state = build_.object();
    build_.set(state, "url", "state");
    build_.set(state, "valueCode", step.state);
    build_.push(parts, state);
    Element since = build_.object();
    build_.set(since, "url", "since");
    build_.set(since, "valueInstant", instant_of(step.since));
    build_.push(parts, since);
    Element inferred = build_.object();
    build_.set(inferred, "url", "inferred");
    build_.set(inferred, "valueBoolean", Element::of_boolean(step.inferred));
    build_.push(parts, inferred);
    Element extension = build_.object();
    build_.set(extension, "url", std::string(kExtensionBase) + "record-history");
    build_.set(extension, "extension", parts);
    return extension;
  }

  Element who(std::string const& name) {
    if (Reference const reference = reference_of(name)) return build_.reference(reference.text());
    Element display = build_.object();
    build_.set(display, "display", name);
    return display;
  }

  /// The joined resources as they are stored, each once, the patient too; what was deleted is left out.
  fhir::Result<void> collect(Summary const& summary, Element& joined, std::vector<Element>& resources) {
    std::vector<std::string> wanted = {summary.anchor};
    for (auto const& view : summary.views)
      if (view != summary.anchor) wanted.push_back(view);
    if (!summary.patient.empty()) wanted.push_back(summary.patient);
    for (auto const& each : wanted) {
      Reference const reference = reference_of(each);
      if (!reference) continue;
      FHIR_TRY(auto const version, snapshot_.find(policy_, reference.type, reference.id));
      if (!version || version->deleted) continue;
      FHIR_TRY(Element const resource, fhir::json::read(version->content, document_.arena));
      resources.push_back(resource);
      build_.push(joined, build_.reference(reference.text()));
    }
    return {};
  }

  std::vector<Element> provenances(Summary const& summary, std::vector<Event> const& log,
                                   Element& references) {
    std::vector<Element> list;
    for (auto const& told : summary.told) {
      auto const event =
          std::find_if(log.begin(), log.end(), [&](Event const& each) { return each.seq == told.seq; });
      if (event == log.end()) continue;
      list.push_back(provenance(summary, *event, told));
      build_.push(references, build_.reference("Provenance/" + std::string(list.back().text_at("id"))));
    }
    return list;
  }

  /// One event of the timeline (section 5), in the order in which it counts.
  Element provenance(Summary const& summary, Event const& event, Summary::Told const& told) {
    Element provenance = build_.object();
    build_.set(provenance, "resourceType", "Provenance");
    build_.set(provenance, "id", derived_id(summary.record, "event", std::to_string(event.seq)));
    Element extensions = build_.array();
    build_.push(extensions, extension("event-seq", "valueInteger",
                                      Element::of_number(document_.arena.copy(std::to_string(event.seq)))));
    if (told.before != told.after || !event.inferred) {
      extend(extensions, "event-state-before", "valueCode", told.before);
      extend(extensions, "event-state-after", "valueCode", told.after);
    }
    build_.push(extensions, extension("event-inferred", "valueBoolean", Element::of_boolean(event.inferred)));
    extend(extensions, "event-source-time", "valueInstant", instant_of(event.source_time));
    extend(extensions, "event-rule", "valueString", event.rule);
    extend(extensions, "event-message", "valueString", event.message);
    extend(extensions, "event-message-id", "valueString", event.message_id);
    for (auto const& loss : event.loss_notes) extend(extensions, "event-loss", "valueString", loss);
    build_.set(provenance, "extension", extensions);
    build_.set(provenance, "target", build_.list_of(build_.reference(summary.anchor)));
    build_.set(provenance, "occurredDateTime", instant_of(event.asserted));
    build_.set(provenance, "recorded", instant_of(event.received));
    build_.set(provenance, "activity", build_.concept_of(kEventSystem, event.type));
    Element agent = build_.object();
    build_.set(agent, "who",
               who(!event.actor.empty()   ? event.actor
                   : event.origin.empty() ? "gateway"
                                          : event.origin));
    build_.set(provenance, "agent", build_.list_of(agent));
    if (!event.payload.empty()) {
      Element entity = build_.object();
      build_.set(entity, "role", "source");
      build_.set(entity, "what", build_.reference(event.payload));
      build_.set(provenance, "entity", build_.list_of(entity));
    }
    return provenance;
  }

  store::Snapshot& snapshot_;
  store::AccessPolicy const& policy_;
  std::int64_t now_;
  fhir::json::Document document_;
  Builder build_;
};

/// The record that the resource is a view of; a record's log is only shown to who may see the resource
/// itself.
fhir::Result<std::string> record_of(store::Snapshot& snapshot, store::AccessPolicy const& policy,
                                    std::string_view type, std::string_view id) {
  FHIR_TRY(auto const version, snapshot.find(policy, type, id));
  if (!version) return fhir::error(IssueType::not_found, "there is no such resource");
  FHIR_TRY(auto const record, snapshot.find_key(kViewSpace, std::string(type) + "/" + std::string(id)));
  if (!record)
    return fhir::error(IssueType::not_found, "no referral or transition record belongs to this resource");
  return *record;
}

Summary summary_of(std::string const& record, std::vector<Event> const& log, std::int64_t now) {
  return record.starts_with("transition/") ? summary_of_transition(record, log, now)
                                           : summary_of_referral(record, log, now);
}

fhir::Result<fhir::json::Document> document_of(store::Snapshot& snapshot, store::AccessPolicy const& policy,
                                               std::string_view type, std::string_view id, std::int64_t now) {
  FHIR_TRY(auto const record, record_of(snapshot, policy, type, id));
  FHIR_TRY(auto const log, load_log(snapshot, record));
  return Writer(snapshot, policy, now).record_document(summary_of(record, log, now), log);
}

}  // namespace

fhir::Result<fhir::json::Document> referral_record(store::Snapshot& snapshot,
                                                   store::AccessPolicy const& policy,
                                                   std::string_view service_request_id, std::int64_t now_ms) {
  return document_of(snapshot, policy, "ServiceRequest", service_request_id, now_ms);
}

fhir::Result<fhir::json::Document> transition_record(store::Snapshot& snapshot,
                                                     store::AccessPolicy const& policy,
                                                     std::string_view encounter_id, std::int64_t now_ms) {
  FHIR_TRY(auto const record, record_of(snapshot, policy, "Encounter", encounter_id));
  if (!record.starts_with("transition/"))
    return fhir::error(IssueType::not_found,
                       "this Encounter is a visit: it belongs to a referral, not to a transition");
  return document_of(snapshot, policy, "Encounter", encounter_id, now_ms);
}

fhir::Result<fhir::json::Document> timeline(store::Snapshot& snapshot, store::AccessPolicy const& policy,
                                            std::string_view resource_type, std::string_view resource_id,
                                            std::int64_t now_ms) {
  FHIR_TRY(auto const record, record_of(snapshot, policy, resource_type, resource_id));
  FHIR_TRY(auto const log, load_log(snapshot, record));
  return Writer(snapshot, policy, now_ms).timeline_bundle(summary_of(record, log, now_ms), log);
}

}  // namespace gateway::record
