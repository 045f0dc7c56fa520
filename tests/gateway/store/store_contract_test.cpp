// The contract of gateway/store/store.hpp, the same for every engine.
#include "fhir/search/query.hpp"
#include "gateway/store/hash.hpp"
#include "gateway/store/store.hpp"
#include "tests/gateway/store/store_fixture.hpp"

#include <fmt/format.h>

#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace gateway::store {
namespace {

class StoreContract : public testing::TestWithParam<Engine> {
 protected:
  StoreHome home_{GetParam()};
  Store& store() { return *home_.store; }

  std::optional<Version> find(std::string_view type, std::string_view id) {
    auto found = view(store())->find(AccessPolicy::all(), type, id);
    EXPECT_TRUE(found) << (found ? "" : found.error().diagnostics);
    return found ? std::move(*found) : std::nullopt;
  }
};

constexpr char const* kPatient = R"({"resourceType":"Patient","id":"p1","active":true,"birthDate":"1980"})";

fhir::search::Query query_of(std::string_view type, std::string_view text) {
  auto query = fhir::search::parse_query(type, text, fhir::search::Handling::strict);
  EXPECT_TRUE(query) << (query ? "" : query.error().diagnostics);
  return query ? std::move(*query) : fhir::search::Query{};
}

TEST_P(StoreContract, APutResourceIsReadBackWithItsVersionAndInstant) {
  auto const receipt = must(store().commit_and_wait(put_json(kPatient)));
  ASSERT_EQ(receipt.versions.size(), 1U);
  auto const read = find("Patient", "p1");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version_id, 1);
  EXPECT_EQ(read->last_updated_ms, kStartMs);
  EXPECT_EQ(read->commit_seq, receipt.commit_seq);
  EXPECT_EQ(read->source, "test");
  EXPECT_EQ(read->interaction, "PUT");
  EXPECT_EQ(read->content, receipt.versions[0].content);
  EXPECT_EQ(
      read->content,
      R"({"resourceType":"Patient","id":"p1","meta":{"versionId":"1","lastUpdated":"2023-11-14T22:13:20.000Z"},)"
      R"("active":true,"birthDate":"1980"})");
}

TEST_P(StoreContract, WhatWasNeverThereIsNotFound) { EXPECT_FALSE(find("Patient", "nobody")); }

TEST_P(StoreContract, APolicyThatAllowsNothingSeesNothing) {
  must(store().commit_and_wait(put_json(kPatient)));
  auto const snapshot = view(store());
  EXPECT_FALSE(*snapshot->find(AccessPolicy{}, "Patient", "p1"));
  EXPECT_FALSE(*snapshot->find_version(AccessPolicy{}, "Patient", "p1", 1));
  EXPECT_TRUE(snapshot->history(AccessPolicy{}, "Patient", "p1", 0, 10, "")->versions.empty());
  EXPECT_TRUE(snapshot->search(AccessPolicy{}, query_of("Patient", ""))->entries.empty());
}

TEST_P(StoreContract, LastUpdatedGrowsEvenWhenTheClockStandsStillOrGoesBack) {
  must(store().commit_and_wait(put_json(kPatient)));
  must(store().commit_and_wait(put_json(R"({"resourceType":"Patient","id":"p1","active":false})")));
  EXPECT_EQ(find("Patient", "p1")->last_updated_ms, kStartMs + 1);
  home_.now->store(kStartMs - 3'600'000);
  must(store().commit_and_wait(put_json(R"({"resourceType":"Patient","id":"p2"})")));
  EXPECT_GE(find("Patient", "p2")->last_updated_ms, kStartMs + 1);
}

TEST_P(StoreContract, AnEqualPutKeepsTheVersionAndWritesNothing) {
  auto const first = must(store().commit_and_wait(put_json(kPatient)));
  home_.now->fetch_add(5000);
  // The same resource, members in another order and with its served meta.
  auto const again = must(store().commit_and_wait(put_json(
      R"({"birthDate":"1980","meta":{"versionId":"1"},"active":true,"id":"p1","resourceType":"Patient"})")));
  ASSERT_EQ(again.versions.size(), 1U);
  EXPECT_EQ(again.versions[0].content, first.versions[0].content);
  EXPECT_EQ(view(store())->commit_seq(), first.commit_seq);
}

