#include "fhir/validate/validator.hpp"

#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace fhir::validate {
namespace {

/// A validator on R4 with profiles of Patient by name, each given by its differential.
class Rig {
 public:
  explicit Rig(std::vector<std::pair<std::string, std::string>> profiles = {}, std::string type = "Patient") {
    std::vector<std::string> resources;
    for (auto const& [name, differential] : profiles) {
      resources.push_back(
          R"({"resourceType":"StructureDefinition","derivation":"constraint","kind":"resource","url":"http://x/)" +
          name + R"(","type":")" + type + R"(","baseDefinition":"http://hl7.org/fhir/StructureDefinition/)" +
          type + R"(","differential":{"element":[)" + differential + "]}}");
    }
    auto const library = std::make_shared<packages::Library>(packages::Library::r4());
    EXPECT_TRUE(library->add(packages::make_package("test", "1", std::move(resources)).value()));
    profiles_ = std::make_shared<profiles::Profiles const>(library);
    codes_ = std::make_unique<terminology::Codes>(std::make_shared<terminology::Terminology const>(
        std::make_shared<terminology::LibrarySource const>(library)));
  }

  /// "code expression" of each error.
  std::vector<std::string> errors(std::string_view resource, std::vector<std::string> profiles = {},
                                  Options options = {}) {
    json::Document const document = test::read(resource);
    options.codes = codes_.get();
    for (std::string const& name : profiles) options.profiles.push_back("http://x/" + name);
    issues.clear();
    Validator(profiles_).validate(document.root, options, issues);
    std::vector<std::string> found;
    for (Issue const& issue : issues) {
      if (issue.severity <= Severity::error)
        found.push_back(std::string(to_code(issue.code)) +
                        (issue.expression.empty() ? "" : " " + issue.expression));
    }
    return found;
  }

  Issues issues;

 private:
  std::shared_ptr<profiles::Profiles const> profiles_;
  std::unique_ptr<terminology::Codes> codes_;
};

using Found = std::vector<std::string>;

TEST(Validator, CardinalityFixedPatternAndLength) {
  Rig rig({{"p",
            R"({"id":"Patient.gender","path":"Patient.gender","min":1,"fixedCode":"male"},
               {"id":"Patient.maritalStatus","path":"Patient.maritalStatus","patternCodeableConcept":{"coding":[{"code":"M"}]}},
               {"id":"Patient.photo","path":"Patient.photo","max":"0"},
               {"id":"Patient.name.family","path":"Patient.name.family","maxLength":3},
               {"id":"Patient.birthDate","path":"Patient.birthDate","minValueDate":"2000-01-01"})"}});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient"})", {"p"}), Found{"required Patient"});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","gender":"female","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"S"}]},
                          "photo":[{"title":"x"}],"name":[{"family":"Abcd"},{"family":"Abc"}],"birthDate":"1999-12-31"})",
          {"p"}),
      (Found{"structure Patient", "value Patient.gender", "value Patient.maritalStatus",
             "too-long Patient.name[0].family", "value Patient.birthDate"}));
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","gender":"male","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M"}],"text":"x"}})",
          {"p"}),
      Found{});
}

constexpr char const* kSlices =
    R"({"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"ordered":ORDERED,"rules":"RULES"}},
       {"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a","min":1,"max":"1"},
       {"id":"Patient.identifier:a.system","path":"Patient.identifier.system","min":1,"fixedUri":"urn:a"},
       {"id":"Patient.identifier:b","path":"Patient.identifier","sliceName":"b"},
       {"id":"Patient.identifier:b.system","path":"Patient.identifier.system","min":1,"fixedUri":"urn:b"})";

std::string slices(std::string_view ordered, std::string_view rules) {
  std::string text = kSlices;
  text.replace(text.find("ORDERED"), 7, ordered);
  text.replace(text.find("RULES"), 5, rules);
  return text;
}

std::string patient_with(std::string_view systems) {
  std::string list;
  for (char const system : systems)
    list.append(list.empty() ? "" : ",")
        .append(R"({"system":"urn:)")
        .append(1, system)
        .append("\",\"value\":\"1\"}");
  return R"({"resourceType":"Patient","identifier":[)" + list + "]}";
}

