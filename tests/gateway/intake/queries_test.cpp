/// Queries by message, through the door they come by: what is found, what is not, what is wrong with the
/// question, and that the FHIR search finds the same.
#include "gateway/intake/queries.hpp"

#include "gateway/intake/intake.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace gateway::intake {
namespace {

constexpr char kHospital[] = "urn:oid:1.3.6.1.4.1.32473.30";
constexpr char kHeart[] = "urn:oid:1.3.6.1.4.1.32473.40";
constexpr char kNational[] = "urn:oid:1.3.6.1.4.1.32473.99";

class Queries : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "queries-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto const clock = [this] { return now_; };
    store_ = store::open_sqlite({.path = folder_ + "/handoff.db"}, clock).value();
    config::Settings settings;
    for (char const* const name : {"HOSP", "HEART"}) {
      config::Partner partner;
      partner.name = name;
      partner.application = "ADT";
      partner.facility = name;
      partner.authorities = {{"HOSP", kHospital}, {"HEART", kHeart}, {"NAT", kNational}};
      partner.own_authorities = {std::string(name) == "HOSP" ? kHospital : kHeart};
      partner.trusted_ids = {kNational};
      settings.partners.push_back(partner);
    }
    tables_ = std::make_shared<LiveTables>(make_tables(settings, {}, {}).value());
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
    ASSERT_TRUE(intake_->prepare());
    register_patient("HOSP", "4711", "Mason^Walter", "19570312", "M", "900");
    register_patient("HOSP", "4712", "Mason^Wilma", "19600101", "F", "");
    register_patient("HOSP", "4713", "Reed^Ann", "19701231", "F", "");
    register_patient("HEART", "H-1", "Mason^Walter", "19570312", "M", "900");
  }
  void TearDown() override {
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string send(std::string const& facility, std::string const& type, std::string const& segments,
                   std::string const& id = {}) {
    now_ += 1000;
    Envelope envelope;
    envelope.bytes = "MSH|^~\\&|ADT|" + facility + "|HANDOFF|HUB|20250301110000+0000||" + type + "|" +
                     (id.empty() ? "M" + std::to_string(++sent_) : id) + "|P|2.5.1\r" + segments;
    envelope.feed = "mllp:test";
    boost::asio::io_context context;
    std::string answer;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [&](std::exception_ptr failed, std::vector<std::string> answers) {
                            ASSERT_FALSE(failed);
                            ASSERT_EQ(answers.size(), 1U);
                            answer = answers[0];
                          });
    context.run();
    return answer;
  }
  void register_patient(std::string const& facility, std::string const& number, std::string const& name,
                        std::string const& born, std::string const& sex, std::string const& national) {
    std::string const answer = send(facility, "ADT^A28",
                                    "EVN|A28|20250301110000+0000\rPID|1||" + number + "^^^" + facility +
                                        "^MR" + (national.empty() ? "" : "~" + national + "^^^NAT^NI") +
                                        "||" + name + "||" + born + "|" + sex + "\r");
    ASSERT_NE(answer.find("MSA|AA"), std::string::npos) << answer;
  }
  std::string demographics(std::string const& wanted, std::string const& more = "|||||",
                           std::string const& rcp = "RCP|I\r") {
    return send("HEART", "QBP^Q22^QBP_Q21", "QPD|IHE PDQ Query|T-1|" + wanted + more + "\r" + rcp);
  }
  std::string cross_reference(std::string const& number, std::string const& wanted = {}) {
    return send("HEART", "QBP^Q23^QBP_Q21", "QPD|IHE PIX Query|T-2|" + number + "|" + wanted + "\rRCP|I\r");
  }

  /// "field" of the first segment of that id; "" when there is none.
  static std::string field(std::string const& message, std::string const& id, std::uint16_t number) {
    fhir::Issues warnings;
    auto const parsed = mappings::hl7v2::Message::parse(message, {}, warnings);
    if (!parsed) return "no message";
    auto const at = parsed->find_segment(id);
    return at ? std::string(parsed->raw({static_cast<std::uint32_t>(*at), number})) : "";
  }
  /// PID-3.1 of every PID.
  static std::set<std::string> numbers(std::string const& message) {
    fhir::Issues warnings;
    auto const parsed = mappings::hl7v2::Message::parse(message, {}, warnings);
    std::set<std::string> all;
    if (!parsed) return all;
    for (auto at = parsed->find_segment("PID"); at; at = parsed->find_segment("PID", *at + 1)) {
      for (std::uint16_t rep = 1; rep <= parsed->repetition_count(*at, 3); ++rep)
        all.insert(std::string(parsed->raw({static_cast<std::uint32_t>(*at), 3, rep, 1})));
    }
    return all;
  }
  std::size_t found_by_fhir(std::string const& search) {
    auto query = fhir::search::parse_query("Patient", search, fhir::search::Handling::strict);
    return store_->snapshot().value()->search(store::AccessPolicy::all(), *query).value().entries.size();
  }
  static std::size_t count(std::string const& message, std::string const& id) {
    std::size_t all = 0;
    for (auto at = message.find("\r" + id + "|"); at != std::string::npos;
         at = message.find("\r" + id + "|", at + 1))
      ++all;
    return all;
  }

  std::int64_t now_ = 1'740'830'400'000;
  int sent_ = 0;
  std::string folder_;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(Queries, ADemographicsQueryFindsWhomTheFhirSearchFinds) {
  std::string const answer = demographics("@PID.5.1^MASON~@PID.8^M~@PID.7^19570312");
  EXPECT_EQ(field(answer, "MSH", 9), "RSP^K22^RSP_K22") << answer;
  EXPECT_EQ(field(answer, "MSH", 5) + field(answer, "MSH", 6), "ADTHEART");
  EXPECT_EQ(field(answer, "MSA", 1), "AA");
  EXPECT_EQ(field(answer, "QAK", 1), "T-1");
  EXPECT_EQ(field(answer, "QAK", 2), "OK");
  EXPECT_EQ(field(answer, "QAK", 4), "2");
  EXPECT_EQ(field(answer, "QPD", 3), "@PID.5.1^MASON~@PID.8^M~@PID.7^19570312") << "the question as it came";
  EXPECT_EQ(numbers(answer), (std::set<std::string>{"4711", "900", "H-1"})) << answer;
  EXPECT_EQ(count(answer, "PID"), found_by_fhir("family=MASON&gender=male&birthdate=1957-03-12"));
  EXPECT_NE(answer.find("PID|2|"), std::string::npos) << answer;
}

