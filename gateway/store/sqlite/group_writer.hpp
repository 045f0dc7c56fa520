/// One commit group inside its database transaction: checks read sets, writes ChangeSets, keeps index rows
/// sorted.
#pragma once

#include "gateway/store/sqlite/change_set.hpp"
#include "gateway/store/sqlite/index_writer.hpp"
#include "gateway/store/sqlite/recent_writes.hpp"

#include <unordered_map>
#include <unordered_set>

namespace gateway::store::sqlite {

/// What the committer remembers from group to group.
struct WriterMemory {
  WriterMemory(std::int64_t commit_seq, IndexWriter writer) : recent(commit_seq), index(writer) {}

  RecentWrites recent;
  IndexWriter index;
  /// Parameter numbers by type and code; Shared has the same behind a lock.
  std::unordered_map<std::string, std::unordered_map<std::string, std::int64_t>> parameters;
  std::vector<NewRow> rows;  ///< Empty between groups; keeps its memory.
};

class GroupWriter {
 public:
  /// `state` is what the transaction began with; this group's commit_seq is one more. `now_ms` by the clock.
  /// What is written is referred to until finish() or abandon().
  GroupWriter(Database& database, Shared& shared, WriterMemory& memory, StoreState const& state,
              std::int64_t now_ms);

  std::int64_t commit_seq() const { return commit_seq_; }
  std::int64_t now_ms() const { return now_ms_; }
  std::int64_t last_updated() const { return last_updated_; }  ///< The newest given out.
  /// Sees the writes of this group so far, but for index rows not flushed yet.
  Reader& reader() { return reader_; }
  bool wrote() const { return wrote_; }

  /// Whether all that was read is still so.
  fhir::Result<bool> still_valid(ChangeSet const& set);
  /// The same without trust in the commit that the set says it was computed on.
  fhir::Result<bool> still_valid_by_database(ChangeSet const& set);
  /// Whether index rows must be on their pages before this set can be checked or written.
  bool needs_flush(ChangeSet const& set) const;
  /// Inserts the collected index rows in key order.
  fhir::Result<void> flush();
  /// Writes everything of the set but the index rows of new values, which are collected.
  fhir::Result<Receipt> write(ChangeSet& set);
  /// The last statements of the group: collected rows, and the commit_seq.
  fhir::Result<void> finish();
  /// The group is not going to be: forgets its rows and the parameter numbers it gave out.
  void abandon();

  /// Drops what a unit collected before its savepoint was rolled back.
  struct Mark {
    std::size_t rows = 0;
    std::size_t parameters = 0;
    std::int64_t last_updated = 0;
  };
  Mark mark() const { return {memory_.rows.size(), new_parameters_.size(), last_updated_}; }
  void back_to(Mark const& mark);

 private:
  bool may_have_changed(ChangeSet const& set) const;
  fhir::Result<bool> are_names_unchanged(ReadSet const& reads);
  fhir::Result<bool> are_sets_unchanged(ReadSet const& reads);
  void note_writes(ChangeSet const& set);
  fhir::Result<Version> write_resource(ResourceWrite& write, std::int64_t journal_id);
  fhir::Result<std::int64_t> key_of(ResourceWrite const& write);
  fhir::Result<std::string> keep_rows(std::int64_t resource_key, std::ptrdiff_t first);
  fhir::Result<void> write_index(ResourceWrite& write, std::int64_t resource_key, std::int64_t last_updated);
  fhir::Result<std::int64_t> parameter(std::string const& type, std::string const& code);
  fhir::Result<std::int64_t> write_journal(JournalRow const& row);
  fhir::Result<void> write_records(ChangeSet const& set);
  fhir::Result<void> write_outbox(ChangeSet const& set, Receipt& receipt);
  // operations.cpp
  fhir::Result<void> write_sightings(ChangeSet const& set, std::int64_t journal_id);
  fhir::Result<void> write_operations(ChangeSet const& set);

  Database& database_;
  Shared& shared_;
  WriterMemory& memory_;
  std::int64_t commit_seq_;
  std::int64_t now_ms_;
  std::int64_t last_updated_;
  Reader reader_;
  bool wrote_ = false;
  std::unordered_set<std::int64_t> collected_for_;  // resources that have rows in memory_.rows
  std::unordered_set<std::int64_t> flushed_for_;    // and those whose rows of this group are inserted already
  std::vector<std::pair<std::string, std::string>> new_parameters_;
};

}  // namespace gateway::store::sqlite
