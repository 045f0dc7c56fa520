/// What A18 to A51 do to identities, through the door that messages come by: law L10 of translation.md
/// section 3.5 (after A40 any message with the old number means the new one; A37 restores), moves, changes of
/// number, and messages that arrive out of the order in which they were sent.
#include "fhir/json/reader.hpp"
#include "gateway/delivery/render.hpp"
#include "gateway/intake/intake.hpp"
#include "gateway/intake/trace.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace gateway::intake {
namespace {

using fhir::json::Element;

constexpr char kMrn[] = "urn:oid:1.3.6.1.4.1.32473.30";

class IdentityActsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "acts-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto const clock = [] { return std::int64_t{1'740'830'400'000}; };
    auto opened = store::open_sqlite({.path = folder_ + "/handoff.db"}, clock);
    ASSERT_TRUE(opened) << to_line(opened.error());
    store_ = std::move(*opened);
    config::Settings settings;
    config::Partner hospital;
    hospital.name = "hospital";
    hospital.application = "ADT";
    hospital.facility = "HOSP";
    hospital.authorities = {{"HOSP", kMrn}, {"VISITS", "urn:oid:1.3.6.1.4.1.32473.31"}};
    hospital.own_authorities = {kMrn};
    settings.partners.push_back(hospital);
    config::Partner clinic;
    clinic.name = "clinic";
    clinic.application = "EHR";
    clinic.facility = "CLINIC";
    clinic.authorities = hospital.authorities;
    clinic.events = {"ADT^A28", "ADT^A31", "ADT^A40", "ADT^A24", "ADT^A37"};
    clinic.delivery.mllp.port = 2575;
    settings.partners.push_back(clinic);
    tables_ = std::make_shared<LiveTables>(make_tables(settings, {}, {}).value());
    intake_ = std::make_unique<Intake>(
        IntakeOptions{.store = *store_, .tables = tables_, .clock = clock, .subscriptions = subscriptions_});
  }
  void TearDown() override {
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// MSH and EVN of the event, sent at `minute` past noon, then the segments. The MSA-1 of the answer.
  std::string send(std::string const& trigger, int minute, std::string const& segments,
                   std::string const& sequence = {}) {
    std::string const clock =
        "2025030112" + std::string(minute < 10 ? "0" : "") + std::to_string(minute) + "00+0000";
    Envelope envelope;
    envelope.bytes = "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|" + clock + "||ADT^" + trigger + "|M" +
                     std::to_string(++sent_) + "|P|2.5.1|" + sequence + "\rEVN|" + trigger + "|" + clock +
                     "\r" + segments;
    envelope.feed = "mllp:test";
    boost::asio::io_context context;
    std::vector<std::string> answers;
    boost::asio::co_spawn(context, intake_->accept_v2(std::move(envelope)),
                          [&](std::exception_ptr failed, std::vector<std::string> got) {
                            ASSERT_FALSE(failed);
                            answers = std::move(got);
                          });
    context.run();
    if (answers.size() != 1) return "answers: " + std::to_string(answers.size());
    auto const at = answers[0].find("MSA|");
    return at == std::string::npos ? answers[0] : answers[0].substr(at + 4, 2);
  }

  static std::string pid(std::string const& mrn, std::string const& family = "Mason") {
    return "PID|1||" + mrn + "^^^HOSP^MR||" + family + "^Walter||19570312|M\r";
  }
  static std::string account(std::string const& mrn, std::string const& number) {
    return "PID|1||" + mrn + "^^^HOSP^MR||Mason^Walter||||||||||||" + "|" + number + "^^^HOSP^AN\r";
  }
  static std::string pv1(std::string const& visit, std::string const& place = "4W^1^A") {
    return "PV1|1|I|" + place + "||||||||||||||||" + visit + "^^^VISITS^VN\r";
  }
  static std::string mrg(std::string const& mrn, std::string const& number = {},
                         std::string const& visit = {}) {
    return "MRG|" + mrn + "^^^HOSP^MR||" + (number.empty() ? "" : number + "^^^HOSP^AN") + "||" +
           (visit.empty() ? "" : visit + "^^^VISITS^VN") + "\r";
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
  /// The only one that the query finds; its JSON, "" for none or several.
  std::string only(std::string const& type, std::string const& query) {
    auto const all = found(type, query);
    return all.size() == 1 ? all[0].content : std::to_string(all.size()) + " found";
  }
  std::string id_of(std::string const& type, std::string const& value) {
    auto const all = found(type, "identifier=" + value);
    return all.size() == 1 ? all[0].id : std::to_string(all.size()) + " of " + value;
  }
  std::string person_of(std::string const& patient) {
    auto const snapshot = store_->snapshot();
    auto const key = (*snapshot)->find_key(identity::kPersonSpace, patient);
    return key && *key ? **key : "nobody";
  }
  /// What the clinic is sent, as it is rendered now.
  std::vector<std::string> told() {
    auto const snapshot = store_->snapshot();
    std::vector<std::string> messages;
    for (auto const& row : (*snapshot)->outbox("clinic", 100).value()) {
      auto const rendered = delivery::render(**snapshot, mappings::language::builtin(),
                                             tables_->current()->partners->find("clinic")->profile, row, "C1",
                                             "20250301120000");
      messages.push_back(rendered ? rendered->bytes : to_line(rendered.error()));
    }
    return messages;
  }
  static bool has(std::string const& json, std::string const& text) {
    return json.find(text) != std::string::npos;
  }

  std::string folder_;
  int sent_ = 0;
  std::unique_ptr<store::Store> store_;
  std::shared_ptr<LiveTables> tables_;
  delivery::Subscriptions subscriptions_;
  std::unique_ptr<Intake> intake_;
};

TEST_F(IdentityActsTest, L10AfterAMergeTheOldNumberMeansTheNewOneAndAnUnlinkRestores) {
  ASSERT_EQ(send("A28", 0, pid("1", "Mason")), "AA");
  ASSERT_EQ(send("A28", 1, pid("2", "Meson")), "AA");
  std::string const one = id_of("Patient", "1");
  std::string const two = id_of("Patient", "2");
  EXPECT_NE(person_of(one), person_of(two));
  ASSERT_EQ(send("A40", 2, pid("1", "Mason") + mrg("2")), "AA");
  EXPECT_EQ(person_of(one), person_of(two));
  EXPECT_TRUE(has(only("Patient", "_id=" + two), R"("active":false)"));
  EXPECT_TRUE(has(only("Patient", "_id=" + two), "replaced-by"));
  ASSERT_EQ(send("A31", 3, pid("2", "Masson")), "AA");
  EXPECT_TRUE(has(only("Patient", "_id=" + one), "Masson"));
  EXPECT_TRUE(has(only("Patient", "_id=" + two), "Meson"));
  ASSERT_EQ(send("A04", 4, pid("2") + pv1("V1")), "AA");
  EXPECT_TRUE(has(only("Encounter", "identifier=V1"), "Patient/" + one));

  ASSERT_EQ(send("A37", 5, pid("1", "Mason") + pid("2", "Meson")), "AA");
  EXPECT_FALSE(has(only("Patient", "_id=" + two), "active"));
  EXPECT_FALSE(has(only("Patient", "_id=" + two), "replaced-by"));
  EXPECT_FALSE(has(only("Patient", "_id=" + one), "replaces"));
  EXPECT_NE(person_of(one), person_of(two));
  EXPECT_TRUE(has(only("Encounter", "identifier=V1"), "Patient/" + two))
      << "what was told under the retired number is its own again";
  ASSERT_EQ(send("A31", 6, pid("2", "Meson-Lee")), "AA");
  EXPECT_TRUE(has(only("Patient", "_id=" + two), "Meson-Lee"));
  EXPECT_FALSE(has(only("Patient", "_id=" + one), "Meson-Lee"));
}

TEST_F(IdentityActsTest, AnUnlinkInTheMiddleOfAChainGivesBackWhatItHadTakenIn) {
  for (int i = 1; i <= 3; ++i) ASSERT_EQ(send("A28", i, pid(std::to_string(i))), "AA");
  ASSERT_EQ(send("A40", 4, pid("2") + mrg("1")), "AA");
  ASSERT_EQ(send("A40", 5, pid("3") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 6, pid("1", "Chain")), "AA");
  EXPECT_TRUE(has(only("Patient", "identifier=3"), "Chain"));
  ASSERT_EQ(send("A37", 7, pid("3") + pid("2")), "AA");
  ASSERT_EQ(send("A31", 8, pid("1", "Again")), "AA");
  EXPECT_TRUE(has(only("Patient", "identifier=2"), "Again")) << "1 was merged into 2, which is 2 again";
  EXPECT_FALSE(has(only("Patient", "identifier=3"), "Again"));
}

TEST_F(IdentityActsTest, WhatHasNoNumberOfItsOwnIsNotDoubledByTheOtherNumberOfItsPatient) {
  std::string const allergy = "AL1|1|DA|7980^Penicillin^RXNORM\r";
  ASSERT_EQ(send("A31", 0, pid("1") + allergy), "AA");
  ASSERT_EQ(send("A40", 1, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 2, pid("2") + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance").size(), 1U) << "merged";
  ASSERT_EQ(send("A47", 3, pid("3") + mrg("1")), "AA");
  for (std::string const number : {"1", "2", "3"})
    ASSERT_EQ(send("A31", 4 + number[0] - '0', pid(number) + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance").size(), 1U) << "renumbered";
  EXPECT_TRUE(has(only("AllergyIntolerance", ""), "Patient/" + id_of("Patient", "3")));
}

TEST_F(IdentityActsTest, WhereAValueCameFromIsKnownAlsoOfAMessageWithARetiredNumber) {
  ASSERT_EQ(send("A40", 0, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 1, pid("2") + "AL1|1|DA|7980^Penicillin^RXNORM\rAL1|2|DA|2670^Codeine^RXNORM\r"),
            "AA");
  auto const codeine = found("AllergyIntolerance", "code=2670");
  ASSERT_EQ(codeine.size(), 1U);
  auto const snapshot = store_->snapshot().value();
  TableArchive archive;
  Past const past{*snapshot, archive, *tables_->current()};
  auto const trace =
      trace_resource(past, store::AccessPolicy::all(), "AllergyIntolerance", codeine[0].id, "code").value();
  ASSERT_EQ(trace.versions.size(), 1U);
  ASSERT_FALSE(trace.versions[0].elements.empty());
  EXPECT_EQ(trace.versions[0].elements[0].v2, "AL1[2]-3");
}

TEST_F(IdentityActsTest, AMoveTakesAllThatThereIsHoweverMuch) {
  constexpr int kMany = 250;
  ASSERT_EQ(send("A28", 0, pid("1")), "AA");
  ASSERT_EQ(send("A28", 1, pid("2")), "AA");
  std::string const from = id_of("Patient", "2");
  std::string const to = id_of("Patient", "1");
  auto const results = store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    for (int i = 0; i < kMany; ++i) {
      FHIR_TRY(
          auto const result,
          fhir::json::read(R"({"resourceType":"Observation","id":"o)" + std::to_string(i) +
                               R"(","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/)" +
                               from + R"("}})",
                           unit.arena()));
      FHIR_CHECK(unit.put(result, "hospital", "PUT"));
    }
    return {};
  });
  ASSERT_TRUE(results);
  ASSERT_EQ(send("A43", 2, pid("1") + mrg("2")), "AA");
  EXPECT_EQ(found("Observation", "subject=Patient/" + from + "&_count=1000").size(), 0U);
  EXPECT_EQ(found("Observation", "subject=Patient/" + to + "&_count=1000").size(),
            static_cast<std::size_t>(kMany));
}