TEST_P(StoreContract, PutSaysWhatItWillBe) {
  Unit::PutResult created, same, changed;
  auto const put = [](char const* json, Unit::PutResult& result) {
    return [json, &result](Unit& unit) -> fhir::Result<void> {
      FHIR_TRY(auto const resource, fhir::json::read(json, unit.arena()));
      FHIR_TRY(result, unit.put(resource, "test", "PUT"));
      return {};
    };
  };
  must(store().commit_and_wait(put(kPatient, created)));
  must(store().commit_and_wait(put(kPatient, same)));
  must(store().commit_and_wait(put(R"({"resourceType":"Patient","id":"p1"})", changed)));
  EXPECT_TRUE(created.created && created.changed && created.version_id == 1);
  EXPECT_TRUE(!same.created && !same.changed && same.version_id == 1);
  EXPECT_TRUE(!changed.created && changed.changed && changed.version_id == 2);
}

TEST_P(StoreContract, ADeletedResourceKeepsItsHistoryAndComesBackAsANewVersion) {
  must(store().commit_and_wait(put_json(kPatient)));
  must(store().commit_and_wait([](Unit& unit) { return unit.remove("Patient", "p1", "test"); }));
  auto const deleted = find("Patient", "p1");
  ASSERT_TRUE(deleted);
  EXPECT_TRUE(deleted->deleted);
  EXPECT_EQ(deleted->version_id, 2);
  EXPECT_EQ(deleted->content, "");
  EXPECT_FALSE(view(store())->find_version(AccessPolicy::all(), "Patient", "p1", 1)->value().deleted);
  auto const seq = view(store())->commit_seq();
  must(store().commit_and_wait([](Unit& unit) { return unit.remove("Patient", "p1", "test"); }));
  EXPECT_EQ(view(store())->commit_seq(), seq) << "deleting again writes nothing";
  must(store().commit_and_wait(put_json(kPatient)));
  EXPECT_EQ(find("Patient", "p1")->version_id, 3);
}

TEST_P(StoreContract, HistoryIsNewestFirstAndPagesWithoutGapsWhileOthersWrite) {
  for (int round = 0; round < 5; ++round) {
    home_.now->fetch_add(1000);
    must(store().commit_and_wait(
        put_json(fmt::format(R"({{"resourceType":"Patient","id":"p1","birthDate":"198{}"}})", round))));
    must(store().commit_and_wait(put_json(
        fmt::format(R"({{"resourceType":"Group","id":"g{}","type":"person","actual":true}})", round))));
  }
  struct Case {
    std::string type, id;
    std::int64_t since;
    std::size_t total;
  };
  for (auto const& test : {Case{"", "", 0, 10}, Case{"Patient", "p1", 0, 5}, Case{"Patient", "", 0, 5},
                           Case{"Patient", "p1", kStartMs + 4000, 2}, Case{"Device", "", 0, 0}}) {
    std::vector<std::string> seen;
    std::string cursor;
    do {
      auto const page =
          view(store())->history(AccessPolicy::all(), test.type, test.id, test.since, 2, cursor).value();
      EXPECT_EQ(page.total, static_cast<std::int64_t>(test.total));
      for (auto const& version : page.versions)
        seen.push_back(fmt::format("{}/{}/{}", version.type, version.id, version.version_id));
      cursor = page.next_cursor;
      must(store().commit_and_wait(put_json(
          fmt::format(R"({{"resourceType":"Basic","id":"b{}","code":{{"text":"x"}}}})", seen.size()))));
    } while (!cursor.empty());
    EXPECT_EQ(seen.size(), test.total) << test.type;
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
  }
  auto const bad = view(store())->history(AccessPolicy::all(), "", "", 0, 2, "nonsense");
  EXPECT_EQ(bad.error().code, fhir::IssueType::value);
}

