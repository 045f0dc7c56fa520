#include "gateway/ops/packages.hpp"

#include "fhir/packages/package.hpp"

#include <algorithm>

namespace gateway::ops {

using conformance::PackageFacts;
using conformance::PackageSource;

namespace {

constexpr std::size_t kReasonsMax = 5;  // of one refusal

std::string name_of(std::string_view name, std::string_view version) {
  return std::string(name).append(" ").append(version);
}

/// The errors among the findings as one refusal; nothing wrong: nothing refused.
fhir::Result<void> refuse_errors(fhir::Issues const& findings) {
  std::size_t errors = 0;
  std::string text;
  for (fhir::Issue const& one : findings) {
    if (one.severity > fhir::Severity::error || ++errors > kReasonsMax) continue;
    if (!text.empty()) text += "; ";
    text += one.source;
    if (!one.expression.empty()) text.append(" ").append(one.expression);
    text.append(": ").append(one.diagnostics);
  }
  if (errors == 0) return {};
  if (errors > kReasonsMax) text += "; and " + std::to_string(errors - kReasonsMax) + " more";
  return fhir::error(fhir::IssueType::processing, std::move(text));
}

}  // namespace

fhir::Result<std::vector<PackageSource>> Packages::sources(std::vector<std::string> const& files,
                                                           fhir::Issues& warnings) const {
  FHIR_TRY(auto all, conformance::read_packages(files));
  std::vector<std::string> of_files;
  for (PackageSource const& file : all) {
    auto const package = fhir::packages::read_package(file.bytes);
    if (!package) {
      fhir::Issue issue = package.error();
      issue.source = issue.source.empty() ? file.name : file.name + ": " + issue.source;
      return issue;
    }
    of_files.push_back(name_of(package->name, package->version));
  }
  FHIR_TRY(auto const snapshot, store_.snapshot());
  FHIR_TRY(auto kept, snapshot->packages());
  for (store::FhirPackage& one : kept) {
    std::string name = name_of(one.name, one.version);
    if (std::ranges::find(of_files, name) != of_files.end()) {
      warnings.push_back(fhir::warning(fhir::IssueType::duplicate,
                                       "an operator loaded it and the configuration names its file; the "
                                       "file is used",
                                       {}, std::move(name)));
      continue;
    }
    all.push_back({std::move(name), std::move(one.bytes), one.operator_name, one.loaded_ms});
  }
  return all;
}

fhir::Result<Packages::Prepared> Packages::prepare(std::vector<std::string> files) const {
  Prepared prepared;
  FHIR_TRY(auto const all, sources(files, prepared.warnings));
  FHIR_TRY(auto loaded, conformance::load_packages(all));
  std::ranges::move(loaded.warnings, std::back_inserter(prepared.warnings));
  prepared.files = std::move(files);
  prepared.conformance = conformance::make_conformance(std::move(loaded), releases_);
  for (PackageFacts const& one : prepared.conformance->packages) {
    if (!one.loaded_by.empty()) continue;  // judged when it was loaded
    auto findings = conformance::check_definitions(*prepared.conformance, one.name, one.version);
    if (auto refused = refuse_errors(findings); !refused) {
      fhir::Issue issue = std::move(refused).error();
      issue.source = one.source;
      return issue;
    }
    std::ranges::move(findings, std::back_inserter(prepared.warnings));
  }
  return prepared;
}

void Packages::put_in_force(Prepared prepared) {
  files_ = std::move(prepared.files);
  definitions_->replace(std::move(prepared.conformance));
}

fhir::Result<Packages::Loaded> Packages::load(std::string bytes, std::string const& operator_name) {
  FHIR_TRY(auto const package, fhir::packages::read_package(bytes));
  std::string const name = name_of(package.name, package.version);
  fhir::Issues warnings;
  FHIR_TRY(auto all, sources(files_, warnings));
  std::int64_t const now = clock_();
  all.push_back({name, bytes, operator_name, now});
  FHIR_TRY(auto loaded, conformance::load_packages(all));
  warnings = std::move(loaded.warnings);
  auto const conformance = conformance::make_conformance(std::move(loaded), releases_);
  auto findings = conformance::check_definitions(*conformance, package.name, package.version);
  FHIR_CHECK(refuse_errors(findings));
  std::ranges::move(findings, std::back_inserter(warnings));
  FHIR_CHECK(store_.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    unit.put_package({package.name, package.version, now, operator_name, bytes});
    unit.add_act(
        {.operator_name = operator_name, .action = "load", .object = "package " + name, .outcome = "done"});
    return {};
  }));
  definitions_->replace(conformance);
  auto const facts = std::ranges::find_if(conformance->packages, [&](PackageFacts const& one) {
    return one.name == package.name && one.version == package.version;
  });
  return Loaded{*facts, std::move(warnings)};
}

fhir::Result<void> Packages::remove(std::string const& name, std::string const& version,
                                    std::string const& operator_name) {
  auto const all = facts();
  auto const found = std::ranges::find_if(
      all, [&](PackageFacts const& one) { return one.name == name && one.version == version; });
  if (found == all.end())
    return fhir::error(fhir::IssueType::not_found, "no package of that name and version is loaded");
  if (found->loaded_by.empty())
    return fhir::error(fhir::IssueType::conflict, "it is a file of the configuration: " + found->source);
  for (PackageFacts const& other : all) {
    for (auto const& needs : other.dependencies) {
      if (needs.name == name && needs.loaded == version)
        return fhir::error(fhir::IssueType::conflict,
                           name_of(other.name, other.version) + " depends on it; remove that first");
    }
  }
  fhir::Issues ignored;
  FHIR_TRY(auto left, sources(files_, ignored));
  std::erase_if(left, [&](PackageSource const& one) {
    return !one.loaded_by.empty() && one.name == name_of(name, version);
  });
  FHIR_TRY(auto loaded, conformance::load_packages(left));
  auto const conformance = conformance::make_conformance(std::move(loaded), releases_);
  FHIR_CHECK(store_.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    unit.remove_package(name, version);
    unit.add_act({.operator_name = operator_name,
                  .action = "remove",
                  .object = "package " + name_of(name, version),
                  .outcome = "done"});
    return {};
  }));
  definitions_->replace(conformance);
  return {};
}

}  // namespace gateway::ops
