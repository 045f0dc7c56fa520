#include "gateway/intake/intake.hpp"

#include "fhir/json/reader.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace gateway::intake {
namespace {

config::Settings two_partners() {
  config::Settings settings;
  config::Partner hospital;
  hospital.name = "hospital";
  hospital.application = "ADT";
  hospital.facility = "HOSP";
  hospital.authorities = {{"HOSP", "urn:oid:1.3.6.1.4.1.32473.30"},
                          {"VISITS", "urn:oid:1.3.6.1.4.1.32473.31"}};
  hospital.own_authorities = {"urn:oid:1.3.6.1.4.1.32473.30"};
  settings.partners.push_back(hospital);
  config::Partner bound = hospital;
  bound.name = "bound";
  bound.application = "BOUND";
  bound.certificate = "bound-client";
  settings.partners.push_back(bound);
  // Two that take care plans over MLLP, one of them only problems.
  for (char const* const name : {"plans", "problems"}) {
    config::Partner taker;
    taker.name = name;
    taker.application = name;
    taker.facility = "TAKER";
    taker.delivery.mllp.port = 2575;
    taker.events = {"PPR^PC1", "PPR^PC2"};
    if (taker.name == "plans") taker.events.insert(taker.events.end(), {"PPP^PCB", "PPP^PCC", "PGL^PC7"});
    settings.partners.push_back(taker);
  }
  return settings;
}

/// An Intake over a real store, driven the way an MLLP connection drives it.
class IntakeTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "intake-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto const clock = [] { return std::int64_t{1'740'830'400'000}; };  // 2025-03-01T12:00:00Z
    auto opened = store::open_sqlite({.path = folder_ + "/handoff.db"}, clock);
    ASSERT_TRUE(opened) << to_line(opened.error());
    store_ = std::move(*opened);
    tables_ = std::make_shared<LiveTables>(make_tables(two_partners(), {}, {}).value());
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
  }
  void TearDown() override {
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string admission(std::string const& control_id, std::string const& trigger = "A01",
                               std::string const& mrn = "4711", std::string const& family = "Mason",
                               std::string const& application = "ADT") {
    return "MSH|^~\\&|" + application + "|HOSP|HANDOFF|HUB|20250301110000+0000||ADT^" + trigger + "|" +
           control_id + "|P|2.5.1\rEVN|" + trigger + "|20250301110000+0000\rPID|1||" + mrn + "^^^HOSP^MR||" +
           family +
           "^Walter||19570312|M\rPV1|1|I|4W^401^1|E|||1955555555^Reyes^Ines||||||||||||V1^^^VISITS^VN\r";
  }

  std::vector<std::string> send(std::string bytes, std::string certificate = {}) {
    Envelope envelope;
    envelope.bytes = std::move(bytes);
    envelope.feed = "mllp:test";
    envelope.certificate_name = std::move(certificate);
    return send(std::move(envelope));
  }

  std::vector<std::string> send(Envelope envelope) {
    boost::asio::io_context context;
    std::vector<std::string> answers;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [&](std::exception_ptr failed, std::vector<std::string> got) {
                            ASSERT_FALSE(failed);
                            answers = std::move(got);
                          });
    context.run();
    return answers;
  }

  static std::string code(std::vector<std::string> const& answers) {
    if (answers.size() != 1) return "answers: " + std::to_string(answers.size());
    auto const at = answers[0].find("MSA|");
    return at == std::string::npos ? "no MSA" : answers[0].substr(at + 4, 2);
  }

  std::vector<store::JournalRow> journal() {
    auto const snapshot = store_->snapshot();
    return (*snapshot)->list_journal(0, 100, "").value();
  }

  std::vector<store::Version> found(std::string const& type, std::string const& query = "") {
    auto parsed = fhir::search::parse_query(type, query, fhir::search::Handling::strict);
    auto const snapshot = store_->snapshot();
    auto page = (*snapshot)->search(store::AccessPolicy::all(), *parsed);
    std::vector<store::Version> versions;
    if (page) {
      for (auto& entry : page->entries) versions.push_back(std::move(entry.version));
    }
    return versions;
  }

  static std::string transfer(std::string const& control_id, std::string const& trigger,
                              std::string const& place, std::string const& at,
                              std::string const& prior = "") {
    return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|" + at + "+0000||ADT^" + trigger + "|" + control_id +
           "|P|2.5.1\rEVN|" + trigger + "|" + at + "+0000||||" + at +
           "+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\rPV1|1|I|" + place + "|E||" + prior +
           "|1955555555^Reyes^Ines||||||||||||V1^^^VISITS^VN\r";
  }
  /// "active 4W start-end; completed ...": Encounter.location, by the first word of each Location's name.
  std::string places() {
    std::string all;
    auto const encounter = fhir::json::read_document(found("Encounter")[0].content).value();
    auto const* const entries = encounter.root.find("location");
    if (entries == nullptr) return all;
    auto const snapshot = store_->snapshot();
    for (auto const& entry : entries->items()) {
      auto const reference = entry.text_of("location", "reference");
      auto const location =
          (*snapshot)->find(store::AccessPolicy::all(), "Location", reference.substr(9)).value();
      auto const document = fhir::json::read_document(location->content).value();
      std::string const name(document.root.text_at("name"));
      all += std::string(entry.text_at("status")) + " " + name.substr(0, name.find_first_of(" ,^")) + " " +
             std::string(entry.text_of("period", "start")) + "-" +
             std::string(entry.text_of("period", "end")) + "; ";
    }
    return all;
  }
  fhir::Result<store::Receipt> put(std::string const& resource) {
    boost::asio::io_context context;
    fhir::Result<store::Receipt> result = fhir::error(fhir::IssueType::exception, "did not end");
    auto write = [resource](store::Unit& unit) -> fhir::Result<void> {
      FHIR_TRY(auto const document, fhir::json::read_document(resource));
      FHIR_CHECK(unit.put(document.root, "hospital", "PUT"));
      return {};
    };
    boost::asio::co_spawn(context, intake_->commit({.source = "hospital"}, {"PUT Patient", "r1"}, write),
                          [&](std::exception_ptr failed, fhir::Result<store::Receipt> got) {
                            ASSERT_FALSE(failed);
                            result = std::move(got);
                          });
    context.run();
    return result;
  }

  /// "PPP^PCB CarePlan" of every message queued for a partner, in order.
  std::vector<std::string> queued(std::string_view partner) {
    std::vector<std::string> told;
    for (auto const& row : (*store_->snapshot())->outbox(partner, 100).value()) {
      auto const request = fhir::json::read_document(row.request);
      auto const anchor = request->root.find("anchors")->members()[0].value.text();
      told.push_back(row.kind.substr(row.kind.find(':') + 1) + " " +
                     std::string(anchor.substr(0, anchor.find('/'))));
    }
    return told;
  }

  std::vector<store::RecordRow> worklist(std::string_view kind) {
    return (*store_->snapshot())->list_records(kind, "", "", 100).value();
  }
  fhir::Result<void> settle(std::int64_t row, std::string_view how, std::string const& reason) {
    return intake_->settle_conflict(row, {std::string(how), reason, "an operator", {}});
  }

  /// Sends each thread's messages one after the other, the threads beside each other; how many were not AA.
  int send_beside_each_other(std::vector<std::vector<std::string>> const& threads) {
    std::atomic<int> refused{0};
    std::vector<std::thread> running;
    for (auto const& messages : threads) {
      running.emplace_back([&] {
        for (auto const& message : messages)
          if (code(send(message)) != "AA") ++refused;
      });
    }
    for (auto& one : running) one.join();
    return refused;
  }

  std::string folder_;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(IntakeTest, AnAdmissionIsStoredJournaledAndAcknowledged) {
  EXPECT_EQ(code(send(admission("M1"))), "AA");
  auto const rows = journal();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "accepted");
  EXPECT_EQ(rows[0].kind, "ADT^A01");
  EXPECT_EQ(rows[0].partner, "hospital");
  ASSERT_EQ(found("Patient").size(), 1U);
  auto const encounters = found("Encounter");
  ASSERT_EQ(encounters.size(), 1U);
  EXPECT_EQ(encounters[0].source, "hospital");
  EXPECT_NE(encounters[0].content.find(R"("status":"in-progress")"), std::string::npos);
  EXPECT_EQ(found("Person").size(), 1U);
}

