/// The cases of the reference validator: the same verdict, valid or not, for each resource by itself and by
/// the profile that the case names. reference_case_differences.txt says why the rest differ, and
/// reference_place_differences.txt why one side alone has an error at a place.
#include "fhir/terminology/codes.hpp"
#include "fhir/terminology/library_source.hpp"
#include "fhir/validate/validator.hpp"
#include "fhir/xml/xml.hpp"
#include "tests/fhir/support/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

namespace fhir::validate {
namespace {

using json::Element;

std::filesystem::path folder() {
  return test::shared_directory() / "corpora/fhir-r4/fhir-test-cases/validator";
}

/// A resource in JSON or XML as a tree; on failure the Issue that a validator would report.
Result<json::Document> read_resource(std::string const& name) {
  std::string const bytes = test::read_file(folder() / name);
  std::string_view const text(bytes);
  std::size_t const first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first != std::string_view::npos && text[first] == '<') return xml::read_resource(text.substr(first));
  return json::read_document(text.substr(first == std::string_view::npos ? 0 : first));
}

std::vector<std::string> texts(Element const* list) {
  std::vector<std::string> all;
  if (list == nullptr) return all;
  for (Element const& one : list->items()) all.emplace_back(one.text());
  return all;
}

/// What a case loads besides its resource: definitions by url, and everything by id and url for resolve().
struct Support {
  std::vector<std::string> resources;
  std::vector<std::unique_ptr<json::Document>> documents;

  void add(std::string const& name) {
    auto document = read_resource(name);
    if (!document) return;
    add(std::make_unique<json::Document>(std::move(*document)));
  }
  void add(std::unique_ptr<json::Document> document) {
    if (document->root.text_at("resourceType") == "Bundle" && document->root.find("entry") != nullptr) {
      for (Element const& entry : document->root.find("entry")->items()) {
        if (Element const* one = entry.find("resource")) resources.push_back(json::write(*one));
      }
    }
    resources.push_back(json::write(document->root));
    documents.push_back(std::move(document));
  }
  Element const* find(std::string_view reference) const {
    for (auto const& document : documents) {
      Element const& root = document->root;
      std::string const own =
          std::string(root.text_at("resourceType")).append("/").append(root.text_at("id"));
      std::string_view const url = root.text_at("url");
      if (reference == own ||
          (!url.empty() && (reference == url || reference.starts_with(std::string(url) + "|"))))
        return &root;
    }
    return nullptr;
  }
};

/// What the reference says: whether it found an error, and where.
struct Expected {
  bool is_valid = true;
  std::vector<std::pair<std::string, std::string>> errors;  // expression, text
};

std::optional<Expected> read_expected(Element const& part) {
  Element const* const java = part.find("java");
  if (java == nullptr) return std::nullopt;
  json::Document document;
  Element const* outcome = java;
  if (java->is_string()) {
    auto const path = folder() / "outcomes" / std::string(java->text());
    if (!std::filesystem::exists(path)) return std::nullopt;
    document = test::read(test::read_file(path));
    outcome = &document.root;
  } else if (java->find("outcome") != nullptr) {
    outcome = java->find("outcome");
  }
  Expected expected;
  Element const* const issues = outcome->find("issue");
  if (issues == nullptr) return expected;
  for (Element const& issue : issues->items()) {
    std::string_view const severity = issue.text_at("severity");
    if (severity != "error" && severity != "fatal") continue;
    expected.is_valid = false;
    expected.errors.emplace_back(issue.text_of("expression", 0), issue.text_of("details", "text"));
  }
  return expected;
}

/// Without choice types, comments and indexes, as both sides can be compared.
std::string plain(std::string_view expression) {
  std::string out;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    if (expression.substr(i).starts_with(".ofType(")) {
      i = expression.find(')', i);
      if (i == std::string_view::npos) break;
    } else if (expression.substr(i).starts_with("/*")) {
      std::size_t const end = expression.find("*/", i + 2);
      if (end == std::string_view::npos) break;
      i = end + 1 + (end + 2 < expression.size() && expression[end + 2] == '/' ? 1U : 0U);
    } else if (expression[i] == '[' && expression.substr(i + 1).starts_with("url=")) {
      i = expression.find(']', i);
      if (i == std::string_view::npos) break;
    } else {
      out += expression[i];
    }
  }
  return out;
}

struct Row {
  std::string name, reason;
  std::size_t used = 0;
};