TEST_P(StoreContract, KeysAreUniqueAndFoundBothWays) {
  must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    unit.put_key("mrn", "b|2", "Patient/p1");
    unit.put_key("mrn", "a|1", "Patient/p1");
    unit.put_key("visit", "a|1", "Encounter/e1");
    EXPECT_EQ(**unit.find_key("mrn", "a|1"), "Patient/p1") << "own writes are seen";
    EXPECT_EQ(unit.keys_of("mrn", "Patient/p1")->size(), 2U);
    return {};
  }));
  auto const snapshot = view(store());
  EXPECT_EQ(**snapshot->find_key("mrn", "a|1"), "Patient/p1");
  EXPECT_FALSE(*snapshot->find_key("mrn", "c|3"));
  EXPECT_EQ(*snapshot->keys_of("mrn", "Patient/p1"), (std::vector<std::string>{"a|1", "b|2"}));
  must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    unit.put_key("mrn", "a|1", "Patient/p2");
    unit.remove_key("mrn", "b|2");
    return {};
  }));
  EXPECT_EQ(**view(store())->find_key("mrn", "a|1"), "Patient/p2");
  EXPECT_TRUE(view(store())->keys_of("mrn", "Patient/p1")->empty());
  EXPECT_EQ(**snapshot->find_key("mrn", "a|1"), "Patient/p1") << "a snapshot does not move";
}

TEST_P(StoreContract, AUnitThatFailsWritesNothing) {
  auto const failed = store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    unit.put_key("mrn", "a|1", "Patient/p1");
    return fhir::error(fhir::IssueType::business_rule, "no");
  });
  EXPECT_EQ(failed.error().code, fhir::IssueType::business_rule);
  auto const thrown =
      store().commit_and_wait([](Unit&) -> fhir::Result<void> { throw std::runtime_error("out of order"); });
  EXPECT_EQ(thrown.error().code, fhir::IssueType::exception);
  EXPECT_FALSE(*view(store())->find_key("mrn", "a|1"));
}

TEST_P(StoreContract, DiscardForgetsWritesButTheUnitGoesOn) {
  must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto const resource, fhir::json::read(kPatient, unit.arena()));
    FHIR_CHECK(unit.put(resource, "test", "PUT"));
    unit.put_key("mrn", "a|1", "Patient/p1");
    unit.discard();
    unit.journal().outcome = "error";
    return {};
  }));
  EXPECT_FALSE(find("Patient", "p1"));
  EXPECT_EQ(view(store())->list_journal(0, 10, "error")->size(), 1U);
}

TEST_P(StoreContract, AUnitSeesItsOwnWritesAndTellsItsChanges) {
  must(store().commit_and_wait(put_json(kPatient)));
  must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto const resource,
             fhir::json::read(R"({"resourceType":"Patient","id":"p1","gender":"other"})", unit.arena()));
    FHIR_CHECK(unit.put(resource, "feed", "PUT"));
    FHIR_TRY(auto const own, unit.find("Patient", "p1"));
    EXPECT_EQ(own->version_id, 2);
    EXPECT_NE(own->content.find("\"gender\":\"other\""), std::string::npos);
    FHIR_TRY(auto const matched, unit.match(query_of("Patient", "gender=other")));
    EXPECT_EQ(matched.size(), 1U) << "a conditional query sees own writes";
    FHIR_TRY(auto const no_longer, unit.match(query_of("Patient", "active=true")));
    EXPECT_TRUE(no_longer.empty());
    EXPECT_EQ(unit.changes().size(), 1U);
    auto const& change = unit.changes()[0];
    EXPECT_TRUE(change.changed);
    EXPECT_EQ(change.before->version_id, 1);
    EXPECT_EQ(change.after->text_at("gender"), "other");
    EXPECT_EQ(change.source, "feed");
    return {};
  }));
}