TEST_F(Queries, NobodyFoundIsAnAnswer) {
  std::string const answer = demographics("@PID.5.1^Nobody");
  EXPECT_EQ(field(answer, "MSA", 1), "AA");
  EXPECT_EQ(field(answer, "QAK", 2), "NF");
  EXPECT_EQ(field(answer, "QAK", 4), "0");
  EXPECT_EQ(count(answer, "PID"), 0U);
  EXPECT_EQ(found_by_fhir("family=Nobody"), 0U);
}

TEST_F(Queries, ANumberIsSoughtWithItsAuthority) {
  EXPECT_EQ(numbers(demographics("@PID.3.1^4711~@PID.3.4.1^HOSP")), (std::set<std::string>{"4711", "900"}));
  EXPECT_EQ(field(demographics("@PID.3.1^4711~@PID.3.4.1^HEART"), "QAK", 2), "NF");
}

TEST_F(Queries, OnlyTheDomainsThatAreAskedForAreReturned) {
  std::string const answer = demographics("@PID.5.1^MASON", "|||||^^^HEART");
  EXPECT_EQ(numbers(answer), (std::set<std::string>{"H-1"})) << answer;
  std::string const unknown = demographics("@PID.5.1^MASON", "|||||^^^NOWHERE");
  EXPECT_EQ(field(unknown, "MSA", 1), "AE");
  EXPECT_EQ(field(unknown, "QAK", 2), "AE");
  EXPECT_EQ(field(unknown, "ERR", 2), "QPD^1^8^1^4") << unknown;
  EXPECT_TRUE(field(unknown, "ERR", 3).starts_with("204^")) << unknown;
}

TEST_F(Queries, WhatCannotBeSearchedByIsRefusedAndNotLeftOut) {
  std::string const answer = demographics("@PID.5.1^MASON~@PID.18.1^ACC-1");
  EXPECT_EQ(field(answer, "MSA", 1), "AE");
  EXPECT_EQ(field(answer, "QAK", 2), "AE");
  EXPECT_EQ(count(answer, "PID"), 0U);
  EXPECT_EQ(field(demographics(""), "MSA", 1), "AE") << "a question for everybody";
  EXPECT_EQ(field(demographics("@PID.7^someday"), "MSA", 1), "AE");
  EXPECT_EQ(field(demographics("@PID.5.1^MASON~@PID.8^?"), "MSA", 1), "AE");
}

