/// What the release files of SNOMED CT (RF2), LOINC and RxNorm (RRF) hold, told file by file to a sink.
/// Source: SNOMED CT Release File Specification; LOINC Users' Guide (table layout); RxNorm Technical
/// Documentation.
///
/// Nothing here keeps a release in memory: a file is fed in pieces, each record is told and forgotten. No
/// release is part of this program; users give their own.
#pragma once

#include "fhir/result.hpp"
#include "fhir/terminology/release/records.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fhir::terminology {

enum class Release : unsigned char { snomed_ct, loinc, rxnorm };

std::string_view url_of(Release release);  ///< "http://snomed.info/sct"

/// Told what a release says. All texts are good for the call only. Concepts are named by their codes.
class ReleaseSink {
 public:
  virtual ~ReleaseSink() = default;
  virtual Result<void> add_concept(std::string_view code, std::string_view display, bool inactive) = 0;
  /// `id` is what prefer() names it by, "" for none; `use` "" is any other name.
  virtual Result<void> add_designation(std::string_view id, std::string_view concept_code,
                                       std::string_view language, std::string_view use,
                                       std::string_view value) = 0;
  /// A designation is the preferred one of its use; rank 0 is the best.
  virtual Result<void> prefer(std::string_view id, int rank) = 0;
  virtual Result<void> add_parent(std::string_view child, std::string_view parent) = 0;
  virtual Result<void> add_property(std::string_view concept_code, std::string_view property,
                                    std::string_view type, std::string_view value) = 0;
  /// Something in the release is of this version; the newest counts.
  virtual void note_version(std::string_view version) = 0;
};

/// One file of a release.
class ReleaseFile {
 public:
  virtual ~ReleaseFile() = default;
  /// Errors: structure (not the columns of such a file, a record with too few), and what records and sink
  /// say.
  virtual Result<void> feed(std::string_view bytes) = 0;
  virtual Result<void> finish() = 0;
  /// Files are read in this order: what names concepts comes after what defines them.
  virtual int order() const = 0;
};

/// The reader of a file by its name ("sct2_Concept_Snapshot_INT_20240101.txt", "Loinc.csv", "RXNCONSO.RRF"),
/// or nullptr when the file is of no use here. `sink` outlives it.
std::unique_ptr<ReleaseFile> open_release_file(Release release, std::string_view file_name,
                                               ReleaseSink& sink);

}  // namespace fhir::terminology
