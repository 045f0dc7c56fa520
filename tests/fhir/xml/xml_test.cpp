#include "fhir/xml/xml.hpp"

#include "fhir/json/canonical.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace fhir::xml {
namespace {

std::string to_json(json::Element const& element) {
  std::string out;
  json::write(element, out);
  return out;
}

std::string xml_of(std::string_view json_text) {
  return write_resource(json::read_document(json_text).value().root).value();
}

TEST(Xml, EveryOfficialExampleComesBackFromXmlAsItWas) {
  SKIP_WITHOUT_SHARED();
  std::size_t same = 0;
  for (auto const& example : test::load_examples()) {
    json::Document const document = test::read(example.bytes);
    auto const xml = write_resource(document.root);
    ASSERT_TRUE(xml) << example.name << ": " << to_line(xml.error());
    auto const again = read_resource(*xml);
    ASSERT_TRUE(again) << example.name << ": " << to_line(again.error());
    EXPECT_TRUE(again->root == document.root) << example.name;
    same += again->root == document.root ? 1U : 0U;
  }
  std::cout << same << " of " << test::kOfficialExamples << " examples are equal after JSON -> XML -> JSON\n";
  EXPECT_EQ(same, test::kOfficialExamples);
}

TEST(Xml, DigitsIdsAndExtensionsOnPrimitivesAreKept) {
  std::string const text =
      R"({"resourceType":"Patient","id":"a","_birthDate":{"id":"b","extension":[{"url":"http://example.org/x","valueDecimal":1.10}]},)"
      R"("name":[{"given":["A",null,"C"],"_given":[null,{"id":"second"},null]}]})";
  std::string const xml = xml_of(text);
  EXPECT_NE(
      xml.find("<birthDate id=\"b\"><extension url=\"http://example.org/x\"><valueDecimal value=\"1.10\"/>"),
      std::string::npos)
      << xml;
  auto const again = read_resource(xml);
  ASSERT_TRUE(again) << to_line(again.error());
  auto const original = json::read_document(text).value();
  EXPECT_EQ(to_json(*again->root.at("name", 0, "given")), R"(["A",null,"C"])");
  EXPECT_EQ(to_json(*again->root.at("_birthDate")), to_json(*original.root.at("_birthDate")));
}

TEST(Xml, ANarrativeKeepsItsBytes) {
  std::string const div =
      R"(<div xmlns=\"http://www.w3.org/1999/xhtml\"><p title='a > b'>1 &lt; 2<br/>x <!-- </div> --><!--> <? </div> --><div>inner</div></p></div>)";
  std::string const text = R"({"resourceType":"Patient","text":{"status":"generated","div":")" + div + "\"}}";
  auto const original = json::read_document(text).value();
  auto const again = read_resource(write_resource(original.root).value());
  ASSERT_TRUE(again) << to_line(again.error());
  EXPECT_EQ(again->root.text_of("text", "div"), original.root.text_of("text", "div"));
}

TEST(Xml, ANarrativeThatNamesNoNamespaceIsXhtml) {
  auto const read = read_resource(
      R"(<Patient xmlns="http://hl7.org/fhir"><text><status value="empty"/><div>a<?x > ?></div></text></Patient>)");
  ASSERT_TRUE(read) << to_line(read.error());
  std::string const xhtml = R"(<div xmlns="http://www.w3.org/1999/xhtml">a<?x > ?></div>)";
  EXPECT_EQ(read->root.text_of("text", "div"), xhtml);
  EXPECT_NE(xml_of(R"({"resourceType":"Patient","text":{"status":"empty","div":"<div>a<?x > ?></div>"}})")
                .find(xhtml),
            std::string::npos);
}

TEST(Xml, OnlyWhatXmlCanHoldIsWritten) {
  struct {
    char const* member;
    IssueType code;
    char const* expression;
  } const refused[] = {
      {R"("text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/><active value=\"true\"/>"})",
       IssueType::structure, "Patient.text.div"},
      {R"("text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/> and more"})", IssueType::structure,
       "Patient.text.div"},
      {R"("text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><b></div>"})", IssueType::structure,
       "Patient.text.div"},
      {R"("text":{"div":"<div xmlns=\"urn:other\"/>"})", IssueType::structure, "Patient.text.div"},
      {R"("text":{"div":"<!DOCTYPE div><div/>"})", IssueType::structure, "Patient.text.div"},
      {R"("_active":{"":1})", IssueType::structure, "Patient.active"},
      {R"("gender":"a\uffffb")", IssueType::value, "Patient.gender"},
      {R"("name":[{"id":"\ufffe"}])", IssueType::value, "Patient.name"}};
  for (auto const& row : refused) {
    auto const document =
        json::read_document(std::string(R"({"resourceType":"Patient",)") + row.member + "}").value();
    auto const xml = write_resource(document.root);
    ASSERT_FALSE(xml) << row.member << *xml;
    EXPECT_EQ(xml.error().code, row.code) << row.member;
    EXPECT_EQ(xml.error().expression, row.expression) << row.member;
  }
}

