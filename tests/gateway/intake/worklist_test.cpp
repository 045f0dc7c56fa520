// Unmapped codes, table sets that are swapped, and what can be asked of kept messages afterwards.
#include "fhir/json/reader.hpp"
#include "gateway/intake/intake.hpp"
#include "gateway/intake/trace.hpp"
#include "gateway/record/work_item.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <unistd.h>

namespace gateway::intake {
namespace {

config::Settings hospital() {
  config::Settings settings;
  config::Partner partner;
  partner.name = "hospital";
  partner.application = "ADT";
  partner.facility = "HOSP";
  partner.authorities = {{"HOSP", "urn:oid:1.3.6.1.4.1.32473.30"},
                         {"VISITS", "urn:oid:1.3.6.1.4.1.32473.31"}};
  settings.partners.push_back(partner);
  return settings;
}

std::string admission(std::string const& control_id, std::string const& sex,
                      std::string const& trigger = "A01") {
  return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||ADT^" + trigger + "|" + control_id +
         "|P|2.5.1\rEVN|" + trigger + "|20250301110000+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|" +
         sex + "\rPV1|1|I|4W^401^1|E|||1955555555^Reyes^Ines||||||||||||V1^^^VISITS^VN\r";
}

class Worklist : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "worklist-" + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
    auto const clock = [this] { return now_; };
    store_ = store::open_sqlite({.path = folder_ + "/handoff.db"}, clock).value();
    tables_ = std::make_shared<LiveTables>(make_tables(hospital(), {}, {}).value());
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
    ASSERT_TRUE(intake_->prepare());
  }
  void TearDown() override {
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string send(std::string bytes) {
    std::string const answer = send_whole(std::move(bytes));
    auto const at = answer.find("MSA|");
    return at == std::string::npos ? "no MSA" : answer.substr(at + 4, 2);
  }

  std::string send_whole(std::string bytes) {
    now_ += 1000;
    Envelope envelope;
    envelope.bytes = std::move(bytes);
    envelope.feed = "mllp:test";
    boost::asio::io_context context;
    std::string code;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [&](std::exception_ptr failed, std::vector<std::string> answers) {
                            ASSERT_FALSE(failed);
                            ASSERT_EQ(answers.size(), 1U);
                            code = answers[0];
                          });
    context.run();
    return code;
  }

  std::unique_ptr<store::Snapshot> view() { return store_->snapshot().value(); }

  std::vector<store::RecordRow> open_items() {
    return view()->list_records(record::work::unmapped_code, "", "", 100).value();
  }

  std::vector<store::RecordRow> invalid_items() {
    return view()->list_records(record::work::invalid, "", "", 100).value();
  }

  /// As a gateway that is started with that setting of its listener.
  void judged_by(conformance::Judging judging) {
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_,
                      .tables = tables_,
                      .clock = [this] { return now_; },
                      .subscriptions = subscriptions_,
                      .judging = {{"mllp:test", judging}},
                      .definitions = std::make_shared<conformance::Definitions>(conformance::make_r4())});
  }

  store::Version the(std::string const& type) {
    auto const query = fhir::search::parse_query(type, "", fhir::search::Handling::strict);
    auto const page = view()->search(store::AccessPolicy::all(), *query).value();
    EXPECT_EQ(page.entries.size(), 1U) << type;
    return page.entries.empty() ? store::Version{} : page.entries[0].version;
  }

  std::string gender() {
    auto const patient = the("Patient");
    auto const document = fhir::json::read_document(patient.content).value();
    return std::string(document.root.text_at("gender"));
  }

  /// New tables in force, as a reload puts them there.
  void reload(config::Settings const& settings, std::vector<MapFile> const& overlays = {}) {
    auto const codes = view()->partner_codes().value();
    auto tables = make_tables(settings, overlays, codes);
    ASSERT_TRUE(tables) << fhir::to_line(tables.error());
    ASSERT_TRUE(store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      unit.put_table_set({.hash = (*tables)->hash, .content = (*tables)->content});
      return {};
    }));
    tables_->replace(*tables);
  }

  fhir::Result<void> answer(std::string const& item, std::string const& code) {
    record::Settlement const how{std::string(record::work::answered), "asked the hospital", "kim", {}};
    return intake_->answer_code(item, "", code, how,
                                {.operator_name = "kim", .action = "answer", .object = item});
  }

  std::int64_t now_ = 1'740'830'400'000;  // 2025-03-01T12:00:00Z
  std::string folder_;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(Worklist, AnUnmappedCodeIsAcceptedAndIsOneItemHoweverOftenItComes) {
  EXPECT_EQ(send(admission("M1", "Q")), "AA");
  EXPECT_EQ(send(admission("M2", "Q", "A08")), "AA");
  EXPECT_EQ(gender(), "");
  auto const items = open_items();
  ASSERT_EQ(items.size(), 1U);
  auto const body = fhir::json::read_document(items[0].body).value();
  EXPECT_EQ(body.root.text_at("partner"), "hospital");
  EXPECT_EQ(body.root.text_at("vocabulary"), "administrative-gender");
  EXPECT_EQ(body.root.text_at("code"), "Q");
  EXPECT_EQ(body.root.text_at("field"), "PID-8");
  EXPECT_EQ(view()->sighting(items[0].record_id)->seen, 2);
  EXPECT_EQ(view()->messages_of(items[0].record_id)->size(), 2U);
}

