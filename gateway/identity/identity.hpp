/// Who is who: one person, many Patients (architecture.md section 3, record.md section 1).
///
/// A person is a gateway-owned R4 Person whose links are the Patients of all sources. Two Patients are one
/// person when they carry the same identifier of the same authority that both may speak for, or a trusted
/// identifier together with the same family name, given name and birth date. Merges (A40) are an append-only
/// alias log, compressed on write, followed once at intake before any matching; cycles are refused. A change
/// of number (A47, A49 to A51) gives the same resource another name; a link (A24) joins persons, and its
/// opposite (A37), which takes back a merge as well, parts them for good: what the two share is no evidence
/// any more. Moves (A43 to A45) give what hangs on one resource to another. May call: fhir, store.
/// Probabilistic matching is not here.
#pragma once

#include "fhir/result.hpp"
#include "gateway/store/store.hpp"

#include <functional>
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

/// A number as a source calls things by it: "system|value" of a Patient, "Encounter|system|value" and the
/// like of others.
std::string alias_name(std::string_view type, std::string_view system_and_value);

/// What a number stands for by now. Reads go into the Unit's read set.
struct Resolved {
  std::string name;  ///< The number that survives, as alias_name() makes it.
  std::string id;  ///< The logical id it was given (a change of number), "" where it follows from the number.
};
/// Errors: conflict (a circle, which only a damaged log can hold).
fhir::Result<Resolved> resolve(store::Unit& unit, std::string_view source, std::string_view name);
/// The name alone.
fhir::Result<std::string> resolve_alias(store::Unit& unit, std::string_view source,
                                        std::string_view system_and_value);
/// The logical id of the resource that a source's number stands for.
fhir::Result<std::string> id_of(store::Unit& unit, std::string_view source, std::string_view type,
                                std::string_view system_and_value);

/// The number that the logical id of what a number stands for follows from, as alias_name() makes it: the
/// same for all numbers of one thing, and what else hangs on it is named by it.
fhir::Result<std::string> first_name(store::Unit& unit, std::string_view source, std::string_view type,
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

/// A36, A41, A42 ... for what is no Patient: messages with the retired number mean the survivor from now on.
/// Errors: conflict (a circle).
fhir::Result<void> retire(store::Unit& unit, std::string_view source, std::string_view retired_name,
                          std::string_view survivor_name);

/// A47, A49, A50, A51: the resource that `old_name` stands for is called `new_name` from now on; messages
/// with either number mean it. False when the new number already stands for another resource: then it is a
/// merge. Errors: conflict (a circle).
struct Rename {
  std::string source;
  std::string type;                    ///< "Encounter"
  std::string old_number, new_number;  ///< "system|value"
};
fhir::Result<bool> rename(store::Unit& unit, Rename const& rename);

/// Two Patients of one source that a message links (A24) or parts (A37).
struct Pair {
  std::string source;
  std::string first_number, second_number;  ///< "system|value"
};
/// Link seealso both ways; one person.
fhir::Result<void> link(store::Unit& unit, Pair const& pair);
/// Takes back a link or a merge: the retired Patient is active again, its number its own, and both are
/// matched anew, apart from each other whatever they share.
fhir::Result<void> unlink(store::Unit& unit, Pair const& pair, Trust const& trust);

/// What Patient.link of a FHIR client says about persons: a link joins, its removal parts. For every Patient
/// that the Unit wrote.
fhir::Result<void> follow_client_links(store::Unit& unit, Trust const& trust);

/// What a source's resources say of one thing, to be said of another.
struct Move {
  std::string source;
  std::string from, to;  ///< "Patient/a", "Patient/b"
  /// Which resources: those of any type that `parameter` (a search parameter) finds by `value` ("encounter",
  /// "Encounter/x").
  std::string parameter, value;
  /// Of these only such; empty: all.
  std::function<fhir::Result<bool>(store::Version const&)> only = {};
};
/// Puts `to` in place of `from` in them. Returns their references.
fhir::Result<std::vector<std::string>> repoint(store::Unit& unit, Move const& move);

/// "Person/x" of a Patient; nullopt while it has none.
fhir::Result<std::optional<std::string>> person_of(store::Unit& unit, std::string_view patient_id);
/// Every Patient id of the person that a Patient is, itself included; itself alone while it has none.
fhir::Result<std::vector<std::string>> patients_beside(store::Snapshot& snapshot,
                                                       std::string_view patient_id);
/// Every Patient id of the person, the retired ones too.
fhir::Result<std::vector<std::string>> patients_of(store::Unit& unit, std::string_view person_id);

/// Key spaces in the store (Unit::find_key): "person" Patient id -> Person id.
inline constexpr std::string_view kPersonSpace = "person";
inline constexpr std::string_view kAliasSpace = "alias";
/// "a b" (Patient ids, the smaller first) -> "1": parted by A37 or by a client.
inline constexpr std::string_view kApartSpace = "person-apart";
/// A merge as it was told, uncompressed: what a later unlink takes back.
inline constexpr std::string_view kToldSpace = "alias-told";

}  // namespace gateway::identity