// Everybody writes the same Patient and stay: each message is computed at most twice, so that the storm ends
// of itself, and what one connection sent in order is stored in that order.
TEST_F(IntakeTest, AStormForOnePatientIsTakenInOrderAndEndsOfItself) {
  constexpr int kThreads = 6, kEach = 8;
  ASSERT_EQ(code(send(admission("M0"))), "AA");
  std::vector<std::vector<std::string>> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    auto& messages = threads.emplace_back();
    for (int each = 0; each < kEach; ++each) {
      auto const name = std::to_string(thread) + "x" + std::to_string(each);
      messages.push_back(admission("M" + name, "A08", "4711", "Mason" + name));
    }
  }
  EXPECT_EQ(send_beside_each_other(threads), 0);
  EXPECT_LE(store_->stats().recomputed, static_cast<std::uint64_t>(kThreads * kEach));

  auto const patients = found("Patient");
  ASSERT_EQ(patients.size(), 1U);
  auto const history =
      (*store_->snapshot())->history(store::AccessPolicy::all(), "Patient", patients[0].id, 0, 1000, "");
  ASSERT_TRUE(history);
  EXPECT_EQ(history->versions.size(), static_cast<std::size_t>(1 + kThreads * kEach))
      << "none lost, none twice";
  std::vector<int> next(kThreads, kEach - 1);  // newest first
  for (auto const& version : history->versions) {
    auto const at = version.content.find("\"Mason");
    ASSERT_NE(at, std::string::npos);
    auto const name = version.content.substr(at + 6, version.content.find('"', at + 6) - at - 6);
    if (name.empty()) continue;  // as it was admitted
    auto& expected = next.at(static_cast<std::size_t>(name[0] - '0'));
    EXPECT_EQ(name.substr(2), std::to_string(expected)) << "connection " << name[0];
    --expected;
  }
}

