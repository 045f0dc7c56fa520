/// The expressions of R4's own SearchParameters and invariants, on R4's own examples.
#include "fhir/json/reader.hpp"
#include "fhir/path/path.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <map>

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

}  // namespace
}  // namespace fhir::path
