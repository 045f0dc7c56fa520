// Kill -9 at random moments of a 64-connection ingest (reliability.md F1): what was acknowledged is there,
// once, in order.
//
//   KILLS=1000 KILL_SEED=7 kill_test    as many kills, the same moments again
//   KILL_GAP_MS=2000                    the longest time between a start and its kill
#include "examples/partners/fhir.hpp"
#include "tests/faults/ledger.hpp"
#include "tests/faults/ward.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

namespace faults {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kSenders = 64;
constexpr auto kStopsWithin = 10s;  // reliability.md F36
constexpr auto kRecoversWithin = 300s;

std::int64_t number_from(char const* variable, std::int64_t otherwise) {
  char const* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atoll(text);
}

std::string yesterday() {
  std::time_t const at = std::time(nullptr) - 86'400;
  std::tm utc{};
  gmtime_r(&at, &utc);
  char text[16];
  return {text, std::strftime(text, sizeof text, "%Y%m%d", &utc)};
}

class KillTest : public ::testing::Test {
 protected:
  KillTest() {
    std::ofstream(folder_.file("handoff.yaml")) << ward_configuration(folder_.file("handoff.db"));
    gateway_ =
        std::make_unique<support::GatewayProcess>(folder_.file("handoff.yaml"), folder_.file("gateway.log"));
    std::string const day = yesterday();
    for (int i = 0; i < kSenders; ++i) senders_.push_back(std::make_unique<Sender>(i, day, door_));
  }
  ~KillTest() override { bring_senders_home(); }

  void open() {
    gateway_->start();
    door_.open(gateway_->mllp_port("ward"));
  }

  void send_from_all() {
    for (auto const& sender : senders_) threads_.emplace_back([one = sender.get()] { one->run(); });
  }

  void bring_senders_home() {
    door_.end();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  std::int64_t acknowledged() const {
    std::int64_t all = 0;
    for (auto const& sender : senders_) all += sender->acknowledged();
    return all;
  }

  /// True once every sender got an answer that it did not have when this began.
  bool everyone_gets_on() const {
    std::vector<std::int64_t> before;
    for (auto const& sender : senders_) before.push_back(sender->acknowledged());
    auto const until = Clock::now() + kRecoversWithin;
    for (std::size_t i = 0; i < senders_.size(); ++i) {
      while (senders_[i]->acknowledged() == before[i]) {
        if (Clock::now() > until) return false;
        std::this_thread::sleep_for(10ms);
      }
    }
    return true;
  }

  support::TempFolder folder_;
  Door door_;
  std::unique_ptr<support::GatewayProcess> gateway_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::vector<std::thread> threads_;
};

/// The sender's last stay, asked for the way a client asks.
void expect_readable(partners::FhirClient& client, Sender const& sender) {
  auto const last = static_cast<std::int64_t>(sender.entries().size()) - 1;
  ASSERT_GE(last, 0) << sender.name() << " sent nothing";
  // The very last message may have been cut off before it was stored; the one before it was acknowledged.
  std::string const visit = sender.visit_of(std::max<std::int64_t>(last - 1, 0));
  auto const encounter = client.get("Encounter?identifier=urn:oid:1.3.6.1.4.1.32473.51%7C" + visit);
  EXPECT_EQ(encounter.status, 200);
  ASSERT_NE(partners::at(encounter.body, {"entry", "0"}), nullptr) << visit;
  EXPECT_EQ(partners::at(encounter.body, {"entry", "1"}), nullptr) << visit;
  std::string const subject =
      partners::text_at(encounter.body, {"entry", "0", "resource", "subject", "reference"});
  auto const patient = client.get(subject);
  EXPECT_EQ(patient.status, 200) << subject;
  EXPECT_EQ(partners::text_at(patient.body, {"identifier", "0", "value"}), sender.patient());
}

TEST_F(KillTest, WhatWasAcknowledgedIsThereOnceAndInOrderWhateverMomentItDiedAt) {
  auto const kills = number_from("KILLS", 50);
  auto const seed =
      static_cast<std::uint64_t>(number_from("KILL_SEED", static_cast<std::int64_t>(std::random_device{}())));
  auto const longest = number_from("KILL_GAP_MS", 2000);
  std::cout << "KILLS=" << kills << " KILL_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> gap(50, longest);

  open();
  send_from_all();
  for (std::int64_t kill = 0; kill < kills; ++kill) {
    std::this_thread::sleep_for(std::chrono::milliseconds(gap(random)));
    door_.close();
    gateway_->kill();
    open();
  }
  EXPECT_TRUE(everyone_gets_on()) << "a sender got no answer after the last start";

  // The last end is an orderly one, under load.
  door_.close();
  auto const asked = Clock::now();
  auto const code = gateway_->stop(kStopsWithin);
  auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - asked);
  ASSERT_TRUE(code.has_value()) << "SIGTERM did not end it within 10 s";
  EXPECT_EQ(*code, 0);
  bring_senders_home();

