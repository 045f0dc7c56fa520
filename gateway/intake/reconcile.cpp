#include "gateway/intake/reconcile.hpp"

#include "fhir/date_time.hpp"
#include "fhir/json/reader.hpp"
#include "gateway/identity/ids.hpp"
#include "gateway/identity/told.hpp"
#include "gateway/intake/identity_acts.hpp"
#include "gateway/intake/source_order.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace gateway::intake {

namespace {

using fhir::json::Element;
using mappings::language::Draft;
using mappings::language::DraftResource;

// Key spaces of the store.
constexpr std::string_view kPlacerSpace =
    "placer";  // "system|value" -> ServiceRequest id, told by its placer
constexpr std::string_view kPlacerViewSpace =
    "placer-view";  // the same, told by somebody else before the placer did
constexpr std::string_view kFulfilmentSpace = "fulfilment";  // ServiceRequest id -> fulfilment Task id

/// Messages by which the party that asks for something says so; all others speak of what somebody asked for.
bool is_from_placer(Draft const& draft) {
  return draft.message_code == "REF" || draft.message_code == "OMG" || draft.message_code == "ORM" ||
         draft.message_code == "OML";
}

bool is_at(Element const& entry, std::string_view status) { return entry.text_at("status") == status; }

/// The entries of Encounter.location in that status, in their order.
std::vector<Element> locations_at(Element const& encounter, std::string_view status) {
  std::vector<Element> found;
  Element const* const entries = encounter.find("location");
  if (entries == nullptr) return found;
  for (Element const& entry : entries->items())
    if (is_at(entry, status)) found.push_back(entry);
  return found;
}

std::string_view place_of(Element const& entry) { return entry.text_of("location", "reference"); }

bool has_place(std::vector<Element> const& entries, std::string_view place) {
  return std::ranges::any_of(entries, [&](Element const& entry) { return place_of(entry) == place; });
}

/// The entry in another status, with one bound of its period: "" takes that bound away.
Element with_status(fhir::json::Arena& arena, Element const& entry, std::string_view status,
                    std::string_view bound, std::string_view at) {
  Element changed = fhir::json::deep_copy(arena, entry);
  changed.set(arena, "status", Element::of_string(status));
  if (!at.empty()) {
    changed.set(arena, "period").set(arena, bound, Element::of_string(arena.copy(at)));
  } else if (Element* const period = changed.find("period")) {
    period->remove(bound);
    if (period->members().empty()) changed.remove("period");
  }
  return changed;
}

/// What the record did to a Task since is not undone by a message that says when it was changed before.
void keep_last_modified(Element& merged, Element const& current) {
  constexpr std::string_view kName = "lastModified";
  auto const told = fhir::parse_date_time(merged.text_at(kName));
  auto const known = fhir::parse_date_time(current.text_at(kName));
  if (told && known && fhir::begin_ms(*told) < fhir::begin_ms(*known))
    *merged.find(kName) = *current.find(kName);
}

bool is_one_of(std::string_view trigger, std::string_view triggers) {
  return trigger.size() == 3 && triggers.find(trigger) != std::string_view::npos;
}

/// Where a patient was is never overwritten: a transfer (or a departure, an arrival, a swap) closes the place
/// it leaves and adds the new one, newest first; its cancellation (A12) takes the new one out and opens the
/// old one again, also where it does not name it; any other message may correct the present place, but no
/// past one. `told` is what the message itself says of the visit.
void keep_locations(Element& merged, Element const& current, Element const& told, Draft const& draft,
                    fhir::json::Arena& arena) {
  auto present = locations_at(merged, "active");
  auto const was = locations_at(current, "active");
  // Where nobody is any more, or was: the message has ended the last place, or opened it again.
  auto past = locations_at(present.empty() || was.empty() ? merged : current, "completed");
  std::string_view at = draft.fact("event.occurred");
  if (at.empty()) at = draft.fact("event.recorded");
  bool const moved = !present.empty() && !was.empty() && place_of(present.front()) != place_of(was.front());
  if (moved && is_one_of(draft.trigger_event, "A02 A09 A10 A17")) {
    past.insert(past.begin(), with_status(arena, was.front(), "completed", "end", at));
    Element here = present.front();
    here.remove("period");  // it was the other place's
    present = {with_status(arena, here, "active", "start", at)};
  } else if (is_one_of(draft.trigger_event, "A12 A32 A33") && !present.empty() && !past.empty() &&
             (moved ? place_of(past.front()) == place_of(present.front())
                    : locations_at(told, "active").empty())) {
    present = {with_status(arena, past.front(), "active", "end", {})};
    past.erase(past.begin());
  }
  // A prior place that only the message knows of (PV1-6).
  for (Element const& prior : locations_at(merged, "completed"))
    if (!has_place(past, place_of(prior)) && !has_place(present, place_of(prior))) past.push_back(prior);
  Element all = Element::of_array();
  for (auto const* const list : {&present, &past})
    for (Element const& entry : *list) all.push(arena, entry);
  if (Element const* const entries = merged.find("location")) {
    for (Element const& entry : entries->items())
      if (!is_at(entry, "active") && !is_at(entry, "completed")) all.push(arena, entry);
  }
  if (!all.empty()) merged.set(arena, "location", all);
}

class Reconciler {
 public:
  Reconciler(store::Unit& unit, Draft const& draft, KnownPartner const& partner, Partners const& partners)
      : unit_(unit),
        draft_(draft),
        partner_(partner),
        partners_(partners),
        order_(unit, draft, partner.settings.name),
        targets_(draft.resources.size()) {}