TEST_P(StoreContract, JournalComplementRecordsPeersAndOutboxComeBackAsStored) {
  auto const receipt = must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    auto& journal = unit.journal();
    journal.feed = "mllp:2575";
    journal.duplicate_key = "L|A|B|1";
    journal.raw = std::string("MSH|\0^", 6);
    journal.answer = "\x0bMSA|AA";
    journal.outcome = "accepted";
    unit.put_complement({"north", "ServiceRequest/s1", "REF_I12", 0});
    unit.put_record({"r1", "referral", "person1", "SENT", "org1", 10, 500, "{}", true});
    unit.put_record({"r2", "referral", "person2", "SENT", "org1", 10, 0, "{}", true});
    unit.put_record({"r3", "transition", "person1", "CLOSED", "org1", 10, 1, "{}", false});
    unit.put_peer_state("north", "r1", "SENT");
    OutboxRow row;
    row.destination = "south";
    row.kind = "hl7v2:REF^I12";
    unit.add_outbox(row, "r1");
    unit.add_outbox(row, "r1");
    return {};
  }));
  ASSERT_EQ(receipt.outbox_ids.size(), 2U);
  EXPECT_LT(receipt.outbox_ids[0], receipt.outbox_ids[1]);
  auto const snapshot = view(store());
  auto const journal = snapshot->find_journal_by_key("L|A|B|1")->value();
  EXPECT_EQ(journal.id, receipt.journal_id);
  EXPECT_EQ(journal.raw, std::string("MSH|\0^", 6));
  EXPECT_EQ(journal.answer, "\x0bMSA|AA");
  EXPECT_EQ(snapshot->find_complement("north", "ServiceRequest/s1", "REF_I12")->value().journal_id,
            receipt.journal_id);
  EXPECT_FALSE(*snapshot->find_complement("north", "ServiceRequest/s1", "SIU_S12"));
  EXPECT_EQ(*snapshot->peer_state("north", "r1"), "SENT");
  EXPECT_EQ(*snapshot->peer_state("south", "r1"), "");
  auto const ids = [](auto const& rows) {
    std::string text;
    for (auto const& row : *rows) text += row.record_id + " ";
    return text;
  };
  EXPECT_EQ(ids(snapshot->list_records("", "", "", 10)), "r1 r2 ") << "open ones, due first, no clock last";
  EXPECT_EQ(ids(snapshot->list_records("referral", "person2", "", 10)), "r2 ");
  EXPECT_EQ(ids(snapshot->list_records("transition", "", "", 10)), "");
  EXPECT_EQ(ids(snapshot->list_records("", "", "org1", 1)), "r1 ");
  std::string paged;
  for (RecordPlace place;;) {
    auto const page = snapshot->list_records("", "", "", 1, place);
    if (!page || page->empty()) break;
    paged += ids(page);
    place = place_of(page->back());
  }
  EXPECT_EQ(paged, "r1 r2 ") << "page by page, as all at once";
  EXPECT_EQ(*snapshot->count_records("referral"), 2U);
  EXPECT_EQ(snapshot->find_record("r2")->value().due_ms, 0);
  EXPECT_EQ(*snapshot->outbox_destinations(), std::vector<std::string>{"south"});
  EXPECT_EQ(snapshot->outbox_of_record("r1")->size(), 2U);

  must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto rows, unit.snapshot().outbox("south", 10));
    EXPECT_EQ(rows.size(), 2U);
    rows[0].state = OutboxState::delivered;
    rows[0].rendered = "MSH|...";
    unit.update_outbox(rows[0]);
    rows[1].state = OutboxState::stopped;
    unit.update_outbox(rows[1]);
    return {};
  }));
  EXPECT_EQ(view(store())->outbox("south", 10)->size(), 1U);
  EXPECT_EQ(view(store())->outbox_of_record("r1")->at(0).rendered, "MSH|...");
}

/// Sees something beside a journal row of its own.
Compute see(std::string record_id) {
  return [record_id = std::move(record_id)](Unit& unit) -> fhir::Result<void> {
    unit.journal().outcome = "accepted";
    unit.note_sighting(record_id);
    return {};
  };
}

TEST_P(StoreContract, WhatIsSeenTwiceIsCountedWithItsTimesAndMessages) {
  auto const first = must(store().commit_and_wait(see("unmapped-code/x")));
  *home_.now += 1000;
  auto const second = must(store().commit_and_wait(see("unmapped-code/x")));
  must(store().commit_and_wait(see("unmapped-code/y")));
  auto const seen = *view(store())->sighting("unmapped-code/x");
  EXPECT_EQ(seen.seen, 2);
  EXPECT_EQ(seen.first_seen_ms, kStartMs);
  EXPECT_EQ(seen.last_seen_ms, kStartMs + 1000);
  EXPECT_EQ(*view(store())->messages_of("unmapped-code/x"),
            (std::vector<std::int64_t>{first.journal_id, second.journal_id}));
  EXPECT_EQ(view(store())->sighting("unmapped-code/z")->seen, 0);
}

