#include "gateway/identity/identity.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/search/query.hpp"
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
    8;  // aliases are compressed on write; more than two steps mean a concurrent merge
constexpr int kToldStepsMax = 10'000;  // merges as told are a chain as long as somebody merges
constexpr std::string_view kNamedSpace = "alias-named";  // a changed number -> the id it was given
constexpr std::string_view kIdMark = "@";                // an alias that is a logical id

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

fhir::Result<std::optional<fhir::json::Document>> parsed(store::Version const* version) {
  if (version == nullptr || version->deleted) return std::optional<fhir::json::Document>{};
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
    FHIR_TRY(auto document, parsed(version ? &*version : nullptr));
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

std::string apart_key(std::string_view one, std::string_view other) {
  return one < other ? std::string(one) + " " + std::string(other)
                     : std::string(other) + " " + std::string(one);
}

/// Whether somebody said that this Patient is not one of the person's.
fhir::Result<bool> is_apart(store::Unit& unit, std::string_view patient_id, std::string const& person_id) {
  FHIR_TRY(auto const patients, unit.keys_of(kPersonSpace, person_id));
  for (std::string const& other : patients) {
    if (other == patient_id) continue;
    FHIR_TRY(auto const said, unit.find_key(kApartSpace, apart_key(patient_id, other)));
    if (said) return true;
  }
  return false;
}

/// Finds or makes the person of a Patient that has none (or keeps `person`), by what it holds. `left` is the
/// person it was wrongly taken for until now.
fhir::Result<void> join_matches(store::Unit& unit, std::string const& patient_id,
                                std::set<std::string> const& holds, std::optional<std::string> const& person,
                                std::string const& left) {
  std::set<std::string> matches;
  std::set<std::string> others;  // keys that somebody else brings who is not this person
  for (std::string const& key : holds) {
    FHIR_TRY(auto const found, unit.find_key(kEvidenceSpace, key));
    if (!found) continue;
    FHIR_TRY(bool const apart, is_apart(unit, patient_id, *found));
    if (apart)
      others.insert(key);
    else
      matches.insert(*found);
  }
  std::string into = person ? *person : !matches.empty() ? *matches.begin() : person_id_for(patient_id);
  if (into == left)
    into = person_id_for(patient_id + "|apart");  // the others keep the person that began with this Patient
  unit.put_key(kPersonSpace, patient_id, into);
  for (std::string const& key : holds) {
    if (!others.contains(key)) unit.put_key(kEvidenceSpace, key, into);
  }
  for (std::string const& match : matches) {
    if (match == into) continue;
    FHIR_TRY(auto const joined, unit.keys_of(kPersonSpace, match));
    bool parted = false;
    for (std::string const& other : joined) {
      FHIR_TRY(bool const apart, is_apart(unit, other, into));
      parted = parted || apart;
    }
    if (!parted) FHIR_CHECK(join_persons(unit, match, into));
  }
  FHIR_TRY(auto const all, unit.keys_of(kPersonSpace, into));
  return write_person(unit, into, all);
}

fhir::Result<void> link_patient(store::Unit& unit, store::Unit::Change const& change, Trust const& trust) {
  FHIR_TRY(auto const before, parsed(change.before.get()));
  auto const held =
      before ? evidence_of(before->root, change.before->source, trust) : std::set<std::string>{};
  auto const holds = evidence_of(*change.after, change.source, trust);
  FHIR_TRY(auto person, unit.find_key(kPersonSpace, change.id));
  if (person && held == holds) return {};

  std::string left;
  if (person) {
    FHIR_TRY(auto const others, others_with_evidence(unit, *person, change.id, trust));
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
  return join_matches(unit, change.id, holds, person, left);
}

/// Takes a Patient out of its person and matches it anew.
fhir::Result<void> match_anew(store::Unit& unit, std::string const& patient_id, Trust const& trust) {
  FHIR_TRY(auto const person, unit.find_key(kPersonSpace, patient_id));
  FHIR_TRY(auto const version, unit.find("Patient", patient_id));
  FHIR_TRY(auto const document, parsed(version ? &*version : nullptr));
  auto const holds = document ? evidence_of(document->root, version->source, trust) : std::set<std::string>{};
  std::string left;
  if (person) {
    FHIR_TRY(auto const others, others_with_evidence(unit, *person, patient_id, trust));
    if (others.empty()) return {};
    FHIR_CHECK(leave_person(unit, *person, patient_id, holds, others));
    left = *person;
  }
  return join_matches(unit, patient_id, holds, std::nullopt, left);
}

/// Both Patients belong to one person from now on.
fhir::Result<void> join_patients(store::Unit& unit, std::string const& kept, std::string const& other) {
  FHIR_TRY(auto const kept_person, unit.find_key(kPersonSpace, kept));
  FHIR_TRY(auto const other_person, unit.find_key(kPersonSpace, other));
  std::string const into = kept_person ? *kept_person : other_person ? *other_person : person_id_for(kept);
  unit.remove_key(kApartSpace, apart_key(kept, other));
  unit.put_key(kPersonSpace, kept, into);
  unit.put_key(kPersonSpace, other, into);
  if (other_person && *other_person != into) return join_persons(unit, *other_person, into);
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

bool has_link(Element const& patient, std::string_view other, std::string_view type) {
  Element const* const links = patient.find("link");
  std::string const reference = "Patient/" + std::string(other);
  return links != nullptr && std::ranges::any_of(links->items(), [&](Element const& link) {
           return link.text_of("other", "reference") == reference && link.text_at("type") == type;
         });
}

/// The ids of the Patients that a Patient names in its links.
std::set<std::string> linked_patients(Element const& patient) {
  constexpr std::string_view kPrefix = "Patient/";
  std::set<std::string> ids;
  Element const* const links = patient.find("link");
  if (links == nullptr) return ids;
  for (Element const& link : links->items()) {
    std::string_view const reference = link.text_of("other", "reference");
    if (reference.starts_with(kPrefix)) ids.emplace(reference.substr(kPrefix.size()));
  }
  return ids;
}

std::string alias_key(std::string_view source, std::string_view name) {
  return std::string(source) + "|" + std::string(name);
}

/// The logical id behind a resolved number: the one it was given, else the one that follows from it.
std::string id_from(std::string_view source, std::string_view type, Resolved const& found) {
  if (!found.id.empty()) return found.id;
  return derived_id(source, type == "Patient" ? "Patient|" + found.name : found.name);
}

}  // namespace

std::string alias_name(std::string_view type, std::string_view system_and_value) {
  return type == "Patient" ? std::string(system_and_value)
                           : std::string(type) + "|" + std::string(system_and_value);
}

fhir::Result<Resolved> resolve(store::Unit& unit, std::string_view source, std::string_view name) {
  std::string here(name);
  for (int step = 0; step < kAliasStepsMax; ++step) {
    FHIR_TRY(auto const next, unit.find_key(kAliasSpace, alias_key(source, here)));
    if (!next) return Resolved{here, {}};
    if (next->starts_with(kIdMark)) return Resolved{here, next->substr(kIdMark.size())};
    here = *next;
  }
  return fhir::error(fhir::IssueType::conflict, "the alias log of this source runs in a circle", {}, "MRG-1");
}

fhir::Result<std::string> resolve_alias(store::Unit& unit, std::string_view source,
                                        std::string_view system_and_value) {
  FHIR_TRY(auto const found, resolve(unit, source, system_and_value));
  return found.name;
}

fhir::Result<std::string> id_of(store::Unit& unit, std::string_view source, std::string_view type,
                                std::string_view system_and_value) {
  FHIR_TRY(auto const found, resolve(unit, source, alias_name(type, system_and_value)));
  return id_from(source, type, found);
}

fhir::Result<std::string> first_name(store::Unit& unit, std::string_view source, std::string_view type,
                                     std::string_view system_and_value) {
  FHIR_TRY(auto const found, resolve(unit, source, alias_name(type, system_and_value)));
  if (found.id.empty()) return found.name;
  // Of the numbers that were given up for this one, that which the thing had first.
  std::string const of_source = alias_key(source, {});
  FHIR_TRY(auto const earlier, unit.keys_of(kAliasSpace, found.name));
  for (std::string const& key : earlier) {
    if (!key.starts_with(of_source)) continue;
    std::string const name = key.substr(of_source.size());
    if (id_from(source, type, {name, {}}) == found.id) return name;
  }
  return found.name;
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

fhir::Result<void> retire(store::Unit& unit, std::string_view source, std::string_view retired_name,
                          std::string_view survivor_name) {
  FHIR_TRY(auto const survivor, resolve(unit, source, survivor_name));
  if (survivor.name == retired_name) {
    return fhir::error(fhir::IssueType::conflict, "the surviving identifier was itself retired into this one",
                       {}, "MRG-1");
  }
  // Compressed on write: what pointed at the retired id points at the survivor from now on, so that a look-up
  // is one step.
  FHIR_TRY(auto const earlier, unit.keys_of(kAliasSpace, retired_name));
  for (std::string const& key : earlier) {
    if (key.starts_with(std::string(source) + "|")) unit.put_key(kAliasSpace, key, survivor.name);
  }
  unit.put_key(kAliasSpace, alias_key(source, retired_name), survivor.name);
  unit.put_key(kToldSpace, alias_key(source, retired_name), survivor_name);
  return {};
}

fhir::Result<void> merge(store::Unit& unit, Merge const& merge) {
  FHIR_CHECK(retire(unit, merge.source, merge.retired_key, merge.survivor_key));
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
  return join_patients(unit, merge.survivor_patient, merge.retired_patient);
}

fhir::Result<bool> rename(store::Unit& unit, Rename const& rename) {
  std::string const old_name = alias_name(rename.type, rename.old_number);
  std::string const new_name = alias_name(rename.type, rename.new_number);
  if (old_name == new_name) return true;
  FHIR_TRY(auto const before, resolve(unit, rename.source, old_name));
  FHIR_TRY(auto const after, resolve(unit, rename.source, new_name));
  std::string const id = id_from(rename.source, rename.type, before);
  std::string const taken = id_from(rename.source, rename.type, after);
  if (taken != id) {
    FHIR_TRY(auto const known, unit.find(rename.type, taken));
    if (known) return false;
  }
  // Every number that meant this resource means it by its newest.
  for (std::string const& meant : {old_name, before.name}) {
    FHIR_TRY(auto const earlier, unit.keys_of(kAliasSpace, meant));
    for (std::string const& key : earlier) {
      if (key.starts_with(rename.source + "|")) unit.put_key(kAliasSpace, key, new_name);
    }
    if (meant != new_name) unit.put_key(kAliasSpace, alias_key(rename.source, meant), new_name);
  }
  unit.put_key(kAliasSpace, alias_key(rename.source, new_name), std::string(kIdMark) + id);
  unit.put_key(kNamedSpace, alias_key(rename.source, new_name), id);
  return true;
}

fhir::Result<void> link(store::Unit& unit, Pair const& pair) {
  FHIR_TRY(auto const first, id_of(unit, pair.source, "Patient", pair.first_number));
  FHIR_TRY(auto const second, id_of(unit, pair.source, "Patient", pair.second_number));
  if (first == second) return {};  // merged already: more than linked
  auto& arena = unit.arena();
  for (auto const& [one, other] : {std::pair(&first, &second), std::pair(&second, &first)}) {
    FHIR_TRY(Element patient, patient_or_stub(unit, *one));
    add_link(arena, patient, *other, "seealso");
    unit.put_key(kLinkSpace, link_key(*one, *other, "seealso"), *one);
    FHIR_CHECK(unit.put(patient, pair.source, "PUT"));
  }
  return join_patients(unit, first, second);
}

namespace {

/// Where a number leads by the merges as they were told.
fhir::Result<std::string> told_end(store::Unit& unit, std::string_view source, std::string name) {
  for (int step = 0; step < kToldStepsMax; ++step) {
    FHIR_TRY(auto const next, unit.find_key(kToldSpace, alias_key(source, name)));
    if (!next) return name;
    name = *next;
  }
  return fhir::error(fhir::IssueType::conflict, "the alias log of this source runs in a circle", {}, "MRG-1");
}

/// Takes back that `retired` was merged into what `survivor` stands for. False when it was not.
fhir::Result<bool> restore_number(store::Unit& unit, std::string const& source, std::string const& retired,
                                  std::string const& survivor) {
  FHIR_TRY(auto const told, unit.find_key(kToldSpace, alias_key(source, retired)));
  if (!told) return false;
  FHIR_TRY(auto const end, told_end(unit, source, *told));
  FHIR_TRY(auto const meant, told_end(unit, source, survivor));
  if (end != meant) return false;
  unit.remove_key(kToldSpace, alias_key(source, retired));
  FHIR_TRY(auto const named, unit.find_key(kNamedSpace, alias_key(source, retired)));
  if (named)
    unit.put_key(kAliasSpace, alias_key(source, retired), std::string(kIdMark) + *named);
  else
    unit.remove_key(kAliasSpace, alias_key(source, retired));
  // What was compressed past the retired number leads to it again.
  FHIR_TRY(auto const passed, unit.keys_of(kAliasSpace, end));
  for (std::string const& key : passed) {
    if (!key.starts_with(source + "|")) continue;
    std::string const name = key.substr(source.size() + 1);
    FHIR_TRY(auto const now, told_end(unit, source, name));
    if (now != end && now != name) unit.put_key(kAliasSpace, key, now);
  }
  return true;
}

fhir::Result<void> take_links_back(store::Unit& unit, std::string const& source, std::string const& id,
                                   std::string const& other) {
  FHIR_TRY(auto const version, unit.find("Patient", id));
  if (!version || version->deleted) return {};
  FHIR_TRY(Element patient, fhir::json::read(version->content, unit.arena()));
  bool const was_retired = has_link(patient, other, "replaced-by");
  for (std::string_view const type : {"replaced-by", "replaces", "seealso", "refer"}) {
    remove_link(patient, other, type);
    unit.remove_key(kLinkSpace, link_key(id, other, type));
  }
  if (was_retired) patient.remove("active");
  FHIR_CHECK(unit.put(patient, source, "PUT"));
  return {};
}

fhir::Result<void> part(store::Unit& unit, std::string const& first, std::string const& second,
                        Trust const& trust) {
  unit.put_key(kApartSpace, apart_key(first, second), "1");
  FHIR_TRY(auto const one, unit.find_key(kPersonSpace, first));
  FHIR_TRY(auto const other, unit.find_key(kPersonSpace, second));
  if (one && other && *one == *other) return match_anew(unit, second, trust);
  return {};
}

}  // namespace

fhir::Result<void> unlink(store::Unit& unit, Pair const& pair, Trust const& trust) {
  // A retired Patient keeps the id that its own number gives it.
  FHIR_TRY(bool const second_was_retired,
           restore_number(unit, pair.source, pair.second_number, pair.first_number));
  FHIR_TRY(bool const first_was_retired,
           restore_number(unit, pair.source, pair.first_number, pair.second_number));
  FHIR_TRY(auto const first, id_of(unit, pair.source, "Patient", pair.first_number));
  FHIR_TRY(auto const second, id_of(unit, pair.source, "Patient", pair.second_number));
  if (first == second) {
    return fhir::error(fhir::IssueType::conflict,
                       "both numbers mean one and the same record: nothing to part", {}, "PID-3");
  }
  FHIR_CHECK(take_links_back(unit, pair.source, first, second));
  FHIR_CHECK(take_links_back(unit, pair.source, second, first));
  // The survivor keeps the person; who was retired, or stands second, leaves it.
  return first_was_retired && !second_was_retired ? part(unit, second, first, trust)
                                                  : part(unit, first, second, trust);
}

fhir::Result<void> follow_client_links(store::Unit& unit, Trust const& trust) {
  auto const changes = unit.changes();
  for (store::Unit::Change const& change : changes) {
    if (change.type != "Patient" || change.after == nullptr || !change.changed) continue;
    FHIR_TRY(auto const before, parsed(change.before.get()));
    auto const had = before ? linked_patients(before->root) : std::set<std::string>{};
    auto const has = linked_patients(*change.after);
    for (std::string const& other : has) {
      if (!had.contains(other) && other != change.id) FHIR_CHECK(join_patients(unit, change.id, other));
    }
    for (std::string const& other : had) {
      if (!has.contains(other) && other != change.id) FHIR_CHECK(part(unit, other, change.id, trust));
    }
  }
  return {};
}

namespace {

/// Whether anything in the tree referred to `from`; it refers to `to` now.
bool replace_references(Element& element, std::string_view from, std::string_view to) {
  bool found = false;
  if (element.is_object()) {
    if (Element* const reference = element.find("reference");
        reference != nullptr && reference->text() == from) {
      *reference = Element::of_string(to);
      found = true;
    }
    for (auto& member : element.members()) found = replace_references(member.value, from, to) || found;
  } else if (element.is_array()) {
    for (Element& item : element.items()) found = replace_references(item, from, to) || found;
  }
  return found;
}

}  // namespace

fhir::Result<std::vector<std::string>> repoint(store::Unit& unit, Move const& move) {
  // What ADT and its kin make; what a client owns is the client's to change.
  static constexpr std::string_view kTypes[] = {"Encounter",
                                                "Condition",
                                                "Procedure",
                                                "Observation",
                                                "DiagnosticReport",
                                                "Account",
                                                "Coverage",
                                                "AllergyIntolerance",
                                                "RelatedPerson",
                                                "CareTeam",
                                                "EpisodeOfCare",
                                                "Task",
                                                "DocumentReference",
                                                "ServiceRequest",
                                                "Appointment",
                                                "Immunization",
                                                "CarePlan",
                                                "MedicationRequest",
                                                "MedicationStatement",
                                                "Goal",
                                                "Communication",
                                                "Specimen",
                                                "MedicationDispense",
                                                "MedicationAdministration",
                                                "ChargeItem",
                                                "ClaimResponse",
                                                "AppointmentResponse"};
  std::vector<std::string> moved;
  auto& arena = unit.arena();
  for (std::string_view const type : kTypes) {
    auto query =
        fhir::search::parse_query(type, move.parameter + "=" + fhir::search::percent_encode(move.value),
                                  fhir::search::Handling::strict);
    if (!query) continue;  // this type does not refer so
    query->count = store::kAllMatches;
    FHIR_TRY(auto const found, unit.match(*query));
    for (store::Version const& one : found) {
      FHIR_TRY(auto const version, unit.find(type, one.id));  // as this Unit has left it
      if (!version || version->source != move.source || version->deleted) continue;
      if (move.only) {
        FHIR_TRY(bool const wanted, move.only(*version));
        if (!wanted) continue;
      }
      FHIR_TRY(Element resource, fhir::json::read(version->content, arena));
      if (!replace_references(resource, move.from, arena.copy(move.to))) continue;
      FHIR_CHECK(unit.put(resource, move.source, "PUT"));
      moved.push_back(std::string(type) + "/" + one.id);
    }
  }
  return moved;
}

fhir::Result<std::optional<std::string>> person_of(store::Unit& unit, std::string_view patient_id) {
  return unit.find_key(kPersonSpace, patient_id);
}

fhir::Result<std::vector<std::string>> patients_beside(store::Snapshot& snapshot,
                                                       std::string_view patient_id) {
  FHIR_TRY(auto const person, snapshot.find_key(kPersonSpace, patient_id));
  if (!person) return std::vector<std::string>{std::string(patient_id)};
  return snapshot.keys_of(kPersonSpace, *person);
}

fhir::Result<std::vector<std::string>> patients_of(store::Unit& unit, std::string_view person_id) {
  return unit.keys_of(kPersonSpace, person_id);
}

}  // namespace gateway::identity