// Different persons share beds and staff, and disturb each other no more than that: nothing is computed
// twice.
TEST_F(IntakeTest, MessagesForDifferentPatientsAreTakenInBesideEachOther) {
  constexpr int kThreads = 4, kEach = 8;
  std::vector<std::vector<std::string>> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    auto const mrn = "10" + std::to_string(thread);
    auto first = admission("F" + mrn, "A01", mrn);
    auto const visit = first.find("V1^^^VISITS");
    first.replace(visit, 2, "V" + mrn);
    ASSERT_EQ(code(send(first)), "AA");
    auto& messages = threads.emplace_back();
    for (int each = 0; each < kEach; ++each) {
      auto message = admission("N" + mrn + std::to_string(each), "A08", mrn, "Name" + std::to_string(each));
      message.replace(message.find("V1^^^VISITS"), 2, "V" + mrn);
      messages.push_back(std::move(message));
    }
  }
  EXPECT_EQ(send_beside_each_other(threads), 0);
  EXPECT_EQ(store_->stats().recomputed, 0U);
  EXPECT_EQ(found("Patient").size(), static_cast<std::size_t>(kThreads));
}

std::string care_message(std::string const& event, std::string const& control_id,
                         std::string const& segments) {
  return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||" + event + "|" + control_id +
         "|P|2.5.1\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\r" + segments;
}

TEST_F(IntakeTest, APlanIsToldWholeToWhoTakesPlansAndItsProblemToWhoTakesOnlyThose) {
  std::string const plan = "PTH|AD|HF-1^Heart failure^L|PW-1^HOSP|20250301|Active\r";
  std::string const problem = "PRB|AD|20250301|I50.9^Heart failure^I10C|PB-1^HOSP\r";
  std::string const goal = "GOL|AD|20250301|W-1^Stable weight^L|GL-1^HOSP||||||||||||||ACT\r";
  EXPECT_EQ(code(send(care_message("PPP^PCB^PPP_PCB", "P1", plan + problem + goal))), "AA");
  EXPECT_EQ(queued("plans"), std::vector<std::string>{"PPP^PCB CarePlan"});
  EXPECT_EQ(queued("problems"), std::vector<std::string>{"PPR^PC1 Condition"});
  EXPECT_EQ(queued("hospital"), std::vector<std::string>{}) << "never to the origin";
}

TEST_F(IntakeTest, AChangeIsToldByTheEventTableAndNoChangeIsNotTold) {
  std::string const goal = "GOL|AD|20250301|W-1^Stable weight^L|GL-1^HOSP||||||||||||||";
  send(care_message("PGL^PC6^PGL_PC6", "G1", goal + "ACT\r"));
  EXPECT_EQ(queued("plans"), std::vector<std::string>{}) << "PGL^PC6 is not in its profile";
  send(care_message("PGL^PC7^PGL_PC6", "G2", goal + "ACT\r"));
  EXPECT_EQ(queued("plans"), std::vector<std::string>{}) << "nothing changed";
  send(care_message("PGL^PC7^PGL_PC6", "G3", goal + "Completed\r"));
  EXPECT_EQ(queued("plans"), std::vector<std::string>{"PGL^PC7 Goal"});
}

TEST_F(IntakeTest, AProblemDeletedByItsActionCodeStaysAndIsMarked) {
  send(care_message("PPR^PC1^PPR_PC1", "P1", "PRB|AD|20250301|I50.9^Heart failure^I10C|PB-1^HOSP\r"));
  send(care_message("PPR^PC3^PPR_PC1", "P2", "PRB|DE|20250301|I50.9^Heart failure^I10C|PB-1^HOSP\r"));
  auto const problems = found("Condition");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0].content.find("entered-in-error"), std::string::npos) << problems[0].content;
}

