/// What the official suite does not ask: budgets, depth, services, references, types that a check finds.
#include "fhir/json/reader.hpp"
#include "fhir/path/path.hpp"

#include <gtest/gtest.h>

namespace fhir::path {
namespace {

class Evaluate : public ::testing::Test {
 protected:
  /// Results joined, or "error CODE: why".
  std::string run(std::string_view text, std::string_view resource) {
    document = json::read_document(resource).value();
    auto const expression = Expression::compile(text);
    if (!expression) return "compile " + std::string(to_code(expression.error().code));
    auto const result = expression->evaluate(root_item(document.root), environment, arena);
    if (!result)
      return "error " + std::string(to_code(result.error().code)) + ": " + result.error().diagnostics;
    std::string out;
    for (Item const& item : *result) out += to_json(item) + ";";
    return out;
  }

  json::Document document;
  json::Arena arena;
  Environment environment;
};

constexpr std::string_view kObservation =
    R"({"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p","gender":"female"}],)"
    R"("subject":{"reference":"#p"},"performer":[{"reference":"Practitioner/1"},{"reference":"Organization/2"}],)"
    R"("valueQuantity":{"value":1.50,"system":"http://unitsofmeasure.org","code":"mg"}})";

TEST_F(Evaluate, ResolvesContainedResourcesAndAsksTheServiceForOthers) {
  EXPECT_EQ(run("subject.resolve().gender", kObservation), "\"female\";");
  EXPECT_EQ(run("performer.resolve()", kObservation), "");
  auto const practitioner = json::read_document(R"({"resourceType":"Practitioner","id":"1"})").value();
  Services services;
  services.resolve = [&](std::string_view reference) {
    return reference == "Practitioner/1" ? &practitioner.root : nullptr;
  };
  environment.services = &services;
  EXPECT_EQ(run("performer.where(resolve() is Practitioner).reference", kObservation), "\"Practitioner/1\";");
}

TEST_F(Evaluate, ResolvesWithinABundleByFullUrl) {
  constexpr std::string_view bundle =
      R"({"resourceType":"Bundle","entry":[{"fullUrl":"http://a/Patient/7","resource":{"resourceType":"Patient","id":"7","gender":"male"}},)"
      R"({"fullUrl":"urn:uuid:1","resource":{"resourceType":"Observation","subject":{"reference":"Patient/7"}}}]})";
  EXPECT_EQ(run("entry.resource.ofType(Observation).subject.resolve().gender", bundle), "\"male\";");
}

TEST_F(Evaluate, AsksServicesForTerminologyAndSaysWhenThereIsNone) {
  EXPECT_EQ(run("value.memberOf('http://example.org/vs')", kObservation),
            "error not-supported: memberOf() needs a terminology service");
  Services services;
  services.member_of = [](std::string_view value_set, Item const&) -> Result<bool> {
    if (value_set == "http://example.org/vs") return true;
    return error(IssueType::not_found, "there is no such value set");
  };
  environment.services = &services;
  EXPECT_EQ(run("value.memberOf('http://example.org/vs')", kObservation), "true;");
  EXPECT_EQ(run("value.memberOf('other')", kObservation), "error not-found: there is no such value set");
}

TEST_F(Evaluate, KeepsTheDigitsOfDecimals) {
  EXPECT_EQ(run("value.value", kObservation), "1.50;");
  EXPECT_EQ(run("value.value + 0.25", kObservation), "1.75;");
  EXPECT_EQ(run("value = 0.0015 'g'", kObservation), "true;");
}

TEST_F(Evaluate, SetsKnowWhatIsEqualHoweverItIsWritten) {
  EXPECT_EQ(run("(1 | 1.0 | 1.00 | 2 | 3 'mg' | 0.003 'g').count()", kObservation), "3;");
  EXPECT_EQ(run("(@2020-01-01T10:00:00Z | @2020-01-01T12:00:00+02:00 | @2020-01-01).count()", kObservation),
            "2;");
  EXPECT_EQ(run("(true | false | true | 'true' | @T10:00 | @T10:00).count()", kObservation), "4;");
  // Members in another order, numbers with other digits: one and the same; another text far inside is not.
  constexpr std::string_view codes =
      R"({"resourceType":"Patient","name":[{"family":"A","given":["B","C"]},{"given":["B","C"],"family":"A"},)"
      R"({"family":"A","given":["B","D"]},{"family":"A","given":["C","B"]},{"given":["B","C"],"_given":[null,{"id":"x"}]}],)"
      R"("extension":[{"url":"u","valueQuantity":{"value":1.5}},{"valueQuantity":{"value":1.50},"url":"u"}]})";
  EXPECT_EQ(run("name.distinct().count() | extension.distinct().count()", codes), "4;1;");
  EXPECT_EQ(run("name.intersect(name[1]).count() | name.exclude(name[0]).count()", codes), "1;3;");
  EXPECT_EQ(run("name[1].subsetOf(name) and name.supersetOf(name[0]) and name.isDistinct().not()", codes),
            "true;");
}

TEST_F(Evaluate, WhatCannotBeToldApartQuicklyIsPaidForOutOfTheBudget) {
  std::string events = R"({"resourceType":"Timing","event":[)";
  for (int i = 0; i < 400; ++i) {
    std::string const number = std::to_string(i);
    events += (i == 0 ? "\"" : ",\"") + std::string("20") +
              (number.size() == 1 ? "0" + number : number.substr(0, 2)) + "-01-01T00:00:0" +
              std::to_string(i % 10) + "." + std::to_string(100 + i) + "Z\"";
  }
  environment.step_max = 20'000;
  document = json::read_document(events + "]}").value();
  auto const all = Expression::compile("event.distinct().count()").value();
  auto const found =
      all.evaluate(root_item(document.root, *definitions::find_type("Timing")), environment, arena);
  ASSERT_FALSE(found) << "400 dates are compared with each other";
  EXPECT_EQ(found.error().code, IssueType::too_costly);
}

TEST_F(Evaluate, PathsMayBeLongIndexedAndChosen) {
  constexpr std::string_view nested =
      R"({"resourceType":"QuestionnaireResponse","item":[{"linkId":"1"},{"linkId":"2","item":[{"linkId":"3",)"
      R"("answer":[{"valueString":"x","_valueString":{"id":"i"}},{"_valueDate":{"id":"j"}}]}]}]})";
  EXPECT_EQ(run("item[1].item[0].answer[0].value", nested), "\"x\";");
  EXPECT_EQ(run("item[1].item.answer.value.id", nested), "\"i\";\"j\";");
  EXPECT_EQ(run("item[2].item[0].answer", nested), "");
  EXPECT_EQ(run("item[0].linkId = '1'", nested), "true;");
  EXPECT_EQ(run("item.linkId = '1'", nested), "false;");
  EXPECT_EQ(run("item[5].linkId != '1'", nested), "");
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "item[1].";
  EXPECT_EQ(run(deep + "linkId", nested), "");
}

TEST_F(Evaluate, UnitsOfTimeInAResourceAreTheCalendars) {
  constexpr std::string_view year =
      R"({"resourceType":"Observation","valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"a"}})";
  EXPECT_EQ(run("Observation.value = 1 year", year), "true;");
  EXPECT_EQ(run("Observation.value + 1 year = 2 years", year), "true;");
  EXPECT_EQ(run("Observation.value = 12 months", year), "true;");
  EXPECT_EQ(run("@2025 + Observation.value * 2 = @2027", year), "true;");
  EXPECT_EQ(run("Observation.value = 1 'a'", year), "");  // UCUM's year is no calendar's
}