  fhir::Result<Reconciled> run() {
    IdentityActs acts(unit_, draft_, source(), partners_.trust());
    FHIR_CHECK(acts.before_targets());
    FHIR_CHECK(find_targets());
    FHIR_CHECK(find_order());
    FHIR_CHECK(put_all("Patient"));
    FHIR_CHECK(acts.with_patients());
    FHIR_CHECK(identity::link_patients(unit_, partners_.trust()));
    FHIR_CHECK(acts.with_persons());
    FHIR_CHECK(find_foreign_requests());
    FHIR_CHECK(put_all(""));
    FHIR_CHECK(register_keys(unit_, is_from_placer(draft_)));
    return report();
  }

  /// See retranslate().
  fhir::Result<Reconciled> run_over(Draft const& before) {
    FHIR_CHECK(find_targets());
    FHIR_CHECK(find_foreign_requests());
    auto const all = references();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (targets_[i].is_foreign) continue;
      DraftResource const& after = draft_.resources[i];
      auto const same = std::ranges::find_if(before.resources, [&](DraftResource const& one) {
        return one.type == after.type && one.role == after.role && one.instance == after.instance &&
               one.key == after.key;
      });
      if (same == before.resources.end()) {
        FHIR_CHECK(put(i, all));
      } else {
        FHIR_CHECK(patch(i, same->content, all));
      }
    }
    FHIR_CHECK(register_keys(unit_, is_from_placer(draft_)));
    return report();
  }

 private:
  fhir::Result<void> patch(std::size_t index, Element const& was, std::vector<std::string> const& all) {
    Element const& is = draft_.resources[index].content;
    if (was == is) return {};
    Target& target = targets_[index];
    FHIR_TRY(target.current, unit_.find(draft_.resources[index].type, target.id));
    if (!target.current || target.current->deleted) return {};
    auto& arena = unit_.arena();
    FHIR_TRY(Element stored, fhir::json::read(target.current->content, arena));
    bool changed = false;
    for (auto const& member : is.members()) {
      Element const* const then = was.find(member.name);
      if (then != nullptr && *then == member.value) continue;
      Element const now = resolved(member.value, all);
      if (then == nullptr) {
        if (stored.find(member.name) == nullptr) {
          stored.set(arena, member.name, now);
          changed = true;
        }
        continue;
      }
      Element* const standing = stored.find(member.name);
      if (standing != nullptr) changed = replace(*standing, resolved(*then, all), now) || changed;
    }
    for (auto const& member : was.members()) {
      Element const* const standing = stored.find(member.name);
      if (is.find(member.name) != nullptr || standing == nullptr) continue;
      if (!(*standing == resolved(member.value, all))) continue;
      stored.remove(member.name);
      changed = true;
    }
    if (!changed) return {};
    FHIR_CHECK(unit_.put(stored, target.current->source, "PUT"));
    return {};
  }

