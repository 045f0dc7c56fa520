#include "gateway/intake/identity_acts.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/search/query.hpp"
#include "gateway/identity/told.hpp"

#include <algorithm>

namespace gateway::intake {

using fhir::json::Element;
using identity::alias_name;

namespace {

constexpr std::size_t kVersionsPage = 1000;

/// "4711" of "urn:oid:1.2.3|4711".
std::string_view value_of(std::string_view number) { return number.substr(number.rfind('|') + 1); }

/// Whether a PID of the message has one of these numbers among those of PID-3.
bool names_patient(std::string const& bytes, std::set<std::string> const& numbers) {
  fhir::Issues forgiven;
  auto const message = mappings::hl7v2::Message::parse(bytes, {}, forgiven);
  if (!message) return false;
  auto const is_meant = [&](std::string_view told) {
    return std::ranges::any_of(numbers, [&](std::string const& one) { return value_of(one) == told; });
  };
  for (auto at = message->find_segment("PID"); at; at = message->find_segment("PID", *at + 1)) {
    auto const pid = static_cast<std::uint32_t>(*at);
    for (std::uint16_t each = 1; each <= message->repetition_count(pid, 3); ++each)
      if (is_meant(message->text({pid, 3, each, 1, 1}))) return true;
  }
  return false;
}

}  // namespace

std::string number_of(mappings::language::DraftResource const& resource) {
  static constexpr std::string_view kNumbered[] = {"Patient", "Encounter", "Account"};
  if (std::ranges::find(kNumbered, resource.type) == std::end(kNumbered)) return {};
  std::string_view const rest = std::string_view(resource.key).substr(resource.type.size() + 1);
  bool const is_own = rest.starts_with("urn:site:") && rest.find('|') != std::string_view::npos;
  return resource.key_is_identifier || is_own ? std::string(rest) : std::string();
}

IdentityActs::IdentityActs(store::Unit& unit, mappings::language::Draft const& draft, std::string source,
                           identity::Trust const& trust)
    : unit_(unit),
      draft_(draft),
      source_(std::move(source)),
      trust_(trust),
      renamed_(draft.resources.size(), false) {}

/// Whether the message is one of these ADT events, three letters each.
bool IdentityActs::is(std::string_view triggers) const {
  return draft_.message_code == "ADT" && draft_.trigger_event.size() == 3 &&
         triggers.find(draft_.trigger_event) != std::string_view::npos;
}

std::string IdentityActs::number_of_fact(Fact const& fact) const {
  std::string_view const value = fact.value.text_at("value");
  if (value.empty()) return {};
  std::string_view const system = fact.value.text_at("system");
  return (system.empty() ? "urn:site:" + source_ : std::string(system)) + "|" + std::string(value);
}

std::vector<std::string> IdentityActs::numbers(std::string_view name, std::size_t resource) const {
  std::vector<std::string> all;
  for (Fact const& fact : draft_.facts) {
    if (fact.name != name || (fact.resource != UINT32_MAX && fact.resource != resource)) continue;
    if (auto number = number_of_fact(fact); !number.empty()) all.push_back(std::move(number));
  }
  return all;
}

std::string IdentityActs::number(std::string_view fact, std::size_t resource) const {
  auto all = numbers(fact, resource);
  return all.empty() ? std::string() : std::move(all.front());
}

std::vector<std::size_t> IdentityActs::of_type(std::string_view type) const {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < draft_.resources.size(); ++i)
    if (draft_.resources[i].type == type && !number_of(draft_.resources[i]).empty()) all.push_back(i);
  return all;
}

/// The Patient that a visit of the message is about.
std::size_t IdentityActs::patient_of(std::size_t visit) const {
  std::string_view const subject = draft_.resources[visit].content.text_of("subject", "reference");
  auto const patients = of_type("Patient");
  for (std::size_t const patient : patients)
    if (subject == "~" + std::to_string(patient)) return patient;
  return patients.empty() ? draft_.resources.size() : patients.front();
}

fhir::Result<std::string> IdentityActs::id(std::string_view type, std::string const& number) {
  return identity::id_of(unit_, source_, type, number);
}

