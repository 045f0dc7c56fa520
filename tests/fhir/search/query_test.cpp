#include "fhir/search/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fhir::search {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Query parse(std::string_view type, std::string_view raw) {
  return parse_query(type, raw, Handling::strict).value();
}

Criterion only(Query const& query) {
  EXPECT_EQ(query.criteria.size(), 1U);
  return query.criteria.at(0);
}

template <class T>
T first(Query const&& query) = delete;  // the texts would go with it

template <class T>
T first(Query const& query) {
  return std::get<T>(only(query).operands.at(0).value);
}

TEST(Query, NothingIsASearchForEverything) {
  Query const query = parse("Patient", "");
  EXPECT_TRUE(query.criteria.empty());
  EXPECT_FALSE(query.count);
  EXPECT_EQ(query.resource_type, "Patient");
}

TEST(Query, TokensTellNoSystemFromAnySystem) {
  struct Case {
    std::string_view raw;
    bool has_system;
    std::string_view system;
    std::string_view code;
  };
  for (Case const& one :
       {Case{"identifier=12", false, "", "12"}, Case{"identifier=urn:a|12", true, "urn:a", "12"},
        Case{"identifier=%7C12", true, "", "12"}, Case{"identifier=urn:a%7C", true, "urn:a", ""},
        Case{"identifier=a%5C%7Cb", false, "", "a|b"}, Case{"identifier=a%5C%2Cb", false, "", "a,b"},
        Case{"identifier=a\\$b\\\\c\\d", false, "", "a$b\\c\\d"},
        Case{"identifier=a%2Bb+c", false, "", "a+b c"}}) {
    Query const query = parse("Patient", one.raw);
    auto const token = first<TokenValue>(query);
    EXPECT_EQ(only(query).operands[0].has_system, one.has_system) << one.raw;
    EXPECT_EQ(token.system, one.system) << one.raw;
    EXPECT_EQ(token.code, one.code) << one.raw;
  }
}

TEST(Query, CommasAreAlternativesAndRepetitionsAreMore) {
  Query const query = parse("Patient", "identifier=a,b,c&identifier=d&_id=1,2");
  ASSERT_EQ(query.criteria.size(), 3U);
  EXPECT_EQ(query.criteria[0].operands.size(), 3U);
  EXPECT_EQ(query.criteria[1].operands.size(), 1U);
  EXPECT_EQ(query.criteria[2].parameter->code(), "_id");
  EXPECT_EQ(query.criteria[2].operands.size(), 2U);
}

TEST(Query, StringsAreFoldedAsTheIndexIs) {
  Query const query = parse("Patient", "family:exact=M%C3%BCller%20");
  EXPECT_EQ(only(query).modifier, Modifier::exact);
  EXPECT_EQ(first<StringValue>(query).normalised, "muller");
  EXPECT_EQ(first<StringValue>(query).original, "M\u00fcller ");
}

