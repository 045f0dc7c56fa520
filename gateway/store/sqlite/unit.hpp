/// A Unit over one connection's view: collects reads and writes, and turns into a ChangeSet.
#pragma once

#include "gateway/store/sqlite/change_set.hpp"

#include <deque>
#include <map>

namespace gateway::store::sqlite {

class UnitOfWork final : public Unit {
 public:
  UnitOfWork(Reader& reader, std::int64_t now_ms) : reader_(reader), now_ms_(now_ms) {}

  Snapshot& snapshot() override { return reader_; }
  std::int64_t now_ms() const override { return now_ms_; }

  fhir::Result<std::optional<Version>> find(std::string_view type, std::string_view id) override;
  fhir::Result<std::optional<std::string>> find_key(std::string_view space, std::string_view key) override;
  fhir::Result<std::vector<std::string>> keys_of(std::string_view space, std::string_view target) override;
  fhir::Result<std::vector<Version>> match(fhir::search::Query const& query) override;
  fhir::Result<std::optional<RecordRow>> find_record(std::string_view record_id) override;
  fhir::Result<std::vector<EventRow>> events(std::string_view record_id) override;
  fhir::Result<std::string> peer_state(std::string_view partner, std::string_view record_id) override;
  fhir::Result<std::optional<ComplementRow>> find_complement(std::string_view partner,
                                                             std::string_view anchor,
                                                             std::string_view family) override;
  fhir::Result<std::optional<JournalRow>> find_journal_by_key(std::string_view duplicate_key) override;

  fhir::Result<PutResult> put(fhir::json::Element const& resource, std::string_view source,
                              std::string_view interaction) override;
  fhir::Result<void> remove(std::string_view type, std::string_view id, std::string_view source) override;
  void put_key(std::string_view space, std::string_view key, std::string_view target) override;
  void remove_key(std::string_view space, std::string_view key) override;
  void put_record(RecordRow row) override;
  fhir::Result<EventRow> add_event(std::string_view record_id, std::string body) override;
  void put_peer_state(std::string_view partner, std::string_view record_id, std::string_view state) override;
  JournalRow& journal() override;
  void put_complement(ComplementRow row) override;
  void add_outbox(OutboxRow row, std::string_view record_id) override;
  void update_outbox(OutboxRow row) override;

  void note_sighting(std::string_view record_id) override { set_.sightings.emplace_back(record_id); }
  void finish_sighting(SightingMessage message) override {
    set_.sightings_finished.push_back(std::move(message));
  }
  void put_partner_code(PartnerCode code) override { set_.partner_codes.push_back(std::move(code)); }
  void put_table_set(TableSet set) override { set_.table_sets.push_back(std::move(set)); }
  void add_act(OperatorAct act) override { set_.acts.push_back(std::move(act)); }
  void put_package(FhirPackage package) override { set_.packages.push_back(std::move(package)); }
  void remove_package(std::string_view name, std::string_view version) override {
    set_.packages.push_back({std::string(name), std::string(version), 0, {}, {}});
  }

  std::vector<Change> const& changes() const override { return changes_; }
  fhir::json::Arena& arena() override { return arena_; }
  void discard() override;

  /// Ends the Unit: index rows are made, the duplicate key is checked, and all is handed over.
  fhir::Result<ChangeSet> finish();

 private:
  /// A resource this Unit writes; changes_[n] and pending_[n] are the same resource.
  struct Pending {
    std::shared_ptr<Version const> before;
    bool deleted = false;
    fhir::json::Element after;
    fhir::json::CanonicalBytes canonical;
    std::string interaction;
  };
  using Name = std::pair<std::string, std::string>;  // type and id
  struct ByName {
    using is_transparent = void;
    using View = std::pair<std::string_view, std::string_view>;
    template <class A, class B>
    bool operator()(A const& left, B const& right) const {
      return View(left) < View(right);
    }
  };
  std::optional<std::size_t> find_pending(std::string_view type, std::string_view id) const;
  fhir::Result<std::size_t> pending_for(std::string_view type, std::string_view id);
  PutResult put_result(std::size_t index) const;
  std::optional<Version> preview(std::size_t index) const;
  /// What the view has, read once; nullptr: it was never there.
  fhir::Result<std::shared_ptr<Version const>> read_version(std::string_view type, std::string_view id);

  Reader& reader_;
  std::int64_t now_ms_;
  fhir::json::Arena arena_;
  std::vector<Change> changes_;
  std::deque<Pending> pending_;
  std::map<Name, std::size_t, ByName> pending_by_id_;
  std::map<Name, std::shared_ptr<Version const>, ByName> versions_read_;
  ChangeSet set_;
};

/// Runs a computation on what `reader` sees. What it throws becomes an Issue.
fhir::Result<ChangeSet> compute_unit(Reader& reader, std::int64_t now_ms, Compute const& compute);

/// For a set that writes nothing: what it would have put stands already.
Receipt unchanged_receipt(ChangeSet& set);

}  // namespace gateway::store::sqlite