TEST(Xml, TextIsEscapedSoThatNothingIsLost) {
  auto const document =
      json::read_document(R"({"resourceType":"Basic","id":"x","identifier":[{"value":"a<b>&\"c'\td"}]})")
          .value();
  EXPECT_TRUE(read_resource(write_resource(document.root).value())->root == document.root);
}

struct Refused {
  char const* xml;
  IssueType code;
  char const* expression;
};

TEST(Xml, RefusesWithPlaceAndReason) {
  constexpr Refused kRefused[] = {
      {R"(<!DOCTYPE x [<!ENTITY e "boom">]><Patient xmlns="http://hl7.org/fhir"/>)", IssueType::security, ""},
      {R"(<Patient xmlns="http://hl7.org/fhir"><id value="1"/>)", IssueType::structure, ""},
      {R"(<Patient/>)", IssueType::structure, "Patient"},
      {R"(<Nothing xmlns="http://hl7.org/fhir"/>)", IssueType::structure, "Nothing"},
      {R"(<Resource xmlns="http://hl7.org/fhir"/>)", IssueType::structure, "Resource"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><nothing/></Patient>)", IssueType::structure,
       "Patient.nothing"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><active value="yes"/></Patient>)", IssueType::value,
       "Patient.active"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><multipleBirthInteger value="01"/></Patient>)",
       IssueType::value, "Patient.multipleBirthInteger"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><birthDate value="1970"/><birthDate value="1971"/></Patient>)",
       IssueType::structure, "Patient.birthDate"},
      {R"(<Patient xmlns="http://hl7.org/fhir">text</Patient>)", IssueType::structure, "Patient"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><active value="true" other="1"/></Patient>)",
       IssueType::structure, "Patient.active"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><contained/></Patient>)", IssueType::structure,
       "Patient.contained"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><contained id="1"><Basic/></contained></Patient>)",
       IssueType::structure, "Patient.contained"},
      {R"(<f:Patient xmlns:f="http://hl7.org/fhir"/>)", IssueType::structure, "f:Patient"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><active xmlns="urn:other" value="true"/></Patient>)",
       IssueType::structure, "Patient.active"},
      {R"(<Patient xmlns="http://hl7.org/fhir"><text><div xmlns="http://www.w2.org/1999/xhtml"/></text></Patient>)",
       IssueType::structure, "Patient.text.div"},
      {"<Patient xmlns=\"http://hl7.org/fhir\"><gender value=\"a\xC3\"/></Patient>", IssueType::value, ""},
      {"<Patient xmlns=\"http://hl7.org/fhir\"><gender value=\"a\x01\"/></Patient>", IssueType::value, ""},
      {R"(<Patient xmlns="http://hl7.org/fhir"><gender value="a&#1;"/></Patient>)", IssueType::value,
       "Patient.gender"}};
  for (Refused const& row : kRefused) {
    auto const result = read_resource(row.xml);
    ASSERT_FALSE(result) << row.xml;
    EXPECT_EQ(result.error().code, row.code) << row.xml << ": " << result.error().diagnostics;
    EXPECT_EQ(result.error().expression, row.expression) << row.xml;
  }
  EXPECT_EQ(read_resource("<Patient xmlns=\"http://hl7.org/fhir\">\n  <nothing/></Patient>").error().source,
            "line 2 column 4");
}

TEST(Xml, RefusesWhatIsNestedTooDeeply) {
  std::string xml = "<Basic xmlns=\"http://hl7.org/fhir\">";
  for (int i = 0; i < 100; ++i) xml += "<extension url=\"u\">";
  for (int i = 0; i < 100; ++i) xml += "</extension>";
  auto const result = read_resource(xml + "</Basic>");
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().diagnostics.find("deeper"), std::string::npos);
}

TEST(Xml, EveryExampleIsValidByTheOfficialSchema) {
  SKIP_WITHOUT_SHARED();
  auto const schema = test::shared_directory() / "reference/fhir-r4/schemas/fhir-single.xsd";
  if (!std::filesystem::exists(schema)) GTEST_SKIP() << "fhir-single.xsd is not in ../shared";
  auto const folder = std::filesystem::temp_directory_path() / ("handoff-xml-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::string files;
  std::size_t count = 0;
  for (auto const& example : test::load_examples()) {
    auto const file = folder / (std::to_string(++count) + ".xml");
    std::ofstream(file, std::ios::binary) << write_resource(test::read(example.bytes).root).value();
  }
  std::string const command = "find " + folder.string() +
                              " -name '*.xml' | xargs xmllint --noout --nonet --schema " + schema.string() +
                              " > " + (folder / "out").string() + " 2>&1";
  int const code = std::system(command.c_str());
  std::ifstream out(folder / "out");
  std::size_t valid = 0;
  std::string invalid;
  for (std::string line; std::getline(out, line);) {
    if (line.ends_with(" validates")) {
      ++valid;
    } else {
      invalid += line + "\n";
    }
  }
  std::filesystem::remove_all(folder);
  EXPECT_EQ(code, 0);
  EXPECT_EQ(valid, test::kOfficialExamples) << invalid.substr(0, 4000);
}

}  // namespace
}  // namespace fhir::xml
