#include "fhir/search/sources.hpp"

#include "tests/fhir/support/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace fhir::search {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> sources(std::string_view type, std::string_view code) {
  std::vector<std::string> names;
  auto const* const parameter = definitions::find_search_parameter(type, code);
  if (parameter == nullptr) return {"no such parameter"};
  for (Source const& source : sources_of(type, *parameter)) {
    names.emplace_back(source.parameter->code());
    if (!source.target_type.empty()) names.back().append(":").append(source.target_type);
  }
  return names;
}

// A stored index holds its values where this says: what is changed here needs every stored index made anew.
TEST(Sources, AreThoseThatStoredIndexesAreMadeBy) {
  EXPECT_THAT(sources("Patient", "gender"), ElementsAre("gender"));
  EXPECT_THAT(sources("Patient", "_id"), ElementsAre("_id"));
  EXPECT_THAT(sources("Patient", "deceased"), ElementsAre("deceased"));
  EXPECT_THAT(sources("Patient", "name"), ElementsAre("family", "given", "name"));
  EXPECT_THAT(sources("Patient", "phonetic"), ElementsAre("family", "given", "name"));
  EXPECT_THAT(sources("Patient", "address"), ElementsAre("address", "address-city", "address-country",
                                                         "address-postalcode", "address-state"));
  EXPECT_THAT(sources("RelatedPerson", "phonetic"), ElementsAre("name"));
  EXPECT_THAT(sources("Encounter", "patient"), ElementsAre("patient", "subject:Patient"));
  EXPECT_THAT(sources("Encounter", "practitioner"), ElementsAre("participant:Practitioner", "practitioner"));
  EXPECT_THAT(sources("Task", "patient"), ElementsAre("patient", "subject:Patient"));
  EXPECT_THAT(sources("Person", "patient"), ElementsAre("link:Patient", "patient"));
  EXPECT_THAT(sources("Observation", "combo-code"), ElementsAre("code", "component-code"));
  EXPECT_THAT(sources("Observation", "combo-code-value-quantity"),
              ElementsAre("code-value-quantity", "component-code-value-quantity"));
}

/// Everything of a value that an index can hold.
std::string show(Value const& value) {
  struct Visitor {
    std::string operator()(TokenValue const& v) const {
      return join({v.system, v.code, v.text, v.type_system, v.type_code});
    }
    std::string operator()(StringValue const& v) const { return join({v.normalised, v.original}); }
    std::string operator()(DateValue const& v) const {
      return std::to_string(v.low) + " " + std::to_string(v.high);
    }
    std::string operator()(ReferenceValue const& v) const {
      return join({v.type, v.id, v.version, v.base, v.url});
    }
    std::string operator()(UriValue const& v) const { return std::string(v.uri); }
    std::string operator()(QuantityValue const& v) const {
      return join({v.system, v.code, v.unit}) + std::to_string(v.low) + " " + std::to_string(v.high);
    }
    std::string operator()(NumberValue const& v) const {
      return std::to_string(v.low) + " " + std::to_string(v.high);
    }
    static std::string join(std::initializer_list<std::string_view> parts) {
      std::string all;
      for (std::string_view const part : parts) all.append(part).append("|");
      return all;
    }
  };
  return std::visit(Visitor{}, value);
}

/// The values under one parameter, as texts; of references also their identifiers, each by itself.
std::set<std::string> under(IndexValues const& values, SearchParameter const& parameter,
                            std::string_view target_type = {}) {
  std::set<std::string> found;
  for (IndexValue const& one : values.values) {
    if (one.parameter != &parameter) continue;
    auto const* const reference = std::get_if<ReferenceValue>(&one.value);
    bool const is_wanted = target_type.empty() ||
                           (reference != nullptr && !reference->id.empty() && reference->type == target_type);
    if (!is_wanted) continue;
    auto const component = std::to_string(one.component) + " ";
    if (reference == nullptr || !reference->id.empty() || !reference->url.empty())
      found.insert(component + show(one.value));
    if (reference != nullptr && !reference->identifier_value.empty() && target_type.empty())
      found.insert("identifier " + std::string(reference->identifier_system) + "|" +
                   std::string(reference->identifier_value));
  }
  return found;
}

/// How many values it had; each parameter's are where its sources say, and nowhere twice.
std::size_t expect_same_values(json::Element const& resource, std::string const& name) {
  std::string_view const type = resource.text_at("resourceType");
  auto const all = extract(resource);
  IndexValues kept;
  extract_for_index(resource, kept);
  EXPECT_LE(kept.values.size(), all.values.size()) << name;
  for (SearchParameter const* parameter : definitions::search_parameters(type)) {
    std::set<std::string> found;
    for (Source const& source : sources_of(type, *parameter))
      found.merge(under(kept, *source.parameter, source.target_type));
    EXPECT_EQ(found, under(all, *parameter)) << name << " " << parameter->code();
  }
  return all.values.size() - kept.values.size();
}

TEST(Sources, HoldWhatTheParameterFindsInEveryOfficialExample) {
  SKIP_WITHOUT_SHARED();
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  std::size_t spared = 0;
  for (auto const& example : examples) {
    auto const document = test::read(example.bytes);
    spared += expect_same_values(document.root, example.name);
  }
  EXPECT_GT(spared, 600U);
}

TEST(Sources, HoldReferencesThatOnlySayTheirTypeOrOnlyAnIdentifier) {
  for (std::string const subject :
       {R"({"reference":"urn:uuid:1","type":"Group"})", R"({"reference":"urn:uuid:1","type":"Patient"})",
        R"({"reference":"urn:uuid:1"})", R"({"identifier":{"system":"urn:a","value":"1"}})",
        R"({"type":"Group","identifier":{"system":"urn:a","value":"1"}})",
        R"({"reference":"Patient/1","identifier":{"value":"1"}})", R"({"reference":"Group/1"})",
        R"({"reference":"http://a/fhir/Patient/1"})"}) {
    auto const document =
        test::read(R"({"resourceType":"Encounter","id":"e","status":"planned","subject":)" + subject + "}");
    expect_same_values(document.root, subject);
  }
}

}  // namespace
}  // namespace fhir::search