std::vector<Row> read_rows() {
  std::vector<Row> rows;
  std::ifstream file(std::filesystem::path(HANDOFF_SOURCE_DIR) /
                     "tests/fhir/validate/reference_case_differences.txt");
  for (std::string line; std::getline(file, line);) {
    std::size_t const at = line.find(" ; ");
    if (!line.empty() && line[0] != '#' && at != std::string::npos)
      rows.push_back({line.substr(0, at), line.substr(at + 3)});
  }
  return rows;
}

/// One kind of finding that only one side has: case (may end with *), whose it is, part of its text, why.
struct PlaceRow {
  std::string name, side, part, reason;
  std::size_t used = 0;
};

std::vector<PlaceRow> read_place_rows() {
  std::vector<PlaceRow> rows;
  std::ifstream file(std::filesystem::path(HANDOFF_SOURCE_DIR) /
                     "tests/fhir/validate/reference_place_differences.txt");
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> parts;
    for (std::size_t at = 0; parts.size() < 3 && line.find(" ; ", at) != std::string::npos;) {
      std::size_t const end = line.find(" ; ", at);
      parts.push_back(line.substr(at, end - at));
      at = end + 3;
      if (parts.size() == 3) parts.push_back(line.substr(at));
    }
    if (parts.size() == 4) {
      rows.push_back({parts[0], parts[1], parts[2], parts[3]});
    } else {
      ADD_FAILURE() << "no row: " << line;
    }
  }
  return rows;
}

/// The reference names the element around what is missing.
std::string place_of(Issue const& issue) {
  std::string place = plain(issue.expression);
  if (issue.diagnostics.starts_with("required element "))
    place.resize(std::min(place.size(), place.rfind('.')));
  return place;
}

class Figure {
 public:
  void run(Element const& test) {
    std::string const name(test.text_at("name"));
    Support support;
    for (char const* list : {"supporting", "supporting5", "profiles"}) {
      for (std::string const& file : texts(test.find(list))) support.add(file);
    }
    Element const* const profile = test.find("profile");
    judge(name + " base", test, test, support, "");
    if (profile == nullptr || !profile->is_object()) return;
    for (char const* list : {"supporting", "profiles"}) {
      for (std::string const& file : texts(profile->find(list))) support.add(file);
    }
    std::string url;
    std::string const source(profile->text_at("source"));
    if (source.starts_with("http")) {
      url = source;
    } else if (auto document = read_resource(source)) {
      url = document->root.text_at("url");
      support.add(std::make_unique<json::Document>(std::move(*document)));
    }
    judge(name + " profile", test, *profile, support, url);
  }

  void judge(std::string const& name, Element const& test, Element const& part, Support const& support,
             std::string const& profile) {
    auto const expected = read_expected(part);
    if (!expected) {
      ++without_outcome_;
      return;
    }
    Issues const issues = validate(test, support, profile);
    bool const is_valid = !has_error(issues);
    ++cases_;
    std::multimap<std::string, std::string> ours, theirs;
    for (Issue const& issue : issues) {
      if (issue.severity <= Severity::error) ours.emplace(place_of(issue), issue.diagnostics);
    }
    for (auto const& [expression, text] : expected->errors) theirs.emplace(plain(expression), text);
    compare(name, "theirs", theirs, ours);
    compare(name, "ours", ours, theirs);
    if (is_valid == expected->is_valid) {
      ++same_;
      return;
    }
    auto const row = std::ranges::find(rows_, name, &Row::name);
    if (row != rows_.end()) {
      ++row->used;
    } else {
      unexplained_.push_back(name);
    }
    if (std::getenv("VALIDATOR_REPORT") == nullptr) return;
    std::cout << "== " << name << " expected " << (expected->is_valid ? "valid" : "invalid")
              << (row != rows_.end() ? " (explained)" : "") << "\n";
    for (auto const& [expression, text] : expected->errors)
      std::cout << "   theirs " << expression << " | " << text.substr(0, 200) << "\n";
    for (Issue const& issue : issues) {
      if (issue.severity <= Severity::error) std::cout << "   ours " << to_line(issue).substr(0, 300) << "\n";
    }
  }

  using Places = std::multimap<std::string, std::string>;  // text by place

