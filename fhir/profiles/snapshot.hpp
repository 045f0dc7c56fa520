/// The snapshot of a StructureDefinition: published, or generated from its differential.
/// Source: R4 profiling.html, elementdefinition.html#interpretation, structuredefinition.html#snapshot.
///
/// A snapshot is built as a tree (elements, their children, their slices) from the base definition's; each
/// element of the differential finds its place, unfolding types, profiles and content references on the way,
/// and its members replace those that stand there. Conditions, constraints and mappings are added to.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/packages/library.hpp"
#include "fhir/result.hpp"

#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fhir::profiles {

/// One snapshot: its ElementDefinitions in order, the first is the root. Lives as long as the Snapshots it is
/// of.
using ElementDefinitions = std::span<json::Element const>;

class Snapshots {
 public:
  enum class Prefer : unsigned char { published, generated };

  explicit Snapshots(std::shared_ptr<packages::Library const> library, Prefer prefer = Prefer::published);
  Snapshots(Snapshots const&) = delete;
  Snapshots& operator=(Snapshots const&) = delete;
  ~Snapshots();

  packages::Library const& library() const { return *library_; }

  /// Errors: not_found (a base definition that is not loaded), processing (definitions that rest on
  /// themselves; an element of the differential that has no place in the base), each with the url as source
  /// and the element's id as expression. May be asked by several threads.
  Result<ElementDefinitions> of(packages::Entry const& entry) const;

 private:
  friend class Generator;
  Result<ElementDefinitions> find_or_make(packages::Entry const& entry) const;

  std::shared_ptr<packages::Library const> library_;
  Prefer prefer_;
  struct Kept;
  mutable std::recursive_mutex mutex_;
  mutable std::unordered_map<packages::Entry const*, std::unique_ptr<Kept>> kept_;
  mutable std::vector<packages::Entry const*> under_way_;
};

/// The url of R4's own definition of a type: "Patient" gives http://hl7.org/fhir/StructureDefinition/Patient.
std::string definition_url(std::string_view type);

/// A type's code as it is written in FHIR: "http://hl7.org/fhirpath/System.String" is what its fhir-type
/// extension says.
std::string_view type_code(json::Element const& type);

}  // namespace fhir::profiles
