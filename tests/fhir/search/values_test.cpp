#include "fhir/search/values.hpp"

#include "fhir/json/writer.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace fhir::search {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string show(double value) {
  std::string text = std::to_string(value);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string show(Value const& value) {
  struct Visitor {
    std::string operator()(TokenValue const& v) const {
      std::string out = std::string(v.system) + "|" + std::string(v.code);
      if (!v.text.empty()) out.append("~").append(v.text);
      if (!v.type_code.empty()) out.append(" type ").append(v.type_system).append("|").append(v.type_code);
      return out;
    }
    std::string operator()(StringValue const& v) const {
      return std::string(v.normalised) + "=" + std::string(v.original);
    }
    std::string operator()(DateValue const& v) const {
      auto const side = [](std::int64_t ms) {
        return ms == kTimeMin || ms == kTimeMax ? std::string("*") : std::to_string(ms);
      };
      return side(v.low) + ".." + side(v.high);
    }
    std::string operator()(ReferenceValue const& v) const {
      std::string out = std::string(v.base) + "," + std::string(v.type) + "," + std::string(v.id) + "," +
                        std::string(v.version) + "," + std::string(v.url);
      if (!v.identifier_value.empty())
        out.append(",").append(v.identifier_system).append("|").append(v.identifier_value);
      return out;
    }
    std::string operator()(UriValue const& v) const { return std::string(v.uri); }
    std::string operator()(QuantityValue const& v) const {
      return show(v.low) + ".." + show(v.high) + "|" + std::string(v.system) + "|" + std::string(v.code) +
             "|" + std::string(v.unit);
    }
    std::string operator()(NumberValue const& v) const { return show(v.low) + ".." + show(v.high); }
  };
  return std::visit(Visitor{}, value);
}

/// What `code` finds in the resource, in the order extracted; parts of composites as "group/component:value".
std::vector<std::string> values_of(std::string_view bytes, std::string_view code) {
  auto const document = test::read(bytes);
  auto const extracted = extract(document.root);
  std::vector<std::string> found;
  for (IndexValue const& value : extracted.values) {
    if (value.code() != code) continue;
    std::string const group =
        value.group == 0 ? "" : std::to_string(value.group) + "/" + std::to_string(value.component) + ":";
    found.push_back(group + show(value.value));
  }
  return found;
}

constexpr std::string_view kPatient =
    R"({"resourceType":"Patient","id":"p","meta":{"tag":[{"system":"urn:t","code":"x"}],
  "profile":["http://p/1","http://p/2"],"source":"urn:s"},"language":"de",
  "identifier":[{"system":"urn:mrn","value":"12","type":{"coding":[{"system":"urn:v2","code":"MR"}],"text":"Record"}},{"value":"only"}],
  "active":true,"name":[{"family":"M\u00fcller","given":["Anna","Li"],"text":"Anna M\u00fcller"}],
  "telecom":[{"system":"phone","value":"555","use":"home"},{"system":"email","value":"a@b"}],"gender":"female","birthDate":"1970-02",
  "address":[{"line":["1 Main St"],"city":"Ulm","country":"DE","use":"home"}],
  "generalPractitioner":[{"reference":"Practitioner/g/_history/2"},{"reference":"http://x.org/fhir/Organization/o"},{"reference":"#in"}],
  "managingOrganization":{"identifier":{"system":"urn:npi","value":"99"},"type":"Organization"},
  "link":[{"other":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},"type":"seealso"}]})";

TEST(Extract, TokensOfAPatient) {
  EXPECT_THAT(values_of(kPatient, "identifier"), ElementsAre("urn:mrn|12~record type urn:v2|MR", "|only"));
  EXPECT_THAT(values_of(kPatient, "active"), ElementsAre("|true"));
  EXPECT_THAT(values_of(kPatient, "gender"), ElementsAre("http://hl7.org/fhir/administrative-gender|female"));
  EXPECT_THAT(values_of(kPatient, "telecom"), ElementsAre("home|555", "|a@b"));
  EXPECT_THAT(values_of(kPatient, "phone"), ElementsAre("home|555"));
  EXPECT_THAT(values_of(kPatient, "email"), ElementsAre("|a@b"));
  EXPECT_THAT(values_of(kPatient, "address-use"), ElementsAre("http://hl7.org/fhir/address-use|home"));
  EXPECT_THAT(values_of(kPatient, "_tag"), ElementsAre("urn:t|x"));
}

