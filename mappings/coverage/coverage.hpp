/// Compares our tables with those that HL7 publishes, row by row: `handoff maps coverage`.
///
/// "Covered" is computed, never declared: a compiled row of ours (or a default, a discriminator, a type pair
/// run on a sample) fills the same FHIR element of the same resource type from the same v2 field. Every other
/// official row needs a reason in mappings/coverage/official.reasons, or it is missing.
///
/// May call: fhir/, mappings/language (what the tables reach), mappings/types. Pure.
#pragma once

#include "mappings/coverage/official.hpp"
#include "mappings/language/translator.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::coverage {

enum class Standing : std::uint8_t {
  covered,       ///< our tables do the same
  deviating,     ///< we do otherwise, with a reason
  out_of_scope,  ///< we do not do it, with a reason
  no_target,     ///< the official row itself maps nothing
  missing        ///< none of these
};
inline constexpr std::size_t kStandings = 5;

struct Verdict {
  Standing standing = Standing::missing;
  std::string why;  ///< Our row that covers it, or the reason.
};

struct SheetReport {
  Sheet const* sheet = nullptr;
  std::vector<Verdict> verdicts;  ///< One per row of the sheet.
  std::array<std::size_t, kStandings> counts() const;
};

/// `deviates | segment PV1[Encounter] | PV1-2 | status | the status comes from the event`: one line of the
/// reasons.
struct Reason {
  Standing standing = Standing::deviating;  ///< deviating or out_of_scope
  std::string sheet, v2, target;            ///< Patterns: `*` any text, ` or ` between alternatives.
  std::string text;
  std::size_t line = 0;
};

/// How a sheet is compared that our tables do not follow row by row. A line that covers no published row has
/// rotted.
struct Way {
  enum class Kind : std::uint8_t {
    /// `via | datatype FN[HumanName] | XPN~HumanName | 1 | family | Muster^Anna`: the type pair is run. PART
    /// is
    /// which part of its v2 type the sheet is about (0: all of it), ELEMENT which element of what it makes,
    /// SAMPLE what stands in the parts beside it. Of a vocabulary sheet every code is put into PART and
    /// looked
    /// for in ELEMENT.
    pair,
    /// `rows | datatype TQ[ServiceRequest] | ServiceRequest | occurrenceTiming`: our rows read a field of
    /// this
    /// type component by component; ELEMENT is where the sheet's own paths begin.
    rows,
    /// `events | vocabulary Event[EncounterStatus] | ADT | Encounter.status`: our event tables.
    events
  };
  Kind kind = Kind::pair;
  std::string sheet;
  std::string by;       ///< The pair, the resource type, the message.
  std::string element;  ///< "" for the whole value.
  std::size_t part = 0;
  std::string sample;  ///< Of rows: "OBX-4", the one field that counts.
  std::size_t line = 0;
};

struct Reasons {
  std::vector<Reason> reasons;
  std::vector<Way> ways;
};

/// Errors: structure (a line that is neither comment, reason nor way; a reason without text; a pair that does
/// not exist), source: the line.
fhir::Result<Reasons> parse_reasons(std::string_view text);

/// The reasons that are part of the program.
std::string_view builtin_reasons();

struct Report {
  std::vector<SheetReport> sheets;
  /// Lines that have rotted: reasons that match no official row, or only rows that are covered by now; ways
  /// that cover none.
  fhir::Issues stale;
  std::size_t count(SheetKind kind, Standing standing) const;
};

/// `sheets` must outlive the report.
Report compare(language::Maps const& maps, std::span<Sheet const> sheets, Reasons const& reasons);

/// `*` stands for any text; alternatives are separated by ` or `.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace mappings::coverage
