#include "gateway/store/sqlite/reader.hpp"

#include "gateway/store/crc32c.hpp"
#include "gateway/store/sqlite/rows.hpp"

#include <fmt/format.h>

#include <charconv>

namespace gateway::store::sqlite {
namespace {

constexpr std::string_view kSelectState =
    "SELECT commit_seq, last_updated, purged_seq FROM store_state WHERE one = 1";

constexpr std::string_view kSelectCurrent = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key
  WHERE r.type = $1 AND r.id = $2
  ORDER BY v.version_id DESC LIMIT 1)";  // newest row wins; a deleted one means 410, not 404

constexpr std::string_view kSelectVersion = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key AND v.version_id = $3
  WHERE r.type = $1 AND r.id = $2)";

constexpr std::string_view kSelectHistoryOfOne = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id, v.version_key
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key
  WHERE r.type = $1 AND r.id = $2 AND v.version_key < $3 AND v.last_updated >= $4
  ORDER BY v.version_id DESC LIMIT $5)";

constexpr std::string_view kSelectHistoryOfType = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id, v.version_key
  FROM resource_version v CROSS JOIN resource r ON r.resource_key = v.resource_key
  WHERE v.type = $1 AND v.version_key < $3 AND v.last_updated >= $4 AND $2 = ''
  ORDER BY v.version_key DESC LIMIT $5)";

constexpr std::string_view kSelectHistoryOfAll = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id, v.version_key
  FROM resource_version v CROSS JOIN resource r ON r.resource_key = v.resource_key
  WHERE v.version_key < $3 AND v.last_updated >= $4 AND $1 = '' AND $2 = ''
  ORDER BY v.version_key DESC LIMIT $5)";

constexpr std::string_view kCountHistoryOfOne = R"(
  SELECT count(*)
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key
  WHERE r.type = $1 AND r.id = $2 AND v.last_updated >= $3)";

constexpr std::string_view kCountHistoryOfType = R"(
  SELECT count(*) FROM resource_version v WHERE v.type = $1 AND v.last_updated >= $3 AND $2 = '')";

constexpr std::string_view kCountHistoryOfAll = R"(
  SELECT count(*) FROM resource_version v WHERE v.last_updated >= $3 AND $1 = '' AND $2 = '')";

// Without _since the counts need no look at the rows: the indexes answer them.
constexpr std::string_view kCountAllOfOne = R"(
  SELECT count(*)
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key
  WHERE r.type = $1 AND r.id = $2)";

constexpr std::string_view kCountAllOfType =
    "SELECT count(*) FROM resource_version v WHERE v.type = $1 AND $2 = ''";

constexpr std::string_view kCountAll = "SELECT count(*) FROM resource_version v WHERE $1 = '' AND $2 = ''";

constexpr std::string_view kSelectVersionId = R"(
  SELECT v.version_id
  FROM resource r CROSS JOIN resource_version v ON v.resource_key = r.resource_key
  WHERE r.type = $1 AND r.id = $2
  ORDER BY v.version_id DESC LIMIT 1)";

constexpr std::string_view kSelectKey = "SELECT target FROM business_key WHERE space = $1 AND name = $2";

constexpr std::string_view kSelectKeysOf =
    "SELECT name FROM business_key WHERE space = $1 AND target = $2 ORDER BY name";

constexpr std::string_view kSelectJournal = R"(
  SELECT journal_id, received, feed, partner, format, duplicate_key, content_hash, kind, outcome, answer, issues,
         maps_hash, raw
  FROM journal WHERE journal_id = $1)";

constexpr std::string_view kSelectJournalByKey = R"(
  SELECT journal_id, received, feed, partner, format, duplicate_key, content_hash, kind, outcome, answer, issues,
         maps_hash, raw
  FROM journal WHERE duplicate_key = $1 AND duplicate_key <> '' AND outcome <> 'conflict')";

constexpr std::string_view kSelectJournalMark = R"(
  SELECT journal_id, revision
  FROM journal WHERE duplicate_key = $1 AND duplicate_key <> '' AND outcome <> 'conflict')";

constexpr std::string_view kSelectJournalBefore = R"(
  SELECT journal_id, received, feed, partner, format, duplicate_key, content_hash, kind, outcome, answer, issues,
         maps_hash, raw
  FROM journal WHERE journal_id < $1
  ORDER BY journal_id DESC LIMIT $2)";