fhir::Result<void> IdentityActs::before_targets() {
  if (is("A37")) {
    auto const patients = of_type("Patient");
    if (patients.size() < 2)
      return fhir::error(fhir::IssueType::required, "an unlink names two patients by their numbers", {},
                         "PID-3");
    return part(number_of(draft_.resources[patients[0]]), number_of(draft_.resources[patients[1]]));
  }
  if (is("A46 A47 A48")) return rename_patients();
  if (is("A50 A45")) return rename_visits();
  if (is("A49")) {
    for (std::size_t const patient : of_type("Patient")) {
      std::string const old = number("merge.account", patient);
      std::string const now = number("patient.account", patient);
      if (old.empty() || now.empty()) continue;
      FHIR_TRY(bool const renamed, identity::rename(unit_, {source_, "Account", old, now}));
      if (!renamed) FHIR_CHECK(merge_accounts(patient));
    }
  }
  return {};
}

/// What takes back a merge gives back what was told under the retired number since, and under no other: what
/// both told (an allergy without a number of its own) stays with the survivor.
fhir::Result<void> IdentityActs::part(std::string const& first, std::string const& second) {
  FHIR_TRY(auto const survivor_of_first, identity::resolve(unit_, source_, first));
  FHIR_TRY(auto const survivor_of_second, identity::resolve(unit_, source_, second));
  FHIR_CHECK(identity::unlink(unit_, {source_, first, second}, trust_));
  if (survivor_of_first.name != first) FHIR_CHECK(give_back(second, first));
  if (survivor_of_second.name != second) FHIR_CHECK(give_back(first, second));
  return {};
}

/// The number itself and those that were given up for it.
fhir::Result<std::set<std::string>> IdentityActs::meaning(std::string const& number) {
  std::string const of_source = source_ + "|";
  FHIR_TRY(auto const aliases, unit_.keys_of(identity::kAliasSpace, number));
  std::set<std::string> all{number};
  for (std::string const& alias : aliases)
    if (alias.starts_with(of_source)) all.insert(alias.substr(of_source.size()));
  return all;
}

fhir::Result<bool> IdentityActs::is_told_by(store::Version const& version,
                                            std::set<std::string> const& numbers,
                                            std::set<std::string> const& others) {
  FHIR_TRY(bool const only, identity::is_told_only_under(unit_, version.type + "/" + version.id, numbers));
  if (!only) return false;
  std::string cursor;
  do {
    FHIR_TRY(auto const past, unit_.snapshot().history(store::AccessPolicy::all(), version.type, version.id,
                                                       0, kVersionsPage, cursor));
    for (store::Version const& one : past.versions) {
      if (one.journal_id == 0) return false;
      FHIR_TRY(auto const row, unit_.snapshot().find_journal(one.journal_id));
      if (!row || !names_patient(row->raw, numbers) || names_patient(row->raw, others)) return false;
    }
    cursor = past.next_cursor;
  } while (!cursor.empty());
  return true;
}

fhir::Result<void> IdentityActs::give_back(std::string const& survivor, std::string const& retired) {
  FHIR_TRY(auto const from, id("Patient", survivor));
  FHIR_TRY(auto const to, id("Patient", retired));
  if (from == to) return {};
  FHIR_TRY(auto const numbers, meaning(retired));
  FHIR_TRY(auto const others, meaning(survivor));
  // Asked before anything moves: a Medication or an Organization names no patient, and goes by this alone.
  std::vector<std::string> given;
  for (std::string const& number : numbers) {
    FHIR_TRY(auto const told, identity::told_under(unit_, number));
    for (std::string const& reference : told) {
      auto const slash = reference.find('/');
      FHIR_TRY(auto const version, unit_.find(reference.substr(0, slash), reference.substr(slash + 1)));
      if (!version || version->deleted || version->source != source_) continue;
      FHIR_TRY(bool const its_own, is_told_by(*version, numbers, others));
      if (its_own) given.push_back(reference);
    }
  }
  FHIR_CHECK(identity::repoint(
      unit_, {source_, "Patient/" + from, "Patient/" + to, "patient", "Patient/" + from,
              [&](store::Version const& version) { return is_told_by(version, numbers, others); }}));
  for (std::string const& reference : given) FHIR_CHECK(identity::keep_for_its_tellers(unit_, reference));
  identity::share(unit_, from);
  identity::share(unit_, to);
  return {};
}