TEST(Validator, SlicesAreCountedOrderedAndClosed) {
  Rig rig({{"open", slices("false", "open")},
           {"closed", slices("false", "closed")},
           {"end", slices("false", "openAtEnd")},
           {"ordered", slices("true", "open")}});
  EXPECT_EQ(rig.errors(patient_with("cba"), {"open"}), Found{});
  EXPECT_EQ(rig.errors(patient_with("b"), {"open"}), Found{"required Patient"});
  EXPECT_EQ(rig.errors(patient_with("aa"), {"open"}), Found{"structure Patient"});
  EXPECT_EQ(rig.errors(patient_with("abc"), {"closed"}), Found{"structure Patient.identifier[2]"});
  EXPECT_EQ(rig.errors(patient_with("abc"), {"end"}), Found{});
  EXPECT_EQ(rig.errors(patient_with("cab"), {"end"}),
            (Found{"structure Patient.identifier[1]", "structure Patient.identifier[2]"}));
  EXPECT_EQ(rig.errors(patient_with("ab"), {"ordered"}), Found{});
  EXPECT_EQ(rig.errors(patient_with("ba"), {"ordered"}), Found{"structure Patient.identifier[1]"});
}

TEST(Validator, DiscriminatorsTellSlicesApart) {
  Rig rig(
      {{"exists",
        R"({"id":"Patient.contact","path":"Patient.contact","slicing":{"discriminator":[{"type":"exists","path":"name"}],"rules":"closed"}},
               {"id":"Patient.contact:named","path":"Patient.contact","sliceName":"named","max":"1"},
               {"id":"Patient.contact:named.name","path":"Patient.contact.name","min":1})"},
       {"type",
        R"({"id":"Patient.deceased[x]","path":"Patient.deceased[x]","slicing":{"discriminator":[{"type":"type","path":"$this"}],"rules":"closed"}},
               {"id":"Patient.deceased[x]:deceasedBoolean","path":"Patient.deceased[x]","sliceName":"deceasedBoolean","type":[{"code":"boolean"}],"patternBoolean":true})"},
       {"pattern",
        R"({"id":"Patient.communication","path":"Patient.communication","slicing":{"discriminator":[{"type":"pattern","path":"language"}],"rules":"open"}},
               {"id":"Patient.communication:en","path":"Patient.communication","sliceName":"en","max":"1"},
               {"id":"Patient.communication:en.language","path":"Patient.communication.language","patternCodeableConcept":{"coding":[{"code":"en"}]}})"}});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","contact":[{"name":{"text":"x"}},{"organization":{"display":"x"}}]})",
          {"exists"}),
      Found{"structure Patient.contact[1]"});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","deceasedDateTime":"2020"})", {"type"}),
            Found{"structure Patient.deceased"});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","deceasedBoolean":false})", {"type"}),
            Found{"value Patient.deceased"});
  std::string const english =
      R"({"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"en"}],"text":"x"}})";
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","communication":[)" + english + "," + english + "]}",
                       {"pattern"}),
            Found{"structure Patient"});
}

TEST(Validator, BindingsGoByStrength) {
  Rig rig(
      {{"p",
        R"({"id":"Patient.maritalStatus","path":"Patient.maritalStatus","binding":{"strength":"required","valueSet":"http://hl7.org/fhir/ValueSet/marital-status"}})"}});
  std::string const wrong =
      R"({"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}]}})";
  EXPECT_EQ(rig.errors(wrong), Found{});  // extensible
  EXPECT_TRUE(std::ranges::any_of(rig.issues, [](Issue const& issue) {
    return issue.severity == Severity::warning && issue.code == IssueType::code_invalid &&
           issue.expression == "Patient.maritalStatus";
  }));
  EXPECT_EQ(rig.errors(wrong, {"p"}), Found{"code-invalid Patient.maritalStatus"});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"none"}]}})"),
      Found{"code-invalid Patient.maritalStatus.coding[0].code"});
}

