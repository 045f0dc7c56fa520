#include "gateway/store/sqlite/committer.hpp"

#include "gateway/store/sqlite/unit.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace gateway::store::sqlite {
namespace {

constexpr std::size_t kQueueMax = 4096;    // waiting units; beyond it callers are told to come back
constexpr int kCheckpointWaitMs = 200;     // for views that read from the WAL; commits wait with it
constexpr std::int64_t kPurgeRows = 2000;  // per table and turn, so that commits need not wait long
constexpr std::int64_t kCommitTimeStepMs = 1000;

constexpr std::string_view kBegin = "BEGIN IMMEDIATE";
constexpr std::string_view kCommit = "COMMIT";
constexpr std::string_view kSavepoint = "SAVEPOINT unit";
constexpr std::string_view kRelease = "RELEASE unit";
constexpr std::string_view kRollbackToSavepoint = "ROLLBACK TO unit";
constexpr std::string_view kUpdatePurged = "UPDATE store_state SET purged_seq = $1 WHERE one = 1";

fhir::Issue not_stored(fhir::Issue const& cause) {
  return fhir::error(fhir::IssueType::no_store, "Nothing was stored. " + cause.diagnostics);
}

int on_wal_pages(void* pages, sqlite3*, char const*, int count) {
  *static_cast<int*>(pages) = count;
  return SQLITE_OK;
}

std::uint64_t microseconds_since(std::chrono::steady_clock::time_point start) {
  auto const took = std::chrono::steady_clock::now() - start;
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

}  // namespace

Committer::Committer(Database database, IndexWriter index, Shared& shared, SqliteOptions const& options,
                     ClockMs clock, StoreState const& state)
    : database_(std::move(database)),
      shared_(shared),
      options_(options),
      clock_(std::move(clock)),
      last_commit_seq_(state.commit_seq),
      state_(state),
      memory_(state.commit_seq, index),
      next_checkpoint_(options.checkpoint_pages) {
  commit_times_.emplace_back(clock_(), state.commit_seq);
  sqlite3_wal_hook(database_.handle(), on_wal_pages, &wal_pages_);
  thread_ = std::thread([this] { run(); });
}

Committer::~Committer() { stop(); }

void Committer::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

bool Committer::enqueue(Job& job) {
  {
    std::lock_guard const lock(mutex_);
    if (queue_.size() >= kQueueMax) return false;
    queue_.push_back(std::move(job));
  }
  arrived_.notify_one();
  return true;
}

void Committer::wait_until_idle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return queue_.empty() && !busy_; });
}

void Committer::on_commit(Listener listener) {
  std::lock_guard const lock(mutex_);
  listener_ = std::move(listener);
}

void Committer::on_checkpoint(std::function<void(bool)> listener) {
  std::lock_guard const lock(mutex_);
  checkpoint_listener_ = std::move(listener);
}

StoreStats Committer::stats() const {
  StoreStats stats;
  stats.commits = commits_.load(std::memory_order_relaxed);
  stats.groups = groups_.load(std::memory_order_relaxed);
  stats.recomputed = recomputed_.load(std::memory_order_relaxed);
  stats.failed_groups = failed_groups_.load(std::memory_order_relaxed);
  stats.sync_microseconds = sync_microseconds_.load(std::memory_order_relaxed);
  stats.checkpoints = checkpoints_.load(std::memory_order_relaxed);
  stats.checkpoint_microseconds = checkpoint_microseconds_.load(std::memory_order_relaxed);
  stats.corrupt_rows = shared_.corrupt_rows.load(std::memory_order_relaxed);
  stats.last_commit_seq = last_commit_seq();
  return stats;
}

void Committer::run() {
  for (;;) {
    auto group = take_group();
    if (group.empty()) return;
    commit_group(group);
    {
      std::lock_guard const lock(mutex_);
      busy_ = false;
    }
    idle_.notify_all();
    if (!accepts_writes()) continue;
    purge();
    checkpoint();
  }
}

/// What waits, up to a group; empty only when the store ends. While several clients are active, waits a
/// moment for as many as came last time: a quarter of a sync spent so makes the groups of two clients one.
std::vector<Job> Committer::take_group() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  auto const expected = std::min(last_group_, options_.group_max);
  if (expected > 1 && queue_.size() < expected && !stopping_)
    arrived_.wait_for(lock, options_.group_wait, [&] { return stopping_ || queue_.size() >= expected; });
  auto const count = std::min(queue_.size(), std::max<std::size_t>(options_.group_max, 1));
  auto const end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Job> group(std::move_iterator(queue_.begin()), std::move_iterator(end));
  queue_.erase(queue_.begin(), end);
  last_group_ = count;
  busy_ = count > 0;
  return group;
}

