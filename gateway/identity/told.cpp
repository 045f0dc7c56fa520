#include "gateway/identity/told.hpp"

#include "gateway/identity/ids.hpp"

#include <optional>
#include <vector>

namespace gateway::identity {
namespace {

constexpr std::string_view kSharedSpace = "id-shared";      // Patient id -> "1"
constexpr std::string_view kToldAsSpace = "id-told";        // number \n "Type/id" of its own -> "Type/id"
constexpr std::string_view kTellerSpace = "id-teller";      // the same key -> number
constexpr std::string_view kStandingSpace = "id-standing";  // "Type/id" -> "Type/id"

std::string_view number_in(std::string_view key) { return key.substr(0, key.find('\n')); }
std::string_view own_in(std::string_view key) { return key.substr(key.find('\n') + 1); }
std::string_view type_in(std::string_view reference) { return reference.substr(0, reference.find('/')); }
std::string_view id_in(std::string_view reference) { return reference.substr(reference.find('/') + 1); }

fhir::Result<std::string> standing(store::Unit& unit, std::string_view reference) {
  FHIR_TRY(auto const found, unit.find_key(kStandingSpace, reference));
  return found ? *found : std::string(reference);
}

fhir::Result<bool> is_free(store::Unit& unit, std::string_view reference) {
  FHIR_TRY(auto const version, unit.find(type_in(reference), id_in(reference)));
  return !version || version->deleted;
}

/// Every id that leads to the resource.
fhir::Result<std::set<std::string>> leading_to(store::Unit& unit, std::string const& resource) {
  FHIR_TRY(auto const keys, unit.keys_of(kStandingSpace, resource));
  std::set<std::string> all(keys.begin(), keys.end());
  FHIR_TRY(auto const itself, standing(unit, resource));
  if (itself == resource) all.insert(resource);
  return all;
}

}  // namespace

fhir::Result<bool> is_shared(store::Unit& unit, std::string_view patient_id) {
  FHIR_TRY(auto const found, unit.find_key(kSharedSpace, patient_id));
  return found.has_value();
}

void share(store::Unit& unit, std::string_view patient_id) { unit.put_key(kSharedSpace, patient_id, "1"); }

fhir::Result<std::string> standing_id(store::Unit& unit, std::string_view type, std::string_view id) {
  FHIR_TRY(auto const found, standing(unit, std::string(type) + "/" + std::string(id)));
  return std::string(id_in(found));
}

fhir::Result<void> note(store::Unit& unit, Telling const& telling) {
  std::string const key = telling.number + "\n" + telling.own;
  FHIR_TRY(auto const known, unit.find_key(kToldAsSpace, key));
  if (known == telling.resource) return {};
  unit.put_key(kToldAsSpace, key, telling.resource);
  unit.put_key(kTellerSpace, key, telling.number);
  return {};
}

fhir::Result<std::set<std::string>> told_under(store::Unit& unit, std::string const& number) {
  std::set<std::string> all;
  FHIR_TRY(auto const keys, unit.keys_of(kTellerSpace, number));
  for (std::string const& key : keys) {
    FHIR_TRY(auto const resource, unit.find_key(kToldAsSpace, key));
    if (resource) all.insert(*resource);
  }
  return all;
}

fhir::Result<bool> is_told_only_under(store::Unit& unit, std::string const& resource,
                                      std::set<std::string> const& numbers) {
  FHIR_TRY(auto const told, unit.keys_of(kToldAsSpace, resource));
  for (std::string const& key : told)
    if (!numbers.contains(std::string(number_in(key)))) return false;
  return true;
}

fhir::Result<void> keep_for_its_tellers(store::Unit& unit, std::string const& resource) {
  FHIR_TRY(auto const told, unit.keys_of(kToldAsSpace, resource));
  if (told.empty()) return {};
  FHIR_TRY(auto strangers, leading_to(unit, resource));
  std::optional<std::string> freed;
  for (std::string const& key : told) {
    std::string const own(own_in(key));
    strangers.erase(own);
    FHIR_TRY(std::string const now, standing(unit, own));
    if (now == resource) continue;
    FHIR_TRY(bool const free, is_free(unit, now));
    if (!free) continue;  // told before the merge as well: that goes on
    unit.put_key(kStandingSpace, own, resource);
    freed = now;
  }
  if (!freed) freed = std::string(type_in(resource)) + "/" + derived_id("parted", resource);
  for (std::string const& stranger : strangers) unit.put_key(kStandingSpace, stranger, *freed);
  return {};
}

}  // namespace gateway::identity
