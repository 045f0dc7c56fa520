#include "fhir/validate/structure.hpp"

#include "fhir/json/writer.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace fhir::validate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Issues validate(std::string_view bytes) {
  Issues issues;
  validate_structure(test::read(bytes).root, issues);
  return issues;
}

std::string to_lines(Issues const& issues) {
  std::string lines;
  for (Issue const& issue : issues) lines.append(to_line(issue)).append("\n");
  return lines;
}

struct Case {
  std::string_view why;
  std::string_view bytes;
  IssueType code;
  std::string_view expression;
};

TEST(Structure, FindsEachKindOfFaultWhereItIs) {
  using enum IssueType;
  Case const cases[] = {
      {"not an object", R"("x")", structure, ""},
      {"no resourceType", R"({"id":"1"})", structure, ""},
      {"resourceType not a string", R"({"resourceType":1})", structure, ""},
      {"unknown resourceType", R"({"resourceType":"Patience"})", structure, ""},
      {"abstract resourceType", R"({"resourceType":"DomainResource"})", structure, ""},
      {"data type as resource", R"({"resourceType":"HumanName"})", structure, ""},
      {"unknown element", R"({"resourceType":"Patient","birthdate":"1970"})", structure, "Patient.birthdate"},
      {"unknown element below", R"({"resourceType":"Patient","name":[{"first":"x"}]})", structure,
       "Patient.name[0].first"},
      {"unknown companion", R"({"resourceType":"Patient","_foo":{"id":"x"}})", structure, "Patient._foo"},
      {"companion of a complex element", R"({"resourceType":"Patient","_name":[{"id":"x"}]})", structure,
       "Patient._name"},
      {"resourceType in a data type", R"({"resourceType":"Patient","name":[{"resourceType":"HumanName"}]})",
       structure, "Patient.name[0].resourceType"},
      {"string for boolean", R"({"resourceType":"Patient","active":"true"})", structure, "Patient.active"},
      {"number for string", R"({"resourceType":"Patient","name":[{"family":1}]})", structure,
       "Patient.name[0].family"},
      {"string for number", R"({"resourceType":"Patient","multipleBirthInteger":"1"})", structure,
       "Patient.multipleBirth"},
      {"string for object", R"({"resourceType":"Patient","maritalStatus":"M"})", structure,
       "Patient.maritalStatus"},
      {"object for string", R"({"resourceType":"Patient","gender":{"id":"x"}})", structure, "Patient.gender"},
      {"object for array", R"({"resourceType":"Patient","name":{"family":"x"}})", structure, "Patient.name"},
      {"array for single", R"({"resourceType":"Patient","gender":["male"]})", structure, "Patient.gender"},
      {"empty array", R"({"resourceType":"Patient","name":[]})", structure, "Patient.name"},
      {"empty object", R"({"resourceType":"Patient","name":[{}]})", structure, "Patient.name[0]"},
      {"empty string", R"({"resourceType":"Patient","name":[{"family":""}]})", value,
       "Patient.name[0].family"},
      {"null member", R"({"resourceType":"Patient","gender":null})", structure, "Patient.gender"},
      {"null in complex array", R"({"resourceType":"Patient","name":[null]})", structure, "Patient.name[0]"},
      {"null without companion", R"({"resourceType":"Patient","name":[{"given":["a",null]}]})", structure,
       "Patient.name[0].given[1]"},
      {"companion too short",
       R"({"resourceType":"Patient","name":[{"given":["a","b"],"_given":[{"id":"x"}]}]})", structure,
       "Patient.name[0].given"},
      {"null on both sides",
       R"({"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"x"},null]}]})", structure,
       "Patient.name[0].given[1]"},
      {"companion not an array", R"({"resourceType":"Patient","name":[{"given":["a"],"_given":{"id":"x"}}]})",
       structure, "Patient.name[0].given"},
      {"empty companion", R"({"resourceType":"Patient","_gender":{}})", structure, "Patient.gender"},
      {"member of a companion", R"({"resourceType":"Patient","_gender":{"value":"x"}})", structure,
       "Patient.gender.value"},
      {"bad date", R"({"resourceType":"Patient","birthDate":"1970-02-30"})", value, "Patient.birthDate"},
      {"bad id", R"({"resourceType":"Patient","id":"a_b"})", value, "Patient.id"},
      {"bad instant", R"({"resourceType":"Patient","meta":{"lastUpdated":"2020"}})", value,
       "Patient.meta.lastUpdated"},
      {"integer out of range", R"({"resourceType":"Patient","multipleBirthInteger":2147483648})", value,
       "Patient.multipleBirth"},
      {"positiveInt of zero", R"({"resourceType":"Patient","telecom":[{"rank":0}]})", value,
       "Patient.telecom[0].rank"},
      {"uri with white space", R"({"resourceType":"Patient","identifier":[{"system":"a b"}]})", value,
       "Patient.identifier[0].system"},
      {"bad base64", R"({"resourceType":"Patient","photo":[{"data":"#"}]})", value, "Patient.photo[0].data"},
      {"choice given twice", R"({"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2000"})",
       structure, "Patient.deceased"},
      {"choice of a type it has not", R"({"resourceType":"Patient","deceasedString":"x"})", structure,
       "Patient.deceasedString"},
      {"choice without its type",
       R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"value":"x"})", structure,
       "Observation.value"},
      {"missing required", R"({"resourceType":"Observation","code":{"text":"x"}})", required,
       "Observation.status"},
      {"missing required below", R"({"resourceType":"Patient","link":[{"type":"seealso"}]})", required,
       "Patient.link[0].other"},
      {"missing required choice",
       R"({"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"display":"x"}})",
       required, "MedicationRequest.medication"},
      {"extension without url", R"({"resourceType":"Patient","extension":[{"valueString":"x"}]})", required,
       "Patient.extension[0].url"},
      {"code outside its set", R"({"resourceType":"Patient","gender":"M"})", code_invalid, "Patient.gender"},
      {"code outside its set, in a repeating element",
       R"({"resourceType":"Subscription","status":"off","reason":"x","criteria":"x","channel":{"type":"rest-hook","header":["x"],"payload":"a/b"},"contact":[{"system":"pager2"}]})",
       code_invalid, "Subscription.contact[0].system"},
      {"concept outside its set",
       R"({"resourceType":"AllergyIntolerance","patient":{"display":"x"},"clinicalStatus":{"coding":[{"system":"http://example.org","code":"active"}]}})",
       code_invalid, "AllergyIntolerance.clinicalStatus"},
      {"contained in contained",
       R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","contained":[{"resourceType":"Patient","active":true}]}]})",
       structure, "Patient.contained[0]"},
      {"contained fault",
       R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","foo":1}]})", structure,
       "Patient.contained[0].foo"},
      {"contained without type", R"({"resourceType":"Patient","contained":[{"id":"x"}]})", structure,
       "Patient.contained[0]"},
      {"entry fault",
       R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","gender":"x"}}]})",
       code_invalid, "Bundle.entry[0].resource.gender"},
      {"reference of no shape",
       R"({"resourceType":"Patient","managingOrganization":{"reference":"some hospital"}})", value,
       "Patient.managingOrganization.reference"},
      {"reference without id",
       R"({"resourceType":"Patient","managingOrganization":{"reference":"Organization/"}})", value,
       "Patient.managingOrganization.reference"},
      {"reference to the wrong type",
       R"({"resourceType":"Patient","managingOrganization":{"reference":"Patient/1"}})", value,
       "Patient.managingOrganization"},
      {"choice of a type that only other elements have",
       R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"valueMoney":{"value":1}})",
       structure, "Observation.valueMoney"},
  };
  for (Case const& one : cases) {
    Issues const issues = validate(one.bytes);
    ASSERT_FALSE(issues.empty()) << one.why;
    bool const found = std::ranges::any_of(issues, [&](Issue const& issue) {
      return issue.code == one.code && issue.expression == one.expression;
    });
    EXPECT_TRUE(found) << one.why << " gave\n" << to_lines(issues);
    for (Issue const& issue : issues) {
      EXPECT_EQ(issue.severity, Severity::error) << one.why;
      EXPECT_FALSE(issue.diagnostics.empty()) << one.why;
    }
  }
}

