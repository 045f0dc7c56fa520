#include "fhir/validate/locate.hpp"

#include <gtest/gtest.h>

namespace fhir::validate {
namespace {

std::string place_of(std::string_view text, std::string expression) {
  Issues issues{error(IssueType::value, "x", std::move(expression))};
  locate(text, issues);
  return issues.front().source;
}

TEST(Locate, FindsElementsInJson) {
  std::string_view const text = R"({
  "resourceType": "Patient",
  "name": [{"family": "A \" {"}, {"given": ["x", "y"]}],
  "deceasedBoolean": true, "_birthDate": {"id": "b"},
  "contained": [
    {"resourceType": "Organization", "name": "O"}
  ]
})";
  EXPECT_EQ(place_of(text, "Patient"), "line 1 column 1");
  EXPECT_EQ(place_of(text, "Patient.name[0].family"), "line 3 column 23");
  EXPECT_EQ(place_of(text, "Patient.name[1].given[1]"), "line 3 column 50");
  EXPECT_EQ(place_of(text, "Patient.deceased"), "line 4 column 22");
  EXPECT_EQ(place_of(text, "Patient.birthDate.id"), "line 4 column 49");
  EXPECT_EQ(place_of(text, "Patient.contained[0].name"), "line 6 column 46");
  // What is missing is where it would stand.
  EXPECT_EQ(place_of(text, "Patient.name[1].family"), "line 3 column 34");
  EXPECT_EQ(place_of(text, "Patient.gender"), "line 1 column 1");
}

TEST(Locate, FindsElementsInXml) {
  std::string_view const text = R"(<?xml version="1.0"?>
<Patient xmlns="http://hl7.org/fhir">
  <!-- <name/> -->
  <name><family value="a > b"/></name>
  <name><given value="x"/><given value="y"/></name>
  <deceasedBoolean value="true"/>
  <contained>
    <Organization><name value="O"/></Organization>
  </contained>
</Patient>)";
  EXPECT_EQ(place_of(text, "Patient"), "line 2 column 1");
  EXPECT_EQ(place_of(text, "Patient.name[0].family"), "line 4 column 9");
  EXPECT_EQ(place_of(text, "Patient.name[1].given[1]"), "line 5 column 27");
  EXPECT_EQ(place_of(text, "Patient.deceased"), "line 6 column 3");
  EXPECT_EQ(place_of(text, "Patient.contained[0].name"), "line 8 column 19");
}

TEST(Locate, LeavesASourceAloneAndSurvivesAnyText) {
  Issues issues{error(IssueType::value, "x", "Patient.name", "PID-5"), error(IssueType::value, "x")};
  locate("{}", issues);
  EXPECT_EQ(issues[0].source, "PID-5");
  EXPECT_EQ(issues[1].source, "");
  for (char const* text :
       {"", "{", "[", "{\"a", "{\"a\":", "<", "<a", "</a>", "<a><b>", "{\"name\":[[[", "\"", "{\"a\\"})
    place_of(text, "Patient.name[0].given[1]");
}

}  // namespace
}  // namespace fhir::validate