TEST_F(Worklist, AnAnswerReachesTheMessagesThatWaitedForIt) {
  send(admission("M1", "Q"));
  auto const item = open_items().at(0).record_id;
  ASSERT_TRUE(answer(item, "other"));
  EXPECT_TRUE(open_items().empty());
  EXPECT_EQ(gender(), "") << "not before the tables have it";
  reload(hospital());
  EXPECT_EQ(intake_->requeue().value(), 1U);
  EXPECT_EQ(gender(), "other");
  EXPECT_EQ(intake_->requeue().value(), 0U) << "once is enough";
  EXPECT_EQ(view()->find_journal(1)->value().maps_hash, tables_->current()->hash);
  EXPECT_EQ(send(admission("M2", "Q", "A08")), "AA");
  EXPECT_TRUE(open_items().empty()) << "the partner's vocabulary has it now";
  auto const acts = view()->list_acts(0, 10).value();
  ASSERT_EQ(acts.size(), 1U);
  EXPECT_EQ(acts[0].operator_name, "kim");
}

TEST_F(Worklist, ARequiredElementWithoutAMappedCodeIsAnErrorThatNamesThePlaceAndIsTakenInOnceAnswered) {
  // A partner's own segment: R4 requires Flag.status, and no default stands in for it.
  std::vector<MapFile> const overlays = {{"flag.map",
                                          "overlay flag\n"
                                          "vocabulary site-flag HL79999 -> http://hl7.org/fhir/flag-status\n"
                                          "  A <-> active\n"
                                          "segment ZFL -> Flag\n"
                                          "zfl.1 | ZFL-1 | status    | ID~code   | site-flag\n"
                                          "zfl.2 | ZFL-2 | code.text | ST~string |\n"
                                          "structure ADT_A01\n"
                                          "role Flag#flag per ZFL\n"
                                          "use  ZFL -> Flag#flag\n"
                                          "link Flag#flag.subject -> Patient#patient\n"
                                          "key  Flag#flag within Patient#patient by code\n"}};
  reload(hospital(), overlays);
  EXPECT_EQ(send(admission("M0", "F") + "ZFL|A|falls\r"), "AA");
  std::string const answered = send_whole(admission("M1", "F") + "ZFL|X|bites\r");
  EXPECT_NE(answered.find("MSA|AE|M1"), std::string::npos) << answered;
  EXPECT_NE(answered.find("ERR||ZFL^1^1^1^1|103^"), std::string::npos) << answered;
  EXPECT_NE(answered.find("9999"), std::string::npos) << "the table is named: " << answered;
  EXPECT_EQ(view()->find_journal(2)->value().outcome, "error");
  ASSERT_EQ(open_items().size(), 1U);
  ASSERT_TRUE(answer(open_items()[0].record_id, "inactive"));
  reload(hospital(), overlays);
  EXPECT_EQ(intake_->requeue().value(), 1U);
  EXPECT_EQ(view()->find_journal(2)->value().outcome, "accepted");
  EXPECT_NE(view()->find_journal(2)->value().answer.find("MSA|AA|M1"), std::string::npos);
}

