// Transitions on a real store: notices, obligation Tasks, and what closes them (record.md sections 7 and 15).
#include "tests/gateway/record/world.hpp"

namespace gateway::record {
namespace {

class Stays : public World {
 protected:
  fhir::Result<store::Receipt> adt(std::string const& event, std::string const& status,
                                   std::string const& act_class = "IMP", std::string const& more = "",
                                   std::string const& id = "stay") {
    return v2("st-marys", "ADT^" + event, {},
              {patient("hospital-patient", ""), encounter(id, status, act_class, "hospital-patient", more)});
  }
  std::string stay_state(std::string const& id = "stay") { return std::string(to_code(stay(id).stay)); }
  /// "admission in-progress": each Communication of the stay.
  std::string notices() {
    std::string all;
    for (auto const& notice : stay().notices) {
      auto const resource = read("Communication", notice.communication.substr(14));
      all += (all.empty() ? "" : ", ") + notice.about + " " + std::string(resource.root.text_at("status"));
    }
    return all;
  }
  static std::string leaving(std::string const& code) {
    return ",'hospitalization':{'dischargeDisposition':{'coding':[{'code':'" + code + "'}]}}";
  }
};

TEST_F(Stays, AdmissionIsNotifiedToThePcpUnderItsOwnPatient) {
  ASSERT_TRUE(adt("A01", "in-progress"));
  EXPECT_EQ(stay_state(), "IN_PROGRESS");
  EXPECT_EQ(notices(), "admission in-progress");
  auto const notice = read("Communication", stay().notices[0].communication.substr(14));
  EXPECT_EQ(notice.root.text_of("recipient", 0, "reference"), "Organization/riverside");
  EXPECT_EQ(notice.root.text_of("subject", "reference"), "Patient/riverside-patient");
  EXPECT_EQ(notice.root.text_of("category", 0, "coding", 0, "code"), "admission");
  expect_replays();
}

TEST_F(Stays, ADischargeOpensItsObligationsAsTasks) {  // T1
  ASSERT_TRUE(adt("A04", "in-progress", "EMER"));
  EXPECT_EQ(stay_state(), "ED");
  wait(kHourMs);
  ASSERT_TRUE(adt("A06", "in-progress", "IMP"));
  wait(kHourMs);
  ASSERT_TRUE(adt("A02", "in-progress", "IMP", ",'location':[{'location':{'reference':'Location/ward-2'}}]"));
  EXPECT_EQ(stay_state(), "IN_PROGRESS");
  EXPECT_EQ(stay().location, "Location/ward-2");
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("01")));
  EXPECT_EQ(stay_state(), "DISCHARGED");
  EXPECT_EQ(stay().owner, "Organization/st-marys");
  EXPECT_EQ(stay().disposition, "01");
  auto const owed = tasks(stay().views, "transition-obligation");
  EXPECT_EQ(owed.size(), 7U);
  auto const transition = tasks(stay().views, "transition-of-care");
  ASSERT_EQ(transition.size(), 1U);
  for (auto const& task : owed) {
    EXPECT_EQ(task.root.text_of("partOf", 0, "reference"),
              "Task/" + std::string(transition[0].root.text_at("id")));
    EXPECT_FALSE(task.root.text_of("owner", "reference").empty());
    EXPECT_FALSE(task.root.text_of("restriction", "period", "end").empty());
    EXPECT_EQ(task.root.text_at("status"), "requested");
  }
  // Everything that is owed is done, each by its own evidence.
  wait(kHourMs);
  auto const left = stay();
  for (auto const& notice : left.notices) {
    store::OutboxRow hook;
    hook.destination = "riverside";
    hook.kind = "rest-hook";
    hook.request = json("{'resource':'" + notice.communication + "/_history/1'}");
    ASSERT_TRUE(deliver(hook, "2xx"));
  }
  EXPECT_EQ(notices(), "admission completed, admission completed, discharge completed");
  ASSERT_TRUE(
      v2("st-marys", "MDM^T02", {{"document.availability", "AU", "TXA-17"}},
         {json("{'resourceType':'DocumentReference','id':'summary','status':'current','docStatus':'final',"
               "'type':{'coding':[{'system':'http://loinc.org','code':'18842-5'}]},"
               "'subject':{'reference':'Patient/hospital-patient'},"
               "'context':{'encounter':[{'reference':'Encounter/stay'}]},"
               "'content':[{'attachment':{'title':'summary'}}]}")}));
  EXPECT_EQ(stay_state(), "POST_ACUTE_WATCH");
  EXPECT_EQ(stay().owner, "Organization/riverside");
  wait(kDayMs);
  ASSERT_TRUE(fhir(
      "riverside",
      {json(
          "{'resourceType':'Communication','id':'call','status':'completed',"
          "'medium':[{'coding':[{'code':'PHONE'}]}],'subject':{'reference':'Patient/riverside-patient'}}")}));
  EXPECT_EQ(stay().find(obligation::interactive_contact)->evidence, "Communication/call");
  ASSERT_TRUE(fhir("riverside",
                   {appointment("fu", "booked", instant_of(now_ + 3 * kDayMs), "riverside-patient", "")}));
  EXPECT_EQ(stay().find(obligation::follow_up_scheduled)->state, Due::closed);
  wait(3 * kDayMs);
  ASSERT_TRUE(fhir("riverside", {encounter("office", "finished", "AMB", "riverside-patient")}));
  EXPECT_EQ(stay().find(obligation::follow_up_seen)->evidence, "Encounter/office");
  auto const med_rec = tasks(stay().views, "medication-reconciliation");
  ASSERT_EQ(med_rec.size(), 1U);
  ASSERT_TRUE(fhir("riverside", {with("Task", med_rec[0].root.text_at("id"), "status", "'completed'")}));
  EXPECT_EQ(stay_state(), "CLOSED");
  EXPECT_EQ(tasks(stay().views, "transition-of-care").at(0).root.text_at("status"), "completed");
  EXPECT_FALSE(row("transition/stay")->open);
  expect_replays();
}

