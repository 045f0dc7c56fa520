// Disks that fail, processes that die, files that are changed behind the store's back (design reliability.md
// F3-F7, F38).
#include "fhir/search/query.hpp"
#include "gateway/store/sqlite/database.hpp"
#include "tests/gateway/store/failing_vfs.hpp"
#include "tests/gateway/store/store_fixture.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <fstream>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace gateway::store {
namespace {

/// Some are large: a commit of more pages than go to the disk at once.
std::string patient(int number) {
  std::string const address(number % 3 == 2 ? 150'000 : 10, 'a');
  return fmt::format(
      R"({{"resourceType":"Patient","id":"f{}","name":[{{"family":"Falk"}}],"address":[{{"text":"{}"}}]}})",
      number, address);
}

std::string id_of(int number) { return fmt::format("f{}", number); }

/// Every number of `acknowledged` is there, intact, and the rest of the store is sound.
void expect_kept(Store& store, std::set<int> const& acknowledged, std::string const& when) {
  auto const snapshot = view(store);
  for (int const number : acknowledged) {
    auto const found = snapshot->find(AccessPolicy::all(), "Patient", id_of(number));
    ASSERT_TRUE(found) << when << " " << found.error().diagnostics;
    EXPECT_TRUE(found->has_value()) << when << ": acknowledged and lost: " << number;
  }
  for (auto const& issue : store.check()) ADD_FAILURE() << when << ": " << issue.diagnostics;
}

// F7, F4: every write and sync of a run fails once, and in a second series stays failing. Whatever happens,
// what was acknowledged is there after the restart, nothing is corrupt, and a store that cannot be sure
// writes no more.
TEST(StoreFaults, AFailureAtAnyWriteOrSyncLosesNothingThatWasAcknowledged) {
  install_failing_vfs();
  auto& faults = disk_faults();
  constexpr int kUnits = 6;
  for (bool const sticky : {false, true}) {
    int failures_seen = 0;
    for (long n = 0;; ++n) {
      auto const when = fmt::format("{} failure at call {}", sticky ? "lasting" : "single", n);
      faults.heal();
      StoreHome home;
      std::set<int> acknowledged;
      long const before = faults.calls;
      faults.plan(n, SQLITE_IOERR_FSYNC, sticky);
      bool failed = false;
      for (int number = 0; number < kUnits; ++number) {
        auto const receipt = home.store->commit_and_wait(put_json(patient(number)));
        if (receipt) {
          EXPECT_FALSE(failed) << when << ": a store that failed must not acknowledge again";
          acknowledged.insert(number);
        } else {
          failed = true;
          EXPECT_EQ(receipt.error().code, fhir::IssueType::no_store) << when;
        }
      }
      if (failed) {
        ++failures_seen;
        EXPECT_FALSE(home.store->accepts_writes()) << when;
        // It can still be read.
        auto const found = view(*home.store)->find(AccessPolicy::all(), "Patient", "f0");
        EXPECT_EQ(found && found->has_value(), acknowledged.contains(0)) << when;
      }
      bool const ran_out = faults.calls - before <= n;
      home.store.reset();
      faults.heal();
      home.open();
      expect_kept(*home.store, acknowledged, when);
      if (ran_out) break;
      ASSERT_LT(n, 2000) << "the run must end";
    }
    EXPECT_GT(failures_seen, 20);
  }
}

// F5: a full disk answers no_store, stays writable, and goes on when there is room again.
TEST(StoreFaults, AFullDiskRefusesAndThenGoesOn) {
  install_failing_vfs();
  auto& faults = disk_faults();
  faults.heal();
  StoreHome home;
  must(home.store->commit_and_wait(put_json(patient(1))));
  faults.plan(0, SQLITE_FULL, true);
  for (int number = 2; number < 5; ++number) {
    auto const refused = home.store->commit_and_wait(put_json(patient(number)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, fhir::IssueType::no_store);
  }
  EXPECT_TRUE(home.store->accepts_writes());
  EXPECT_EQ(home.store->stats().failed_groups, 3U);
  EXPECT_TRUE(view(*home.store)->find(AccessPolicy::all(), "Patient", "f1")->has_value());
  EXPECT_FALSE(view(*home.store)->find(AccessPolicy::all(), "Patient", "f2")->has_value());
  faults.heal();
  must(home.store->commit_and_wait(put_json(patient(2))));
  home.open();
  expect_kept(*home.store, {1, 2}, "after the disk was full");
}

// F1: a process that dies in the middle of committing. The child tells of each receipt through a pipe; what
// it told of must be in the store afterwards, and nothing twice.
TEST(StoreFaults, EverythingReportedDurableIsThereAfterTheProcessDied) {
  auto const directory = unique_directory();
  auto const engine = sqlite_engine();
  constexpr int kDeaths = 10;
  std::set<int> acknowledged;
  int next = 0;
  for (int death = 0; death < kDeaths; ++death) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    int const first = next;
    pid_t const child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      auto opened = engine.open(directory, [] { return kStartMs; });
      if (!opened) ::_exit(1);
      auto& store = **opened;
      std::atomic<int> count{0};
      std::vector<std::thread> threads;
      for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
          for (int each = 0;; ++each) {
            int const number = first + each * 4 + thread;
            auto const receipt = store.commit_and_wait(put_json(patient(number)));
            if (receipt && ::write(ends[1], &number, sizeof number) != sizeof number) ::_exit(2);
            if (++count == 20 + 7 * death) ::_exit(9);  // others are in the middle of theirs
          }
        });
      }
      for (auto& thread : threads) thread.join();
    }
    ::close(ends[1]);
    int number = 0;
    while (::read(ends[0], &number, sizeof number) == sizeof number) {
      acknowledged.insert(number);
      next = std::max(next, number + 5);
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 9) << status;
    auto opened = engine.open(directory, [] { return kStartMs; });
    ASSERT_TRUE(opened) << opened.error().diagnostics;
    expect_kept(**opened, acknowledged, fmt::format("death {}", death));
  }
  EXPECT_GT(acknowledged.size(), 100U);
  std::filesystem::remove_all(directory);
}

