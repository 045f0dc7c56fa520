#include "fhir/profiles/snapshot.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace fhir::profiles {
namespace {

/// A library on R4 with these profiles, named http://x/NAME.
std::shared_ptr<packages::Library> library_of(std::vector<std::string> profiles) {
  auto const library = std::make_shared<packages::Library>(packages::Library::r4());
  EXPECT_TRUE(library->add(packages::make_package("test", "1", std::move(profiles)).value()));
  return library;
}

std::string profile(std::string_view name, std::string_view type, std::string_view base,
                    std::string_view differential) {
  return std::string(
             R"({"resourceType":"StructureDefinition","derivation":"constraint","kind":"resource","url":"http://x/)")
      .append(name)
      .append(R"(","type":")")
      .append(type)
      .append(R"(","baseDefinition":")")
      .append(base)
      .append(R"(","differential":{"element":[)")
      .append(differential)
      .append("]}}");
}

constexpr std::string_view kPatient = "http://hl7.org/fhir/StructureDefinition/Patient";

Result<ElementDefinitions> snapshot_of(Snapshots const& snapshots, std::string_view name) {
  return snapshots.of(
      *snapshots.library().find("StructureDefinition", std::string("http://x/").append(name)));
}

json::Element const* element_of(ElementDefinitions elements, std::string_view id) {
  for (json::Element const& element : elements) {
    if (element.text_at("id") == id) return &element;
  }
  return nullptr;
}

TEST(Snapshot, ADifferentialFindsItsPlaceAndUnfoldsTypes) {
  Snapshots const snapshots(library_of({profile(
      "p", "Patient", kPatient,
      R"({"id":"Patient","path":"Patient","constraint":[{"key":"own-1","severity":"error","human":"h","expression":"true"}]},
         {"id":"Patient.name","path":"Patient.name","min":1},
         {"id":"Patient.name.family","path":"Patient.name.family","min":1},
         {"id":"Patient.identifier:mrn","path":"Patient.identifier","sliceName":"mrn","max":"1"},
         {"id":"Patient.identifier:mrn.system","path":"Patient.identifier.system","min":1,"fixedUri":"urn:x"})")}));
  auto const made = snapshot_of(snapshots, "p");
  ASSERT_TRUE(made) << to_line(made.error());
  EXPECT_EQ(element_of(*made, "Patient.name")->text_at("min"), "1");
  EXPECT_EQ(element_of(*made, "Patient.name")->text_at("max"), "*");
  EXPECT_EQ(element_of(*made, "Patient.name.family")->text_at("min"), "1");
  EXPECT_NE(element_of(*made, "Patient.name.given"), nullptr);
  EXPECT_EQ(element_of(*made, "Patient.identifier.system"), nullptr);
  EXPECT_EQ(element_of(*made, "Patient.identifier:mrn")->text_at("min"), "0");
  EXPECT_EQ(element_of(*made, "Patient.identifier:mrn.system")->text_at("fixedUri"), "urn:x");
  bool own = false, inherited = false;
  for (json::Element const& one : element_of(*made, "Patient")->find("constraint")->items()) {
    own = own || one.text_at("key") == "own-1";
    inherited = inherited || (one.text_at("key") == "dom-2" && !one.text_at("source").empty());
  }
  EXPECT_TRUE(own && inherited);
}

TEST(Snapshot, WithoutIdsThePathsAndSliceNamesDo) {
  Snapshots const snapshots(library_of({profile(
      "p", "Patient", kPatient,
      R"({"path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
         {"path":"Patient.identifier","sliceName":"mrn","max":"1"},
         {"path":"Patient.identifier.system","fixedUri":"urn:x"},
         {"path":"Patient.deceasedBoolean","min":1})")}));
  auto const made = snapshot_of(snapshots, "p");
  ASSERT_TRUE(made) << to_line(made.error());
  EXPECT_EQ(element_of(*made, "Patient.identifier:mrn.system")->text_at("fixedUri"), "urn:x");
  EXPECT_EQ(element_of(*made, "Patient.deceased[x]:deceasedBoolean")->text_at("min"), "1");
  EXPECT_EQ(element_of(*made, "Patient.deceased[x]")->find("type")->size(), 1U);
}

TEST(Snapshot, DefinitionsThatRestOnThemselvesAreRefused) {
  Snapshots const snapshots(
      library_of({profile("a", "Patient", "http://x/b", ""), profile("b", "Patient", "http://x/a", "")}));
  for (char const* name : {"a", "b"}) {
    auto const made = snapshot_of(snapshots, name);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, IssueType::processing);
    EXPECT_NE(made.error().diagnostics.find("itself"), std::string::npos);
  }
}

TEST(Snapshot, AnAbsentBaseAndAnElementWithoutPlaceAreNamed) {
  Snapshots const snapshots(library_of(
      {profile("a", "Patient", "http://x/absent", ""),
       profile("b", "Patient", kPatient, R"({"id":"Patient.wings","path":"Patient.wings","min":1})")}));
  auto const no_base = snapshot_of(snapshots, "a");
  ASSERT_FALSE(no_base);
  EXPECT_EQ(no_base.error().code, IssueType::not_found);
  EXPECT_NE(no_base.error().diagnostics.find("http://x/absent"), std::string::npos);
  auto const no_place = snapshot_of(snapshots, "b");
  ASSERT_FALSE(no_place);
  EXPECT_EQ(no_place.error().expression, "Patient.wings");
  EXPECT_EQ(no_place.error().source, "http://x/b");
}

TEST(Snapshot, EveryProfileOfR4HasOneInTheProgram) {
  auto const core = packages::Library::r4();
  Snapshots const snapshots(core);
  std::size_t count = 0;
  for (packages::Entry const* entry : core->list("StructureDefinition")) {
    auto const made = snapshots.of(*entry);
    EXPECT_TRUE(made) << entry->url << ": " << to_line(made.error());
    count += made && !made->empty() ? 1U : 0U;
  }
  EXPECT_EQ(count, 658U);
}

}  // namespace
}  // namespace fhir::profiles
