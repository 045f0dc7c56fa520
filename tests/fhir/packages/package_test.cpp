#include "fhir/packages/package.hpp"

#include "tests/fhir/support/archive.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace fhir::packages {
namespace {

using test::tar_entry;
using test::tgz;

std::string const kManifest = tar_entry(
    "package/package.json",
    R"({"name":"x","version":"1.0.0","fhirVersions":["4.0.1"],"dependencies":{"hl7.fhir.r4.core":"4.0.1"}})");
constexpr std::string_view kValueSet =
    R"({"resourceType":"ValueSet","id":"v","url":"http://x/v","version":"2","status":"draft"})";

TEST(Package, ReadsManifestResourcesAndExamples) {
  auto const package =
      read_package(tgz(kManifest + tar_entry("package/ValueSet-v.json", kValueSet) +
                       tar_entry("package/example/Patient-p.json", R"({"resourceType":"Patient","id":"p"})") +
                       tar_entry("package/other/notes.json", "no json at all") +
                       tar_entry("package/.index.json", R"({"files":[]})")));
  ASSERT_TRUE(package) << to_line(package.error());
  EXPECT_EQ(package->name, "x");
  EXPECT_EQ(package->version, "1.0.0");
  ASSERT_EQ(package->dependencies.size(), 1U);
  ASSERT_EQ(package->resources.size(), 2U);
  EXPECT_EQ(package->resources[0].url, "http://x/v");
  EXPECT_EQ(package->resources[0].bytes, kValueSet);
  EXPECT_TRUE(package->resources[1].is_example);
}

TEST(Package, LongNamesOfPaxAndGnuAreRead) {
  std::string const path = "package/" + std::string(150, 'a') + ".json";
  std::string record = " path=" + path + "\n";
  record = std::to_string(record.size() + 3) + record;
  for (std::string const& head : {tar_entry("h", record, 'x'), tar_entry("h", path, 'L')}) {
    auto const package = read_package(tgz(kManifest + head + tar_entry("package/short.json", kValueSet)));
    ASSERT_TRUE(package) << to_line(package.error());
    EXPECT_EQ(package->resources.size(), 1U);
  }
}

TEST(Package, WhatIsWrongIsRefusedWithPlaceAndReason) {
  std::string damaged = kManifest;
  damaged[3] = 'X';
  std::string const whole = tgz(kManifest);
  struct Case {
    std::string bytes;
    IssueType code;
    std::string source;
  };
  std::vector<Case> const cases = {
      {"no gzip", IssueType::structure, ""},
      {"", IssueType::structure, ""},
      {whole.substr(0, whole.size() / 2), IssueType::structure, ""},
      {test::gzip("short"), IssueType::structure, ""},
      {tgz(damaged), IssueType::structure, "byte 0"},
      {test::gzip(kManifest.substr(0, 600)), IssueType::structure, "byte 0"},
      {tgz(tar_entry("package/a.json", kValueSet)), IssueType::structure, "package/package.json"},
      {tgz(tar_entry("package/package.json", "{")), IssueType::structure,
       "package/package.json line 1 column 2"},
      {tgz(tar_entry("package/package.json", R"({"name":"x"})")), IssueType::required,
       "package/package.json"},
      {tgz(tar_entry("package/package.json", R"({"name":"x","version":"1","fhirVersions":["5.0.0"]})")),
       IssueType::not_supported, "package/package.json"},
      {tgz(kManifest + tar_entry("package/a.json", R"({"resourceType":"Patient",})")), IssueType::structure,
       "package/a.json line 1 column 27"},
      {tgz(kManifest + tar_entry("../a.json", "{}")), IssueType::security, "byte 1024"},
      {tgz(kManifest + tar_entry("/etc/passwd", "{}")), IssueType::security, "byte 1024"},
      {tgz(kManifest + tar_entry("package/link.json", "", '2')), IssueType::security, "package/link.json"}};
  for (Case const& test : cases) {
    auto const package = read_package(test.bytes);
    ASSERT_FALSE(package) << test.source;
    EXPECT_EQ(package.error().code, test.code) << to_line(package.error());
    EXPECT_EQ(package.error().source, test.source) << to_line(package.error());
    EXPECT_FALSE(package.error().diagnostics.empty());
  }
}

TEST(Package, LimitsAreTooCostly) {
  std::string const bytes = tgz(kManifest + tar_entry("package/v.json", kValueSet));
  EXPECT_EQ(read_package(bytes, {.unpacked_bytes_max = 1000}).error().code, IssueType::too_costly);
  EXPECT_EQ(read_package(bytes, {.file_bytes_max = 10}).error().code, IssueType::too_costly);
  EXPECT_EQ(read_package(bytes, {.files_max = 1}).error().code, IssueType::too_costly);
}

TEST(Package, EveryReferencePackageIsRead) {
  SKIP_WITHOUT_SHARED();
  std::size_t packages = 0, resources = 0, examples = 0;
  for (auto const& file :
       std::filesystem::directory_iterator(test::shared_directory() / "reference/packages")) {
    if (file.path().extension() != ".tgz") continue;
    auto const package = read_package(test::read_file(file.path()));
    ASSERT_TRUE(package) << file.path() << ": " << to_line(package.error());
    EXPECT_TRUE(file.path().filename().string().starts_with(package->name + "-" + package->version));
    ++packages;
    for (auto const& resource : package->resources) ++(resource.is_example ? examples : resources);
  }
  std::cout << packages << " packages read: " << resources << " resources, " << examples << " examples\n";
  EXPECT_EQ(packages, 10U);
  EXPECT_GT(resources, 900U);
}

}  // namespace
}  // namespace fhir::packages
