/// The terminology suites of HL7's tx-ecosystem (corpora/fhir-r4/tx-ecosystem). They are written for R5; what
/// R4 says by extensions is turned into R5's members before it is compared. What is not met is listed in
/// unmet.txt with the reason; a test that fails and is not listed fails here, as does a listed one that
/// passes.
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/terminology/terminology.hpp"
#include "tests/fhir/support/examples.hpp"
#include "tests/fhir/terminology/pattern.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>

namespace fhir::terminology::test {
namespace {

namespace fs = std::filesystem;

fs::path folder() { return fhir::test::shared_directory() / "corpora/fhir-r4/tx-ecosystem/tests"; }

SharedElement load(std::string_view name) {
  std::ifstream file(folder() / name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  auto read = json::read_document(bytes);
  if (!read) {
    ADD_FAILURE() << name << ": " << to_line(read.error());
    return std::make_shared<Element>();
  }
  auto const document = std::make_shared<json::Document>(std::move(*read));
  return SharedElement(document, &document->root);
}

/// The resources a suite sets up, over those of R4.
class SuiteSource : public Source {
 public:
  void add(SharedElement resource) { resources_.push_back(std::move(resource)); }

  std::optional<Found> find(std::string_view type, std::string_view url,
                            std::string_view version) const override {
    SharedElement best;
    for (SharedElement const& one : resources_) {
      bool const fits = one->text_at("resourceType") == type && one->text_at("url") == url &&
                        (version.empty() || one->text_at("version") == version);
      if (fits && (!best || packages::is_older(best->text_at("version"), one->text_at("version"))))
        best = one;
    }
    if (best) return Found{best, {}};
    return r4_.find(type, url, version);
  }
  std::vector<Found> concept_maps() const override {
    std::vector<Found> all;
    for (SharedElement const& one : resources_) {
      if (one->text_at("resourceType") == "ConceptMap") all.push_back({one, {}});
    }
    return all;
  }

 private:
  std::vector<SharedElement> resources_;
  LibrarySource r4_{packages::Library::r4()};
};

/// R4's extensions for expansion.property and contains.property as R5's members.
Element to_r5(json::Arena& arena, Element const& element) {
  if (element.is_array()) {
    Element out = Element::of_array();
    for (Element const& item : element.items()) out.push(arena, to_r5(arena, item));
    return out;
  }
  if (!element.is_object()) return element;
  Element out = Element::of_object();
  Element extensions;
  Element properties;
  for (json::Member const& member : element.members()) {
    if (member.name != "extension") {
      out.set(arena, member.name, to_r5(arena, member.value));
      continue;
    }
    for (Element const& extension : member.value.items()) {
      std::string_view const url = extension.text_at("url");
      if (!url.ends_with("expansion.property") && !url.ends_with("contains.property")) {
        extensions.push(arena, extension);
        continue;
      }
      Element property = Element::of_object();
      for (Element const& part : extension.at("extension")->items()) {
        std::string const type = value_of(part).type;
        bool const is_value = part.text_at("url") == "value";
        property.set(arena, is_value ? arena.copy(type) : part.text_at("url"), *part.find(type));
      }
      properties.push(arena, property);
    }
  }
  if (!extensions.is_null()) out.set(arena, "extension", extensions);
  if (!properties.is_null()) out.set(arena, "property", properties);
  return out;
}

/// "" when the test does what it expects.
std::string run(Terminology const& terminology, Element const& test) {
  std::string_view const operation = test.text_at("operation");
  if (test.text_at("request").empty()) return "no such operation here: " + std::string(operation);
  SharedElement const request_body = load(test.text_at("request"));
  Request request;
  request.parameters = request_body.get();
  request.accept_language = test.text_at("Accept-Language");
  request.now = "2026-01-31T10:00:00.000Z";
  request.identifier = "urn:uuid:0b7c1a5e-5c0f-4f5e-9d0e-3f1f3f0a9b11";
  Answer answer;
  if (operation == "expand") {
    answer = terminology.expand(request);
  } else if (operation == "validate-code") {
    answer = terminology.validate_in_value_set(request);
  } else if (operation == "cs-validate-code") {
    answer = terminology.validate_in_code_system(request);
  } else if (operation == "batch-validate") {
    answer = terminology.batch_validate_in_value_set(request);
  } else if (operation == "lookup") {
    answer = terminology.lookup(request);
  } else if (operation == "translate") {
    answer = terminology.translate(request);
  } else {
    return "no such operation here: " + std::string(operation);
  }
  json::Arena arena;
  Element const actual = to_r5(arena, answer.document.root);
  std::string difference;
  for (char const* const name : {"response", "response2"}) {
    if (test.text_at(name).empty()) continue;
    difference = Pattern::compare(*load(test.text_at(name)), actual);
    if (difference.empty()) break;
  }
  if (!difference.empty()) return difference;
  bool const fails = !test.text_at("http-code").empty();
  if (fails != answer.failure.has_value()) return fails ? "a failure is expected" : "fails";
  return "";
}

/// name -> why it is not met.
std::map<std::string, std::string> load_unmet() {
  std::map<std::string, std::string> unmet;
  std::ifstream file(fs::path(HANDOFF_SOURCE_DIR) / "tests/fhir/terminology/unmet.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    auto const space = line.find(' ');
    unmet[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return unmet;
}

TEST(TerminologySuite, EveryVisibleTestGivesWhatItExpects) {
  SKIP_WITHOUT_SHARED();
  SharedElement const cases = load("test-cases-visible.json");
  auto const unmet = load_unmet();
  std::set<std::string> failed;
  std::size_t total = 0;
  std::ostringstream report;
  std::size_t all_passed = 0;
  for (Element const& suite : cases->find("suites")->items()) {
    auto const source = std::make_shared<SuiteSource>();
    for (Element const& name : suite.find("setup")->items()) source->add(load(name.text()));
    Terminology const terminology(source);
    std::size_t passed = 0;
    auto const tests = suite.find("tests")->items();
    for (Element const& test : tests) {
      ++total;
      std::string const name(test.text_at("name"));
      std::string const outcome = run(terminology, test);
      if (outcome.empty()) {
        ++passed;
        EXPECT_FALSE(unmet.contains(name)) << name << " passes: take it from unmet.txt";
        continue;
      }
      failed.insert(name);
      EXPECT_TRUE(unmet.contains(name)) << name << ": " << outcome;
    }
    all_passed += passed;
    report << "  " << suite.text_at("name") << ": " << passed << " of " << tests.size() << '\n';
  }
  std::cout << all_passed << " of " << total << " visible tx-ecosystem tests\n" << report.str();
  EXPECT_EQ(total, 205U);
  for (auto const& [name, why] : unmet) {
    EXPECT_FALSE(why.empty()) << name << " is listed without a reason";
    EXPECT_TRUE(failed.contains(name)) << name << " is listed and is no test";
  }
}

}  // namespace
}  // namespace fhir::terminology::test
