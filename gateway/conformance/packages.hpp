/// FHIR packages into one library, in the order that their dependencies ask for.
/// Source: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification.
#pragma once

#include "fhir/packages/library.hpp"
#include "fhir/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::conformance {

struct Conformance;

/// A package as it was given: a file, or the bytes that an operator sent.
struct PackageSource {
  std::string name;            ///< What errors call it: the file's path, "us.core 6.1.0".
  std::string bytes;           ///< The .tgz.
  std::string loaded_by = {};  ///< The operator; "" for a file of the configuration.
  std::int64_t loaded_ms = 0;
};

/// What a loaded package is.
struct PackageFacts {
  std::string name, version;
  std::string source;     ///< The file's path; "" when an operator sent it.
  std::string loaded_by;  ///< The operator; "" for a file of the configuration.
  std::int64_t loaded_ms = 0;
  std::size_t resources = 0;  ///< That can be found: with a url, and no examples.
  struct Needs {
    std::string name, version;
    std::string loaded;  ///< The version that takes its place; "" when there is none.
  };
  std::vector<Needs> dependencies;
};

struct LoadedPackages {
  std::shared_ptr<fhir::packages::Library const> library;
  std::vector<PackageFacts> packages;
  fhir::Issues warnings;  ///< What they depend on and is not there; what depends on itself by others.
};

/// R4 and those packages, in whatever order they are given. Whole or not at all. Errors: those of
/// read_package and Library::add, the source's name as source.
fhir::Result<LoadedPackages> load_packages(std::vector<PackageSource> const& sources);

/// The files' bytes. Errors: not_found, the path as source.
fhir::Result<std::vector<PackageSource>> read_packages(std::vector<std::string> const& files);

/// What a package's own profiles, extensions and types have wrong that keeps them from being used: a base
/// that leads in a circle, a differential that fits no base or allows more than it. Definitions whose base is
/// not loaded are warnings, for the package that has it may come later, and so are invariants that cannot be
/// read: FHIRPath goes on.
fhir::Issues check_definitions(Conformance const& conformance, std::string_view name,
                               std::string_view version);

}  // namespace gateway::conformance
