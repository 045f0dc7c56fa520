/// Sightings of work items, and what operators say, do and load: the rows of sql/0006_provenance.sql and
/// sql/0007_packages.sql, written and read.
#include "gateway/store/sqlite/group_writer.hpp"
#include "gateway/store/sqlite/rows.hpp"
#include "gateway/store/sqlite/unit.hpp"

namespace gateway::store::sqlite {
namespace {

constexpr std::string_view kNoteSighting = R"(
  INSERT INTO sighting (record_id, seen, first_seen, last_seen) VALUES ($1, 1, $2, $2)
  ON CONFLICT (record_id) DO UPDATE SET seen = sighting.seen + 1, last_seen = excluded.last_seen)";
constexpr std::string_view kInsertMessage = R"(
  INSERT INTO sighting_message (record_id, journal_id, done) VALUES ($1, $2, 0)
  ON CONFLICT (record_id, journal_id) DO UPDATE SET done = 0)";
constexpr std::string_view kFinishMessage =
    "UPDATE sighting_message SET done = 1 WHERE record_id = $1 AND journal_id = $2";

constexpr std::string_view kUpsertPartnerCode = R"(
  INSERT INTO partner_code (partner, vocabulary, v2_code, fhir_system, fhir_code) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (partner, vocabulary, v2_code) DO UPDATE
  SET fhir_system = excluded.fhir_system, fhir_code = excluded.fhir_code)";
constexpr std::string_view kInsertTableSet = R"(
  INSERT INTO table_set (hash, first_used, content) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING)";
constexpr std::string_view kInsertAct = R"(
  INSERT INTO operator_act (at, operator, action, object, outcome) VALUES ($1, $2, $3, $4, $5))";

constexpr std::string_view kUpsertPackage = R"(
  INSERT INTO fhir_package (name, version, loaded, operator, bytes) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (name, version) DO UPDATE
  SET loaded = excluded.loaded, operator = excluded.operator, bytes = excluded.bytes)";
constexpr std::string_view kDeletePackage = "DELETE FROM fhir_package WHERE name = $1 AND version = $2";
constexpr std::string_view kSelectPackages =
    "SELECT name, version, loaded, operator, bytes FROM fhir_package ORDER BY name, version";

constexpr std::string_view kSelectSighting =
    "SELECT seen, first_seen, last_seen FROM sighting WHERE record_id = $1";
constexpr std::string_view kSelectMessages =
    "SELECT journal_id FROM sighting_message WHERE record_id = $1 ORDER BY journal_id";
constexpr std::string_view kSelectRequeue = R"(
  SELECT m.record_id, m.journal_id
  FROM sighting_message m JOIN record r ON r.record_id = m.record_id
  WHERE m.done = 0 AND r.state = $1
  ORDER BY m.record_id, m.journal_id LIMIT $2)";
constexpr std::string_view kSelectPartnerCodes = R"(
  SELECT partner, vocabulary, v2_code, fhir_system, fhir_code
  FROM partner_code ORDER BY partner, vocabulary, v2_code)";
constexpr std::string_view kSelectTableSet =
    "SELECT hash, first_used, content FROM table_set WHERE hash = $1";
constexpr std::string_view kSelectActs = R"(
  SELECT act_id, at, operator, action, object, outcome
  FROM operator_act WHERE act_id < $1 ORDER BY act_id DESC LIMIT $2)";

}  // namespace

fhir::Result<void> GroupWriter::write_sightings(ChangeSet const& set, std::int64_t journal_id) {
  for (std::string const& record_id : set.sightings) {
    auto counting = database_.prepare(kNoteSighting);
    counting.bind(1, std::string_view(record_id)).bind(2, now_ms_);
    FHIR_CHECK(counting.run());
    if (journal_id == 0) continue;
    auto statement = database_.prepare(kInsertMessage);
    statement.bind(1, std::string_view(record_id)).bind(2, journal_id);
    FHIR_CHECK(statement.run());
  }
  for (SightingMessage const& message : set.sightings_finished) {
    auto statement = database_.prepare(kFinishMessage);
    statement.bind(1, std::string_view(message.record_id)).bind(2, message.journal_id);
    FHIR_CHECK(statement.run());
  }
  return {};
}

