// The worked loop of record.md section 14, its mirror, and the referral scenarios of section 15, on a real
// store.
#include "tests/gateway/record/world.hpp"

namespace gateway::record {
namespace {

using Loop = World;

std::string task_code(fhir::json::Document const& task, std::string_view system) {
  auto const* codings = task.root.at("businessStatus", "coding");
  if (codings == nullptr) return {};
  for (auto const& each : codings->items())
    if (each.text_at("system").find(system) != std::string_view::npos)
      return std::string(each.text_at("code"));
  return {};
}

TEST_F(Loop, AReferralToAPartnerThatTakesNoneIsTheCareCoordinatorsAtOnce) {
  site_.parties[1].sends = {"ADT^A01", "RRI^I12"};
  ASSERT_TRUE(fhir("riverside", {request(), task()}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().owner, site_.care_coordinator);
  EXPECT_TRUE(outbox("heart-clinic").empty());
}

TEST_F(Loop, RunsTheEightStepsOfTheWorkedExample) {
  // 1 The PCP refers; the clinic's engine acknowledges.
  ASSERT_TRUE(fhir("riverside", {request(), task()}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().owner, "Organization/gateway");
  EXPECT_EQ(told("heart-clinic"), "REF^I12");
  auto const sent = outbox("heart-clinic").front();
  auto const asked = request_of(sent);
  EXPECT_EQ(asked.root.text_of("facts", "referral.status"), "P");
  EXPECT_EQ(asked.root.text_of("anchors", "ref"), "ServiceRequest/sr/_history/1");
  EXPECT_EQ(asked.root.text_of("anchors", "loop"), "Task/task/_history/1");
  EXPECT_EQ(asked.root.text_at("record"), "referral/sr");
  ASSERT_TRUE(deliver(sent, "AA"));
  EXPECT_EQ(state(), "RECEIVED");
  EXPECT_EQ(read("Task", "task").root.text_at("status"), "received");

  // 2 RRI^I12 with RF1-1 A.
  wait(kHourMs);
  ASSERT_TRUE(v2("heart-clinic", "RRI^I12", {{"referral.status", "A", "RF1-1"}}, {},
                 {"ServiceRequest/sr", "Task/task"}));
  EXPECT_EQ(state(), "ACCEPTED");
  EXPECT_EQ(referral().owner, "Organization/heart-clinic");
  EXPECT_EQ(read("Task", "task").root.text_at("status"), "accepted");
  EXPECT_EQ(task_code(read("Task", "task"), "handoff"), "accepted");
  EXPECT_EQ(task_code(read("Task", "task"), "bser"), "3.0");

  // 3 SIU^S12, 4 SIU^S26 and SIU^S13.
  wait(kHourMs);
  ASSERT_TRUE(v2("heart-clinic", "SIU^S12", {{"schedule.status", "Booked", "SCH-25"}},
                 {appointment("a5", "booked", "2025-03-10T09:00:00Z")}));
  EXPECT_EQ(state(), "SCHEDULED");
  EXPECT_EQ(task_code(read("Task", "task"), "bser"), "5.1.1");
  wait(kDayMs);
  ASSERT_TRUE(v2("heart-clinic", "SIU^S26", {}, {appointment("a5", "noshow", "2025-03-10T09:00:00Z")}));
  EXPECT_EQ(state(), "NO_SHOW");
  EXPECT_EQ(referral().due - referral().since, 3 * kDayMs) << "rebook within three days (asap)";
  wait(kHourMs);
  ASSERT_TRUE(v2("heart-clinic", "SIU^S13", {}, {appointment("a5", "booked", "2025-03-12T09:00:00Z")}));
  EXPECT_EQ(state(), "SCHEDULED");

  // 5 ADT^A04 of the clinic, matched by person, provider and day.
  now_ = time_of("2025-03-12T09:05:00Z", {});
  ASSERT_TRUE(v2("heart-clinic", "ADT^A04", {},
                 {patient("clinic-patient", ""), encounter("v9", "in-progress", "AMB", "clinic-patient")}));
  EXPECT_EQ(state(), "SEEN");
  EXPECT_EQ(referral().encounter, "Encounter/v9");
  EXPECT_EQ(log("referral/sr").back().rule.substr(0, 9), "linked by");
  ASSERT_TRUE(v2("heart-clinic", "ADT^A03", {}, {encounter("v9", "finished", "AMB", "clinic-patient")}));
  EXPECT_EQ(state(), "SEEN");

  // 6 ORU^R01 preliminary, then final.
  wait(kHourMs);
  ASSERT_TRUE(
      v2("heart-clinic", "ORU^R01", {{"report.status", "P", "OBR-25"}}, {report("rep", "preliminary")}));
  EXPECT_EQ(state(), "SEEN");
  EXPECT_EQ(task_code(read("Task", "task"), "handoff"), "interim-report");
  EXPECT_TRUE(tasks(referral().views, "review-report").empty())
      << "nothing is reviewed on a preliminary report";
  wait(kHourMs);
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {{"report.status", "F", "OBR-25"}}, {report("rep", "final")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  EXPECT_EQ(referral().owner, "Organization/riverside");
  auto const done = read("Task", "task");
  EXPECT_EQ(done.root.text_at("status"), "completed");
  EXPECT_EQ(done.root.text_of("output", 0, "valueReference", "reference"), "DiagnosticReport/rep");
  auto const reviews = tasks(referral().views, "review-report");
  ASSERT_EQ(reviews.size(), 1U);
  EXPECT_EQ(reviews[0].root.text_of("owner", "reference"), "Organization/riverside");
  EXPECT_EQ(reviews[0].root.text_of("focus", "reference"), "DiagnosticReport/rep");
  auto const cms50 = tasks(referral().views, "consultant-report");
  ASSERT_EQ(cms50.size(), 1U);
  EXPECT_EQ(cms50[0].root.text_at("status"), "completed");
  EXPECT_EQ(cms50[0].root.text_of("basedOn", 0, "reference"), "ServiceRequest/sr");
  EXPECT_FALSE(cms50[0].root.text_of("executionPeriod", "end").empty());

  // 7 The PCP reviews.
  wait(kHourMs);
  std::string const review(reviews[0].root.text_at("id"));
  auto reviewed = with("Task", review, "status", "'completed'");
  ASSERT_TRUE(fhir("riverside", {reviewed}));
  EXPECT_EQ(state(), "CLOSED");
  EXPECT_EQ(referral().owner, "");
  EXPECT_EQ(read("ServiceRequest", "sr").root.text_at("status"), "completed");
  EXPECT_EQ(told("heart-clinic"), "") << "nothing more was sent: REF^I12 is settled";
  EXPECT_EQ(log("referral/sr").back().loss_notes,
            std::vector<std::string>{"CLOSED: closure not expressible"});
  EXPECT_FALSE(row("referral/sr")->open);

  // 8 A corrected result reopens.
  wait(kHourMs);
  ASSERT_TRUE(
      v2("heart-clinic", "ORU^R01", {{"report.status", "C", "OBR-25"}}, {report("rep", "corrected")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  EXPECT_EQ(task_code(read("Task", "task"), "handoff"), "report-amended");
  EXPECT_EQ(tasks(referral().views, "review-report").size(), 2U) << "review again";
  EXPECT_EQ(outbox("heart-clinic").size(), 0U) << "never back to who told us";
  expect_replays();
}

TEST_F(Loop, TheGatewayChangesTheRequestOnlyAsAgentOfThePlacer) {
  refer();
  accept();
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  EXPECT_EQ(read("ServiceRequest", "sr").root.text_at("status"), "active");
  auto const review = first_task(referral().views, "review-report");
  ASSERT_TRUE(fhir("riverside", {with("Task", review.root.text_at("id"), "status", "'completed'")}));
  std::string provenance;
  for (auto const& view : referral().views)
    if (view.starts_with("Provenance/")) provenance = view.substr(11);
  ASSERT_FALSE(provenance.empty());
  auto const acted = read("Provenance", provenance);
  EXPECT_EQ(acted.root.text_of("agent", 0, "onBehalfOf", "reference"), "Organization/riverside");
  EXPECT_EQ(acted.root.text_of("target", 0, "reference"), "ServiceRequest/sr/_history/2");
}

TEST_F(Loop, RunsTheMirror) {  // S2
  // The clinic refers by REF^I12; its draft made the resources, under its own names.
  ASSERT_TRUE(v2("heart-clinic", "REF^I12", {{"referral.status", "P", "RF1-1"}},
                 {patient("clinic-patient", ""),
                  request("sr", "Organization/heart-clinic", "Organization/riverside", "clinic-patient"),
                  task("task", "sr", "Organization/riverside")}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(told("heart-clinic"), "");
  // The owner's first read is the receipt.
  wait(kHourMs);
  ASSERT_TRUE(
      store_->commit_and_wait([&](store::Unit& unit) { return returned(unit, "task", "st-marys", site_); }));
  EXPECT_EQ(state(), "SENT") << "somebody else's read is none";
  ASSERT_TRUE(store_->commit_and_wait(
      [&](store::Unit& unit) { return returned(unit, "task", "Organization/riverside", site_); }));
  EXPECT_EQ(state(), "RECEIVED");
  EXPECT_EQ(told("heart-clinic"), "RRI^I12");
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {with("Task", "task", "status", "'accepted'")}));
  EXPECT_EQ(state(), "ACCEPTED");
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {appointment("ap", "booked", "2025-03-10T09:00:00Z")}));
  EXPECT_EQ(state(), "SCHEDULED");
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {appointment("ap", "noshow", "2025-03-10T09:00:00Z")}));
  EXPECT_EQ(state(), "NO_SHOW");
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {appointment("ap2", "booked", "2025-03-11T09:00:00Z")}));
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {encounter("visit", "in-progress", "AMB", "riverside-patient",
                                           ",'basedOn':[{'reference':'ServiceRequest/sr'}]")}));
  EXPECT_EQ(state(), "SEEN");
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {report("rep", "final")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  EXPECT_EQ(told("heart-clinic"), "RRI^I12 RRI^I12 SIU^S12 SIU^S26 SIU^S13 SIU^S14 ORU^R01");
  auto const rows = outbox("heart-clinic");
  EXPECT_EQ(request_of(rows[1]).root.text_of("facts", "referral.status"), "A");
  EXPECT_EQ(request_of(rows[2]).root.text_of("anchors", "appt"), "Appointment/ap/_history/1");
  EXPECT_EQ(request_of(rows[6]).root.text_of("anchors", "report"), "DiagnosticReport/rep/_history/1");
  expect_replays();
}

TEST_F(Loop, ATaskCompletedTogetherWithItsReportReturnsTheNote) {
  refer();
  ASSERT_TRUE(fhir(
      "heart-fhir",
      {report("rep", "final", "riverside-patient", ""),
       task("task", "sr", "Organization/heart-clinic", "completed",
            ",'output':[{'type':{'text':'note'},'valueReference':{'reference':'DiagnosticReport/rep'}}]")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
}

TEST_F(Loop, ATaskCompletedWithoutItsReportStillOwesTheNote) {
  refer();
  ASSERT_TRUE(fhir("heart-fhir", {task("task", "sr", "Organization/heart-clinic", "completed")}));
  EXPECT_EQ(state(), "SEEN");
  EXPECT_TRUE(referral().flags.contains("completed-without-report"));
  ASSERT_TRUE(fhir("heart-fhir", {report("rep", "final")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
}

TEST_F(Loop, DeclinedAndReferredElsewhere) {  // S4
  refer();
  ASSERT_TRUE(v2("heart-clinic", "RRI^I12",
                 {{"referral.status", "R", "RF1-1"}, {"referral.reason", "no capacity", "NTE-3"}}, {},
                 {"ServiceRequest/sr"}));
  EXPECT_EQ(state(), "DECLINED");
  EXPECT_EQ(referral().owner, "Organization/riverside");
  EXPECT_EQ(read("Task", "task").root.text_at("status"), "rejected");
  EXPECT_EQ(read("Task", "task").root.text_of("statusReason", "text"), "no capacity");
  EXPECT_EQ(read("ServiceRequest", "sr").root.text_at("status"), "active") << "the need stays open";
  wait(kDayMs);
  ASSERT_TRUE(fhir("riverside", {task("second", "sr", "Organization/st-marys")}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().performer, "Organization/st-marys");
  EXPECT_EQ(read("Task", "task").root.text_at("status"), "rejected") << "what is final stays final";
  expect_replays();
}

TEST_F(Loop, AskedAndAnswered) {  // S5
  refer();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(
        v2("heart-clinic", "RRI^I12",
           {{"referral.status", "P", "RF1-1"}, {"referral.information", "please send the ECG", "NTE-3"}}, {},
           {"ServiceRequest/sr"}));
    EXPECT_EQ(state(), "NEEDS_INFO");
    EXPECT_EQ(referral().owner, "Organization/riverside");
    EXPECT_EQ(task_code(read("Task", "task"), "handoff"), "awaiting-information");
    EXPECT_EQ(read("Task", "task").root.text_at("status"), "received") << "on-hold only from in-progress";
    wait(kHourMs);
    ASSERT_TRUE(fhir("riverside", {with("ServiceRequest", "sr", "note",
                                        "[{'text':'ECG " + std::to_string(round) + "'}]")}));
    EXPECT_EQ(state(), "RECEIVED");
    EXPECT_EQ(told("heart-clinic"), round == 0 ? "REF^I13" : "REF^I13 REF^I13");
    wait(kHourMs);
  }
  expect_replays();
}

TEST_F(Loop, NoShowTwiceThenExpired) {  // S6
  ASSERT_TRUE(fhir("riverside", {request(), task("task", "sr", "Organization/heart-clinic", "requested",
                                                 ",'restriction':{'period':{'end':'2025-04-30'}}")}));
  accept();
  for (int round = 0; round < 2; ++round) {
    std::string const id = "a" + std::to_string(round);
    ASSERT_TRUE(v2("heart-clinic", "SIU^S12", {},
                   {appointment(id, "booked", "2025-03-1" + std::to_string(round) + "T09:00:00Z")}));
    wait(kDayMs);
    ASSERT_TRUE(v2("heart-clinic", "SIU^S26", {},
                   {appointment(id, "noshow", "2025-03-1" + std::to_string(round) + "T09:00:00Z")}));
    EXPECT_EQ(state(), "NO_SHOW");
    wait(kDayMs);
  }
  ASSERT_TRUE(pass_time());
  EXPECT_EQ(state(), "NO_SHOW") << "not yet";
  now_ = time_of("2025-05-01T00:00:00Z", {});
  ASSERT_TRUE(pass_time());
  EXPECT_EQ(state(), "EXPIRED");
  EXPECT_EQ(referral().owner, "Organization/riverside");
  auto const events = log("referral/sr").size();
  ASSERT_TRUE(pass_time());
  EXPECT_EQ(log("referral/sr").size(), events) << "the clock says it once";
  EXPECT_EQ(read("Task", "task").root.text_of("statusReason", "text"), "expired");
  expect_replays();
}

TEST_F(Loop, AWalkThroughTheClocksReachesEveryRecordHoweverManyStandBefore) {
  for (std::string const id : {"a", "b", "c"})
    ASSERT_TRUE(fhir("riverside", {request(id, "Organization/riverside", "Organization/heart-clinic",
                                           "riverside-patient", "R-" + id),
                                   task("task-" + id, id, "Organization/heart-clinic", "requested",
                                        ",'restriction':{'period':{'end':'2025-04-30'}}")}));
  now_ = time_of("2025-05-01T00:00:00Z", {});
  auto const first = store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto const reached, tick(unit, site_, {}, 2));
    EXPECT_EQ(reached.kind, "referral") << "not at the end";
    return {};
  });
  ASSERT_TRUE(first);
  ASSERT_TRUE(pass_time());
  for (std::string const id : {"a", "b", "c"})
    EXPECT_EQ(read("Task", "task-" + id).root.text_of("statusReason", "text"), "expired") << id;
}

TEST_F(Loop, CancelCrossesAcceptance) {  // S7
  refer();
  ASSERT_TRUE(fhir("riverside", {with("ServiceRequest", "sr", "status", "'revoked'")}));
  EXPECT_EQ(state(), "CANCEL_REQUESTED");
  EXPECT_EQ(told("heart-clinic"), "REF^I14");
  EXPECT_EQ(tasks(referral().views, "abort").size(), 1U);
  accept();
  EXPECT_EQ(state(), "CANCEL_REQUESTED");
  ASSERT_TRUE(v2("heart-clinic", "OSU^O51", {{"order.control", "UC", "ORC-1"}}, {}, {"ServiceRequest/sr"}));
  EXPECT_EQ(state(), "ACCEPTED");
  EXPECT_EQ(tasks(referral().views, "abort").at(0).root.text_at("status"), "rejected");
  expect_replays();
}

TEST_F(Loop, AConfirmedCancellationRevokes) {
  refer();
  accept();
  ASSERT_TRUE(v2("riverside", "REF^I14", {}, {}, {"ServiceRequest/sr"}));
  EXPECT_EQ(state(), "CANCEL_REQUESTED");
  ASSERT_TRUE(v2("heart-clinic", "RRI^I14", {}, {}, {"ServiceRequest/sr"}));
  EXPECT_EQ(state(), "CANCELLED");
  EXPECT_EQ(read("Task", "task").root.text_at("status"), "cancelled");
  EXPECT_EQ(read("ServiceRequest", "sr").root.text_at("status"), "revoked");
  // A result for it is an orphan for a person to look at, never dropped.
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  EXPECT_EQ(state(), "CANCELLED");
  auto const orphans = store_->snapshot().value()->list_records("orphan", "", "", 10).value();
  ASSERT_EQ(orphans.size(), 1U);
  EXPECT_EQ(orphans[0].owner, "Organization/care-coordination");
  expect_replays();
}

TEST_F(Loop, OrdersAndTheirStatesAreTheSameRecord) {  // S3
  site_.parties[1].dialect = "omg_osu";
  ASSERT_TRUE(fhir("riverside", {request(), task()}));
  EXPECT_EQ(told("heart-clinic"), "OMG^O19");
  auto const osu = [&](std::string control, std::string status) {
    wait(kHourMs);
    ASSERT_TRUE(v2("heart-clinic", "OSU^O51",
                   {{"order.control", control, "ORC-1"}, {"order.status", status, "ORC-5"}}, {},
                   {"ServiceRequest/sr"}));
  };
  osu("SC", "IP");
  EXPECT_EQ(state(), "ACCEPTED");
  osu("SC", "SC");
  EXPECT_EQ(state(), "SCHEDULED");
  osu("SC", "CM");
  EXPECT_EQ(state(), "SEEN") << "completed without a report still owes the report";
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "preliminary")}));
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  auto const review = first_task(referral().views, "review-report");
  ASSERT_TRUE(fhir("riverside", {with("Task", review.root.text_at("id"), "status", "'completed'")}));
  EXPECT_EQ(state(), "CLOSED");
  EXPECT_EQ(told("heart-clinic"), "OMG^O19 OSU^O51");
  EXPECT_EQ(request_of(outbox("heart-clinic").back()).root.text_of("facts", "order.status"), "CM");
  wait(kHourMs);
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "corrected")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  expect_replays();
}

