/// R4's own definitions and the packages, as they were published, for tests that compare with them.
#pragma once

#include "fhir/json/writer.hpp"
#include "fhir/packages/gzip.hpp"
#include "fhir/packages/library.hpp"
#include "tests/fhir/support/examples.hpp"

namespace fhir::test {

/// Every resource of R4's official Bundles of definitions, snapshots and texts included.
inline packages::Package load_official_definitions(std::vector<std::string> const& files) {
  std::vector<std::string> resources;
  for (std::string const& name : files) {
    std::string bytes = read_file(shared_directory() / "reference/fhir-r4" / name);
    if (name.ends_with(".gz")) bytes = packages::gunzip(bytes, std::size_t{1} << 30).value();
    json::Document const bundle = read(bytes);
    for (json::Element const& entry : bundle.root.find("entry")->items())
      resources.push_back(json::write(*entry.find("resource")));
  }
  return packages::make_package("hl7.fhir.r4.core", "4.0.1", std::move(resources)).value();
}

inline packages::Package load_package(std::string_view name_and_version) {
  auto const path = shared_directory() / "reference/packages" / (std::string(name_and_version) + ".tgz");
  return packages::read_package(read_file(path)).value();
}

}  // namespace fhir::test
