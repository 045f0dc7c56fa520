#include "fhir/search/expression.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/search/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace fhir::search {
namespace {

/// The steps as text: "child:a as_type:B".
std::string show(std::string_view text) {
  auto const paths = parse_expression(text);
  if (!paths) return "refused";
  std::string out;
  for (PathExpression const& path : *paths) {
    if (!out.empty()) out.append(" | ");
    if (path.from_resource) out.append("%");
    for (Step const& step : path.steps) {
      static constexpr std::string_view kMarks[] = {".", " as ", " where ", " resolves ", "[0]", "?"};
      out.append(kMarks[static_cast<std::size_t>(step.kind)]).append(step.name);
      if (!step.name.empty()) out.append("=");
      out.append(step.text);
    }
  }
  return out;
}

TEST(Expression, ReadsTheSubsetOfSearchParameters) {
  EXPECT_EQ(show("Patient.birthDate"), ".Patient.birthDate");
  EXPECT_EQ(show("Patient.name.given | Person.name"), ".Patient.name.given | .Person.name");
  EXPECT_EQ(show("(Observation.value as Quantity)"), ".Observation.value as Quantity");
  EXPECT_EQ(show("Observation.value as Quantity"), ".Observation.value as Quantity");
  EXPECT_EQ(show("(Observation.value as CodeableConcept).text"),
            ".Observation.value as CodeableConcept.text");
  EXPECT_EQ(show("Condition.onset.as(Age)"), ".Condition.onset as Age");
  EXPECT_EQ(show("value.ofType(Age)"), ".value as Age");
  EXPECT_EQ(show("Patient.telecom.where(system='phone')"), ".Patient.telecom where system=phone");
  EXPECT_EQ(show("Account.subject.where(resolve() is Patient)"), ".Account.subject resolves Patient");
  EXPECT_EQ(show("Bundle.entry[0].resource"), ".Bundle.entry[0].resource");
  EXPECT_EQ(show("Patient.extension('http://x').value"), ".Patient.extension where url=http://x.value");
  EXPECT_EQ(show("%resource.referenceSeq.chromosome"), "%.referenceSeq.chromosome");
  EXPECT_EQ(show("Patient.deceased.exists() and Patient.deceased != false"), ".Patient.deceased?");
}

TEST(Expression, RefusesWhatItDoesNotUnderstand) {
  for (std::string_view const text :
       {"", "Patient.", ".name", "Patient name", "Patient.name.first()", "a | ", "(a", "a)", "a.where(",
        "a.where(b)", "a.where(b='c)", "a.where(resolve() is )", "a.as()", "a[1]", "a + b",
        "a.exists() and b != false", "a.exists() and a = false", "%context.a"}) {
    EXPECT_EQ(show(text), "refused") << text;
  }
}

TEST(Expression, EveryStandardSearchParameterCompiles) {
  std::size_t compiled = 0;
  std::set<std::string_view> without;
  for (auto const& parameter : definitions::all_search_parameters()) {
    if (parameter.expression().empty()) {
      without.insert(parameter.code());
      continue;
    }
    EXPECT_TRUE(parse_expression(parameter.expression())) << parameter.url();
    ++compiled;
  }
  EXPECT_EQ(compiled, 1372U);
  EXPECT_THAT(without, ::testing::ElementsAre("_content", "_query", "_text"));
}

/// A path that compiles but leads nowhere would silently index nothing.
TEST(Plan, EveryParameterOfEveryTypeLeadsToSomeElement) {
  std::set<std::string> nowhere;
  std::size_t leading = 0;
  for (auto const* type : definitions::resource_types()) {
    Plan const* const plan = find_plan(type->name());
    ASSERT_NE(plan, nullptr) << type->name();
    std::set<std::string_view> reached;
    for (Plan::Node const& node : plan->nodes) {
      for (Plan::Action const& action : node.actions) reached.insert(action.parameter->code());
    }
    for (auto const* parameter : definitions::search_parameters(type->name())) {
      if (parameter->expression().empty() || parameter->code() == "_id" ||
          parameter->code() == "_lastUpdated")
        continue;
      ++leading;
      if (!reached.contains(parameter->code()))
        nowhere.insert(std::string(type->name()) + " " + std::string(parameter->code()));
    }
  }
  EXPECT_GT(leading, 1721U);
  EXPECT_THAT(nowhere, ::testing::ElementsAre());
  EXPECT_EQ(find_plan("Nothing"), nullptr);
}

}  // namespace
}  // namespace fhir::search