  /// The whole element where it is what was given, else those items of an array that are.
  static bool replace(Element& standing, Element const& then, Element const& now) {
    if (standing == then) {
      standing = now;
      return true;
    }
    if (!standing.is_array() || then.size() != now.size()) return false;
    bool changed = false;
    for (std::size_t i = 0; i < then.size(); ++i) {
      if (then.items()[i] == now.items()[i]) continue;
      auto const items = standing.items();
      auto const found =
          std::ranges::find_if(items, [&](Element const& one) { return one == then.items()[i]; });
      if (found == items.end()) continue;
      *found = now.items()[i];
      changed = true;
    }
    return changed;
  }

  Element resolved(Element const& value, std::vector<std::string> const& all) {
    Element copy = fhir::json::deep_copy(unit_.arena(), value);
    mappings::language::resolve_references(copy, all, unit_.arena());
    return copy;
  }

  struct Target {
    std::string id;
    std::optional<store::Version> current;
    std::string source;              ///< Whose the resource is.
    bool is_foreign = false;         ///< Recognised, never written.
    std::string retired_value;       ///< An identifier ("system|value") that an alias put out of use.
    mappings::language::Late place;  ///< Whether the message is older than what the source said since.
    bool done = false;
  };

  std::string const& source() const { return partner_.settings.name; }