TEST_F(Worklist, ANewerFactIsNotOverwrittenByAnAnswerToAnOlderMessage) {
  send(admission("M1", "Q"));
  send(admission("M2", "F", "A08"));
  ASSERT_EQ(gender(), "female");
  ASSERT_TRUE(answer(open_items().at(0).record_id, "other"));
  reload(hospital());
  EXPECT_EQ(intake_->requeue().value(), 1U);
  EXPECT_EQ(gender(), "female");
}

/// A table that takes a field over which it left before, and another that says one otherwise.
std::vector<MapFile> changed_tables() {
  return {{"own.map",
           "overlay own\n"
           "vocabulary other-sex HL70001 -> http://hl7.org/fhir/administrative-gender\n"
           "  M <-> male\n"
           "  F <-> other\n"
           "segment PID -> Patient\n"
           "pid.8 | PID-8 | gender | IS~code | other-sex | | = | set\n"}};
}

/// A partner's own segment that may leave out what R4 requires: Flag.code.
std::vector<MapFile> flag_tables() {
  return {{"flag.map",
           "overlay flag\n"
           "vocabulary site-flag HL79999 -> http://hl7.org/fhir/flag-status\n"
           "  A <-> active\n"
           "segment ZFL -> Flag\n"
           "zfl.1 | ZFL-1 | status    | ID~code   | site-flag\n"
           "zfl.2 | ZFL-2 | code.text | ST~string |\n"
           "structure ADT_A01\n"
           "role Flag#flag per ZFL\n"
           "use  ZFL -> Flag#flag\n"
           "link Flag#flag.subject -> Patient#patient\n"
           "key  Flag#flag within Patient#patient\n"}};
}

std::string flagged(std::string const& control_id) { return admission(control_id, "F") + "ZFL|A\r"; }

TEST_F(Worklist, WhatIsNoValidFhirIsAnErrorThatNamesTheSegmentAndIsKept) {
  reload(hospital(), flag_tables());
  std::string const answered = send_whole(flagged("M1"));
  EXPECT_NE(answered.find("MSA|AE|M1"), std::string::npos) << answered;
  EXPECT_NE(answered.find("ERR||ZFL^1|101^"), std::string::npos) << answered;
  EXPECT_NE(answered.find("(Flag.code)"), std::string::npos) << answered;
  EXPECT_EQ(send(flagged("M2")), "AE");
  auto const query = fhir::search::parse_query("Patient", "", fhir::search::Handling::strict);
  EXPECT_TRUE(view()->search(store::AccessPolicy::all(), *query)->entries.empty())
      << "nothing of it is stored";
  EXPECT_EQ(view()->find_journal(1)->value().outcome, "error");
  EXPECT_EQ(view()->find_journal(1)->value().raw, flagged("M1"));
  auto const items = invalid_items();
  ASSERT_EQ(items.size(), 1U) << "one for all that is wrong alike";
  EXPECT_EQ(view()->messages_of(items[0].record_id)->size(), 2U);
  auto const body = fhir::json::read_document(items[0].body).value();
  EXPECT_EQ(body.root.text_at("field"), "ZFL");
  EXPECT_EQ(body.root.text_of("finding", 0).substr(0, 28), "error required Flag.code ZFL");
  EXPECT_EQ(intake_->requeue().value(), 0U) << "the same tables say the same";
  EXPECT_EQ(invalid_items().size(), 1U);
}

TEST_F(Worklist, WhatWasInvalidIsTakenInAgainByOtherTablesOrAnotherJudgement) {
  reload(hospital(), flag_tables());
  send(flagged("M1"));
  auto changed = flag_tables();
  changed.push_back(changed_tables().front());
  reload(hospital(), changed);
  EXPECT_EQ(intake_->requeue().value(), 1U);
  auto const still = invalid_items();
  ASSERT_EQ(still.size(), 1U) << "these tables mend it no more than the others";
  EXPECT_EQ(view()->messages_of(still[0].record_id)->size(), 1U);
  EXPECT_EQ(intake_->requeue().value(), 0U);
  auto lax = hospital();
  lax.partners[0].validation = "off";
  reload(lax, changed);
  EXPECT_EQ(intake_->requeue().value(), 1U);
  EXPECT_TRUE(invalid_items().empty());
  EXPECT_EQ(view()->find_journal(1)->value().outcome, "accepted");
  EXPECT_NE(the("Flag").content, "");
  reload(hospital(), changed);
  EXPECT_EQ(send(flagged("M2")), "AA") << "what was wrong before is not this message's fault";
}