fhir::Result<void> IdentityActs::rename_patients() {
  for (std::size_t const patient : of_type("Patient")) {
    std::string const now = number_of(draft_.resources[patient]);
    bool renamed = true;
    for (std::string const& old : numbers("merge.retired", patient)) {
      FHIR_TRY(bool const one, identity::rename(unit_, {source_, "Patient", old, now}));
      renamed = renamed && one;
    }
    renamed_[patient] = renamed;
  }
  return {};
}

/// A50: the number of the visit changed; A45: a visit that moves may get another one.
fhir::Result<void> IdentityActs::rename_visits() {
  for (std::size_t const visit : of_type("Encounter")) {
    std::string old = number("merge.visit", visit);
    if (old.empty()) old = number("merge.visit", patient_of(visit));
    if (old.empty()) continue;
    FHIR_TRY([[maybe_unused]] bool const renamed,
             identity::rename(unit_, {source_, "Encounter", old, number_of(draft_.resources[visit])}));
  }
  return {};
}

fhir::Result<void> IdentityActs::with_patients() {
  auto const patients = of_type("Patient");
  if (is("A24") && patients.size() >= 2) {
    return identity::link(
        unit_, {source_, number_of(draft_.resources[patients[0]]), number_of(draft_.resources[patients[1]])});
  }
  if (!is("A18 A30 A34 A36 A39 A40 A46 A47 A48")) return {};
  for (std::size_t const patient : patients)
    if (!renamed_[patient]) FHIR_CHECK(merge_patient(patient));
  return {};
}

/// PID names the survivor, MRG-1 what is retired.
fhir::Result<void> IdentityActs::merge_patient(std::size_t patient) {
  std::string const survivor = number_of(draft_.resources[patient]);
  FHIR_TRY(auto const survivor_id, id("Patient", survivor));
  for (std::string const& retired : numbers("merge.retired", patient)) {
    if (retired == survivor) continue;
    FHIR_TRY(auto const meant, identity::resolve(unit_, source_, survivor));
    if (meant.name == retired) {
      return fhir::error(fhir::IssueType::conflict,
                         "the surviving identifier was itself retired into this one", {}, "MRG-1");
    }
    FHIR_TRY(auto const retired_id, id("Patient", retired));
    if (retired_id == survivor_id) continue;  // told before
    FHIR_CHECK(identity::merge(unit_, {.source = source_,
                                       .survivor_patient = survivor_id,
                                       .retired_patient = retired_id,
                                       .survivor_key = survivor,
                                       .retired_key = retired}));
  }
  return {};
}

fhir::Result<void> IdentityActs::with_persons() {
  for (std::size_t const patient : of_type("Patient")) {
    if (is("A35 A36 A41")) FHIR_CHECK(merge_accounts(patient));
    if (is("A43")) FHIR_CHECK(move_all(patient));
    if (is("A44")) FHIR_CHECK(move_account(patient));
  }
  if (is("A42")) return merge_visits();
  if (is("A45")) return move_visits();
  return {};
}

/// The retired one is over and says so; its survivor is found by either number.
fhir::Result<void> IdentityActs::end(std::string_view type, std::string const& old_id,
                                     std::string_view status, std::string const& survivor) {
  FHIR_TRY(auto const version, unit_.find(type, old_id));
  if (!version || version->deleted || version->source != source_) return {};
  auto& arena = unit_.arena();
  FHIR_TRY(Element resource, fhir::json::read(version->content, arena));
  resource.set(arena, "status", Element::of_string(status));
  Element part_of = Element::of_object();
  part_of.set(arena, "reference", Element::of_string(arena.copy(survivor)));
  resource.set(arena, "partOf", part_of);
  FHIR_CHECK(unit_.put(resource, source_, "PUT"));
  return {};
}