TEST(Extract, StringsAreFoldedAndKeptAsWritten) {
  EXPECT_THAT(values_of(kPatient, "family"), ElementsAre("muller=M\u00fcller"));
  EXPECT_THAT(values_of(kPatient, "given"), ElementsAre("anna=Anna", "li=Li"));
  EXPECT_THAT(values_of(kPatient, "name"), UnorderedElementsAre("anna muller=Anna M\u00fcller",
                                                                "muller=M\u00fcller", "anna=Anna", "li=Li"));
  EXPECT_THAT(values_of(kPatient, "address"),
              UnorderedElementsAre("1 main st=1 Main St", "ulm=Ulm", "de=DE"));
  EXPECT_THAT(values_of(kPatient, "address-city"), ElementsAre("ulm=Ulm"));
}

TEST(Extract, ReferencesByTypeIdVersionAndUrl) {
  EXPECT_THAT(values_of(kPatient, "general-practitioner"),
              ElementsAre(",Practitioner,g,2,Practitioner/g/_history/2",
                          "http://x.org/fhir/,Organization,o,,http://x.org/fhir/Organization/o"));
  EXPECT_THAT(values_of(kPatient, "organization"), ElementsAre(",Organization,,,,urn:npi|99"));
  EXPECT_THAT(values_of(kPatient, "link"), ElementsAre(",,,,urn:uuid:c757873d-ec9a-4326-a141-556f43239520"));
}

TEST(Extract, UrisAndWhatIsLeftToColumns) {
  EXPECT_THAT(values_of(kPatient, "_profile"), ElementsAre("http://p/1", "http://p/2"));
  EXPECT_THAT(values_of(kPatient, "_source"), ElementsAre("urn:s"));
  EXPECT_THAT(values_of(kPatient, "_id"), IsEmpty());
  EXPECT_THAT(values_of(kPatient, "_lastUpdated"), IsEmpty());
}

TEST(Extract, DatesAreAsWideAsTheirPrecision) {
  EXPECT_THAT(values_of(kPatient, "birthdate"), ElementsAre("2678400000..5097600000"));
  EXPECT_THAT(values_of(R"({"resourceType":"Encounter","period":{"start":"1970-01-02T00:00:00Z"}})", "date"),
              ElementsAre("86400000..*"));
  EXPECT_THAT(values_of(R"({"resourceType":"Encounter","period":{"end":"1970"}})", "date"),
              ElementsAre("*..31536000000"));
  EXPECT_THAT(values_of(R"({"resourceType":"Encounter","period":{"id":"x"}})", "date"), IsEmpty());
  EXPECT_THAT(
      values_of(
          R"({"resourceType":"ServiceRequest","occurrenceTiming":{"event":["1970-01-03","1970-01-01"]}})",
          "occurrence"),
      ElementsAre("0..259200000"));
  EXPECT_THAT(
      values_of(
          R"({"resourceType":"ServiceRequest","occurrenceTiming":{"repeat":{"boundsPeriod":{"start":"1970"}}}})",
          "occurrence"),
      ElementsAre("0..*"));
  EXPECT_THAT(
      values_of(R"({"resourceType":"Condition","onsetPeriod":{"start":"1970"},"subject":{}})", "onset-date"),
      ElementsAre("0..*"));
}

TEST(Extract, DeceasedIsThereAndNotFalse) {
  EXPECT_THAT(values_of(R"({"resourceType":"Patient"})", "deceased"), ElementsAre("|false"));
  EXPECT_THAT(values_of(R"({"resourceType":"Patient","deceasedBoolean":false})", "deceased"),
              ElementsAre("|false"));
  EXPECT_THAT(values_of(R"({"resourceType":"Patient","deceasedBoolean":true})", "deceased"),
              ElementsAre("|true"));
  EXPECT_THAT(values_of(R"({"resourceType":"Patient","deceasedDateTime":"2001"})", "deceased"),
              ElementsAre("|true"));
  EXPECT_THAT(values_of(R"({"resourceType":"Patient","deceasedDateTime":"2001"})", "death-date"),
              ElementsAre("978307200000..1009843200000"));
}