TEST_F(Stays, DischargeCancelledAndDischargedAgain) {  // T2
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("01")));
  wait(kHourMs);
  ASSERT_TRUE(adt("A13", "in-progress"));
  EXPECT_EQ(stay_state(), "IN_PROGRESS");
  EXPECT_EQ(notices(), "admission in-progress, discharge entered-in-error, retraction in-progress");
  EXPECT_EQ(tasks(stay().views, "interactive-contact").at(0).root.text_at("status"), "on-hold");
  EXPECT_EQ(tasks(stay().views, "follow-up-seen").at(0).root.text_at("status"), "requested");
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("06")));
  EXPECT_EQ(stay_state(), "DISCHARGED");
  auto const contact = tasks(stay().views, "interactive-contact");
  ASSERT_EQ(contact.size(), 1U) << "the same Task is taken up again";
  EXPECT_EQ(contact[0].root.text_at("status"), "requested");
  EXPECT_EQ(contact[0].root.text_of("restriction", "period", "end"),
            instant_of(stay().find(obligation::interactive_contact)->due));
  EXPECT_EQ(stay().notices.back().about, "discharge");
  expect_replays();
}

TEST_F(Stays, ACancelledAdmissionIsTakenBackFromAllWhoWereTold) {  // T3
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kHourMs);
  ASSERT_TRUE(adt("A11", "cancelled"));
  EXPECT_EQ(stay_state(), "CANCELLED");
  EXPECT_EQ(notices(), "admission entered-in-error, retraction in-progress");
  auto const retraction = read("Communication", stay().notices.back().communication.substr(14));
  EXPECT_EQ(retraction.root.text_of("recipient", 0, "reference"), "Organization/riverside");
  EXPECT_EQ(retraction.root.text_of("inResponseTo", 0, "reference"), stay().notices.front().communication);
  expect_replays();
}

TEST_F(Stays, ReadmissionAtAnotherHospitalEndsTheIndexTransition) {  // T4
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("01")));
  wait(12 * kDayMs);
  ASSERT_TRUE(fhir("other-hospital", {patient("other-patient", ""),
                                      encounter("second", "in-progress", "IMP", "other-patient")}));
  EXPECT_EQ(stay_state("stay"), "READMITTED");
  EXPECT_EQ(stay_state("second"), "IN_PROGRESS");
  EXPECT_EQ(tasks(stay().views, "follow-up-seen").at(0).root.text_at("status"), "cancelled");
  expect_replays();
}

TEST_F(Stays, ATransferIsNoReadmission) {
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("02")));
  wait(kHourMs);
  ASSERT_TRUE(fhir("other-hospital", {patient("other-patient", ""),
                                      encounter("second", "in-progress", "IMP", "other-patient")}));
  EXPECT_EQ(stay_state("stay"), "DISCHARGED");
}

