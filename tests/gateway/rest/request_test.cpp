#include "gateway/rest/request.hpp"

#include "gateway/rest/status.hpp"

#include <gtest/gtest.h>

namespace gateway::rest {
namespace {

TEST(Path, SegmentsAreDecodedOnce) {
  EXPECT_EQ(parse_path("/Patient/a%2Db").value(), (std::vector<std::string>{"Patient", "a-b"}));
  EXPECT_EQ(parse_path("/Patient/").value(), (std::vector<std::string>{"Patient"}));
  EXPECT_TRUE(parse_path("")->empty());
  EXPECT_TRUE(parse_path("/")->empty());
}

TEST(Path, WhatCouldLeadElsewhereIsRefused) {
  for (char const* path : {"/Patient/..", "/Patient/%2e%2e", "/Patient/a%2fb", "/Patient/a%00b",
                           "/Patient//1", "/Patient/%", "/Patient/%4", "/Patient/%zz", "/Patient/a%0d%0ab",
                           "/Patient/\xc3\xa4", "/Patient/a%5cb", "/Patient/a b", "/Patient/."}) {
    EXPECT_FALSE(parse_path(path)) << path;
  }
}

TEST(Id, IsWhatR4Says) {
  EXPECT_TRUE(is_id("a"));
  EXPECT_TRUE(is_id("A-1.b"));
  EXPECT_TRUE(is_id(std::string(64, 'x')));
  for (std::string const& text :
       {std::string(), std::string(65, 'x'), std::string("a_b"), std::string("a/b"), std::string(".."),
        std::string("."), std::string("a b"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_id(text)) << text;
  }
}

TEST(Acceptable, JsonInEverySpellingAndNothingElse) {
  for (char const* accept :
       {"", "*/*", "application/fhir+json", "application/json", "text/json", "application/*",
        "Application/FHIR+JSON; fhirVersion=4.0", "text/html, application/xml;q=0.9, */*;q=0.8"}) {
    EXPECT_TRUE(check_acceptable(accept, "")) << accept;
  }
  for (char const* accept :
       {"application/fhir+xml", "text/html", "application/fhir+json;q=0", "application/fhir+json;q=0.0",
        "application/fhir+json; fhirVersion=5.0", "image/*"}) {
    auto const checked = check_acceptable(accept, "");
    ASSERT_FALSE(checked) << accept;
    EXPECT_EQ(status_of(checked.error()), 406);
  }
}

TEST(Acceptable, FormatOverridesAccept) {
  EXPECT_TRUE(check_acceptable("application/fhir+xml", "json"));
  EXPECT_FALSE(check_acceptable("application/fhir+json", "xml"));
}

TEST(ContentType, IsJsonInUtf8) {
  for (char const* type :
       {"application/fhir+json", "application/json; charset=utf-8", "application/fhir+json;charset=\"UTF-8\"",
        "application/fhir+json; fhirVersion=4.0"}) {
    EXPECT_TRUE(check_content_type(type)) << type;
  }
  for (char const* type : {"", "application/fhir+xml", "text/plain", "application/json; charset=latin1",
                           "application/fhir+json; fhirVersion=3.0"}) {
    auto const checked = check_content_type(type);
    ASSERT_FALSE(checked) << type;
    EXPECT_EQ(status_of(checked.error()), 415);
  }
}

TEST(Prefer, IsReadFromListsAndRepeatedFields) {
  Request request;
  read_headers({{"Prefer", "respond-async, return=minimal"}, {"prefer", "handling=lenient"}}, request);
  EXPECT_EQ(request.returning, Returning::minimal);
  EXPECT_EQ(request.handling, fhir::search::Handling::lenient);
}

}  // namespace
}  // namespace gateway::rest
