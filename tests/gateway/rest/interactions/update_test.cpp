#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

TEST(Update, CreatesUnderTheClientsId) {
  Server server;
  Reply const reply = server.put("/fhir/Patient/a-1.b", patient("a-1.b", "Ashdown"));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.header("Location"), "http://127.0.0.1:8080/fhir/Patient/a-1.b/_history/1");
}

TEST(Update, MakesTheNextVersion) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.now_ms += 1500;
  Reply const reply = server.put("/fhir/Patient/a", patient("a", "Birch"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("ETag"), "W/\"2\"");
  EXPECT_EQ(reply.text("meta", "lastUpdated"), "2025-03-03T11:06:41.500Z");
}

TEST(Update, ThatChangesNothingKeepsTheVersion) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.now_ms += 1500;
  Reply const reply = server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("ETag"), "W/\"1\"");
  EXPECT_EQ(reply.text("meta", "lastUpdated"), "2025-03-03T11:06:40.000Z");
}

TEST(Update, ASecondWriteToTheSameVersionIsRefused) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_EQ(server.put("/fhir/Patient/a", patient("a", "Birch"), {{"If-Match", "W/\"1\""}}).status, 200);
  Reply const stale = server.put("/fhir/Patient/a", patient("a", "Cole"), {{"If-Match", "W/\"1\""}});
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.issue(), "error conflict");
  EXPECT_EQ(stale.text("issue", 0, "location", 0), "If-Match");
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Birch");
}

TEST(Update, IfMatchOfWhatIsNotThereOrCannotBeReadIsRefused) {
  Server server;
  EXPECT_EQ(server.put("/fhir/Patient/a", patient("a", "Ashdown"), {{"If-Match", "W/\"1\""}}).status, 412);
  EXPECT_EQ(server.put("/fhir/Patient/a", patient("a", "Ashdown"), {{"If-Match", "soon"}}).status, 400);
  EXPECT_EQ(server.get("/fhir/Patient/a").status, 404);
}

TEST(Update, IfNoneMatchStarCreatesOnly) {
  Server server;
  EXPECT_EQ(server.put("/fhir/Patient/a", patient("a", "Ashdown"), {{"If-None-Match", "*"}}).status, 201);
  EXPECT_EQ(server.put("/fhir/Patient/a", patient("a", "Birch"), {{"If-None-Match", "*"}}).status, 412);
}

TEST(Update, TheBodyMustCarryTheIdOfTheUrl) {
  Server server;
  for (char const* id : {"", "b"}) {
    Reply const reply = server.put("/fhir/Patient/a", patient(id, "Ashdown"));
    EXPECT_EQ(reply.status, 400) << id;
    EXPECT_EQ(reply.issue(), "error value Patient.id") << id;
  }
}

TEST(Update, BringsADeletedResourceBack) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.remove("/fhir/Patient/a");
  Reply const reply = server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.header("ETag"), "W/\"3\"");
}

TEST(Update, ByAnotherLeavesTheResourceItsSources) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.principal = "heart-clinic";
  server.put("/fhir/Patient/a", patient("a", "Birch"));
  auto const snapshot = server.store().snapshot();
  EXPECT_EQ((*snapshot)->find(store::AccessPolicy::all(), "Patient", "a")->value().source, "riverside");
}

TEST(Update, MayReferToItself) {
  Server server;
  EXPECT_EQ(
      server
          .put("/fhir/Basic/b",
               R"({"resourceType":"Basic","id":"b","code":{"text":"x"},"subject":{"reference":"Basic/b"}})")
          .status,
      201);
}

}  // namespace
}  // namespace gateway::rest::testing
