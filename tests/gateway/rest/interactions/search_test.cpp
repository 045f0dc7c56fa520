#include "gateway/identity/identity.hpp"
#include "tests/gateway/rest/server.hpp"

#include <algorithm>

namespace gateway::rest::testing {
namespace {

std::vector<std::string> ids(Reply const& reply) {
  std::vector<std::string> found;
  for (int i = 0; i < static_cast<int>(reply.entries()); ++i)
    found.push_back(reply.text("entry", i, "resource", "id"));
  return found;
}

void add_patients(Server& server, int count) {
  for (int i = 0; i < count; ++i) {
    std::string const id = "p" + std::to_string(100 + i);
    server.put("/fhir/Patient/" + id, patient(id, "Ashdown", std::to_string(i)));
  }
}

TEST(Search, AnswersASearchsetOfStoredBytes) {
  Server server;
  std::string const stored = server.put("/fhir/Patient/a", patient("a", "Ashdown", "7")).body;
  server.put("/fhir/Patient/b", patient("b", "Birch", "8"));
  Reply const reply = server.get("/fhir/Patient?identifier=urn:example:mrn%7C7");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("type"), "searchset");
  ASSERT_EQ(ids(reply), std::vector<std::string>{"a"});
  EXPECT_NE(reply.body.find(stored), std::string::npos);
  EXPECT_EQ(reply.text("entry", 0, "search", "mode"), "match");
  EXPECT_EQ(reply.text("entry", 0, "fullUrl"), "http://127.0.0.1:8080/fhir/Patient/a");
  EXPECT_EQ(reply.link("self"), "/fhir/Patient?identifier=urn:example:mrn%7C7");
}

TEST(Search, ByPostIsTheSame) {
  Server server;
  add_patients(server, 3);
  Reply const reply = server.post("/fhir/Patient/_search", "identifier=urn%3Aexample%3Amrn%7C1",
                                  {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(ids(reply), std::vector<std::string>{"p101"});
  EXPECT_EQ(reply.link("self"), "/fhir/Patient?identifier=urn%3Aexample%3Amrn%7C1");
  EXPECT_EQ(server.post("/fhir/Patient/_search", "{}", {{"Content-Type", "application/json"}}).status, 415);
}

TEST(Search, AnUnknownParameterIsRefusedByName) {
  Server server;
  add_patients(server, 1);
  Reply const reply = server.get("/fhir/Patient?colour=blue");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.issue(), "error not-supported");
  EXPECT_NE(reply.text("issue", 0, "diagnostics").find("colour"), std::string::npos);
}

TEST(Search, LenientDropsTheUnknownAndShowsWhatWasUsed) {
  Server server;
  add_patients(server, 2);
  Reply const reply = server.get("/fhir/Patient?colour=blue&identifier=urn:example:mrn%7C1",
                                 {{"Prefer", "handling=lenient"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.link("self"), "/fhir/Patient?identifier=urn:example:mrn%7C1");
  ASSERT_EQ(reply.entries(), 2U);
  EXPECT_EQ(reply.text("entry", 0, "resource", "id"), "p101");
  EXPECT_EQ(reply.text("entry", 1, "search", "mode"), "outcome");
  EXPECT_EQ(reply.text("entry", 1, "resource", "issue", 0, "severity"), "warning");
}

TEST(Search, ABadValueOfAKnownParameterIsRefusedHoweverLenient) {
  Server server;
  EXPECT_EQ(server.get("/fhir/Patient?birthdate=soon", {{"Prefer", "handling=lenient"}}).status, 400);
}

TEST(Search, CountOnlyAnswersTheTotal) {
  Server server;
  add_patients(server, 5);
  for (char const* query : {"_summary=count", "_count=0"}) {
    Reply const reply = server.get("/fhir/Patient?" + std::string(query));
    EXPECT_EQ(reply.text("total"), "5") << query;
    EXPECT_EQ(reply.entries(), 0U) << query;
    EXPECT_EQ(reply.link("next"), "") << query;
  }
}

TEST(Search, PagesAreASnapshotWhileOthersWrite) {
  Server server;
  add_patients(server, 10);
  std::vector<std::string> seen;
  Reply page = server.get("/fhir/Patient?family=ashdown&_count=4");
  for (int guard = 0; guard < 10; ++guard) {
    auto const found = ids(page);
    seen.insert(seen.end(), found.begin(), found.end());
    std::string const id = "new" + std::to_string(guard);
    server.put("/fhir/Patient/" + id, patient(id, "Ashdown"));
    server.remove("/fhir/Patient/p10" + std::to_string(9 - guard));
    std::string const next = page.link("next");
    if (next.empty()) break;
    page = server.get(next);
    ASSERT_EQ(page.status, 200) << page.body;
  }
  std::ranges::sort(seen);
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_TRUE(std::ranges::adjacent_find(seen) == seen.end());
  EXPECT_TRUE(std::ranges::all_of(seen, [](std::string const& id) { return id.starts_with("p"); }));
}

TEST(Search, APageLinkHidesTheSearchAndIsBoundToItsReader) {
  Server server;
  add_patients(server, 3);
  std::string const next = server.get("/fhir/Patient?family=ashdown&_count=2").link("next");
  ASSERT_NE(next, "");
  EXPECT_EQ(next.find("ashdown"), std::string::npos);
  EXPECT_EQ(server.get(next + "&family=birch").status, 400);
  EXPECT_EQ(server.get("/fhir/Task" + next.substr(next.find('?'))).status, 400);
  std::string forged = next;
  forged.back() = forged.back() == 'A' ? 'E' : 'A';
  EXPECT_EQ(server.get(forged).issue(), "error value");
  server.principal = "heart-clinic";
  EXPECT_EQ(server.get(next).status, 404);
}

TEST(Search, APageLinkOutlivesTheProcess) {
  Server server;
  add_patients(server, 3);
  std::string const next = server.get("/fhir/Patient?_count=2").link("next");
  auto const before = server.get(next);
  EXPECT_EQ(before.status, 200);
  EXPECT_EQ(before.entries(), 1U);
  server.restart();
  EXPECT_EQ(server.get(next).body, before.body);
  Server other;
  add_patients(other, 3);
  EXPECT_EQ(other.get(next).issue(), "error value") << "each database has its own key";
}

TEST(Search, APageLinkExpires) {
  Server server;
  add_patients(server, 3);
  std::string const next = server.get("/fhir/Patient?_count=2").link("next");
  server.now_ms += 3'600'000;
  Reply const reply = server.get(next);
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(reply.issue(), "error deleted");
}

TEST(Search, IncludesStandBesideTheMatches) {
  Server server;
  server.put("/fhir/Patient/p", patient("p", "Ashdown"));
  server.put(
      "/fhir/Task/t",
      R"({"resourceType":"Task","id":"t","status":"requested","intent":"order","for":{"reference":"Patient/p"}})");
  Reply const forward = server.get("/fhir/Task?_include=Task:patient");
  ASSERT_EQ(ids(forward), (std::vector<std::string>{"t", "p"}));
  EXPECT_EQ(forward.text("entry", 1, "search", "mode"), "include");
  Reply const back = server.get("/fhir/Patient?_revinclude=Task:patient");
  EXPECT_EQ(ids(back), (std::vector<std::string>{"p", "t"}));
}

/// Patients a and b are one person, c is another; each has a Task.
void add_one_person(Server& server) {
  for (std::string const id : {"a", "b", "c"}) {
    server.put("/fhir/Patient/" + id, patient(id, "Ashdown"));
    server.put("/fhir/Task/t" + id,
               R"({"resourceType":"Task","id":"t)" + id +
                   R"(","status":"requested","intent":"order","for":{"reference":"Patient/)" + id + R"("}})");
  }
  auto const linked = server.store().commit_and_wait([](store::Unit& unit) -> fhir::Result<void> {
    for (std::string_view const id : {"a", "b"}) unit.put_key(identity::kPersonSpace, id, "person-1");
    unit.put_key(identity::kPersonSpace, "c", "person-2");
    return {};
  });
  ASSERT_TRUE(linked);
}

TEST(Search, OneThatNamesAPatientAnswersForTheWholePerson) {
  Server server;
  add_one_person(server);
  for (char const* query : {"patient=Patient/a", "patient=a", "subject=Patient/a", "subject:Patient=a",
                            "patient=Patient/b", "patient=Patient/a&_person=true"}) {
    Reply const reply = server.get("/fhir/Task?" + std::string(query));
    EXPECT_EQ(ids(reply), (std::vector<std::string>{"ta", "tb"})) << query;
    EXPECT_NE(reply.link("self").find("_person=true"), std::string::npos) << query;
  }
  EXPECT_EQ(ids(server.get("/fhir/Task?patient=Patient/a,Patient/c")),
            (std::vector<std::string>{"ta", "tb", "tc"}));
  EXPECT_EQ(server.get("/fhir/Task?patient=Patient/c").link("self"), "/fhir/Task?patient=Patient/c")
      << "nobody else is that person";
  EXPECT_EQ(ids(server.get("/fhir/Patient?_id=a")), std::vector<std::string>{"a"});
}

TEST(Search, ForOnePatientAloneWhereThatIsAsked) {
  Server server;
  add_one_person(server);
  Reply const reply = server.get("/fhir/Task?_person=false&patient=Patient/a");
  EXPECT_EQ(ids(reply), std::vector<std::string>{"ta"});
  EXPECT_EQ(reply.link("self"), "/fhir/Task?patient=Patient/a&_person=false");
  for (char const* query : {"_person=maybe", "_person=true&_person=false", "_person="}) {
    Reply const refused = server.get("/fhir/Task?patient=Patient/a&" + std::string(query));
    EXPECT_EQ(refused.status, 400) << query;
    EXPECT_NE(refused.text("issue", 0, "diagnostics").find("_person"), std::string::npos) << query;
  }
}

TEST(Search, PagesOfAWholePersonGoOnAsTheyBegan) {
  Server server;
  add_one_person(server);
  Reply const first = server.get("/fhir/Task?patient=Patient/b&_count=1");
  ASSERT_EQ(ids(first), std::vector<std::string>{"ta"});
  EXPECT_EQ(ids(server.get(first.link("next"))), std::vector<std::string>{"tb"});
  Reply const alone = server.get("/fhir/Task?patient=Patient/b&_count=1&_person=false");
  EXPECT_EQ(ids(alone), std::vector<std::string>{"tb"});
  EXPECT_EQ(alone.link("next"), "");
}

TEST(Search, ElementsShowAPartOfEachMatch) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  Reply const reply = server.get("/fhir/Patient?_elements=identifier");
  EXPECT_EQ(reply.text("entry", 0, "resource", "meta", "tag", 0, "code"), "SUBSETTED");
  EXPECT_EQ(reply.json().at("entry", 0, "resource", "name"), nullptr);
}

TEST(Search, ChangesOfOtherValuesAreFoundAtOnce) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown"));
  server.put("/fhir/Patient/a", patient("a", "Birch"));
  EXPECT_EQ(server.get("/fhir/Patient?family=ashdown").entries(), 0U);
  EXPECT_EQ(server.get("/fhir/Patient?family=birch").entries(), 1U);
}

}  // namespace
}  // namespace gateway::rest::testing