TEST_F(Worklist, AFeedIsJudgedAsItIsToldAndAPartnerOtherwise) {
  // per-1 is no matter of structure: a period ends after it begins.
  auto const stay = [](std::string const& control_id) {
    return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||ADT^A03|" + control_id +
           "|P|2.5.1\rEVN|A03|20250301110000+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\r"
           "PV1|1|I|4W^401^1|E|||||||||||||||V1^^^VISITS^VN|||||||||||||||||||||||||20250310100000+0000|"
           "20250301103000+0000\r";
  };
  reload(hospital(), flag_tables());
  judged_by(conformance::Judging::full);
  std::string const answered = send_whole(stay("M1"));
  EXPECT_NE(answered.find("MSA|AE|M1"), std::string::npos) << answered;
  EXPECT_NE(answered.find("ERR||PV1^1^4"), std::string::npos) << answered;
  EXPECT_NE(answered.find("per-1"), std::string::npos) << answered;
  ASSERT_EQ(invalid_items().size(), 1U);
  auto partner = hospital();
  partner.partners[0].validation = "structure";
  reload(partner, flag_tables());
  EXPECT_EQ(send(stay("M2")), "AA") << "the partner's own word";
  EXPECT_EQ(send(flagged("M3")), "AE");
  reload(hospital(), flag_tables());
  judged_by(conformance::Judging::off);
  EXPECT_EQ(send(flagged("M4")), "AA");
}

TEST_F(Worklist, WhatIsJudgedInFullIsTakenInByAWorker) {
  boost::asio::io_context workers;
  auto const keep = boost::asio::make_work_guard(workers);
  auto const open = [&](conformance::Judging judging) {
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_,
                      .tables = tables_,
                      .clock = [this] { return now_; },
                      .subscriptions = subscriptions_,
                      .judging = {{"mllp:test", judging}},
                      .definitions = std::make_shared<conformance::Definitions>(conformance::make_r4()),
                      .workers = [&] { return boost::asio::any_io_executor(workers.get_executor()); }});
  };
  open(conformance::Judging::structure);
  EXPECT_EQ(send(admission("M1", "F")), "AA") << "no worker is needed";
  open(conformance::Judging::full);
  Envelope envelope;
  envelope.bytes = admission("M2", "M", "A08");
  envelope.feed = "mllp:test";
  boost::asio::io_context context;
  std::string answer;
  boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                        [&](std::exception_ptr failed, std::vector<std::string> answers) {
                          ASSERT_FALSE(failed);
                          answer = answers.at(0);
                        });
  context.poll();
  EXPECT_FALSE(view()->find_journal(2)->has_value()) << "the thread that received it judges nothing";
  for (int i = 0; i < 2000 && answer.empty(); ++i) {
    workers.run_for(std::chrono::milliseconds(5));
    workers.restart();
    context.poll();
  }
  EXPECT_NE(answer.find("MSA|AA|M2"), std::string::npos) << answer;
  EXPECT_EQ(gender(), "male");
}

TEST_F(Worklist, AnAcceptedMessageReplayedByChangedTablesSaysWhatTheySay) {
  send(admission("M1", "F"));
  ASSERT_EQ(gender(), "female");
  EXPECT_EQ(intake_->replay(1).value(), 0U) << "the same tables say the same";
  reload(hospital(), changed_tables());
  EXPECT_EQ(gender(), "female") << "nothing changes by itself";
  EXPECT_EQ(intake_->replay(1).value(), 1U);
  EXPECT_EQ(gender(), "other");
  EXPECT_EQ(view()->find_journal(1)->value().maps_hash, tables_->current()->hash);
  auto const version = the("Patient").version_id;
  EXPECT_EQ(intake_->replay(1).value(), 0U) << "a second time is none";
  EXPECT_EQ(the("Patient").version_id, version);
}

