/// The official patch suites (fhir-test-cases/r4/patch), expected errors included.
#include "fhir/json/canonical.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/patch/patch.hpp"
#include "fhir/xml/xml.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

namespace fhir::patch {
namespace {

namespace fs = std::filesystem;

fs::path suite() { return fhir::test::shared_directory() / "corpora/fhir-r4/fhir-test-cases/r4/patch"; }

std::string read_file(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The resource inside <input>, <diff> or <output>.
Result<json::Document> resource_in(pugi::xml_node parent) {
  std::ostringstream out;
  for (pugi::xml_node const child : parent.children()) {
    if (child.type() == pugi::node_element) child.print(out, "", pugi::format_raw);
  }
  return xml::read_resource(out.str());
}

/// "" when the case does what it expects.
std::string run_fhirpath_case(pugi::xml_node test) {
  auto const input = resource_in(test.child("input"));
  auto const diff = resource_in(test.child("diff"));
  if (!input) return "input: " + to_line(input.error());
  if (!diff) return "diff: " + to_line(diff.error());
  bool const expects_error = test.child("error");
  auto const patch = read_fhirpath_patch(diff->root);
  if (!patch) return expects_error ? "" : to_line(patch.error());
  json::Arena arena;
  std::string const before = json::write(input->root);
  auto const result = (*patch)->apply(input->root, arena);
  if (json::write(input->root) != before) return "the input was changed";
  if (!result) return expects_error ? "" : to_line(result.error());
  if (expects_error) return "an error is expected";
  auto const output = resource_in(test.child("output"));
  if (!output) return "output: " + to_line(output.error());
  std::string const got = json::to_canonical(*result).bytes;
  std::string const wanted = json::to_canonical(output->root).bytes;
  return got == wanted ? "" : "gives " + got + "\n  not " + wanted;
}

TEST(PatchSuite, EveryFhirPathPatchCaseGivesWhatItExpects) {
  SKIP_WITHOUT_SHARED();
  pugi::xml_document document;
  ASSERT_TRUE(document.load_file((suite() / "fhir-patch-tests.xml").c_str(),
                                 pugi::parse_default | pugi::parse_ws_pcdata));
  int total = 0;
  int passed = 0;
  for (pugi::xml_node const test : document.document_element().children("case")) {
    ++total;
    std::string const outcome = run_fhirpath_case(test);
    if (outcome.empty()) {
      ++passed;
    } else {
      ADD_FAILURE() << test.attribute("name").value() << ": " << outcome;
    }
  }
  std::cout << passed << " of " << total << " official FHIRPath Patch cases\n";
  EXPECT_EQ(total, 33);
}

std::string run_json_case(json::Element const& test) {
  bool const expects_error = test.find("error") != nullptr;
  auto const patch = read_json_patch(json::write(*test.find("patch")));
  if (!patch) return expects_error ? "" : to_line(patch.error());
  json::Arena arena;
  std::string const before = json::write(*test.find("doc"));
  auto const result = (*patch)->apply(*test.find("doc"), arena);
  if (json::write(*test.find("doc")) != before) return "the input was changed";
  if (!result) return expects_error ? "" : to_line(result.error());
  if (expects_error) return "an error is expected";
  return *result == *test.find("expected") ? "" : "gives " + json::write(*result);
}

/// The tree without the white space between elements.
std::string shape_of(pugi::xml_node node) {
  if (node.type() == pugi::node_comment) return "<!--" + std::string(node.value()) + "-->";
  if (node.type() != pugi::node_element) return node.value();
  std::string out = "<" + std::string(node.name());
  std::vector<std::string> attributes;
  for (pugi::xml_attribute const one : node.attributes())
    attributes.push_back(std::string(" ") + one.name() + "='" + one.value() + "'");
  std::ranges::sort(attributes);
  for (std::string const& one : attributes) out += one;
  out += ">";
  for (pugi::xml_node const child : node.children()) {
    bool const is_text = child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata;
    if (is_text && std::string_view(child.value()).find_first_not_of(" \t\r\n") == std::string_view::npos)
      continue;
    out += shape_of(child);
  }
  return out + "</>";
}

std::string text_of(pugi::xml_node node) {
  std::ostringstream out;
  if (node) node.print(out, "", pugi::format_raw);
  return out.str();
}

pugi::xml_node first_element(pugi::xml_node parent) {
  return parent.find_child([](pugi::xml_node one) { return one.type() == pugi::node_element; });
}

std::string run_xml_case(pugi::xml_node test) {
  bool const expects_error = test.child("error");
  auto const result = patch_xml(text_of(first_element(test.child("target"))), text_of(test.child("patch")));
  if (!result) return expects_error ? "" : to_line(result.error());
  if (expects_error) return "an error is expected, not " + *result;
  pugi::xml_document got;
  got.load_string(result->c_str(), pugi::parse_default | pugi::parse_ws_pcdata | pugi::parse_comments);
  std::string const wanted = shape_of(first_element(test.child("patched")));
  std::string const given = shape_of(got.document_element());
  return given == wanted ? "" : "gives " + given + "\n  not " + wanted;
}

/// The suite comments out four cases itself ("no need for this"): namespace declarations and processing
/// instructions, which FHIR does not have. The rest is applicable.
TEST(PatchSuite, EveryApplicableXmlPatchCaseGivesWhatItExpects) {
  SKIP_WITHOUT_SHARED();
  pugi::xml_document document;
  ASSERT_TRUE(document.load_file((suite() / "xml-patch-tests.xml").c_str(),
                                 pugi::parse_default | pugi::parse_ws_pcdata | pugi::parse_comments));
  int total = 0;
  int passed = 0;
  for (pugi::xml_node const test : document.document_element().children("case")) {
    ++total;
    std::string const outcome = run_xml_case(test);
    if (outcome.empty()) {
      ++passed;
    } else {
      ADD_FAILURE() << test.attribute("name").value() << ": " << outcome;
    }
  }
  std::cout << passed << " of " << total << " official XML Patch cases\n";
  EXPECT_EQ(total, 29);
}

TEST(PatchSuite, EveryJsonPatchCaseGivesWhatItExpects) {
  SKIP_WITHOUT_SHARED();
  auto const document = fhir::test::read(read_file(suite() / "json-patch-tests.json"));
  std::size_t passed = 0;
  for (json::Element const& test : document.root.items()) {
    std::string const outcome = run_json_case(test);
    if (outcome.empty()) {
      ++passed;
    } else {
      ADD_FAILURE() << test.text_at("comment") << ": " << outcome;
    }
  }
  std::cout << passed << " of " << document.root.size() << " official JSON Patch cases\n";
  EXPECT_EQ(document.root.size(), 16U);
}

}  // namespace
}  // namespace fhir::patch
