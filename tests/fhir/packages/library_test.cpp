#include "fhir/packages/library.hpp"

#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace fhir::packages {
namespace {

Package package_of(std::string name, std::string version, std::vector<std::string> resources) {
  return make_package(std::move(name), std::move(version), std::move(resources)).value();
}

std::string value_set(std::string_view url, std::string_view version) {
  return std::string(R"({"resourceType":"ValueSet","status":"draft","url":")").append(url) +
         R"(","version":")" + std::string(version) + "\"}";
}

TEST(Library, R4StandsInTheProgramItself) {
  auto const core = Library::r4();
  EXPECT_EQ(core->list("StructureDefinition").size(), 658U);
  EXPECT_EQ(core->list("ValueSet").size(), 1316U);
  EXPECT_EQ(core->list("CodeSystem").size(), 1062U);
  EXPECT_EQ(core->list("ConceptMap").size(), 80U);
  EXPECT_EQ(core->list("SearchParameter").size(), 1400U);
  for (char const* type :
       {"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter"}) {
    for (Entry const* entry : core->list(type)) {
      json::Element const& tree = core->tree(*entry);
      ASSERT_EQ(tree.text_at("resourceType"), entry->type);
      ASSERT_EQ(tree.text_at("url"), entry->url);
      ASSERT_EQ(tree.text_at("version"), entry->version);
      ASSERT_EQ(tree.text_at("id"), entry->id);
    }
  }
  Entry const* const gender =
      core->find("ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1");
  ASSERT_NE(gender, nullptr);
  EXPECT_EQ(gender->package->name, "hl7.fhir.r4.core");
  EXPECT_EQ(core->find("ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender|9"), nullptr);
  EXPECT_EQ(core->find("CodeSystem", "http://hl7.org/fhir/ValueSet/administrative-gender"), nullptr);
}

TEST(Library, TheNewestVersionAnswersWhereNoneIsAsked) {
  Library library;
  ASSERT_TRUE(library.add(package_of("a", "1",
                                     {value_set("http://x/v", "2.0.0"), value_set("http://x/v", "10.0.0"),
                                      value_set("http://x/v", "10.0.0-ballot")})));
  EXPECT_EQ(library.find("ValueSet", "http://x/v")->version, "10.0.0");
  EXPECT_EQ(library.find("ValueSet", "http://x/v|2")->version, "2.0.0");
  EXPECT_EQ(library.find("", "http://x/v|10.0.0-ballot#part")->version, "10.0.0-ballot");
  EXPECT_EQ(library.find("ValueSet", "http://x/v|3"), nullptr);
  EXPECT_EQ(library.list("ValueSet").size(), 3U);
}

TEST(Library, APackageSeesItsOwnDependenciesFirst) {
  auto below = std::make_shared<Library>();
  ASSERT_TRUE(below->add(package_of("base", "1", {value_set("http://x/v", "1")})));
  ASSERT_TRUE(below->add(package_of("base", "2", {value_set("http://x/v", "2")})));
  Library library(below);
  Package user = package_of("user", "1", {value_set("http://x/own", "1")});
  user.dependencies = {{"base", "1"}, {"absent", "3"}};
  auto const warnings = library.add(std::move(user));
  ASSERT_TRUE(warnings);
  ASSERT_EQ(warnings->size(), 1U);
  EXPECT_EQ(warnings->front().code, IssueType::not_found);
  EXPECT_NE(warnings->front().diagnostics.find("absent 3"), std::string::npos);
  Loaded const* const from = library.find("ValueSet", "http://x/own")->package;
  EXPECT_EQ(library.find("ValueSet", "http://x/v", from)->version, "1");
  EXPECT_EQ(library.find("ValueSet", "http://x/v")->version, "2");
  EXPECT_EQ(library.tree(*library.find("ValueSet", "http://x/v")).text_at("version"), "2");
}

TEST(Library, APackageIsLoadedOnce) {
  Library library;
  ASSERT_TRUE(
      library.add(package_of("a", "1", {value_set("http://x/v", "1"), value_set("http://x/v", "1")})));
  EXPECT_EQ(library.list("ValueSet").size(), 1U);
  auto const again = library.add(package_of("a", "1", {value_set("http://x/w", "1")}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, IssueType::duplicate);
  EXPECT_EQ(library.find("ValueSet", "http://x/w"), nullptr);
}

TEST(Library, UsCoreIsFoundOnTopOfR4) {
  SKIP_WITHOUT_SHARED();
  Library library(Library::r4());
  auto package = read_package(
      test::read_file(test::shared_directory() / "reference/packages/hl7.fhir.us.core-6.1.0.tgz"));
  ASSERT_TRUE(package) << to_line(package.error());
  auto const warnings = library.add(std::move(*package));
  ASSERT_TRUE(warnings);
  for (Issue const& one : *warnings) std::cout << to_line(one) << "\n";
  Entry const* const patient = library.find(
      "StructureDefinition", "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|6.1.0");
  ASSERT_NE(patient, nullptr);
  EXPECT_EQ(library.tree(*patient).text_at("type"), "Patient");
  EXPECT_NE(library.find("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/Patient"), nullptr);
}

}  // namespace
}  // namespace fhir::packages
