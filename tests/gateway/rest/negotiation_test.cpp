// What is the same for every interaction: formats, methods, paths, headers.
#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

TEST(Negotiation, XmlIsNotAcceptableAndSaysSoInJson) {
  Server server;
  for (Reply const& reply : {server.get("/fhir/Patient", {{"Accept", "application/fhir+xml"}}),
                             server.get("/fhir/Patient?_format=xml"),
                             server.get("/fhir/metadata?_format=application/fhir%2Bxml")}) {
    EXPECT_EQ(reply.status, 406);
    EXPECT_EQ(reply.issue(), "error not-supported");
    EXPECT_EQ(reply.header("Content-Type"), "application/fhir+json; charset=utf-8");
  }
}

TEST(Negotiation, AResourceInAnotherMediaTypeIsRefused) {
  Server server;
  Reply const reply = server.post("/fhir/Patient", "<Patient/>", {{"Content-Type", "application/fhir+xml"}});
  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(reply.issue(), "error not-supported");
}

TEST(Negotiation, AMethodThatAPathHasNotIs405WithThoseItHas) {
  Server server;
  Reply const reply = server.call("LOCK", "/fhir/Patient/1", "[]");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.header("Allow"), "GET, HEAD, PUT, PATCH, DELETE");
  EXPECT_EQ(server.get("/fhir").header("Allow"), "POST");
}

TEST(Negotiation, AnUnknownTypeOrPathIsNotFound) {
  Server server;
  for (char const* target : {"/fhir/Unicorn", "/fhir/patient/1", "/fhir/Patient/1/$everything",
                             "/fhir/$graphql", "/fhir/Patient/1/_history/1/2", "/other"}) {
    Reply const reply = server.get(target);
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_EQ(reply.issue(), "error not-found") << target;
  }
}

TEST(Negotiation, SmuggledPathsAreRefused) {
  Server server;
  for (char const* target :
       {"/fhir/Patient/..%2f..%2fadmin", "/fhir/Patient/%2e%2e", "/fhir/Patient/1%00", "/fhir//Patient/1",
        "/fhir/Patient/1%0d%0aSet-Cookie:%20a", "/fhir/Patient/a_b", "/fhir/../Patient"}) {
    Reply const reply = server.get(target);
    EXPECT_EQ(reply.status, 400) << target;
    EXPECT_EQ(reply.issue(), "error value") << target;
  }
}

TEST(Negotiation, PrettyIsTheSameJsonWithLines) {
  Server server;
  server.put("/fhir/Patient/1", patient("1", "Ashdown"));
  Reply const plain = server.get("/fhir/Patient/1");
  Reply const pretty = server.get("/fhir/Patient/1?_pretty=true");
  EXPECT_NE(plain.body, pretty.body);
  EXPECT_NE(pretty.body.find("\n  \"id\": \"1\""), std::string::npos);
  EXPECT_TRUE(plain.json() == pretty.json());
}

TEST(Negotiation, HeadAnswersAsGet) {
  Server server;
  server.put("/fhir/Patient/1", patient("1", "Ashdown"));
  Reply const head = server.call("HEAD", "/fhir/Patient/1");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("ETag"), "W/\"1\"");
}

TEST(Negotiation, NothingIsCachedOrSniffed) {
  Server server;
  Reply const reply = server.get("/fhir/Patient");
  EXPECT_EQ(reply.header("Cache-Control"), "no-store");
  EXPECT_EQ(reply.header("X-Content-Type-Options"), "nosniff");
}

TEST(Negotiation, ABodyThatIsNoJsonNamesThePlaceAndKeepsNothing) {
  Server server;
  for (char const* body :
       {"{", "{\"resourceType\":\"Patient\",\"resourceType\":\"Patient\"}", "[]", "null",
        "{\"resourceType\":\"Patient\"} x", "{\"resourceType\":\"Patient\",\"active\":\"\xff\"}"}) {
    Reply const reply = server.post("/fhir/Patient", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.issue().substr(0, 15), "error structure") << body;
  }
  EXPECT_EQ(server
                .post("/fhir/Patient", "{\"resourceType\":\"Patient\",\"x\":" + std::string(100, '[') +
                                           std::string(100, ']') + "}")
                .status,
            400);
  EXPECT_EQ(server.get("/fhir/Patient?_summary=count").text("total"), "0");
}

}  // namespace
}  // namespace gateway::rest::testing
