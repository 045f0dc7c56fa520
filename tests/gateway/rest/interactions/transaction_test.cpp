#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

std::string entry(std::string const& method, std::string const& url, std::string const& resource = {},
                  std::string const& full_url = {}, std::string const& more = {}) {
  std::string out = "{";
  if (!full_url.empty()) out += R"("fullUrl":")" + full_url + R"(",)";
  if (!resource.empty()) out += R"("resource":)" + resource + ',';
  return out + R"("request":{"method":")" + method + R"(","url":")" + url + '"' + more + "}}";
}

std::string bundle(std::string const& type, std::vector<std::string> const& entries) {
  std::string out = R"({"resourceType":"Bundle","type":")" + type + R"(","entry":[)";
  for (auto const& one : entries) out += (&one == &entries.front() ? "" : ",") + one;
  return out + "]}";
}

std::string task_for(std::string const& reference, std::string const& id = {}) {
  return R"({"resourceType":"Task",)" + (id.empty() ? "" : R"("id":")" + id + R"(",)") +
         R"("status":"requested","intent":"order","for":{"reference":")" + reference + R"("}})";
}

constexpr char const* kUrn = "urn:uuid:0b7c1a5e-5c0f-4f5e-9d0e-3f1f3f0a9b11";

std::string count(Server& server, std::string const& type) {
  return server.get("/fhir/" + type + "?_summary=count").text("total");
}

TEST(Transaction, LinksItsEntriesByUrn) {
  Server server;
  std::string const narrated =
      R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":")" + std::string(kUrn) +
      R"("},"identifier":[{"system":"urn:ietf:rfc:3986","value":")" + kUrn +
      R"("}],"extension":[{"url":"http://a/x","valueUri":")" + kUrn +
      R"("}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\")" +
      kUrn + R"(\">x</a></div>"}})";
  Reply const reply =
      server.post("/fhir", bundle("transaction", {entry("POST", "Task", task_for(kUrn)),
                                                  entry("POST", "Patient", patient("", "Ashdown"), kUrn),
                                                  entry("POST", "Basic", narrated)}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.text("type"), "transaction-response");
  EXPECT_EQ(reply.entries(), 3U);
  std::string const where = reply.text("entry", 1, "response", "location");
  EXPECT_EQ(reply.text("entry", 1, "response", "status"), "201 Created");
  EXPECT_EQ(reply.text("entry", 1, "response", "etag"), "W/\"1\"");
  std::string const target = where.substr(0, where.find("/_history"));
  EXPECT_EQ(reply.text("entry", 0, "resource", "for", "reference"), target);
  EXPECT_EQ(reply.text("entry", 2, "resource", "subject", "reference"), target);
  EXPECT_EQ(reply.text("entry", 2, "resource", "extension", 0, "valueUri"), target);
  EXPECT_EQ(reply.text("entry", 2, "resource", "identifier", 0, "value"), kUrn);
  EXPECT_NE(reply.text("entry", 2, "resource", "text", "div").find("href=\"" + target + "\""),
            std::string::npos);
  EXPECT_EQ(server.get("/fhir/" + target).status, 200);
}

