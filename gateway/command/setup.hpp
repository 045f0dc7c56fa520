/// What every command that touches the store or a partner's profile begins with.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/intake/tables.hpp"
#include "gateway/store/store.hpp"
#include "gateway/terminology/index.hpp"
#include "gateway/terminology/remote.hpp"
#include "mappings/language/translator.hpp"

#include <memory>
#include <string>
#include <vector>

namespace gateway::command {

struct Setup {
  config::Settings settings;
  std::unique_ptr<store::Store> store;
  std::shared_ptr<intake::LiveTables> tables;
  store::ClockMs clock;
};

store::ClockMs wall_clock();

/// The settings of the file, or the defaults for "".
fhir::Result<config::Settings> load_settings(std::string const& config);

/// The built-in tables and the overlays. Errors: the first that a table has, naming file and line.
fhir::Result<mappings::language::Maps> load_maps(std::vector<std::string> const& overlays);

/// Tables, overlays and profiles of the settings, with what operators answered.
fhir::Result<std::shared_ptr<intake::Tables const>> load_tables(config::Settings const& settings,
                                                                std::vector<store::PartnerCode> const& codes);

/// All of it, the store opened.
fhir::Result<Setup> make_setup(std::string const& config);

/// A view of the store for commands that only look: works beside a running gateway.
fhir::Result<std::unique_ptr<store::Snapshot>> open_view(std::string const& config);
/// The tables that a gateway started now would use, seen from a view.
fhir::Result<std::shared_ptr<intake::Tables const>> tables_of_view(std::string const& config,
                                                                   store::Snapshot& snapshot);

/// The terminology indexes of those files. Errors: what open_index says of the first that is none.
fhir::Result<std::shared_ptr<terminology::ReleaseIndexes const>> load_releases(
    std::vector<std::string> const& files);

/// The other terminology server of the settings, or null. Errors: value (its URL), those of its certificates.
fhir::Result<std::shared_ptr<terminology::RemoteServer>> make_remote(config::Settings const& settings);

fhir::Result<std::string> read_file(std::string const& path);

}  // namespace gateway::command