TEST_F(Loop, BothDoorsEndInTheSameStates) {
  refer();
  accept();
  ASSERT_TRUE(v2("heart-clinic", "SIU^S12", {}, {appointment("a", "booked", "2025-03-10T09:00:00Z")}));
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  // The same referral with a specialist that speaks FHIR.
  ASSERT_TRUE(fhir("riverside", {request("sr2", "Organization/riverside", "Organization/st-marys",
                                         "riverside-patient", "R-2"),
                                 task("task2", "sr2", "Organization/st-marys")}));
  ASSERT_TRUE(
      store_->commit_and_wait([&](store::Unit& unit) { return returned(unit, "task2", "st-marys", site_); }));
  ASSERT_TRUE(fhir("st-marys", {with("Task", "task2", "status", "'accepted'")}));
  ASSERT_TRUE(fhir("st-marys", {appointment("b", "booked", "2025-03-10T09:00:00Z", "riverside-patient",
                                            "ServiceRequest/sr2")}));
  ASSERT_TRUE(fhir("st-marys", {report("rep2", "final", "riverside-patient",
                                       ",'basedOn':[{'reference':'ServiceRequest/sr2'}]")}));
  auto const path = [](ReferralState const& state) {
    std::vector<std::pair<State, bool>> path;
    for (auto const& entry : state.history) path.emplace_back(entry.state, entry.inferred);
    return path;
  };
  EXPECT_EQ(path(referral("sr")), path(referral("sr2")));
  EXPECT_EQ(read("Task", "task").root.text_at("status"), read("Task", "task2").root.text_at("status"));
  EXPECT_EQ(task_code(read("Task", "task"), "handoff"), task_code(read("Task", "task2"), "handoff"));
}