TEST(Query, DatesTakePrefixesAndPrecision) {
  struct Case {
    std::string_view raw;
    Prefix prefix;
    std::int64_t low;
    std::int64_t high;
  };
  for (Case const& one : {Case{"birthdate=1970", Prefix::eq, 0, 31'536'000'000},
                          Case{"birthdate=ge1970-01-02", Prefix::ge, 86'400'000, 172'800'000},
                          Case{"birthdate=ap1970-01", Prefix::ap, 0, 2'678'400'000},
                          Case{"_lastUpdated=lt1970-01-01T00:00:01Z", Prefix::lt, 1000, 2000},
                          Case{"_lastUpdated=sa1970-01-01T02:00%2B02:00", Prefix::sa, 0, 60'000},
                          Case{"_lastUpdated=eb1970-01-01T02:00:00+02:00", Prefix::eb, 0, 1000},
                          Case{"_lastUpdated=ne1970-01-01T00:00:00.001Z", Prefix::ne, 1, 2}}) {
    Query const query = parse("Patient", one.raw);
    EXPECT_EQ(only(query).operands[0].prefix, one.prefix) << one.raw;
    EXPECT_EQ(first<DateValue>(query).low, one.low) << one.raw;
    EXPECT_EQ(first<DateValue>(query).high, one.high) << one.raw;
  }
}

TEST(Query, ReferencesComeAsIdTypeIdOrUrl) {
  Query const id_query = parse("Observation", "subject=7");
  auto const by_id = first<ReferenceValue>(id_query);
  EXPECT_EQ(by_id.id, "7");
  EXPECT_EQ(by_id.type, "");
  EXPECT_EQ(by_id.url, "");
  Query const typed_query = parse("Observation", "subject:Patient=7");
  EXPECT_EQ(first<ReferenceValue>(typed_query).type, "Patient");
  EXPECT_EQ(only(typed_query).modifier, Modifier::type);
  EXPECT_EQ(only(typed_query).type, "Patient");
  Query const literal_query = parse("Observation", "subject=Patient/7");
  auto const literal = first<ReferenceValue>(literal_query);
  EXPECT_EQ(literal.type, "Patient");
  EXPECT_EQ(literal.id, "7");
  Query const url_query = parse("Observation", "subject=http%3A%2F%2Fa.org%2Ffhir%2FPatient%2F7");
  auto const url = first<ReferenceValue>(url_query);
  EXPECT_EQ(url.base, "http://a.org/fhir/");
  EXPECT_EQ(url.id, "7");
  Query const identifier_query = parse("Observation", "subject:identifier=urn:m|12");
  auto const identifier = first<ReferenceValue>(identifier_query);
  EXPECT_EQ(identifier.identifier_system, "urn:m");
  EXPECT_EQ(identifier.identifier_value, "12");
  Query const canonical_query = parse("QuestionnaireResponse", "questionnaire=http://q|2");
  auto const canonical = first<ReferenceValue>(canonical_query);
  EXPECT_EQ(canonical.url, "http://q");
  EXPECT_EQ(canonical.version, "2");
}

TEST(Query, QuantitiesAndNumbersReachHalfTheirLastDigit) {
  Query const full = parse("Observation", "value-quantity=le5.4|http://unitsofmeasure.org|mg");
  auto const quantity = first<QuantityValue>(full);
  EXPECT_EQ(only(full).operands[0].prefix, Prefix::le);
  EXPECT_EQ(quantity.system, "http://unitsofmeasure.org");
  EXPECT_EQ(quantity.code, "mg");
  EXPECT_DOUBLE_EQ(quantity.low, 5.35);
  EXPECT_DOUBLE_EQ(quantity.high, 5.45);
  Query const unit = parse("Observation", "value-quantity=5.4||mg");
  EXPECT_FALSE(only(unit).operands[0].has_system);
  EXPECT_EQ(first<QuantityValue>(unit).code, "mg");
  Query const bare = parse("Observation", "value-quantity=5.4");
  EXPECT_EQ(first<QuantityValue>(bare).code, "");
  Query const number = parse("RiskAssessment", "probability=gt0.8");
  EXPECT_DOUBLE_EQ(first<NumberValue>(number).low, 0.75);
}

TEST(Query, CompositesAreTypedPartByPart) {
  Query const query = parse("Observation", "code-value-quantity=urn:l|a$gt5.4||mg,b$3");
  ASSERT_EQ(only(query).operands.size(), 2U);
  auto const& components = query.criteria[0].operands[0].components;
  ASSERT_EQ(components.size(), 2U);
  EXPECT_EQ(std::get<TokenValue>(components[0].value).code, "a");
  EXPECT_EQ(components[1].prefix, Prefix::gt);
  EXPECT_EQ(std::get<QuantityValue>(components[1].value).code, "mg");
}

TEST(Query, ModifiersAreReadAsTheirTypeAllows) {
  EXPECT_TRUE(only(parse("Patient", "birthdate:missing=true")).missing);
  EXPECT_FALSE(only(parse("Patient", "birthdate:missing=false")).missing);
  EXPECT_EQ(only(parse("Patient", "gender:not=male")).modifier, Modifier::not_);
  EXPECT_EQ(only(parse("Observation", "code:in=http://v")).modifier, Modifier::in);
  EXPECT_EQ(only(parse("Observation", "code:below=urn:l|a")).modifier, Modifier::below);
  Query const text = parse("Observation", "code:text=Blood%20P");
  EXPECT_EQ(first<TokenValue>(text).text, "blood p");
  Query const of_type = parse("Patient", "identifier:of-type=urn:v2|MR|12");
  EXPECT_EQ(first<TokenValue>(of_type).type_system, "urn:v2");
  EXPECT_EQ(first<TokenValue>(of_type).type_code, "MR");
  EXPECT_EQ(first<TokenValue>(of_type).code, "12");
  EXPECT_EQ(only(parse("Patient", "name:contains=x")).modifier, Modifier::contains);
  EXPECT_EQ(only(parse("ValueSet", "url:below=http://a")).modifier, Modifier::below);
}

TEST(Query, ChainsNameEveryStep) {
  Query const one = parse("Observation", "patient.birthdate=1970");
  ASSERT_EQ(only(one).chain.size(), 1U);
  EXPECT_EQ(one.criteria[0].chain[0].type, "Patient");
  EXPECT_EQ(one.criteria[0].parameter, definitions::find_search_parameter("Patient", "birthdate"));
  // Group has an identifier as well, but Observation.subject is narrowed to Patient by this parameter.
  EXPECT_EQ(only(parse("Observation", "patient.identifier=urn:m|1")).chain[0].type, "Patient");
  EXPECT_EQ(only(parse("AllergyIntolerance", "patient.identifier=urn:m|1")).chain[0].type, "Patient");
  Query const two = parse("Observation", "subject:Patient.general-practitioner:Practitioner.name:exact=x");
  ASSERT_EQ(only(two).chain.size(), 2U);
  EXPECT_EQ(two.criteria[0].chain[1].type, "Practitioner");
  EXPECT_EQ(two.criteria[0].modifier, Modifier::exact);
  Query const reverse = parse("Patient", "_has:Observation:patient:code=urn:l|a");
  ASSERT_TRUE(only(reverse).reverse);
  EXPECT_EQ(reverse.criteria[0].reverse->type, "Observation");
  EXPECT_EQ(reverse.criteria[0].reverse->parameter->code(), "patient");
  EXPECT_EQ(reverse.criteria[0].parameter->code(), "code");
}

TEST(Query, ResultParametersAreRead) {
  Query const query = parse(
      "Observation",
      "_count=20&_sort=-date,_id&_include=Observation:subject:Patient&_include:iterate=Patient:organization&"
      "_revinclude=Provenance:target&_include=*&_total=accurate&_summary=data&_elements=status,code&"
      "_format=application/fhir+json&_pretty=true");
  EXPECT_EQ(query.count, 20U);
  ASSERT_EQ(query.sort.size(), 2U);
  EXPECT_EQ(query.sort[0].parameter->code(), "date");
  EXPECT_TRUE(query.sort[0].descending);
  EXPECT_FALSE(query.sort[1].descending);
  ASSERT_EQ(query.includes.size(), 3U);
  EXPECT_EQ(query.includes[0].source_type, "Observation");
  EXPECT_EQ(query.includes[0].parameter->code(), "subject");
  EXPECT_EQ(query.includes[0].target_type, "Patient");
  EXPECT_FALSE(query.includes[0].iterate);
  EXPECT_TRUE(query.includes[1].iterate);
  EXPECT_EQ(query.includes[2].parameter, nullptr);
  ASSERT_EQ(query.revincludes.size(), 1U);
  EXPECT_EQ(query.revincludes[0].source_type, "Provenance");
  EXPECT_EQ(query.total, Total::accurate);
  EXPECT_EQ(query.summary, Summary::data);
  EXPECT_THAT(query.elements, ElementsAre("status", "code"));
  EXPECT_EQ(query.format, "application/fhir+json");
  EXPECT_TRUE(query.pretty);
}

struct Refusal {
  std::string_view type;
  std::string_view raw;
  IssueType code;
  std::string_view names;  ///< must stand in the diagnostics
};

TEST(Query, RefusalsNameTheParameterAndNeverTheValue) {
  using enum IssueType;
  for (Refusal const& one : {
           Refusal{"Patient", "nonsense=Secret", not_supported, "nonsense"},
           Refusal{"Patient", "_filter=Secret", not_supported, "_filter"},
           Refusal{"Patient", "_text=Secret", not_supported, "_text"},
           Refusal{"Patient", "_content=Secret", not_supported, "_content"},
           Refusal{"Location", "near=Secret", not_supported, "near"},
           Refusal{"Patient", "name:nonsense=Secret", not_supported, "name:nonsense"},
           Refusal{"Patient", "birthdate:exact=1970", not_supported, "birthdate:exact"},
           Refusal{"Patient", "gender:contains=Secret", not_supported, "gender:contains"},
           Refusal{"Patient", "name:Patient=Secret", not_supported, "name:Patient"},
           Refusal{"Patient", "birthdate=Secret", value, "birthdate"},
           Refusal{"Patient", "birthdate=1970-02-30", value, "birthdate"},
           Refusal{"Patient", "birthdate=", value, "birthdate"},
           Refusal{"Patient", "birthdate=gt", value, "birthdate"},
           Refusal{"Patient", "birthdate", value, "birthdate"},
           Refusal{"Patient", "name=", value, "name"},
           Refusal{"Patient", "name=a,", value, "name"},
           Refusal{"Patient", "identifier=%7C", value, "identifier"},
           Refusal{"Patient", "identifier=a|b|Secret", value, "identifier"},
           Refusal{"Patient", "identifier:of-type=Secret|12", value, "identifier:of-type"},
           Refusal{"Patient", "birthdate:missing=Secret", value, "birthdate:missing"},
           Refusal{"Observation", "value-quantity=Secret", value, "value-quantity"},
           Refusal{"Observation", "value-quantity=5|Secret", value, "value-quantity"},
           Refusal{"Observation", "subject=Secret/Secret", value, "subject"},
           Refusal{"Observation", "subject:Patient=Group/1", value, "subject:Patient"},
           Refusal{"Observation", "code-value-quantity=Secret", value, "code-value-quantity"},
           Refusal{"RiskAssessment", "probability=Secret", value, "probability"},
           Refusal{"Observation", "subject.name=Secret", not_supported, "subject.name"},
           Refusal{"Observation", "subject:Patient.nonsense=Secret", not_supported,
                   "subject:Patient.nonsense"},
           Refusal{"Observation", "status.name=Secret", not_supported, "status.name"},
           Refusal{"Patient", "_has:Observation:patient=Secret", not_supported, "_has:Observation:patient"},
           Refusal{"Patient", "_has:Nothing:patient:code=Secret", not_supported, "_has:Nothing:patient:code"},
           Refusal{"Patient", "_has:Observation:code:code=Secret", not_supported,
                   "_has:Observation:code:code"},
           Refusal{"Patient", "_has:Observation:patient:_has:Provenance:target:agent=Secret", not_supported,
                   "_has"},
           Refusal{"Patient", "_count=-1", value, "_count"},
           Refusal{"Patient", "_count=Secret", value, "_count"},
           Refusal{"Patient", "_count=99999999999", value, "_count"},
           Refusal{"Patient", "_sort=Secret", value, "_sort"},
           Refusal{"Observation", "_sort=code-value-quantity", value, "_sort"},
           Refusal{"Patient", "_include=Secret", value, "_include"},
           Refusal{"Patient", "_include=Patient:birthdate", value, "_include"},
           Refusal{"Patient", "_revinclude=Secret:target", value, "_revinclude"},
           Refusal{"Patient", "_total=Secret", value, "_total"},
           Refusal{"Patient", "_summary=Secret", value, "_summary"},
           Refusal{"Patient", "_elements=a,,b", value, "_elements"},
           Refusal{"Patient", "_pretty=Secret", value, "_pretty"},
           Refusal{"Patient", "name=%4", invalid, "%"},
           Refusal{"Patient", "name=%GG", invalid, "%"},
           Refusal{"Patient", "name=%C3%28", invalid, "UTF-8"},
           Refusal{"Patient", "name=%ED%A0%80", invalid, "UTF-8"},
           Refusal{"Patient", "name=%C0%AF", invalid, "UTF-8"},
           Refusal{"Patient", "name=a%00b", invalid, "control"},
           Refusal{"Nothing", "name=x", not_supported, "resource types"},
           Refusal{"Patient", "Secret%20name=x", not_supported, "unprintable"},
       }) {
    auto const query = parse_query(one.type, one.raw, Handling::strict);
    ASSERT_FALSE(query) << one.raw;
    EXPECT_EQ(to_code(query.error().code), to_code(one.code)) << one.raw;
    EXPECT_THAT(query.error().diagnostics, HasSubstr(std::string(one.names))) << one.raw;
    EXPECT_THAT(query.error().diagnostics, Not(HasSubstr("Secret"))) << one.raw;
  }
}

TEST(Query, LenientDropsOnlyWhatIsUnknown) {
  auto const query = parse_query("Patient", "nonsense=1&family=x&_text=y&_sort=family", Handling::lenient);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->criteria.size(), 1U);
  EXPECT_THAT(query->dropped, ElementsAre("nonsense", "_text"));
  EXPECT_EQ(query->used, "family=x&_sort=family");
  for (std::string_view const raw :
       {"birthdate=x", "family:nonsense=x", "birthdate:exact=1970", "name=%", "_count=x"}) {
    EXPECT_FALSE(parse_query("Patient", raw, Handling::lenient)) << raw;
  }
}

TEST(Query, WhatWasUsedIsKeptAsItCame) {
  EXPECT_EQ(parse("Patient", "&&family=M%C3%BCller&&_count=5&").used, "family=M%C3%BCller&_count=5");
}

TEST(Query, BoundsWhatOneQueryMayAsk) {
  std::string many = "_id=0";
  for (int i = 1; i < 1000; ++i) many.append(",").append(std::to_string(i));
  EXPECT_TRUE(parse_query("Patient", many, Handling::strict));
  EXPECT_EQ(parse_query("Patient", many + ",x", Handling::strict).error().code, IssueType::too_costly);
  std::string pairs;
  for (int i = 0; i < 201; ++i) pairs.append("_id=1&");
  EXPECT_EQ(parse_query("Patient", pairs, Handling::strict).error().code, IssueType::too_costly);
}

TEST(Query, OperandsOutliveTheTextAndTheMoveOfTheQuery) {
  std::string raw = "family=Someone&identifier=urn:a|12";
  auto parsed = parse_query("Patient", raw, Handling::strict);
  raw.assign(raw.size(), 'x');
  Query const moved = std::move(*parsed);
  EXPECT_EQ(std::get<StringValue>(moved.criteria[0].operands[0].value).normalised, "someone");
  EXPECT_EQ(std::get<TokenValue>(moved.criteria[1].operands[0].value).system, "urn:a");
}

TEST(Pairs, AreDecodedInOrder) {
  auto const pairs = parse_pairs("a=1&b=x%20y+z&c&=d&a=%3D");
  ASSERT_TRUE(pairs);
  EXPECT_THAT(*pairs, ElementsAre(std::pair("a", "1"), std::pair("b", "x y z"), std::pair("c", ""),
                                  std::pair("", "d"), std::pair("a", "=")));
  EXPECT_FALSE(parse_pairs("a=%"));
  EXPECT_THAT(*parse_pairs(""), IsEmpty());
}

TEST(PercentEncode, IsReadBackByParsePairs) {
  std::string const text = "a b&c=d%e+f|g,\u00fc~-._";
  EXPECT_EQ(percent_encode(text), "a%20b%26c%3Dd%25e%2Bf%7Cg%2C%C3%BC~-._");
  EXPECT_EQ(parse_pairs("x=" + percent_encode(text))->at(0).second, text);
}

}  // namespace
}  // namespace fhir::search