  fhir::Result<void> find_targets() {
    std::map<std::size_t, std::string> renamed;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      DraftResource const& resource = draft_.resources[i];
      Target& target = targets_[i];
      target.source = source();
      std::string const number = number_of(resource);
      if (number.empty()) continue;
      std::string const name = identity::alias_name(resource.type, number);
      FHIR_TRY(auto const found, identity::resolve(unit_, source(), name));
      if (found.name != name) target.retired_value = number;
      FHIR_TRY(target.id, identity::id_of(unit_, source(), resource.type, number));
      FHIR_TRY(auto const first, identity::first_name(unit_, source(), resource.type, number));
      if (first != name) renamed[i] = resource.type == "Patient" ? "Patient|" + first : first;
    }
    std::vector<std::string> keys;
    if (!renamed.empty())
      keys = mappings::language::keys_when_renamed(draft_, partner_.profile.name, renamed);
    FHIR_TRY(bool const shared, share_patients());
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (!targets_[i].id.empty()) continue;
      std::string const own = identity::derived_id(source(), draft_.resources[i].key);
      targets_[i].id = keys.empty() ? own : identity::derived_id(source(), keys[i]);
      if (shared) FHIR_CHECK(find_standing(i, own));
    }
    return {};
  }

  /// Whether a Patient of the message is, or was, told of under several numbers.
  fhir::Result<bool> share_patients() {
    bool any = false;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (draft_.resources[i].type != "Patient" || targets_[i].id.empty()) continue;
      FHIR_TRY(bool const shared, identity::is_shared(unit_, targets_[i].id));
      if (!shared && !targets_[i].retired_value.empty()) identity::share(unit_, targets_[i].id);
      any = any || shared || !targets_[i].retired_value.empty();
    }
    return any;
  }

  /// What has no number of its own, of a patient with several: what the surviving number calls it, else what
  /// this message's number called it before the merge. `own`: the id that follows from that number.
  fhir::Result<void> find_standing(std::size_t index, std::string const& own) {
    std::string const type(draft_.resources[index].type);
    std::string const number = number_of(draft_.resources[patient_beside(index)]);
    if (number.empty() || !number_of(draft_.resources[index]).empty()) return {};
    FHIR_TRY(std::string id, identity::standing_id(unit_, type, targets_[index].id));
    FHIR_TRY(auto const survivors, unit_.find(type, id));
    if (!survivors || survivors->deleted) {
      FHIR_TRY(std::string const before, identity::standing_id(unit_, type, own));
      FHIR_TRY(auto const known, unit_.find(type, before));
      if (known && !known->deleted && known->source == source()) id = before;
    }
    targets_[index].id = id;
    return identity::note(unit_, {number, type + "/" + own, type + "/" + id});
  }

  /// The Patient that a resource of the draft is about, the first one where it does not say.
  std::size_t patient_beside(std::size_t index) const {
    std::size_t first = index;
    for (std::size_t i = draft_.resources.size(); i-- > 0;) {
      if (draft_.resources[i].type != "Patient") continue;
      first = i;
      for (std::string_view const member : {"subject", "patient", "beneficiary"})
        if (draft_.resources[index].content.text_of(member, "reference") == "~" + std::to_string(i)) return i;
    }
    return first;
  }

  /// Whether this message is older than what the source said since.
  fhir::Result<void> find_order() {
    std::optional<mappings::language::Late> of_message;
    for (std::string_view const type : {"Patient", "Encounter"}) {
      for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (draft_.resources[i].type != type) continue;
        FHIR_TRY(auto const known, unit_.find(type, targets_[i].id));
        FHIR_TRY(targets_[i].place, order_.place(type, targets_[i].id, known && !known->deleted));
        of_message = targets_[i].place;
      }
    }
    if (!of_message || draft_.message_code != "ADT") return {};
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      std::string_view const type = draft_.resources[i].type;
      if (type != "Patient" && type != "Encounter") targets_[i].place = *of_message;
    }
    return {};
  }

  /// The ServiceRequests of the draft that stand for another party's, and the Tasks that go with them.
  fhir::Result<void> find_foreign_requests() {
    for (std::size_t i = 0; i < draft_.resources.size(); ++i) {
      DraftResource const& resource = draft_.resources[i];
      if (resource.type == "ServiceRequest") FHIR_CHECK(recognise_request(i));
    }
    for (std::size_t i = 0; i < draft_.resources.size(); ++i) {
      if (draft_.resources[i].type == "Task") FHIR_CHECK(recognise_task(i));
    }
    return {};
  }

  fhir::Result<void> recognise_request(std::size_t index) {
    Target& target = targets_[index];
    if (is_from_placer(draft_)) return {};  // its own request, whoever else uses that number
    FHIR_TRY(auto const own, unit_.find("ServiceRequest", target.id));
    for (std::string const& identifier : draft_.resources[index].identifiers) {
      FHIR_TRY(auto found, unit_.find_key(kPlacerSpace, identifier));
      if (!found && !own) {  // until the placer speaks, what was told before stays what it is
        FHIR_TRY(found, unit_.find_key(kPlacerViewSpace, identifier));
      }
      if (!found || *found == target.id) continue;
      FHIR_TRY(auto version, unit_.find("ServiceRequest", *found));
      if (!version || version->deleted) continue;
      FHIR_TRY(bool const same_person, speaks_of_same_person(index, *version));
      if (!same_person) continue;  // an order number alone never links across persons
      target.id = *found;
      target.source = version->source;
      target.is_foreign = version->source != source();
      return {};
    }
    return {};
  }

  /// Whether the subject of that ServiceRequest is the person this draft's ServiceRequest is about.
  fhir::Result<bool> speaks_of_same_person(std::size_t index, store::Version const& version) {
    FHIR_TRY(Element const request, fhir::json::read(version.content, unit_.arena()));
    std::string_view const theirs = request.text_of("subject", "reference");
    auto const mine = patient_id_of(draft_.resources[index]);
    constexpr std::string_view kPrefix = "Patient/";
    if (!mine || !theirs.starts_with(kPrefix)) return false;
    FHIR_TRY(auto const person, identity::person_of(unit_, *mine));
    FHIR_TRY(auto const other, identity::person_of(unit_, theirs.substr(kPrefix.size())));
    return person && other && *person == *other;
  }

  /// The Patient that a draft's subject names, by its position in the draft ("~0").
  std::optional<std::string> patient_id_of(DraftResource const& resource) const {
    DraftResource const* const subject = find_draft(resource.content.text_of("subject", "reference"));
    if (subject == nullptr) return std::nullopt;
    return targets_[static_cast<std::size_t>(subject - draft_.resources.data())].id;
  }

  fhir::Result<void> recognise_task(std::size_t index) {
    DraftResource const* const focus =
        find_draft(draft_.resources[index].content.text_of("focus", "reference"));
    if (focus == nullptr || focus->type != "ServiceRequest") return {};
    std::string const& request = targets_[static_cast<std::size_t>(focus - draft_.resources.data())].id;
    FHIR_TRY(auto const task, unit_.find_key(kFulfilmentSpace, request));
    if (!task) return {};
    FHIR_TRY(auto const version, unit_.find("Task", *task));
    if (!version || version->deleted) return {};
    targets_[index].id = *task;
    targets_[index].source = version->source;  // shared: both sides act on it, its maker stays its source
    return {};
  }

  std::vector<std::string> references() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      all.push_back(std::string(draft_.resources[i].type) + "/" + targets_[i].id);
    }
    return all;
  }

  /// Puts all resources of that type ("" for all that are left).
  fhir::Result<void> put_all(std::string_view type) {
    auto const all = references();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (targets_[i].done || targets_[i].is_foreign || (!type.empty() && draft_.resources[i].type != type))
        continue;
      targets_[i].done = true;
      FHIR_CHECK(put(i, all));
    }
    return {};
  }

  fhir::Result<void> put(std::size_t index, std::vector<std::string> const& all) {
    DraftResource const& resource = draft_.resources[index];
    // A query and the errors of an answer are of the exchange: the journal keeps them, the store does not.
    if (resource.type == "Parameters" || resource.type == "OperationOutcome") return {};
    Target& target = targets_[index];
    auto& arena = unit_.arena();
    FHIR_TRY(target.current, unit_.find(resource.type, target.id));
    std::optional<Element> current;
    if (target.current && !target.current->deleted) {
      FHIR_TRY(current, fhir::json::read(target.current->content, arena));
      if (target.retired_value.empty() &&
          mappings::language::says_nothing_new(draft_, index, *current, arena, all, target.place))
        return {};
    }
    Element merged =
        mappings::language::apply(draft_, index, current ? &*current : nullptr, arena, all, target.place);
    if (resource.type == "Encounter" && (!current || merged.text_at("status") != current->text_at("status")))
      order_.note_status(resource.type, target.id);
    if (current && resource.type == "Task" && target.source != source())
      keep_placers_fields(merged, *current, arena);
    if (resource.type == "Task" && target.source == source()) name_owner(resource, merged, arena);
    mappings::language::resolve_references(merged, all, arena);
    if (resource.type == "Encounter")
      keep_locations(merged, current ? *current : Element::of_object(), resource.content, draft_, arena);
    if (current && resource.type == "Task") keep_last_modified(merged, *current);
    merged.set(arena, "id", Element::of_string(arena.copy(target.id)));
    if (!target.retired_value.empty()) drop_identifier(merged, target.retired_value);
    FHIR_CHECK(unit_.put(merged, target.source, current ? "PUT" : "POST"));
    return {};
  }

  /// The draft resource behind "~3", nullptr for any other reference.
  DraftResource const* find_draft(std::string_view reference) const {
    for (std::size_t i = 0; i < draft_.resources.size(); ++i) {
      if (reference == "~" + std::to_string(i)) return &draft_.resources[i];
    }
    return nullptr;
  }

  /// A provider that a message names (a PractitionerRole, its Practitioner or Organization) is, where the
  /// site knows who serves its number, that organization: its own EHR looks for its Tasks under this name.
  std::string served_organization(DraftResource const* provider) const {
    if (provider == nullptr) return {};
    for (std::string const& identifier : provider->identifiers) {
      if (auto organization = partners_.organization_serving(identifier); !organization.empty())
        return organization;
    }
    for (std::string_view link : {"practitioner", "organization"}) {
      auto organization = served_organization(find_draft(provider->content.text_of(link, "reference")));
      if (!organization.empty()) return organization;
    }
    return {};
  }

  void name_owner(DraftResource const& task, Element& merged, fhir::json::Arena& arena) const {
    auto const organization = served_organization(find_draft(task.content.text_of("owner", "reference")));
    if (organization.empty()) return;
    Element owner = Element::of_object();
    owner.set(arena, "reference", Element::of_string(arena.copy(organization)));
    merged.set(arena, "owner", owner);
  }

  /// A fulfilment Task that another party made: only what belongs to the filler is this message's to say
  /// (record.md 4).
  static void keep_placers_fields(Element& merged, Element const& current, fhir::json::Arena& arena) {
    static constexpr std::string_view kFillers[] = {"identifier", "lastModified", "note", "statusReason",
                                                    "output"};
    Element task = Element::of_object();
    for (auto const& member : current.members()) {
      if (std::ranges::find(kFillers, member.name) == std::end(kFillers))
        task.set(arena, member.name, member.value);
    }
    for (std::string_view name : kFillers) {
      if (Element const* const told = merged.find(name)) task.set(arena, name, *told);
    }
    merged = task;
  }

  void drop_identifier(Element& patient, std::string_view system_and_value) const {
    Element* const identifiers = patient.find("identifier");
    if (identifiers == nullptr) return;
    for (std::size_t i = identifiers->size(); i-- > 0;) {
      Element const& one = identifiers->items()[i];
      std::string_view const system = one.text_at("system");
      std::string const number = (system.empty() ? "urn:site:" + source() : std::string(system)) + "|";
      if (number + std::string(one.text_at("value")) == system_and_value) identifiers->remove_item(i);
    }
    if (identifiers->empty()) patient.remove("identifier");
  }

  Reconciled report() const {
    Reconciled done;
    done.references = references();
    // What a reply starts from, by what the message is about: the referral before the visit before the
    // patient.
    static constexpr std::string_view kAnchorRoles[] = {"appt",  "report",   "document", "ref",
                                                        "order", "dispense", "given",    "vaccination",
                                                        "rx",    "visit",    "patient"};
    for (std::string_view role : kAnchorRoles) {
      for (std::size_t i = 0; i < targets_.size() && done.complement_anchor.empty(); ++i) {
        if (draft_.resources[i].role == role) done.complement_anchor = done.references[i];
      }
    }
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (draft_.resources[i].type == "Patient") done.patients.push_back(done.references[i]);
      bool const is_shared_task = draft_.resources[i].type == "Task" && targets_[i].source != source();
      if (targets_[i].is_foreign || is_shared_task) done.anchors.push_back(done.references[i]);
    }
    return done;
  }

  store::Unit& unit_;
  Draft const& draft_;
  KnownPartner const& partner_;
  Partners const& partners_;
  SourceOrder order_;
  std::vector<Target> targets_;
};