TEST_F(Worklist, AReplayLeavesWhatWasSaidSince) {
  send(admission("M1", "F"));
  send(admission("M2", "M", "A08"));
  ASSERT_EQ(gender(), "male");
  reload(hospital(), changed_tables());
  EXPECT_EQ(intake_->replay(1).value(), 0U);
  EXPECT_EQ(gender(), "male");
}

TEST_F(Worklist, WithoutTheTablesThatTookItInAReplayChangesNothingAndSaysWhy) {
  send(admission("M1", "F"));
  store_
      ->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
        FHIR_TRY(auto const row, unit.snapshot().find_journal(1));
        unit.journal() = *row;
        unit.journal().maps_hash = "gone";
        return {};
      })
      .value();
  auto const refused = intake_->replay(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::not_found);
  EXPECT_EQ(gender(), "female");
}

TEST_F(Worklist, ACodeAddedToTheFileAnswersTheItem) {
  send(admission("M1", "Q"));
  auto settings = hospital();
  settings.partners[0].code_maps["administrative-gender"]["Q"] = "unknown";
  reload(settings);
  EXPECT_EQ(intake_->requeue().value(), 1U);
  EXPECT_TRUE(open_items().empty());
  EXPECT_EQ(gender(), "unknown");
}

TEST_F(Worklist, AnAnswerThatTheElementDoesNotAllowIsRefusedAndTheItemStaysOpen) {
  send(admission("M1", "Q"));
  auto const item = open_items().at(0).record_id;
  auto const refused = answer(item, "purple");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::code_invalid);
  EXPECT_EQ(open_items().size(), 1U);
  EXPECT_TRUE(view()->partner_codes()->empty());
  EXPECT_FALSE(answer("unmapped-code/none", "other"));
}

TEST_F(Worklist, ADismissedItemStaysDismissed) {
  send(admission("M1", "Q"));
  record::Settlement const how{std::string(record::work::dismissed), "nobody knows", "kim", {}};
  ASSERT_TRUE(
      intake_->dismiss(open_items().at(0).record_id, how, {.operator_name = "kim", .action = "dismiss"}));
  send(admission("M2", "Q", "A08"));
  EXPECT_TRUE(open_items().empty());
}

TEST_F(Worklist, LossesAreCountedByPartnerAndFieldOfTheDictionary) {
  send(admission("M1", "Q") + "ZZZ|secret\r");
  std::map<std::string, std::uint64_t> kept;
  intake_->counters().losses.visit([&](std::string const& partner, char const* side, std::string const& field,
                                       char const* end, std::uint64_t count) {
    EXPECT_EQ(partner, "hospital");
    EXPECT_STREQ(side, "v2");
    if (std::string_view(end) == "kept") kept[field] += count;
  });
  EXPECT_EQ(kept["PID-8"], 1U);
  EXPECT_EQ(kept["other"], 1U) << "a Z segment is in no dictionary";
  for (auto const& [field, count] : kept) EXPECT_FALSE(field.starts_with("Z")) << field;
}

TEST_F(Worklist, EachElementOfAResourceNamesItsMessageFieldAndRow) {
  send(admission("M1", "F"));
  std::string later = admission("M2", "F", "A08");
  later.replace(later.find("Mason^Walter"), 12, "Mason^Walt");
  send(later);
  auto const patient = the("Patient");
  auto const snapshot = view();
  TableArchive archive;
  auto const tables = tables_->current();
  Past const past{*snapshot, archive, *tables};
  auto const birth =
      trace_resource(past, store::AccessPolicy::all(), "Patient", patient.id, "birthDate").value();
  ASSERT_EQ(birth.versions.size(), 1U);
  EXPECT_EQ(birth.versions[0].control_id, "M1") << "the message that first gave it";
  EXPECT_TRUE(birth.versions[0].exact);
  ASSERT_EQ(birth.versions[0].elements.size(), 1U);
  EXPECT_EQ(birth.versions[0].elements[0].path, "Patient.birthDate");
  EXPECT_EQ(birth.versions[0].elements[0].v2, "PID-7");
  EXPECT_EQ(birth.versions[0].elements[0].row, "pid.7");

  auto const given =
      trace_resource(past, store::AccessPolicy::all(), "Patient", patient.id, "Patient.name[0].given")
          .value();
  ASSERT_EQ(given.versions.size(), 1U);
  EXPECT_EQ(given.versions[0].control_id, "M2") << "the message that changed it";
  EXPECT_EQ(given.versions[0].elements.at(0).v2, "PID-5");

  EXPECT_EQ(trace_resource(past, store::AccessPolicy::all(), "Patient", "nobody", "").error().code,
            fhir::IssueType::not_found);
  auto const all = trace_resource(past, store::AccessPolicy::all(), "Patient", patient.id, "").value();
  std::size_t with_row = 0;
  for (auto const& version : all.versions)
    with_row += static_cast<std::size_t>(
        std::ranges::count_if(version.elements, [](auto const& one) { return !one.row.empty(); }));
  EXPECT_GE(with_row, 4U) << "identifier, name, birthDate, gender";
}

