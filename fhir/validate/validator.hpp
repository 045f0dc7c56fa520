/// A resource against everything that FHIR and profiles say of it.
/// Source: R4 validation.html, profiling.html, conformance-rules.html, terminologies.html, references.html,
/// extensibility.html, bundle.html.
///
/// One walk over the resource carries, for each element, every definition that speaks of it: R4's own, those
/// of the profiles that are asked for or claimed in meta.profile, of slices, of extensions, of types. What
/// two of them say alike is judged once.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/profiles/profile.hpp"
#include "fhir/result.hpp"
#include "fhir/validate/code_checker.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::validate {

/// What an extension whose definition is not loaded is taken for.
enum class UnknownExtensions : unsigned char { warned, refused };

struct Options {
  std::vector<std::string> profiles;  ///< The resource is judged against these too.
  CodeChecker const* codes =
      nullptr;  ///< nullptr: only codes that R4's required bindings enumerate are judged.
  /// A resource outside the one that is judged, by reference or canonical; may be empty, nullptr is unknown.
  std::function<json::Element const*(std::string_view)> resolve;
  std::string_view now;  ///< For invariants that ask the time: "2026-01-31T10:00:00.000Z".
  UnknownExtensions unknown_extensions = UnknownExtensions::warned;
  bool refuses_wrong_displays = false;  ///< A display that is not the code's is an error, not a warning.
  std::vector<std::string>
      extension_domains;                ///< Begins of urls: unknown extensions of those are never refused.
  std::uint64_t work_max = 20'000'000;  ///< Elements looked at, times their definitions, before too_costly.
  std::function<bool()> out_of_time;    ///< Asked now and then; true ends with too_costly.
  std::size_t issues_max = 500;  ///< Above this many findings the walk ends, with one more that says so.
};

class Validator {
 public:
  explicit Validator(std::shared_ptr<profiles::Profiles const> profiles) : profiles_(std::move(profiles)) {}

  /// Appends every finding. Codes: those of validate_structure, and value (fixed, pattern, ranges, type),
  /// required and structure (cardinality, slices), code_invalid (bindings), invariant, extension, not_found
  /// (a profile or target that is not known), business_rule (Bundle, questionnaires), too_costly (a budget),
  /// informational. May be called by several threads.
  void validate(json::Element const& resource, Options const& options, Issues& issues) const;

  profiles::Profiles const& profiles() const { return *profiles_; }

 private:
  std::shared_ptr<profiles::Profiles const> profiles_;
};

/// What a profile's differential has against its base: what is wider than there, another fixed value, a
/// discriminator that leads nowhere. Nothing when the base is not loaded. Appends to `issues`.
void check_definition(profiles::Profiles const& profiles, json::Element const& definition, Issues& issues);

/// Whether any finding is an error or worse.
bool has_error(Issues const& issues);

}  // namespace fhir::validate
