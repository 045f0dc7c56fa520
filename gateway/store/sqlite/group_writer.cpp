#include "gateway/store/sqlite/group_writer.hpp"

#include "gateway/store/instant.hpp"

#include <algorithm>
#include <utility>

namespace gateway::store::sqlite {
namespace {

constexpr std::string_view kSelectResourceKey =
    "SELECT resource_key FROM resource WHERE type = $1 AND id = $2";
constexpr std::string_view kInsertResource = "INSERT INTO resource (type, id) VALUES ($1, $2)";

constexpr std::string_view kInsertVersion = R"(
  INSERT INTO resource_version (resource_key, version_id, type, last_updated, commit_seq, deleted, source,
                                interaction, crc32c, content, journal_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11))";

constexpr std::string_view kInsertParameter =
    "INSERT INTO search_param (param, type, code) VALUES ($1, $2, $3)";

constexpr std::string_view kUpsertKey = R"(
  INSERT INTO business_key (space, name, target) VALUES ($1, $2, $3)
  ON CONFLICT (space, name) DO UPDATE SET target = excluded.target)";
constexpr std::string_view kDeleteKey = "DELETE FROM business_key WHERE space = $1 AND name = $2";

constexpr std::string_view kInsertJournal = R"(
  INSERT INTO journal (revision, received, feed, partner, format, duplicate_key, content_hash, kind, outcome, answer,
                       issues, maps_hash, raw)
  VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12))";
constexpr std::string_view kUpdateJournal = R"(
  UPDATE journal
  SET revision = revision + 1, received = $1, feed = $2, partner = $3, format = $4, duplicate_key = $5,
      content_hash = $6, kind = $7, outcome = $8, answer = $9, issues = $10, maps_hash = $11, raw = $12
  WHERE journal_id = $13)";

constexpr std::string_view kUpsertComplement = R"(
  INSERT INTO complement (partner, anchor, family, journal_id) VALUES ($1, $2, $3, $4)
  ON CONFLICT (partner, anchor, family) DO UPDATE SET journal_id = excluded.journal_id)";

constexpr std::string_view kInsertEvent =
    "INSERT INTO record_event (record_id, seq, body, hash, commit_seq) VALUES ($1, $2, $3, $4, $5)";

constexpr std::string_view kUpsertRecord = R"(
  INSERT INTO record (record_id, revision, kind, person, state, owner, since, due, open, body)
  VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (record_id) DO UPDATE
  SET revision = record.revision + 1, kind = excluded.kind, person = excluded.person, state = excluded.state,
      owner = excluded.owner, since = excluded.since, due = excluded.due, open = excluded.open, body = excluded.body)";

constexpr std::string_view kUpsertPeerState = R"(
  INSERT INTO peer_state (partner, record_id, state) VALUES ($1, $2, $3)
  ON CONFLICT (partner, record_id) DO UPDATE SET state = excluded.state)";

constexpr std::string_view kInsertOutbox = R"(
  INSERT INTO outbox (record_id, destination, order_key, kind, request, control_id, rendered, state, attempts,
                      next_attempt, created, last_outcome, resent)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13))";
constexpr std::string_view kUpdateOutbox = R"(
  UPDATE outbox
  SET control_id = $2, rendered = $3, state = $4, attempts = $5, next_attempt = $6, last_outcome = $7,
      resent = $8
  WHERE outbox_id = $1)";

constexpr std::string_view kUpdateState =
    "UPDATE store_state SET commit_seq = $1, last_updated = $2 WHERE one = 1";

/// The living row that every resource has; also what `_lastUpdated` searches and sorts by.
IndexRow last_updated_row(std::int64_t last_updated) {
  IndexRow row;
  row.table = IndexTable::date;
  row.code = "_lastUpdated";
  row.low_ms = last_updated;
  row.high_ms = last_updated + 1;
  return row;
}

}  // namespace

GroupWriter::GroupWriter(Database& database, Shared& shared, WriterMemory& memory, StoreState const& state,
                         std::int64_t now_ms)
    : database_(database),
      shared_(shared),
      memory_(memory),
      commit_seq_(state.commit_seq + 1),
      now_ms_(std::max(now_ms, state.last_updated)),
      last_updated_(state.last_updated),
      reader_(database, shared, commit_seq_, state.purged_seq) {}

