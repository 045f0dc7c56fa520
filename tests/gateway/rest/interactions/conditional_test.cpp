// https://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #cdelete
#include "tests/gateway/rest/server.hpp"

#include <thread>

namespace gateway::rest::testing {
namespace {

constexpr char const* kById = "identifier=urn:example:mrn%7C7";

net::HttpHeaders if_none_exist() { return {{"If-None-Exist", kById}}; }

std::string count(Server& server) { return server.get("/fhir/Patient?_summary=count").text("total"); }

TEST(ConditionalCreate, CreatesOnceAndThenAnswersWithWhatIsThere) {
  Server server;
  Reply const first = server.post("/fhir/Patient", patient("", "Ashdown", "7"), if_none_exist());
  EXPECT_EQ(first.status, 201);
  Reply const second = server.post("/fhir/Patient", patient("", "Birch", "7"), if_none_exist());
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.header("Location"), first.header("Location"));
  EXPECT_EQ(second.text("name", 0, "family"), "Ashdown");
  EXPECT_EQ(count(server), "1");
}

TEST(ConditionalCreate, SeveralMatchesAreAPreconditionFailed) {
  Server server;
  server.post("/fhir/Patient", patient("", "Ashdown", "7"));
  server.post("/fhir/Patient", patient("", "Birch", "7"));
  Reply const reply = server.post("/fhir/Patient", patient("", "Cole", "7"), if_none_exist());
  EXPECT_EQ(reply.status, 412);
  EXPECT_EQ(reply.issue(), "error multiple-matches");
  EXPECT_EQ(count(server), "2");
}

TEST(ConditionalCreate, AConditionThatSaysNothingIsRefused) {
  Server server;
  for (char const* condition : {"_count=1", "colour=blue", "_sort=name"}) {
    Reply const reply = server.post("/fhir/Patient", patient("", "Ashdown"),
                                    {{"If-None-Exist", condition}, {"Prefer", "handling=lenient"}});
    EXPECT_EQ(reply.status, 400) << condition;
  }
  EXPECT_EQ(count(server), "0");
}

// fhir.md 1a: N parallel conditional creates make exactly one resource, also when its identifier is used
// again later.
TEST(ConditionalCreate, ManyAtOnceMakeExactlyOneEachTime) {
  Server server;
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> created{0};
    std::atomic<int> matched{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        int const status = server.post("/fhir/Patient", patient("", "Ashdown", "7"), if_none_exist()).status;
        created += status == 201;
        matched += status == 200;
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(created, 1) << "round " << round;
    EXPECT_EQ(matched, 7) << "round " << round;
    EXPECT_EQ(count(server), "1");
    EXPECT_EQ(server.remove("/fhir/Patient?" + std::string(kById)).status, 204);
  }
}

TEST(ConditionalUpdate, UpdatesTheOneMatch) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  Reply const reply = server.put("/fhir/Patient?" + std::string(kById), patient("", "Birch", "7"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("id"), "a");
  EXPECT_EQ(reply.header("ETag"), "W/\"2\"");
}

TEST(ConditionalUpdate, CreatesWhereNothingMatches) {
  Server server;
  Reply const reply = server.put("/fhir/Patient?" + std::string(kById), patient("", "Birch", "7"));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.text("id"), "1");
  EXPECT_EQ(
      server.put("/fhir/Patient?identifier=urn:example:mrn%7C8", patient("mine", "Birch", "8")).text("id"),
      "mine");
}

TEST(ConditionalUpdate, DisagreeingIdsAndSeveralMatchesAreRefused) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  EXPECT_EQ(server.put("/fhir/Patient?" + std::string(kById), patient("b", "Birch", "7")).status, 400);
  EXPECT_EQ(server.put("/fhir/Patient?identifier=urn:example:mrn%7C9", patient("a", "Birch", "9")).status,
            409);
  server.put("/fhir/Patient/b", patient("b", "Birch", "7"));
  EXPECT_EQ(server.put("/fhir/Patient?" + std::string(kById), patient("", "Cole", "7")).status, 412);
  EXPECT_EQ(server.put("/fhir/Patient", patient("", "Cole", "7")).status, 400);
}

TEST(ConditionalDelete, DeletesOneAndOnlyOne) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  server.put("/fhir/Patient/b", patient("b", "Birch", "8"));
  EXPECT_EQ(server.remove("/fhir/Patient?" + std::string(kById)).status, 204);
  EXPECT_EQ(server.get("/fhir/Patient/a").status, 410);
  EXPECT_EQ(server.get("/fhir/Patient/b").status, 200);
  EXPECT_EQ(server.remove("/fhir/Patient?" + std::string(kById)).status, 204);
}

TEST(ConditionalDelete, NeverTakesSeveralOrAll) {
  Server server;
  server.put("/fhir/Patient/a", patient("a", "Ashdown", "7"));
  server.put("/fhir/Patient/b", patient("b", "Birch", "7"));
  Reply const several = server.remove("/fhir/Patient?" + std::string(kById));
  EXPECT_EQ(several.status, 412);
  EXPECT_EQ(several.issue(), "error multiple-matches");
  EXPECT_EQ(server.remove("/fhir/Patient").status, 400);
  EXPECT_EQ(server.remove("/fhir/Patient?_format=json").status, 400);
  Reply const unknown = server.remove("/fhir/Patient?colour=blue", {{"Prefer", "handling=lenient"}});
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(count(server), "2");
}

}  // namespace
}  // namespace gateway::rest::testing