TEST_P(StoreContract, MessagesOfAnAnsweredRecordWaitUntilTheyAreTakenInAgain) {
  auto const first = must(store().commit_and_wait(see("unmapped-code/x")));
  must(store().commit_and_wait(see("unmapped-code/y")));
  EXPECT_TRUE(view(store())->messages_to_requeue("ANSWERED", 10)->empty());
  must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    unit.put_record(
        {.record_id = "unmapped-code/x", .kind = "unmapped-code", .state = "ANSWERED", .open = false});
    return {};
  }));
  auto const waiting = *view(store())->messages_to_requeue("ANSWERED", 10);
  ASSERT_EQ(waiting, (std::vector<SightingMessage>{{"unmapped-code/x", first.journal_id}}));
  must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    unit.finish_sighting(waiting[0]);
    return {};
  }));
  EXPECT_TRUE(view(store())->messages_to_requeue("ANSWERED", 10)->empty());
  EXPECT_EQ(view(store())->messages_of("unmapped-code/x")->size(), 1U);
}

TEST_P(StoreContract, PackagesOfOperatorsComeBackByteForByteUntilTheyAreRemoved) {
  std::string const bytes("\x1f\x8b\0\xff", 4);
  must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    unit.put_package({"b", "1.0.0", 5, "kim", "old"});
    unit.put_package({"b", "1.0.0", 7, "kim", bytes});
    unit.put_package({"a", "2.0.0", 6, "kim", bytes});
    return {};
  }));
  auto const both = *view(store())->packages();
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].name, "a");
  EXPECT_EQ(both[1].bytes, bytes);
  EXPECT_EQ(both[1].loaded_ms, 7);
  EXPECT_EQ(both[1].operator_name, "kim");
  must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    unit.remove_package("b", "1.0.0");
    return {};
  }));
  EXPECT_EQ(view(store())->packages()->size(), 1U);
}

TEST_P(StoreContract, CodesTableSetsAndActsOfOperatorsComeBackAsStored) {
  PartnerCode const code{"clinic", "sex", "X", "", "other"};
  must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    unit.put_partner_code({"clinic", "sex", "X", "", "unknown"});
    unit.put_partner_code(code);
    unit.put_table_set({.hash = "abc", .content = "first"});
    unit.add_act({.operator_name = "kim", .action = "answer", .object = "work/1", .outcome = "done"});
    return {};
  }));
  must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
    unit.put_table_set({.hash = "abc", .content = "second"});
    unit.add_act({.operator_name = "kim", .action = "reload", .object = "tables", .outcome = "done"});
    return {};
  }));
  EXPECT_EQ(*view(store())->partner_codes(), std::vector{code});
  EXPECT_EQ(view(store())->find_table_set("abc")->value().content, "first");
  EXPECT_FALSE(*view(store())->find_table_set("abd"));
  auto const acts = *view(store())->list_acts(0, 10);
  ASSERT_EQ(acts.size(), 2U);
  EXPECT_EQ(acts[0].action, "reload");
  EXPECT_EQ(acts[1].object, "work/1");
  EXPECT_EQ(acts[1].operator_name, "kim");
  EXPECT_EQ(acts[1].at_ms, kStartMs);
  EXPECT_EQ(view(store())->list_acts(acts[0].id, 10)->size(), 1U);
}

TEST_P(StoreContract, AVersionNamesTheMessageThatGaveIt) {
  auto const receipt = must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    unit.journal().outcome = "accepted";
    return put_json(kPatient)(unit);
  }));
  must(store().commit_and_wait(put_json(R"({"resourceType":"Patient","id":"p1"})")));
  ASSERT_NE(receipt.journal_id, 0);
  auto const snapshot = view(store());
  EXPECT_EQ((*snapshot->find_version(AccessPolicy::all(), "Patient", "p1", 1))->journal_id,
            receipt.journal_id);
  EXPECT_EQ((*snapshot->find(AccessPolicy::all(), "Patient", "p1"))->journal_id, 0);
  auto const history = *snapshot->history(AccessPolicy::all(), "Patient", "p1", 0, 10, "");
  ASSERT_EQ(history.versions.size(), 2U);
  EXPECT_EQ(history.versions[1].journal_id, receipt.journal_id);
}