TEST_F(Queries, ALongAnswerComesInPartsThatThePointerContinues) {
  std::set<std::string> all;
  std::string pointer;
  int parts = 0;
  do {
    std::string const answer = demographics(
        "@PID.5.1^MASON", "|||||", "RCP|I|1^RD\r" + (pointer.empty() ? "" : "DSC|" + pointer + "|I\r"));
    EXPECT_EQ(count(answer, "PID"), 1U) << answer;
    EXPECT_EQ(field(answer, "QAK", 4), "3");
    EXPECT_EQ(field(answer, "QAK", 6), std::to_string(2 - parts)) << answer;
    all.merge(numbers(answer));
    pointer = field(answer, "DSC", 1);
    ++parts;
  } while (!pointer.empty() && parts < 9);
  EXPECT_EQ(parts, 3);
  EXPECT_EQ(all, (std::set<std::string>{"4711", "4712", "900", "H-1"}));
}

TEST_F(Queries, ACrossReferenceGivesTheOtherNumbersOfThePerson) {
  std::string const answer = cross_reference("H-1^^^HEART");
  EXPECT_EQ(field(answer, "MSH", 9), "RSP^K23^RSP_K23") << answer;
  EXPECT_EQ(field(answer, "MSA", 1), "AA");
  EXPECT_EQ(field(answer, "QAK", 2), "OK");
  EXPECT_EQ(field(answer, "QPD", 3), "H-1^^^HEART");
  EXPECT_EQ(numbers(answer), (std::set<std::string>{"4711", "900"})) << answer;
  EXPECT_EQ(field(answer, "PID", 7), "") << "no more than the name is told";
  EXPECT_EQ(numbers(cross_reference("H-1^^^HEART", "^^^HOSP")), (std::set<std::string>{"4711"}));
}

TEST_F(Queries, ACrossReferenceWithNothingToSayOrOfNobody) {
  std::string const alone = cross_reference("4713^^^HOSP", "^^^HEART");
  EXPECT_EQ(field(alone, "MSA", 1) + field(alone, "QAK", 2), "AANF") << alone;
  std::string const nobody = cross_reference("77^^^HOSP");
  EXPECT_EQ(field(nobody, "MSA", 1) + field(nobody, "QAK", 2), "AEAE") << nobody;
  EXPECT_EQ(field(nobody, "ERR", 2), "QPD^1^3^1^1") << nobody;
  std::string const nowhere = cross_reference("77^^^NOWHERE");
  EXPECT_EQ(field(nowhere, "ERR", 2), "QPD^1^3^1^4") << nowhere;
}

TEST_F(Queries, ARetiredNumberAnswersWithItsSurvivor) {
  ASSERT_NE(
      send(
          "HOSP", "ADT^A40",
          "EVN|A40|20250301120000+0000\rPID|1||4712^^^HOSP^MR||Mason^Wilma||19600101|F\rMRG|4713^^^HOSP^MR\r")
          .find("MSA|AA"),
      std::string::npos);
  EXPECT_EQ(numbers(demographics("@PID.3.1^4713~@PID.3.4.1^HOSP")), (std::set<std::string>{"4712"}));
  EXPECT_EQ(count(demographics("@PID.5.1^Reed"), "PID"), 1U) << "the retired one's name leads to her, too";
}

TEST_F(Queries, NothingIsStoredButTheQuestionAndItsAnswer) {
  std::string const first =
      send("HEART", "QBP^Q22^QBP_Q21", "QPD|IHE PDQ Query|T-1|@PID.5.1^MASON\rRCP|I\r", "Q1");
  EXPECT_EQ(found_by_fhir(""), 4U);
  EXPECT_EQ(send("HEART", "QBP^Q22^QBP_Q21", "QPD|IHE PDQ Query|T-1|@PID.5.1^MASON\rRCP|I\r", "Q1"), first)
      << "the same question again gets the same answer (R5)";
}

}  // namespace
}  // namespace gateway::intake
