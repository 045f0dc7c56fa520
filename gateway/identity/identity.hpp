/// Who is who: one person, many Patients (architecture.md section 3, record.md section 1).
///
/// A person is a gateway-owned R4 Person whose links are the Patients of all sources. Two Patients are one
/// person when they carry the same identifier of the same authority that both may speak for, or a trusted
/// identifier together with the same family name, given name and birth date. Merges (A40) are an append-only
/// alias log, compressed on write, followed once at intake before any matching; cycles are refused. May call:
/// fhir, store. Probabilistic matching is not here.
#pragma once

#include "fhir/result.hpp"
#include "gateway/store/store.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::identity {

/// Which identifiers of which source are believed.
struct SourceTrust {
  std::string source;                        ///< Partner profile or FHIR client name.
  std::vector<std::string> own_systems;      ///< Authorities it speaks for: its MRNs.
  std::vector<std::string> trusted_systems;  ///< National ids and the like (profile `trusted_ids`).
};

struct Trust {
  std::vector<SourceTrust> sources;
};

/// After aliases: the system|value that survives. Reads go into the Unit's read set. Never cycles.
fhir::Result<std::string> resolve_alias(store::Unit& unit, std::string_view source,
                                        std::string_view system_and_value);

/// Links every Patient that the Unit wrote to its person (new or found) and unlinks what no longer holds.
fhir::Result<void> link_patients(store::Unit& unit, Trust const& trust);

/// Puts back into every Patient that the Unit wrote the links that the gateway itself made for a merge and
/// the writer left out: they are server-managed, as meta is (architecture.md section 3). Called for FHIR
/// writes, before link_patients().
fhir::Result<void> keep_links(store::Unit& unit);

/// A40: `retired` is from now on `survivor` for that source. Marks the retired Patient (active false, link
/// replaced-by) and the survivor (link replaces), moves the person link. Errors: conflict (cycle), not_found
/// is none: an unknown retired id is remembered all the same.
struct Merge {
  std::string source;
  std::string survivor_patient;  ///< Logical id.
  std::string retired_patient;   ///< Logical id; created as a stub when unknown.
  std::string survivor_key;      ///< "system|value"
  std::string retired_key;
};
fhir::Result<void> merge(store::Unit& unit, Merge const& merge);

/// "Person/x" of a Patient; nullopt while it has none.
fhir::Result<std::optional<std::string>> person_of(store::Unit& unit, std::string_view patient_id);
/// Every Patient id of the person, the retired ones too.
fhir::Result<std::vector<std::string>> patients_of(store::Unit& unit, std::string_view person_id);

/// Key spaces in the store (Unit::find_key): "person" Patient id -> Person id.
inline constexpr std::string_view kPersonSpace = "person";
inline constexpr std::string_view kAliasSpace = "alias";

}  // namespace gateway::identity