TEST(Transaction, ResolvesRelativeReferencesAgainstTheEntrysOwnServer) {
  Server server;
  Reply const reply = server.post(
      "/fhir",
      bundle("transaction",
             {entry("POST", "Patient", patient("", "Ashdown"), "http://elsewhere.example/fhir/Patient/99"),
              entry("POST", "Task", task_for("Patient/99"), "http://elsewhere.example/fhir/Task/5")}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.text("entry", 1, "resource", "for", "reference"),
            "Patient/" + reply.text("entry", 0, "resource", "id"));
}

TEST(Transaction, IsAllOrNothing) {
  Server server;
  Reply const reply =
      server.post("/fhir", bundle("transaction", {entry("POST", "Patient", patient("", "Ashdown")),
                                                  entry("POST", "Task", task_for("Patient/nobody"))}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error value Bundle.entry[1].resource.for");
  EXPECT_EQ(count(server, "Patient"), "0");
}

TEST(Transaction, NamesTheEntryAndElementThatIsMalformed) {
  Server server;
  Reply const reply = server.post(
      "/fhir",
      bundle("transaction", {entry("POST", "Patient", patient("", "Ashdown")),
                             entry("POST", "Patient", R"({"resourceType":"Patient","birthDate":"x"})")}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error value Bundle.entry[1].resource.birthDate");
  EXPECT_EQ(count(server, "Patient"), "0");
}

TEST(Transaction, TwoEntriesOfOneIdentityFailIt) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  std::string const by_id = R"(,"ifNoneExist":"identifier=urn:example:mrn|9")";
  std::string const by_id_and_name = R"(,"ifNoneExist":"identifier=urn:example:mrn|9&family=birch")";
  std::vector<std::vector<std::string>> const twins{
      {entry("PUT", "Patient/a", patient("a", "Birch")), entry("PUT", "Patient/a", patient("a", "Cole"))},
      {entry("PUT", "Patient/a", patient("a", "Birch")), entry("DELETE", "Patient/a")},
      {entry("PUT", "Patient/a", patient("a", "Birch")),
       entry("DELETE", "Patient?identifier=urn:example:mrn|7")},
      {entry("POST", "Patient", patient("", "Birch", "9"), "", by_id),
       entry("POST", "Patient", patient("", "Birch", "9"), "", by_id)},
      {entry("POST", "Patient", patient("", "Birch", "9"), "", by_id),
       entry("POST", "Patient", patient("", "Birch", "9"), "", by_id_and_name)},
  };
  for (auto const& entries : twins) {
    Reply const reply = server.post("/fhir", bundle("transaction", entries));
    EXPECT_EQ(reply.status, 400) << entries[1];
    EXPECT_EQ(reply.issue().substr(0, 15), "error invariant") << entries[1];
  }
  EXPECT_EQ(server.get("/fhir/Patient/a").header("ETag"), "W/\"1\"");
  EXPECT_EQ(count(server, "Patient"), "1");
}

TEST(Transaction, RunsInTheOrderOfR4AndAnswersInItsOwn) {
  Server server;
  server.put("/fhir/Patient/old", patient("old", "Ashdown", "7"));
  Reply const reply =
      server.post("/fhir", bundle("transaction", {entry("GET", "Patient?identifier=urn:example:mrn|7"),
                                                  entry("PUT", "Patient/new", patient("new", "Birch", "7")),
                                                  entry("DELETE", "Patient/old")}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.text("entry", 0, "resource", "entry", 0, "resource", "id"), "new");
  EXPECT_EQ(reply.text("entry", 1, "response", "status"), "201 Created");
  EXPECT_EQ(reply.text("entry", 2, "response", "status"), "204 No Content");
}

TEST(Transaction, AReadThatFindsNothingFailsItBeforeAnythingIsStored) {
  Server server;
  Reply const reply = server.post(
      "/fhir", bundle("transaction",
                      {entry("POST", "Patient", patient("", "Ashdown")), entry("GET", "Patient/nobody")}));
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.issue(), "error not-found Bundle.entry[1]");
  EXPECT_EQ(count(server, "Patient"), "0");
}

TEST(Transaction, HonoursConditionsOfItsEntries) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  Reply const matched =
      server.post("/fhir", bundle("transaction", {entry("POST", "Patient", patient("", "Birch", "7"), kUrn,
                                                        R"(,"ifNoneExist":"identifier=urn:example:mrn|7")"),
                                                  entry("POST", "Task", task_for(kUrn))}));
  ASSERT_EQ(matched.status, 200) << matched.body;
  EXPECT_EQ(matched.text("entry", 0, "response", "status"), "200 OK");
  EXPECT_EQ(matched.text("entry", 1, "resource", "for", "reference"), "Patient/a");
  Reply const stale = server.post(
      "/fhir", bundle("transaction",
                      {entry("PUT", "Patient/a", patient("a", "Birch"), "", R"(,"ifMatch":"W/\"5\"")")}));
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.issue(), "error conflict Bundle.entry[0]");
}

TEST(Transaction, ResolvesConditionalReferences) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  auto const send = [&](std::string const& reference) {
    return server.post("/fhir", bundle("transaction", {entry("POST", "Task", task_for(reference))}));
  };
  EXPECT_EQ(send("Patient?identifier=urn:example:mrn|7").text("entry", 0, "resource", "for", "reference"),
            "Patient/a");
  Reply const none = send("Patient?identifier=urn:example:mrn|8");
  EXPECT_EQ(none.status, 400);
  EXPECT_EQ(none.issue(), "error value Bundle.entry[0].resource.for");
  server.put("/fhir/Patient/b", patient("b", "Birch", "7"));
  Reply const several = send("Patient?identifier=urn:example:mrn|7");
  EXPECT_EQ(several.status, 412);
  EXPECT_EQ(several.issue(), "error multiple-matches Bundle.entry[0].resource.for");
  EXPECT_EQ(count(server, "Task"), "1");
}

TEST(Transaction, UrlsThatLeadElsewhereAreRefused) {
  Server server;
  for (char const* url : {"http://elsewhere.example/fhir/Patient/1", "//elsewhere/Patient/1", "../Patient/1",
                          "Patient/%2e%2e", "Patient/a%2fb", "Patient/1%00", "Patient/a b", "", "/"}) {
    Reply const reply = server.post("/fhir", bundle("transaction", {entry("DELETE", url)}));
    EXPECT_EQ(reply.status, 400) << url;
    EXPECT_EQ(reply.issue().substr(0, 27), "error value Bundle.entry[0]") << url;
  }
  for (char const* full_url :
       {"Patient/1", "http://a/fhir/../Patient/1", "http://a/fhir/Patient/%2f1", "file:///etc", "urn:x"}) {
    Reply const reply =
        server.post("/fhir", bundle("transaction", {entry("POST", "Patient", patient("", "A"), full_url)}));
    EXPECT_EQ(reply.status, 400) << full_url;
    EXPECT_EQ(reply.issue(), "error value Bundle.entry[0].fullUrl") << full_url;
  }
}

TEST(Transaction, WithoutRequestOrResourceOrOfAnotherTypeIsRefused) {
  Server server;
  EXPECT_EQ(server.post("/fhir", bundle("transaction", {"{}"})).issue(),
            "error required Bundle.entry[0].request");
  EXPECT_EQ(server.post("/fhir", bundle("transaction", {entry("POST", "Patient")})).issue(),
            "error required Bundle.entry[0].resource");
  EXPECT_EQ(server.post("/fhir", bundle("document", {})).issue(), "error value Bundle.type");
  EXPECT_EQ(server.post("/fhir", patient("", "Ashdown")).issue(), "error value resourceType");
  EXPECT_EQ(
      server.post("/fhir", bundle("transaction", {entry("LOCK", "Patient/1", patient("1", "A"))})).status,
      405);
}

TEST(Transaction, OfNothingIsDone) {
  Server server;
  Reply const reply = server.post("/fhir", R"({"resourceType":"Bundle","type":"transaction"})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"resourceType":"Bundle","type":"transaction-response"})");
}

TEST(Batch, EveryEntryStandsForItself) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  Reply const reply = server.post(
      "/fhir",
      bundle("batch",
             {entry("GET", "Patient/a"), entry("POST", "Patient", R"({"resourceType":"Patient","a":1})"),
              entry("POST", "Patient", patient("", "Birch")), entry("DELETE", "http://a/Patient/a"),
              entry("GET", "Patient/nobody"), "{}"}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.text("type"), "batch-response");
  ASSERT_EQ(reply.entries(), 6U);
  EXPECT_EQ(reply.text("entry", 0, "resource", "id"), "a");
  EXPECT_EQ(reply.text("entry", 1, "response", "status"), "400 Bad Request");
  EXPECT_EQ(reply.text("entry", 1, "response", "outcome", "issue", 0, "expression", 0), "Patient.a");
  EXPECT_EQ(reply.text("entry", 2, "response", "status"), "201 Created");
  EXPECT_EQ(reply.text("entry", 3, "response", "status"), "400 Bad Request");
  EXPECT_EQ(reply.text("entry", 4, "response", "status"), "404 Not Found");
  EXPECT_EQ(reply.text("entry", 5, "response", "status"), "400 Bad Request");
  EXPECT_EQ(count(server, "Patient"), "2");
}

}  // namespace
}  // namespace gateway::rest::testing
