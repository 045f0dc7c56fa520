#include "gateway/rest/options.hpp"

#include <gtest/gtest.h>

namespace gateway::rest {
namespace {

using fhir::search::Handling;
using fhir::search::Summary;

constexpr std::string_view kPatient =
    R"({"resourceType":"Patient","id":"1","meta":{"versionId":"1"},"text":{"status":"empty","div":"<div/>"},)"
    R"("active":true,"name":[{"family":"Ashdown"}],"photo":[{"title":"x"}],"contact":[{"name":{"family":"Ashdown"}}]})";

std::string shown(View const& view) { return to_view(kPatient, view).value(); }

constexpr std::string_view kTag =
    R"("meta":{"versionId":"1","tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]})";

TEST(View, TheWholeIsServedAsItStands) {
  EXPECT_EQ(shown({}), kPatient);
  EXPECT_EQ(shown({Summary::false_, {}}), kPatient);
}

TEST(View, ElementsKeepWhatWasAskedForAndModifiers) {
  EXPECT_EQ(shown({Summary::unset, {"name"}}), R"({"resourceType":"Patient","id":"1",)" + std::string(kTag) +
                                                   R"(,"active":true,"name":[{"family":"Ashdown"}]})");
}

TEST(View, SummaryLeavesOutWhatIsNotMarked) {
  EXPECT_EQ(shown({Summary::true_, {}}), R"({"resourceType":"Patient","id":"1",)" + std::string(kTag) +
                                             R"(,"active":true,"name":[{"family":"Ashdown"}]})");
}

TEST(View, TextAndDataAreEachOthersRest) {
  EXPECT_EQ(shown({Summary::text, {}}), R"({"resourceType":"Patient","id":"1",)" + std::string(kTag) +
                                            R"(,"text":{"status":"empty","div":"<div/>"},"active":true})");
  EXPECT_EQ(shown({Summary::data, {}}).find("\"text\""), std::string::npos);
  EXPECT_NE(shown({Summary::data, {}}).find("\"photo\""), std::string::npos);
}

TEST(Options, NameWhatIsNotKnown) {
  auto const options = parse_options("_colour=blue", {"_summary"}, Handling::strict);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().source, "_colour");
  EXPECT_TRUE(parse_options("_colour=blue", {"_summary"}, Handling::lenient));
}

TEST(Options, ABadValueIsRefusedHoweverLenient) {
  EXPECT_FALSE(parse_options("_summary=perhaps", {"_summary"}, Handling::lenient));
  EXPECT_FALSE(parse_options("_count=-1", {"_count"}, Handling::lenient));
  EXPECT_FALSE(parse_options("_since=yesterday", {"_since"}, Handling::lenient));
}

TEST(Pretty, BreaksLinesOutsideTextsOnly) {
  EXPECT_EQ(to_pretty(R"({"a":[1,"x,{\"y\":2}"],"b":true})"),
            "{\n  \"a\": [\n    1,\n    \"x,{\\\"y\\\":2}\"\n  ],\n  \"b\": true\n}");
}

}  // namespace
}  // namespace gateway::rest