void Committer::commit_group(std::vector<Job>& group) {
  Outcomes outcomes(group.size());
  fhir::Result<bool> written =
      fhir::error(fhir::IssueType::no_store, "The store is read only until it is restarted.");
  if (accepts_writes()) written = write_group(group, outcomes);
  if (!written) {
    failed_groups_.fetch_add(1, std::memory_order_relaxed);
    auto const issue = not_stored(written.error());
    for (auto& outcome : outcomes) outcome = issue;
  }
  for (std::size_t at = 0; at < group.size(); ++at) group[at].done(std::move(*outcomes[at]));
  if (!written || !*written) return;
  Listener listener;
  {
    std::lock_guard const lock(mutex_);
    listener = listener_;
  }
  if (listener) listener(last_commit_seq());
}

/// One transaction for all. An Issue means that the database failed and nothing is stored; what is wrong with
/// one unit stands in its outcome. True when there was something to write.
///
/// A savepoint copies every page that is changed after it, and a unit that breaks a rule of the schema is
/// rare: so the units go without, and where one fails the whole group begins anew with a savepoint each.
fhir::Result<bool> Committer::write_group(std::vector<Job>& group, Outcomes& outcomes) {
  auto written = write_units(group, outcomes, Savepoints::none);
  if (written && *written == Written::not_all) written = write_units(group, outcomes, Savepoints::each);
  if (!written) {
    fail(written.error());
    return std::move(written).error();
  }
  if (*written == Written::nothing) return false;
  groups_.fetch_add(1, std::memory_order_relaxed);
  auto const stored = std::count_if(outcomes.begin(), outcomes.end(),
                                    [](auto const& outcome) { return outcome->has_value(); });
  commits_.fetch_add(static_cast<std::uint64_t>(stored), std::memory_order_relaxed);
  return true;
}

fhir::Result<Committer::Written> Committer::write_units(std::vector<Job>& group, Outcomes& outcomes,
                                                        Savepoints savepoints) {
  FHIR_CHECK(database_.prepare(kBegin).run());
  group_ms_ = clock_();
  GroupWriter writer(database_, shared_, memory_, state_, group_ms_);
  auto const write_all = [&]() -> fhir::Result<Written> {
    for (std::size_t at = 0; at < group.size(); ++at) {
      FHIR_TRY(bool const goes_on, write_unit(writer, group[at], outcomes[at], savepoints));
      if (!goes_on) return Written::not_all;
    }
    if (!writer.wrote()) return Written::nothing;
    FHIR_CHECK(writer.finish());
    FHIR_CHECK(commit_transaction());
    return Written::all;
  };
  auto written = write_all();
  if (!written || *written != Written::all) {
    writer.abandon();
    if (written) FHIR_CHECK(database_.execute("ROLLBACK"));
    return written;
  }
  state_.commit_seq = writer.commit_seq();
  state_.last_updated = writer.last_updated();
  last_commit_seq_.store(state_.commit_seq, std::memory_order_release);
  return written;
}

fhir::Result<void> Committer::commit_transaction() {
  auto const start = std::chrono::steady_clock::now();
  auto committed = database_.prepare(kCommit).run();
  sync_microseconds_.fetch_add(microseconds_since(start), std::memory_order_relaxed);
  return committed;
}

/// False: the unit broke a rule of the schema, and without a savepoint its traces cannot be taken back.
fhir::Result<bool> Committer::write_unit(GroupWriter& writer, Job& job,
                                         std::optional<fhir::Result<Receipt>>& outcome,
                                         Savepoints savepoints) {
  if (writer.needs_flush(job.set)) FHIR_CHECK(writer.flush());
  // What was computed on the newest commit cannot have lost as long as nobody in the group wrote before it.
  bool valid = job.set.read_seq == state_.commit_seq && !writer.wrote();
  if (!valid && savepoints == Savepoints::none) {
    FHIR_TRY(valid, writer.still_valid(job.set));
  } else if (!valid) {
    // The set may have been computed in the attempt before, on writes that are gone.
    FHIR_TRY(valid, writer.still_valid_by_database(job.set));
  }
  if (!valid) {
    FHIR_TRY(bool const goes_on, recompute(writer, job, outcome));
    if (!goes_on) return true;
  }
  auto const mark = writer.mark();
  if (savepoints == Savepoints::each) FHIR_CHECK(database_.prepare(kSavepoint).run());
  auto receipt = writer.write(job.set);
  if (!receipt) {
    // A rule of the schema is the unit's own affair; anything else is the disk's, and the whole group's.
    auto const code = receipt.error().code;
    bool const own = code == fhir::IssueType::not_found || code == fhir::IssueType::conflict;
    if (!own) return std::move(receipt).error();
    if (savepoints == Savepoints::none) return false;
    FHIR_CHECK(database_.prepare(kRollbackToSavepoint).run());
    writer.back_to(mark);
  }
  if (savepoints == Savepoints::each) FHIR_CHECK(database_.prepare(kRelease).run());
  outcome = std::move(receipt);
  return true;
}