fhir::Result<void> GroupWriter::write_operations(ChangeSet const& set) {
  for (PartnerCode const& code : set.partner_codes) {
    auto statement = database_.prepare(kUpsertPartnerCode);
    statement.bind(1, std::string_view(code.partner))
        .bind(2, std::string_view(code.vocabulary))
        .bind(3, std::string_view(code.v2_code))
        .bind(4, std::string_view(code.fhir_system))
        .bind(5, std::string_view(code.fhir_code));
    FHIR_CHECK(statement.run());
  }
  for (TableSet const& tables : set.table_sets) {
    auto statement = database_.prepare(kInsertTableSet);
    statement.bind(1, std::string_view(tables.hash))
        .bind(2, now_ms_)
        .bind(3, std::string_view(tables.content));
    FHIR_CHECK(statement.run());
  }
  for (OperatorAct const& act : set.acts) {
    auto statement = database_.prepare(kInsertAct);
    statement.bind(1, now_ms_)
        .bind(2, std::string_view(act.operator_name))
        .bind(3, std::string_view(act.action))
        .bind(4, std::string_view(act.object))
        .bind(5, std::string_view(act.outcome));
    FHIR_CHECK(statement.run());
  }
  for (FhirPackage const& package : set.packages) {
    bool const removes = package.bytes.empty();
    auto statement = database_.prepare(removes ? kDeletePackage : kUpsertPackage);
    statement.bind(1, std::string_view(package.name)).bind(2, std::string_view(package.version));
    if (!removes)
      statement.bind(3, package.loaded_ms)
          .bind(4, std::string_view(package.operator_name))
          .bind_blob(5, std::string_view(package.bytes));
    FHIR_CHECK(statement.run());
  }
  return {};
}

fhir::Result<Sighting> Reader::sighting(std::string_view record_id) {
  auto statement = database_.prepare(kSelectSighting);
  statement.bind(1, record_id);
  FHIR_TRY(auto found, first_row(statement, [](Statement const& row) {
             return Sighting{row.integer(0), row.integer(1), row.integer(2)};
           }));
  return found.value_or(Sighting{});
}

fhir::Result<std::vector<std::int64_t>> Reader::messages_of(std::string_view record_id) {
  auto statement = database_.prepare(kSelectMessages);
  statement.bind(1, record_id);
  return all_rows(statement, first_integer);
}

fhir::Result<std::vector<SightingMessage>> Reader::messages_to_requeue(std::string_view state,
                                                                       std::size_t count) {
  auto statement = database_.prepare(kSelectRequeue);
  statement.bind(1, state).bind(2, as_limit(count));
  return all_rows(statement, [](Statement const& row) {
    return SightingMessage{std::string(row.text(0)), row.integer(1)};
  });
}

fhir::Result<std::vector<PartnerCode>> Reader::partner_codes() {
  auto statement = database_.prepare(kSelectPartnerCodes);
  return all_rows(statement, [](Statement const& row) {
    return PartnerCode{std::string(row.text(0)), std::string(row.text(1)), std::string(row.text(2)),
                       std::string(row.text(3)), std::string(row.text(4))};
  });
}

fhir::Result<std::vector<FhirPackage>> Reader::packages() {
  auto statement = database_.prepare(kSelectPackages);
  return all_rows(statement, [](Statement const& row) {
    return FhirPackage{std::string(row.text(0)), std::string(row.text(1)), row.integer(2),
                       std::string(row.text(3)), std::string(row.text(4))};
  });
}

fhir::Result<std::optional<TableSet>> Reader::find_table_set(std::string_view hash) {
  auto statement = database_.prepare(kSelectTableSet);
  statement.bind(1, hash);
  return first_row(statement, [](Statement const& row) {
    return TableSet{std::string(row.text(0)), row.integer(1), std::string(row.text(2))};
  });
}

fhir::Result<std::vector<OperatorAct>> Reader::list_acts(std::int64_t before_id, std::size_t count) {
  auto statement = database_.prepare(kSelectActs);
  statement.bind(1, before_id == 0 ? kNever : before_id).bind(2, as_limit(count));
  return all_rows(statement, [](Statement const& row) {
    return OperatorAct{row.integer(0),           row.integer(1),           std::string(row.text(2)),
                       std::string(row.text(3)), std::string(row.text(4)), std::string(row.text(5))};
  });
}

fhir::Result<void> Reader::rehearse(std::int64_t now_ms, Compute const& compute) {
  FHIR_CHECK(compute_unit(*this, now_ms, compute));
  return {};
}

}  // namespace gateway::store::sqlite
