/// XML Patch on resources: what the official suite, which knows only loose documents, does not ask.
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/patch/patch.hpp"

#include <gtest/gtest.h>

namespace fhir::patch {
namespace {

constexpr std::string_view kPatient =
    R"({"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ada</div>"},)"
    R"("active":true,"name":[{"id":"n1","family":"Ashdown","given":["Ada","May"]},{"family":"Byron"}],"birthDate":"1975-12-10"})";

/// The patched Patient, or "CODE: why".
std::string patched(std::string const& operations) {
  auto const patch = read_xml_patch("<diff xmlns='http://hl7.org/fhir'>" + operations + "</diff>");
  if (!patch) return std::string(to_code(patch.error().code)) + ": " + patch.error().diagnostics;
  auto const document = json::read_document(kPatient).value();
  json::Arena arena;
  auto const result = (*patch)->apply(document.root, arena);
  EXPECT_EQ(json::write(document.root), kPatient) << "the input stays";
  if (!result) return std::string(to_code(result.error().code)) + ": " + result.error().diagnostics;
  return json::write(*result);
}

std::string with(std::string_view from, std::string_view to) {
  std::string text(kPatient);
  return text.replace(text.find(from), from.size(), to);
}

TEST(XmlPatch, ChangesTheXmlOfAResource) {
  EXPECT_EQ(patched("<replace sel='f:Patient/f:birthDate/@value'>1975-12-11</replace>"),
            with("1975-12-10", "1975-12-11"));
  EXPECT_EQ(patched("<remove sel='/Patient/name[2]'/>"), with(R"(,{"family":"Byron"})", ""));
  EXPECT_EQ(patched("<remove sel=\"f:Patient/f:name[@id='n1']/f:given[@value='Ada']\"/>"),
            with(R"(["Ada","May"])", R"(["May"])"));
  EXPECT_EQ(patched("<remove sel=\"Patient/name[family/@value='Byron']\"/>"),
            with(R"(,{"family":"Byron"})", ""));
  EXPECT_EQ(patched("<add sel='f:Patient/f:name[2]'><given value='Ada'/></add>"),
            with(R"({"family":"Byron"})", R"({"family":"Byron","given":["Ada"]})"));
  EXPECT_EQ(patched("<add sel='f:Patient/f:birthDate' pos='before'><gender value='female'/></add>"),
            with(R"("birthDate")", R"("gender":"female","birthDate")"));
  EXPECT_EQ(patched("<replace sel='f:Patient/f:text/h:div/text()'>Lady A</replace>"),
            with(">Ada<", ">Lady A<"));
  EXPECT_EQ(patched("<p:replace xmlns:p='http://hl7.org/fhir' xmlns:x='http://hl7.org/fhir' "
                    "sel='x:Patient/x:active'><x:active value='false'/></p:replace>"),
            with("true", "false"));
}

TEST(XmlPatch, IsWholeOrNotAtAllAndNamesTheOperation) {
  EXPECT_EQ(patched("<remove sel='Patient/active'/><remove sel='Patient/photo'/>"),
            "processing: operation 1 (remove Patient/photo): there is nothing at that place");
  EXPECT_EQ(patched("<remove sel='Patient/name'/>"),
            "processing: operation 0 (remove Patient/name): 2 nodes are at that place");
  EXPECT_EQ(patched("<remove sel='Patient'/>"),
            "processing: operation 0 (remove Patient): the root cannot be removed");
  EXPECT_EQ(patched("<add sel='Patient'><wings value='2'/></add>"),
            "processing: the result is no resource: Patient has no element wings");
  EXPECT_EQ(patched("<add sel='Patient/active' type='@value'>x</add>"),
            "processing: operation 0 (add Patient/active): the attribute is there already");
  EXPECT_EQ(patched("<replace sel='Patient/active'>true</replace>"),
            "processing: operation 0 (replace Patient/active): it is replaced by one node of its kind");
}

TEST(XmlPatch, ThatCannotBeReadIsRefused) {
  for (char const* const sel :
       {"", "Patient//name", "Patient/name[0]", "Patient/name[last()]", "x:Patient", "..",
        "Patient/name[@id=1]", "Patient/@id/name", "id('n1')", "Patient/name[1"}) {
    auto const why = patched(std::string("<remove sel=\"") + sel + "\"/>");
    EXPECT_TRUE(why.starts_with("value: operation 0 (remove") || why.starts_with("required:"))
        << sel << " " << why;
  }
  EXPECT_EQ(patched("<move sel='Patient'/>"), "value: operation 0: an operation is add, replace or remove");
  EXPECT_EQ(patched(""), "required: the patch has no operation");
  EXPECT_EQ(read_xml_patch("<diff>").error().code, IssueType::structure);
  EXPECT_EQ(read_xml_patch("<other/>").error().code, IssueType::structure);
  EXPECT_EQ(read_xml_patch("<!DOCTYPE x [<!ENTITY e 'x'>]><diff><remove sel='a'/></diff>").error().code,
            IssueType::security);
  std::string deep = "<diff><add sel='a'>";
  for (int i = 0; i < 1000; ++i) deep += "<a>";
  for (int i = 0; i < 1000; ++i) deep += "</a>";
  EXPECT_EQ(read_xml_patch(deep + "</add></diff>").error().code, IssueType::too_costly);
  std::string many = "<diff>";
  for (int i = 0; i < 10'001; ++i) many += "<remove sel='a'/>";
  EXPECT_EQ(read_xml_patch(many + "</diff>").error().code, IssueType::too_costly);
}

}  // namespace
}  // namespace fhir::patch
