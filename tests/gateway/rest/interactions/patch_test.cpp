#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

net::HttpHeaders const kJson{{"Content-Type", "application/json-patch+json"}};

std::string replace_family(std::string const& family) {
  return R"([{"op":"replace","path":"/name/0/family","value":")" + family + R"("}])";
}

std::string path_patch(std::string const& family) {
  return R"({"resourceType":"Parameters","parameter":[{"name":"operation","part":[)"
         R"({"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.name[0].family"},)"
         R"({"name":"value","valueString":")" +
         family + R"("}]}]})";
}

TEST(Patch, ByJsonPatchMakesTheNextVersion) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.now_ms += 1500;
  Reply const reply = server.call("PATCH", "/fhir/Patient/a", replace_family("Birch"), kJson);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("ETag"), "W/\"2\"");
  EXPECT_EQ(reply.text("name", 0, "family"), "Birch");
  EXPECT_EQ(server.get("/fhir/Patient?family=Birch").entries(), 1U);
  EXPECT_EQ(server.get("/fhir/Patient?family=Ashdown").entries(), 0U);
}

TEST(Patch, ByFhirPathPatchMakesTheNextVersion) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply = server.call("PATCH", "/fhir/Patient/a", path_patch("Birch"));
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Birch");
}

TEST(Patch, ThatChangesNothingKeepsTheVersion) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", replace_family("Ashdown"), kJson).header("ETag"),
            "W/\"1\"");
}

TEST(Patch, TheLastOfAListTakesTheListAlong) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "1"));
  Reply const reply =
      server.call("PATCH", "/fhir/Patient/a", R"([{"op":"remove","path":"/identifier/0"}])", kJson);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().find("identifier"), nullptr);
}

TEST(Patch, OnlyTheVersionThatIfMatchNames) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  net::HttpHeaders headers = kJson;
  headers.add("If-Match", "W/\"1\"");
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", replace_family("Birch"), headers).status, 200);
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", replace_family("Cole"), headers).status, 412);
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Birch");
}

TEST(Patch, OfWhatIsNotThere) {
  Server server;
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", replace_family("Birch"), kJson).status, 404);
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.remove("/fhir/Patient/a");
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", replace_family("Birch"), kJson).status, 410);
}

TEST(Patch, ByACondition) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "1"));
  server.put("/fhir/Patient/b", patient("b", "Ashdown", "2"));
  Reply const one =
      server.call("PATCH", "/fhir/Patient?identifier=urn:example:mrn|2", replace_family("Birch"), kJson);
  EXPECT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(server.get("/fhir/Patient/b").text("name", 0, "family"), "Birch");
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Ashdown");
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient?identifier=3", replace_family("Birch"), kJson).status, 404);
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient?identifier=1,2", replace_family("Birch"), kJson).status, 412);
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient", replace_family("Birch"), kJson).status, 400);
}

TEST(Patch, DoesNotChangeWhichResourceItIs) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  auto const replace = [&](std::string const& path, std::string const& value) {
    return server.call("PATCH", "/fhir/Patient/a",
                       R"([{"op":"add","path":")" + path + R"(","value":")" + value + R"("}])", kJson);
  };
  EXPECT_EQ(replace("/id", "b").issue(), "error business-rule Patient.id");
  EXPECT_EQ(replace("/resourceType", "Person").issue(), "error business-rule Patient.resourceType");
  EXPECT_EQ(replace("/meta/versionId", "7").issue(), "error business-rule Patient.meta.versionId");
  EXPECT_EQ(replace("/meta/lastUpdated", "2020-01-01T00:00:00Z").status, 422);
  EXPECT_EQ(server.get("/fhir/Patient/a").header("ETag"), "W/\"1\"");
}

TEST(Patch, WhoseResultIsNoResourceIsRefusedWhole) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply = server.call(
      "PATCH", "/fhir/Patient/a",
      R"([{"op":"replace","path":"/name/0/family","value":"Birch"},{"op":"add","path":"/size","value":3}])",
      kJson);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error structure Patient.size");
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Ashdown");
}

