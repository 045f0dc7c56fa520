/// The store: resources and their history, search index, keys, journal, complement, record events, outbox.
///
/// One way in: a Unit of work is computed on a Snapshot, hands its ChangeSet to the committer, and is
/// answered when the group it went with is on disk (architecture.md section 2). All that the Unit read is
/// checked again inside the database transaction; a loser is computed once more, not failed. Everything here
/// is durable before it is reported. Engines stand in sqlite/ (and later postgresql/); the schema is
/// sql/*.sql.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "fhir/search/query.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::store {

/// What a reader may see. Every read and search takes one, also for included rows; today there is only
/// "everything".
struct AccessPolicy {
  bool everything = false;
  static AccessPolicy all() { return {true}; }
};

/// Wall clock in milliseconds since the epoch, UTC; passed in so that any test can own it.
using ClockMs = std::function<std::int64_t()>;

/// One stored version of one resource. `content` is the canonical JSON as served, meta.versionId and
/// lastUpdated included; empty when `deleted`.
struct Version {
  std::string type;
  std::string id;
  std::int64_t version_id = 0;
  std::int64_t last_updated_ms = 0;
  std::int64_t commit_seq = 0;
  bool deleted = false;
  std::string
      source;  ///< The partner whose resource it is: profile name, "gateway", or the FHIR client's name.
  std::string interaction;      ///< "POST", "PUT", "DELETE": what history bundles say.
  std::int64_t journal_id = 0;  ///< The message that gave it, 0 for what no message gave.
  std::string content;
};

/// A received message, whatever became of it. Bytes are kept as they came.
struct JournalRow {
  std::int64_t id = 0;  ///< Given by the committer, in commit order.
  std::int64_t received_ms = 0;
  std::string feed;           ///< Listener or door: "mllp:2575", "fhir".
  std::string partner;        ///< Profile name, "" when unknown.
  std::string format;         ///< "hl7v2", "fhir+json"
  std::string duplicate_key;  ///< listener|MSH-3|MSH-4|MSH-10 (R5); "" when the bytes have none.
  std::string content_hash;   ///< SHA-256, hex.
  std::string kind;           ///< "ADT^A01", "Bundle"
  std::string outcome;        ///< "accepted", "error" (AE, replayable), "refused" (AR), "conflict"
  std::string answer;         ///< The bytes that were answered, to be replayed to a duplicate.
  std::string issues;         ///< JSON array of Issues.
  std::string maps_hash;      ///< Which tables translated it.
  std::string raw;
};

/// An event of a referral or transition record, append-only and hash-chained (record.md section 5). `body` is
/// JSON.
struct EventRow {
  std::string record_id;
  std::int64_t seq = 0;  ///< From 1 within the record; given by Unit::add_event.
  std::string body;
  std::string hash;  ///< SHA-256 over (previous hash, body), hex; given by Unit::add_event.
  std::int64_t commit_seq = 0;
};

/// The folded state of a record: derived, replaceable, what worklists read. `body` is JSON.
struct RecordRow {
  std::string record_id;
  std::string kind;  ///< "referral", "transition"
  std::string person;
  std::string state;
  std::string owner;
  std::int64_t since_ms = 0;
  std::int64_t due_ms = 0;  ///< 0: no clock.
  std::string body;
  bool open = true;  ///< False once the state is final: it leaves the worklists.
};

/// Where a record stands in the order of list_records(); the first of all.
struct RecordPlace {
  std::int64_t due_ms = INT64_MIN;
  std::string record_id = {};
};
/// Behind that row.
RecordPlace place_of(RecordRow const& row);

enum class OutboxState : std::uint8_t { waiting, sent, delivered, unconfirmed, stopped, cancelled };

/// Something to be delivered to one destination, in order of (destination, order_key, id).
struct OutboxRow {
  std::int64_t id = 0;  ///< Given by the committer, ascending in commit order.
  std::string destination;
  std::string order_key;
  std::string kind;     ///< "hl7v2:REF^I12", "rest-hook"
  std::string request;  ///< JSON: what to render: exact resource versions, facts, record and state sequence,
                        ///< profile hash.
  std::string control_id;  ///< MSH-10 once rendered.
  std::string rendered;    ///< The bytes that go on the wire, stored before the first send.
  OutboxState state = OutboxState::waiting;
  std::int64_t attempts = 0;
  std::int64_t next_attempt_ms = 0;
  std::int64_t created_ms = 0;
  std::string last_outcome;  ///< "AA", "AE", "timeout", ...; no payload.
  std::int64_t resent = 0;   ///< How often a crash had left its outcome unknown, and it was sent again (S7).
};