/// Overwrites one letter of the given text in the database file; whether it was there.
bool flip_letter(std::string const& path, std::string const& text) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string const bytes((std::istreambuf_iterator<char>(file)), {});
  auto const at = bytes.find(text);
  if (at == std::string::npos) return false;
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(text[0] ^ 0x01));
  return file.good();
}

// F38: a flipped bit is found on read; only that row is affected, and it is counted.
TEST(StoreFaults, AFlippedBitIsolatesThatVersionAlone) {
  StoreHome home;
  must(home.store->commit_and_wait(put_json(R"({"resourceType":"Patient","id":"good","gender":"male"})")));
  must(home.store->commit_and_wait(
      put_json(R"({"resourceType":"Patient","id":"bad","gender":"male","language":"qqq-marker"})")));
  home.store.reset();
  ASSERT_TRUE(flip_letter(home.path(), "qqq-marker"));
  home.open();
  auto const snapshot = view(*home.store);
  EXPECT_TRUE(snapshot->find(AccessPolicy::all(), "Patient", "good")->has_value());
  auto const bad = snapshot->find(AccessPolicy::all(), "Patient", "bad");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, fhir::IssueType::exception);
  EXPECT_NE(bad.error().diagnostics.find("Patient/bad"), std::string::npos);
  EXPECT_EQ(bad.error().diagnostics.find("marker"), std::string::npos) << "no content in an Issue";

  auto const query =
      fhir::search::parse_query("Patient", "gender=male", fhir::search::Handling::strict).value();
  auto const page = snapshot->search(AccessPolicy::all(), query).value();
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.entries[0].version.id, "good");
  EXPECT_EQ(page.issues.size(), 1U) << "a row left out is told";
  EXPECT_EQ(snapshot->history(AccessPolicy::all(), "Patient", "", 0, 10, "")->issues.size(), 1U);
  EXPECT_EQ(home.store->stats().corrupt_rows, 3U);
  EXPECT_EQ(home.store->check().size(), 1U);
}

TEST(StoreFaults, AnEventThatWasTamperedWithBreaksItsChain) {
  StoreHome home;
  for (int round = 0; round < 3; ++round) {
    must(home.store->commit_and_wait([&](Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(unit.add_event("r1", fmt::format("zzz-event-{}", round)));
      return {};
    }));
  }
  home.store.reset();
  ASSERT_TRUE(flip_letter(home.path(), "zzz-event-1"));
  home.open();
  auto const issues = home.store->check();
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_NE(issues[0].diagnostics.find("event 2"), std::string::npos);
}

// F38: SQLite opens a WAL that lost its end without a word. The number beside it tells.
TEST(StoreFaults, ACutWriteAheadLogIsRefusedAtStart) {
  StoreHome home;
  must(home.store->commit_and_wait(put_json(patient(1))));
  home.store.reset();
  auto const copy = home.path() + ".copy";
  std::filesystem::copy_file(home.path(), copy);
  home.open();
  must(home.store->commit_and_wait(put_json(patient(2))));
  home.store.reset();
  // As if the second commit's log had been cut away.
  std::filesystem::remove(home.path());
  std::filesystem::rename(copy, home.path());
  auto const refused = home.engine.open(home.directory, home.clock());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::exception);
  EXPECT_NE(refused.error().diagnostics.find("commits are lost"), std::string::npos);
  std::filesystem::remove(home.path() + ".seq");
  home.open();
  EXPECT_TRUE(view(*home.store)->find(AccessPolicy::all(), "Patient", "f1")->has_value());
}

TEST(StoreFaults, ASecondProcessAndANewerSchemaAreRefused) {
  StoreHome home;
  EXPECT_EQ(home.engine.open(home.directory, home.clock()).error().code, fhir::IssueType::lock_error);
  home.store.reset();
  {
    auto database = sqlite::Database::open(home.path(), true, 1);
    ASSERT_TRUE(database->execute("INSERT INTO schema_migration (name) VALUES ('9999_of_tomorrow')"));
  }
  auto const refused = home.engine.open(home.directory, home.clock());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().diagnostics.find("9999_of_tomorrow"), std::string::npos);
}

TEST(StoreFaults, AFileThatIsNoDatabaseIsRefused) {
  auto const directory = unique_directory();
  std::ofstream(directory + "/handoff.db") << std::string(8192, 'x');
  auto const refused = sqlite_engine().open(directory, [] { return kStartMs; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::exception);
  EXPECT_FALSE(sqlite_engine().open("/nonexistent/directory", [] { return kStartMs; }));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace gateway::store