bool GroupWriter::needs_flush(ChangeSet const& set) const {
  if (memory_.rows.empty()) return false;
  if (!set.reads.matches.empty()) return true;
  // Only a resource changed before in this group can have rows waiting; a look at its key is not worth it.
  return !collected_for_.empty() &&
         std::any_of(set.resources.begin(), set.resources.end(),
                     [](auto const& write) { return write.changed && write.previous_version != 0; });
}

fhir::Result<void> GroupWriter::flush() {
  auto& rows = memory_.rows;
  // A resource changed twice in a group may have again what it had at first: such a row is there already.
  auto const end = std::partition(rows.begin(), rows.end(), [&](NewRow const& row) {
    return flushed_for_.empty() || !flushed_for_.contains(row.resource_key);
  });
  for (auto row = end; row != rows.end(); ++row) FHIR_CHECK(insert_row(database_, *row, commit_seq_));
  rows.erase(end, rows.end());
  std::sort(rows.begin(), rows.end(), in_key_order);
  FHIR_CHECK(memory_.index.insert(database_, rows, commit_seq_));
  rows.clear();
  flushed_for_.merge(collected_for_);
  collected_for_.clear();
  return {};
}

void GroupWriter::back_to(Mark const& mark) {
  memory_.rows.resize(std::min(mark.rows, memory_.rows.size()));
  while (new_parameters_.size() > mark.parameters) {
    auto const& [type, code] = new_parameters_.back();
    shared_.parameters.remove(type, code);
    memory_.parameters[type].erase(code);
    new_parameters_.pop_back();
  }
  last_updated_ = mark.last_updated;
}

void GroupWriter::abandon() { back_to({0, 0, last_updated_}); }

/// The names that a set read, asked of memory: false is certain. Which keys point at a target, and what a
/// query finds, only the database knows.
bool GroupWriter::may_have_changed(ChangeSet const& set) const {
  using Kind = RecentWrites::Kind;
  auto const changed = [&](Kind kind, std::initializer_list<std::string_view> name) {
    return memory_.recent.may_have_changed(kind, name, set.read_seq);
  };
  auto const any = [](auto const& reads, auto const& test) {
    return std::any_of(reads.begin(), reads.end(), test);
  };
  auto const& reads = set.reads;
  return any(reads.versions,
             [&](auto const& read) {
               return changed(Kind::resource, {read.type, read.id});
             }) ||
         any(reads.keys,
             [&](auto const& read) {
               return changed(Kind::key, {read.space, read.key});
             }) ||
         any(reads.journals,
             [&](auto const& read) { return changed(Kind::journal, {read.duplicate_key}); }) ||
         any(reads.chains, [&](auto const& read) { return changed(Kind::chain, {read.record_id}); }) ||
         any(reads.records, [&](auto const& read) { return changed(Kind::record, {read.record_id}); }) ||
         any(reads.peers,
             [&](auto const& read) {
               return changed(Kind::peer, {read.partner, read.record_id});
             }) ||
         any(reads.complements, [&](auto const& read) {
           return changed(Kind::complement, {read.partner, read.anchor, read.family});
         });
}

/// Whatever becomes of the group: a name noted for nothing costs a look, one not noted a lost conflict.
void GroupWriter::note_writes(ChangeSet const& set) {
  using Kind = RecentWrites::Kind;
  auto& recent = memory_.recent;
  for (auto const& write : set.resources) {
    if (write.changed) recent.note(Kind::resource, {write.type, write.id}, commit_seq_);
  }
  for (auto const& write : set.keys) recent.note(Kind::key, {write.space, write.key}, commit_seq_);
  for (auto const& event : set.events) recent.note(Kind::chain, {event.record_id}, commit_seq_);
  for (auto const& row : set.records) recent.note(Kind::record, {row.record_id}, commit_seq_);
  for (auto const& peer : set.peers) recent.note(Kind::peer, {peer.partner, peer.record_id}, commit_seq_);
  for (auto const& row : set.complements)
    recent.note(Kind::complement, {row.partner, row.anchor, row.family}, commit_seq_);
  if (!set.journal) return;
  recent.note(Kind::journal, {set.journal->duplicate_key}, commit_seq_);
  // Under which key it stood before is not known here.
  if (set.journal->id != 0) recent.note(Kind::rewritten_journal, {}, commit_seq_);
}

fhir::Result<bool> GroupWriter::still_valid(ChangeSet const& set) {
  if (may_have_changed(set)) return still_valid_by_database(set);
  return are_sets_unchanged(set.reads);
}