/// What is not settled yet at one destination.
struct OutboxCount {
  std::string destination;
  OutboxState state = OutboxState::waiting;
  std::int64_t rows = 0;
  std::int64_t oldest_ms = 0;  ///< When the oldest of them was queued.
};

/// The newest inbound message that seeds what is written back (translation.md 3.1): raw bytes are in the
/// journal.
struct ComplementRow {
  std::string partner;
  std::string anchor;  ///< "ServiceRequest/abc"
  std::string family;  ///< Structure family: "REF_I12", "SIU_S12", "ADT_A01"
  std::int64_t journal_id = 0;
};

/// How often the subject of a work item was seen.
struct Sighting {
  std::int64_t seen = 0;  ///< Units that saw it; 0: none.
  std::int64_t first_seen_ms = 0;
  std::int64_t last_seen_ms = 0;
};

/// A message in which it was seen.
struct SightingMessage {
  std::string record_id;
  std::int64_t journal_id = 0;
  friend bool operator==(SightingMessage const&, SightingMessage const&) = default;
};

/// A package of FHIR definitions that an operator has loaded.
struct FhirPackage {
  std::string name;
  std::string version;
  std::int64_t loaded_ms = 0;
  std::string operator_name;
  std::string bytes;  ///< The .tgz.
};

/// One code that an operator answered into a partner's vocabulary.
struct PartnerCode {
  std::string partner;
  std::string vocabulary;
  std::string v2_code;
  std::string fhir_system;  ///< "" where the vocabulary's own system is meant.
  std::string fhir_code;
  friend bool operator==(PartnerCode const&, PartnerCode const&) = default;
};

/// A set of tables as it stood when it was first used. `content` is the caller's to read.
struct TableSet {
  std::string hash;
  std::int64_t first_used_ms = 0;
  std::string content;
};

/// What an operator did; never anything of a patient.
struct OperatorAct {
  std::int64_t id = 0;  ///< Given by the committer.
  std::int64_t at_ms = 0;
  std::string operator_name;
  std::string action;   ///< "answer", "dismiss", "reload", "replay", "show"
  std::string object;   ///< "work/12", "journal/17"
  std::string outcome;  ///< "done", or the code of what refused it
};

struct SearchEntry {
  Version version;
  bool included = false;  ///< search.mode include instead of match.
};

struct SearchPage {
  std::vector<SearchEntry> entries;
  std::optional<std::int64_t> total;
  std::string next_cursor;  ///< "" on the last page; opaque, bound to `snapshot_seq`.
  std::int64_t snapshot_seq = 0;
  fhir::Issues issues;  ///< One for each row left out because its bytes are corrupt.
};

struct HistoryPage {
  std::vector<Version> versions;  ///< Newest first, deletions included.
  std::int64_t total = 0;
  std::string next_cursor;
  fhir::Issues issues;  ///< One for each version left out because its bytes are corrupt.
};

