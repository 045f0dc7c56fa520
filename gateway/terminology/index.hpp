/// gateway/terminology: code systems of the user's own release files, indexed on disk.
///
/// A release (SNOMED CT RF2, LOINC's table, RxNorm RRF) is read once, file by file, into a SQLite database of
/// its own; the gateway opens that and asks it. May call fhir and store's SQLite connection. Nothing of a
/// release stands in this program.
#pragma once

#include "fhir/result.hpp"
#include "fhir/terminology/code_system.hpp"
#include "fhir/terminology/release/release.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::terminology {

struct ImportReport {
  std::string url;
  std::string version;
  std::int64_t files = 0;
  std::int64_t concepts = 0;
  std::int64_t designations = 0;
  std::int64_t properties = 0;
  std::int64_t parents = 0;
  std::int64_t unresolved = 0;  ///< Records about a concept or designation that the release has not.
};

/// Reads the files of a release below `folder` (or that file) into a new index at `index`, which is replaced
/// only when all of them were read. `version` "" takes what the files say. Errors: not_found (no such file
/// there), those of the files with file and line, no_store and exception of the disk.
fhir::Result<ImportReport> import_release(fhir::terminology::Release release,
                                          std::filesystem::path const& folder,
                                          std::filesystem::path const& index, std::string_view version = {});

/// Opens an index. It may be asked by several threads. Errors: exception (no index, or of another form).
fhir::Result<std::shared_ptr<fhir::terminology::CodeSystem const>> open_index(
    std::filesystem::path const& index);

/// The indexes that are open.
class ReleaseIndexes {
 public:
  void add(std::shared_ptr<fhir::terminology::CodeSystem const> system) {
    systems_.push_back(std::move(system));
  }
  /// By url; `version` "" finds the first.
  std::shared_ptr<fhir::terminology::CodeSystem const> find(std::string_view url,
                                                            std::string_view version) const;
  std::vector<std::shared_ptr<fhir::terminology::CodeSystem const>> const& all() const { return systems_; }

 private:
  std::vector<std::shared_ptr<fhir::terminology::CodeSystem const>> systems_;
};

}  // namespace gateway::terminology
