#include "tests/gateway/rest/server.hpp"

#include <algorithm>

namespace gateway::rest::testing {
namespace {

/// "error code expression" of each error.
std::vector<std::string> errors_of(Reply const& reply) {
  std::vector<std::string> errors;
  auto const* const issues = reply.json().find("issue");
  for (auto const& issue : issues->items()) {
    if (issue.text_at("severity") != "error") continue;
    errors.push_back(std::string(issue.text_at("code")).append(" ").append(issue.text_of("expression", 0)));
  }
  return errors;
}

TEST(Validate, AnswersItsFindingsWith200AndStoresNothing) {
  Server server;
  Reply const good = server.post("/fhir/Patient/$validate", patient("", "Ashdown"));
  EXPECT_EQ(good.status, 200);
  EXPECT_TRUE(errors_of(good).empty()) << good.body;
  Reply const bad = server.post(
      "/fhir/Patient/$validate",
      R"({"resourceType":"Patient","gender":"blue","contact":[{"gender":"male"}],"link":[{"other":{"reference":"#x"},"type":"seealso"}]})");
  EXPECT_EQ(bad.status, 200);
  EXPECT_EQ(errors_of(bad),
            (std::vector<std::string>{"code-invalid Patient.gender", "invariant Patient.contact[0]",
                                      "structure Patient.link[0].other", "invariant Patient.link[0].other"}))
      << bad.body;
  EXPECT_EQ(server.get("/fhir/Patient?_summary=count").text("total"), "0");
}

TEST(Validate, TakesParametersAndStoredResources) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_TRUE(errors_of(server.post("/fhir/Patient/a/$validate", "")).empty());
  EXPECT_EQ(errors_of(server.post(
                "/fhir/Patient/$validate",
                R"({"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"create"},)"
                R"({"name":"resource","resource":{"resourceType":"Patient","x":1}}]})")),
            std::vector<std::string>{"structure Patient.x"});
  EXPECT_EQ(server.post("/fhir/Patient/$validate", "").status, 400);
}

TEST(Validate, SaysLineAndColumnInTheBody) {
  Server server;
  Reply const plain = server.post("/fhir/Patient/$validate",
                                  "{\"resourceType\":\"Patient\",\n \"contact\":[{\"gender\":\"male\"}]}");
  EXPECT_NE(plain.body.find("line 2 column 13"), std::string::npos) << plain.body;
  Reply const within =
      server.post("/fhir/Patient/$validate",
                  "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"mode\","
                  "\"valueCode\":\"create\"},{\"name\":\"resource\",\"resource\":\n"
                  "{\"resourceType\":\"Patient\",\n \"contact\":[{\"gender\":\"male\"}]}}]}");
  EXPECT_NE(within.body.find("line 3 column 13"), std::string::npos) << within.body;
  EXPECT_EQ(errors_of(within), std::vector<std::string>{"invariant Patient.contact[0]"});
  server.put("/fhir/Patient/a", R"({"resourceType":"Patient","id":"a","contact":[{"gender":"male"}]})");
  EXPECT_EQ(server.post("/fhir/Patient/a/$validate", "").body.find("line"), std::string::npos);
}

TEST(Validate, JudgesByTheProfileThatIsAsked) {
  Server server;
  std::string const body =
      R"({"resourceType":"Observation","status":"final","code":{"text":"weight"},"subject":{"display":"x"}})";
  EXPECT_TRUE(errors_of(server.post("/fhir/Observation/$validate", body)).empty());
  for (std::string const& target :
       {"/fhir/Observation/$validate?profile=http://hl7.org/fhir/StructureDefinition/bodyweight",
        "/fhir/Observation/$validate"}) {
    std::string const sent =
        target.find('?') != std::string::npos
            ? body
            : R"({"resourceType":"Parameters","parameter":[{"name":"profile","valueUri":"http://hl7.org/fhir/StructureDefinition/bodyweight"},)"
              R"({"name":"resource","resource":)" +
                  body + "}]}";
    auto const errors = errors_of(server.post(target, sent));
    EXPECT_NE(std::ranges::find(errors, "required Observation"), errors.end()) << target;
  }
  EXPECT_EQ(errors_of(server.post("/fhir/Patient/$validate?profile=http://a/p", patient("", "Ashdown"))),
            std::vector<std::string>{"not-found Patient"});
}

