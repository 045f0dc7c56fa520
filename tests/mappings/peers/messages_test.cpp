/// Whole messages: what Microsoft's FHIR-Converter and Google's harmonization (whistle 1) expect of theirs,
/// and what our tables make of them. A peer's expectation is a hint, never the truth: every class of
/// difference is judged in a line of *.classes.
#include "fhir/json/reader.hpp"
#include "mappings/language/translator.hpp"
#include "report.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace mappings::peers {
namespace {

namespace fs = std::filesystem;

struct Pair {
  std::string type, name;
  fs::path message, expected;
};

fs::path corpus(char const* peer) {
  return fs::path(hl7v2::test::shared_directory()) / "corpora/hl7v2" / peer;
}

/// expected-fhir/ADT_A01/ADT-A01-01-expected.json tells of input/ADT-A01-01.hl7.
std::vector<Pair> microsoft() {
  fs::path const root = corpus("microsoft-fhir-converter");
  std::vector<Pair> pairs;
  for (auto const& entry : fs::recursive_directory_iterator(root / "expected-fhir")) {
    std::string name = entry.path().filename().string();
    auto const end = name.find("-expected.json");
    if (end == std::string::npos) continue;
    name.resize(end);
    pairs.push_back({entry.path().parent_path().filename().string(), name, root / "input" / (name + ".hl7"),
                     entry.path()});
  }
  std::ranges::sort(pairs, {}, &Pair::name);
  return pairs;
}

/// adt_a01.hl7.fhir.output.json tells of adt_a01.hl7.
std::vector<Pair> google() {
  std::vector<Pair> pairs;
  for (auto const& entry :
       fs::directory_iterator(corpus("google-healthcare-data-harmonization") / "wstl1-messages")) {
    std::string const name = entry.path().filename().string();
    auto const end = name.find(".hl7.fhir.output.json");
    if (end == std::string::npos) continue;
    std::string const stem = name.substr(0, end);
    pairs.push_back({stem.substr(0, 7), stem, entry.path().parent_path() / (stem + ".hl7"), entry.path()});
  }
  std::ranges::sort(pairs, {}, &Pair::name);
  return pairs;
}

void compare_with(std::vector<Pair> const& pairs, std::size_t count, Report& report) {
  EXPECT_EQ(pairs.size(), count);
  language::PartnerProfile sender;
  sender.name = "site";
  for (Pair const& pair : pairs) {
    auto const expected = fhir::json::read_document(hl7v2::test::read_file(pair.expected.string()));
    ASSERT_TRUE(expected) << pair.name << " " << fhir::to_line(expected.error());
    auto const message = hl7v2::test::parse_or_throw(hl7v2::test::read_file(pair.message.string()));
    auto draft = language::forward(language::builtin(), message, sender);
    if (!draft) {
      report.take_refused(pair.type, pair.name, draft.error().diagnostics);
      continue;
    }
    Element const bundle = language::to_bundle(*draft);
    report.take(pair.type, pair.name, compare(Side(bundle), Side(expected->root), texts_of(message)));
  }
  report.print(std::cout);
  EXPECT_EQ(report.unexplained(), "");
  EXPECT_EQ(report.unused(), "") << "classes that explain nothing";
}

TEST(Peers, MicrosoftsBundlesAgreeOrDifferForAReason) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  Report report("Microsoft FHIR-Converter", "microsoft.classes");
  compare_with(microsoft(), 132, report);
}

TEST(Peers, GooglesBundlesAgreeOrDifferForAReason) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  Report report("Google healthcare-data-harmonization, whole messages", "google.classes");
  compare_with(google(), 14, report);
}

}  // namespace
}  // namespace mappings::peers