TEST_F(IntakeTest, AQueryOfAnotherKindIsNotAnsweredAsIfItHadBeenRun) {
  auto const answers = send(
      "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||QBP^Q21^QBP_Q21|Q1|P|2.5\rQPD|Q21^Get Person "
      "Demographics|T1|4711^^^HOSP\rRCP|I\r");
  EXPECT_EQ(code(answers), "AE");
  EXPECT_NE(answers[0].find("this query is not answered here"), std::string::npos) << answers[0];
}

TEST_F(IntakeTest, ACollaborativeReferralOpensARecordAndItsCancellationIsAsked) {
  auto const referral = [](std::string const& trigger, std::string const& id) {
    return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||CCR^" + trigger + "^CCR_I16|" + id +
           "|P|2.8\rRF1|P|R|MED|AM|O|R-9^HOSP|20250301\rPRD|RP|Okafor^Nadia\rPRD|RT|Lindqvist^Per\r"
           "PID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\rPV1|1|O\r";
  };
  EXPECT_EQ(code(send(referral("I16", "C1"))), "AA");
  ASSERT_EQ(worklist("referral").size(), 1U);
  EXPECT_EQ(worklist("referral")[0].state, "SENT");
  EXPECT_EQ(code(send(referral("I18", "C2"))), "AA");
  ASSERT_EQ(worklist("referral").size(), 1U);
  EXPECT_EQ(worklist("referral")[0].state, "CANCEL_REQUESTED");
}

TEST_F(IntakeTest, AResendIsAnsweredAsBeforeAndStoresNothing) {
  auto const first = send(admission("M1"));
  auto const again = send(admission("M1"));
  EXPECT_EQ(first, again);
  EXPECT_EQ(journal().size(), 1U);
  EXPECT_EQ(found("Encounter")[0].version_id, 1);
  EXPECT_EQ(intake_->counters().replayed, 1U);
}

TEST_F(IntakeTest, AResendWithAFreshTimestampIsStillAResend) {
  auto const first = send(admission("M1"));
  std::string later = admission("M1");
  later.replace(later.find("20250301110000"), 14, "20250301110500");
  EXPECT_EQ(send(later), first);
  EXPECT_EQ(journal().size(), 1U);
}

TEST_F(IntakeTest, AReusedControlIdIsKeptAsAConflictAndRefused) {
  send(admission("M1"));
  EXPECT_EQ(code(send(admission("M1", "A01", "9999"))), "AR");
  auto const rows = journal();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].outcome, "conflict");
  EXPECT_NE(rows[0].raw.find("9999"), std::string::npos);
  EXPECT_EQ(found("Patient").size(), 1U);
}

TEST_F(IntakeTest, AConflictIsKeptOnceAndWaitsForAPerson) {
  send(admission("M1"));
  EXPECT_EQ(code(send(admission("M1", "A01", "9999"))), "AR");
  EXPECT_EQ(code(send(admission("M1", "A01", "9999"))), "AR");
  EXPECT_EQ(journal().size(), 2U) << "the same conflicting bytes are kept once";
  EXPECT_EQ(intake_->counters().conflicts, 2U);
  auto const open = worklist(record::work::conflict);
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].owner, "Organization/gateway");
  EXPECT_EQ(open[0].body.find("9999"), std::string::npos);
  EXPECT_TRUE(record::rebuild(*store_).empty());
}

TEST_F(IntakeTest, APersonTakesAConflictInAsANewMessage) {
  send(admission("M1"));
  send(admission("M1", "A01", "9999"));
  std::int64_t const row = journal()[0].id;
  EXPECT_FALSE(intake_->replay(row)) << "not without a decision";
  EXPECT_EQ(settle(row, record::work::accepted, "").error().code, fhir::IssueType::required);
  EXPECT_EQ(found("Patient").size(), 1U) << "nothing half done";
  ASSERT_TRUE(settle(row, record::work::accepted, "their counter was reset"));
  EXPECT_EQ(found("Patient").size(), 2U);
  ASSERT_EQ(journal().size(), 2U) << "the kept row is the message's";
  EXPECT_EQ(journal()[0].id, row);
  EXPECT_EQ(journal()[0].outcome, "accepted");
  EXPECT_TRUE(worklist(record::work::conflict).empty());
  EXPECT_EQ(settle(row, record::work::accepted, "twice").error().code, fhir::IssueType::conflict);
  // The sender that still resends it hears the decision.
  EXPECT_EQ(code(send(admission("M1", "A01", "9999"))), "AA");
  EXPECT_EQ(journal().size(), 2U);
  EXPECT_TRUE(record::rebuild(*store_).empty());
}