constexpr std::string_view kSelectJournalBeforeByOutcome = R"(
  SELECT journal_id, received, feed, partner, format, duplicate_key, content_hash, kind, outcome, answer, issues,
         maps_hash, raw
  FROM journal WHERE outcome = $3 AND journal_id < $1
  ORDER BY journal_id DESC LIMIT $2)";

constexpr std::string_view kSelectComplement =
    "SELECT journal_id FROM complement WHERE partner = $1 AND anchor = $2 AND family = $3";

constexpr std::string_view kSelectEvents =
    "SELECT seq, body, hash, commit_seq FROM record_event WHERE record_id = $1 ORDER BY seq";

constexpr std::string_view kSelectChainHead =
    "SELECT seq, hash FROM record_event WHERE record_id = $1 ORDER BY seq DESC LIMIT 1";

constexpr std::string_view kSelectRecord = R"(
  SELECT record_id, kind, person, state, owner, since, due, open, body FROM record WHERE record_id = $1)";

constexpr std::string_view kSelectRecordRevision = "SELECT revision FROM record WHERE record_id = $1";

// One per index: the narrowest of the three names given leads, the others filter.
constexpr std::string_view kSelectRecordsOfPerson = R"(
  SELECT record_id, kind, person, state, owner, since, due, open, body FROM record
  WHERE person = $2 AND open = 1 AND ($1 = '' OR kind = $1) AND ($3 = '' OR owner = $3)
  AND (due, record_id) > ($5, $6) ORDER BY due, record_id LIMIT $4)";
constexpr std::string_view kSelectRecordsOfOwner = R"(
  SELECT record_id, kind, person, state, owner, since, due, open, body FROM record
  WHERE owner = $3 AND open = 1 AND ($1 = '' OR kind = $1) AND ($2 = '' OR person = $2)
  AND (due, record_id) > ($5, $6) ORDER BY due, record_id LIMIT $4)";
constexpr std::string_view kSelectRecordsOfKind = R"(
  SELECT record_id, kind, person, state, owner, since, due, open, body FROM record
  WHERE kind = $1 AND open = 1 AND ($2 = '' OR person = $2) AND ($3 = '' OR owner = $3)
  AND (due, record_id) > ($5, $6) ORDER BY due, record_id LIMIT $4)";
constexpr std::string_view kSelectRecordsAll = R"(
  SELECT record_id, kind, person, state, owner, since, due, open, body FROM record INDEXED BY record_open_by_due
  WHERE open = 1 AND ($1 = '' OR kind = $1) AND ($2 = '' OR person = $2) AND ($3 = '' OR owner = $3)
  AND (due, record_id) > ($5, $6) ORDER BY due, record_id LIMIT $4)";

constexpr std::string_view kCountRecords = "SELECT count(*) FROM record WHERE kind = $1 AND open = 1";

constexpr std::string_view kSelectPeerState =
    "SELECT state FROM peer_state WHERE partner = $1 AND record_id = $2";

constexpr std::string_view kSelectOutbox = R"(
  SELECT outbox_id, destination, order_key, kind, request, control_id, rendered, state, attempts, next_attempt,
         created, last_outcome, resent
  FROM outbox WHERE destination = $1 AND state IN (0, 1, 4)
  ORDER BY outbox_id LIMIT $2)";

constexpr std::string_view kSelectOutboxDestinations =
    "SELECT DISTINCT destination FROM outbox WHERE state IN (0, 1, 4) ORDER BY destination";

constexpr std::string_view kSelectOutboxOfRecord = R"(
  SELECT outbox_id, destination, order_key, kind, request, control_id, rendered, state, attempts, next_attempt,
         created, last_outcome, resent
  FROM outbox WHERE record_id = $1
  ORDER BY outbox_id)";

constexpr std::string_view kSelectOutboxRow = R"(
  SELECT outbox_id, destination, order_key, kind, request, control_id, rendered, state, attempts, next_attempt,
         created, last_outcome, resent
  FROM outbox WHERE outbox_id = $1)";

constexpr std::string_view kSelectOutboxCounts = R"(
  SELECT destination, state, count(*), min(created)
  FROM outbox WHERE state IN (0, 1, 4)
  GROUP BY destination, state ORDER BY destination, state)";

JournalRow journal_in(Statement const& row) {
  JournalRow journal;
  journal.id = row.integer(0);
  journal.received_ms = row.integer(1);
  journal.feed = row.text(2);
  journal.partner = row.text(3);
  journal.format = row.text(4);
  journal.duplicate_key = row.text(5);
  journal.content_hash = row.text(6);
  journal.kind = row.text(7);
  journal.outcome = row.text(8);
  journal.answer = row.text(9);
  journal.issues = row.text(10);
  journal.maps_hash = row.text(11);
  journal.raw = row.text(12);
  return journal;
}

