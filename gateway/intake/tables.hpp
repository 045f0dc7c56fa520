/// The set of tables that translates: maps, overlays and partners' profiles as one immutable whole that is
/// swapped whole while the gateway runs (architecture.md section 2, "Threads"). A message keeps the set it
/// began with until it is answered.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/intake/partners.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::intake {

struct Tables {
  mappings::language::Maps maps;
  std::shared_ptr<Partners const> partners;
  std::string hash;     ///< 16 hex digits over every map file and profile: what journal rows name.
  std::string content;  ///< Files and profiles as JSON, for store::TableSet; restore() reads it.
};

/// A map file by name, with its text.
struct MapFile {
  std::string name;
  std::string text;
};

/// Compiles the built-in files and `overlays`, and joins the profiles of `settings` with what operators
/// answered (`codes`; the file's own code_maps win). Errors: the first of a table, naming file and line; a
/// profile that wants a message which its version of HL7 does not have.
fhir::Result<std::shared_ptr<Tables const>> make_tables(config::Settings const& settings,
                                                        std::vector<MapFile> const& overlays,
                                                        std::vector<store::PartnerCode> const& codes);

/// The set in force. Thread-safe.
class LiveTables {
 public:
  explicit LiveTables(std::shared_ptr<Tables const> first) : current_(std::move(first)) {}
  std::shared_ptr<Tables const> current() const {
    std::lock_guard const lock(mutex_);
    return current_;
  }
  void replace(std::shared_ptr<Tables const> next) {
    std::lock_guard const lock(mutex_);
    current_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Tables const> current_;
};

/// A set as it once was, compiled again from what the store kept.
struct PastTables {
  mappings::language::Maps maps;
  std::map<std::string, mappings::language::PartnerProfile, std::less<>> profiles;  ///< By partner.
};

/// Errors: structure (no such content), or why it compiles no more under this version of the program.
fhir::Result<PastTables> restore(std::string_view content);

/// Sets of the past by hash, the last few kept compiled. Thread-safe.
class TableArchive {
 public:
  /// nullptr when the store has none of that hash, or it cannot be restored.
  std::shared_ptr<PastTables const> find(store::Snapshot& snapshot, std::string_view hash);

 private:
  static constexpr std::size_t kKept = 4;  // a compiled set takes some megabytes
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::shared_ptr<PastTables const>>> kept_;  // newest last
};

}  // namespace gateway::intake
