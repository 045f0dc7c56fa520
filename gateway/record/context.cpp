#include "gateway/record/context.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/identity/identity.hpp"
#include "gateway/store/hash.hpp"

#include <algorithm>

namespace gateway::record {
namespace {

using fhir::json::Element;

bool concept_has(Element const& item, std::string_view system, std::string_view code) {
  auto const matches = [&](Element const& coding) {
    return coding.text_at("code") == code && (system.empty() || coding.text_at("system") == system);
  };
  Element const* codings = item.find("coding");
  if (codings == nullptr) return matches(item);
  return std::any_of(codings->items().begin(), codings->items().end(), matches);
}

/// What a person or organization is also called: its parts and its identifiers.
constexpr std::string_view kLinks[] = {"organization", "practitioner", "partOf", "providedBy"};

void add_name(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(std::move(name));
}

}  // namespace

Reference reference_of(std::string_view text) {
  if (auto const history = text.find("/_history/"); history != text.npos) text = text.substr(0, history);
  auto const slash = text.rfind('/');
  if (slash == text.npos || slash + 1 == text.size() || text.starts_with('#') || text.starts_with("urn:"))
    return {};
  std::string_view type = text.substr(0, slash);
  if (auto const before = type.rfind('/'); before != type.npos) type = type.substr(before + 1);
  return {std::string(type), std::string(text.substr(slash + 1))};
}

Reference reference_at(Element const* element) {
  return element == nullptr ? Reference{} : reference_of(element->text_at("reference"));
}

bool has_coding(Element const* element, std::string_view system, std::string_view code) {
  if (element == nullptr) return false;
  if (!element->is_array()) return concept_has(*element, system, code);
  return std::any_of(element->items().begin(), element->items().end(),
                     [&](Element const& item) { return concept_has(item, system, code); });
}

bool has_code(Element const* element, std::string_view code) { return has_coding(element, {}, code); }

std::string derived_id(std::string_view record_id, std::string_view role, std::string_view detail) {
  return store::sha256_hex({record_id, "|", role, "|", detail}).substr(0, 32);
}

Context::Context(store::Unit& u, Cause const& c, Site const& s) : unit(u), cause(c), site(s) {}

Calendar Context::calendar() const {
  return {site.utc_offset_minutes, {site.holidays.begin(), site.holidays.end()}};
}

fhir::Result<Element const*> Context::load(Reference const& reference) {
  if (!reference) return nullptr;
  for (auto const& change : unit.changes()) {
    if (!change.changed || change.type != reference.type || change.id != reference.id) continue;
    if (change.after == nullptr) return nullptr;
    // As it stands now: a later write puts another tree there, and leaves this one's parts alone.
    void* place = unit.arena().allocate(sizeof(Element), alignof(Element));
    return new (place) Element(*change.after);
  }
  FHIR_TRY(auto const version, unit.find(reference.type, reference.id));
  if (!version || version->deleted) return nullptr;
  FHIR_TRY(Element const tree, fhir::json::read(version->content, unit.arena()));
  void* place = unit.arena().allocate(sizeof(Element), alignof(Element));
  return new (place) Element(tree);
}

fhir::Result<Element const*> Context::before(store::Unit::Change const& change) {
  if (!change.before || change.before->deleted) return nullptr;
  FHIR_TRY(Element const tree, fhir::json::read(change.before->content, unit.arena()));
  void* place = unit.arena().allocate(sizeof(Element), alignof(Element));
  return new (place) Element(tree);
}

fhir::Result<std::string> Context::version(std::string_view text) {
  Reference const reference = reference_of(text);
  if (!reference) return std::string{};
  FHIR_TRY(auto const version, unit.find(reference.type, reference.id));
  if (!version || version->deleted) return std::string{};
  return reference.text() + "/_history/" + std::to_string(version->version_id);
}

std::string Context::version_before(std::string_view text) {
  Reference const reference = reference_of(text);
  for (store::Unit::Change const& change : unit.changes()) {
    if (change.type != reference.type || change.id != reference.id) continue;
    if (!change.before || change.before->deleted) return {};
    return reference.text() + "/_history/" + std::to_string(change.before->version_id);
  }
  return {};
}

fhir::Result<std::string> Context::source(std::string_view text) {
  Reference const reference = reference_of(text);
  if (!reference) return std::string{};
  FHIR_TRY(auto const version, unit.find(reference.type, reference.id));
  return version ? version->source : std::string{};
}

fhir::Result<std::string> Context::person_of(std::string_view patient) {
  Reference const reference = reference_of(patient);
  if (reference.type != "Patient") return std::string{};
  FHIR_TRY(auto const person, unit.find_key(identity::kPersonSpace, reference.id));
  if (!person) return reference.text();
  return person->starts_with("Person/") ? *person : "Person/" + *person;
}

fhir::Result<std::vector<std::string>> Context::patients_of(std::string const& person) {
  std::vector<std::string> patients;
  if (person.starts_with("Patient/")) return std::vector<std::string>{person};
  std::string const id = reference_of(person).id;
  FHIR_TRY(auto bare, unit.keys_of(identity::kPersonSpace, id));
  FHIR_TRY(auto const full, unit.keys_of(identity::kPersonSpace, person));
  bare.insert(bare.end(), full.begin(), full.end());
  for (auto const& patient : bare) add_name(patients, "Patient/" + patient);
  return patients;
}

fhir::Result<std::vector<std::string>> Context::records_of(std::string const& person) {
  std::vector<std::string> records;
  if (person.empty()) return records;
  FHIR_TRY(auto const patients, patients_of(person));
  for (auto const& patient : patients) {
    FHIR_TRY(auto const keys, unit.keys_of(kPatientSpace, patient));
    for (auto const& key : keys) add_name(records, key);
  }
  return records;
}

fhir::Result<std::optional<std::string>> Context::record_of_view(std::string_view text) {
  Reference const reference = reference_of(text);
  if (!reference) return std::optional<std::string>{};
  return unit.find_key(kViewSpace, reference.text());
}

Party const* Context::party_named(std::string_view name) const {
  auto const found = std::find_if(site.parties.begin(), site.parties.end(),
                                  [&](Party const& each) { return each.name == name; });
  return found == site.parties.end() ? nullptr : &*found;
}

fhir::Result<std::vector<std::string>> Context::names_of(std::string const& text, int depth) {
  if (auto const known = names_.find(text); known != names_.end()) return known->second;
  std::vector<std::string> names;
  Reference const reference = reference_of(text);
  add_name(names, reference.text());
  FHIR_TRY(Element const* resource, load(reference));
  if (resource == nullptr) return names;
  if (Element const* identifiers = resource->find("identifier")) {
    for (Element const& each : identifiers->items())
      add_name(names, std::string(each.text_at("system")) + "|" + std::string(each.text_at("value")));
  }
  if (depth > 0) {
    for (std::string_view link : kLinks) {
      Reference const other = reference_at(resource->find(link));
      if (!other) continue;
      FHIR_TRY(auto const more, names_of(other.text(), depth - 1));
      for (auto const& name : more) add_name(names, name);
    }
  }
  names_[text] = names;
  return names;
}

fhir::Result<bool> Context::serves(Party const& party, std::string const& reference) {
  if (reference.empty()) return false;
  FHIR_TRY(auto const names, names_of(reference, 2));
  return std::any_of(party.serves.begin(), party.serves.end(), [&](std::string const& served) {
    return std::find(names.begin(), names.end(), served) != names.end();
  });
}

fhir::Result<std::vector<Party const*>> Context::parties_of(std::string const& reference) {
  std::vector<Party const*> parties;
  for (Party const& party : site.parties) {
    FHIR_TRY(bool const mine, serves(party, reference));
    if (mine) parties.push_back(&party);
  }
  return parties;
}

Event Context::event(std::string_view type, std::string rule) const {
  Event event;
  event.type = type;
  event.received = cause.received_ms != 0 ? cause.received_ms : unit.now_ms();
  event.source_time = cause.source_ms != 0 ? cause.source_ms : event.received;
  event.asserted = cause.asserted_ms != 0 ? cause.asserted_ms : event.source_time;
  event.actor = cause.actor;
  event.origin = cause.origin;
  event.door = cause.door == Door::v2 ? "v2" : cause.door == Door::fhir ? "fhir" : "gateway";
  event.message = cause.message;
  event.message_id = cause.message_id;
  event.rule = std::move(rule);
  return event;
}

std::string_view Context::fact(std::string_view name) const {
  for (Fact const& each : cause.facts)
    if (each.name == name) return each.value;
  return {};
}

/// CCR (HL7 v2.8 section 11.6.3) is a referral like REF: I16 is new, I17 changes, I18 cancels.
static bool is_collaborative_referral(std::string_view message_type) { return message_type == "CCR"; }

std::string_view Context::message_type() const {
  if (cause.door != Door::v2) return {};
  std::string_view const type = std::string_view(cause.message).substr(0, cause.message.find('^'));
  return is_collaborative_referral(type) ? "REF" : type;
}

std::string_view Context::trigger() const {
  auto const caret = cause.message.find('^');
  if (cause.door != Door::v2 || caret == std::string::npos) return {};
  std::string_view const rest = std::string_view(cause.message).substr(caret + 1);
  std::string_view const trigger = rest.substr(0, rest.find('^'));
  if (!is_collaborative_referral(std::string_view(cause.message).substr(0, caret))) return trigger;
  if (trigger == "I17") return "I13";
  return trigger == "I18" ? "I14" : "I12";
}

fhir::Result<std::vector<Event>> Context::log(std::string const& record_id) {
  FHIR_TRY(auto const rows, unit.events(record_id));
  std::vector<Event> events;
  for (auto const& row : rows) {
    FHIR_TRY(Event event, event_of(row.body, row.seq));
    events.push_back(std::move(event));
  }
  return events;
}

fhir::Result<void> Context::append(std::string const& record_id, std::vector<Event>& log, Event event) {
  FHIR_TRY(auto const row, unit.add_event(record_id, to_json(event)));
  event.seq = row.seq;
  log.push_back(std::move(event));
  return {};
}

Element Builder::coding(std::string_view system, std::string_view code) const {
  Element coding = object();
  set(coding, "system", system);
  set(coding, "code", code);
  return coding;
}

Element Builder::concept_of(std::string_view system, std::string_view code) const {
  Element item = object();
  set(item, "coding", list_of(coding(system, code)));
  return item;
}

Element Builder::reference(std::string_view to) const {
  Element item = object();
  set(item, "reference", to);
  return item;
}

Element Builder::list_of(Element item) const {
  Element list = array();
  push(list, item);
  return list;
}

}  // namespace gateway::record