TEST_F(Evaluate, AnExpressionMayStandOnOneTypeAfterAnother) {
  constexpr std::string_view bundle =
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Observation","valueString":"a"}},)"
      R"({"resource":{"resourceType":"Observation","valueQuantity":{"value":2}}},)"
      R"({"resource":{"resourceType":"Patient","name":[{"text":"b"}],"extension":[{"valueCode":"c"}]}},)"
      R"({"resource":{"resourceType":"Questionnaire","name":"d"}},)"
      R"({"resource":{"resourceType":"Patient","name":[{"text":"e"}]}}]})";
  EXPECT_EQ(run("entry.resource.value", bundle), "\"a\";{\"value\":2};");
  EXPECT_EQ(run("entry.resource.name", bundle), "{\"text\":\"b\"};\"d\";{\"text\":\"e\"};");
  EXPECT_EQ(run("entry.resource.select(name | extension.value)", bundle),
            "{\"text\":\"b\"};\"c\";\"d\";{\"text\":\"e\"};");
}

TEST_F(Evaluate, DescendantsKnowTheirTypesWhateverTheirOrder) {
  constexpr std::string_view patient =
      R"({"resourceType":"Patient","name":[{"family":"a","given":["b"]},{"given":["c",null],"family":"d",)"
      R"("_given":[null,{"id":"e"}]},{"family":"f","given":["g"]}],"contact":[{"name":{"given":["h"]}}],)"
      R"("contained":[{"resourceType":"Observation","status":"final"}],"birthDate":"2000","x":{"y":"z"}})";
  EXPECT_EQ(run("descendants().ofType(string)", patient), R"("a";"b";"c";null;"d";"f";"g";"e";"h";)");
  EXPECT_EQ(run("descendants().ofType(HumanName).count()", patient), "4;");
  EXPECT_EQ(run("descendants().ofType(Observation).status", patient), "\"final\";");
  EXPECT_EQ(run("descendants().ofType(date)", patient), "\"2000\";");
  EXPECT_EQ(run("descendants().count() = repeat(children()).count()", patient), "true;");
}

