// Stays that are one course of care, what they leave to be done, and referrals found by specialty (record.md
// sections 2 and 7).
#include "tests/gateway/record/world.hpp"

namespace gateway::record {
namespace {

class Chains : public World {
 protected:
  void admit(std::string const& id, std::string const& hospital, std::string const& more = "",
             std::string const& act_class = "IMP") {
    ASSERT_TRUE(v2(hospital, "ADT^A01", {},
                   {patient(hospital + "-patient", "Organization/riverside"),
                    encounter(id, "in-progress", act_class, hospital + "-patient", more)}));
  }
  void discharge(std::string const& id, std::string const& hospital, std::string const& disposition,
                 std::string const& act_class = "IMP") {
    ASSERT_TRUE(v2(hospital, "ADT^A03", {},
                   {encounter(id, "finished", act_class, hospital + "-patient",
                              json(",'hospitalization':{'dischargeDisposition':{'coding':[{'code':'" +
                                   disposition + "'}]}}"))}));
  }
  std::string identifiers(std::string const& episode) {
    auto const document = read("EpisodeOfCare", episode.substr(episode.find('/') + 1));
    std::string all;
    for (auto const& each : document.root.find("identifier")->items())
      all += std::string(each.text_at("value")) + " ";
    return all;
  }
  /// A referral with a specialty of its own.
  static std::string special(std::string const& id, std::string const& number, std::string const& specialty,
                             std::string const& more = "") {
    std::string text =
        request(id, "Organization/riverside", "Organization/unknown-" + id, "riverside-patient", number);
    text.pop_back();
    return text + json(",'performerType':{'coding':[{'system':'http://snomed.info/sct','code':'" + specialty +
                       "'}]}" + more + "}");
  }
  static std::string visit(std::string const& id, std::string const& specialty) {
    return encounter(
        id, "in-progress", "AMB", "riverside-patient",
        json(",'serviceType':{'coding':[{'system':'http://snomed.info/sct','code':'" + specialty + "'}]}"));
  }
};

constexpr char kCardiology[] = "394579002";
constexpr char kDermatology[] = "394582007";

TEST_F(Chains, ATransferWithin24HoursIsOneEpisodeAndTheReceivingStayTakesOverWhatWaited) {
  admit("first", "st-marys");
  wait(kDayMs);
  discharge("first", "st-marys", "02");
  ASSERT_EQ(stay("first").find(obligation::interactive_contact)->state, Due::suspended);
  wait(3 * kHourMs);
  admit("second", "other-hospital");
  std::string const episode = stay("first").episode;
  ASSERT_FALSE(episode.empty());
  EXPECT_EQ(stay("second").episode, episode);
  EXPECT_EQ(stay("first").next, std::vector<std::string>{"Encounter/second"});
  EXPECT_EQ(stay("second").previous, std::vector<std::string>{"Encounter/first"});
  EXPECT_EQ(identifiers(episode), "transition/first transition/second ");
  auto const open = read("EpisodeOfCare", episode.substr(14));
  EXPECT_EQ(open.root.text_at("status"), "active");
  EXPECT_EQ(open.root.text_of("patient", "reference"), "Patient/st-marys-patient");
  EXPECT_FALSE(open.root.text_of("period", "start").empty());
  auto const* const contact = stay("first").find(obligation::interactive_contact);
  ASSERT_NE(contact, nullptr);
  auto const first = stay("first");
  EXPECT_EQ(first.find(obligation::interactive_contact)->state, Due::cancelled);
  EXPECT_EQ(first.find(obligation::interactive_contact)->evidence, "taken over by Encounter/second");
  EXPECT_NE(to_code(first.stay), "READMITTED");
  wait(kDayMs);
  discharge("second", "other-hospital", "01");
  EXPECT_EQ(stay("second").find(obligation::interactive_contact)->state, Due::open);
  expect_replays();
}

TEST_F(Chains, TheSameTransferIsSeenWhenItsDischargeIsToldLate) {
  admit("first", "st-marys");
  wait(kDayMs);
  admit("second", "other-hospital");
  EXPECT_TRUE(stay("second").episode.empty());
  wait(kHourMs);
  discharge("first", "st-marys", "02");
  EXPECT_FALSE(stay("second").episode.empty());
  EXPECT_EQ(stay("second").episode, stay("first").episode);
  expect_replays();
}

TEST_F(Chains, NeitherADischargeHomeNorALaterAdmissionIsATransfer) {
  admit("first", "st-marys");
  wait(kDayMs);
  discharge("first", "st-marys", "01");
  wait(3 * kHourMs);
  admit("second", "other-hospital");
  EXPECT_TRUE(stay("second").episode.empty());
  EXPECT_EQ(to_code(stay("first").stay), "READMITTED");
  wait(kDayMs);
  discharge("second", "other-hospital", "02");
  wait(25 * kHourMs);
  admit("third", "st-marys");
  EXPECT_TRUE(stay("third").episode.empty());
}

TEST_F(Chains, AnEmergencyVisitAndTheStayUnderItsVisitNumberAreOneEpisode) {
  std::string const number = json(",'identifier':[{'system':'urn:visit','value':'V-77'}]");
  auto const under_number = [&](std::string text) {
    auto const at = text.find(R"("identifier":)");
    auto const end = text.find("],", at);
    return text.replace(at, end + 1 - at, number.substr(1));
  };
  ASSERT_TRUE(v2("st-marys", "ADT^A04", {},
                 {patient("st-marys-patient", "Organization/riverside"),
                  under_number(encounter("ed", "in-progress", "EMER", "st-marys-patient"))}));
  wait(4 * kHourMs);
  ASSERT_TRUE(
      v2("st-marys", "ADT^A03", {}, {under_number(encounter("ed", "finished", "EMER", "st-marys-patient"))}));
  wait(kHourMs);
  ASSERT_TRUE(v2("st-marys", "ADT^A01", {},
                 {under_number(encounter("ward", "in-progress", "IMP", "st-marys-patient"))}));
  EXPECT_FALSE(stay("ed").episode.empty());
  EXPECT_EQ(stay("ward").episode, stay("ed").episode);
  EXPECT_NE(to_code(stay("ed").stay), "READMITTED") << "one course of care";
  expect_replays();
}

TEST_F(Chains, AReferralPlacedInAStayIsAnObligationThatItsOwnLoopCloses) {
  admit("stay", "st-marys");
  wait(kHourMs);
  std::string order =
      request("home-care", "Organization/st-marys", "Organization/heart-clinic", "st-marys-patient", "H-1");
  order.pop_back();
  order += json(",'encounter':{'reference':'Encounter/stay'},'occurrencePeriod':{'end':'2025-03-20'}}");
  ASSERT_TRUE(fhir("st-marys", {order}));
  wait(kDayMs);
  discharge("stay", "st-marys", "06");
  std::string const code = std::string(obligation::ordered_service) + ":ServiceRequest/home-care";
  auto const owed = stay();
  ASSERT_NE(owed.find(code), nullptr);
  EXPECT_EQ(owed.find(code)->state, Due::open);
  EXPECT_EQ(instant_of(owed.find(code)->due).substr(0, 10), "2025-03-20") << "per order";
  auto const task = first_task(owed.views, obligation::ordered_service);
  EXPECT_EQ(task.root.text_of("reasonReference", "reference"), "ServiceRequest/home-care");

  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {},
                 {report("rep", "final", "st-marys-patient",
                         json(",'basedOn':[{'reference':'ServiceRequest/home-care'}]"))}));
  EXPECT_EQ(stay().find(code)->state, Due::open) << "a report is not yet a review";
  auto const review = first_task(referral("home-care").views, "review-report");
  ASSERT_TRUE(fhir("st-marys", {with("Task", review.root.text_at("id"), "status", "'completed'")}));
  EXPECT_EQ(state("home-care"), "CLOSED");
  EXPECT_EQ(stay().find(code)->state, Due::closed);
  EXPECT_EQ(stay().find(code)->evidence, "ServiceRequest/home-care");
  expect_replays();
}

