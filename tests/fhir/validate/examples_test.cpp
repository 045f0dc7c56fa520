/// No error in what the publishers give as right: R4's official examples by R4, those of packages by their
/// profiles. example_errors.txt lists the examples that are truly wrong, and why.
#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/validate/validator.hpp"
#include "tests/fhir/support/reference.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <map>

namespace fhir::validate {
namespace {

using json::Element;

struct Row {
  std::string name, text, reason;
  std::size_t used = 0;
};

std::vector<Row> read_rows() {
  std::vector<Row> rows;
  std::ifstream file(std::filesystem::path(HANDOFF_SOURCE_DIR) / "tests/fhir/validate/example_errors.txt");
  for (std::string line; std::getline(file, line);) {
    std::size_t const first = line.find(" ; ");
    std::size_t const second = first == std::string::npos ? first : line.find(" ; ", first + 3);
    if (line.empty() || line[0] == '#' || second == std::string::npos) continue;
    rows.push_back(
        {line.substr(0, first), line.substr(first + 3, second - first - 3), line.substr(second + 3)});
  }
  return rows;
}

class Examples {
 public:
  /// Judges all by what is loaded; every error must have a row.
  void judge(std::string_view what, std::shared_ptr<packages::Library const> library,
             std::vector<test::Example> const& examples) {
    auto const profiles = std::make_shared<profiles::Profiles const>(library);
    Validator const validator(profiles);
    terminology::Codes const codes(std::make_shared<terminology::Terminology const>(
        std::make_shared<terminology::LibrarySource const>(library)));
    std::map<std::string, json::Document> documents;
    for (test::Example const& example : examples) {
      json::Document document = test::read(example.bytes);
      std::string const key =
          std::string(document.root.text_at("resourceType")).append("/").append(document.root.text_at("id"));
      documents.emplace(key, std::move(document));
    }
    Options options;
    options.codes = &codes;
    options.now = "2026-01-31T10:00:00.000Z";
    options.extension_domains = {"http://example.org/"};
    options.resolve = [&](std::string_view reference) -> Element const* {
      auto const found = documents.find(std::string(reference));
      return found == documents.end() ? nullptr : &found->second.root;
    };
    std::size_t wrong = 0, errors = 0, explained = 0, warnings = 0;
    for (test::Example const& example : examples) {
      json::Document const document = test::read(example.bytes);
      Issues issues;
      validator.validate(document.root, options, issues);
      bool is_wrong = false;
      for (Issue const& issue : issues) {
        if (issue.severity == Severity::warning) ++warnings;
        if (issue.diagnostics.starts_with("the invariant") &&
            (issue.diagnostics.find("could not be judged") != std::string::npos ||
             issue.diagnostics.find("could not be read") != std::string::npos))
          if (!is_explained(example.name, to_line(issue)))
            ADD_FAILURE() << what << " " << example.name << ": " << to_line(issue);
        if (issue.severity > Severity::error) continue;
        is_wrong = true;
        ++errors;
        if (is_explained(example.name, to_line(issue))) {
          ++explained;
        } else {
          ADD_FAILURE() << what << " " << example.name << ": " << to_line(issue);
        }
      }
      wrong += is_wrong ? 1U : 0U;
    }
    std::cout << what << ": " << examples.size() << " examples judged, " << wrong << " with errors ("
              << errors << " errors, " << explained << " explained), " << warnings << " warnings\n";
  }

  void expect_all_used() const {
    for (Row const& row : rows_)
      EXPECT_GT(row.used, 0U) << "no error left: " << row.name << " ; " << row.text;
  }

 private:
  bool is_explained(std::string_view name, std::string_view line) {
    for (Row& row : rows_) {
      bool const is_name = row.name == name || (row.name.ends_with('*') &&
                                                name.starts_with(row.name.substr(0, row.name.size() - 1)));
      if (!is_name || line.find(row.text) == std::string_view::npos) continue;
      ++row.used;
      return true;
    }
    return false;
  }
  std::vector<Row> rows_ = read_rows();
};

std::vector<test::Example> examples_of(packages::Package const& package) {
  std::vector<test::Example> examples;
  for (auto const& resource : package.resources) {
    if (resource.is_example) examples.push_back({resource.type + "-" + resource.id, resource.bytes});
  }
  return examples;
}

TEST(Examples, WhatPublishersGiveAsRightHasNoError) {
  SKIP_WITHOUT_SHARED();
  Examples examples;
  auto const core = packages::Library::r4();
  auto const official = test::load_examples();
  EXPECT_EQ(official.size(), test::kOfficialExamples);
  examples.judge("official R4", core, official);
  std::map<std::string, std::shared_ptr<packages::Library>> us_core;
  for (char const* version : {"3.1.1", "5.0.1", "6.1.0", "7.0.0", "8.0.0"}) {
    auto package = test::load_package(std::string("hl7.fhir.us.core-") + version);
    auto const all = examples_of(package);
    auto& library = us_core[version] = std::make_shared<packages::Library>(core);
    ASSERT_TRUE(library->add(std::move(package)));
    examples.judge(std::string("US Core ") + version, library, all);
  }
  struct Guide {
    char const* package;
    char const* base;
  };
  for (Guide const guide :
       {Guide{"hl7.fhir.us.bser-2.0.0-ballot", "5.0.1"},
        Guide{"hl7.fhir.us.sdoh-clinicalcare-3.0.0-ci", "7.0.0"},
        Guide{"hl7.fhir.us.davinci-alerts-1.1.0", "7.0.0"}, Guide{"hl7.fhir.us.pacio-toc-1.0.0", "8.0.0"},
        Guide{"hl7.fhir.uv.subscriptions-backport.r4-1.2.0-ballot", "6.1.0"}}) {
    auto package = test::load_package(guide.package);
    auto const all = examples_of(package);
    auto const library = std::make_shared<packages::Library>(us_core[guide.base]);
    ASSERT_TRUE(library->add(std::move(package)));
    examples.judge(guide.package, library, all);
  }
  examples.expect_all_used();
}

}  // namespace
}  // namespace fhir::validate
