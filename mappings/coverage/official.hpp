/// The tables that HL7 publishes (v2-to-FHIR IG), as rows that can be compared with ours.
/// Source: github.com/HL7/v2-to-fhir; how its columns read: reference/v2-to-fhir/README.md.
///
/// May call: fhir/ (Result), mappings/delimited. Pure: the bytes of the sheets in, rows out.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::coverage {

enum class SheetKind : std::uint8_t { message, segment, data_type, vocabulary };
inline constexpr SheetKind kSheetKinds[] = {SheetKind::message, SheetKind::segment, SheetKind::data_type,
                                            SheetKind::vocabulary};
std::string_view to_text(SheetKind kind);  ///< "message", "segment", "datatype", "vocabulary"

/// One step of a FHIR path as published: `location[1].location(Location)` is ("", "location.location"), then
/// ("Location", ""). Names alone, without indexes and `$this`.
struct Hop {
  std::string type;  ///< "" for the sheet's own resource or data type.
  std::string path;
};

struct OfficialRow {
  std::size_t line = 0;  ///< In the CSV file, counted in rows, from 1.
  std::string v2;        ///< "PV1-7", "XPN.2", "ADT_A01.PID", a code; may be "".
  std::string target;    ///< As a person writes it in a reason: `participant.type.coding.code = "ATND"`.
  std::string condition;
  std::string antlr;    ///< The part of the condition that is meant for a machine.
  std::string erratum;  ///< What is known to be wrong with it here: its path's class, "condition", or both.

  // segment and data type sheets
  std::vector<Hop> hops;
  bool is_constant = false;
  std::string value;       ///< Of a constant.
  std::string data_type;   ///< "CWE[CodeableConcept]"
  std::string vocabulary;  ///< "AdmissionType"

  // message sheets
  std::string segment, group, segment_map;  ///< "PID", "" (root) or "PATIENT", "PID[Patient]"
  std::string references;

  // vocabulary sheets; the v2 code is `v2`
  std::string v2_system, code, system;  ///< "HL70001", "female", "http://hl7.org/fhir/administrative-gender"

  /// The published row says what v2 has, not where it goes in FHIR (or lists a FHIR code without a v2 code).
  bool maps_nothing = false;
};

struct Sheet {
  SheetKind kind = SheetKind::segment;
  std::string name;       ///< "PV1[Encounter]"
  std::string source;     ///< "PV1", "ADT_A01", "XPN"
  std::string target;     ///< "Encounter", "HumanName"; "" of messages and vocabularies
  std::string qualifier;  ///< "EncounterHistory"
  std::vector<OfficialRow> rows;
  std::string title() const { return std::string(to_text(kind)) + " " + name; }
};

/// One file below the folder: "segments/HL7 Segment - FHIR R4_ PV1[Encounter] - PV1.csv".
struct OfficialFile {
  std::string_view name;
  std::string_view text;
};

/// The sheets of the files in messages/, segments/, datatypes/ and codesystems/, in that order; other files
/// are skipped, but for errata-target-paths.csv and errata-conditions.csv, which mark the rows they list.
/// Errors: not_found (there is
/// no sheet among them), structure (a sheet without its two heading rows).
fhir::Result<std::vector<Sheet>> read_official(std::span<OfficialFile const> files);

/// A published FHIR path, taken apart. Tolerates what the sheets do: missing brackets, `([1]Organization.x)`,
/// `.reference(Type.x)`, capitals.
std::vector<Hop> hops_of(std::string_view published);

}  // namespace mappings::coverage