// --- linking
// -----------------------------------------------------------------------------------------------------------------

TEST_F(Loop, ANumberAloneNeverLinksAcrossPersons) {
  refer();
  accept();
  std::string const stranger = json(
      "{'resourceType':'Patient','id':'stranger','identifier':[{'system':'urn:national','value':'777'}],"
      "'name':[{'family':'Other','given':['Bob']}],'birthDate':'1980-01-01'}");
  std::string const by_number =
      ",'basedOn':[{'identifier':{'type':{'coding':[{'code':'PLAC'}]},'system':'urn:oid:1.2.3','value':'R-"
      "1001'}}]";
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {stranger, report("wrong", "final", "stranger", by_number)}));
  EXPECT_EQ(state(), "ACCEPTED");
  EXPECT_EQ(store_->snapshot().value()->list_records("orphan", "", "", 10).value().size(), 1U);
  // The same number with the right person does link, under the clinic's own Patient.
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {},
                 {patient("clinic-patient", ""), report("right", "final", "clinic-patient", by_number)}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  expect_replays();
}

TEST_F(Loop, TheSameNumberUnderAnotherSpellingOfItsAuthorityLinksWithinThePerson) {
  refer();
  accept();
  std::string const by_name = ",'basedOn':[{'identifier':{'system':'urn:site:PCP','value':'R-1001'}}]";
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final", "riverside-patient", by_name)}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
}