/// A consistent view at one commit_seq. Not shared between threads. Errors: transient (busy), exception
/// (corrupt row: the CRC32C beside a version does not match; that row is isolated and counted).
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual std::int64_t commit_seq() const = 0;

  virtual fhir::Result<std::optional<Version>> find(AccessPolicy const&, std::string_view type,
                                                    std::string_view id) = 0;
  virtual fhir::Result<std::optional<Version>> find_version(AccessPolicy const&, std::string_view type,
                                                            std::string_view id, std::int64_t version_id) = 0;
  /// `type` and `id` may be "" for type and system history; `since_ms` 0 for all.
  virtual fhir::Result<HistoryPage> history(AccessPolicy const&, std::string_view type, std::string_view id,
                                            std::int64_t since_ms, std::size_t count,
                                            std::string_view cursor) = 0;
  /// `query.cursor` goes on where an earlier page's next_cursor says, at that page's snapshot_seq. Errors:
  /// deleted (the cursor is older than page_life_ms), value (no cursor of this query), not_supported (what
  /// the index cannot answer, by parameter and modifier), too_costly (more included resources than one page
  /// may carry).
  virtual fhir::Result<SearchPage> search(AccessPolicy const&, fhir::search::Query const& query) = 0;

  /// Keys: the one mechanism for everything that must be found by a business key and be unique: duplicate
  /// keys, identifiers per source, aliases, referral links, visits, persons. (space, key) -> target.
  virtual fhir::Result<std::optional<std::string>> find_key(std::string_view space, std::string_view key) = 0;
  /// Every key of a space that points at the target, in key order.
  virtual fhir::Result<std::vector<std::string>> keys_of(std::string_view space, std::string_view target) = 0;

  virtual fhir::Result<std::optional<JournalRow>> find_journal(std::int64_t id) = 0;
  virtual fhir::Result<std::optional<JournalRow>> find_journal_by_key(std::string_view duplicate_key) = 0;
  /// Newest first; `before_id` 0 starts at the end. `outcome` "" lists all.
  virtual fhir::Result<std::vector<JournalRow>> list_journal(std::int64_t before_id, std::size_t count,
                                                             std::string_view outcome) = 0;
  virtual fhir::Result<std::optional<ComplementRow>> find_complement(std::string_view partner,
                                                                     std::string_view anchor,
                                                                     std::string_view family) = 0;
  virtual fhir::Result<std::vector<EventRow>> events(std::string_view record_id) = 0;
  virtual fhir::Result<std::optional<RecordRow>> find_record(std::string_view record_id) = 0;
  /// Open records, oldest due first, from behind `after`; kind, person, owner "" match all.
  virtual fhir::Result<std::vector<RecordRow>> list_records(std::string_view kind, std::string_view person,
                                                            std::string_view owner, std::size_t count,
                                                            RecordPlace const& after = {}) = 0;
  /// How many records of that kind are open.
  virtual fhir::Result<std::size_t> count_records(std::string_view kind) = 0;
  /// What was last sent to or received from a peer about a record (S9); "" when nothing.
  virtual fhir::Result<std::string> peer_state(std::string_view partner, std::string_view record_id) = 0;
  /// Waiting, sent and stopped rows of one destination in id order.
  virtual fhir::Result<std::vector<OutboxRow>> outbox(std::string_view destination, std::size_t count) = 0;
  virtual fhir::Result<std::vector<std::string>>
  outbox_destinations() = 0;  ///< Those with rows not yet settled.
  virtual fhir::Result<std::vector<OutboxRow>> outbox_of_record(std::string_view record_id) = 0;
  virtual fhir::Result<std::optional<OutboxRow>> find_outbox(std::int64_t id) = 0;
  virtual fhir::Result<std::vector<OutboxCount>> outbox_counts() = 0;  ///< Waiting, sent and stopped rows.

  virtual fhir::Result<Sighting> sighting(std::string_view record_id) = 0;
  /// Journal ids of the messages in which it was seen, ascending.
  virtual fhir::Result<std::vector<std::int64_t>> messages_of(std::string_view record_id) = 0;
  /// Messages not taken in again yet of records in that state.
  virtual fhir::Result<std::vector<SightingMessage>> messages_to_requeue(std::string_view state,
                                                                         std::size_t count) = 0;
  virtual fhir::Result<std::vector<PartnerCode>> partner_codes() = 0;
  virtual fhir::Result<std::vector<FhirPackage>> packages() = 0;  ///< By name, then version.
  virtual fhir::Result<std::optional<TableSet>> find_table_set(std::string_view hash) = 0;
  /// Newest first; `before_id` 0 starts at the end.
  virtual fhir::Result<std::vector<OperatorAct>> list_acts(std::int64_t before_id, std::size_t count) = 0;
  /// Runs a computation on this view as if it were to be committed now, and forgets what it would write: what
  /// it found out is what it left in its own captures. Errors: its own.
  virtual fhir::Result<void> rehearse(std::int64_t now_ms,
                                      std::function<fhir::Result<void>(class Unit&)> const& compute) = 0;
};