TEST(Structure, AcceptsWhatIsUnusualButAllowed) {
  for (
      std::string_view const bytes : {
          R"({"resourceType":"Patient"})",
          R"({"resourceType":"Patient","_gender":{"extension":[{"url":"u","valueCode":"x"}]}})",
          R"({"resourceType":"Patient","name":[{"_given":[{"id":"x"}]}]})",
          R"({"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]})",
          R"({"resourceType":"Patient","deceasedBoolean":false,"_deceasedBoolean":{"id":"x"}})",
          R"({"resourceType":"Observation","_status":{"extension":[{"url":"u","valueCode":"unknown"}]},"code":{"text":"x"}})",
          R"({"resourceType":"Patient","managingOrganization":{"reference":"Organization?identifier=a|b"}})",
          R"({"resourceType":"Patient","managingOrganization":{"reference":"#"}})",
          R"({"resourceType":"Patient","managingOrganization":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}})",
          R"({"resourceType":"Patient","managingOrganization":{"reference":"http://a/Patient/1"}})",
          R"({"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Organization","name":"x"}]}}]})",
      }) {
    EXPECT_EQ(to_lines(validate(bytes)), "") << bytes;
  }
}

TEST(Structure, NeverRepeatsWhatTheResourceSays) {
  for (
      Issue const& issue : validate(
          R"({"resourceType":"Patient","birthDate":"Secret1","gender":"Secret2","id":"Secret 3",)"
          R"("Secret name":"x","managingOrganization":{"reference":"Secret4"},"photo":[{"data":"Secret5!"}]})")) {
    EXPECT_THAT(to_line(issue), Not(HasSubstr("Secret")));
  }
}