constexpr std::string_view kObservation = R"({"resourceType":"Observation","status":"final",
  "code":{"coding":[{"system":"urn:l","code":"a","display":"Sodium Level"},{"system":"urn:s","code":"b"}],"text":"Na"},
  "subject":{"reference":"Patient/1"},"valueQuantity":{"value":5.40,"unit":"mmol","system":"http://unitsofmeasure.org","code":"mmol/L"},
  "component":[{"code":{"coding":[{"code":"c1"}]},"valueQuantity":{"value":100,"comparator":"<"}},{"code":{"text":"none"},"valueString":"x"},
  {"code":{"coding":[{"code":"c3"}]},"valueCodeableConcept":{"coding":[{"code":"v3"}]}}]})";

TEST(Extract, ConceptsCarryTheirTextsForTextSearch) {
  EXPECT_THAT(values_of(kObservation, "code"), ElementsAre("urn:l|a~sodium level", "urn:s|b~na"));
  EXPECT_THAT(values_of(kObservation, "component-code"), ElementsAre("|c1", "|~none", "|c3"));
}

TEST(Extract, QuantitiesReachHalfTheirLastDigit) {
  EXPECT_THAT(values_of(kObservation, "value-quantity"),
              ElementsAre("5.395..5.405|http://unitsofmeasure.org|mmol/L|mmol"));
  EXPECT_THAT(values_of(kObservation, "component-value-quantity"), ElementsAre("-inf..100.5|||"));
  EXPECT_THAT(values_of(kObservation, "combo-value-quantity"),
              UnorderedElementsAre("5.395..5.405|http://unitsofmeasure.org|mmol/L|mmol", "-inf..100.5|||"));
  EXPECT_THAT(
      values_of(
          R"({"resourceType":"Condition","onsetRange":{"low":{"value":10,"code":"a"},"high":{"value":20,"code":"a"}}})",
          "onset-age"),
      ElementsAre("9.5..20.5||a|"));
  EXPECT_THAT(values_of(R"({"resourceType":"Condition","onsetRange":{"low":{"value":10}}})", "onset-age"),
              ElementsAre("9.5..inf|||"));
  EXPECT_THAT(
      values_of(R"({"resourceType":"Invoice","totalGross":{"value":7,"currency":"EUR"}})", "totalgross"),
      ElementsAre("6.5..7.5|urn:iso:std:iso:4217|EUR|"));
}

TEST(Extract, NumbersReachHalfTheirLastDigit) {
  EXPECT_THAT(values_of(R"({"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.20}]})",
                        "probability"),
              ElementsAre("0.195..0.205"));
  EXPECT_EQ(show(Value(*to_number_value("100"))), "99.5..100.5");
  EXPECT_EQ(show(Value(*to_number_value("100.00"))), "99.995..100.005");
  EXPECT_EQ(show(Value(*to_number_value("1e2"))), "95..105");
  EXPECT_EQ(show(Value(*to_number_value("-5.4"))), "-5.45..-5.35");
  for (std::string_view const text : {"", "x", "1.", ".5", "+1", "1e", "1e999999", "0x1", " 1"})
    EXPECT_FALSE(to_number_value(text)) << text;
}

/// The composite's parts without the group's number, which depends on the parameters around it.
std::vector<std::string> parts_of(std::string_view bytes, std::string_view code) {
  auto parts = values_of(bytes, code);
  for (std::string& part : parts) part.erase(0, part.find('/') + 1);
  return parts;
}

TEST(Extract, CompositesGroupWhatStandsTogether) {
  constexpr std::string_view kValue = "1:5.395..5.405|http://unitsofmeasure.org|mmol/L|mmol";
  EXPECT_THAT(parts_of(kObservation, "code-value-quantity"), ElementsAre("0:urn:l|a", "0:urn:s|b", kValue));
  EXPECT_THAT(parts_of(kObservation, "component-code-value-quantity"),
              ElementsAre("0:|c1", "1:-inf..100.5|||"));
  EXPECT_THAT(parts_of(kObservation, "component-code-value-concept"), ElementsAre("0:|c3", "1:|v3"));
  EXPECT_THAT(parts_of(kObservation, "combo-code-value-quantity"),
              UnorderedElementsAre("0:urn:l|a", "0:urn:s|b", kValue, "0:|c1", "1:-inf..100.5|||"));
  EXPECT_THAT(values_of(kObservation, "code-value-string"), IsEmpty());
}

