/// The conformance resources of the loaded packages as a Source of terminology.
#pragma once

#include "fhir/packages/library.hpp"
#include "fhir/terminology/terminology.hpp"

#include <memory>

namespace fhir::terminology {

class LibrarySource : public Source {
 public:
  explicit LibrarySource(std::shared_ptr<packages::Library const> library) : library_(std::move(library)) {}

  std::optional<Found> find(std::string_view type, std::string_view url,
                            std::string_view version) const override;
  std::vector<Found> concept_maps() const override;

 private:
  Found found(packages::Entry const& entry) const;

  std::shared_ptr<packages::Library const> library_;
};

}  // namespace fhir::terminology