TEST_F(Loop, TheSameReferralTwiceIsOneRecordAndSendsNothing) {
  refer();
  ASSERT_TRUE(fhir("riverside", {request("again")}));
  EXPECT_EQ(told("heart-clinic"), "");
  EXPECT_TRUE(referral().flags.contains("duplicate"));
  EXPECT_TRUE(log("referral/again").empty());
}

TEST_F(Loop, AVisitThatTwoReferralsWaitForIsAPersonsToDecide) {  // S9
  refer();
  accept();
  ASSERT_TRUE(fhir("riverside", {request("sr2", "Organization/riverside", "Organization/heart-clinic",
                                         "riverside-patient", "R-2"),
                                 task("task2", "sr2")}));
  ASSERT_TRUE(v2("heart-clinic", "ADT^A04", {}, {encounter("v", "in-progress", "AMB", "riverside-patient")}));
  EXPECT_EQ(state("sr"), "ACCEPTED");
  EXPECT_EQ(state("sr2"), "SENT");
  EXPECT_EQ(store_->snapshot().value()->list_records("orphan", "", "", 10).value().size(), 1U);
  // With an appointment on that day it is clear again.
  ASSERT_TRUE(v2("heart-clinic", "SIU^S12", {}, {appointment("a", "booked", instant_of(now_))}));
  ASSERT_TRUE(
      v2("heart-clinic", "ADT^A04", {}, {encounter("v2", "in-progress", "AMB", "riverside-patient")}));
  EXPECT_EQ(state("sr"), "SEEN");
  EXPECT_EQ(state("sr2"), "SENT");
}

