#include "gateway/command/setup.hpp"

#include <chrono>
#include <deque>
#include <fstream>
#include <iterator>

namespace gateway::command {

store::ClockMs wall_clock() {
  return [] {
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  };
}

fhir::Result<std::string> read_file(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fhir::error(fhir::IssueType::not_found, "the file cannot be read", {}, path);
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

fhir::Result<config::Settings> load_settings(std::string const& config) {
  if (config.empty()) return config::defaults();
  return config::load(config);
}

fhir::Result<mappings::language::Maps> load_maps(std::vector<std::string> const& overlays) {
  if (overlays.empty()) return mappings::language::builtin();
  auto const built_in = mappings::language::builtin_files();
  std::vector<mappings::language::SourceFile> files(built_in.begin(), built_in.end());
  std::deque<std::string> texts;  // SourceFile holds views
  for (std::string const& path : overlays) {
    FHIR_TRY(auto text, read_file(path));
    texts.push_back(std::move(text));
    files.push_back({path, texts.back()});
  }
  auto compiled = mappings::language::compile(files);
  if (compiled.maps) return *compiled.maps;
  for (fhir::Issue& issue : compiled.issues) {
    if (issue.severity == fhir::Severity::error) return std::move(issue);
  }
  return fhir::error(fhir::IssueType::exception, "the tables do not compile");
}

fhir::Result<std::unique_ptr<store::Snapshot>> open_view(std::string const& config) {
  FHIR_TRY(auto const settings, load_settings(config));
  return store::open_sqlite_view({.path = settings.store_path});
}

fhir::Result<std::shared_ptr<intake::Tables const>> load_tables(
    config::Settings const& settings, std::vector<store::PartnerCode> const& codes) {
  std::vector<intake::MapFile> overlays;
  for (std::string const& path : settings.map_overlays) {
    FHIR_TRY(auto text, read_file(path));
    overlays.push_back({path, std::move(text)});
  }
  return intake::make_tables(settings, overlays, codes);
}

fhir::Result<std::shared_ptr<intake::Tables const>> tables_of_view(std::string const& config,
                                                                   store::Snapshot& snapshot) {
  FHIR_TRY(auto const settings, load_settings(config));
  FHIR_TRY(auto const codes, snapshot.partner_codes());
  return load_tables(settings, codes);
}

fhir::Result<Setup> make_setup(std::string const& config) {
  FHIR_TRY(auto settings, load_settings(config));
  auto clock = wall_clock();
  // Tables before the store: what does not compile leaves no file behind.
  FHIR_CHECK(load_tables(settings, {}));
  FHIR_TRY(auto store, store::open_sqlite({.path = settings.store_path}, clock));
  std::vector<store::PartnerCode> codes;
  {
    FHIR_TRY(auto const snapshot, store->snapshot());
    FHIR_TRY(codes, snapshot->partner_codes());
  }
  FHIR_TRY(auto tables, load_tables(settings, codes));
  return Setup{std::move(settings), std::move(store), std::make_shared<intake::LiveTables>(std::move(tables)),
               std::move(clock)};
}

}  // namespace gateway::command
