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

TEST(Fhirpath, KnowsR4sProfilesAndDefinitions) {
  EXPECT_EQ(run({"fhirpath", "name.elementDefinition().max"}, kPatient).out, "\"*\"\n");
  EXPECT_EQ(run({"fhirpath", "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"}, kPatient).out,
            "true\n");
  constexpr std::string_view kPressure =
      R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"component":[
          {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":107}},
          {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":60}}]})";
  constexpr char const* kProfile = "'http://hl7.org/fhir/StructureDefinition/bp'";
  Ran const ran = run({"fhirpath", std::string("component.slice(") + kProfile +
                                       ", 'SystolicBP').value.value | conformsTo(" + kProfile + ")"},
                      kPressure);
  EXPECT_EQ(ran.out, "107\nfalse\n") << ran.err;
  Ran const unknown = run({"fhirpath", "conformsTo('http://nowhere')"}, kPatient);
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.err.find("http://nowhere"), std::string::npos) << unknown.err;
}

TEST(Fhirpath, WhatIsWrongByItsStructureConformsToNothing) {
  Ran const ran = run({"fhirpath", "conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"},
                      R"({"resourceType":"Patient","gender":"mail"})");
  EXPECT_EQ(ran.out, "false\n") << ran.err;
}

TEST(Fhirpath, LiteralsNeedNoResource) {
  Ran const ran = run({"fhirpath", "1 'g' + 5 'mg' | @2012-01-31 + 1 month"}, "");
  EXPECT_EQ(ran.out, "{\"value\":1.005,\"unit\":\"g\"}\n\"2012-02-29\"\n") << ran.err;
}

TEST(Fhirpath, WarnsOfAnElementThatTheTypeHasNot) {
  Ran const ran = run({"fhirpath", "nickname"}, kPatient);
  EXPECT_EQ(ran.code, 0);
  EXPECT_NE(ran.err.find("Patient has no element nickname"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace gateway::command::test