bool has_code(Element const& concept_list, std::string_view code) {
  Element const* const codings = concept_list.find("coding");
  return codings != nullptr && std::ranges::any_of(codings->items(), [&](Element const& coding) {
           return coding.text_at("code") == code;
         });
}

/// A placer's own id for its request: the identifiers of type PLAC, or all that have no type.
bool is_placer_identifier(Element const& identifier) {
  Element const* const type = identifier.find("type");
  return type == nullptr || has_code(*type, "PLAC");
}

fhir::Result<void> register_request(store::Unit& unit, Element const& request, std::string const& id,
                                    std::string_view space) {
  Element const* const identifiers = request.find("identifier");
  if (identifiers == nullptr) return {};
  for (Element const& identifier : identifiers->items()) {
    std::string_view const value = identifier.text_at("value");
    if (value.empty() || !is_placer_identifier(identifier)) continue;
    std::string const key = std::string(identifier.text_at("system")) + "|" + std::string(value);
    FHIR_TRY(auto const known, unit.find_key(space, key));
    if (!known) unit.put_key(space, key, id);  // the first keeps it; a second is a duplicate to be flagged
  }
  return {};
}

void register_task(store::Unit& unit, Element const& task, std::string const& id) {
  constexpr std::string_view kPrefix = "ServiceRequest/";
  std::string_view focus = task.text_of("focus", "reference");
  if (!focus.starts_with(kPrefix)) return;
  focus.remove_prefix(kPrefix.size());
  unit.put_key(kFulfilmentSpace, focus.substr(0, focus.find('/')), id);
}

}  // namespace

fhir::Result<Reconciled> reconcile(store::Unit& unit, Draft const& draft, KnownPartner const& partner,
                                   Partners const& partners) {
  return Reconciler(unit, draft, partner, partners).run();
}

fhir::Result<Reconciled> retranslate(store::Unit& unit, Draft const& before, Draft const& after,
                                     KnownPartner const& partner, Partners const& partners) {
  return Reconciler(unit, after, partner, partners).run_over(before);
}

fhir::Result<void> register_keys(store::Unit& unit, bool is_placer) {
  auto const changes = unit.changes();
  for (store::Unit::Change const& change : changes) {
    if (!change.changed || change.after == nullptr || change.source == "gateway") continue;
    if (change.type == "ServiceRequest") {
      FHIR_CHECK(
          register_request(unit, *change.after, change.id, is_placer ? kPlacerSpace : kPlacerViewSpace));
    }
    if (change.type == "Task") register_task(unit, *change.after, change.id);
  }
  return {};
}

}  // namespace gateway::intake