fhir::Result<bool> GroupWriter::still_valid_by_database(ChangeSet const& set) {
  FHIR_TRY(bool const names, are_names_unchanged(set.reads));
  if (!names) return false;
  return are_sets_unchanged(set.reads);
}

fhir::Result<bool> GroupWriter::are_names_unchanged(ReadSet const& reads) {
  for (auto const& read : reads.versions) {
    FHIR_TRY(auto const version, reader_.version_of(read.type, read.id));
    if (version != read.version_id) return false;
  }
  for (auto const& read : reads.keys) {
    FHIR_TRY(auto const target, reader_.find_key(read.space, read.key));
    if (target != read.target) return false;
  }
  for (auto const& read : reads.journals) {
    FHIR_TRY(auto const mark, reader_.journal_mark(read.duplicate_key));
    if (mark != read.mark) return false;
  }
  for (auto const& read : reads.chains) {
    FHIR_TRY(auto const head, reader_.chain_head(read.record_id));
    if (head.seq != read.seq) return false;
  }
  for (auto const& read : reads.records) {
    FHIR_TRY(auto const revision, reader_.record_revision(read.record_id));
    if (revision != read.revision) return false;
  }
  for (auto const& read : reads.peers) {
    FHIR_TRY(auto const state, reader_.peer_state(read.partner, read.record_id));
    if (state != read.state) return false;
  }
  for (auto const& read : reads.complements) {
    FHIR_TRY(auto const row, reader_.find_complement(read.partner, read.anchor, read.family));
    if ((row ? row->journal_id : 0) != read.journal_id) return false;
  }
  return true;
}

fhir::Result<bool> GroupWriter::are_sets_unchanged(ReadSet const& reads) {
  for (auto const& read : reads.keys_of) {
    FHIR_TRY(auto const keys, reader_.keys_of(read.space, read.target));
    if (keys != read.keys) return false;
  }
  for (auto const& read : reads.matches) {
    FHIR_TRY(auto const found, reader_.match_marks(*read.plan, read.count));
    if (found != read.found) return false;
  }
  return true;
}

fhir::Result<Receipt> GroupWriter::write(ChangeSet& set) {
  wrote_ = true;
  note_writes(set);
  Receipt receipt;
  receipt.commit_seq = commit_seq_;
  if (set.journal) {
    FHIR_TRY(receipt.journal_id, write_journal(*set.journal));
  }
  receipt.versions.reserve(set.resources.size());
  for (auto& resource : set.resources) {
    if (!resource.changed) {
      receipt.versions.push_back(resource.current);
      continue;
    }
    FHIR_TRY(auto version, write_resource(resource, receipt.journal_id));
    receipt.versions.push_back(std::move(version));
  }
  for (auto const& key : set.keys) {
    auto statement = database_.prepare(key.target ? kUpsertKey : kDeleteKey);
    statement.bind(1, std::string_view(key.space)).bind(2, std::string_view(key.key));
    if (key.target) statement.bind(3, std::string_view(*key.target));
    FHIR_CHECK(statement.run());
  }
  for (auto const& row : set.complements) {
    auto statement = database_.prepare(kUpsertComplement);
    statement.bind(1, std::string_view(row.partner))
        .bind(2, std::string_view(row.anchor))
        .bind(3, std::string_view(row.family))
        .bind(4, row.journal_id != 0 ? row.journal_id : receipt.journal_id);
    FHIR_CHECK(statement.run());
  }
  FHIR_CHECK(write_records(set));
  FHIR_CHECK(write_outbox(set, receipt));
  FHIR_CHECK(write_sightings(set, receipt.journal_id));
  FHIR_CHECK(write_operations(set));
  return receipt;
}

fhir::Result<std::int64_t> GroupWriter::key_of(ResourceWrite const& write) {
  if (write.previous_version != 0) {
    auto statement = database_.prepare(kSelectResourceKey);
    statement.bind(1, std::string_view(write.type)).bind(2, std::string_view(write.id));
    FHIR_TRY(bool const found, statement.step());
    if (!found) return fhir::error(fhir::IssueType::exception, "A resource with versions has no key.");
    return statement.integer(0);
  }
  auto statement = database_.prepare(kInsertResource);
  statement.bind(1, std::string_view(write.type)).bind(2, std::string_view(write.id));
  FHIR_CHECK(statement.run());
  return database_.last_insert_key();
}

