#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

TEST(Read, AnswersTheStoredBytesWithEtagAndLastModified) {
  Server server;
  Reply const created = server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply = server.get("/fhir/Patient/a");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("ETag"), "W/\"1\"");
  EXPECT_EQ(reply.header("Last-Modified"), "Mon, 03 Mar 2025 11:06:40 GMT");
  EXPECT_EQ(reply.body, created.body);
  EXPECT_EQ(
      reply.body,
      R"({"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2025-03-03T11:06:40.000Z"},)"
      R"("name":[{"family":"Ashdown"}]})");
}

TEST(Read, WhatNeverWasIsNotFound) {
  Server server;
  Reply const reply = server.get("/fhir/Patient/a");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.issue(), "error not-found");
}

TEST(Read, DeletedResourceIsGoneWithEtagOfTheDeletion) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.remove("/fhir/Patient/a");
  Reply const reply = server.get("/fhir/Patient/a");
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(reply.issue(), "error deleted");
  EXPECT_EQ(reply.header("ETag"), "W/\"2\"");
}

TEST(Read, AKnownVersionIsNotSentAgain) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const known = server.get("/fhir/Patient/a", {{"If-None-Match", "W/\"1\""}});
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.body, "");
  EXPECT_EQ(known.header("ETag"), "W/\"1\"");
  server.put("/fhir/Patient/a", patient("a", "Birch"));
  EXPECT_EQ(server.get("/fhir/Patient/a", {{"If-None-Match", "W/\"1\""}}).status, 200);
}

TEST(Read, ElementsAndSummaryShowAPartAndSaySo) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  Reply const part = server.get("/fhir/Patient/a?_elements=identifier");
  EXPECT_EQ(part.text("identifier", 0, "value"), "7");
  EXPECT_EQ(part.json().find("name"), nullptr);
  EXPECT_EQ(part.text("meta", "tag", 0, "code"), "SUBSETTED");
  EXPECT_EQ(server.get("/fhir/Patient/a?_summary=nonsense").status, 400);
}

TEST(Read, AnUnknownParameterIsNamed) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply = server.get("/fhir/Patient/a?colour=blue");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error not-supported");
  EXPECT_EQ(reply.text("issue", 0, "location", 0), "colour");
}

TEST(Read, ATaskShownIsToldToTheRecord) {
  Server server;
  server.put("/fhir/Task/t", R"({"resourceType":"Task","id":"t","status":"requested","intent":"order"})");
  EXPECT_TRUE(server.writer().shown.empty());
  server.get("/fhir/Task/t");
  server.get("/fhir/Task?status=requested");
  EXPECT_EQ(server.writer().shown, (std::vector<std::string>{"riverside Task/t", "riverside Task/t"}));
}

TEST(Vread, EveryVersionStaysReadable) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.put("/fhir/Patient/a", patient("a", "Birch"));
  server.remove("/fhir/Patient/a");
  EXPECT_EQ(server.get("/fhir/Patient/a/_history/1").text("name", 0, "family"), "Ashdown");
  Reply const second = server.get("/fhir/Patient/a/_history/2");
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.header("ETag"), "W/\"2\"");
  EXPECT_EQ(second.text("name", 0, "family"), "Birch");
  EXPECT_EQ(server.get("/fhir/Patient/a/_history/3").status, 410);
}

TEST(Vread, AVersionThatNeverWasIsNotFound) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  for (char const* version : {"2", "0", "01", "x", "99999999999999999999"}) {
    EXPECT_EQ(server.get("/fhir/Patient/a/_history/" + std::string(version)).status, 404) << version;
  }
}

}  // namespace
}  // namespace gateway::rest::testing