fhir::Result<void> IdentityActs::merge_accounts(std::size_t patient) {
  std::string const old = number("merge.account", patient);
  std::string const now = number("patient.account", patient);
  if (old.empty() || now.empty() || old == now) return {};
  FHIR_TRY(auto const old_id, id("Account", old));
  FHIR_TRY(auto const now_id, id("Account", now));
  if (old_id == now_id) return {};
  FHIR_CHECK(identity::retire(unit_, source_, alias_name("Account", old), alias_name("Account", now)));
  FHIR_CHECK(end("Account", old_id, "inactive", "Account/" + now_id));
  FHIR_CHECK(identity::repoint(
      unit_, {source_, "Account/" + old_id, "Account/" + now_id, "account", "Account/" + old_id}));
  return {};
}

fhir::Result<void> IdentityActs::merge_visits() {
  for (std::size_t const visit : of_type("Encounter")) {
    std::string const now = number_of(draft_.resources[visit]);
    std::string const old = number("merge.visit", patient_of(visit));
    if (old.empty() || old == now) continue;
    FHIR_TRY(auto const old_id, id("Encounter", old));
    FHIR_TRY(auto const now_id, id("Encounter", now));
    if (old_id == now_id) continue;
    FHIR_CHECK(identity::retire(unit_, source_, alias_name("Encounter", old), alias_name("Encounter", now)));
    FHIR_CHECK(end("Encounter", old_id, "entered-in-error", "Encounter/" + now_id));
    FHIR_CHECK(identity::repoint(
        unit_, {source_, "Encounter/" + old_id, "Encounter/" + now_id, "encounter", "Encounter/" + old_id}));
  }
  return {};
}

fhir::Result<void> IdentityActs::move_all(std::size_t patient) {
  FHIR_TRY(auto const to, id("Patient", number_of(draft_.resources[patient])));
  for (std::string const& old : numbers("merge.retired", patient)) {
    FHIR_TRY(auto const from, id("Patient", old));
    if (from == to) continue;
    FHIR_CHECK(identity::repoint(
        unit_, {source_, "Patient/" + from, "Patient/" + to, "patient", "Patient/" + from}));
  }
  return {};
}

fhir::Result<void> IdentityActs::move_account(std::size_t patient) {
  std::string old_number = number("merge.account", patient);
  if (old_number.empty()) old_number = number("patient.account", patient);
  std::string const from_number = number("merge.retired", patient);
  if (old_number.empty() || from_number.empty()) return {};
  FHIR_TRY(auto const account, id("Account", old_number));
  FHIR_TRY(auto const from, id("Patient", from_number));
  FHIR_TRY(auto const to, id("Patient", number_of(draft_.resources[patient])));
  if (from == to) return {};
  std::string const reference = "Account/" + account;
  auto visits = fhir::search::parse_query("Encounter", "account=" + fhir::search::percent_encode(reference),
                                          fhir::search::Handling::strict);
  if (!visits) return visits.error();
  visits->count = store::kAllMatches;
  FHIR_TRY(auto const found, unit_.match(*visits));
  for (store::Version const& visit : found)
    if (visit.source == source_) FHIR_CHECK(move_visit(visit.id, from, to));
  FHIR_CHECK(identity::repoint(unit_, {source_, "Patient/" + from, "Patient/" + to, "_id", account}));
  return {};
}

fhir::Result<void> IdentityActs::move_visits() {
  for (std::size_t const visit : of_type("Encounter")) {
    std::size_t const patient = patient_of(visit);
    std::string const from_number = number("merge.retired", visit);
    if (from_number.empty() || patient == draft_.resources.size()) continue;
    FHIR_TRY(auto const from, id("Patient", from_number));
    FHIR_TRY(auto const to, id("Patient", number_of(draft_.resources[patient])));
    FHIR_TRY(auto const moved, id("Encounter", number_of(draft_.resources[visit])));
    if (from != to) FHIR_CHECK(move_visit(moved, from, to));
  }
  return {};
}

fhir::Result<void> IdentityActs::move_visit(std::string const& visit, std::string const& from,
                                            std::string const& to) {
  std::string const old = "Patient/" + from;
  std::string const now = "Patient/" + to;
  FHIR_CHECK(identity::repoint(unit_, {source_, old, now, "_id", visit}));
  FHIR_CHECK(identity::repoint(unit_, {source_, old, now, "encounter", "Encounter/" + visit}));
  return {};
}

}  // namespace gateway::intake
