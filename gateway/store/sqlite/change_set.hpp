/// What a Unit computed, ready for the committer: all that it read and all that it writes.
#pragma once

#include "fhir/json/canonical.hpp"
#include "gateway/store/index_rows.hpp"
#include "gateway/store/sqlite/reader.hpp"
#include "gateway/store/sqlite/search_plan.hpp"
#include "gateway/store/store.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gateway::store::sqlite {

/// The read set: each entry holds what was seen, to be compared inside the transaction.
struct ReadSet {
  struct VersionRead {
    std::string type, id;
    std::int64_t version_id;  ///< 0: absent
  };
  struct KeyRead {
    std::string space, key;
    std::optional<std::string> target;
  };
  struct KeysOfRead {
    std::string space, target;
    std::vector<std::string> keys;
  };
  struct MatchRead {
    std::shared_ptr<SearchPlan const> plan;
    std::size_t count;
    std::vector<std::pair<std::int64_t, std::int64_t>> found;  ///< resource key, version id
  };
  struct RecordRead {
    std::string record_id;
    std::int64_t revision;
  };
  struct ChainRead {
    std::string record_id;
    std::int64_t seq;
  };
  struct PeerRead {
    std::string partner, record_id, state;
  };
  struct ComplementRead {
    std::string partner, anchor, family;
    std::int64_t journal_id;  ///< 0: absent
  };
  struct JournalRead {
    std::string duplicate_key;
    Reader::JournalMark mark;
  };

  std::vector<VersionRead> versions;
  std::vector<KeyRead> keys;
  std::vector<KeysOfRead> keys_of;
  std::vector<MatchRead> matches;
  std::vector<RecordRead> records;
  std::vector<ChainRead> chains;
  std::vector<PeerRead> peers;
  std::vector<ComplementRead> complements;
  std::vector<JournalRead> journals;
};

/// One resource's next version, complete but for what only the committer knows.
struct ResourceWrite {
  std::string type, id;
  std::int64_t previous_version = 0;  ///< 0: new
  std::int64_t previous_last_updated = 0;
  bool deleted = false;
  bool changed = false;  ///< False: equal bytes, nothing is written; `current` says what stands.
  fhir::json::CanonicalBytes canonical;
  std::string source, interaction;
  std::vector<IndexRow> rows;
  IndexRow last_updated_row;  ///< The committer's own.
  Version current;
};

struct KeyWrite {
  std::string space, key;
  std::optional<std::string> target;  ///< Nothing: removed.
};

struct PeerWrite {
  std::string partner, record_id, state;
};

struct OutboxWrite {
  OutboxRow row;
  std::string record_id;
};

struct ChangeSet {
  std::int64_t read_seq = 0;  ///< The snapshot it was computed on.
  ReadSet reads;
  std::vector<ResourceWrite> resources;
  std::vector<KeyWrite> keys;
  std::vector<RecordRow> records;
  std::vector<EventRow> events;
  std::vector<PeerWrite> peers;
  std::optional<JournalRow> journal;
  std::vector<ComplementRow> complements;
  std::vector<OutboxWrite> outbox;
  std::vector<OutboxRow> outbox_updates;
  std::vector<std::string> sightings;
  std::vector<SightingMessage> sightings_finished;
  std::vector<PartnerCode> partner_codes;
  std::vector<TableSet> table_sets;
  std::vector<OperatorAct> acts;
  std::vector<FhirPackage> packages;  ///< Without bytes: removed.

  bool writes() const;
};

}  // namespace gateway::store::sqlite