TEST_F(Worklist, AFieldSaysWhatItBecameAndWhetherThatStillStands) {
  send(admission("M1", "F"));
  std::string later = admission("M2", "F", "A08");
  later.replace(later.find("19570312"), 8, "19570313");
  send(later);
  auto const snapshot = view();
  TableArchive archive;
  auto const tables = tables_->current();
  Past const past{*snapshot, archive, *tables};
  auto const trace = [&](std::int64_t id, char const* field) {
    return trace_message(past, snapshot->find_journal(id)->value(), field).value().fields;
  };
  std::string const patient = "Patient/" + the("Patient").id;
  auto const first = trace(1, "PID-7");
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].end, "mapped");
  EXPECT_EQ(first[0].reference, patient + "/_history/1");
  EXPECT_EQ(first[0].path, "Patient.birthDate");
  EXPECT_EQ(first[0].row, "pid.7");
  EXPECT_EQ(first[0].value, "\"1957-03-12\"");
  EXPECT_FALSE(first[0].stands) << "a later message changed it";
  auto const second = trace(2, "PID-7");
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].reference, patient + "/_history/2");
  EXPECT_TRUE(second[0].stands);
  EXPECT_FALSE(trace(1, "").empty());
  EXPECT_EQ(trace_message(past, snapshot->find_journal(1)->value(), "PID-x").error().code,
            fhir::IssueType::value);
}

TEST_F(Worklist, AChangedTableSaysWhatItWouldChangeAndChangesNothing) {
  send(admission("M1", "F"));
  std::string const old_hash = tables_->current()->hash;
  reload(hospital(), {{"own.map", "overlay own\ndisable pid.7\n"}});
  ASSERT_NE(tables_->current()->hash, old_hash);
  auto const snapshot = view();
  TableArchive archive;
  auto const tables = tables_->current();
  auto const row = snapshot->find_journal(1)->value();
  EXPECT_EQ(row.maps_hash, old_hash);
  auto const comparison = compare({*snapshot, archive, *tables}, row).value();
  EXPECT_TRUE(comparison.exact) << "the old set is kept by its hash";
  ASSERT_EQ(comparison.differences.size(), 1U);
  EXPECT_EQ(comparison.differences[0].path, "Patient#patient.birthDate");
  EXPECT_EQ(comparison.differences[0].before, "\"1957-03-12\"");
  EXPECT_EQ(comparison.differences[0].after, "");
  EXPECT_EQ(the("Patient").version_id, 1);
  // Provenance of what the old tables read is still told by them.
  auto const trace = trace_resource({*snapshot, archive, *tables}, store::AccessPolicy::all(), "Patient",
                                    the("Patient").id, "birthDate")
                         .value();
  ASSERT_EQ(trace.versions.size(), 1U);
  EXPECT_TRUE(trace.versions[0].exact);
  EXPECT_EQ(trace.versions[0].elements.at(0).row, "pid.7");
}

TEST(TableSets, AnOverlayThatDoesNotCompileIsRefusedByFileAndLine) {
  auto const tables = make_tables(
      hospital(),
      {{"own.map", "overlay own\nsegment PID -> Patient\npid.x | PID-5 | nothing. | XPN~HumanName\n"}}, {});
  ASSERT_FALSE(tables);
  EXPECT_NE(tables.error().source.find("own.map:3"), std::string::npos) << fhir::to_line(tables.error());
}

