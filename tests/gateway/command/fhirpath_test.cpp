/// `handoff fhirpath`: results on stdout, one per line; reasons on stderr.
#include "program.hpp"

#include <gtest/gtest.h>

namespace gateway::command::test {
namespace {

constexpr std::string_view kPatient =
    R"({"resourceType":"Patient","name":[{"family":"Mason","given":["Ann","Bea"]}],"birthDate":"1970-03-01"})";

TEST(Fhirpath, PrintsOneResultPerLineAsJson) {
  Ran const ran = run({"fhirpath", "name.given | birthDate | name.given.count() | name"}, kPatient);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "\"Ann\"\n\"Bea\"\n\"1970-03-01\"\n2\n{\"family\":\"Mason\",\"given\":[\"Ann\",\"Bea\"]}\n");
}

TEST(Fhirpath, ReadsXmlToo) {
  Ran const ran =
      run({"fhirpath", "active"}, R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>)");
  EXPECT_EQ(ran.out, "true\n") << ran.err;
}

TEST(Fhirpath, RefusesWhatIsNoExpressionAndNamesTheCharacter) {
  Ran const ran = run({"fhirpath", "name.where(use = )"}, kPatient);
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("character 18"), std::string::npos) << ran.err;
}

TEST(Fhirpath, RefusesWhatFailsWhenItRuns) {
  Ran const ran = run({"fhirpath", "name.given.single()"}, kPatient);
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("one item is needed and 2 are there"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find("Ann"), std::string::npos) << "values are not told in reasons";
}

TEST(Fhirpath, KnowsR4sValueSets) {
  Ran const ran = run({"fhirpath", "'female'.memberOf(%vs-administrative-gender)"}, kPatient);
  EXPECT_EQ(ran.out, "true\n") << ran.err;
}

TEST(Fhirpath, WarnsOfAnElementThatTheTypeHasNot) {
  Ran const ran = run({"fhirpath", "nickname"}, kPatient);
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.err.find("Patient has no element nickname"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace gateway::command::test