/// Computes a loser once more, on this transaction's view, where nobody can overtake it. False: there is
/// nothing to write, and the outcome says why.
fhir::Result<bool> Committer::recompute(GroupWriter& writer, Job& job,
                                        std::optional<fhir::Result<Receipt>>& outcome) {
  recomputed_.fetch_add(1, std::memory_order_relaxed);
  FHIR_CHECK(writer.flush());
  auto computed = compute_unit(writer.reader(), writer.now_ms(), job.compute);
  if (!computed) {
    // A failing disk looks the same to the computation; the transaction's own state tells.
    if (!database_.in_transaction()) return std::move(computed).error();
    outcome = std::move(computed).error();
    return false;
  }
  job.set = std::move(*computed);
  if (job.set.writes()) return true;
  outcome = unchanged_receipt(job.set);
  return false;
}

/// After a failed write or sync nothing on this connection is believed any more: the kernel may have dropped
/// what it could not write. A full disk (no_store) is no such case: SQLite rolls back cleanly, and space may
/// come back.
void Committer::fail(fhir::Issue const& issue) {
  bool believed = issue.code == fhir::IssueType::no_store || issue.code == fhir::IssueType::transient;
  if (database_.in_transaction() && !database_.execute("ROLLBACK")) believed = false;
  if (believed) return;
  accepts_writes_.store(false, std::memory_order_release);
  shared_.failed.store(true, std::memory_order_release);
  database_.keep_wal();
}

/// Copies the WAL into the database once it is long, and waits a moment for the views that still read from
/// it, so that it begins anew: with traffic that never pauses it would grow without end, and each commit
/// would be copied by itself. A failed one leaves the WAL as it is, and the store read only.
void Committer::checkpoint() {
  if (wal_pages_ < next_checkpoint_) return;
  std::function<void(bool)> listener;
  {
    std::lock_guard const lock(mutex_);
    listener = checkpoint_listener_;
  }
  auto const begun = std::chrono::steady_clock::now();
  if (listener) listener(true);
  sqlite3_busy_timeout(database_.handle(), kCheckpointWaitMs);
  int const code =
      sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  sqlite3_busy_timeout(database_.handle(), Database::kBusyMilliseconds);
  if (listener) listener(false);
  checkpoints_.fetch_add(1, std::memory_order_relaxed);
  checkpoint_microseconds_.fetch_add(microseconds_since(begun), std::memory_order_relaxed);
  // A view that outlasted the wait is met again soon: most pages are copied by then.
  next_checkpoint_ =
      code == SQLITE_OK ? options_.checkpoint_pages : wal_pages_ + options_.checkpoint_pages / 4;
  wal_pages_ = 0;
  if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED)
    fail(issue_of(code, "checkpointing"));
}

/// Deletes index rows that no page cursor can ask for any more, a batch at a time.
void Committer::purge() {
  auto const now = group_ms_;
  if (now - commit_times_.back().first >= kCommitTimeStepMs)
    commit_times_.emplace_back(now, state_.commit_seq);
  while (commit_times_.size() > 1 && commit_times_.front().first <= now - options_.page_life_ms) {
    purge_horizon_ = std::max(purge_horizon_, commit_times_.front().second);
    commit_times_.pop_front();
  }
  if (purge_horizon_ <= state_.purged_seq) return;
  auto const purged = purge_batch(purge_horizon_);
  if (!purged) {
    fail(purged.error());
  } else if (*purged == 0) {
    state_.purged_seq = purge_horizon_;
  }
}

fhir::Result<std::int64_t> Committer::purge_batch(std::int64_t horizon) {
  FHIR_CHECK(database_.prepare(kBegin).run());
  auto statement = database_.prepare(kUpdatePurged);
  statement.bind(1, horizon);
  FHIR_CHECK(statement.run());
  FHIR_TRY(auto const purged, purge_rows(database_, horizon, kPurgeRows));
  FHIR_CHECK(database_.prepare(kCommit).run());
  return purged;
}

}  // namespace gateway::store::sqlite