TEST_P(StoreContract, ARehearsalSeesItsChangesAndLeavesNothing) {
  must(store().commit_and_wait(put_json(kPatient)));
  std::size_t changes = 0;
  auto const snapshot = view(store());
  auto const done = snapshot->rehearse(kStartMs, [&](Unit& unit) -> fhir::Result<void> {
    FHIR_CHECK(put_json(R"({"resourceType":"Patient","id":"p1","active":false})")(unit));
    changes = unit.changes().size();
    return {};
  });
  ASSERT_TRUE(done) << done.error().diagnostics;
  EXPECT_EQ(changes, 1U);
  EXPECT_EQ(find("Patient", "p1")->version_id, 1);
}

TEST_P(StoreContract, EventsOfARecordAreAChainOfHashes) {
  for (int round = 0; round < 2; ++round) {
    must(store().commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(unit.add_event("r1", fmt::format(R"({{"round":{}}})", round)));
      FHIR_CHECK(unit.add_event("r1", "{}"));
      EXPECT_EQ(unit.events("r1")->size(), static_cast<std::size_t>(2 * round + 2));
      return {};
    }));
  }
  auto const events = view(store())->events("r1").value();
  ASSERT_EQ(events.size(), 4U);
  std::string previous;
  for (std::size_t at = 0; at < events.size(); ++at) {
    EXPECT_EQ(events[at].seq, static_cast<std::int64_t>(at) + 1);
    EXPECT_EQ(events[at].hash, chain_hash(previous, events[at].body));
    previous = events[at].hash;
  }
  EXPECT_TRUE(store().check().empty());
}

TEST_P(StoreContract, AConflictIsKeptBesideTheMessageWhoseKeyItHas) {
  auto const journal = [](std::string outcome, std::string raw) {
    return [=](Unit& unit) -> fhir::Result<void> {
      unit.journal().duplicate_key = "K";
      unit.journal().outcome = outcome;
      unit.journal().raw = raw;
      return {};
    };
  };
  must(store().commit_and_wait(journal("accepted", "one")));
  EXPECT_EQ(store().commit_and_wait(journal("accepted", "two")).error().code, fhir::IssueType::duplicate);
  must(store().commit_and_wait(journal("conflict", "three")));
  EXPECT_EQ(view(store())->find_journal_by_key("K")->value().raw, "one");
  EXPECT_EQ(view(store())->list_journal(0, 10, "")->size(), 2U);
}

TEST_P(StoreContract, AnErrorRowIsReplacedInPlace) {
  auto const first = must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    unit.journal().duplicate_key = "K";
    unit.journal().outcome = "error";
    return {};
  }));
  must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto row, unit.find_journal_by_key("K"));
    row->outcome = "accepted";
    unit.journal() = *row;
    return {};
  }));
  auto const row = view(store())->find_journal_by_key("K")->value();
  EXPECT_EQ(row.outcome, "accepted");
  EXPECT_EQ(row.id, first.journal_id);
}

