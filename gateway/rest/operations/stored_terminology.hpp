/// Stored CodeSystems, ValueSets and ConceptMaps, over those of the loaded packages.
#pragma once

#include "fhir/terminology/library_source.hpp"
#include "gateway/rest/context.hpp"
#include "gateway/store/store.hpp"

#include <memory>

namespace gateway::rest {

/// What a principal may read at one snapshot. Of one request, and so of one thread.
class StoredTerminology : public fhir::terminology::Source {
 public:
  StoredTerminology(store::Snapshot& snapshot, store::AccessPolicy policy,
                    std::shared_ptr<fhir::packages::Library const> library,
                    std::shared_ptr<terminology::ReleaseIndexes const> releases)
      : snapshot_(snapshot),
        policy_(std::move(policy)),
        library_(std::move(library)),
        releases_(std::move(releases)) {}

  std::optional<fhir::terminology::Found> find(std::string_view type, std::string_view url,
                                               std::string_view version) const override;
  std::vector<fhir::terminology::Found> concept_maps() const override;
  std::shared_ptr<fhir::terminology::CodeSystem const> external(std::string_view url,
                                                                std::string_view version) const override;

  /// Why the store could not be asked, if that happened: then "not found" is not what it says.
  std::optional<fhir::Issue> const& failure() const { return failure_; }

  /// The resource as stored, keyed by its version. Errors: exception (it cannot be parsed).
  static fhir::Result<fhir::terminology::Found> found(store::Version const& version);

 private:
  std::vector<store::Version> search(std::string_view type, std::string const& query) const;

  mutable std::optional<fhir::Issue> failure_;
  store::Snapshot& snapshot_;
  store::AccessPolicy policy_;
  fhir::terminology::LibrarySource library_;
  std::shared_ptr<terminology::ReleaseIndexes const> releases_;
};

}  // namespace gateway::rest
