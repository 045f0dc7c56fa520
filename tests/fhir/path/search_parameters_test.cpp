/// The expressions of R4's own SearchParameters and invariants, on R4's own examples.
#include "fhir/json/reader.hpp"
#include "fhir/path/path.hpp"
#include "fhir/search/values.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace fhir::path {
namespace {

std::string read_file(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(SearchParameters, EveryExpressionCompilesAndRunsOnEveryExample) {
  SKIP_WITHOUT_SHARED();
  std::string const bytes = read_file(test::shared_directory() / "reference/fhir-r4/search-parameters.json");
  json::Document const bundle = test::read(bytes);
  struct Compiled {
    std::string url;
    Expression expression;
  };
  std::map<std::string, std::vector<Compiled>> by_base;
  int compiled = 0;
  for (json::Element const& entry : bundle.root.find("entry")->items()) {
    json::Element const& parameter = *entry.find("resource");
    std::string_view const text = parameter.text_at("expression");
    if (text.empty()) continue;
    auto expression = Expression::compile(text);
    ASSERT_TRUE(expression) << parameter.text_at("url") << ": " << expression.error().diagnostics;
    ++compiled;
    for (json::Element const& base : parameter.find("base")->items()) {
      by_base[std::string(base.text())].push_back({std::string(parameter.text_at("url")), *expression});
    }
  }
  std::size_t runs = 0;
  for (auto const& example : test::load_examples()) {
    json::Document const document = test::read(example.bytes);
    json::Arena arena;
    for (std::string const& base : {std::string(document.root.text_at("resourceType")),
                                    std::string("DomainResource"), std::string("Resource")}) {
      for (Compiled const& parameter : by_base[base]) {
        auto const result = parameter.expression.evaluate(root_item(document.root), {}, arena);
        ASSERT_TRUE(result) << parameter.url << " on " << example.name << ": " << result.error().diagnostics;
        ++runs;
      }
    }
  }
  std::cout << compiled << " expressions of SearchParameters compiled, " << runs << " runs without error\n";
  EXPECT_EQ(compiled, 1384);
  EXPECT_GE(runs, 5000U);
}

using Elements = std::set<json::Element const*>;

/// By `resolve() is`: what a reference's text says of its target is enough for both; where it says nothing
/// (urn:uuid, #contained) a search keeps it, for it may be anything, and an engine that resolves knows.
class Targets {
 public:
  json::Element const* find(std::string_view reference) {
    std::string_view const type = search::to_reference_value(reference).type;
    if (type.empty()) return nullptr;
    auto& made = made_[std::string(type)];
    if (!made)
      made = std::make_unique<json::Document>(test::read(R"({"resourceType":")" + std::string(type) + "\"}"));
    return &made->root;
  }

 private:
  std::map<std::string, std::unique_ptr<json::Document>> made_;
};

bool names_its_target(json::Element const& element) {
  return !search::to_reference_value(element.text_at("reference")).type.empty();
}

/// The extraction of search values walks a resource once for all of its parameters (search/plan.hpp), by the
/// subset of FHIRPath that they are written in. It finds what this engine finds, expression by expression.
class BothEngines {
 public:
  void compare(json::Element const& resource, std::string const& name) {
    std::string const type(resource.text_at("resourceType"));
    auto const all = search::find_elements(resource);
    for (definitions::SearchParameter const* parameter : definitions::search_parameters(type)) {
      // _id and _lastUpdated are columns of what is stored.
      if (parameter->expression().empty() || parameter->code() == "_id" ||
          parameter->code() == "_lastUpdated")
        continue;
      seen_.insert(parameter);
      bool const resolves = parameter->expression().find("resolve()") != std::string_view::npos;
      Collection const items = run(parameter->expression(), root_item(resource), resource);
      Elements theirs = elements_of(items, resolves);
      Elements ours;
      for (search::FoundElement const& one : all) {
        if (one.parameter == parameter && one.component < 0 && (!resolves || names_its_target(*one.element)))
          ours.insert(one.element);
      }
      nodes_ += ours.size();
      if (items.size() == 1 && !items.front().is_node()) {
        EXPECT_EQ(items.front().boolean, !ours.empty()) << parameter->url() << " on " << name;
        continue;
      }
      if (!ours.empty()) found_.insert(parameter);
      EXPECT_TRUE(are_same(ours, theirs)) << parameter->url() << " on " << name;
      for (Item const& item : items) compare_components(all, *parameter, item, resource, name);
    }
  }

