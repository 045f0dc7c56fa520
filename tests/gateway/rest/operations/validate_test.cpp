#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

TEST(Validate, AnswersItsFindingsWith200AndStoresNothing) {
  Server server;
  Reply const good = server.post("/fhir/Patient/$validate", patient("", "Ashdown"));
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.issue(), "information informational");
  Reply const bad = server.post("/fhir/Patient/$validate", R"({"resourceType":"Patient","gender":"blue"})");
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(bad.issue(), "error code-invalid Patient.gender");
  EXPECT_EQ(server.get("/fhir/Patient?_summary=count").text("total"), "0");
}

TEST(Validate, TakesParametersAndStoredResources) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_EQ(server.post("/fhir/Patient/a/$validate", "").issue(), "information informational");
  EXPECT_EQ(server
                .post("/fhir/Patient/$validate",
                      R"({"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"create"},)"
                      R"({"name":"resource","resource":{"resourceType":"Patient","x":1}}]})")
                .issue(),
            "error structure Patient.x");
  EXPECT_EQ(server.post("/fhir/Patient/$validate", "").status, 400);
}

TEST(Validate, RefusesWhatItCannotJudge) {
  Server server;
  EXPECT_EQ(server.post("/fhir/Patient/$validate?profile=http://a/p", patient("", "Ashdown")).issue(),
            "error not-supported");
  Reply const mode =
      server.post("/fhir/Patient/$validate",
                  R"({"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"delete"}]})");
  EXPECT_EQ(mode.status, 400);
  EXPECT_EQ(mode.issue(), "error not-supported");
}

}  // namespace
}  // namespace gateway::rest::testing