TEST_F(IntakeTest, APersonDismissesAConflictForGood) {
  send(admission("M1"));
  send(admission("M1", "A01", "9999"));
  ASSERT_TRUE(settle(journal()[0].id, record::work::dismissed, "a test message"));
  EXPECT_EQ(journal()[0].outcome, "dismissed");
  EXPECT_NE(journal()[0].raw.find("9999"), std::string::npos) << "still kept";
  EXPECT_TRUE(worklist(record::work::conflict).empty());
  EXPECT_EQ(code(send(admission("M1", "A01", "9999"))), "AR");
  EXPECT_EQ(journal().size(), 2U);
  EXPECT_TRUE(worklist(record::work::conflict).empty());
  EXPECT_EQ(found("Patient").size(), 1U);
}

TEST_F(IntakeTest, BytesThatAreNoMessageAreRefusedAndKept) {
  auto const answers = send("this is no message");
  EXPECT_EQ(code(answers), "AR");
  auto const rows = journal();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "refused");
  EXPECT_EQ(rows[0].raw, "this is no message");
}

TEST_F(IntakeTest, AnEmptyControlIdIsNeverPositivelyAnswered) { EXPECT_EQ(code(send(admission(""))), "AR"); }

TEST_F(IntakeTest, AnUnknownSenderIsRefused) {
  EXPECT_EQ(code(send(admission("M1", "A01", "4711", "Mason", "OTHER"))), "AR");
  EXPECT_TRUE(found("Patient").empty());
}

TEST_F(IntakeTest, ASenderBoundToACertificateNeedsThatOne) {
  EXPECT_EQ(code(send(admission("M1", "A01", "4711", "Mason", "BOUND"), "another")), "AR");
  EXPECT_EQ(code(send(admission("M2", "A01", "4711", "Mason", "BOUND"), "bound-client")), "AA");
}

TEST_F(IntakeTest, AMessageWithoutATableIsAnErrorThatCanBeReplayed) {
  std::string const unknown = "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||ZZZ^Z99|M1|P|2.5.1\rZPD|1|x\r";
  EXPECT_EQ(code(send(unknown)), "AE");
  auto const rows = journal();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].outcome, "error");
  EXPECT_FALSE(intake_->replay(rows[0].id));  // no table was mended meanwhile
  EXPECT_EQ(journal().size(), 1U);
}

TEST_F(IntakeTest, AValueThatCannotBeReadIsToldToTheSenderAndKeptWithTheMessage) {
  std::string bytes = admission("M1");
  bytes.replace(bytes.find("19570312"), 8, "19571345");
  auto const answers = send(bytes);
  EXPECT_EQ(code(answers), "AA");
  EXPECT_NE(answers[0].find("ERR||PID^1^7^1|102^Data type error^HL70357|W|"), std::string::npos)
      << answers[0];
  EXPECT_EQ(answers[0].find("19571345"), std::string::npos);
  EXPECT_NE(journal()[0].issues.find("pid.7"), std::string::npos) << journal()[0].issues;
}

TEST_F(IntakeTest, TheWarningsOfOneMessageAreFew) {
  std::string bytes = admission("M1");
  for (int i = 0; i < 80; ++i) bytes += "DG1|" + std::to_string(i) + "||I10^x^I10||20259999\r";
  auto const answers = send(bytes);
  ASSERT_EQ(code(answers), "AA");
  std::size_t errors = 0;
  for (auto at = answers[0].find("ERR|"); at != std::string::npos; at = answers[0].find("ERR|", at + 1))
    ++errors;
  EXPECT_EQ(errors, 51U);
  EXPECT_NE(answers[0].find("and 30 more"), std::string::npos);
}

TEST_F(IntakeTest, AMessageForTestingDoesNotReachRealPatients) {
  std::string bytes = admission("M1");
  bytes.replace(bytes.find("|P|2.5.1"), 8, "|T|2.5.1");
  auto const answers = send(bytes);
  EXPECT_EQ(code(answers), "AR");
  EXPECT_NE(answers[0].find("ERR||MSH^1^11^1|202^Unsupported processing id^HL70357|E|"), std::string::npos)
      << answers[0];
  EXPECT_TRUE(found("Patient").empty());
  EXPECT_FALSE(intake_->replay(journal()[0].id));
  EXPECT_TRUE(found("Patient").empty());
}

TEST_F(IntakeTest, APartOfAMessageIsNotTakenForTheWhole) {
  std::string first = admission("M1") + "DSC|C1|F\r";
  std::string second = admission("M2");
  second.replace(second.find("|P|2.5.1"), 8, "|P|2.5.1||C1");
  for (std::string const& part : {first, second}) {
    auto const answers = send(part);
    EXPECT_EQ(code(answers), "AR");
    EXPECT_FALSE(intake_->replay(journal()[0].id));
  }
  EXPECT_TRUE(found("Patient").empty());
  std::string padded = admission("M3");
  padded.replace(padded.find("|P|2.5.1"), 8, "|P|2.5.1|| ");
  EXPECT_EQ(code(send(padded)), "AA");
}

