/// What is loaded of FHIR's definitions, and how strictly what is written is judged by them.
/// Source: R4 validation.html; design fhir.md section 4.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/packages/library.hpp"
#include "fhir/result.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::validate {
class CodeChecker;
class Validator;
}  // namespace fhir::validate

namespace gateway::terminology {
class ReleaseIndexes;
}

namespace gateway::rest {

/// off: what can be read is taken; structure: R4's own structure, cardinality and required codes; full:
/// invariants, profiles, bindings, references, extensions as well.
enum class Judging : unsigned char { off, structure, full };

/// Definitions, ready to judge by. Shared by all threads.
struct Conformance {
  std::shared_ptr<fhir::packages::Library const> library;
  std::shared_ptr<fhir::validate::Validator const> validator;
  std::shared_ptr<fhir::validate::CodeChecker const> codes;
};

/// `releases`: code systems of the user's own release files; may be null.
std::shared_ptr<Conformance const> make_conformance(
    std::shared_ptr<fhir::packages::Library const> library,
    std::shared_ptr<terminology::ReleaseIndexes const> releases = nullptr);

/// R4 and the packages of those files, in this order. `warnings` gets what they depend on and is not there.
/// Errors: those of read_package and Library::add, the file's name as source.
fhir::Result<std::shared_ptr<fhir::packages::Library const>> load_library(
    std::vector<std::string> const& files, fhir::Issues& warnings);

/// Judges resources that are to be written.
struct Judge {
  Judging judging = Judging::structure;
  std::shared_ptr<Conformance const> conformance = {};  ///< Needed for full.

  struct Findings {
    fhir::Issues errors;         ///< Empty: it may be written.
    bool is_well_formed = true;  ///< R4's own structure is kept: what is wrong, profiles and invariants say.
  };
  /// `now` is an instant, "" when unknown.
  Findings errors_in(fhir::json::Element const& resource, std::string_view now) const;
};

}  // namespace gateway::rest
