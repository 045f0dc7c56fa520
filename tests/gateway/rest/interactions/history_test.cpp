#include "tests/gateway/rest/server.hpp"

namespace gateway::rest::testing {
namespace {

std::string entry_line(Reply const& reply, int i) {
  return reply.text("entry", i, "request", "method") + ' ' + reply.text("entry", i, "request", "url") + ' ' +
         reply.text("entry", i, "response", "status") + ' ' + reply.text("entry", i, "response", "etag");
}

TEST(History, TellsEveryVersionNewestFirst) {
  Server server;
  server.post("/fhir/Patient", patient("", "Ashdown"));
  server.put("/fhir/Patient/1", patient("1", "Birch"));
  server.remove("/fhir/Patient/1");
  Reply const reply = server.get("/fhir/Patient/1/_history");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("type"), "history");
  EXPECT_EQ(reply.text("total"), "3");
  ASSERT_EQ(reply.entries(), 3U);
  EXPECT_EQ(entry_line(reply, 0), "DELETE Patient/1 204 No Content W/\"3\"");
  EXPECT_EQ(reply.json().at("entry", 0, "resource"), nullptr);
  EXPECT_EQ(entry_line(reply, 1), "PUT Patient/1 200 OK W/\"2\"");
  EXPECT_EQ(reply.text("entry", 1, "resource", "name", 0, "family"), "Birch");
  EXPECT_EQ(entry_line(reply, 2), "POST Patient 201 Created W/\"1\"");
  EXPECT_EQ(reply.text("entry", 2, "fullUrl"), "http://127.0.0.1:8080/fhir/Patient/1");
}

TEST(History, OfWhatNeverWasIsNotFound) {
  Server server;
  EXPECT_EQ(server.get("/fhir/Patient/1/_history").issue(), "error not-found");
  EXPECT_EQ(server.get("/fhir/Patient/_history").text("total"), "0");
}

TEST(History, OfATypeAndOfTheSystem) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.put("/fhir/Basic/b", R"({"resourceType":"Basic","id":"b","code":{"text":"x"}})");
  EXPECT_EQ(server.get("/fhir/Patient/_history").entries(), 1U);
  EXPECT_EQ(server.get("/fhir/_history").entries(), 2U);
}

TEST(History, SinceLeavesOutWhatIsOlder) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.now_ms += 60'000;
  server.put("/fhir/Patient/a", patient("a", "Birch"));
  EXPECT_EQ(server.get("/fhir/Patient/a/_history?_since=2025-03-03T11:07:00Z").entries(), 1U);
  EXPECT_EQ(server.get("/fhir/Patient/a/_history?_since=noon").status, 400);
  EXPECT_EQ(server.get("/fhir/Patient/a/_history?_at=2025").issue(), "error not-supported");
}

TEST(History, PagesStayStableWhileOthersWrite) {
  Server server;
  for (int i = 0; i < 7; ++i) server.put("/fhir/Patient/a", patient("a", "Name" + std::to_string(i)));
  std::vector<std::string> seen;
  Reply page = server.get("/fhir/Patient/a/_history?_count=3");
  for (int guard = 0; guard < 10; ++guard) {
    for (int i = 0; i < static_cast<int>(page.entries()); ++i)
      seen.push_back(page.text("entry", i, "resource", "meta", "versionId"));
    server.put("/fhir/Patient/a", patient("a", "Later" + std::to_string(guard)));
    std::string const next = page.link("next");
    if (next.empty()) break;
    page = server.get(next);
    ASSERT_EQ(page.status, 200);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"7", "6", "5", "4", "3", "2", "1"}));
}

}  // namespace
}  // namespace gateway::rest::testing
