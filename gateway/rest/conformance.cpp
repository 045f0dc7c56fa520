#include "gateway/rest/conformance.hpp"

#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/validate/structure.hpp"
#include "fhir/validate/validator.hpp"
#include "gateway/terminology/index.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace gateway::rest {

namespace {

constexpr std::uint64_t kWorkMax = 5'000'000;  // about 5 s; a bundle of 1 MB takes a fifth of it

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

fhir::Result<std::string> read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fhir::error(fhir::IssueType::not_found, "the package cannot be read", {}, path);
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::shared_ptr<Conformance const> make_conformance(
    std::shared_ptr<fhir::packages::Library const> library,
    std::shared_ptr<terminology::ReleaseIndexes const> releases) {
  auto conformance = std::make_shared<Conformance>();
  conformance->validator = std::make_shared<fhir::validate::Validator const>(
      std::make_shared<fhir::profiles::Profiles const>(library));
  conformance->codes =
      std::make_shared<fhir::terminology::Codes const>(std::make_shared<fhir::terminology::Terminology const>(
          std::make_shared<LoadedTerminology const>(library, std::move(releases))));
  conformance->library = std::move(library);
  return conformance;
}

fhir::Result<std::shared_ptr<fhir::packages::Library const>> load_library(
    std::vector<std::string> const& files, fhir::Issues& warnings) {
  auto const core = fhir::packages::Library::r4();
  if (files.empty()) return core;
  auto library = std::make_shared<fhir::packages::Library>(core);
  for (std::string const& path : files) {
    auto const refuse = [&](fhir::Issue issue) {
      issue.source = issue.source.empty() || issue.source == path ? path : path + ": " + issue.source;
      return issue;
    };
    FHIR_TRY(std::string const bytes, read_file(path));
    auto package = fhir::packages::read_package(bytes);
    if (!package) return refuse(std::move(package).error());
    auto added = library->add(std::move(*package));
    if (!added) return refuse(std::move(added).error());
    for (fhir::Issue& issue : *added) warnings.push_back(refuse(std::move(issue)));
  }
  return std::shared_ptr<fhir::packages::Library const>(std::move(library));
}

Judge::Findings Judge::errors_in(fhir::json::Element const& resource, std::string_view now) const {
  Findings findings;
  if (judging == Judging::off) return findings;
  fhir::validate::validate_structure(resource, findings.errors);
  findings.is_well_formed = findings.errors.empty();
  if (judging == Judging::structure || conformance == nullptr || !findings.is_well_formed) return findings;
  fhir::validate::Options options;
  options.codes = conformance->codes.get();
  options.now = now;
  options.work_max = kWorkMax;
  conformance->validator->validate(resource, options, findings.errors);
  std::erase_if(findings.errors,
                [](fhir::Issue const& issue) { return issue.severity > fhir::Severity::error; });
  return findings;
}

}  // namespace gateway::rest