TEST(Structure, StopsAtAHundredFindings) {
  std::string bytes = R"({"resourceType":"Patient","name":[)";
  for (int i = 0; i < 500; ++i) bytes.append(i == 0 ? "" : ",").append("{\"x\":1}");
  Issues const issues = validate(bytes + "]}");
  ASSERT_EQ(issues.size(), kIssuesMax + 1);
  EXPECT_EQ(issues.back().code, IssueType::too_costly);
}

TEST(Structure, AppendsToWhatIsThere) {
  Issues issues{warning(IssueType::informational, "before")};
  validate_structure(test::read(R"({"resourceType":"Patient","x":1})").root, issues);
  ASSERT_EQ(issues.size(), 2U);
  EXPECT_EQ(issues.front().diagnostics, "before");
}

TEST(Structure, FindsNoFaultInTheOfficialExamplesButThoseTheyHave) {
  SKIP_WITHOUT_SHARED();
  // Each points to a type that its element's definition does not allow; the specification's own examples are
  // wrong here.
  std::map<std::string, std::string> const faults{
      {"DeviceMetric-example.json", "DeviceMetric.parent"},  // to a DeviceDefinition, as R5 has it
      {"MedicationRequest-medrx0301.json",
       "MedicationRequest.dispenseRequest.performer"},                   // to a Practitioner
      {"Observation-clinical-gender.json", "Observation.performer[0]"},  // to an Encounter
  };
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  std::size_t faulty = 0;
  for (auto const& example : examples) {
    Issues const issues = validate(example.bytes);
    auto const fault = faults.find(example.name);
    if (fault == faults.end()) {
      EXPECT_EQ(to_lines(issues), "") << example.name;
      continue;
    }
    ++faulty;
    ASSERT_EQ(issues.size(), 1U) << example.name;
    EXPECT_EQ(issues.front().expression, fault->second);
    EXPECT_EQ(issues.front().code, IssueType::value);
  }
  EXPECT_EQ(faulty, faults.size());
}

TEST(Structure, FindsNoFaultInTheExamplesOfOtherGuides) {
  SKIP_WITHOUT_SHARED();
  std::size_t count = 0;
  for (std::string_view const folder :
       {"corpora/fhir-r4/ig-examples/pacio-toc", "corpora/fhir-r4/ig-examples/subscriptions-backport",
        "corpora/fhir-r4/testscripts-official"}) {
    for (auto const& example : test::load_examples(folder)) {
      EXPECT_EQ(to_lines(validate(example.bytes)), "") << example.name;
      ++count;
    }
  }
  EXPECT_EQ(count, 65U + 16U + 6U);
}

/// Puts an unknown member into one object of the tree after another.
void add_unknown(json::Element& element, json::Arena& arena, int& countdown) {
  if (element.is_object() && countdown-- == 0)
    element.set(arena, "notAnElement", json::Element::of_string("x"));
  for (json::Member& member : element.members()) {
    if (member.name != "notAnElement") add_unknown(member.value, arena, countdown);
  }
  for (json::Element& item : element.items()) add_unknown(item, arena, countdown);
}

TEST(Structure, SeesAnUnknownElementAtEveryPlaceOfAnExample) {
  SKIP_WITHOUT_SHARED();
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  std::size_t places = 0;
  for (std::size_t i = 0; i < examples.size(); i += 10) {
    for (int place = 0; place < 40; ++place) {
      auto document = test::read(examples[i].bytes);
      int countdown = place;
      add_unknown(document.root, document.arena, countdown);
      if (countdown >= 0) break;
      Issues issues;
      validate_structure(document.root, issues);
      ++places;
      EXPECT_TRUE(std::ranges::any_of(
          issues, [](Issue const& issue) { return issue.expression.ends_with(".notAnElement"); }))
          << examples[i].name << " place " << place;
    }
  }
  EXPECT_GT(places, 500U);
}

}  // namespace
}  // namespace fhir::validate