TEST(Validator, ExtensionsStandWhereTheyMayAndModifiersAreKnown) {
  Rig rig;
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"x"}}]})"),
      Found{});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","name":[{"text":"x","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueAddress":{"city":"x"}}]}]})"),
      Found{"extension Patient.name[0]"});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace","valueString":"x"}]})"),
      Found{"structure Patient.extension[0].value"});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthPlace|4.0.1","valueAddress":{"city":"x"}}]})"),
      (Found{"extension Patient.extension[0]", "value Patient.extension[0].url"}));
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","extension":[{"url":"urn:x","valueString":"x","extension":[{"url":"urn:y","valueString":"y"}]}]})"),
      Found{"invariant Patient.extension[0]"});
  EXPECT_EQ(
      rig.errors(R"({"resourceType":"Patient","modifierExtension":[{"url":"urn:x","valueString":"x"}]})"),
      Found{"extension Patient.modifierExtension[0]"});
  Options strict;
  strict.unknown_extensions = UnknownExtensions::refused;
  EXPECT_EQ(
      rig.errors(R"({"resourceType":"Patient","extension":[{"url":"urn:x","valueString":"x"}]})", {}, strict),
      Found{"extension Patient.extension[0]"});
}

TEST(Validator, ProfilesThatPointToThemselvesEnd) {
  Rig rig(
      {{"p",
        R"({"id":"Patient.link.other","path":"Patient.link.other","type":[{"code":"Reference","targetProfile":["http://x/p"]}]},
                    {"id":"Patient.active","path":"Patient.active","min":1})"}});
  json::Document const other = test::read(
      R"({"resourceType":"Patient","id":"b","active":true,"link":[{"other":{"reference":"Patient/a"},"type":"seealso"}]})");
  json::Document const lacking = test::read(R"({"resourceType":"Patient","id":"c"})");
  Options options;
  options.resolve = [&](std::string_view reference) {
    return reference == "Patient/c" ? &lacking.root : &other.root;
  };
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","id":"a","active":true,"link":[{"other":{"reference":"Patient/b"},"type":"seealso"}]})",
          {"p"}, options),
      Found{});
  EXPECT_EQ(
      rig.errors(
          R"({"resourceType":"Patient","id":"a","active":true,"link":[{"other":{"reference":"Patient/c"},"type":"seealso"}]})",
          {"p"}, options),
      Found{"structure Patient.link[0].other"});
}

TEST(Validator, BudgetsEndInTooCostly) {
  Rig rig;
  std::string names;
  for (int i = 0; i < 2000; ++i)
    names.append(i == 0 ? "" : ",").append(R"({"text":"x","period":{"start":"2001","end":"2000"}})");
  std::string const patient = R"({"resourceType":"Patient","name":[)" + names + "]}";
  Options few;
  few.issues_max = 10;
  auto const found = rig.errors(patient, {}, few);
  EXPECT_EQ(rig.issues.size(), 11U);
  EXPECT_EQ(found.back(), "too-costly");
  Options little;
  little.work_max = 500;
  EXPECT_EQ(rig.errors(patient, {}, little).back(), "too-costly");
  Options late;
  late.out_of_time = [] { return true; };
  EXPECT_EQ(rig.errors(patient, {}, late).back(), "too-costly");
}

TEST(Validator, AProfileForAnotherTypeOrUnknownIsSaid) {
  Rig rig({{"p", R"({"id":"Patient.active","path":"Patient.active","min":1})"}});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Group","type":"person","actual":true})", {"p"}),
            Found{"structure Group"});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient"})", {"absent"}), Found{"not-found Patient"});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","meta":{"profile":["http://x/p"]}})"),
            Found{"required Patient"});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","meta":{"profile":["http://x/absent"]}})"), Found{});
}

TEST(Validator, IdsAreUniqueAndALinkLeadsSomewhere) {
  Rig rig;
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","name":[{"id":"a","text":"x"},{"id":"a","text":"y"}]})"),
            Found{"business-rule Patient"});
  EXPECT_EQ(rig.errors(R"({"resourceType":"Patient","id":"a","name":[{"id":"a","text":"x"}]})"), Found{});
  auto const warns = [&](std::string_view name) {
    EXPECT_EQ(
        rig.errors(
            std::string(
                R"({"resourceType":"Patient","name":[{"id":"n","text":"x"}],"text":{"status":"generated","div":)")
                .append(R"("<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"#)")
                .append(name)
                .append(R"(\">x</a><b id=\"b\">y</b></div>"}})")),
        Found{});
    return std::ranges::any_of(
        rig.issues, [](Issue const& issue) { return issue.diagnostics.find("a link") != std::string::npos; });
  };
  EXPECT_FALSE(warns("n"));
  EXPECT_FALSE(warns("b"));
  EXPECT_TRUE(warns("nowhere"));
}