TEST_F(IntakeTest, WithoutTheSegmentThatTheEventIsAboutNothingIsSaidToBeDone) {
  std::string const pid = "PID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\r";
  struct Lacking {
    std::string type, body, place;
  };
  for (auto const& [type, body, place] : std::vector<Lacking>{
           {"ADT^A03^ADT_A03", "EVN|A03\r" + pid, "PV1^1"},
           {"ADT^A01^ADT_A01", "EVN|A01\rPV1|1|I\r", "PID^1"},
           {"ADT^A40^ADT_A39", "EVN|A40\r" + pid, "MRG^1"},
           {"VXU^V04^VXU_V04", pid + "ORC|RE||O3^HOSP\r", "RXA^1"},
           {"ORU^R01^ORU_R01", "OBR|1||F1|GLU^Glucose^L\rOBX|1|NM|GLU^Glucose^L||5|mmol/L|||||F\r", "PID^1"},
           {"REF^I12^REF_I12", pid + "PRD|RP|Reyes^Ines\r", "RF1^1"}}) {
    auto const answers =
        send("MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||" + type + "|" + type + "|P|2.5.1\r" + body);
    EXPECT_EQ(code(answers), "AE") << type;
    EXPECT_NE(answers[0].find("ERR||" + place + "|100^"), std::string::npos) << answers[0];
    EXPECT_FALSE(intake_->replay(journal()[0].id)) << type;
  }
  for (char const* const type :
       {"Patient", "Encounter", "Immunization", "DiagnosticReport", "ServiceRequest"})
    EXPECT_TRUE(found(type).empty()) << type;
}

TEST_F(IntakeTest, AnUpdateOfAPersonNeedsNoVisit) {
  std::string bytes = admission("M1", "A08");
  bytes.resize(bytes.find("PV1|"));
  EXPECT_EQ(code(send(bytes)), "AA");
}

TEST_F(IntakeTest, ADamagedFrameIsKeptAndNeverAccepted) {
  Envelope envelope;
  envelope.bytes = admission("M1");
  envelope.feed = "mllp:test";
  envelope.damaged = true;
  envelope.warnings.push_back(fhir::error(fhir::IssueType::structure, "cut"));
  EXPECT_EQ(code(send(std::move(envelope))), "AR");
  EXPECT_EQ(journal()[0].outcome, "refused");
  EXPECT_TRUE(found("Patient").empty());
}

TEST_F(IntakeTest, ABatchIsAnsweredAsABatchAndOneBadMessageDoesNotStopIt) {
  std::string const batch = "BHS|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||||B1\r" + admission("M1") +
                            "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||ZZZ^Z99|M2|P|2.5.1\r" +
                            admission("M3", "A08") + "BTS|3\r";
  auto const answers = send(batch);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(answers[0].starts_with("BHS"));
  EXPECT_NE(answers[0].find("MSA|AA|M1"), std::string::npos);
  EXPECT_NE(answers[0].find("MSA|AE|M2"), std::string::npos);
  EXPECT_NE(answers[0].find("MSA|AA|M3"), std::string::npos);
  EXPECT_EQ(journal().size(), 3U);
}

TEST_F(IntakeTest, AMiscountedBatchIsHeldWhole) {
  std::string const batch = "BHS|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||||B1\r" + admission("M1") + "BTS|3\r";
  EXPECT_EQ(code(send(batch)), "AR");
  ASSERT_EQ(journal().size(), 1U);
  EXPECT_TRUE(found("Patient").empty());
}

TEST_F(IntakeTest, AnUpdateChangesNoStatusAndALateAdmissionReopensNothing) {
  send(admission("M1"));
  send(admission("M2", "A03"));
  EXPECT_NE(found("Encounter")[0].content.find(R"("status":"finished")"), std::string::npos);
  EXPECT_EQ(code(send(admission("M3", "A08"))), "AA");
  EXPECT_NE(found("Encounter")[0].content.find(R"("status":"finished")"), std::string::npos);
  EXPECT_EQ(code(send(admission("M4", "A01"))), "AA");
  EXPECT_NE(found("Encounter")[0].content.find(R"("status":"finished")"), std::string::npos);
}

TEST_F(IntakeTest, AfterAMergeTheRetiredNumberMeansTheSurvivor) {
  send(admission("M1", "A01", "4711"));
  send(admission("M2", "A08", "4712"));
  std::string const merge =
      "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||ADT^A40^ADT_A39|M3|P|2.5.1\rEVN|A40|20250301\r"
      "PID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\rMRG|4712^^^HOSP^MR\r";
  ASSERT_EQ(code(send(merge)), "AA");
  ASSERT_EQ(code(send(admission("M4", "A08", "4712", "Mason-Lee"))), "AA");
  auto const survivors = found("Patient", "identifier=urn:oid:1.3.6.1.4.1.32473.30|4711");
  ASSERT_EQ(survivors.size(), 1U);
  EXPECT_NE(survivors[0].content.find("Mason-Lee"), std::string::npos);
}