  /// Counts the places of one side, and looks for the row of each that the other side has nothing at.
  void compare(std::string const& name, std::string_view side, Places const& of, Places const& other) {
    for (auto at = of.begin(); at != of.end(); at = of.upper_bound(at->first)) {
      bool const is_both = other.contains(at->first);
      if (side == "theirs") {
        ++their_places_;
        both_ += is_both ? 1U : 0U;
      } else {
        ++our_places_;
      }
      if (is_both) continue;
      std::string texts;
      auto const [first, last] = of.equal_range(at->first);
      for (auto one = first; one != last; ++one) texts.append(" | ").append(one->second);
      auto const row = std::ranges::find_if(place_rows_, [&](PlaceRow const& one) {
        bool const is_case = one.name.ends_with('*')
                                 ? name.starts_with(one.name.substr(0, one.name.size() - 1))
                                 : name == one.name;
        return is_case && one.side == side && texts.find(one.part) != std::string::npos;
      });
      if (row != place_rows_.end()) {
        ++row->used;
        ++explained_places_;
      } else {
        unexplained_places_.push_back(name + " " + std::string(side) + " " + at->first +
                                      texts.substr(0, 400));
      }
    }
  }

  Issues validate(Element const& test, Support const& support, std::string const& profile) {
    auto const document = read_resource(std::string(test.text_at("file")));
    if (!document) return {document.error()};
    auto const library = std::make_shared<packages::Library>(core_);
    auto package = packages::make_package("case", "1", support.resources);
    if (package) (void)library->add(std::move(*package));
    terminology::Codes const codes(std::make_shared<terminology::Terminology const>(
        std::make_shared<terminology::LibrarySource const>(library)));
    Options options;
    options.codes = &codes;
    options.now = "2026-01-31T10:00:00.000Z";
    options.refuses_wrong_displays = true;
    options.unknown_extensions = UnknownExtensions::refused;
    options.extension_domains = {std::string(test.text_at("allowed-extension-domain"))};
    if (options.extension_domains.front().empty()) options.extension_domains.clear();
    if (test.text_at("examples") != "false") {
      for (char const* domain :
           {"http://example.org/", "https://example.org/", "http://acme.com/", "http://acme.org/"})
        options.extension_domains.emplace_back(domain);
    }
    options.resolve = [&](std::string_view reference) { return support.find(reference); };
    if (!profile.empty()) options.profiles.push_back(profile);
    Issues issues;
    Validator(std::make_shared<profiles::Profiles const>(library)).validate(document->root, options, issues);
    return issues;
  }

  std::shared_ptr<packages::Library const> core_ = packages::Library::r4();
  std::vector<Row> rows_ = read_rows();
  std::vector<std::string> unexplained_;
  std::vector<PlaceRow> place_rows_ = read_place_rows();
  std::vector<std::string> unexplained_places_;
  std::size_t cases_ = 0, same_ = 0, without_outcome_ = 0;
  std::size_t their_places_ = 0, our_places_ = 0, both_ = 0, explained_places_ = 0;
};

TEST(ReferenceCases, TheSameVerdictAsTheReferenceValidator) {
  SKIP_WITHOUT_SHARED();
  json::Document const manifest = test::read(test::read_file(folder() / "manifest-visible.json"));
  Figure figure;
  std::size_t cases = 0;
  char const* const only = std::getenv("VALIDATOR_ONLY");
  for (Element const& one : manifest.root.find("test-cases")->items()) {
    ++cases;
    if (only == nullptr || one.text_at("name").find(only) != std::string_view::npos) figure.run(one);
  }
  std::cout << cases << " cases, " << figure.cases_ << " verdicts (" << figure.without_outcome_
            << " without an outcome): " << figure.same_ << " the same, "
            << 100.0 * static_cast<double>(figure.same_) / static_cast<double>(figure.cases_) << " %\n"
            << "places with an error: theirs " << figure.their_places_ << ", ours " << figure.our_places_
            << ", both " << figure.both_ << "; " << figure.explained_places_
            << " differences of place explained\n";
  EXPECT_EQ(cases, 245U);
  if (only != nullptr) return;
  for (std::string const& name : figure.unexplained_)
    ADD_FAILURE() << "another verdict, and no row says why: " << name;
  for (std::string const& one : figure.unexplained_places_)
    ADD_FAILURE() << "an error that only one side has, and no row says why: " << one;
  for (PlaceRow const& row : figure.place_rows_)
    EXPECT_GT(row.used, 0U) << "no difference left: " << row.name << " ; " << row.side << " ; " << row.part;
  for (Row const& row : figure.rows_) EXPECT_GT(row.used, 0U) << "no difference left: " << row.name;
}

}  // namespace
}  // namespace fhir::validate
