#include "gateway/net/http.hpp"

#include <gtest/gtest.h>

namespace gateway::net {
namespace {

TEST(Http, HeadersAreFoundWithoutCaseAndSetReplacesAll) {
  HttpHeaders headers{{"Accept", "a"}, {"X", "1"}, {"accept", "b"}};
  EXPECT_EQ(headers.get("ACCEPT"), "a");
  EXPECT_EQ(headers.get("absent"), "");
  headers.set("aCCept", "c");
  EXPECT_EQ(headers.get("accept"), "c");
  EXPECT_EQ(headers.size(), 2U);
}

TEST(Http, TargetSplitsAtTheFirstQuestionMark) {
  HttpRequest request;
  request.target = "/a?b?c";
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "b?c");
  request.target = "/a";
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "");
}

TEST(Http, DefaultRefusalIsAnOperationOutcomeThatQuotesNothingRaw) {
  auto const refusal = make_refusal(400, fhir::error(fhir::IssueType::structure, "a \"quote\"\n\xff"));
  EXPECT_EQ(refusal.status, 400);
  EXPECT_EQ(refusal.body,
            R"({"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"structure",)"
            R"("diagnostics":"a \"quote\"\u000a?"}]})");
}

}  // namespace
}  // namespace gateway::net