TEST_F(Evaluate, TextsDoNotGrowWithoutEnd) {
  std::string const eights = "'12345678'";
  for (std::string_view const how : {"$total + $total", "$total & $total"}) {
    std::string const doubled = "(1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22).aggregate(" +
                                std::string(how) + ", " + eights + ")";
    EXPECT_TRUE(run(doubled, kObservation).starts_with("error ")) << how;
  }
}

TEST_F(Evaluate, NowIsWhatTheEnvironmentSays) {
  EXPECT_EQ(run("now()", kObservation), "error not-supported: the time is not told to this evaluation");
  environment.now = "2026-01-31T10:20:30.400Z";
  EXPECT_EQ(run("today() | timeOfDay()", kObservation), "\"2026-01-31\";\"10:20:30.400\";");
}

TEST_F(Evaluate, EndsWhenTheBudgetIsSpent) {
  environment.step_max = 1000;
  EXPECT_EQ(run("repeat($this | ($this & 'x'))", kObservation).substr(0, 18), "error processing: ")
      << "a node is no text";
  EXPECT_EQ(run("'a'.repeat($this & 'x')", kObservation),
            "error too-costly: the expression took more than 1000 steps");
}

TEST_F(Evaluate, EndsWhenTheClockSaysSo) {
  int looks = 0;
  environment.out_of_time = [&] { return ++looks > 2; };
  EXPECT_EQ(run("1.repeat($this + 1)", kObservation), "error too-costly: the expression took too long");
}

TEST_F(Evaluate, EndsWhenACollectionGrowsTooLarge) {
  environment.collection_max = 100;
  std::string const tenfold = ".select($this.combine($this).combine($this).combine($this))";
  EXPECT_EQ(run("(1 | 2 | 3)" + tenfold + tenfold + tenfold, kObservation),
            "error too-costly: a collection has too many items");
}

TEST_F(Evaluate, RefusesWhatIsNestedTooDeeply) {
  EXPECT_EQ(run(std::string(5000, '(') + "1" + std::string(5000, ')'), kObservation), "compile too-costly");
  std::string sum = "1";
  for (int i = 0; i < 5000; ++i) sum += "+1";
  EXPECT_EQ(run(sum, kObservation), "compile too-costly");
  EXPECT_EQ(run(std::string(70000, ' '), kObservation), "compile too-costly");
}

TEST_F(Evaluate, ErrorsNeverTellAValue) {
  std::string const why = run("performer.reference.single()", kObservation);
  EXPECT_EQ(why.find("Practitioner"), std::string::npos) << why;
}

struct Checked {
  char const* type;
  char const* text;
  char const* finding;  ///< "" for none
};

TEST(Check, FindsWhatCannotBeMeantOnAType) {
  constexpr Checked kCases[] = {
      {"Patient", "name.given", ""},
      {"Patient", "name.first().given.where($this = 'A')", ""},
      {"Patient", "contact.where(relationship.exists()).name.family", ""},
      {"Patient", "name.givn", "HumanName has no element givn, at character 6"},
      {"Patient", "contact.name.where(famly = 'x')", "HumanName has no element famly, at character 20"},
      {"Patient", "contact.all(telephone.exists())",
       "Patient.contact has no element telephone, at character 13"},
      {"Observation", "value.ofType(Quantity).unt", "Quantity has no element unt, at character 24"},
      {"Observation", "value.unit | value.start", ""},
      {"Observation", "value.nothing", "Quantity has no element nothing, at character 7"},
      {"Observation", "subject.resolve().anything", ""},
      {"Bundle", "entry.resource.anything", ""},
      {"Patient", "birthDate + 7", ""},
      {"Patient", "@2020-01-01 + 7",
       "a date is moved by a quantity of time, not by a number, at character 13"},
      {"Patient", "name.matches('x')", "matches() needs a text, at character 6"},
      {"Patient", "descendants().first()",
       "first() needs an order, and these items have none, at character 15"},
      {"Encounter", "Patient.name", "Encounter has no element Patient, at character 1"}};
  for (Checked const& row : kCases) {
    Issues const issues = Expression::compile(row.text).value().check(*definitions::find_type(row.type));
    std::string const found = issues.empty() ? "" : issues[0].diagnostics;
    EXPECT_EQ(found, row.finding) << row.type << ": " << row.text;
  }
}

}  // namespace
}  // namespace fhir::path