TEST(Validate, SeesWhatIsStored) {
  Server server;
  server.put("/fhir/Group/g", R"({"resourceType":"Group","id":"g","type":"person","actual":true})");
  // R4 lets a Condition be of a Group; an asserter cannot be one, whatever its id is called.
  EXPECT_EQ(
      errors_of(server.post(
          "/fhir/Condition/$validate",
          R"({"resourceType":"Condition","subject":{"reference":"Group/g"},"asserter":{"reference":"Group/g"},)"
          R"("clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]}})")),
      std::vector<std::string>{"value Condition.asserter"});
}

TEST(Validate, RefusesWhatItCannotJudge) {
  Server server;
  Reply const mode =
      server.post("/fhir/Patient/$validate",
                  R"({"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"delete"}]})");
  EXPECT_EQ(mode.status, 400);
  EXPECT_EQ(mode.issue(), "error not-supported");
  EXPECT_EQ(server.post("/fhir/Patient/$validate?x=y", patient("", "Ashdown")).issue(),
            "error not-supported");
}

/// pat-1 is no matter of structure: a contact needs a name, an address or the like.
constexpr std::string_view kAgainstInvariant = R"({"resourceType":"Patient","contact":[{"gender":"male"}]})";
constexpr std::string_view kUnknownElement = R"({"resourceType":"Patient","active":true,"wings":2})";

TEST(Validate, WritesAreJudgedAsStrictlyAsTheServerIsTold) {
  Server full(Judging::full);
  Reply const refused = full.post("/fhir/Patient", std::string(kAgainstInvariant));
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.issue(), "error invariant Patient.contact[0]");
  EXPECT_EQ(
      full.put("/fhir/Patient/a", R"({"resourceType":"Patient","id":"a","contact":[{"gender":"male"}]})")
          .status,
      422);
  EXPECT_EQ(full.post("/fhir/Patient", std::string(kUnknownElement)).status, 400);
  EXPECT_EQ(full.post("/fhir/Patient", patient("", "Ashdown")).status, 201);
  Server structure(Judging::structure);
  EXPECT_EQ(structure.post("/fhir/Patient", std::string(kAgainstInvariant)).status, 201);
  EXPECT_EQ(structure.post("/fhir/Patient", std::string(kUnknownElement)).status, 400);
  Server off(Judging::off);
  EXPECT_EQ(off.post("/fhir/Patient", std::string(kUnknownElement)).status, 201);
}

TEST(Validate, ATransactionAndAPatchAreJudgedToo) {
  Server full(Judging::full);
  Reply const refused =
      full.post("/fhir", std::string(R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)")
                                 .append(kAgainstInvariant) +
                             R"(,"request":{"method":"POST","url":"Patient"}}]})");
  EXPECT_EQ(refused.issue(), "error invariant Bundle.entry[0].resource.contact[0]") << refused.body;
  EXPECT_EQ(refused.status, 422) << "as the single write";
  EXPECT_EQ(refused.text("issue", 0, "location", 0), "") << "what decides the status is not shown";
  full.put("/fhir/Patient/a", patient("a", "Ashdown"));
  net::HttpHeaders headers;
  headers.add("Content-Type", "application/json-patch+json");
  Reply const patched =
      full.call("PATCH", "/fhir/Patient/a", R"([{"op":"add","path":"/contact","value":[{"gender":"male"}]}])",
                std::move(headers));
  EXPECT_EQ(patched.issue(), "error invariant Patient.contact[0]") << patched.body;
  EXPECT_EQ(patched.status, 422);
}

TEST(Validate, APrincipalMayBeJudgedOtherwiseThanTheRest) {
  Server server(Judging::structure);
  server.judging = Judging::full;
  EXPECT_EQ(server.post("/fhir/Patient", std::string(kAgainstInvariant)).status, 422);
  server.judging = Judging::off;
  EXPECT_EQ(server.post("/fhir/Patient", std::string(kUnknownElement)).status, 201);
  server.judging = std::nullopt;
  EXPECT_EQ(server.post("/fhir/Patient", std::string(kUnknownElement)).status, 400);
  EXPECT_EQ(server.post("/fhir/Patient", std::string(kAgainstInvariant)).status, 201);
}

}  // namespace
}  // namespace gateway::rest::testing