TEST_F(Loop, ADocumentCountsAsTheNoteOnlyWhenItIsAuthenticated) {
  refer();
  accept();
  std::string const note = json(
      "{'resourceType':'DocumentReference','id':'note','status':'current','docStatus':'final',"
      "'subject':{'reference':'Patient/riverside-patient'},"
      "'context':{'related':[{'reference':'ServiceRequest/sr'}]},'content':[{'attachment':{'title':'x'}}]}");
  std::string draft = note;
  draft.replace(draft.find("\"x\""), 3, "\"draft\"");
  ASSERT_TRUE(v2("heart-clinic", "MDM^T02", {{"document.completion", "DO", "TXA-17"}}, {draft}));
  EXPECT_EQ(state(), "SEEN") << "documented, but nobody has authenticated it";
  ASSERT_TRUE(v2("heart-clinic", "MDM^T02", {{"document.completion", "AU", "TXA-17"}}, {note}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  ASSERT_TRUE(
      v2("heart-clinic", "MDM^T11", {}, {with("DocumentReference", "note", "status", "'entered-in-error'")}));
  EXPECT_EQ(state(), "SEEN");
  EXPECT_NE(referral().task, "Task/task") << "reopened by a new Task, the old one stays final";
  EXPECT_EQ(read("Task", "task").root.text_at("status"), "completed");
  expect_replays();
}

TEST_F(Loop, AnUnrelatedResultIsNobodysNote) {
  refer();
  accept();
  std::string lab = report("lab", "final", "riverside-patient", "");
  lab.replace(lab.find("11488-4"), 7, "718-7");
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {lab}));
  EXPECT_EQ(state(), "ACCEPTED");
  EXPECT_TRUE(store_->snapshot().value()->list_records("orphan", "", "", 10).value().empty());
}

