#include "gateway/store/sqlite/unit.hpp"

#include "fhir/search/match.hpp"
#include "gateway/store/hash.hpp"
#include "gateway/store/instant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace gateway::store::sqlite {
namespace {

/// Conditional interactions need to know none, one or several; who asks for more says so in the query.
constexpr std::size_t kMatchesMax = 100;

std::string served_bytes(fhir::json::CanonicalBytes const& canonical, std::int64_t version_id,
                         std::int64_t last_updated) {
  return fhir::json::with_version(canonical, std::to_string(version_id), to_instant(last_updated));
}

std::optional<Version> copy_of(std::shared_ptr<Version const> const& version) {
  return version ? std::optional(*version) : std::nullopt;
}

/// The last of the entries for which `same` holds: a later write replaces an earlier one.
template <class Entries, class Same>
auto find_last(Entries& entries, Same same) -> decltype(&entries.front()) {
  auto const found = std::find_if(entries.rbegin(), entries.rend(), same);
  return found == entries.rend() ? nullptr : &*found;
}

}  // namespace

bool ChangeSet::writes() const {
  return std::any_of(resources.begin(), resources.end(), [](auto const& write) { return write.changed; }) ||
         !keys.empty() || !records.empty() || !events.empty() || !peers.empty() || journal ||
         !complements.empty() || !outbox.empty() || !outbox_updates.empty() || !sightings.empty() ||
         !sightings_finished.empty() || !partner_codes.empty() || !table_sets.empty() || !acts.empty() ||
         !packages.empty();
}

std::optional<std::size_t> UnitOfWork::find_pending(std::string_view type, std::string_view id) const {
  auto const found = pending_by_id_.find(ByName::View(type, id));
  if (found == pending_by_id_.end()) return std::nullopt;
  return found->second;
}

fhir::Result<std::shared_ptr<Version const>> UnitOfWork::read_version(std::string_view type,
                                                                      std::string_view id) {
  auto const known = versions_read_.find(ByName::View(type, id));
  if (known != versions_read_.end()) return known->second;
  FHIR_TRY(auto version, reader_.find(AccessPolicy::all(), type, id));
  set_.reads.versions.push_back({std::string(type), std::string(id), version ? version->version_id : 0});
  auto shared = version ? std::make_shared<Version const>(std::move(*version)) : nullptr;
  versions_read_.emplace(Name(type, id), shared);
  return shared;
}

UnitOfWork::PutResult UnitOfWork::put_result(std::size_t index) const {
  auto const& before = pending_[index].before;
  auto const previous = before ? before->version_id : 0;
  bool const changed = changes_[index].changed;
  return {changed ? previous + 1 : previous, changed, changed && (!before || before->deleted)};
}

/// The version as it will stand, but for lastUpdated, which the committer may still move forward.
std::optional<Version> UnitOfWork::preview(std::size_t index) const {
  auto const& pending = pending_[index];
  auto const& change = changes_[index];
  if (!change.changed) return copy_of(pending.before);
  Version version;
  version.type = change.type;
  version.id = change.id;
  version.version_id = put_result(index).version_id;
  version.last_updated_ms = std::max(now_ms_, pending.before ? pending.before->last_updated_ms + 1 : 0);
  version.deleted = pending.deleted;
  version.source = change.source;
  version.interaction = pending.interaction;
  if (!pending.deleted)
    version.content = served_bytes(pending.canonical, version.version_id, version.last_updated_ms);
  return version;
}

fhir::Result<std::optional<Version>> UnitOfWork::find(std::string_view type, std::string_view id) {
  if (auto const index = find_pending(type, id)) return preview(*index);
  FHIR_TRY(auto const version, read_version(type, id));
  return copy_of(version);
}

fhir::Result<std::optional<std::string>> UnitOfWork::find_key(std::string_view space, std::string_view key) {
  auto const* own =
      find_last(set_.keys, [&](KeyWrite const& write) { return write.space == space && write.key == key; });
  if (own != nullptr) return own->target;
  for (auto const& read : set_.reads.keys)
    if (read.space == space && read.key == key) return read.target;
  FHIR_TRY(auto target, reader_.find_key(space, key));
  set_.reads.keys.push_back({std::string(space), std::string(key), target});
  return target;
}