/// All open records of that kind, oldest due first.
fhir::Result<std::vector<RecordRow>> open_records(Snapshot& snapshot, std::string_view kind);

inline constexpr std::uint32_t kAllMatches = UINT32_MAX;  ///< As Query::count of Unit::match.

/// One ChangeSet being computed. Reads go through it, so that they see its own writes and enter its read set.
/// One thread; lives only inside the compute function.
class Unit {
 public:
  virtual ~Unit() = default;

  virtual Snapshot& snapshot() = 0;  ///< Raw reads that need no check at commit (history, outbox, reports).
  virtual std::int64_t now_ms() const = 0;

  virtual fhir::Result<std::optional<Version>> find(std::string_view type, std::string_view id) = 0;
  virtual fhir::Result<std::optional<std::string>> find_key(std::string_view space, std::string_view key) = 0;
  virtual fhir::Result<std::vector<std::string>> keys_of(std::string_view space, std::string_view target) = 0;
  /// A conditional query: its result set is checked again at commit. Finds 100 where the query has no count;
  /// kAllMatches for what must be all.
  virtual fhir::Result<std::vector<Version>> match(fhir::search::Query const& query) = 0;
  virtual fhir::Result<std::optional<RecordRow>> find_record(std::string_view record_id) = 0;
  virtual fhir::Result<std::vector<EventRow>> events(std::string_view record_id) = 0;
  virtual fhir::Result<std::string> peer_state(std::string_view partner, std::string_view record_id) = 0;
  virtual fhir::Result<std::optional<ComplementRow>> find_complement(std::string_view partner,
                                                                     std::string_view anchor,
                                                                     std::string_view family) = 0;
  virtual fhir::Result<std::optional<JournalRow>> find_journal_by_key(std::string_view duplicate_key) = 0;

  /// Writes the next version; `resource` has resourceType and id. Equal canonical bytes keep the current
  /// version and return it (`changed` false). The returned version id is the one the resource will have.
  struct PutResult {
    std::int64_t version_id = 0;
    bool changed = false;
    bool created = false;
  };
  virtual fhir::Result<PutResult> put(fhir::json::Element const& resource, std::string_view source,
                                      std::string_view interaction) = 0;
  virtual fhir::Result<void> remove(std::string_view type, std::string_view id, std::string_view source) = 0;
  virtual void put_key(std::string_view space, std::string_view key, std::string_view target) = 0;
  virtual void remove_key(std::string_view space, std::string_view key) = 0;
  virtual void put_record(RecordRow row) = 0;
  virtual fhir::Result<EventRow> add_event(std::string_view record_id, std::string body) = 0;
  virtual void put_peer_state(std::string_view partner, std::string_view record_id,
                              std::string_view state) = 0;
  /// At most one per Unit; later fields may be set until the Unit ends. `id` 0 makes a new row, else replaces
  /// that row. Every version that the Unit writes names it.
  virtual JournalRow& journal() = 0;
  /// `journal_id` 0 means this Unit's own journal row.
  virtual void put_complement(ComplementRow row) = 0;
  virtual void add_outbox(OutboxRow row, std::string_view record_id) = 0;
  /// Changes an existing outbox row (by id): state, attempts, rendered bytes, outcome.
  virtual void update_outbox(OutboxRow row) = 0;

  /// Counts one more sighting; the Unit's journal row becomes one of its messages.
  virtual void note_sighting(std::string_view record_id) = 0;
  virtual void finish_sighting(SightingMessage message) = 0;  ///< It was taken in again.
  virtual void put_partner_code(PartnerCode code) = 0;
  virtual void put_table_set(TableSet set) = 0;  ///< A known hash stays as it is.
  virtual void add_act(OperatorAct act) = 0;
  virtual void put_package(FhirPackage package) = 0;  ///< In place of one of that name and version.
  virtual void remove_package(std::string_view name, std::string_view version) = 0;

