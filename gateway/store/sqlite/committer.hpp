/// The one thread that writes: takes what waits, up to a group, checks and writes it, syncs once, answers
/// everybody.
#pragma once

#include "gateway/store/sqlite/group_writer.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace gateway::store::sqlite {

/// A computed Unit on its way to the disk; `compute` stays, for the case that it loses.
struct Job {
  Compute compute;
  Committed done;
  ChangeSet set;
};

class Committer {
 public:
  using Listener = std::function<void(std::int64_t commit_seq)>;

  /// `database` is the store's only writing connection, handed over; `state` what is on disk now.
  Committer(Database database, IndexWriter index, Shared& shared, SqliteOptions const& options, ClockMs clock,
            StoreState const& state);
  ~Committer();
  void stop();  ///< Writes what is queued, then ends the thread.
  /// Until nothing is queued and everybody has been told of what was.
  void wait_until_idle();

  /// False when too many wait already; `job` is then untouched.
  bool enqueue(Job& job);
  void on_commit(Listener listener);
  /// Called with true before and with false after a checkpoint, which views of older commits hold back. Set
  /// once before traffic.
  void on_checkpoint(std::function<void(bool begins)> listener);
  bool accepts_writes() const { return accepts_writes_.load(std::memory_order_acquire); }
  std::int64_t last_commit_seq() const { return last_commit_seq_.load(std::memory_order_acquire); }
  StoreStats stats() const;

 private:
  using Outcomes = std::vector<std::optional<fhir::Result<Receipt>>>;

  void run();
  std::vector<Job> take_group();
  void commit_group(std::vector<Job>& group);
  fhir::Result<bool> write_group(std::vector<Job>& group, Outcomes& outcomes);
  enum class Savepoints : bool { none, each };
  enum class Written : std::uint8_t { nothing, all, not_all };
  fhir::Result<Written> write_units(std::vector<Job>& group, Outcomes& outcomes, Savepoints savepoints);
  fhir::Result<bool> write_unit(GroupWriter& writer, Job& job, std::optional<fhir::Result<Receipt>>& outcome,
                                Savepoints savepoints);
  fhir::Result<bool> recompute(GroupWriter& writer, Job& job, std::optional<fhir::Result<Receipt>>& outcome);
  fhir::Result<void> commit_transaction();
  void fail(fhir::Issue const& issue);
  void checkpoint();
  void purge();
  fhir::Result<std::int64_t> purge_batch(std::int64_t horizon);

  Database database_;
  Shared& shared_;
  SqliteOptions const options_;
  ClockMs const clock_;

  mutable std::mutex mutex_;  // guards what follows up to the blank line
  std::condition_variable arrived_;
  std::condition_variable idle_;
  bool busy_ = false;  // a group is being written or told of
  std::deque<Job> queue_;
  Listener listener_;
  std::function<void(bool)> checkpoint_listener_;
  bool stopping_ = false;

  std::atomic<bool> accepts_writes_{true};
  std::atomic<std::int64_t> last_commit_seq_;
  std::atomic<std::uint64_t> commits_{0}, groups_{0}, recomputed_{0}, failed_groups_{0},
      sync_microseconds_{0}, checkpoints_{0}, checkpoint_microseconds_{0};

  // Of the committer's thread alone.
  StoreState state_;
  WriterMemory memory_;
  std::size_t last_group_ = 0;
  std::int64_t group_ms_ = 0;  // when the last group began, by the clock
  int wal_pages_ = 0;
  int next_checkpoint_;  // at so many
  std::int64_t purge_horizon_ = 0;
  std::deque<std::pair<std::int64_t, std::int64_t>>
      commit_times_;  // (ms, commit_seq), a second apart at least
  std::thread thread_;
};

}  // namespace gateway::store::sqlite