fhir::Result<std::vector<std::string>> UnitOfWork::keys_of(std::string_view space, std::string_view target) {
  std::vector<std::string> keys;
  auto const known = std::ranges::find_if(set_.reads.keys_of, [&](ReadSet::KeysOfRead const& read) {
    return read.space == space && read.target == target;
  });
  if (known != set_.reads.keys_of.end()) {
    keys = known->keys;
  } else {
    FHIR_TRY(keys, reader_.keys_of(space, target));
    set_.reads.keys_of.push_back({std::string(space), std::string(target), keys});
  }
  for (auto const& write : set_.keys) {
    if (write.space != space) continue;
    std::erase(keys, write.key);
    if (write.target == target) keys.push_back(write.key);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

fhir::Result<std::vector<Version>> UnitOfWork::match(fhir::search::Query const& query) {
  FHIR_TRY(auto plan, to_plan(query));
  ReadSet::MatchRead read{
      std::make_shared<SearchPlan const>(std::move(plan)), query.count.value_or(kMatchesMax), {}};
  FHIR_TRY(auto versions, reader_.run_match(*read.plan, read.count, read.found));
  set_.reads.matches.push_back(std::move(read));
  if (pending_.empty()) return versions;

  // Own writes replace what the index still says about them.
  std::erase_if(versions,
                [&](Version const& version) { return find_pending(version.type, version.id).has_value(); });
  for (std::size_t index = 0; index < pending_.size(); ++index) {
    auto const& change = changes_[index];
    if (change.after == nullptr || change.type != query.resource_type) continue;
    fhir::search::MatchSubject const subject{change.type, change.id, now_ms_};
    FHIR_TRY(bool const found, fhir::search::matches(query, subject, fhir::search::extract(*change.after)));
    if (found) versions.push_back(*preview(index));
  }
  return versions;
}

fhir::Result<std::optional<RecordRow>> UnitOfWork::find_record(std::string_view record_id) {
  auto const* own = find_last(set_.records, [&](RecordRow const& row) { return row.record_id == record_id; });
  if (own != nullptr) return std::optional(*own);
  FHIR_TRY(auto const revision, reader_.record_revision(record_id));
  set_.reads.records.push_back({std::string(record_id), revision});
  return reader_.find_record(record_id);
}

fhir::Result<std::vector<EventRow>> UnitOfWork::events(std::string_view record_id) {
  FHIR_TRY(auto events, reader_.events(record_id));
  set_.reads.chains.push_back({std::string(record_id), events.empty() ? 0 : events.back().seq});
  for (auto const& event : set_.events) {
    if (event.record_id == record_id) events.push_back(event);
  }
  return events;
}

fhir::Result<std::string> UnitOfWork::peer_state(std::string_view partner, std::string_view record_id) {
  auto const* own = find_last(set_.peers, [&](PeerWrite const& write) {
    return write.partner == partner && write.record_id == record_id;
  });
  if (own != nullptr) return own->state;
  FHIR_TRY(auto state, reader_.peer_state(partner, record_id));
  set_.reads.peers.push_back({std::string(partner), std::string(record_id), state});
  return state;
}

fhir::Result<std::optional<ComplementRow>> UnitOfWork::find_complement(std::string_view partner,
                                                                       std::string_view anchor,
                                                                       std::string_view family) {
  auto const* own = find_last(set_.complements, [&](ComplementRow const& row) {
    return row.partner == partner && row.anchor == anchor && row.family == family;
  });
  if (own != nullptr) return std::optional(*own);
  FHIR_TRY(auto row, reader_.find_complement(partner, anchor, family));
  set_.reads.complements.push_back(
      {std::string(partner), std::string(anchor), std::string(family), row ? row->journal_id : 0});
  return row;
}

fhir::Result<std::optional<JournalRow>> UnitOfWork::find_journal_by_key(std::string_view duplicate_key) {
  FHIR_TRY(auto const mark, reader_.journal_mark(duplicate_key));
  set_.reads.journals.push_back({std::string(duplicate_key), mark});
  if (mark.id == 0) return std::optional<JournalRow>{};
  return reader_.find_journal(mark.id);
}

fhir::Result<std::size_t> UnitOfWork::pending_for(std::string_view type, std::string_view id) {
  if (auto const index = find_pending(type, id)) return *index;
  FHIR_TRY(auto const before, read_version(type, id));
  std::size_t const index = pending_.size();
  pending_.push_back({before, false, {}, {}, {}});
  changes_.push_back({std::string(type), std::string(id), before, nullptr, false, {}});
  pending_by_id_.emplace(Name(type, id), index);
  return index;
}

fhir::Result<UnitOfWork::PutResult> UnitOfWork::put(fhir::json::Element const& resource,
                                                    std::string_view source, std::string_view interaction) {
  auto const type = resource.text_at("resourceType");
  auto const id = resource.text_at("id");
  if (type.empty() || id.empty())
    return fhir::error(fhir::IssueType::required, "A stored resource has a resourceType and an id.");
  FHIR_TRY(auto const index, pending_for(type, id));
  auto& pending = pending_[index];
  auto& change = changes_[index];
  pending.deleted = false;
  pending.after = fhir::json::deep_copy(arena_, resource);
  pending.canonical = fhir::json::to_canonical(pending.after);
  pending.interaction = interaction;
  auto const& before = pending.before;
  change.after = &pending.after;
  change.source = source;
  change.changed =
      !before || before->deleted ||
      served_bytes(pending.canonical, before->version_id, before->last_updated_ms) != before->content;
  return put_result(index);
}

fhir::Result<void> UnitOfWork::remove(std::string_view type, std::string_view id, std::string_view source) {
  FHIR_TRY(auto const index, pending_for(type, id));
  auto& pending = pending_[index];
  auto& change = changes_[index];
  pending.deleted = true;
  pending.interaction = "DELETE";
  change.after = nullptr;
  change.source = source;
  change.changed = pending.before && !pending.before->deleted;
  return {};
}

void UnitOfWork::put_key(std::string_view space, std::string_view key, std::string_view target) {
  set_.keys.push_back({std::string(space), std::string(key), std::string(target)});
}

void UnitOfWork::remove_key(std::string_view space, std::string_view key) {
  set_.keys.push_back({std::string(space), std::string(key), std::nullopt});
}

void UnitOfWork::put_record(RecordRow row) { set_.records.push_back(std::move(row)); }

fhir::Result<EventRow> UnitOfWork::add_event(std::string_view record_id, std::string body) {
  EventRow event;
  event.record_id = record_id;
  event.body = std::move(body);
  auto const* last = find_last(set_.events, [&](EventRow const& row) { return row.record_id == record_id; });
  if (last != nullptr) {
    event.seq = last->seq + 1;
    event.hash = chain_hash(last->hash, event.body);
  } else {
    FHIR_TRY(auto const head, reader_.chain_head(record_id));
    set_.reads.chains.push_back({event.record_id, head.seq});
    event.seq = head.seq + 1;
    event.hash = chain_hash(head.hash, event.body);
  }
  set_.events.push_back(event);
  return event;
}

void UnitOfWork::put_peer_state(std::string_view partner, std::string_view record_id,
                                std::string_view state) {
  set_.peers.push_back({std::string(partner), std::string(record_id), std::string(state)});
}

JournalRow& UnitOfWork::journal() {
  if (!set_.journal) set_.journal.emplace();
  return *set_.journal;
}

void UnitOfWork::put_complement(ComplementRow row) { set_.complements.push_back(std::move(row)); }

void UnitOfWork::add_outbox(OutboxRow row, std::string_view record_id) {
  set_.outbox.push_back({std::move(row), std::string(record_id)});
}

void UnitOfWork::update_outbox(OutboxRow row) { set_.outbox_updates.push_back(std::move(row)); }

void UnitOfWork::discard() {
  changes_.clear();
  pending_.clear();
  pending_by_id_.clear();
  versions_read_.clear();
  set_ = ChangeSet{};
}

fhir::Result<ChangeSet> UnitOfWork::finish() {
  // A new journal row claims its duplicate key, whether or not the computation looked it up first.
  if (set_.journal && set_.journal->id == 0 && !set_.journal->duplicate_key.empty() &&
      set_.journal->outcome != "conflict") {
    FHIR_TRY(auto const known, find_journal_by_key(set_.journal->duplicate_key));
    if (known)
      return fhir::error(fhir::IssueType::duplicate,
                         "A message with this duplicate key is in the journal already.");
  }
  if (!set_.journal && std::any_of(set_.complements.begin(), set_.complements.end(),
                                   [](ComplementRow const& row) { return row.journal_id == 0; }))
    return fhir::error(fhir::IssueType::exception,
                       "A complement of this message needs the message's journal row.");
  set_.read_seq = reader_.commit_seq();
  set_.resources.reserve(pending_.size());
  for (std::size_t index = 0; index < pending_.size(); ++index) {
    auto& pending = pending_[index];
    auto& change = changes_[index];
    if (!change.changed && (!pending.before || pending.deleted))
      continue;  // put and removed again, or never there
    ResourceWrite write;
    write.type = change.type;
    write.id = change.id;
    write.previous_version = pending.before ? pending.before->version_id : 0;
    write.previous_last_updated = pending.before ? pending.before->last_updated_ms : 0;
    write.deleted = pending.deleted;
    write.changed = change.changed;
    write.source = change.source;
    write.interaction = pending.interaction;
    if (!write.changed) {
      write.current = *pending.before;
    } else if (!write.deleted) {
      write.rows = to_index_rows(pending.after);
      write.canonical = std::move(pending.canonical);
    }
    set_.resources.push_back(std::move(write));
  }
  return std::move(set_);
}

fhir::Result<ChangeSet> compute_unit(Reader& reader, std::int64_t now_ms, Compute const& compute) {
  try {
    UnitOfWork unit(reader, now_ms);
    FHIR_CHECK(compute(unit));
    return unit.finish();
  } catch (std::exception const& failure) {
    return fhir::error(fhir::IssueType::exception, fmt::format("A computation failed: {}.", failure.what()));
  }
}

Receipt unchanged_receipt(ChangeSet& set) {
  Receipt receipt;
  receipt.commit_seq = set.read_seq;
  for (auto& resource : set.resources) receipt.versions.push_back(std::move(resource.current));
  return receipt;
}

}  // namespace gateway::store::sqlite
