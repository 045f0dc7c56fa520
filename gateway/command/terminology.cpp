#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/terminology/index.hpp"

#include <iostream>

namespace gateway::command {

namespace {

fhir::terminology::Release release_named(std::string const& name) {
  if (name == "snomed") return fhir::terminology::Release::snomed_ct;
  return name == "loinc" ? fhir::terminology::Release::loinc : fhir::terminology::Release::rxnorm;
}

}  // namespace

fhir::Result<std::shared_ptr<terminology::ReleaseIndexes const>> load_releases(
    std::vector<std::string> const& files) {
  auto releases = std::make_shared<terminology::ReleaseIndexes>();
  for (std::string const& file : files) {
    FHIR_TRY(auto index, terminology::open_index(file));
    releases->add(std::move(index));
  }
  return std::shared_ptr<terminology::ReleaseIndexes const>(std::move(releases));
}

fhir::Result<std::shared_ptr<terminology::RemoteServer>> make_remote(config::Settings const& settings) {
  if (settings.terminology_server.empty()) return std::shared_ptr<terminology::RemoteServer>();
  terminology::RemoteOptions options;
  options.base_url = settings.terminology_server;
  options.timeout = std::chrono::milliseconds(settings.terminology_timeout_ms);
  if (settings.terminology_server.starts_with("https:")) {
    FHIR_TRY(options.tls, net::TlsContext::client({.ca = settings.terminology_ca}));
  }
  auto remote = terminology::RemoteServer::make(std::move(options));
  if (remote) return remote;
  fhir::Issue issue = remote.error();
  issue.source = "terminology.server";
  return issue;
}

int terminology_import(TerminologyArguments const& arguments) {
  auto const report = terminology::import_release(release_named(arguments.release), arguments.folder,
                                                  arguments.index, arguments.version);
  if (!report) {
    print({report.error()});
    return kRefused;
  }
  std::cout << report->url << (report->version.empty() ? "" : "|") << report->version << "\n"
            << report->files << " files, " << report->concepts << " concepts, " << report->designations
            << " other names, " << report->properties << " properties, " << report->parents << " parents, "
            << report->unresolved << " records about what is not there\n";
  return kDone;
}

}  // namespace gateway::command
