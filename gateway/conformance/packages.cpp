#include "gateway/conformance/packages.hpp"

#include "fhir/validate/validator.hpp"
#include "gateway/conformance/conformance.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace gateway::conformance {

namespace {

using fhir::packages::Dependency;
using fhir::packages::Loaded;
using fhir::packages::Package;

struct Candidate {
  PackageSource const* source = nullptr;
  Package package;
};

fhir::Issue placed(fhir::Issue issue, PackageSource const& source) {
  bool const says_more = !issue.source.empty() && issue.source != source.name;
  issue.source = says_more ? source.name + ": " + issue.source : source.name;
  return issue;
}

bool is_met_by(Dependency const& dependency, Package const& package) {
  return package.name == dependency.name && package.version == dependency.version;
}

/// Whether one of `waiting` should be there before `candidate`: the version it names, or any of that name
/// where nobody has that version.
bool waits(Candidate const& candidate, std::vector<Candidate> const& waiting) {
  auto const& dependencies = candidate.package.dependencies;
  return std::ranges::any_of(dependencies, [&](Dependency const& dependency) {
    return std::ranges::any_of(waiting, [&](Candidate const& other) {
      return &other != &candidate && is_met_by(dependency, other.package);
    });
  });
}

std::size_t first_ready(std::vector<Candidate> const& waiting, fhir::Issues& warnings) {
  auto const ready =
      std::ranges::find_if(waiting, [&](Candidate const& one) { return !waits(one, waiting); });
  if (ready != waiting.end()) return static_cast<std::size_t>(ready - waiting.begin());
  warnings.push_back(placed(fhir::warning(fhir::IssueType::business_rule,
                                          "this package and others depend on each other in a circle"),
                            *waiting.front().source));
  return 0;
}

PackageFacts facts_of(PackageSource const& source, fhir::packages::Library const& library) {
  Loaded const& loaded = *library.packages().back();
  PackageFacts facts;
  facts.name = loaded.name;
  facts.version = loaded.version;
  facts.loaded_by = source.loaded_by;
  facts.loaded_ms = source.loaded_ms;
  if (source.loaded_by.empty()) facts.source = source.name;
  facts.resources = loaded.resources;
  for (Dependency const& dependency : loaded.dependencies) {
    PackageFacts::Needs needs{dependency.name, dependency.version, {}};
    for (Loaded const* const one : loaded.closure) {
      if (one->name == dependency.name && (needs.loaded.empty() || one->version == dependency.version))
        needs.loaded = one->version;
    }
    facts.dependencies.push_back(std::move(needs));
  }
  return facts;
}

/// Invariants of the profile's own that nobody can judge by.
void add_broken(fhir::profiles::Profile const& profile, fhir::profiles::Shape const& shape,
                fhir::Issues& issues) {
  for (auto const* const constraint : shape.constraints) {
    if (constraint->expression || constraint->broken.empty()) continue;
    issues.push_back(fhir::warning(fhir::IssueType::not_supported,
                                   "the invariant " + std::string(constraint->key) +
                                       " cannot be read and is not judged: " + constraint->broken,
                                   std::string(shape.id), std::string(profile.url)));
  }
  for (auto const* const list : {&shape.children, &shape.slices}) {
    for (auto const& below : *list) add_broken(profile, *below, issues);
  }
}

}  // namespace

fhir::Result<LoadedPackages> load_packages(std::vector<PackageSource> const& sources) {
  auto const core = fhir::packages::Library::r4();
  LoadedPackages loaded{core, {}, {}};
  if (sources.empty()) return loaded;
  std::vector<Candidate> waiting;
  for (PackageSource const& source : sources) {
    auto package = fhir::packages::read_package(source.bytes);
    if (!package) return placed(std::move(package).error(), source);
    waiting.push_back({&source, std::move(*package)});
  }
  auto library = std::make_shared<fhir::packages::Library>(core);
  while (!waiting.empty()) {
    auto const next = waiting.begin() + static_cast<std::ptrdiff_t>(first_ready(waiting, loaded.warnings));
    PackageSource const& source = *next->source;
    auto added = library->add(std::move(next->package));
    if (!added) return placed(std::move(added).error(), source);
    for (fhir::Issue& issue : *added) loaded.warnings.push_back(placed(std::move(issue), source));
    loaded.packages.push_back(facts_of(source, *library));
    waiting.erase(next);
  }
  loaded.library = std::move(library);
  return loaded;
}

fhir::Result<std::vector<PackageSource>> read_packages(std::vector<std::string> const& files) {
  std::vector<PackageSource> sources;
  for (std::string const& path : files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fhir::error(fhir::IssueType::not_found, "the package cannot be read", {}, path);
    sources.push_back({path, std::string{std::istreambuf_iterator<char>(file), {}}});
  }
  return sources;
}

fhir::Issues check_definitions(Conformance const& conformance, std::string_view name,
                               std::string_view version) {
  fhir::Issues issues;
  for (auto const* const entry : conformance.library->list("StructureDefinition")) {
    if (entry->package->name != name || entry->package->version != version) continue;
    std::string canonical(entry->url);
    if (!entry->version.empty()) canonical.append("|").append(entry->version);
    auto const profile = conformance.validator->profiles().find(canonical, entry->package);
    if (profile) {
      add_broken(**profile, (*profile)->root, issues);
      std::size_t const first = issues.size();
      fhir::validate::check_definition(conformance.validator->profiles(), *(*profile)->structure, issues);
      for (std::size_t i = first; i < issues.size(); ++i) {
        issues[i].source = entry->url;
        // Published packages fix other urls than the extension they rest on; what is wider is refused.
        if (issues[i].code != fhir::IssueType::business_rule) issues[i].severity = fhir::Severity::warning;
      }
      continue;
    }
    fhir::Issue issue = profile.error();
    if (issue.code == fhir::IssueType::not_found) issue.severity = fhir::Severity::warning;
    if (issue.source.empty()) issue.source = entry->url;
    issues.push_back(std::move(issue));
  }
  return issues;
}

}  // namespace gateway::conformance