TEST(Validator, AProfileMayOnlyNarrow) {
  Rig rig;
  auto const definition = [](std::string_view element) {
    return std::string(
               R"({"resourceType":"StructureDefinition","url":"http://x/own","name":"Own","status":"draft","kind":"resource","abstract":false,)"
               R"("type":"Observation","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Observation","derivation":"constraint",)"
               R"("differential":{"element":[{"id":"Observation","path":"Observation"},)")
        .append(element)
        .append("]}}");
  };
  EXPECT_EQ(
      rig.errors(definition(R"({"id":"Observation.status","path":"Observation.status","min":1,"max":"1"})")),
      Found{});
  EXPECT_EQ(rig.errors(definition(R"({"id":"Observation.status","path":"Observation.status","min":0})")),
            Found{"business-rule StructureDefinition.differential.element[1]"});
  EXPECT_EQ(rig.errors(definition(R"({"id":"Observation.subject","path":"Observation.subject","max":"*"})")),
            Found{"business-rule StructureDefinition.differential.element[1]"});
  EXPECT_EQ(rig.errors(definition(R"({"id":"Observation.wings","path":"Observation.wings","max":"0"})")),
            Found{"processing StructureDefinition"});
}

TEST(Validator, AUnitThatUcumLacksIsWarnedOf) {
  Rig rig;
  auto const measured = [](std::string_view code) {
    return R"({"resourceType":"Observation","status":"final","code":{"text":"x"},
               "valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":")" +
           std::string(code) + R"("}})";
  };
  auto const warnings_at_code = [&](std::string_view code) {
    EXPECT_EQ(rig.errors(measured(code)), Found{});
    return std::ranges::count(rig.issues, "Observation.value.code", &Issue::expression);
  };
  EXPECT_EQ(warnings_at_code("mg/dL"), 0);
  EXPECT_EQ(warnings_at_code("mm Hg"), 1);
}

TEST(Validator, AContainedResourceIsReferredTo) {
  Rig rig;
  auto const patient = [](std::string_view reference) {
    return R"({"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}],
               "name":[{"family":"x"}],"managingOrganization":{"reference":")" +
           std::string(reference) + R"("}})";
  };
  EXPECT_EQ(rig.errors(patient("#o")), Found{});
  EXPECT_EQ(rig.errors(patient("Organization/o")), Found{"invariant Patient"});
  EXPECT_NE(rig.issues[0].diagnostics.find("dom-3"), std::string::npos);
}

TEST(Validator, InvariantsMayAskForDefinitionsSlicesAndProfiles) {
  std::string const sliced = slices("false", "open");
  Rig rig({{"sliced", sliced},
           {"p",
            R"json({"id":"Patient","path":"Patient","constraint":[
                {"key":"t-1","severity":"error","human":"x","expression":"identifier.slice('http://x/sliced', 'a').count() = 1"},
                {"key":"t-2","severity":"error","human":"x","expression":"name.elementDefinition().path = 'Patient.name'"},
                {"key":"t-3","severity":"error","human":"x","expression":"contact.name.elementDefinition().max = '1' and elementDefinition().path = 'Patient'"},
                {"key":"t-4","severity":"error","human":"x","expression":"conformsTo('http://x/sliced')"},
                {"key":"t-5","severity":"error","human":"x","expression":"gender.memberOf('http://hl7.org/fhir/ValueSet/administrative-gender')"},
                {"key":"t-6","severity":"error","human":"x","expression":"identifier.checkModifiers().exists()"}]})json"}});
  auto const patient = [](std::string_view systems) {
    std::string text = patient_with(systems);
    text.insert(text.size() - 1,
                R"(,"name":[{"text":"x"}],"gender":"male","contact":[{"name":{"text":"y"}}])");
    return text;
  };
  EXPECT_EQ(rig.errors(patient("ab"), {"p"}), Found{});
  for (Issue const& issue : rig.issues)
    EXPECT_EQ(issue.diagnostics.find("could not be judged"), std::string::npos) << to_line(issue);
  EXPECT_EQ(rig.errors(patient("bb"), {"p"}), (Found{"invariant Patient", "invariant Patient"}));
}

}  // namespace
}  // namespace fhir::validate