TEST(TableSets, WhatMapsCheckRefusesIsNotPutInForce) {
  for (char const* const section :
       {"segment ZPI -> Patient\nzpi.1 | ZPI-1 | nickname* | XPN~HumanName\nstructure ADT_A01\nuse ZPI -> "
        "Patient#patient\n",
        "vocabulary administrative-gender HL70001 -> http://hl7.org/fhir/administrative-gender\n  Q -> "
        "manly\n",
        "segment PID -> Patient\nz.1 | PID-99 | deceasedBoolean | ID~boolean\n"}) {
    auto const tables = make_tables(hospital(), {{"own.map", std::string("overlay own\n") + section}}, {});
    EXPECT_FALSE(tables) << section;
  }
}

TEST(TableSets, TheHashCoversProfilesAndRestoresToTheSameReading) {
  auto const first = make_tables(hospital(), {}, {}).value();
  EXPECT_EQ(first->hash, make_tables(hospital(), {}, {}).value()->hash);
  auto settings = hospital();
  settings.partners[0].code_maps["administrative-gender"]["Q"] = "other";
  auto const second = make_tables(settings, {}, {}).value();
  EXPECT_NE(first->hash, second->hash);
  EXPECT_EQ(first->maps.hash(), second->maps.hash());
  auto const past = restore(second->content).value();
  EXPECT_EQ(past.maps.hash(), second->maps.hash());
  ASSERT_TRUE(past.profiles.contains("hospital"));
  EXPECT_EQ(past.profiles.at("hospital").codes.at(0).fhir_code, "other");
  EXPECT_EQ(past.profiles.at("hospital").authorities.size(), 2U);
}

TEST(TableSets, AProfileThatWantsAMessageItsVersionLacksIsRefused) {
  auto settings = hospital();
  settings.partners[0].version = "2.2";
  settings.partners[0].events = {"REF^I12"};
  auto const refused = make_tables(settings, {}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::business_rule);
  EXPECT_NE(refused.error().diagnostics.find("hospital wants REF^I12"), std::string::npos);
  EXPECT_NE(refused.error().diagnostics.find("2.3"), std::string::npos) << refused.error().diagnostics;
  settings.partners[0].version_fallback = true;
  EXPECT_TRUE(make_tables(settings, {}, {}));
}

TEST(TableSets, ACodeMapIsNamedByVocabularyOrTableAndNothingElse) {
  auto settings = hospital();
  settings.partners[0].code_maps = {{"0001", {{"W", "female"}}}};
  auto const tables = make_tables(settings, {}, {});
  ASSERT_TRUE(tables) << fhir::to_line(tables.error());
  auto const& codes = (*tables)->partners->find("hospital")->profile.codes;
  ASSERT_FALSE(codes.empty());
  EXPECT_EQ(codes[0].vocabulary, "administrative-gender");
  settings.partners[0].code_maps = {{"no-such-words", {{"W", "female"}}}};
  EXPECT_EQ(make_tables(settings, {}, {}).error().code, fhir::IssueType::business_rule);
  settings.partners[0].code_maps = {{"0001", {{"W", "purple"}}}};
  auto const refused = make_tables(settings, {}, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().diagnostics.find("hospital, code_maps.0001.W"), std::string::npos)
      << refused.error().diagnostics;
}

TEST(Profiles, EveryExampleProfileLoadsWithAllItsKeysAndEvents) {
  std::set<std::string> found;
  for (auto const& entry :
       std::filesystem::directory_iterator(std::string(HANDOFF_SOURCE_DIR) + "/examples/profiles")) {
    if (entry.path().extension() != ".yaml") continue;
    auto const settings = config::load(entry.path().string());
    ASSERT_TRUE(settings) << fhir::to_line(settings.error());
    auto const tables = make_tables(*settings, {}, {});
    ASSERT_TRUE(tables) << entry.path().filename() << ": " << fhir::to_line(tables.error());
    ASSERT_EQ((*tables)->partners->all().size(), 1U);
    auto const& profile = (*tables)->partners->all()[0].profile;
    EXPECT_FALSE(profile.events.empty());
    EXPECT_FALSE(profile.required_fields.empty());
    EXPECT_FALSE(profile.authorities.empty());
    found.insert(entry.path().stem().string());
  }
  EXPECT_EQ(found, (std::set<std::string>{"360x", "au", "fr", "ie", "uk"}));
}

}  // namespace
}  // namespace gateway::intake