TEST_F(IntakeTest, TwoPeopleInAMessageOfOneAreRefusedAndNotMerged) {
  std::string message = admission("M1");
  message.insert(message.find("PV1|"), "PID|2||4712^^^HOSP^MR||Other^Person\r");
  auto const answers = send(message);
  EXPECT_EQ(code(answers), "AE");
  EXPECT_NE(answers[0].find("ERR||PID^2^3"), std::string::npos) << answers[0];
  EXPECT_TRUE(found("Patient").empty());
}

// Encounter.location is a history: a transfer closes the place it leaves, also where PV1-6 does not name it.
TEST_F(IntakeTest, ATransferWithoutPriorLocationClosesTheCurrentOneAndAddsTheNew) {
  send(admission("M1"));
  ASSERT_EQ(code(send(transfer("M2", "A02", "5E^501^1", "20250302080000"))), "AA");
  EXPECT_EQ(places(), "active 5E 2025-03-02T08:00:00+00:00-; completed 4W -2025-03-02T08:00:00+00:00; ");
  ASSERT_EQ(code(send(transfer("M3", "A02", "ICU^1^1", "20250303080000"))), "AA");
  EXPECT_EQ(places(),
            "active ICU 2025-03-03T08:00:00+00:00-; completed 5E "
            "2025-03-02T08:00:00+00:00-2025-03-03T08:00:00+00:00; "
            "completed 4W -2025-03-02T08:00:00+00:00; ");
  // The same transfer told again, and an update, move nobody.
  std::string const before = places();
  send(transfer("M4", "A02", "ICU^1^1", "20250303080000"));
  send(transfer("M5", "A08", "ICU^1^1", "20250303090000"));
  EXPECT_EQ(places(), before);
  // A correction of the present place leaves the past alone.
  send(transfer("M6", "A08", "CCU^1^1", "20250303100000"));
  EXPECT_EQ(places(),
            "active CCU 2025-03-03T08:00:00+00:00-; completed 5E "
            "2025-03-02T08:00:00+00:00-2025-03-03T08:00:00+00:00; "
            "completed 4W -2025-03-02T08:00:00+00:00; ");
}

TEST_F(IntakeTest, ACancelledTransferOpensTheEarlierPlaceAgain) {
  send(admission("M1"));
  send(transfer("M2", "A02", "5E^501^1", "20250302080000"));
  ASSERT_EQ(code(send(transfer("M3", "A12", "4W^401^1", "20250302090000"))), "AA");
  EXPECT_EQ(places(), "active 4W -; ");
}

TEST_F(IntakeTest, ACancelledTransferThatNamesNoPlaceGivesBackTheOneThatIsKnown) {
  send(admission("M1"));
  send(transfer("M2", "A02", "5E^501^1", "20250302080000"));
  ASSERT_EQ(code(send(transfer("M3", "A12", "", "20250302090000"))), "AA");
  EXPECT_EQ(places(), "active 4W -; ");
  // Told once more, there is nothing left to give back.
  ASSERT_EQ(code(send(transfer("M4", "A12", "", "20250302093000"))), "AA");
  EXPECT_EQ(places(), "active 4W -; ");
}

TEST_F(IntakeTest, ACancelledAdmissionLeavesNobodyInTheBed) {
  send(admission("M1"));
  send(transfer("M2", "A02", "5E^501^1", "20250302080000"));
  ASSERT_EQ(code(send(transfer("M3", "A11", "5E^501^1", "20250302100000"))), "AA");
  std::string const over =
      "completed 5E 2025-03-02T08:00:00+00:00-2025-03-02T10:00:00+00:00; "
      "completed 4W -2025-03-02T08:00:00+00:00; ";
  EXPECT_EQ(places(), over);
  // The same again, and what still comes of the visit, puts nobody back.
  send(transfer("M4", "A11", "5E^501^1", "20250302110000"));
  send(transfer("M5", "A08", "5E^501^1", "20250302120000"));
  EXPECT_EQ(places(), over);
}

TEST_F(IntakeTest, ADischargeEndsThePlaceAndNoLaterMessageReopensIt) {
  send(admission("M1"));
  send(transfer("M2", "A02", "5E^501^1", "20250302080000"));
  std::string const open = places();
  ASSERT_EQ(code(send(transfer("M3", "A03", "5E^501^1", "20250304120000"))), "AA");
  std::string const ended =
      "completed 5E 2025-03-02T08:00:00+00:00-2025-03-04T12:00:00+00:00; "
      "completed 4W -2025-03-02T08:00:00+00:00; ";
  EXPECT_EQ(places(), ended);
  send(transfer("M4", "A08", "5E^501^1", "20250305090000"));
  EXPECT_EQ(places(), ended);
  ASSERT_EQ(code(send(transfer("M5", "A13", "5E^501^1", "20250305100000"))), "AA");
  EXPECT_EQ(places(), open);
}

