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

/// `via | datatype FN[HumanName] | XPN~HumanName | 1`: the type pair, and which part of its v2 type, that a
/// sheet without a pair of its own name is probed through; a fifth cell names the element of the pair's that
/// it is about.
struct Via {
  std::string sheet, pair, prefix;
  std::size_t part = 0;  ///< 0: the whole value
  std::size_t line = 0;
};

struct Reasons {
  std::vector<Reason> reasons;
  std::vector<Via> vias;
};

/// Errors: structure (a line that is neither comment, reason nor via; a reason without text), source: the
/// line.
fhir::Result<Reasons> parse_reasons(std::string_view text);

/// The reasons that are part of the program.
std::string_view builtin_reasons();

struct Report {
  std::vector<SheetReport> sheets;
  /// Reasons that have rotted: they match no official row, or only rows that are covered by now.
  fhir::Issues stale;
  std::size_t count(SheetKind kind, Standing standing) const;
};

/// `sheets` must outlive the report.
Report compare(language::Maps const& maps, std::span<Sheet const> sheets, Reasons const& reasons);

/// `*` stands for any text; alternatives are separated by ` or `.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace mappings::coverage