// A message and its copy race on two connections: one is stored, the other sees it and answers as it did.
TEST_P(StoreContract, TwoUnitsWithOneDuplicateKeyMakeOneRow) {
  constexpr int kThreads = 8;
  constexpr int kMessages = 25;
  std::atomic<int> stored{0}, replayed{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int message = 0; message < kMessages; ++message) {
        auto const replay = std::make_shared<bool>(false);
        must(store().commit_and_wait([=](Unit& unit) -> fhir::Result<void> {
          auto const key = std::to_string(message);
          FHIR_TRY(auto const known, unit.find_journal_by_key(key));
          *replay = known.has_value();
          if (*replay) return {};
          unit.journal().duplicate_key = key;
          unit.journal().outcome = "accepted";
          return {};
        }));
        ++(*replay ? replayed : stored);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(stored, kMessages);
  EXPECT_EQ(replayed, kMessages * (kThreads - 1));
  EXPECT_EQ(view(store())->list_journal(0, 1000, "")->size(), static_cast<std::size_t>(kMessages));
}

TEST_P(StoreContract, ManyThreadsCountingInOneResourceLoseNoCount) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 25;
  must(store().commit_and_wait(put_json(R"({"resourceType":"Basic","id":"n","code":{"text":"0"}})")));
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        must(store().commit_and_wait([](Unit& unit) -> fhir::Result<void> {
          FHIR_TRY(auto const before, unit.find("Basic", "n"));
          FHIR_TRY(auto resource, fhir::json::read(before->content, unit.arena()));
          auto const count = std::stoi(std::string(resource.text_of("code", "text"))) + 1;
          auto const text = unit.arena().copy(std::to_string(count));
          resource.find("code")->set(unit.arena(), "text", fhir::json::Element::of_string(text));
          FHIR_CHECK(unit.put(resource, "test", "PUT"));
          return {};
        }));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  auto const last = find("Basic", "n");
  EXPECT_EQ(last->version_id, 1 + kThreads * kRounds);
  EXPECT_NE(last->content.find(fmt::format("\"text\":\"{}\"", kThreads * kRounds)), std::string::npos);
  EXPECT_TRUE(store().check().empty());
}

TEST_P(StoreContract, ParallelConditionalCreatesMakeExactlyOne) {
  constexpr int kThreads = 16;
  std::atomic<int> created{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      auto const mine = std::make_shared<bool>(false);
      must(store().commit_and_wait([=](Unit& unit) -> fhir::Result<void> {
        FHIR_TRY(auto const matches, unit.match(query_of("Patient", "identifier=urn:mrn|42")));
        *mine = matches.empty();
        if (!*mine) return {};
        auto const json = fmt::format(
            R"({{"resourceType":"Patient","id":"c{}","identifier":[{{"system":"urn:mrn","value":"42"}}]}})",
            thread);
        FHIR_TRY(auto const resource, fhir::json::read(json, unit.arena()));
        FHIR_CHECK(unit.put(resource, "test", "POST"));
        return {};
      }));
      if (*mine) ++created;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(view(store())
                ->search(AccessPolicy::all(), query_of("Patient", "identifier=urn:mrn|42"))
                ->entries.size(),
            1U);
}

/// Counts one up under a key: what two of them find is never the same.
fhir::Result<void> count_up(Unit& unit) {
  FHIR_TRY(auto const count, unit.find_key("test", "count"));
  unit.put_key("test", "count", std::to_string(std::stoi(count.value_or("0")) + 1));
  return {};
}

// A group with one member that breaks a rule of the schema: it fails, all others stand, and what they counted
// on from each other is true of what is stored.
TEST_P(StoreContract, AUnitThatBreaksARuleFailsAloneInItsGroup) {
  auto const count_and_break = [](Unit& unit) -> fhir::Result<void> {
    FHIR_CHECK(count_up(unit));
    OutboxRow nowhere;
    nowhere.id = 4711;
    unit.update_outbox(nowhere);
    return {};
  };
  std::promise<void> open;
  auto const opened = open.get_future().share();
  std::promise<void> held;
  store().commit(put_json(kPatient), [&, opened](fhir::Result<Receipt> const&) {
    held.set_value();
    opened.wait();  // until then the committer takes nobody, and the next ones become one group
  });
  held.get_future().wait();
  constexpr int kUnits = 9;
  std::vector<std::promise<fhir::Result<Receipt>>> receipts(kUnits);
  for (int at = 0; at < kUnits; ++at) {
    auto done = [&receipts, at](fhir::Result<Receipt> receipt) {
      receipts[static_cast<std::size_t>(at)].set_value(std::move(receipt));
    };
    store().commit(at % 3 == 1 ? Compute(count_and_break) : Compute(count_up), std::move(done));
  }
  auto const groups = store().stats().groups;
  open.set_value();
  std::set<std::int64_t> sequences;
  for (int at = 0; at < kUnits; ++at) {
    auto const receipt = receipts[static_cast<std::size_t>(at)].get_future().get();
    EXPECT_EQ(receipt.has_value(), at % 3 != 1) << at;
    if (receipt) sequences.insert(receipt->commit_seq);
    if (!receipt) {
      EXPECT_EQ(receipt.error().code, fhir::IssueType::not_found);
    }
  }
  EXPECT_EQ(sequences.size(), 1U) << "they went as one group";
  store().wait_until_idle();
  EXPECT_EQ(store().stats().groups, groups + 1);
  EXPECT_EQ(view(store())->find_key("test", "count")->value(), "6");
  EXPECT_TRUE(store().check().empty());
}

TEST_P(StoreContract, AListenerHearsOfEveryGroup) {
  std::mutex mutex;
  std::vector<std::int64_t> heard;
  store().on_commit([&](std::int64_t seq) {
    std::lock_guard const lock(mutex);
    heard.push_back(seq);
  });
  auto const receipt = must(store().commit_and_wait(put_json(kPatient)));
  home_.store.reset();  // after this nobody calls any more
  EXPECT_EQ(heard, std::vector<std::int64_t>{receipt.commit_seq});
}

TEST_P(StoreContract, EverythingIsThereAfterASecondOpening) {
  must(store().commit_and_wait(put_json(kPatient)));
  must(store().commit_and_wait(
      [](Unit& unit) -> fhir::Result<void> { return unit.remove("Patient", "nobody", "x"); }));
  auto const seq = view(store())->commit_seq();
  home_.open();
  EXPECT_EQ(view(store())->commit_seq(), seq);
  EXPECT_EQ(find("Patient", "p1")->version_id, 1);
  EXPECT_EQ(view(store())->search(AccessPolicy::all(), query_of("Patient", "birthdate=1980"))->entries.size(),
            1U);
  must(store().commit_and_wait(put_json(R"({"resourceType":"Patient","id":"p1"})")));
  EXPECT_EQ(find("Patient", "p1")->version_id, 2);
  EXPECT_TRUE(store().check().empty());
}

TEST_P(StoreContract, ManyClientsShareOneCommit) {
  constexpr int kThreads = 16;
  constexpr int kEach = 20;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int each = 0; each < kEach; ++each)
        must(store().commit_and_wait(
            put_json(fmt::format(R"({{"resourceType":"Patient","id":"t{}-{}"}})", thread, each))));
    });
  }
  for (auto& thread : threads) thread.join();
  auto const stats = store().stats();
  EXPECT_EQ(stats.commits, static_cast<std::uint64_t>(kThreads) * kEach);
  EXPECT_LT(stats.groups, stats.commits);
  EXPECT_EQ(stats.recomputed, 0U) << "independent writes do not disturb each other";
}