TEST_F(Loop, AnAnswerToNothingIsAnOrphan) {
  ASSERT_TRUE(v2("heart-clinic", "RRI^I12", {{"referral.status", "A", "RF1-1"}}));
  EXPECT_EQ(store_->snapshot().value()->list_records("orphan", "", "", 10).value().size(), 1U);
}

TEST_F(Loop, AnOrderIsNoReferral) {
  std::string lab = request();
  lab.replace(lab.find("3457005"), 7, "1234567");
  ASSERT_TRUE(fhir("riverside", {lab}));
  EXPECT_TRUE(log("referral/sr").empty());
  // A fulfilment Task addressed to another organization makes it one.
  ASSERT_TRUE(fhir("riverside", {task()}));
  EXPECT_EQ(state(), "SENT");
}

/// `text` with one more member at its end.
std::string and_also(std::string text, std::string const& member) {
  for (char c : member) text.insert(text.size() - 1, 1, c == '\'' ? '"' : c);
  return text;
}

TEST_F(Loop, SeveralServicesUnderOneRequisitionAreOneReferral) {
  std::string const group = ",'requisition':{'system':'urn:oid:1.2.3','value':'G-1'}";
  std::string const first = and_also(request(), group);
  std::string const second = and_also(
      request("stress", "Organization/riverside", "Organization/heart-clinic", "riverside-patient", "R-1002"),
      group);
  std::string const third = and_also(
      request("holter", "Organization/riverside", "Organization/heart-clinic", "riverside-patient", "R-1003"),
      group);
  // One is named by the Task, the other by the requisition alone; the order in the transaction is another
  // one.
  std::string const loop = and_also(task(), ",'basedOn':[{'reference':'ServiceRequest/holter'}]");
  ASSERT_TRUE(fhir("riverside", {third, second, first, loop}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_TRUE(log("referral/stress").empty());
  EXPECT_TRUE(log("referral/holter").empty());
  EXPECT_EQ(referral().services,
            (std::vector<std::string>{"ServiceRequest/holter", "ServiceRequest/stress"}));
  EXPECT_FALSE(referral().flags.contains("duplicate"));
  ASSERT_EQ(told("heart-clinic"), "REF^I12");
  auto const sent = outbox("heart-clinic").front();
  auto const asked = request_of(sent);
  EXPECT_EQ(asked.root.text_of("anchors", "ref"), "ServiceRequest/sr/_history/1");
  EXPECT_EQ(asked.root.text_of("anchors", "further#1"), "ServiceRequest/holter/_history/1");
  EXPECT_EQ(asked.root.text_of("anchors", "further#2"), "ServiceRequest/stress/_history/1");
  ASSERT_TRUE(deliver(sent, "AA"));
  wait(kHourMs);

  // One of them is called off: the clinic hears of it, the others stand.
  std::string off = second;
  off.replace(off.find("active"), 6, "revoked");
  ASSERT_TRUE(fhir("riverside", {off}));
  EXPECT_EQ(told("heart-clinic"), "REF^I13");
  EXPECT_EQ(state(), "RECEIVED");

  // Cancelled as a whole, all that still stood is revoked with it.
  wait(kHourMs);
  std::string all_off = first;
  all_off.replace(all_off.find("active"), 6, "revoked");
  ASSERT_TRUE(fhir("riverside", {all_off}));
  EXPECT_EQ(told("heart-clinic"), "REF^I13 REF^I14");
  ASSERT_TRUE(v2("heart-clinic", "RRI^I14", {{"referral.status", "P", "RF1-1"}}, {},
                 {"ServiceRequest/sr", "Task/task"}));
  EXPECT_EQ(state(), "CANCELLED");
  EXPECT_EQ(read("ServiceRequest", "holter").root.text_at("status"), "revoked");
}

TEST_F(Loop, WhatNoStateHoldsIsToldOnwardAllTheSame) {
  refer();
  ASSERT_TRUE(fhir("riverside", {and_also(request(), ",'reasonCode':[{'text':'Palpitations'}]")}));
  EXPECT_EQ(told("heart-clinic"), "REF^I13");
  ASSERT_TRUE(fhir("riverside", {and_also(request(), ",'reasonCode':[{'text':'Palpitations'}]")}));
  EXPECT_EQ(told("heart-clinic"), "REF^I13") << "the same again";
}

TEST_F(Loop, AServiceWithATaskOfItsOwnIsAReferralOfItsOwn) {
  std::string const group = ",'requisition':{'value':'G-1'}";
  std::string const other = and_also(
      request("stress", "Organization/riverside", "Organization/heart-clinic", "riverside-patient", "R-1002"),
      group);
  ASSERT_TRUE(fhir("riverside", {and_also(request(), group), other, task(), task("second", "stress")}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_FALSE(log("referral/stress").empty());
  EXPECT_EQ(told("heart-clinic"), "REF^I12 REF^I12");
}

TEST_F(Loop, OpenReferralsFollowTheSurvivorOfAMerge) {  // S8, first half
  ASSERT_TRUE(
      v2("heart-clinic", "ADT^A28", {},
         {json("{'resourceType':'Patient','id':'old','identifier':[{'system':'urn:mrn','value':'1'}]}"),
          json("{'resourceType':'Patient','id':'new','identifier':[{'system':'urn:mrn','value':'2'}]}")}));
  ASSERT_TRUE(v2("heart-clinic", "REF^I12", {{"referral.status", "P", "RF1-1"}},
                 {request("sr", "Organization/heart-clinic", "Organization/riverside", "old"),
                  task("task", "sr", "Organization/riverside")}));
  Cause cause;
  cause.door = Door::v2;
  cause.origin = "heart-clinic";
  cause.message = "ADT^A40";
  cause.received_ms = now_;
  ASSERT_TRUE(store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    FHIR_CHECK(identity::merge(unit, {"heart-clinic", "new", "old", "urn:mrn|2", "urn:mrn|1"}));
    FHIR_CHECK(identity::link_patients(unit, trust()));
    return fold(unit, cause, site_);
  }));
  // A result under the survivor finds the referral that was placed under the retired number.
  std::string const by_number = ",'basedOn':[{'identifier':{'system':'urn:oid:1.2.3','value':'R-1001'}}]";
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final", "new", by_number)}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  expect_replays();
}

// --- delivery
// ----------------------------------------------------------------------------------------------------------------

TEST_F(Loop, ARefusedDeliveryIsNotADeclineAndComesToTheCoordinator) {
  ASSERT_TRUE(fhir("riverside", {request(), task()}));
  ASSERT_TRUE(deliver(outbox("heart-clinic").front(), "AE"));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().owner, "Organization/care-coordination");
  EXPECT_EQ(row("referral/sr")->owner, "Organization/care-coordination");
}

TEST_F(Loop, WithoutADestinationNothingIsBroadcast) {
  ASSERT_TRUE(fhir("riverside", {request("sr", "Organization/riverside", "Organization/nobody"),
                                 task("task", "sr", "Organization/nobody")}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().owner, "Organization/care-coordination");
  EXPECT_EQ(told("heart-clinic"), "");
}

TEST_F(Loop, WithSeveralDestinationsNothingIsBroadcast) {
  site_.parties.push_back(party("second-clinic", "Organization/heart-clinic", true));
  ASSERT_TRUE(fhir("riverside", {request(), task()}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().owner, "Organization/care-coordination");
  EXPECT_TRUE(outbox("heart-clinic").empty());
  EXPECT_TRUE(outbox("second-clinic").empty());
}

TEST_F(Loop, AReferralByV2ToNobodyTheSiteServesComesToTheCoordinator) {
  ASSERT_TRUE(v2("heart-clinic", "REF^I12", {{"referral.status", "P", "RF1-1"}},
                 {patient("clinic-patient", ""),
                  request("sr", "Organization/heart-clinic", "Organization/nobody", "clinic-patient"),
                  task("task", "sr", "Organization/nobody")}));
  EXPECT_EQ(state(), "SENT");
  EXPECT_EQ(referral().owner, "Organization/care-coordination");
}

TEST_F(Loop, CloseOnDeliveryIsAPolicyAndSaysSo) {
  site_.parties[0].close_on_delivery = true;
  refer();
  accept();
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  auto const review = first_task(referral().views, "review-report");
  store::OutboxRow hook;
  hook.destination = "riverside";
  hook.kind = "rest-hook";
  hook.request = json("{'resource':'Task/" + std::string(review.root.text_at("id")) + "/_history/1'}");
  ASSERT_TRUE(deliver(hook, "2xx"));
  EXPECT_EQ(state(), "CLOSED");
  EXPECT_EQ(referral().reviewer, "policy:close-on-delivery");
  EXPECT_EQ(tasks(referral().views, "review-report").at(0).root.text_at("status"), "completed");
}

// --- duplicates and order
// -------------------------------------------------------------------------------------------------

TEST_F(Loop, TheSameMessageTwiceChangesNothing) {
  refer();
  auto const twice = [&](auto const& send) {
    ASSERT_TRUE(send());
    auto const events = log("referral/sr").size();
    auto const body = row("referral/sr")->body;
    auto const rows = outbox("riverside").size() + outbox("heart-clinic").size();
    wait(kHourMs);
    ASSERT_TRUE(send());
    EXPECT_EQ(log("referral/sr").size(), events);
    EXPECT_EQ(row("referral/sr")->body, body);
    EXPECT_EQ(outbox("riverside").size() + outbox("heart-clinic").size(), rows);
  };
  twice([&] {
    return v2("heart-clinic", "RRI^I12", {{"referral.status", "A", "RF1-1"}}, {}, {"ServiceRequest/sr"});
  });
  twice([&] {
    return v2("heart-clinic", "SIU^S12", {}, {appointment("a", "booked", "2025-03-10T09:00:00Z")});
  });
  twice([&] {
    return v2("heart-clinic", "SIU^S26", {}, {appointment("a", "noshow", "2025-03-10T09:00:00Z")});
  });
  twice([&] {
    return v2("heart-clinic", "ADT^A04", {}, {encounter("v", "in-progress", "AMB", "riverside-patient")});
  });
  twice([&] { return v2("heart-clinic", "ORU^R01", {}, {report("rep", "preliminary")}); });
  twice([&] { return v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}); });
  twice([&] { return v2("heart-clinic", "ORU^R01", {}, {report("rep", "corrected")}); });
  expect_replays();
}

TEST_F(Loop, SkippedStepsAreWrittenAsInferredEvents) {
  ASSERT_TRUE(fhir("riverside", {request(), task()}));
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  std::string written;
  for (auto const& event : log("referral/sr"))
    if (event.inferred) written += event.type + "(" + event.rule + ") ";
  EXPECT_EQ(written,
            "received(implied by report-returned) accepted(implied by report-returned) seen(implied by "
            "report-returned) ");
  expect_replays();
}

TEST_F(Loop, MessagesThatArriveInAnotherOrderEndInTheSameState) {
  refer();
  struct Message {
    std::int64_t asserted;
    std::function<fhir::Result<store::Receipt>()> send;
  };
  std::int64_t const start = now_;
  std::vector<Message> const messages = {
      {start + kHourMs,
       [&] {
         return v2("heart-clinic", "RRI^I12", {{"referral.status", "A", "RF1-1"}}, {}, {"ServiceRequest/sr"});
       }},
      {start + 2 * kHourMs,
       [&] {
         return v2("heart-clinic", "SIU^S12", {}, {appointment("a", "booked", "2025-03-10T09:00:00Z")});
       }},
      {start + 4 * kHourMs, [&] { return v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}); }},
  };
  now_ += 10 * kHourMs;
  for (std::size_t i : {2U, 0U, 1U}) {
    asserted_ = messages[i].asserted;
    ASSERT_TRUE(messages[i].send());
    wait(kHourMs);
  }
  EXPECT_EQ(state(), "NOTE_RETURNED");
  std::string path;
  auto const s = referral();
  for (auto const& entry : s.history) path += std::string(to_code(entry.state)) + " ";
  EXPECT_EQ(path, "SENT RECEIVED ACCEPTED SCHEDULED SEEN NOTE_RETURNED ");
  expect_replays();
}

