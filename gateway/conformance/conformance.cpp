#include "gateway/conformance/conformance.hpp"

#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/validate/validator.hpp"
#include "gateway/terminology/index.hpp"

namespace gateway::conformance {

namespace {

/// What packages bring, and the code systems of release files.
class LoadedTerminology : public fhir::terminology::LibrarySource {
 public:
  LoadedTerminology(std::shared_ptr<fhir::packages::Library const> library,
                    std::shared_ptr<terminology::ReleaseIndexes const> releases)
      : LibrarySource(std::move(library)), releases_(std::move(releases)) {}

  std::shared_ptr<fhir::terminology::CodeSystem const> external(std::string_view url,
                                                                std::string_view version) const override {
    return releases_ == nullptr ? nullptr : releases_->find(url, version);
  }

 private:
  std::shared_ptr<terminology::ReleaseIndexes const> releases_;
};

}  // namespace

std::shared_ptr<Conformance const> make_conformance(
    LoadedPackages loaded, std::shared_ptr<terminology::ReleaseIndexes const> releases) {
  auto conformance = std::make_shared<Conformance>();
  conformance->validator = std::make_shared<fhir::validate::Validator const>(
      std::make_shared<fhir::profiles::Profiles const>(loaded.library));
  conformance->codes =
      std::make_shared<fhir::terminology::Codes const>(std::make_shared<fhir::terminology::Terminology const>(
          std::make_shared<LoadedTerminology const>(loaded.library, std::move(releases))));
  conformance->library = std::move(loaded.library);
  conformance->packages = std::move(loaded.packages);
  conformance->terminology_cache = fhir::terminology::Terminology::make_cache();
  return conformance;
}

std::shared_ptr<Conformance const> make_r4() {
  return make_conformance({fhir::packages::Library::r4(), {}, {}});
}

}  // namespace gateway::conformance