TEST_F(Chains, ARevokedOrderIsNoObligationAnyMore) {
  admit("stay", "st-marys");
  std::string order = request("home-care", "Organization/st-marys", "Organization/heart-clinic",
                              "st-marys-patient", "H-1", "draft");
  order.pop_back();
  order += json(",'encounter':{'reference':'Encounter/stay'}}");
  ASSERT_TRUE(fhir("st-marys", {order}));
  discharge("stay", "st-marys", "06");
  ASSERT_TRUE(fhir("st-marys", {with("ServiceRequest", "home-care", "status", "'revoked'")}));
  EXPECT_EQ(state("home-care"), "CANCELLED");
  std::string const code = std::string(obligation::ordered_service) + ":ServiceRequest/home-care";
  EXPECT_EQ(stay().find(code)->state, Due::cancelled);
  expect_replays();
}

TEST_F(Chains, AVisitOfTheSpecialtyBelongsToTheOnlyReferralThatAsksForIt) {  // T4
  ASSERT_TRUE(fhir("riverside", {special("heart", "R-1", kCardiology)}));
  ASSERT_TRUE(fhir("riverside", {special("skin", "R-2", kDermatology)}));
  wait(kHourMs);
  ASSERT_TRUE(v2("fhir-hospital", "ADT^A04", {}, {visit("v1", kCardiology)}));
  EXPECT_EQ(state("heart"), "SEEN");
  EXPECT_EQ(log("referral/heart").back().rule, "linked by T4");
  EXPECT_EQ(state("skin"), "SENT");
  expect_replays();
}

TEST_F(Chains, TwoReferralsOfOneSpecialtyAreAPersonsToTellApart) {
  ASSERT_TRUE(fhir("riverside", {special("one", "R-1", kCardiology)}));
  ASSERT_TRUE(fhir("riverside", {special("two", "R-2", kCardiology)}));
  ASSERT_TRUE(v2("fhir-hospital", "ADT^A04", {}, {visit("v1", kCardiology)}));
  EXPECT_EQ(state("one"), "SENT");
  EXPECT_EQ(state("two"), "SENT");
  EXPECT_EQ(store_->snapshot().value()->list_records("orphan", "", "", 10).value().size(), 1U);
}

TEST_F(Chains, AnotherSpecialtyOrAnotherPersonLinksNothing) {
  ASSERT_TRUE(fhir("riverside", {special("heart", "R-1", kCardiology)}));
  ASSERT_TRUE(v2("fhir-hospital", "ADT^A04", {}, {visit("v1", kDermatology)}));
  EXPECT_EQ(state("heart"), "SENT");
  ASSERT_TRUE(
      fhir("riverside", {json("{'resourceType':'Patient','id':'other','name':[{'family':'Vane'}]}")}));
  std::string text = visit("v2", kCardiology);
  text.replace(text.find("riverside-patient"), 17, "other");
  ASSERT_TRUE(v2("fhir-hospital", "ADT^A04", {}, {text}));
  EXPECT_EQ(state("heart"), "SENT");
}

}  // namespace
}  // namespace gateway::record