// --- the document
// ----------------------------------------------------------------------------------------------------------

std::string extension_of(fhir::json::Element const& composition, std::string_view name) {
  for (auto const& each : composition.find("extension")->items()) {
    if (!each.text_at("url").ends_with(name)) continue;
    for (auto const& member : each.members())
      if (member.name != "url")
        return std::string(member.value.is_object() ? member.value.text_at("reference")
                                                    : member.value.text());
  }
  return {};
}

TEST_F(Loop, TheRecordReadsAsOneDocument) {
  refer();
  accept();
  auto snapshot = store_->snapshot().value();
  auto const document = referral_record(*snapshot, store::AccessPolicy::all(), "sr", now_).value();
  EXPECT_EQ(document.root.text_at("resourceType"), "Bundle");
  EXPECT_EQ(document.root.text_at("type"), "document");
  auto const* composition = document.root.at("entry", 0, "resource");
  ASSERT_NE(composition, nullptr);
  EXPECT_EQ(composition->text_at("resourceType"), "Composition");
  EXPECT_EQ(extension_of(*composition, "/record-state"), "ACCEPTED");
  EXPECT_EQ(extension_of(*composition, "/record-owner"), "Organization/heart-clinic");
  EXPECT_EQ(extension_of(*composition, "/record-due"), instant_of(referral().due));
  EXPECT_EQ(extension_of(*composition, "/record-since"), instant_of(referral().since));
  EXPECT_EQ(extension_of(*composition, "/record-overdue"), "false");
  std::string types;
  for (auto const& entry : document.root.find("entry")->items()) {
    auto const type = entry.text_of("resource", "resourceType");
    if (types.find(type) == std::string::npos) types += std::string(type) + " ";
  }
  EXPECT_EQ(types, "Composition ServiceRequest Task Patient Provenance ");
  auto const late = referral_record(*snapshot, store::AccessPolicy::all(), "sr", referral().due + 1).value();
  EXPECT_EQ(extension_of(*late.root.at("entry", 0, "resource"), "/record-overdue"), "true")
      << "derived when read";
}

TEST_F(Loop, TheTimelineTellsEveryEventInOrder) {
  refer();
  accept();
  auto snapshot = store_->snapshot().value();
  auto const bundle = timeline(*snapshot, store::AccessPolicy::all(), "ServiceRequest", "sr", now_).value();
  std::string told;
  for (auto const& entry : bundle.root.find("entry")->items())
    told += std::string(entry.text_of("resource", "activity", "coding", 0, "code")) + " ";
  EXPECT_EQ(told, "sent delivery received accepted ");
  EXPECT_FALSE(timeline(*snapshot, store::AccessPolicy::all(), "ServiceRequest", "none", now_));
  EXPECT_EQ(
      timeline(*snapshot, store::AccessPolicy::all(), "Patient", "riverside-patient", now_).error().code,
      fhir::IssueType::not_found);
}

}  // namespace
}  // namespace gateway::record
