#include "fhir/terminology/path_services.hpp"

#include "fhir/terminology/library_source.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

namespace fhir::terminology {
namespace {

/// Every item as JSON, or the Issue.
std::string evaluated(std::string_view expression) {
  static auto const terminology =
      std::make_shared<Terminology const>(std::make_shared<LibrarySource>(packages::Library::r4()));
  static json::Document const resource = fhir::test::read(
      R"({"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1"},)"
      R"({"system":"http://hl7.org/fhir/administrative-gender","code":"male","display":"Male"}]},)"
      R"("category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"_ActEncounterCode"}]},)"
      R"({"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}]}]})");
  path::Services services;
  provide(terminology, services);
  path::Environment environment;
  environment.services = &services;
  json::Arena arena;
  auto const compiled = path::Expression::compile(expression);
  if (!compiled) return to_line(compiled.error());
  auto const items = compiled->evaluate(path::root_item(resource.root), environment, arena);
  if (!items) return to_line(items.error());
  std::string out;
  for (path::Item const& item : *items) out += (out.empty() ? "" : " ") + path::to_json(item);
  return out;
}

constexpr char const* kGender = "'http://hl7.org/fhir/ValueSet/administrative-gender'";

TEST(PathServices, TellMembersOfValueSets) {
  EXPECT_EQ(evaluated("status.memberOf('http://hl7.org/fhir/ValueSet/observation-status')"), "true");
  EXPECT_EQ(evaluated("'finale'.memberOf('http://hl7.org/fhir/ValueSet/observation-status')"), "false");
  EXPECT_EQ(evaluated(std::string("code.memberOf(") + kGender + ")"), "true");
  EXPECT_EQ(evaluated(std::string("code.coding[0].memberOf(") + kGender + ")"), "false");
  EXPECT_EQ(evaluated("%vs-administrative-gender"), "\"http://hl7.org/fhir/ValueSet/administrative-gender\"");
  EXPECT_TRUE(evaluated("status.memberOf('urn:none')").starts_with("error not-found"));
}

TEST(PathServices, TellWhichCodeIsAbove) {
  EXPECT_EQ(evaluated("category[0].subsumes(category[1])"), "true");
  EXPECT_EQ(evaluated("category[0].subsumedBy(category[1])"), "false");
  EXPECT_EQ(evaluated("%terminologies.subsumes('http://terminology.hl7.org/CodeSystem/v3-ActCode', "
                      "'_ActEncounterCode', 'AMB')"),
            "\"subsumes\"");
}

TEST(PathServices, AnswerTerminologies) {
  EXPECT_EQ(evaluated(std::string("%terminologies.expand(") + kGender +
                      ", 'filter=fem&count=5').expansion.contains.code"),
            "\"female\"");
  EXPECT_EQ(evaluated(std::string("%terminologies.validateVS(") + kGender +
                      ", %resource.code.coding[1]).parameter.where(name = 'result').value"),
            "true");
  EXPECT_EQ(evaluated("%terminologies.validateCS('http://hl7.org/fhir/administrative-gender', "
                      "'mal').parameter.where(name = "
                      "'result').value"),
            "false");
  EXPECT_EQ(
      evaluated("%terminologies.lookup(%resource.code.coding[1]).parameter.where(name = 'display').value"),
      "\"Male\"");
  EXPECT_EQ(
      evaluated("%terminologies.translate('http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v2', "
                "%resource.code.coding[1]).parameter.where(name = 'match').part.where(name = "
                "'concept').value.code"),
      "\"M\"");
  EXPECT_EQ(evaluated("%terminologies.expand('urn:none')"), "") << "what is not known has no answer";
  EXPECT_TRUE(evaluated("status.expand('urn:none')").starts_with("error processing"));
}

}  // namespace
}  // namespace fhir::terminology