TEST(Extract, EachComposingElementIsAGroupOfItsOwn) {
  auto const document = test::read(
      R"({"resourceType":"DocumentReference","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}},
    {"code":"appends","target":{"reference":"DocumentReference/2"}},{"code":"signs"}]})");
  std::map<std::uint32_t, std::string> groups;
  for (IndexValue const& value : extract(document.root).values) {
    if (value.code() == "relationship") groups[value.group].append(show(value.value)).append(";");
  }
  std::vector<std::string> shown;
  for (auto const& [group, text] : groups) shown.push_back(text);
  EXPECT_THAT(shown,
              ElementsAre("http://hl7.org/fhir/"
                          "document-relationship-type|replaces;,DocumentReference,1,,DocumentReference/1;",
                          "http://hl7.org/fhir/"
                          "document-relationship-type|appends;,DocumentReference,2,,DocumentReference/2;"));
}

TEST(Extract, ChoicesAreToldApart) {
  EXPECT_THAT(values_of(kObservation, "value-string"), IsEmpty());
  EXPECT_THAT(values_of(R"({"resourceType":"Observation","valueString":"Text"})", "value-string"),
              ElementsAre("text=Text"));
  EXPECT_THAT(
      values_of(R"({"resourceType":"Observation","valueCodeableConcept":{"text":"Words"}})", "value-string"),
      ElementsAre("words=Words"));
  EXPECT_THAT(values_of(R"({"resourceType":"Observation","valueDateTime":"1970"})", "value-date"),
              ElementsAre("0..31536000000"));
}

TEST(Extract, ResolvesByTheTextOfTheReference) {
  EXPECT_THAT(values_of(kObservation, "patient"), ElementsAre(",Patient,1,,Patient/1"));
  EXPECT_THAT(values_of(R"({"resourceType":"Observation","subject":{"reference":"Group/1"}})", "patient"),
              IsEmpty());
  EXPECT_THAT(values_of(R"({"resourceType":"Observation","subject":{"reference":"Group/1"}})", "subject"),
              ElementsAre(",Group,1,,Group/1"));
  EXPECT_THAT(
      values_of(R"({"resourceType":"Observation","subject":{"identifier":{"value":"1"},"type":"Patient"}})",
                "patient"),
      ElementsAre(",Patient,,,,|1"));
  EXPECT_THAT(values_of(R"({"resourceType":"Observation","subject":{"display":"x"}})", "subject"), IsEmpty());
}

TEST(Extract, CanonicalsAreSplitFromTheirVersion) {
  EXPECT_THAT(
      values_of(
          R"({"resourceType":"QuestionnaireResponse","questionnaire":"http://q.org/Questionnaire/1|2.0"})",
          "questionnaire"),
      ElementsAre("http://q.org/,Questionnaire,1,2.0,http://q.org/Questionnaire/1"));
  EXPECT_THAT(
      values_of(
          R"({"resourceType":"ActivityDefinition","relatedArtifact":[{"type":"depends-on","resource":"http://a"},)"
          R"({"type":"successor","resource":"http://b"}]})",
          "depends-on"),
      ElementsAre(",,,,http://a"));
}

TEST(Extract, TheFirstEntryOfADocumentIsItsComposition) {
  EXPECT_THAT(
      values_of(
          R"({"resourceType":"Bundle","type":"document","entry":[{"fullUrl":"urn:c","resource":{"resourceType":"Composition","id":"c"}},)"
          R"({"fullUrl":"urn:p","resource":{"resourceType":"Patient","id":"p"}}]})",
          "composition"),
      ElementsAre(",Composition,c,,urn:c"));
}

TEST(Extract, ContainedResourcesAreNotIndexed) {
  EXPECT_THAT(
      values_of(R"({"resourceType":"Patient","contained":[{"resourceType":"Patient","gender":"male"}]})",
                "gender"),
      IsEmpty());
}

TEST(Extract, UnknownTypesAndWrongShapesGiveNothing) {
  EXPECT_TRUE(extract(test::read(R"({"resourceType":"Nothing"})").root).values.empty());
  EXPECT_TRUE(extract(test::read("[1]").root).values.empty());
  EXPECT_TRUE(extract(json::Element{}).values.empty());
  auto const wrong = test::read(
      R"({"resourceType":"Patient","name":"x","birthDate":{"a":1},"identifier":[1,null,[]],"address":{"line":1}})");
  EXPECT_EQ(extract(wrong.root).values.size(), 1U);  // deceased, which is false
}