  /// Everything this Unit has written so far, in order; what the record folds over. Before is the version it
  /// replaces.
  struct Change {
    std::string type;
    std::string id;
    std::shared_ptr<Version const> before;       ///< nullptr: it was never there.
    fhir::json::Element const* after = nullptr;  ///< nullptr: deleted. Valid as long as the Unit.
    bool changed = false;
    std::string source;
  };
  virtual std::vector<Change> const& changes() const = 0;
  /// Memory for trees that live as long as the Unit.
  virtual fhir::json::Arena& arena() = 0;
  /// Forgets all writes and the read set: the compute function turned to "only journal it".
  virtual void discard() = 0;
};

/// What became of a Unit: in which commit, and the versions it wrote, with their served bytes.
struct Receipt {
  std::int64_t commit_seq = 0;
  std::int64_t journal_id = 0;
  std::vector<Version> versions;  ///< In the order of first put; also unchanged ones.
  std::vector<std::int64_t> outbox_ids;
};

/// Computes a ChangeSet. May run more than once (a loser is recomputed), on any thread, so it owns all it
/// needs and has no effects but through the Unit. An Issue means: write nothing, and tell the caller.
using Compute = std::function<fhir::Result<void>(Unit&)>;
using Committed = std::function<void(fhir::Result<Receipt>)>;

struct StoreStats {
  std::uint64_t commits = 0, groups = 0, recomputed = 0, corrupt_rows = 0, failed_groups = 0;
  std::uint64_t sync_microseconds = 0;  ///< Sum over groups; divide by groups.
  std::uint64_t checkpoints = 0;        ///< While one runs commits and new views wait.
  std::uint64_t checkpoint_microseconds = 0;
  std::int64_t last_commit_seq = 0;
};

/// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  /// A view for one thread's use; cheap (a pooled read connection). Dropped soon: an old view holds back
  /// checkpoints.
  virtual fhir::Result<std::unique_ptr<Snapshot>> snapshot() = 0;

  /// Computes on the calling thread, queues for the committer, and calls `done` (on the committer's thread)
  /// when the group is on disk or the Unit failed. `done` must be quick: post to your executor. Errors of the
  /// environment (disk full, I/O) come as no_store; nothing of the Unit is then stored.
  virtual void commit(Compute compute, Committed done) = 0;

  /// The same, waiting; for start-up, commands and tests. Never called on an io thread.
  fhir::Result<Receipt> commit_and_wait(Compute compute);

  /// Called (on the committer's thread) after each group that added or settled outbox rows or changed
  /// resources, with the group's highest commit_seq: wakes the senders. Set once before traffic.
  virtual void on_commit(std::function<void(std::int64_t commit_seq)> listener) = 0;

  /// Returns once all that was queued is committed and told. After on_commit({}) and this, the store calls
  /// nobody any more: what its callbacks need may then go. Never called on the committer's thread.
  virtual void wait_until_idle() {}

  virtual StoreStats stats() const = 0;
  virtual bool accepts_writes() const = 0;  ///< False after a failed sync: read only until restarted (F4).
  /// Full check of rows and chains: CRCs, event hashes, SQLite's integrity_check. One Issue per finding.
  virtual fhir::Issues check() = 0;
};

struct SqliteOptions {
  std::string path;            ///< Database file; the synced side file of F38 is beside it (path + ".seq").
  std::size_t group_max = 64;  ///< Units per commit.
  std::chrono::microseconds group_wait{250};  ///< Only while several clients are active.
  std::size_t page_cache_mib = 64;
  int checkpoint_pages = 16'384;  ///< 64 MiB of WAL: rarely, so that a hot page is copied once.
  std::int64_t page_life_ms =
      3'600'000;  ///< How long an old page cursor stays good; dead index rows go after it.
};

/// Opens or creates; runs migrations; checks the last commit_seq against the side file. Errors (exception)
/// refuse to start: a newer schema, a lower commit_seq than the side file says, a locked or unreadable file.
fhir::Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions const& options, ClockMs clock);

/// A view of a store that another process may have open for writing, or that is closed. Writes nothing,
/// migrates nothing. Errors: exception (no such file, not a store).
fhir::Result<std::unique_ptr<Snapshot>> open_sqlite_view(SqliteOptions const& options);

/// FHIR logical ids for new resources; passed in so that tests can count from 1.
using IdSource = std::function<std::string()>;
/// Random UUIDs.
IdSource random_ids();

}  // namespace gateway::store