  std::size_t expressions() const { return seen_.size(); }
  std::size_t with_nodes() const { return found_.size(); }
  std::size_t nodes() const { return nodes_; }

 private:
  void compare_components(std::vector<search::FoundElement> const& all,
                          definitions::SearchParameter const& composite, Item const& item,
                          json::Element const& resource, std::string const& name) {
    std::uint32_t group = 0;
    for (search::FoundElement const& one : all) {
      if (one.parameter == &composite && one.component < 0 && one.element == item.value) group = one.group;
    }
    int number = 0;
    for (definitions::SearchComponent const& component : composite.components()) {
      Elements ours;
      for (search::FoundElement const& one : all) {
        if (one.parameter == &composite && one.group == group && one.component == number)
          ours.insert(one.element);
      }
      nodes_ += ours.size();
      EXPECT_TRUE(are_same(ours, elements_of(run(component.expression(), item, resource), false)))
          << composite.url() << " component " << number << " on " << name;
      ++number;
    }
  }

  /// A union ("|") gives one of several that are equal; a search has no use for telling them apart.
  static bool are_same(Elements const& ours, Elements const& theirs) {
    return std::ranges::includes(ours, theirs) && std::ranges::all_of(ours, [&](json::Element const* one) {
             return std::ranges::any_of(theirs, [&](json::Element const* other) { return *one == *other; });
           });
  }

  Collection run(std::string_view text, Item const& focus, json::Element const& resource) {
    auto& compiled = compiled_[std::string(text)];
    if (!compiled) {
      // One component of R4 says value.as(DateTime), a type that FHIR does not have.
      std::string mended(text);
      if (auto const at = mended.find("as(DateTime)"); at != std::string::npos) mended[at + 3] = 'd';
      compiled = Expression::compile(mended).value();
    }
    Environment environment;
    environment.resource = &resource;
    environment.services = &services_;
    auto found = compiled->evaluate(focus, environment, arena_);
    if (found) return *std::move(found);
    ADD_FAILURE() << text << ": " << found.error().diagnostics;
    return {};
  }

  static Elements elements_of(Collection const& items, bool resolves) {
    Elements all;
    for (Item const& item : items) {
      if (!item.is_node() || item.value == nullptr) continue;
      if (!resolves || names_its_target(*item.value)) all.insert(item.value);
    }
    return all;
  }

  Targets targets_;
  Services services_{.resolve = [this](std::string_view reference) { return targets_.find(reference); }};
  std::map<std::string, std::optional<Expression>> compiled_;
  std::set<definitions::SearchParameter const*> seen_, found_;
  std::size_t nodes_ = 0;
  json::Arena arena_;
};

TEST(SearchParameters, ExtractionFindsWhatTheEngineFinds) {
  SKIP_WITHOUT_SHARED();
  BothEngines both;
  std::size_t resources = 0;
  for (auto const& example : test::load_examples()) {
    json::Document const document = test::read(example.bytes);
    both.compare(document.root, example.name);
    ++resources;
    json::Element const* const entries = document.root.find("entry");
    if (document.root.text_at("resourceType") != "Bundle" || entries == nullptr) continue;
    for (json::Element const& entry : entries->items()) {
      json::Element const* const inner = entry.find("resource");
      if (inner == nullptr) continue;
      both.compare(*inner, example.name);
      ++resources;
    }
  }
  std::cout << both.expressions() << " parameters, " << both.with_nodes()
            << " of them with something to find, on " << resources << " resources: the same " << both.nodes()
            << " elements by both\n";
  EXPECT_GE(both.expressions(), 1000U);
  EXPECT_GE(both.nodes(), 9'000U);
}

}  // namespace
}  // namespace fhir::path
