/// How strictly what is to be stored is judged, whatever the door it came through.
/// Source: R4 validation.html; design fhir.md section 4; issue types as validate_structure and Validator say.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "gateway/conformance/conformance.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace gateway::conformance {

/// off: what can be read is taken; structure: R4's own structure, cardinality and required codes; full:
/// invariants, profiles, bindings, references, extensions as well.
enum class Judging : unsigned char { off, structure, full };

/// "off", "structure", "full"; nullopt for any other word, "" among them.
std::optional<Judging> to_judging(std::string_view word);

/// Judges resources that are to be written.
struct Judge {
  Judging judging = Judging::structure;
  std::shared_ptr<Definitions const> definitions = {};  ///< Needed for full.

  struct Findings {
    fhir::Issues errors;         ///< Empty: it may be written.
    bool is_well_formed = true;  ///< R4's own structure is kept: what is wrong, profiles and invariants say.
  };
  /// `now` is an instant, "" when unknown.
  Findings errors_in(fhir::json::Element const& resource, std::string_view now) const;
};

}  // namespace gateway::conformance