TEST_F(IntakeTest, APriorLocationThatNobodyToldOfIsKeptAsPast) {
  send(admission("M1"));
  send(transfer("M2", "A02", "5E^501^1", "20250302080000", "REC^1^1"));
  EXPECT_EQ(
      places(),
      "active 5E 2025-03-02T08:00:00+00:00-; completed 4W -2025-03-02T08:00:00+00:00; completed REC -; ");
}

// architecture.md section 3: a link set by the gateway is server-managed and survives a client's PUT.
TEST_F(IntakeTest, AMergesPatientLinkSurvivesAClientsPut) {
  send(admission("M1", "A01", "4711"));
  send(admission("M2", "A08", "4712"));
  send(
      "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||ADT^A40^ADT_A39|M3|P|2.5.1\rEVN|A40|20250301\r"
      "PID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\rMRG|4712^^^HOSP^MR\r");
  for (char const* number : {"4711", "4712"}) {
    std::string const type = std::string(number) == "4711" ? "replaces" : "replaced-by";
    auto const stored = found("Patient", std::string("identifier=urn:oid:1.3.6.1.4.1.32473.30|") + number);
    ASSERT_EQ(stored.size(), 1U) << number;
    ASSERT_NE(stored[0].content.find(type), std::string::npos) << stored[0].content;
    std::string const id = stored[0].id;
    ASSERT_TRUE(
        put(R"({"resourceType":"Patient","id":")" + id +
            R"(","link":[{"other":{"reference":"Patient/another"},"type":"seealso"}],"gender":"male"})"));
    auto const snapshot = store_->snapshot();
    auto const after = (*snapshot)->find(store::AccessPolicy::all(), "Patient", id).value();
    EXPECT_NE(after->content.find(type), std::string::npos) << after->content;
    EXPECT_NE(after->content.find("Patient/another"), std::string::npos) << "the client's own link stays too";
    EXPECT_NE(after->content.find(R"("gender":"male")"), std::string::npos);
  }
}

TEST_F(IntakeTest, ParallelSendersOfOneVisitAllGetIn) {
  constexpr int kSenders = 8;
  std::vector<std::thread> threads;
  std::atomic<int> accepted{0};
  for (int sender = 0; sender < kSenders; ++sender) {
    threads.emplace_back([&, sender] {
      for (int i = 0; i < 5; ++i) {
        if (code(send(admission("S" + std::to_string(sender) + "-" + std::to_string(i), "A08"))) == "AA")
          ++accepted;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(accepted, kSenders * 5);
  EXPECT_EQ(journal().size(), static_cast<std::size_t>(kSenders * 5));
  EXPECT_EQ(found("Patient").size(), 1U);
  EXPECT_EQ(found("Encounter").size(), 1U);
}

TEST_F(IntakeTest, TheVectorsOfTheMllpCorpusGetTheAnswersItsManifestAsksFor) {
  std::string const corpus = std::string(HANDOFF_SHARED_DIR) + "/corpora/mllp/framing/";
  if (!std::filesystem::exists(corpus)) GTEST_SKIP() << "the shared corpora are not here";
  config::Settings anyone;  // the vectors come from senders of their own
  auto const clock = [] { return std::int64_t{1'740'830'400'000}; };
  intake_ = std::make_unique<Intake>(
      IntakeOptions{.store = *store_,
                    .tables = std::make_shared<LiveTables>(make_tables(anyone, {}, {}).value()),
                    .clock = clock,
                    .subscriptions = subscriptions_});
  auto const payload = [&](std::string const& name) {
    std::ifstream file(corpus + name, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    EXPECT_GT(bytes.size(), 3U) << name;
    return bytes.substr(1, bytes.find('\x1c') - 1);
  };
  EXPECT_EQ(code(send(payload("01-canonical.bin"))), "AA");
  EXPECT_EQ(code(send(payload("27-bad-utf8-declared.bin"))), "AE");
  EXPECT_EQ(code(send(payload("28-no-msh.bin"))), "AR");
  EXPECT_EQ(code(send(payload("29-empty-msh10.bin"))), "AR");
  EXPECT_EQ(code(send(payload("38-two-msh-one-frame.bin"))), "AE");
  EXPECT_EQ(code(send(payload("50-control-chars.bin"))), "AE");
  EXPECT_EQ(journal().size(), 6U);
}

}  // namespace
}  // namespace gateway::intake