RecordRow record_in(Statement const& row) {
  RecordRow record;
  record.record_id = row.text(0);
  record.kind = row.text(1);
  record.person = row.text(2);
  record.state = row.text(3);
  record.owner = row.text(4);
  record.since_ms = row.integer(5);
  record.due_ms = row.integer(6) == kNever ? 0 : row.integer(6);
  record.open = row.integer(7) != 0;
  record.body = row.text(8);
  return record;
}

OutboxRow outbox_in(Statement const& row) {
  OutboxRow outbox;
  outbox.id = row.integer(0);
  outbox.destination = row.text(1);
  outbox.order_key = row.text(2);
  outbox.kind = row.text(3);
  outbox.request = row.text(4);
  outbox.control_id = row.text(5);
  outbox.rendered = row.text(6);
  outbox.state = static_cast<OutboxState>(row.integer(7));
  outbox.attempts = row.integer(8);
  outbox.next_attempt_ms = row.integer(9);
  outbox.created_ms = row.integer(10);
  outbox.last_outcome = row.text(11);
  outbox.resent = row.integer(12);
  return outbox;
}

OutboxCount outbox_count_in(Statement const& row) {
  return {std::string(row.text(0)), static_cast<OutboxState>(row.integer(1)), row.integer(2), row.integer(3)};
}

/// Where a page of history ended: the last version_key shown and the total of the first page.
struct HistoryCursor {
  std::int64_t before = kNever;
  std::int64_t total = -1;
};

fhir::Result<HistoryCursor> parse_history_cursor(std::string_view text) {
  HistoryCursor cursor;
  if (text.empty()) return cursor;
  char const* const end = text.data() + text.size();
  auto const [middle, first] = std::from_chars(text.data(), end, cursor.before);
  if (first == std::errc{} && middle != end && *middle == '.') {
    auto const [last, second] = std::from_chars(middle + 1, end, cursor.total);
    if (second == std::errc{} && last == end) return cursor;
  }
  return fhir::error(fhir::IssueType::value, "This is not a page cursor of a history.");
}

}  // namespace

std::uint32_t crc_of(std::string_view type, std::string_view id, std::int64_t version_id,
                     std::string_view content) {
  char digits[24];
  auto const [end, failed] = std::to_chars(std::begin(digits), std::end(digits), version_id);
  std::uint32_t crc = crc32c(type);
  crc = crc32c("/", crc);
  crc = crc32c(id, crc);
  crc = crc32c("/", crc);
  crc = crc32c({digits, static_cast<std::size_t>(end - digits)}, crc);
  return crc32c(content, crc);
}

fhir::Result<StoreState> read_state(Database& database) {
  auto statement = database.prepare(kSelectState);
  FHIR_TRY(bool const found, statement.step());
  if (!found) return fhir::error(fhir::IssueType::exception, "The store's state row is missing.");
  return StoreState{statement.integer(0), statement.integer(1), statement.integer(2)};
}

fhir::Result<Version> Reader::version_in(Statement const& row) {
  Version version;
  version.type = row.text(0);
  version.id = row.text(1);
  version.version_id = row.integer(2);
  version.last_updated_ms = row.integer(3);
  version.commit_seq = row.integer(4);
  version.deleted = row.integer(5) != 0;
  version.source = row.text(6);
  version.interaction = row.text(7);
  version.content = row.text(9);
  version.journal_id = row.integer(10);
  if (crc_of(version.type, version.id, version.version_id, version.content) != row.integer(8)) {
    shared_.corrupt_rows.fetch_add(1, std::memory_order_relaxed);
    return fhir::error(fhir::IssueType::exception,
                       fmt::format("The stored bytes of {}/{} version {} do not match their checksum.",
                                   version.type, version.id, version.version_id));
  }
  return version;
}

fhir::Result<std::optional<Version>> Reader::find(AccessPolicy const& policy, std::string_view type,
                                                  std::string_view id) {
  if (!policy.everything) return std::optional<Version>{};
  auto statement = database_.prepare(kSelectCurrent);
  statement.bind(1, type).bind(2, id);
  FHIR_TRY(bool const found, statement.step());
  if (!found) return std::optional<Version>{};
  FHIR_TRY(auto version, version_in(statement));
  return std::optional{std::move(version)};
}

