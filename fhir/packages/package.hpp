/// A FHIR NPM package: a gzipped tar of JSON resources and a package.json.
/// Source: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification; POSIX.1-2017 pax, section
/// ustar.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::packages {

struct Dependency {
  std::string name;
  std::string version;
};

/// What a package brings, as bytes: nothing is kept parsed.
struct PackageResource {
  std::string type;
  std::string id;
  std::string url;      ///< "" for what has none
  std::string version;  ///< business version, ""
  std::string bytes;    ///< JSON as it stood
  bool is_example = false;
};

struct Package {
  std::string name;
  std::string version;
  std::vector<std::string> fhir_versions;
  std::vector<Dependency> dependencies;
  std::vector<PackageResource> resources;
};

/// What one package may be at most.
struct PackageLimits {
  std::size_t unpacked_bytes_max = std::size_t{256} * 1024 * 1024;  // US Core 8.0.0 has 26 MB
  std::size_t file_bytes_max = std::size_t{32} * 1024 * 1024;
  std::size_t files_max = 50'000;
};

/// Reads a package whole. Resources are package/*.json, examples package/example/*.json; other folders and
/// JSON that is no resource are passed over. Errors, with the file's name as source: structure (no gzip, no
/// tar, no package.json, no JSON), security (a path or kind of file that leaves the package), too_costly (a
/// limit), not_supported (made for another FHIR than 4.0).
Result<Package> read_package(std::string_view tgz, PackageLimits const& limits = {});

/// Loose resources as a package. Errors: structure (no JSON, no resourceType).
Result<Package> make_package(std::string name, std::string version, std::vector<std::string> resources);

}  // namespace fhir::packages