TEST_F(Stays, AStormOfUpdatesChangesNothing) {  // T5
  ASSERT_TRUE(adt("A01", "in-progress"));
  auto const before = stay();
  auto const told = notices();
  for (int i = 0; i < 20; ++i) {
    wait(60'000);
    ASSERT_TRUE(adt("A08", "in-progress", "IMP", ",'priority':{'text':'" + std::to_string(i) + "'}"));
  }
  EXPECT_EQ(stay().history.size(), before.history.size());
  EXPECT_EQ(notices(), told);
  expect_replays();
}

TEST_F(Stays, DeathStopsOutreach) {  // T7
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("20")));
  EXPECT_EQ(stay_state(), "DIED");
  EXPECT_TRUE(tasks(stay().views, "follow-up-seen").empty());
  EXPECT_EQ(stay().notices.back().about, "discharge") << "the care team is told";
  expect_replays();
}

TEST_F(Stays, APatientMarkedDeceasedEndsItsOpenTransitions) {
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("01")));
  ASSERT_TRUE(fhir("riverside", {with("Patient", "riverside-patient", "deceasedBoolean", "true")}));
  EXPECT_EQ(stay_state(), "DIED");
  EXPECT_EQ(tasks(stay().views, "follow-up-seen").at(0).root.text_at("status"), "cancelled");
}

TEST_F(Stays, DayThirtyOneListsTheGaps) {
  ASSERT_TRUE(adt("A01", "in-progress"));
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("01")));
  wait(30 * kDayMs);
  ASSERT_TRUE(pass_time());
  EXPECT_EQ(stay_state(), "DISCHARGED");
  wait(2 * kDayMs);
  ASSERT_TRUE(pass_time());
  EXPECT_EQ(stay_state(), "CLOSED_WITH_GAPS");
  EXPECT_TRUE(stay().has_open_obligation());
  expect_replays();
}

TEST_F(Stays, AHospitalThatSpeaksFhirMakesTheSameTransition) {
  ASSERT_TRUE(adt("A01", "in-progress"));
  wait(kDayMs);
  ASSERT_TRUE(adt("A03", "finished", "IMP", leaving("01")));
  auto const v2_stay = stay();
  wait(40 * kDayMs);
  ASSERT_TRUE(fhir("fhir-hospital", {patient("fhir-patient", ""),
                                     encounter("by-fhir", "in-progress", "IMP", "fhir-patient",
                                               ",'serviceProvider':{'reference':'Organization/st-marys'}")}));
  wait(kDayMs);
  ASSERT_TRUE(fhir("fhir-hospital",
                   {encounter("by-fhir", "finished", "IMP", "fhir-patient",
                              ",'serviceProvider':{'reference':'Organization/st-marys'}" + leaving("01"))}));
  auto const fhir_stay = stay("by-fhir");
  ASSERT_EQ(fhir_stay.history.size(), v2_stay.history.size());
  for (std::size_t i = 0; i < v2_stay.history.size(); ++i)
    EXPECT_EQ(fhir_stay.history[i].stay, v2_stay.history[i].stay);
  ASSERT_EQ(fhir_stay.obligations.size(), v2_stay.obligations.size());
  for (std::size_t i = 0; i < v2_stay.obligations.size(); ++i) {
    EXPECT_EQ(fhir_stay.obligations[i].code, v2_stay.obligations[i].code);
    EXPECT_EQ(fhir_stay.obligations[i].owner, v2_stay.obligations[i].owner);
  }
}

TEST_F(Stays, AnOutpatientRegistrationOpensNoTransition) {
  ASSERT_TRUE(adt("A04", "in-progress", "AMB"));
  EXPECT_TRUE(log("transition/stay").empty());
}

TEST_F(Stays, TheTransitionReadsAsOneDocument) {
  ASSERT_TRUE(adt("A01", "in-progress"));
  auto snapshot = store_->snapshot().value();
  auto const document = transition_record(*snapshot, store::AccessPolicy::all(), "stay", now_).value();
  auto const* composition = document.root.at("entry", 0, "resource");
  ASSERT_NE(composition, nullptr);
  EXPECT_EQ(composition->text_of("extension", 0, "valueCode"), "IN_PROGRESS");
  EXPECT_EQ(document.root.text_of("entry", 1, "resource", "resourceType"), "Encounter");
  EXPECT_FALSE(transition_record(*snapshot, store::AccessPolicy::all(), "none", now_));
}

}  // namespace
}  // namespace gateway::record
