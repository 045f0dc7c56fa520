#include "gateway/rest/etag.hpp"

#include <gtest/gtest.h>

namespace gateway::rest {
namespace {

TEST(Etag, WeakStrongAndBareDigitsNameTheSameVersion) {
  EXPECT_EQ(to_etag(3), "W/\"3\"");
  for (char const* text : {"W/\"3\"", "\"3\"", "3", "  W/\"3\" "})
    EXPECT_EQ(parse_etag(text, "If-Match").value(), 3) << text;
}

TEST(Etag, AnythingElseIsRefusedNamingTheHeader) {
  for (char const* text : {"", "W/", "W/\"\"", "W/\"x\"", "\"0\"", "\"-1\"", "\"03\"", "\"3\", \"4\"", "*",
                           "\"99999999999999999999\""}) {
    auto const parsed = parse_etag(text, "If-Match");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, fhir::IssueType::value);
    EXPECT_EQ(parsed.error().source, "If-Match");
  }
}

TEST(Etag, IfNoneMatchTakesAListOrAStar) {
  EXPECT_TRUE(names_version("W/\"2\", W/\"3\"", 3));
  EXPECT_TRUE(names_version("*", 7));
  EXPECT_FALSE(names_version("W/\"2\", W/\"33\"", 3));
  EXPECT_FALSE(names_version("", 3));
}

}  // namespace
}  // namespace gateway::rest
