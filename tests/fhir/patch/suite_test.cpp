/// The official patch suites (fhir-test-cases/r4/patch), expected errors included.
#include "fhir/json/canonical.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/patch/patch.hpp"
#include "fhir/xml/xml.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>
#include <pugixml.hpp>

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