TEST(Extract, ReusesWhatItIsGiven) {
  auto const first = test::read(kPatient);
  auto const second = test::read(kObservation);
  IndexValues out;
  extract(first.root, out);
  extract(second.root, out);
  EXPECT_EQ(out.values.size(), extract(second.root).values.size());
}

TEST(Extract, RunsOnEveryOfficialExampleWithValuesOfTheirParametersType) {
  SKIP_WITHOUT_SHARED();
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  std::size_t values = 0;
  std::set<SearchParameter const*> parameters;
  for (auto const& example : examples) {
    auto const document = test::read(example.bytes);
    auto const extracted = extract(document.root);
    values += extracted.values.size();
    for (IndexValue const& value : extracted.values) {
      parameters.insert(value.parameter);
      if (value.parameter->type() == ParameterType::composite) {
        EXPECT_EQ(value.type(), value.parameter->components()[value.component].parameter().type())
            << example.name;
        EXPECT_GT(value.group, 0U);
      } else {
        EXPECT_EQ(value.type(), value.parameter->type()) << example.name << " " << value.code();
      }
      if (auto const* date = std::get_if<DateValue>(&value.value))
        EXPECT_LT(date->low, date->high) << example.name << " " << value.code();
    }
  }
  EXPECT_GT(values, 4500U);
  EXPECT_GT(parameters.size(), 700U);
}

TEST(References, AreFoundWhereverTheyStand) {
  auto const document = test::read(R"({"resourceType":"Encounter","subject":{"reference":"Patient/1"},
    "participant":[{"individual":{"reference":"Practitioner/2"}}],"contained":[{"resourceType":"Location","partOf":{"reference":"#x"}}],
    "extension":[{"url":"u","valueReference":{"reference":"http://a/Organization/3"}}],"basedOn":[{"display":"no literal"}],
    "_status":{"extension":[{"url":"u","valueReference":{"reference":"Device/4"}}]}})");
  std::vector<std::string> found;
  for (FoundReference const& one : references(document.root)) {
    found.push_back(one.expression + "=" + std::string(one.reference->text_at("reference")));
    EXPECT_EQ(one.value.url, one.reference->text_at("reference"));
  }
  EXPECT_THAT(found, UnorderedElementsAre("Encounter.subject=Patient/1",
                                          "Encounter.participant[0].individual=Practitioner/2",
                                          "Encounter.contained[0].partOf=#x",
                                          "Encounter.extension[0].value=http://a/Organization/3",
                                          "Encounter.status.extension[0].value=Device/4"));
}

TEST(References, OfABundleAreThoseOfItsEntries) {
  auto const document = test::read(
      R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Task","focus":{"reference":"urn:uuid:1"}}}]})");
  auto const found = references(document.root);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].expression, "Bundle.entry[0].resource.focus");
}

TEST(ReferenceValue, SplitsWhatEndsInTypeAndId) {
  struct Case {
    std::string_view text;
    std::string_view expected;
  };
  for (Case const& one :
       {Case{"Patient/1", ",Patient,1,,Patient/1"},
        Case{"Patient/1/_history/2", ",Patient,1,2,Patient/1/_history/2"},
        Case{"https://a.org/b/Patient/1", "https://a.org/b/,Patient,1,,https://a.org/b/Patient/1"},
        Case{"https://a.org/Patience/1", ",,,,https://a.org/Patience/1"}, Case{"Patient", ",,,,Patient"},
        Case{"Patient/", ",,,,Patient/"}, Case{"Patient/a_b", ",,,,Patient/a_b"}, Case{"/", ",,,,/"},
        Case{"", ",,,,"}, Case{"#a", ",,,,#a"}, Case{"Patient?x=Patient/1", ",,,,Patient?x=Patient/1"},
        Case{"urn:x:Patient/1", ",,,,urn:x:Patient/1"}, Case{"/_history/1", ",,,,/_history/1"}}) {
    EXPECT_EQ(show(Value(to_reference_value(one.text))), one.expected);
  }
}

}  // namespace
}  // namespace fhir::search