fhir::Result<Version> GroupWriter::write_resource(ResourceWrite& write, std::int64_t journal_id) {
  FHIR_TRY(auto const resource_key, key_of(write));
  Version version;
  version.type = write.type;
  version.id = write.id;
  version.version_id = write.previous_version + 1;
  version.last_updated_ms = std::max(now_ms_, write.previous_last_updated + 1);
  version.commit_seq = commit_seq_;
  version.deleted = write.deleted;
  version.source = write.source;
  version.interaction = write.interaction;
  version.journal_id = journal_id;
  if (!write.deleted)
    version.content = fhir::json::with_version(write.canonical, std::to_string(version.version_id),
                                               to_instant(version.last_updated_ms));
  last_updated_ = std::max(last_updated_, version.last_updated_ms);

  auto statement = database_.prepare(kInsertVersion);
  statement.bind(1, resource_key)
      .bind(2, version.version_id)
      .bind(3, std::string_view(version.type))
      .bind(4, version.last_updated_ms)
      .bind(5, commit_seq_)
      .bind(6, std::int64_t{version.deleted})
      .bind(7, std::string_view(version.source))
      .bind(8, std::string_view(version.interaction))
      .bind(9, std::int64_t{crc_of(version.type, version.id, version.version_id, version.content)})
      .bind(10, std::string_view(version.content))
      .bind(11, journal_id);
  FHIR_CHECK(statement.run());
  if (write.deleted) {
    FHIR_CHECK(kill_all_rows(database_, resource_key, commit_seq_));
  } else {
    FHIR_CHECK(write_index(write, resource_key, version.last_updated_ms));
  }
  return version;
}

/// The list of what the resource had: values that stay live on and are no longer among the collected rows
/// from `first` on; those that are gone die.
fhir::Result<std::string> GroupWriter::keep_rows(std::int64_t resource_key, std::ptrdiff_t first) {
  auto& rows = memory_.rows;
  FHIR_TRY(auto const before, rows_of(database_, resource_key));
  std::string packed;
  PackedRows list(before);
  for (PackedRow old; list.next(old);) {
    if (old.lives()) {
      auto const kept = std::find_if(rows.begin() + first, rows.end(), [&](NewRow const& row) {
        return row.param == old.param && is_same_value(*row.row, old);
      });
      if (kept == rows.end()) {
        FHIR_CHECK(kill_row(database_, old, resource_key, commit_seq_));
        old.died = commit_seq_;
      } else {
        std::swap(*kept, rows.back());
        rows.pop_back();
      }
    }
    if (old.born < old.died) append_packed(old, packed);
  }
  if (!list.good()) return broken_rows(resource_key);
  return packed;
}

/// New values are collected; values that are gone die; those that stay live on untouched.
fhir::Result<void> GroupWriter::write_index(ResourceWrite& write, std::int64_t resource_key,
                                            std::int64_t last_updated) {
  write.last_updated_row = last_updated_row(last_updated);
  auto& rows = memory_.rows;
  auto const first = static_cast<std::ptrdiff_t>(rows.size());
  FHIR_TRY(auto const living_param, parameter(write.type, write.last_updated_row.code));
  rows.push_back({living_param, resource_key, &write.last_updated_row});
  for (auto const& row : write.rows) {
    FHIR_TRY(auto const param, parameter(write.type, row.code));
    rows.push_back({param, resource_key, &row});
  }
  std::string packed;
  if (write.previous_version != 0) {
    FHIR_TRY(packed, keep_rows(resource_key, first));
  }
  for (auto row = rows.begin() + first; row != rows.end(); ++row)
    append_packed(to_packed(*row->row, row->param, commit_seq_), packed);
  FHIR_CHECK(put_rows(database_, resource_key, packed));
  collected_for_.insert(resource_key);
  return {};
}

fhir::Result<std::int64_t> GroupWriter::parameter(std::string const& type, std::string const& code) {
  auto& numbers = memory_.parameters[type];
  if (auto const known = numbers.find(code); known != numbers.end()) return known->second;
  if (auto const known = shared_.parameters.find(type, code)) return numbers[code] = *known;
  auto const number = shared_.parameters.next();
  auto statement = database_.prepare(kInsertParameter);
  statement.bind(1, number).bind(2, type).bind(3, code);
  FHIR_CHECK(statement.run());
  // Known to readers at once: before the commit they find no rows under it, and abandon() takes it back.
  shared_.parameters.add(type, code, number);
  numbers[code] = number;
  new_parameters_.emplace_back(type, code);
  return number;
}

