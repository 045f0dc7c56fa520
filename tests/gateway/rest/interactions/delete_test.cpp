#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

TEST(Delete, AnswersWithoutContentHoweverOften) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const first = server.remove("/fhir/Patient/a");
  EXPECT_EQ(first.status, 204);
  EXPECT_EQ(first.body, "");
  EXPECT_EQ(first.header("ETag"), "W/\"2\"");
  EXPECT_EQ(server.remove("/fhir/Patient/a").status, 204);
  EXPECT_EQ(server.get("/fhir/Patient/a").header("ETag"), "W/\"2\"");
  EXPECT_EQ(server.remove("/fhir/Patient/never").status, 204);
  EXPECT_EQ(server.get("/fhir/Patient/never").status, 404);
}

TEST(Delete, OfAnotherVersionThanTheOneReadIsRefused) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.put("/fhir/Patient/a", patient("a", "Birch"));
  EXPECT_EQ(server.remove("/fhir/Patient/a", {{"If-Match", "W/\"1\""}}).status, 412);
  EXPECT_EQ(server.remove("/fhir/Patient/a", {{"If-Match", "W/\"2\""}}).status, 204);
}

TEST(Delete, ThatTheRecordForbidsIsAConflict) {
  Server server;
  server.put("/fhir/Encounter/e",
             R"({"resourceType":"Encounter","id":"e","status":"planned","class":{"code":"IMP"}})");
  Reply const reply = server.remove("/fhir/Encounter/e");
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.issue(), "error conflict");
  EXPECT_EQ(server.get("/fhir/Encounter/e").status, 200);
}

TEST(Delete, TakesTheResourceOutOfSearches) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_EQ(server.get("/fhir/Patient?family=ashdown").entries(), 1U);
  server.remove("/fhir/Patient/a");
  EXPECT_EQ(server.get("/fhir/Patient?family=ashdown").entries(), 0U);
}

}  // namespace
}  // namespace gateway::rest::testing