fhir::Result<std::optional<Version>> Reader::find_version(AccessPolicy const& policy, std::string_view type,
                                                          std::string_view id, std::int64_t version_id) {
  if (!policy.everything) return std::optional<Version>{};
  auto statement = database_.prepare(kSelectVersion);
  statement.bind(1, type).bind(2, id).bind(3, version_id);
  FHIR_TRY(bool const found, statement.step());
  if (!found) return std::optional<Version>{};
  FHIR_TRY(auto version, version_in(statement));
  return std::optional{std::move(version)};
}

fhir::Result<HistoryPage> Reader::history(AccessPolicy const& policy, std::string_view type,
                                          std::string_view id, std::int64_t since_ms, std::size_t count,
                                          std::string_view cursor) {
  HistoryPage page;
  if (!policy.everything) return page;
  FHIR_TRY(auto from, parse_history_cursor(cursor));
  auto const of = [&](std::string_view one, std::string_view of_type, std::string_view all) {
    return !id.empty() ? one : !type.empty() ? of_type : all;
  };
  if (from.total < 0) {
    bool const whole = since_ms <= 0;
    auto counting =
        database_.prepare(whole ? of(kCountAllOfOne, kCountAllOfType, kCountAll)
                                : of(kCountHistoryOfOne, kCountHistoryOfType, kCountHistoryOfAll));
    counting.bind(1, type).bind(2, id);
    if (!whole) counting.bind(3, since_ms);
    FHIR_TRY(auto total, first_row(counting, first_integer));
    from.total = total.value_or(0);
  }
  page.total = from.total;
  if (count == 0) return page;

  auto statement = database_.prepare(of(kSelectHistoryOfOne, kSelectHistoryOfType, kSelectHistoryOfAll));
  statement.bind(1, type).bind(2, id).bind(3, from.before).bind(4, since_ms).bind(5, as_limit(count) + 1);
  std::size_t seen = 0;
  for (;; ++seen) {
    FHIR_TRY(bool const more, statement.step());
    if (!more) return page;
    if (seen == count) break;
    from.before = statement.integer(11);
    auto version = version_in(statement);
    if (version) {
      page.versions.push_back(std::move(*version));
    } else {
      page.issues.push_back(std::move(version).error());
    }
  }
  page.next_cursor = fmt::format("{}.{}", from.before, from.total);
  return page;
}

fhir::Result<std::optional<std::string>> Reader::find_key(std::string_view space, std::string_view key) {
  auto statement = database_.prepare(kSelectKey);
  statement.bind(1, space).bind(2, key);
  return first_row(statement, first_text);
}

fhir::Result<std::vector<std::string>> Reader::keys_of(std::string_view space, std::string_view target) {
  auto statement = database_.prepare(kSelectKeysOf);
  statement.bind(1, space).bind(2, target);
  return all_rows(statement, first_text);
}

fhir::Result<std::optional<JournalRow>> Reader::find_journal(std::int64_t id) {
  auto statement = database_.prepare(kSelectJournal);
  statement.bind(1, id);
  return first_row(statement, journal_in);
}

fhir::Result<std::optional<JournalRow>> Reader::find_journal_by_key(std::string_view duplicate_key) {
  auto statement = database_.prepare(kSelectJournalByKey);
  statement.bind(1, duplicate_key);
  return first_row(statement, journal_in);
}

fhir::Result<std::vector<JournalRow>> Reader::list_journal(std::int64_t before_id, std::size_t count,
                                                           std::string_view outcome) {
  auto statement = database_.prepare(outcome.empty() ? kSelectJournalBefore : kSelectJournalBeforeByOutcome);
  statement.bind(1, before_id == 0 ? kNever : before_id).bind(2, as_limit(count));
  if (!outcome.empty()) statement.bind(3, outcome);
  return all_rows(statement, journal_in);
}

fhir::Result<std::optional<ComplementRow>> Reader::find_complement(std::string_view partner,
                                                                   std::string_view anchor,
                                                                   std::string_view family) {
  auto statement = database_.prepare(kSelectComplement);
  statement.bind(1, partner).bind(2, anchor).bind(3, family);
  return first_row(statement, [&](Statement const& row) {
    return ComplementRow{std::string(partner), std::string(anchor), std::string(family), row.integer(0)};
  });
}

