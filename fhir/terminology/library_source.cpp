#include "fhir/terminology/library_source.hpp"

namespace fhir::terminology {

Found LibrarySource::found(packages::Entry const& entry) const {
  json::Element const& tree = library_->tree(entry);
  // An entry's address is its name for as long as the library lives, which the pointer given sees to.
  std::string key = "library:" + std::to_string(reinterpret_cast<std::uintptr_t>(&entry));
  return Found{SharedElement(library_, &tree), std::move(key)};
}

std::optional<Found> LibrarySource::find(std::string_view type, std::string_view url,
                                         std::string_view version) const {
  std::string canonical(url);
  if (!version.empty()) canonical.append("|").append(version);
  packages::Entry const* const entry = library_->find(type, canonical);
  if (entry == nullptr) return std::nullopt;
  return found(*entry);
}

std::vector<Found> LibrarySource::concept_maps() const {
  std::vector<Found> all;
  for (packages::Entry const* const entry : library_->list("ConceptMap")) all.push_back(found(*entry));
  return all;
}

}  // namespace fhir::terminology