  std::int64_t resends = 0;
  std::vector<Sender const*> ledgers;
  for (auto const& sender : senders_) {
    ledgers.push_back(sender.get());
    resends += sender->resends();
    for (std::string const& complaint : sender->complaints())
      ADD_FAILURE() << sender->name() << ": " << complaint;
  }
  std::cout << acknowledged() << " messages acknowledged, " << resends << " sent again, stopped in "
            << took.count() << " ms" << std::endl;
  {
    support::Database database(folder_.file("handoff.db"));
    for (std::string const& finding : judge(database, ledgers)) ADD_FAILURE() << finding;
    EXPECT_EQ(database.text("PRAGMA integrity_check"), "ok");
  }
  EXPECT_EQ(
      support::run_handoff({"doctor", "--config", folder_.file("handoff.yaml")}, folder_.file("doctor.log")),
      0)
      << "see " << folder_.file("doctor.log");

  gateway_->start();
  partners::Transcript transcript(folder_.file("client.txt"));
  partners::FhirClient client(gateway_->base_url(), kWitnessToken, transcript);
  for (auto const& sender : senders_) expect_readable(client, *sender);
  EXPECT_EQ(gateway_->stop(kStopsWithin), 0);
}

/// One way to harm a database, and what the judge must say of it.
struct Harm {
  char const* what;
  char const* sql;
};

// A checker that finds nothing proves nothing: each law is broken once in a copy of a sound database.
TEST_F(KillTest, TheLedgerSeesWhateverWasLostDoubledChangedOrMoved) {
  constexpr Harm kHarms[] = {
      {"lost", "DELETE FROM journal WHERE instr(CAST(raw AS TEXT), '|K0-1|')"},
      {"lost at the end", "DELETE FROM journal WHERE journal_id = (SELECT max(journal_id) FROM journal)"},
      {"doubled",
       "INSERT INTO journal SELECT journal_id + 1000000, revision, received, feed, partner, format, '', "
       "content_hash, kind, "
       "outcome, answer, issues, maps_hash, raw FROM journal WHERE journal_id = 1"},
      {"moved", "UPDATE journal SET journal_id = 1000000 WHERE instr(CAST(raw AS TEXT), '|K0-0|')"},
      {"changed", "UPDATE journal SET raw = replace(raw, 'Sample', 'Simple') WHERE journal_id = 1"},
      {"invented",
       "UPDATE journal SET raw = replace(raw, '|K0-', '|K999-') WHERE instr(CAST(raw AS TEXT), '|K0-0|')"},
      {"answered otherwise", "UPDATE journal SET answer = answer || 'x' WHERE journal_id = 1"},
      {"not accepted", "UPDATE journal SET outcome = 'error' WHERE journal_id = 1"},
      {"without its Patient",
       "DELETE FROM resource WHERE type = 'Patient' AND resource_key = "
       "(SELECT min(resource_key) FROM resource WHERE type = 'Patient')"},
      {"applied twice",
       "UPDATE resource_version SET version_id = version_id + 1 WHERE version_key = "
       "(SELECT max(version_key) FROM resource_version WHERE type = 'Encounter')"},
      {"with a status of its own",
       "UPDATE resource_version SET content = replace(content, 'in-progress', 'planned') "
       "WHERE type = 'Encounter'"}};
  open();
  send_from_all();
  ASSERT_TRUE(everyone_gets_on());
  ASSERT_TRUE(everyone_gets_on());
  bring_senders_home();  // each ends with an answered message
  ASSERT_EQ(gateway_->stop(kStopsWithin), 0);
  std::vector<Sender const*> ledgers;
  for (auto const& sender : senders_) ledgers.push_back(sender.get());
  auto const judged_after = [&](char const* sql) {
    std::string const copy = folder_.file("copy.db");
    std::filesystem::copy_file(folder_.file("handoff.db"), copy,
                               std::filesystem::copy_options::overwrite_existing);
    support::execute(copy, sql);
    support::Database database(copy);
    return judge(database, ledgers);
  };
  EXPECT_EQ(judged_after("SELECT 1"), std::vector<std::string>{});
  for (Harm const& harm : kHarms) EXPECT_NE(judged_after(harm.sql), std::vector<std::string>{}) << harm.what;
}

}  // namespace
}  // namespace faults