fhir::Result<std::vector<EventRow>> Reader::events(std::string_view record_id) {
  auto statement = database_.prepare(kSelectEvents);
  statement.bind(1, record_id);
  return all_rows(statement, [&](Statement const& row) {
    return EventRow{std::string(record_id), row.integer(0), std::string(row.text(1)),
                    std::string(row.text(2)), row.integer(3)};
  });
}

fhir::Result<std::optional<RecordRow>> Reader::find_record(std::string_view record_id) {
  auto statement = database_.prepare(kSelectRecord);
  statement.bind(1, record_id);
  return first_row(statement, record_in);
}

fhir::Result<std::vector<RecordRow>> Reader::list_records(std::string_view kind, std::string_view person,
                                                          std::string_view owner, std::size_t count,
                                                          RecordPlace const& after) {
  auto statement = database_.prepare(!person.empty()  ? kSelectRecordsOfPerson
                                     : !owner.empty() ? kSelectRecordsOfOwner
                                     : !kind.empty()  ? kSelectRecordsOfKind
                                                      : kSelectRecordsAll);
  statement.bind(1, kind).bind(2, person).bind(3, owner).bind(4, as_limit(count));
  statement.bind(5, after.due_ms).bind(6, std::string_view(after.record_id));
  return all_rows(statement, record_in);
}

fhir::Result<std::size_t> Reader::count_records(std::string_view kind) {
  auto statement = database_.prepare(kCountRecords);
  statement.bind(1, kind);
  FHIR_TRY(auto const count, first_row(statement, [](Statement const& row) {
             return static_cast<std::size_t>(row.integer(0));
           }));
  return count.value_or(0);
}

fhir::Result<std::string> Reader::peer_state(std::string_view partner, std::string_view record_id) {
  auto statement = database_.prepare(kSelectPeerState);
  statement.bind(1, partner).bind(2, record_id);
  FHIR_TRY(auto state, first_row(statement, first_text));
  return std::move(state).value_or("");
}

fhir::Result<std::vector<OutboxRow>> Reader::outbox(std::string_view destination, std::size_t count) {
  auto statement = database_.prepare(kSelectOutbox);
  statement.bind(1, destination).bind(2, as_limit(count));
  return all_rows(statement, outbox_in);
}

fhir::Result<std::vector<std::string>> Reader::outbox_destinations() {
  auto statement = database_.prepare(kSelectOutboxDestinations);
  return all_rows(statement, first_text);
}

fhir::Result<std::vector<OutboxRow>> Reader::outbox_of_record(std::string_view record_id) {
  auto statement = database_.prepare(kSelectOutboxOfRecord);
  statement.bind(1, record_id);
  return all_rows(statement, outbox_in);
}

fhir::Result<std::optional<OutboxRow>> Reader::find_outbox(std::int64_t id) {
  auto statement = database_.prepare(kSelectOutboxRow);
  statement.bind(1, id);
  return first_row(statement, outbox_in);
}

fhir::Result<std::vector<OutboxCount>> Reader::outbox_counts() {
  auto statement = database_.prepare(kSelectOutboxCounts);
  return all_rows(statement, outbox_count_in);
}

fhir::Result<std::int64_t> Reader::version_of(std::string_view type, std::string_view id) {
  auto statement = database_.prepare(kSelectVersionId);
  statement.bind(1, type).bind(2, id);
  FHIR_TRY(auto version, first_row(statement, first_integer));
  return version.value_or(0);
}

fhir::Result<std::int64_t> Reader::record_revision(std::string_view record_id) {
  auto statement = database_.prepare(kSelectRecordRevision);
  statement.bind(1, record_id);
  FHIR_TRY(auto revision, first_row(statement, first_integer));
  return revision.value_or(0);
}

fhir::Result<Reader::ChainHead> Reader::chain_head(std::string_view record_id) {
  auto statement = database_.prepare(kSelectChainHead);
  statement.bind(1, record_id);
  FHIR_TRY(auto head, first_row(statement, [](Statement const& row) {
             return ChainHead{row.integer(0), std::string(row.text(1))};
           }));
  return std::move(head).value_or(ChainHead{});
}

fhir::Result<Reader::JournalMark> Reader::journal_mark(std::string_view duplicate_key) {
  auto statement = database_.prepare(kSelectJournalMark);
  statement.bind(1, duplicate_key);
  FHIR_TRY(auto mark, first_row(statement, [](Statement const& row) {
             return JournalMark{row.integer(0), row.integer(1)};
           }));
  return mark.value_or(JournalMark{});
}

}  // namespace gateway::store::sqlite
