#include "tests/gateway/rest/server.hpp"
#include "tests/gateway/store/failing_vfs.hpp"

namespace gateway::rest::testing {
namespace {

TEST(Create, GivesAnIdAndSaysWhereItIs) {
  Server server;
  Reply const reply = server.post("/fhir/Patient", patient("mine", "Ashdown"));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.header("Location"), "http://127.0.0.1:8080/fhir/Patient/1/_history/1");
  EXPECT_EQ(reply.header("ETag"), "W/\"1\"");
  EXPECT_EQ(reply.header("Last-Modified"), "Mon, 03 Mar 2025 11:06:40 GMT");
  EXPECT_EQ(reply.text("id"), "1");
  EXPECT_EQ(server.get("/fhir/Patient/1").body, reply.body);
  EXPECT_EQ(server.get("/fhir/Patient/mine").status, 404);
}

// reliability.md F5: a full disk refuses, by name, and what comes when there is room again is taken.
TEST(Create, OnAFullDiskIs507AndGoesOnWhenThereIsRoom) {
  store::install_failing_vfs();
  auto& faults = store::disk_faults();
  faults.heal();
  Server server;
  EXPECT_EQ(server.post("/fhir/Patient", patient("", "Ashdown")).status, 201);
  faults.plan(0, SQLITE_FULL, true);
  Reply const refused = server.post("/fhir/Patient", patient("", "Birch"));
  EXPECT_EQ(refused.status, 507);
  EXPECT_EQ(refused.text("resourceType"), "OperationOutcome");
  EXPECT_EQ(refused.issue(), "error no-store");
  EXPECT_NE(refused.header("Retry-After"), "");
  EXPECT_EQ(refused.body.find("Birch"), std::string::npos);
  EXPECT_EQ(server.put("/fhir/Patient/1", patient("1", "Cedar")).status, 507);
  EXPECT_EQ(server.get("/fhir/Patient/1").text("name", 0, "family"), "Ashdown") << "reading goes on";
  faults.heal();
  EXPECT_EQ(server.post("/fhir/Patient", patient("", "Birch")).status, 201);
}

TEST(Create, PassesOverAnIdThatAClientTook) {
  Server server;
  server.put("/fhir/Patient/1", patient("1", "Ashdown"));
  EXPECT_EQ(server.post("/fhir/Patient", patient("", "Birch")).text("id"), "2");
  EXPECT_EQ(server.get("/fhir/Patient/1").text("name", 0, "family"), "Ashdown");
}

TEST(Create, ReturnsWhatWasPreferred) {
  Server server;
  Reply const minimal = server.post("/fhir/Patient", patient("", "Ashdown"), {{"Prefer", "return=minimal"}});
  EXPECT_EQ(minimal.status, 201);
  EXPECT_EQ(minimal.body, "");
  EXPECT_NE(minimal.header("Location"), "");
  Reply const outcome =
      server.post("/fhir/Patient", patient("", "Ashdown"), {{"Prefer", "return=OperationOutcome"}});
  EXPECT_EQ(outcome.status, 201);
  EXPECT_EQ(outcome.issue(), "information informational");
}

TEST(Create, IgnoresTheVersionAndTimeOfTheSender) {
  Server server;
  Reply const reply = server.post(
      "/fhir/Patient",
      R"({"resourceType":"Patient","meta":{"versionId":"9","lastUpdated":"1999-01-01T00:00:00Z","profile":["http://a/p"]}})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.text("meta", "versionId"), "1");
  EXPECT_EQ(reply.text("meta", "lastUpdated"), "2025-03-03T11:06:40.000Z");
  EXPECT_EQ(reply.text("meta", "profile", 0), "http://a/p");
}

TEST(Create, AnUnknownElementIsRefusedByItsPath) {
  Server server;
  Reply const reply =
      server.post("/fhir/Patient", R"({"resourceType":"Patient","contact":[{"colour":"blue"}]})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error structure Patient.contact[0].colour");
  EXPECT_EQ(reply.text("issue", 0, "diagnostics").find("blue"), std::string::npos);
}

TEST(Create, AMissingOrBadElementIs400AndABadCode422) {
  Server server;
  EXPECT_EQ(server.post("/fhir/Task", R"({"resourceType":"Task","status":"requested"})").issue(),
            "error required Task.intent");
  EXPECT_EQ(server.post("/fhir/Patient", R"({"resourceType":"Patient","birthDate":"yesterday"})").status,
            400);
  Reply const code = server.post("/fhir/Patient", R"({"resourceType":"Patient","gender":"blue"})");
  EXPECT_EQ(code.status, 422);
  EXPECT_EQ(code.issue(), "error code-invalid Patient.gender");
}

TEST(Create, EveryFindingIsNamedAtOnce) {
  Server server;
  Reply const reply =
      server.post("/fhir/Patient", R"({"resourceType":"Patient","gender":"blue","birthDate":"x","a":1})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json().find("issue")->size(), 3U);
}

TEST(Create, TheTypeMustBeTheOneOfTheUrl) {
  Server server;
  Reply const reply = server.post("/fhir/Observation", patient("", "Ashdown"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error value resourceType");
}

TEST(Create, ALocalReferenceThatLeadsNowhereIsRefusedByItsPath) {
  Server server;
  std::string const encounter =
      R"({"resourceType":"Encounter","status":"planned","class":{"code":"IMP"},"subject":{"reference":"Patient/p"}})";
  Reply const reply = server.post("/fhir/Encounter", encounter);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error value Encounter.subject");
  server.put("/fhir/Patient/p", patient("p", "Ashdown"));
  EXPECT_EQ(server.post("/fhir/Encounter", encounter).status, 201);
  server.remove("/fhir/Patient/p");
  EXPECT_EQ(server.post("/fhir/Encounter", encounter).status, 400);
}

TEST(Create, OurOwnAbsoluteReferenceIsLocalAndAForeignOneIsBelieved) {
  Server server;
  auto const with = [](std::string const& reference) {
    return R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":")" + reference + R"("}})";
  };
  EXPECT_EQ(server.post("/fhir/Basic", with("http://127.0.0.1:8080/fhir/Patient/p")).status, 400);
  EXPECT_EQ(server.post("/fhir/Basic", with("http://elsewhere.example/fhir/Patient/p")).status, 201);
  EXPECT_EQ(server.post("/fhir/Basic", with("urn:uuid:0b7c1a5e-5c0f-4f5e-9d0e-3f1f3f0a9b11")).status, 201);
}

TEST(Create, AContainedResourceIsNoLocalReference) {
  Server server;
  EXPECT_EQ(
      server
          .post("/fhir/Basic", R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#p"},)"
                               R"("contained":[{"resourceType":"Patient","id":"p"}]})")
          .status,
      201);
}

TEST(Create, AConditionalReferenceOutsideATransactionIsRefused) {
  Server server;
  Reply const reply = server.post(
      "/fhir/Basic",
      R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient?identifier=a|1"}})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error value Basic.subject");
}

}  // namespace
}  // namespace gateway::rest::testing
