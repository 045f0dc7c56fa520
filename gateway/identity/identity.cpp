#include "gateway/identity/identity.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/search/values.hpp"
#include "gateway/identity/ids.hpp"

#include <algorithm>
#include <set>

namespace gateway::identity {

namespace {

using fhir::json::Element;

constexpr std::string_view kSource = "gateway";
constexpr std::string_view kEvidenceSpace = "person-evidence";

// http://hl7.org/fhir/R4/valueset-identity-assuranceLevel.html
constexpr std::string_view kByIdentifier = "level3";
constexpr int kAliasStepsMax =
    8;  // aliases are compressed on write; more than one step means a concurrent merge

/// Case and accents folded, spaces and punctuation dropped: "O'Brien-Lee" and "OBRIEN LEE" are one.
std::string folded(std::string_view text) {
  std::string all = fhir::search::normalise(text);
  std::erase_if(all, [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte < 0x80 && !(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9');
  });
  return all;
}

bool contains(std::vector<std::string> const& list, std::string_view value) {
  return std::ranges::find(list, value) != list.end();
}

bool is_own_system_of_any(Trust const& trust, std::string_view system) {
  return std::ranges::any_of(trust.sources,
                             [&](SourceTrust const& source) { return contains(source.own_systems, system); });
}

SourceTrust const* find_source(Trust const& trust, std::string_view source) {
  auto const found = std::ranges::find(trust.sources, source, &SourceTrust::source);
  return found == trust.sources.end() ? nullptr : &*found;
}

/// Every "family|given|birth date" the Patient goes by; none while a part is missing: absence is not
/// agreement.
std::vector<std::string> names_with_birth_date(Element const& patient) {
  std::vector<std::string> all;
  std::string_view const birth_date = patient.text_at("birthDate");
  Element const* const names = patient.find("name");
  if (birth_date.size() != 10 || names == nullptr) return all;  // a full date; a year alone proves little
  for (Element const& name : names->items()) {
    std::string const family = folded(name.text_at("family"));
    std::string const given = folded(name.text_of("given", 0));
    if (!family.empty() && !given.empty())
      all.push_back(family + "|" + given + "|" + std::string(birth_date));
  }
  return all;
}

/// The keys under which this Patient may be found to be the same person as another one. See identity.hpp.
std::set<std::string> evidence_of(Element const& patient, std::string_view source, Trust const& trust) {
  std::set<std::string> evidence;
  Element const* const identifiers = patient.find("identifier");
  if (identifiers == nullptr) return evidence;
  SourceTrust const* const speaker = find_source(trust, source);
  auto const names = names_with_birth_date(patient);
  for (Element const& identifier : identifiers->items()) {
    std::string_view const system = identifier.text_at("system");
    std::string_view const value = identifier.text_at("value");
    if (system.empty() || value.empty()) continue;
    std::string const id = std::string(system) + "|" + std::string(value);
    bool const own = speaker != nullptr && contains(speaker->own_systems, system);
    bool const trusted = speaker != nullptr && contains(speaker->trusted_systems, system);
    if (own) evidence.insert("own|" + id);
    if (own || trusted || is_own_system_of_any(trust, system)) {
      for (std::string const& name : names) evidence.insert("named|" + id + "|" + name);
    }
  }
  return evidence;
}

fhir::Result<std::optional<fhir::json::Document>> parsed(std::optional<store::Version> const& version) {
  if (!version || version->deleted) return std::optional<fhir::json::Document>{};
  FHIR_TRY(auto document, fhir::json::read_document(version->content));
  return std::optional<fhir::json::Document>(std::move(document));
}

std::string person_id_for(std::string_view patient_id) { return derived_id("Person", patient_id); }

/// Writes the Person anew from the keys that point at it: nothing about a person is kept that cannot be
/// derived.
fhir::Result<void> write_person(store::Unit& unit, std::string const& person_id,
                                std::vector<std::string> const& patients) {
  auto& arena = unit.arena();
  Element person = Element::of_object();
  person.set(arena, "resourceType", Element::of_string("Person"));
  person.set(arena, "id", Element::of_string(arena.copy(person_id)));
  person.set(arena, "active", Element::of_boolean(!patients.empty()));
  if (!patients.empty()) {
    Element& links = person.set(arena, "link");
    for (std::string const& patient : patients) {
      Element& link = links.push(arena);
      link.set(arena, "target").set(arena, "reference", Element::of_string(arena.copy("Patient/" + patient)));
      link.set(arena, "assurance", Element::of_string(kByIdentifier));
    }
  }
  FHIR_TRY([[maybe_unused]] auto const written, unit.put(person, kSource, "PUT"));
  return {};
}

struct PatientEvidence {
  std::string patient_id;
  std::set<std::string> evidence;
};

/// The Patients of a person other than one, with the evidence each brings.
fhir::Result<std::vector<PatientEvidence>> others_with_evidence(store::Unit& unit,
                                                                std::string const& person_id,
                                                                std::string_view except, Trust const& trust) {
  std::vector<PatientEvidence> all;
  FHIR_TRY(auto const patients, unit.keys_of(kPersonSpace, person_id));
  for (std::string const& id : patients) {
    if (id == except) continue;
    FHIR_TRY(auto const version, unit.find("Patient", id));
    FHIR_TRY(auto document, parsed(version));
    all.push_back(
        {id, document ? evidence_of(document->root, version->source, trust) : std::set<std::string>{}});
  }
  return all;
}

bool share_any(std::set<std::string> const& left, std::set<std::string> const& right) {
  return std::ranges::any_of(left, [&](std::string const& key) { return right.contains(key); });
}

/// Moves every Patient and every piece of evidence from one person to another; the emptied Person stays,
/// inactive.
fhir::Result<void> join_persons(store::Unit& unit, std::string const& from, std::string const& into) {
  FHIR_TRY(auto const patients, unit.keys_of(kPersonSpace, from));
  for (std::string const& patient : patients) unit.put_key(kPersonSpace, patient, into);
  FHIR_TRY(auto const evidence, unit.keys_of(kEvidenceSpace, from));
  for (std::string const& key : evidence) unit.put_key(kEvidenceSpace, key, into);
  FHIR_CHECK(write_person(unit, from, {}));
  FHIR_TRY(auto const all, unit.keys_of(kPersonSpace, into));
  return write_person(unit, into, all);
}

/// Whether a merge or a client tied this Patient to another one by Patient.link; such a tie outlives any
/// identifier.
bool is_linked_explicitly(Element const& patient) { return patient.find("link") != nullptr; }

bool is_brought(std::vector<PatientEvidence> const& others, std::string const& key) {
  return std::ranges::any_of(others,
                             [&](PatientEvidence const& other) { return other.evidence.contains(key); });
}

/// Takes the Patient out of the person and its evidence with it, unless another Patient there brings the
/// same.
fhir::Result<void> leave_person(store::Unit& unit, std::string const& person_id,
                                std::string const& patient_id, std::set<std::string> const& holds,
                                std::vector<PatientEvidence> const& others) {
  unit.remove_key(kPersonSpace, patient_id);
  for (std::string const& key : holds) {
    if (!is_brought(others, key)) unit.remove_key(kEvidenceSpace, key);
  }
  FHIR_TRY(auto const rest, unit.keys_of(kPersonSpace, person_id));
  return write_person(unit, person_id, rest);
}

fhir::Result<void> link_patient(store::Unit& unit, store::Unit::Change const& change, Trust const& trust) {
  FHIR_TRY(auto const before, parsed(change.before));
  auto const held =
      before ? evidence_of(before->root, change.before->source, trust) : std::set<std::string>{};
  auto const holds = evidence_of(*change.after, change.source, trust);
  FHIR_TRY(auto person, unit.find_key(kPersonSpace, change.id));
  if (person && held == holds) return {};

  std::vector<PatientEvidence> others;
  std::string left;  // the person it was wrongly taken for until now
  if (person) {
    FHIR_TRY(others, others_with_evidence(unit, *person, change.id, trust));
    for (std::string const& key : held) {
      if (!holds.contains(key) && !is_brought(others, key)) unit.remove_key(kEvidenceSpace, key);
    }
    bool const still_belongs = others.empty() || is_linked_explicitly(*change.after) ||
                               std::ranges::any_of(others, [&](PatientEvidence const& other) {
                                 return share_any(other.evidence, holds);
                               });
    if (!still_belongs) {
      FHIR_CHECK(leave_person(unit, *person, change.id, holds, others));
      left = *person;
      person.reset();
    }
  }

  std::set<std::string> matches;
  for (std::string const& key : holds) {
    FHIR_TRY(auto const found, unit.find_key(kEvidenceSpace, key));
    if (found) matches.insert(*found);
  }
  std::string into = person ? *person : !matches.empty() ? *matches.begin() : person_id_for(change.id);
  if (into == left)
    into = person_id_for(change.id + "|apart");  // the others keep the person that began with this Patient
  unit.put_key(kPersonSpace, change.id, into);
  for (std::string const& key : holds) unit.put_key(kEvidenceSpace, key, into);
  for (std::string const& match : matches) {
    if (match != into) FHIR_CHECK(join_persons(unit, match, into));
  }
  FHIR_TRY(auto const all, unit.keys_of(kPersonSpace, into));
  return write_person(unit, into, all);
}

/// The Patient as stored, or a stub with just its id: a merge may name one that was never seen.
fhir::Result<Element> patient_or_stub(store::Unit& unit, std::string_view id) {
  auto& arena = unit.arena();
  FHIR_TRY(auto const version, unit.find("Patient", id));
  if (version && !version->deleted) return fhir::json::read(version->content, arena);
  Element stub = Element::of_object();
  stub.set(arena, "resourceType", Element::of_string("Patient"));
  stub.set(arena, "id", Element::of_string(arena.copy(id)));
  return stub;
}

/// "<patient>|<type>|<other>" -> patient: the links that the gateway made and keeps (architecture.md section
/// 3).
constexpr std::string_view kLinkSpace = "identity.link";

std::string link_key(std::string_view patient, std::string_view other, std::string_view type) {
  std::string key(patient);
  return key.append("|").append(type).append("|").append(other);
}

void add_link(fhir::json::Arena& arena, Element& patient, std::string_view other, std::string_view type) {
  std::string_view const reference = arena.copy("Patient/" + std::string(other));
  Element& links = patient.set(arena, "link");
  for (Element const& link : links.items()) {
    if (link.text_of("other", "reference") == reference && link.text_at("type") == type) return;
  }
  Element& link = links.push(arena);
  link.set(arena, "other").set(arena, "reference", Element::of_string(reference));
  link.set(arena, "type", Element::of_string(type));
}

void remove_link(Element& patient, std::string_view other, std::string_view type) {
  Element* const links = patient.find("link");
  if (links == nullptr) return;
  std::string const reference = "Patient/" + std::string(other);
  for (std::size_t i = links->size(); i-- > 0;) {
    Element const& link = links->items()[i];
    if (link.text_of("other", "reference") == reference && link.text_at("type") == type)
      links->remove_item(i);
  }
  if (links->empty()) patient.remove("link");
}

std::string alias_key(std::string_view source, std::string_view system_and_value) {
  return std::string(source) + "|" + std::string(system_and_value);
}

}  // namespace

fhir::Result<std::string> resolve_alias(store::Unit& unit, std::string_view source,
                                        std::string_view system_and_value) {
  std::string here(system_and_value);
  for (int step = 0; step < kAliasStepsMax; ++step) {
    FHIR_TRY(auto const next, unit.find_key(kAliasSpace, alias_key(source, here)));
    if (!next) return here;
    here = *next;
  }
  return fhir::error(fhir::IssueType::conflict, "the alias log of this source runs in a circle", {}, "MRG-1");
}

fhir::Result<void> link_patients(store::Unit& unit, Trust const& trust) {
  auto const changes = unit.changes();  // a copy: linking writes Persons, which are changes too
  for (store::Unit::Change const& change : changes) {
    if (change.type == "Patient" && change.after != nullptr && change.changed)
      FHIR_CHECK(link_patient(unit, change, trust));
  }
  return {};
}

fhir::Result<void> keep_links(store::Unit& unit) {
  auto const changes = unit.changes();
  for (store::Unit::Change const& change : changes) {
    if (change.type != "Patient" || change.after == nullptr || !change.changed) continue;
    FHIR_TRY(auto const keys, unit.keys_of(kLinkSpace, change.id));
    if (keys.empty()) continue;
    Element patient = fhir::json::deep_copy(unit.arena(), *change.after);
    for (std::string_view key : keys) {
      key.remove_prefix(change.id.size() + 1);
      auto const bar = key.find('|');
      add_link(unit.arena(), patient, key.substr(bar + 1), unit.arena().copy(key.substr(0, bar)));
    }
    if (patient == *change.after) continue;
    FHIR_CHECK(unit.put(patient, change.source, change.before ? "PUT" : "POST"));
  }
  return {};
}

fhir::Result<void> merge(store::Unit& unit, Merge const& merge) {
  FHIR_TRY(auto const survivor_key, resolve_alias(unit, merge.source, merge.survivor_key));
  if (survivor_key == merge.retired_key) {
    return fhir::error(fhir::IssueType::conflict, "the surviving identifier was itself retired into this one",
                       {}, "MRG-1");
  }
  // Compressed on write: what pointed at the retired id points at the survivor from now on, so that a look-up
  // is one step.
  std::string const retired = alias_key(merge.source, merge.retired_key);
  FHIR_TRY(auto const earlier, unit.keys_of(kAliasSpace, merge.retired_key));
  for (std::string const& key : earlier) {
    if (key.starts_with(merge.source + "|")) unit.put_key(kAliasSpace, key, survivor_key);
  }
  unit.put_key(kAliasSpace, retired, survivor_key);

  auto& arena = unit.arena();
  FHIR_TRY(Element old, patient_or_stub(unit, merge.retired_patient));
  old.set(arena, "active", Element::of_boolean(false));
  add_link(arena, old, merge.survivor_patient, "replaced-by");
  unit.put_key(kLinkSpace, link_key(merge.retired_patient, merge.survivor_patient, "replaced-by"),
               merge.retired_patient);
  FHIR_CHECK(unit.put(old, merge.source, "PUT"));
  FHIR_TRY(Element kept, patient_or_stub(unit, merge.survivor_patient));
  remove_link(kept, merge.retired_patient, "replaced-by");
  unit.remove_key(kLinkSpace, link_key(merge.survivor_patient, merge.retired_patient, "replaced-by"));
  add_link(arena, kept, merge.retired_patient, "replaces");
  unit.put_key(kLinkSpace, link_key(merge.survivor_patient, merge.retired_patient, "replaces"),
               merge.survivor_patient);
  FHIR_CHECK(unit.put(kept, merge.source, "PUT"));

  FHIR_TRY(auto const old_person, unit.find_key(kPersonSpace, merge.retired_patient));
  FHIR_TRY(auto const kept_person, unit.find_key(kPersonSpace, merge.survivor_patient));
  std::string const into = kept_person  ? *kept_person
                           : old_person ? *old_person
                                        : person_id_for(merge.survivor_patient);
  unit.put_key(kPersonSpace, merge.survivor_patient, into);
  unit.put_key(kPersonSpace, merge.retired_patient, into);
  if (old_person && *old_person != into) return join_persons(unit, *old_person, into);
  FHIR_TRY(auto const all, unit.keys_of(kPersonSpace, into));
  return write_person(unit, into, all);
}

fhir::Result<std::optional<std::string>> person_of(store::Unit& unit, std::string_view patient_id) {
  return unit.find_key(kPersonSpace, patient_id);
}

fhir::Result<std::vector<std::string>> patients_of(store::Unit& unit, std::string_view person_id) {
  return unit.keys_of(kPersonSpace, person_id);
}

}  // namespace gateway::identity