TEST(Patch, AnErrorNamesTheOperation) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply =
      server.call("PATCH", "/fhir/Patient/a", R"([{"op":"test","path":"/active","value":true}])", kJson);
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.text("issue", 0, "diagnostics"),
            "operation 0 (test /active): there is nothing at that place");
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", "[{", kJson).status, 400);
}

TEST(Patch, OfAnotherMediaTypeIsTold) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply = server.call("PATCH", "/fhir/Patient/a", "<a/>", {{"Content-Type", "text/plain"}});
  EXPECT_EQ(reply.status, 415);
  EXPECT_EQ(reply.header("Accept-Patch"),
            "application/fhir+json, application/json-patch+json, application/xml-patch+xml");
}

TEST(Patch, MayBeXml) {
  Server server;
  net::HttpHeaders const xml{{"Content-Type", "application/xml-patch+xml"}, {"If-Match", "W/\"1\""}};
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  std::string const rename =
      "<diff xmlns:f='http://hl7.org/fhir'><replace "
      "sel='f:Patient/f:name/f:family/@value'>Birch</replace></diff>";
  Reply const reply = server.call("PATCH", "/fhir/Patient/a", rename, xml);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Birch");
  EXPECT_EQ(server.call("PATCH", "/fhir/Patient/a", rename, xml).status, 412) << "another version is current";
  Reply const nothing =
      server.call("PATCH", "/fhir/Patient/a", "<diff><remove sel='f:Patient/f:photo'/></diff>",
                  {{"Content-Type", "application/xml-patch+xml"}});
  EXPECT_EQ(nothing.status, 422);
  EXPECT_NE(nothing.body.find("operation 0 (remove f:Patient/f:photo)"), std::string::npos);
  EXPECT_EQ(
      server.call("PATCH", "/fhir/Patient/a", "<a/>", {{"Content-Type", "application/xml-patch+xml"}}).status,
      400);
  // meta.versionId and lastUpdated are in what is patched, and stay the server's.
  EXPECT_EQ(server
                .call("PATCH", "/fhir/Patient/a",
                      "<diff><replace sel='f:Patient/f:meta/f:versionId/@value'>9</replace></diff>",
                      {{"Content-Type", "application/xml-patch+xml"}})
                .status,
            422);
}

TEST(Patch, StandsInABundle) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.put("/fhir/Patient/b", patient("b", "Ashdown"));
  std::string const binary =  // [{"op":"replace","path":"/name/0/family","value":"Birch"}]
      R"({"resourceType":"Binary","contentType":"application/json-patch+json","data":)"
      R"("W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9uYW1lLzAvZmFtaWx5IiwidmFsdWUiOiJCaXJjaCJ9XQ=="})";
  auto const bundle = [&](std::string const& type, std::string const& url_a, std::string const& url_b) {
    return R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[{"resource":)" + binary +
           R"(,"request":{"method":"PATCH","url":")" + url_a + R"("}},{"resource":)" + path_patch("Cole") +
           R"(,"request":{"method":"PATCH","url":")" + url_b + R"("}}]})";
  };
  Reply const failed = server.post("/fhir", bundle("transaction", "Patient/a", "Patient/none"));
  EXPECT_EQ(failed.status, 404);
  EXPECT_EQ(failed.issue(), "error not-found Bundle.entry[1]");
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Ashdown");

  Reply const done = server.post("/fhir", bundle("transaction", "Patient/a", "Patient/b"));
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.text("entry", 0, "response", "status"), "200 OK");
  EXPECT_EQ(server.get("/fhir/Patient/a").text("name", 0, "family"), "Birch");
  EXPECT_EQ(server.get("/fhir/Patient/b").text("name", 0, "family"), "Cole");

  Reply const batch = server.post("/fhir", bundle("batch", "Patient/none", "Patient/b"));
  EXPECT_EQ(batch.text("entry", 0, "response", "status"), "404 Not Found");
  EXPECT_EQ(batch.text("entry", 1, "response", "status"), "200 OK");
}

TEST(Patch, MetadataTellsIt) {
  Server server;
  Reply const reply = server.get("/fhir/metadata");
  EXPECT_EQ(reply.text("patchFormat", 0), "application/fhir+json");
  EXPECT_EQ(reply.text("patchFormat", 1), "application/json-patch+json");
}

}  // namespace
}  // namespace gateway::rest::testing
