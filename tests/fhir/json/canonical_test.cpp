#include "fhir/json/canonical.hpp"

#include "fhir/json/writer.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fhir::json {
namespace {

std::string canonical(std::string_view bytes) { return to_canonical(test::read(bytes).root).bytes; }

TEST(Canonical, PutsResourceTypeIdAndMetaFirstThenDefinitionOrder) {
  EXPECT_EQ(
      canonical(R"({"birthDate":"1970","name":[{"given":["A"],"family":"B","use":"usual"}],"id":"1",)"
                R"("active":true,"meta":{"tag":[{"code":"t","system":"s"}]},"resourceType":"Patient"})"),
      R"({"resourceType":"Patient","id":"1","meta":{"tag":[{"system":"s","code":"t"}]},"active":true,)"
      R"("name":[{"use":"usual","family":"B","given":["A"]}],"birthDate":"1970"})");
}

TEST(Canonical, AlwaysWritesMetaAndDropsWhatTheCommitterSets) {
  EXPECT_EQ(canonical(R"({"resourceType":"Patient"})"), R"({"resourceType":"Patient","meta":{}})");
  EXPECT_EQ(
      canonical(R"({"resourceType":"Patient","meta":{"versionId":"3","lastUpdated":"2020-01-01T00:00:00Z",)"
                R"("_lastUpdated":{"id":"x"},"source":"urn:x"}})"),
      R"({"resourceType":"Patient","meta":{"source":"urn:x"}})");
}

TEST(Canonical, PutsCompanionsRightAfterTheirElement) {
  EXPECT_EQ(
      canonical(
          R"({"resourceType":"Patient","_birthDate":{"extension":[{"valueString":"v","url":"u"}]},"gender":"male",)"
          R"("_gender":{"id":"g"},"birthDate":"1970","_active":{"id":"a"}})"),
      R"({"resourceType":"Patient","meta":{},"_active":{"id":"a"},"gender":"male","_gender":{"id":"g"},)"
      R"("birthDate":"1970","_birthDate":{"extension":[{"url":"u","valueString":"v"}]}})");
}

TEST(Canonical, OrdersContainedResourcesAndBundleEntries) {
  EXPECT_EQ(
      canonical(
          R"({"resourceType":"Bundle","entry":[{"resource":{"gender":"male","meta":{"versionId":"2"},)"
          R"("contained":[{"name":"o","id":"c","resourceType":"Organization"}],"resourceType":"Patient"},)"
          R"("fullUrl":"urn:x"}],"type":"collection"})"),
      R"({"resourceType":"Bundle","meta":{},"type":"collection","entry":[{"fullUrl":"urn:x","resource":)"
      R"({"resourceType":"Patient","meta":{"versionId":"2"},"contained":[{"resourceType":"Organization","id":"c",)"
      R"("name":"o"}],"gender":"male"}}]})");
}

TEST(Canonical, DropsWhatIsEmptyAtAnyDepth) {
  EXPECT_EQ(
      canonical(R"({"resourceType":"Patient","name":[{},{"given":[]},{"family":"F","period":{}}],"link":[],)"
                R"("contact":[{"name":{"extension":[{}]}}],"gender":null})"),
      R"({"resourceType":"Patient","meta":{},"name":[{"family":"F"}]})");
}

TEST(Canonical, KeepsNullsThatHoldAPlace) {
  EXPECT_EQ(
      canonical(
          R"({"resourceType":"Patient","name":[{"given":["A",null,"C"],"_given":[null,{"id":"x"},{}]}]})"),
      R"({"resourceType":"Patient","meta":{},"name":[{"given":["A",null,"C"],"_given":[null,{"id":"x"},null]}]})");
}

TEST(Canonical, KeepsNumbersAndUnknownMembers) {
  EXPECT_EQ(
      canonical(
          R"({"zzz":1.10,"resourceType":"Observation","valueQuantity":{"value":1.10,"unknown":[1,{}]},"aaa":2})"),
      R"({"resourceType":"Observation","meta":{},"valueQuantity":{"value":1.10,"unknown":[1,null]},"zzz":1.10,"aaa":2})");
}

TEST(Canonical, SplicesVersionLastIntoMeta) {
  auto const plain = to_canonical(test::read(R"({"resourceType":"Patient","id":"1"})").root);
  EXPECT_FALSE(plain.meta_has_members);
  EXPECT_EQ(
      with_version(plain, "7", "2024-01-02T03:04:05.678Z"),
      R"({"resourceType":"Patient","id":"1","meta":{"versionId":"7","lastUpdated":"2024-01-02T03:04:05.678Z"}})");
  auto const tagged =
      to_canonical(test::read(R"({"resourceType":"Patient","meta":{"source":"s"},"active":true})").root);
  EXPECT_TRUE(tagged.meta_has_members);
  EXPECT_EQ(
      with_version(tagged, "8", "t"),
      R"({"resourceType":"Patient","meta":{"source":"s","versionId":"8","lastUpdated":"t"},"active":true})");
}

/// Without what canonical bytes leave out by rule, so that the rest can be compared.
void strip_committed(Document& document) {
  if (Element* const meta = document.root.find("meta")) {
    for (auto const* name : {"versionId", "lastUpdated", "_versionId", "_lastUpdated"}) meta->remove(name);
  } else {
    document.root.set(document.arena, "meta", Element::of_object());
  }
}

TEST(Canonical, IsStableAndLosesNothingOfAnyOfficialExample) {
  SKIP_WITHOUT_SHARED();
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  for (auto const& example : examples) {
    auto document = test::read(example.bytes);
    auto const once = to_canonical(document.root);
    auto const again = test::read(once.bytes);
    EXPECT_EQ(to_canonical(again.root).bytes, once.bytes) << example.name;
    strip_committed(document);
    EXPECT_EQ(again.root, document.root) << example.name;
    EXPECT_EQ(write(again.root), once.bytes) << example.name;
    auto const served = test::read(with_version(once, "1", "2024-01-01T00:00:00.000Z"));
    EXPECT_EQ(to_canonical(served.root).bytes, once.bytes) << example.name;
  }
}

}  // namespace
}  // namespace fhir::json