fhir::Result<std::int64_t> GroupWriter::write_journal(JournalRow const& row) {
  auto statement = database_.prepare(row.id == 0 ? kInsertJournal : kUpdateJournal);
  statement.bind(1, row.received_ms)
      .bind(2, std::string_view(row.feed))
      .bind(3, std::string_view(row.partner))
      .bind(4, std::string_view(row.format))
      .bind(5, std::string_view(row.duplicate_key))
      .bind(6, std::string_view(row.content_hash))
      .bind(7, std::string_view(row.kind))
      .bind(8, std::string_view(row.outcome))
      .bind_blob(9, row.answer)
      .bind(10, std::string_view(row.issues))
      .bind(11, std::string_view(row.maps_hash))
      .bind_blob(12, row.raw);
  if (row.id != 0) statement.bind(13, row.id);
  FHIR_CHECK(statement.run());
  if (row.id == 0) return database_.last_insert_key();
  if (database_.rows_changed() != 1)
    return fhir::error(fhir::IssueType::not_found, "The journal row to be replaced is not there.");
  return row.id;
}

fhir::Result<void> GroupWriter::write_records(ChangeSet const& set) {
  for (auto const& event : set.events) {
    auto statement = database_.prepare(kInsertEvent);
    statement.bind(1, std::string_view(event.record_id))
        .bind(2, event.seq)
        .bind(3, std::string_view(event.body))
        .bind(4, std::string_view(event.hash))
        .bind(5, commit_seq_);
    FHIR_CHECK(statement.run());
  }
  for (auto const& row : set.records) {
    auto statement = database_.prepare(kUpsertRecord);
    statement.bind(1, std::string_view(row.record_id))
        .bind(2, std::string_view(row.kind))
        .bind(3, std::string_view(row.person))
        .bind(4, std::string_view(row.state))
        .bind(5, std::string_view(row.owner))
        .bind(6, row.since_ms)
        .bind(7, row.due_ms == 0 ? kNever : row.due_ms)
        .bind(8, std::int64_t{row.open})
        .bind(9, std::string_view(row.body));
    FHIR_CHECK(statement.run());
  }
  for (auto const& peer : set.peers) {
    auto statement = database_.prepare(kUpsertPeerState);
    statement.bind(1, std::string_view(peer.partner))
        .bind(2, std::string_view(peer.record_id))
        .bind(3, std::string_view(peer.state));
    FHIR_CHECK(statement.run());
  }
  return {};
}

fhir::Result<void> GroupWriter::write_outbox(ChangeSet const& set, Receipt& receipt) {
  for (auto const& [row, record_id] : set.outbox) {
    auto statement = database_.prepare(kInsertOutbox);
    statement.bind(1, std::string_view(record_id))
        .bind(2, std::string_view(row.destination))
        .bind(3, std::string_view(row.order_key))
        .bind(4, std::string_view(row.kind))
        .bind(5, std::string_view(row.request))
        .bind(6, std::string_view(row.control_id))
        .bind_blob(7, row.rendered)
        .bind(8, static_cast<std::int64_t>(row.state))
        .bind(9, row.attempts)
        .bind(10, row.next_attempt_ms)
        .bind(11, row.created_ms != 0 ? row.created_ms : now_ms_)
        .bind(12, std::string_view(row.last_outcome))
        .bind(13, row.resent);
    FHIR_CHECK(statement.run());
    receipt.outbox_ids.push_back(database_.last_insert_key());
  }
  for (auto const& row : set.outbox_updates) {
    auto statement = database_.prepare(kUpdateOutbox);
    statement.bind(1, row.id)
        .bind(2, std::string_view(row.control_id))
        .bind_blob(3, row.rendered)
        .bind(4, static_cast<std::int64_t>(row.state))
        .bind(5, row.attempts)
        .bind(6, row.next_attempt_ms)
        .bind(7, std::string_view(row.last_outcome))
        .bind(8, row.resent);
    FHIR_CHECK(statement.run());
    if (database_.rows_changed() != 1)
      return fhir::error(fhir::IssueType::not_found, "The outbox row to be changed is not there.");
  }
  return {};
}

fhir::Result<void> GroupWriter::finish() {
  FHIR_CHECK(flush());
  auto statement = database_.prepare(kUpdateState);
  statement.bind(1, commit_seq_).bind(2, last_updated_);
  return statement.run();
}

}  // namespace gateway::store::sqlite
