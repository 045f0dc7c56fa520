/// A Store over another one whose Units throw where a test says so: a broken invariant of ours, injected
/// through the interface that the rooms above use.
#pragma once

#include "gateway/store/store.hpp"

#include <atomic>
#include <stdexcept>
#include <utility>

namespace support {

/// Passes everything on; put() throws while `broken` is set, with a payload in its text.
class BrokenUnit final : public gateway::store::Unit {
 public:
  explicit BrokenUnit(gateway::store::Unit& unit) : unit_(unit) {}

  gateway::store::Snapshot& snapshot() override { return unit_.snapshot(); }
  std::int64_t now_ms() const override { return unit_.now_ms(); }
  fhir::Result<std::optional<gateway::store::Version>> find(std::string_view type,
                                                            std::string_view id) override {
    return unit_.find(type, id);
  }
  fhir::Result<std::optional<std::string>> find_key(std::string_view space, std::string_view key) override {
    return unit_.find_key(space, key);
  }
  fhir::Result<std::vector<std::string>> keys_of(std::string_view space, std::string_view target) override {
    return unit_.keys_of(space, target);
  }
  fhir::Result<std::vector<gateway::store::Version>> match(fhir::search::Query const& query) override {
    return unit_.match(query);
  }
  fhir::Result<std::optional<gateway::store::RecordRow>> find_record(std::string_view record_id) override {
    return unit_.find_record(record_id);
  }
  fhir::Result<std::vector<gateway::store::EventRow>> events(std::string_view record_id) override {
    return unit_.events(record_id);
  }
  fhir::Result<std::string> peer_state(std::string_view partner, std::string_view record_id) override {
    return unit_.peer_state(partner, record_id);
  }
  fhir::Result<std::optional<gateway::store::ComplementRow>> find_complement(
      std::string_view partner, std::string_view anchor, std::string_view family) override {
    return unit_.find_complement(partner, anchor, family);
  }
  fhir::Result<std::optional<gateway::store::JournalRow>> find_journal_by_key(std::string_view key) override {
    return unit_.find_journal_by_key(key);
  }
  fhir::Result<PutResult> put(fhir::json::Element const&, std::string_view, std::string_view) override {
    throw std::logic_error("a patient called Mason broke it");
  }
  fhir::Result<void> remove(std::string_view type, std::string_view id, std::string_view source) override {
    return unit_.remove(type, id, source);
  }
  void put_key(std::string_view space, std::string_view key, std::string_view target) override {
    unit_.put_key(space, key, target);
  }
  void remove_key(std::string_view space, std::string_view key) override { unit_.remove_key(space, key); }
  void put_record(gateway::store::RecordRow row) override { unit_.put_record(std::move(row)); }
  fhir::Result<gateway::store::EventRow> add_event(std::string_view record_id, std::string body) override {
    return unit_.add_event(record_id, std::move(body));
  }
  void put_peer_state(std::string_view partner, std::string_view record_id, std::string_view state) override {
    unit_.put_peer_state(partner, record_id, state);
  }
  gateway::store::JournalRow& journal() override { return unit_.journal(); }
  void put_complement(gateway::store::ComplementRow row) override { unit_.put_complement(std::move(row)); }
  void add_outbox(gateway::store::OutboxRow row, std::string_view record_id) override {
    unit_.add_outbox(std::move(row), record_id);
  }
  void update_outbox(gateway::store::OutboxRow row) override { unit_.update_outbox(std::move(row)); }
  void note_sighting(std::string_view record_id) override { unit_.note_sighting(record_id); }
  void finish_sighting(gateway::store::SightingMessage message) override {
    unit_.finish_sighting(std::move(message));
  }
  void put_partner_code(gateway::store::PartnerCode code) override {
    unit_.put_partner_code(std::move(code));
  }
  void put_table_set(gateway::store::TableSet set) override { unit_.put_table_set(std::move(set)); }
  void add_act(gateway::store::OperatorAct act) override { unit_.add_act(std::move(act)); }
  void put_package(gateway::store::FhirPackage package) override { unit_.put_package(std::move(package)); }
  void remove_package(std::string_view name, std::string_view version) override {
    unit_.remove_package(name, version);
  }
  std::vector<Change> const& changes() const override { return unit_.changes(); }
  fhir::json::Arena& arena() override { return unit_.arena(); }
  void discard() override { unit_.discard(); }

 private:
  gateway::store::Unit& unit_;
};

class BrokenStore final : public gateway::store::Store {
 public:
  explicit BrokenStore(gateway::store::Store& store) : store_(store) {}

  std::atomic<bool> broken{false};

  fhir::Result<std::unique_ptr<gateway::store::Snapshot>> snapshot() override { return store_.snapshot(); }
  void commit(gateway::store::Compute compute, gateway::store::Committed done) override {
    store_.commit(
        [this, compute = std::move(compute)](gateway::store::Unit& unit) -> fhir::Result<void> {
          if (!broken) return compute(unit);
          BrokenUnit throws(unit);
          return compute(throws);
        },
        std::move(done));
  }
  void on_commit(std::function<void(std::int64_t)> listener) override {
    store_.on_commit(std::move(listener));
  }
  void wait_until_idle() override { store_.wait_until_idle(); }
  gateway::store::StoreStats stats() const override { return store_.stats(); }
  bool accepts_writes() const override { return store_.accepts_writes(); }
  fhir::Issues check() override { return store_.check(); }

 private:
  gateway::store::Store& store_;
};

}  // namespace support
