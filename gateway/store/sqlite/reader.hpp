/// Reading the store over one connection: as a Snapshot for callers, and inside the committer's own
/// transaction.
#pragma once

#include "gateway/store/sqlite/database.hpp"
#include "gateway/store/sqlite/parameters.hpp"
#include "gateway/store/sqlite/rows.hpp"
#include "gateway/store/sqlite/search_plan.hpp"
#include "gateway/store/store.hpp"

#include <atomic>
#include <string>

namespace gateway::store::sqlite {

/// What all connections of a store share.
struct Shared {
  Parameters parameters;
  std::atomic<std::uint64_t> corrupt_rows{0};
  std::atomic<bool> failed{false};  ///< A write or sync failed: no connection checkpoints any more.
};

/// The CRC32C kept beside a version: over its identity too, so that bytes under the wrong name are found as
/// well.
std::uint32_t crc_of(std::string_view type, std::string_view id, std::int64_t version_id,
                     std::string_view content);

struct StoreState {
  std::int64_t commit_seq = 0;
  std::int64_t last_updated = 0;
  std::int64_t purged_seq = 0;
};
fhir::Result<StoreState> read_state(Database& database);

/// Sees what its connection's transaction sees. `commit_seq` is the newest one visible.
class Reader : public Snapshot {
 public:
  Reader(Database& database, Shared& shared, std::int64_t commit_seq, std::int64_t purged_seq)
      : database_(database), shared_(shared), commit_seq_(commit_seq), purged_seq_(purged_seq) {}

  Database& database() { return database_; }
  std::int64_t commit_seq() const override { return commit_seq_; }
  fhir::Result<std::optional<Version>> find(AccessPolicy const&, std::string_view type,
                                            std::string_view id) override;
  fhir::Result<std::optional<Version>> find_version(AccessPolicy const&, std::string_view type,
                                                    std::string_view id, std::int64_t version_id) override;
  fhir::Result<HistoryPage> history(AccessPolicy const&, std::string_view type, std::string_view id,
                                    std::int64_t since_ms, std::size_t count,
                                    std::string_view cursor) override;
  fhir::Result<SearchPage> search(AccessPolicy const&, fhir::search::Query const& query) override;

  fhir::Result<std::optional<std::string>> find_key(std::string_view space, std::string_view key) override;
  fhir::Result<std::vector<std::string>> keys_of(std::string_view space, std::string_view target) override;

  fhir::Result<std::optional<JournalRow>> find_journal(std::int64_t id) override;
  fhir::Result<std::optional<JournalRow>> find_journal_by_key(std::string_view duplicate_key) override;
  fhir::Result<std::vector<JournalRow>> list_journal(std::int64_t before_id, std::size_t count,
                                                     std::string_view outcome) override;
  fhir::Result<std::optional<ComplementRow>> find_complement(std::string_view partner,
                                                             std::string_view anchor,
                                                             std::string_view family) override;
  fhir::Result<std::vector<EventRow>> events(std::string_view record_id) override;
  fhir::Result<std::optional<RecordRow>> find_record(std::string_view record_id) override;
  fhir::Result<std::vector<RecordRow>> list_records(std::string_view kind, std::string_view person,
                                                    std::string_view owner, std::size_t count,
                                                    RecordPlace const& after) override;
  fhir::Result<std::size_t> count_records(std::string_view kind) override;
  fhir::Result<std::string> peer_state(std::string_view partner, std::string_view record_id) override;
  fhir::Result<std::vector<OutboxRow>> outbox(std::string_view destination, std::size_t count) override;
  fhir::Result<std::vector<std::string>> outbox_destinations() override;
  fhir::Result<std::vector<OutboxRow>> outbox_of_record(std::string_view record_id) override;
  fhir::Result<std::optional<OutboxRow>> find_outbox(std::int64_t id) override;
  fhir::Result<std::vector<OutboxCount>> outbox_counts() override;
  fhir::Result<Sighting> sighting(std::string_view record_id) override;
  fhir::Result<std::vector<std::int64_t>> messages_of(std::string_view record_id) override;
  fhir::Result<std::vector<SightingMessage>> messages_to_requeue(std::string_view state,
                                                                 std::size_t count) override;
  fhir::Result<std::vector<PartnerCode>> partner_codes() override;
  fhir::Result<std::vector<FhirPackage>> packages() override;
  fhir::Result<std::optional<TableSet>> find_table_set(std::string_view hash) override;
  fhir::Result<std::vector<OperatorAct>> list_acts(std::int64_t before_id, std::size_t count) override;
  fhir::Result<void> rehearse(std::int64_t now_ms, Compute const& compute) override;

  // What a read set checks again: cheaper than the rows themselves.
  fhir::Result<std::int64_t> version_of(std::string_view type, std::string_view id);  ///< 0: never there.
  fhir::Result<std::int64_t> record_revision(std::string_view record_id);             ///< 0: absent.
  struct ChainHead {
    std::int64_t seq = 0;  ///< 0: no event yet.
    std::string hash;
  };
  fhir::Result<ChainHead> chain_head(std::string_view record_id);
  struct JournalMark {
    std::int64_t id = 0;
    std::int64_t revision = 0;
    friend bool operator==(JournalMark const&, JournalMark const&) = default;
  };
  fhir::Result<JournalMark> journal_mark(std::string_view duplicate_key);

  /// What a conditional query finds, at most `count`, in key order: (resource key, version id).
  using Marks = std::vector<std::pair<std::int64_t, std::int64_t>>;
  fhir::Result<Marks> match_marks(SearchPlan const& plan, std::size_t count);
  /// The same with the versions themselves.
  fhir::Result<std::vector<Version>> run_match(SearchPlan const& plan, std::size_t count, Marks& marks);

  /// The version that stood at a commit_seq; a corrupt one is nothing, and an Issue more.
  fhir::Result<std::optional<Version>> version_at(std::int64_t resource_key, std::int64_t seq,
                                                  fhir::Issues& issues);
  /// The version a row holds, or the Issue that says its bytes are not what was stored.
  fhir::Result<Version> version_in(Statement const& row);

 private:
  Database& database_;
  Shared& shared_;
  std::int64_t commit_seq_;
  std::int64_t purged_seq_;
};

}  // namespace gateway::store::sqlite