TEST_F(IdentityActsTest, AnUnlinkTakesNothingFromTheSurvivorThatItHadToldItself) {
  ASSERT_EQ(send("A31", 0, pid("1") + "AL1|1|DA|7980^Penicillin^RXNORM|MO\r"), "AA");
  ASSERT_EQ(send("A40", 1, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 2, pid("2") + "AL1|1|DA|7980^Penicillin^RXNORM|SV\r"), "AA");
  ASSERT_EQ(send("A31", 3, pid("2") + "AL1|1|DA|2670^Codeine^RXNORM|SV\r"), "AA");
  std::string const one = "Patient/" + id_of("Patient", "1");
  ASSERT_EQ(send("A37", 4, pid("1") + pid("2")), "AA");
  EXPECT_TRUE(has(only("AllergyIntolerance", "code=7980"), one));
  EXPECT_FALSE(has(only("AllergyIntolerance", "code=2670"), one)) << "told under the other number alone";
}

TEST_F(IdentityActsTest, AfterAnUnlinkBothTellTheirOwnAndNeitherTwice) {
  std::string const allergy = "AL1|1|DA|7980^Penicillin^RXNORM|MO\r";
  ASSERT_EQ(send("A28", 0, pid("1")), "AA");
  ASSERT_EQ(send("A28", 1, pid("2")), "AA");
  std::string const one = "patient=Patient/" + id_of("Patient", "1");
  std::string const two = "patient=Patient/" + id_of("Patient", "2");
  ASSERT_EQ(send("A40", 2, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 3, pid("2") + allergy), "AA");
  ASSERT_EQ(send("A37", 4, pid("1") + pid("2")), "AA");
  std::string const his = only("AllergyIntolerance", two);
  ASSERT_EQ(send("A31", 5, pid("2") + allergy), "AA");
  EXPECT_EQ(only("AllergyIntolerance", two), his) << "found again";
  ASSERT_EQ(send("A31", 6, pid("1") + allergy), "AA");
  EXPECT_EQ(only("AllergyIntolerance", two), his) << "the survivor's telling takes nothing from him";
  EXPECT_EQ(found("AllergyIntolerance", one).size(), 1U);
  ASSERT_EQ(send("A31", 7, pid("1") + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance").size(), 2U);
  ASSERT_EQ(send("A40", 8, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 9, pid("2") + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance").size(), 2U) << "merged again";
  ASSERT_EQ(send("A37", 10, pid("1") + pid("2")), "AA");
  ASSERT_EQ(send("A31", 11, pid("2") + allergy), "AA");
  ASSERT_EQ(send("A31", 12, pid("1") + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance", one).size(), 1U);
  EXPECT_EQ(found("AllergyIntolerance", two).size(), 1U);
}

TEST_F(IdentityActsTest, WhatWasToldBeforeAMergeIsFoundWhileItLastsAndAfterIt) {
  std::string const allergy = "AL1|1|DA|7980^Penicillin^RXNORM|MO\r";
  ASSERT_EQ(send("A31", 0, pid("2") + allergy), "AA");
  ASSERT_EQ(send("A40", 1, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 2, pid("2") + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance").size(), 1U);
  ASSERT_EQ(send("A37", 3, pid("1") + pid("2")), "AA");
  ASSERT_EQ(send("A31", 4, pid("2") + allergy), "AA");
  EXPECT_TRUE(has(only("AllergyIntolerance", ""), id_of("Patient", "2")));
}

TEST_F(IdentityActsTest, AnUnlinkLeavesTheSurvivorWhatItToldAgainWithoutAChange) {
  std::string const allergy = "AL1|1|DA|7980^Penicillin^RXNORM|MO\r";
  ASSERT_EQ(send("A28", 0, pid("1")), "AA");
  ASSERT_EQ(send("A40", 1, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 2, pid("2") + allergy), "AA");
  ASSERT_EQ(send("A31", 3, pid("1") + allergy), "AA");
  ASSERT_EQ(send("A37", 4, pid("1") + pid("2")), "AA");
  EXPECT_TRUE(has(only("AllergyIntolerance", ""), id_of("Patient", "1")));
}

TEST_F(IdentityActsTest, AnUnlinkGivesBackAlsoWhatWasToldUnderANumberMergedBefore) {
  for (int i = 1; i <= 3; ++i) ASSERT_EQ(send("A28", i, pid(std::to_string(i))), "AA");
  ASSERT_EQ(send("A40", 4, pid("2") + mrg("1")), "AA");
  ASSERT_EQ(send("A40", 5, pid("3") + mrg("2")), "AA");
  std::string const allergy = "AL1|1|DA|7980^Penicillin^RXNORM|MO\r";
  ASSERT_EQ(send("A31", 6, pid("1") + allergy), "AA");
  ASSERT_EQ(send("A37", 7, pid("3") + pid("2")), "AA");
  EXPECT_TRUE(has(only("AllergyIntolerance", ""), id_of("Patient", "2")));
  ASSERT_EQ(send("A31", 8, pid("1") + allergy), "AA");
  EXPECT_EQ(found("AllergyIntolerance").size(), 1U);
}

TEST_F(IdentityActsTest, AMergeInACircleIsRefusedAndWaitsForAPerson) {
  ASSERT_EQ(send("A28", 0, pid("1")), "AA");
  ASSERT_EQ(send("A40", 1, pid("1") + mrg("2")), "AA");
  EXPECT_EQ(send("A40", 2, pid("2") + mrg("1")), "AE");
  auto const items = (*store_->snapshot())->list_records("identity", "", "", 10).value();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_TRUE(items[0].open);
}

TEST_F(IdentityActsTest, TheSameMergeTwiceIsOneMerge) {
  ASSERT_EQ(send("A40", 1, pid("1") + mrg("2")), "AA");
  ASSERT_EQ(send("A40", 2, pid("1") + mrg("2")), "AA");
  EXPECT_EQ(found("Patient").size(), 2U);
}

TEST_F(IdentityActsTest, ALinkJoinsPersonsAndLeavesBothRecordsTheirOwn) {
  ASSERT_EQ(send("A24", 0, pid("1", "Mason") + pid("2", "Meson")), "AA");
  std::string const one = id_of("Patient", "1");
  std::string const two = id_of("Patient", "2");
  EXPECT_EQ(person_of(one), person_of(two));
  EXPECT_TRUE(has(only("Patient", "_id=" + one), "seealso"));
  EXPECT_FALSE(has(only("Patient", "_id=" + two), R"("active":false)"));
  ASSERT_EQ(send("A31", 1, pid("2", "Messon")), "AA");
  EXPECT_TRUE(has(only("Patient", "_id=" + two), "Messon"));
  EXPECT_TRUE(has(only("Patient", "_id=" + one), "Mason"));
  ASSERT_EQ(send("A37", 2, pid("1", "Mason") + pid("2", "Messon")), "AA");
  EXPECT_NE(person_of(one), person_of(two));
  EXPECT_FALSE(has(only("Patient", "_id=" + one), "seealso"));
}

TEST_F(IdentityActsTest, AChangedNumberIsTheSamePatientUnderEitherNumber) {
  ASSERT_EQ(send("A04", 0, pid("1", "Mason") + pv1("V1")), "AA");
  std::string const patient = id_of("Patient", "1");
  ASSERT_EQ(send("A47", 1, pid("2", "Mason") + mrg("1")), "AA");
  EXPECT_EQ(id_of("Patient", "2"), patient);
  EXPECT_EQ(found("Patient").size(), 1U);
  ASSERT_EQ(send("A31", 2, pid("1", "Older")), "AA");
  EXPECT_TRUE(has(only("Patient", "_id=" + patient), "Older"));
  EXPECT_EQ(id_of("Patient", "1"), "0 of 1") << "the old number is not the patient's any more";
  ASSERT_EQ(send("A47", 3, pid("3", "Mason") + mrg("2")), "AA");
  ASSERT_EQ(send("A31", 4, pid("1", "Oldest")), "AA");
  EXPECT_EQ(id_of("Patient", "3"), patient);
  EXPECT_TRUE(has(only("Patient", "_id=" + patient), "Oldest"));
  ASSERT_EQ(send("A47", 5, pid("1", "Mason") + mrg("3")), "AA") << "back to the first number";
  EXPECT_EQ(id_of("Patient", "1"), patient);
  EXPECT_EQ(found("Patient").size(), 1U);
}

TEST_F(IdentityActsTest, AChangedVisitNumberIsTheSameVisit) {
  ASSERT_EQ(send("A01", 0, pid("1") + pv1("V1")), "AA");
  std::string const visit = id_of("Encounter", "V1");
  ASSERT_EQ(send("A50", 1, pid("1") + mrg("1", "", "V1") + pv1("V2")), "AA");
  EXPECT_EQ(id_of("Encounter", "V2"), visit);
  ASSERT_EQ(send("A03", 2, pid("1") + pv1("V2")), "AA");
  EXPECT_TRUE(has(only("Encounter", "_id=" + visit), R"("status":"finished")"));
  EXPECT_EQ(found("Encounter").size(), 1U);
}

TEST_F(IdentityActsTest, AVisitMovesWithWhatWasToldOfIt) {
  ASSERT_EQ(send("A28", 0, pid("2", "Right")), "AA");
  ASSERT_EQ(send("A01", 1, pid("1", "Wrong") + pv1("V1") + "DG1|1||I10^Hypertension^I10C||20250301|A\r"),
            "AA");
  ASSERT_EQ(send("A01", 2, pid("1", "Wrong") + pv1("V9")), "AA");
  std::string const right = "Patient/" + id_of("Patient", "2");
  std::string const wrong = "Patient/" + id_of("Patient", "1");
  ASSERT_EQ(send("A45", 3, pid("2", "Right") + mrg("1", "", "V1") + pv1("V1")), "AA");
  EXPECT_TRUE(has(only("Encounter", "identifier=V1"), right));
  EXPECT_FALSE(has(only("Encounter", "identifier=V1"), wrong));
  EXPECT_TRUE(has(only("Condition", ""), right));
  EXPECT_TRUE(has(only("Encounter", "identifier=V9"), wrong)) << "another visit stays where it is";
}

TEST_F(IdentityActsTest, AnAccountMovesWithItsVisits) {
  ASSERT_EQ(send("A28", 0, pid("2", "Right")), "AA");
  ASSERT_EQ(send("A01", 1, account("1", "ACC1") + pv1("V1")), "AA");
  std::string const right = "Patient/" + id_of("Patient", "2");
  std::string const wrong = "Patient/" + id_of("Patient", "1");
  ASSERT_TRUE(has(only("Account", ""), wrong));
  ASSERT_EQ(send("A44", 2, pid("2", "Right") + mrg("1", "ACC1")), "AA");
  EXPECT_TRUE(has(only("Account", ""), right));
  EXPECT_FALSE(has(only("Account", ""), wrong));
  EXPECT_TRUE(has(only("Encounter", "identifier=V1"), right));
}

TEST_F(IdentityActsTest, EverythingOfAPatientMoves) {
  ASSERT_EQ(send("A01", 0, pid("1") + pv1("V1") + "AL1|1|DA|7980^Penicillin^RXNORM\r"), "AA");
  ASSERT_EQ(send("A28", 1, pid("2")), "AA");
  std::string const right = "Patient/" + id_of("Patient", "2");
  ASSERT_EQ(send("A43", 2, pid("2") + mrg("1")), "AA");
  EXPECT_TRUE(has(only("Encounter", ""), right));
  EXPECT_TRUE(has(only("AllergyIntolerance", ""), right));
  EXPECT_EQ(found("Patient").size(), 2U) << "nobody is retired by a move";
}

TEST_F(IdentityActsTest, TwoAccountsBecomeOne) {
  ASSERT_EQ(send("A01", 0, account("1", "ACC1") + pv1("V1")), "AA");
  ASSERT_EQ(send("A01", 1, account("1", "ACC2") + pv1("V2")), "AA");
  std::string const kept = id_of("Account", "ACC1");
  std::string const old = id_of("Account", "ACC2");
  ASSERT_EQ(send("A41", 2, account("1", "ACC1") + mrg("1", "ACC2")), "AA");
  EXPECT_TRUE(has(only("Account", "_id=" + old), R"("status":"inactive")"));
  EXPECT_TRUE(has(only("Encounter", "identifier=V2"), "Account/" + kept));
  ASSERT_EQ(send("A08", 3, account("1", "ACC2") + pv1("V2")), "AA");
  EXPECT_TRUE(has(only("Encounter", "identifier=V2"), "Account/" + kept));
  EXPECT_FALSE(has(only("Encounter", "identifier=V2"), "Account/" + old));
}

TEST_F(IdentityActsTest, TwoVisitsBecomeOne) {
  ASSERT_EQ(send("A01", 0, pid("1") + pv1("V1")), "AA");
  ASSERT_EQ(send("A01", 1, pid("1") + pv1("V2") + "DG1|1||I10^Hypertension^I10C||20250301|A\r"), "AA");
  std::string const kept = id_of("Encounter", "V1");
  std::string const old = id_of("Encounter", "V2");
  ASSERT_EQ(send("A42", 2, pid("1") + mrg("1", "", "V2") + pv1("V1")), "AA");
  EXPECT_TRUE(has(only("Encounter", "_id=" + old), R"("status":"entered-in-error")"));
  EXPECT_TRUE(has(only("Condition", ""), "Encounter/" + kept));
  ASSERT_EQ(send("A03", 3, pid("1") + pv1("V2")), "AA");
  EXPECT_TRUE(has(only("Encounter", "_id=" + kept), R"("status":"finished")"));
}

TEST_F(IdentityActsTest, AChangeOfClassNamesThePriorAccountAndMergesNobody) {
  ASSERT_EQ(send("A04", 0, account("1", "ACC1") + "PV1|1|E|ED^1||||||||||||||||V1^^^VISITS^VN\r"), "AA");
  ASSERT_EQ(send("A06", 1, account("1", "ACC2") + mrg("1", "ACC1") + pv1("V1")), "AA");
  std::string const visit = only("Encounter", "identifier=V1");
  EXPECT_TRUE(has(visit, R"("classHistory")")) << visit;
  EXPECT_TRUE(has(visit, R"("code":"IMP")")) << visit;
  EXPECT_EQ(found("Patient").size(), 1U);
}

TEST_F(IdentityActsTest, ATransferKeepsTheFormerBedAndItsUndoTakesItBack) {
  ASSERT_EQ(send("A01", 0, pid("1") + pv1("V1", "4W^1^A")), "AA");
  ASSERT_EQ(send("A02", 1, pid("1") + pv1("V1", "5E^2^B")), "AA");
  ASSERT_EQ(send("A02", 2, pid("1") + pv1("V1", "ICU^3^A")), "AA");
  auto parsed = fhir::json::read_document(only("Encounter", ""));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->root.find("location")->size(), 3U);
  EXPECT_EQ(parsed->root.text_of("location", 1, "period", "end"), "2025-03-01T12:02:00+00:00");
  ASSERT_EQ(send("A12", 3, pid("1") + pv1("V1", "5E^2^B")), "AA");
  parsed = fhir::json::read_document(only("Encounter", ""));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->root.find("location")->size(), 2U) << only("Encounter", "");
  EXPECT_EQ(parsed->root.text_of("location", 1, "period", "end"), "2025-03-01T12:01:00+00:00");
}

TEST_F(IdentityActsTest, ASubscriberIsToldOfPersonsTheirMergesAndLinks) {
  ASSERT_EQ(send("A28", 0, pid("1", "Mason")), "AA");
  ASSERT_EQ(send("A28", 1, pid("2", "Meson")), "AA");
  auto told_now = told();
  ASSERT_EQ(told_now.size(), 2U);
  EXPECT_TRUE(has(told_now[0], "|ADT^A28^ADT_A05|")) << told_now[0];
  EXPECT_TRUE(has(told_now[0], "PID|1||1^^^HOSP")) << told_now[0];
  ASSERT_EQ(send("A24", 2, pid("1", "Mason") + pid("2", "Meson")), "AA");
  told_now = told();
  ASSERT_EQ(told_now.size(), 3U) << "one message tells of both ends of a link";
  EXPECT_TRUE(has(told_now[2], "|ADT^A24^ADT_A24|")) << told_now[2];
  EXPECT_TRUE(has(told_now[2], "PID|1||1^^^HOSP") && has(told_now[2], "||2^^^HOSP")) << told_now[2];
  ASSERT_EQ(send("A37", 3, pid("1", "Mason") + pid("2", "Meson")), "AA");
  ASSERT_EQ(send("A40", 4, pid("1", "Mason") + mrg("2")), "AA");
  told_now = told();
  auto const merge = std::ranges::find_if(told_now, [](auto const& one) { return has(one, "|ADT^A40^"); });
  ASSERT_NE(merge, told_now.end());
  EXPECT_TRUE(has(*merge, "PID|1||1^^^HOSP")) << *merge;
  EXPECT_TRUE(has(*merge, "MRG|2^^^HOSP")) << *merge;
}

TEST_F(IdentityActsTest, AMessageThatComesLateOverwritesNothingNewer) {
  ASSERT_EQ(send("A01", 0, pid("1", "First") + pv1("V1", "4W^1^A")), "AA");
  ASSERT_EQ(send("A08", 5, pid("1", "Third") + pv1("V1", "6E^1^A")), "AA");
  ASSERT_EQ(send("A08", 3, pid("1", "Second") + "NK1|1|Mason^Ann|SPO^Spouse^HL70063\r" + pv1("V1", "5E^1^A")),
            "AA");
  EXPECT_TRUE(has(only("Patient", ""), "Third"));
  EXPECT_FALSE(has(only("Patient", ""), "Second"));
  EXPECT_EQ(found("Location", "name=5E 1 A").size(), 1U);
  auto parsed = fhir::json::read_document(only("Encounter", ""));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->root.text_of("location", 0, "location", "reference"),
            "Location/" + found("Location", "name=6E 1 A")[0].id);
  EXPECT_EQ(found("RelatedPerson").size(), 1U) << "what nobody has said yet is taken over";
}

TEST_F(IdentityActsTest, ALateEventMovesAStatusForwardAndUndoesNothingNewer) {
  ASSERT_EQ(send("A01", 0, pid("1") + pv1("V1")), "AA");
  ASSERT_EQ(send("A08", 9, pid("1") + pv1("V1")), "AA");
  ASSERT_EQ(send("A03", 5, pid("1") + pv1("V1")), "AA") << "a discharge that waited in a queue";
  EXPECT_TRUE(has(only("Encounter", ""), R"("status":"finished")"));
  ASSERT_EQ(send("A13", 3, pid("1") + pv1("V1")), "AA") << "an undo of an earlier discharge";
  EXPECT_TRUE(has(only("Encounter", ""), R"("status":"finished")"));
  EXPECT_TRUE(has(only("Encounter", ""), R"("end")"));
  ASSERT_EQ(send("A13", 12, pid("1") + pv1("V1")), "AA");
  EXPECT_TRUE(has(only("Encounter", ""), R"("status":"in-progress")"));
}

TEST_F(IdentityActsTest, WithinOneSecondTheSequenceNumberOrders) {
  ASSERT_EQ(send("A08", 0, pid("1", "Seventh") + pv1("V1"), "7"), "AA");
  ASSERT_EQ(send("A08", 0, pid("1", "Sixth") + pv1("V1"), "6"), "AA");
  EXPECT_TRUE(has(only("Patient", ""), "Seventh"));
  ASSERT_EQ(send("A08", 0, pid("1", "Eighth") + pv1("V1"), "8"), "AA");
  EXPECT_TRUE(has(only("Patient", ""), "Eighth"));
}

}  // namespace
}  // namespace gateway::intake