// A log that is only begun anew when nobody reads would grow for as long as the traffic lasts.
TEST(SqliteCheckpoint, TheWriteAheadLogStaysShortUnderTrafficThatNeverPauses) {
  StoreHome home({"short log", [](std::string const& directory, ClockMs clock) {
                    return open_sqlite({.path = directory + "/handoff.db", .checkpoint_pages = 64},
                                       std::move(clock));
                  }});
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      auto held = view(*home.store);  // there is always one
      while (!done) {
        auto next = view(*home.store);
        (void)next->find(AccessPolicy::all(), "Patient", "w0-0");
        held = std::move(next);
      }
    });
  }
  std::vector<std::thread> writers;
  constexpr int kWriters = 4, kEach = 150;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int each = 0; each < kEach; ++each)
        must(home.store->commit_and_wait(
            put_json(fmt::format(R"({{"resourceType":"Patient","id":"w{}-{}"}})", writer, each))));
    });
  }
  for (auto& writer : writers) writer.join();
  auto const log_bytes = std::filesystem::file_size(home.path() + "-wal");
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_GT(home.store->stats().checkpoints, 0U);
  EXPECT_GT(home.store->stats().checkpoint_microseconds, 0U);
  EXPECT_LT(log_bytes, 64U * 4096U * 8U) << home.store->stats().groups << " groups";
}

INSTANTIATE_TEST_SUITE_P(Engines, StoreContract, testing::Values(sqlite_engine()),
                         [](auto const& engine) { return engine.param.name; });

}  // namespace
}  // namespace gateway::store
