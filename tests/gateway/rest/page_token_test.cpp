#include "gateway/rest/page_token.hpp"

#include <gtest/gtest.h>

namespace gateway::rest {
namespace {

Page example() { return {"Patient", "name=x&_count=2", "cursor", "riverside", 1000, true}; }

TEST(PageToken, OpensToWhatWasSealed) {
  PageTokens const tokens(PageTokens::random_key());
  auto const page = tokens.open(tokens.seal(example()), "riverside", 999);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->path, "Patient");
  EXPECT_EQ(page->query, "name=x&_count=2");
  EXPECT_EQ(page->cursor, "cursor");
  EXPECT_EQ(page->expires_ms, 1000);
  EXPECT_TRUE(page->lenient);
}

TEST(PageToken, HidesTheSearchAndNeverRepeatsItself) {
  PageTokens const tokens(PageTokens::random_key());
  std::string const token = tokens.seal(example());
  EXPECT_NE(token, tokens.seal(example()));
  EXPECT_EQ(token.find("name"), std::string::npos);
  EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
}

TEST(PageToken, EveryChangedCharacterIsNoticed) {
  PageTokens const tokens(PageTokens::random_key());
  std::string const token = tokens.seal(example());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    auto const page = tokens.open(changed, "riverside", 999);
    ASSERT_FALSE(page) << "at " << i;
    EXPECT_EQ(page.error().code, fhir::IssueType::value);
  }
}

TEST(PageToken, EveryPrefixIsNoticed) {
  PageTokens const tokens(PageTokens::random_key());
  std::string const token = tokens.seal(example());
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(tokens.open(std::string_view(token).substr(0, size), "riverside", 999)) << size;
  }
}

TEST(PageToken, AnotherKeyAnotherPrincipalAndALaterHourAreRefusedEachInItsWay) {
  PageTokens const tokens(PageTokens::random_key());
  std::string const token = tokens.seal(example());
  EXPECT_EQ(PageTokens(PageTokens::random_key()).open(token, "riverside", 1).error().code,
            fhir::IssueType::value);
  EXPECT_EQ(tokens.open(token, "heart-clinic", 1).error().code, fhir::IssueType::not_found);
  EXPECT_EQ(tokens.open(token, "riverside", 1000).error().code, fhir::IssueType::deleted);
}

}  // namespace
}  // namespace gateway::rest
