// Who may write what: every refusal names its rule and leaves nothing behind.
#include "tests/gateway/record/world.hpp"

namespace gateway::record {
namespace {

class Rules : public World {
 protected:
  void expect_refused(fhir::Result<store::Receipt> const& result, fhir::IssueType code,
                      std::string_view says) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
    EXPECT_NE(result.error().diagnostics.find(says), std::string::npos) << result.error().diagnostics;
  }
};

TEST_F(Rules, TheRequestIsThePlacersAlone) {
  refer();
  auto const before = log("referral/sr").size();
  expect_refused(fhir("st-marys", {with("ServiceRequest", "sr", "status", "'completed'")}),
                 fhir::IssueType::conflict, "COW rule a");
  EXPECT_EQ(read("ServiceRequest", "sr").root.text_at("status"), "active");
  EXPECT_EQ(log("referral/sr").size(), before);
}

TEST_F(Rules, AFinalTaskStaysFinal) {
  refer();
  ASSERT_TRUE(fhir("heart-clinic", {with("Task", "task", "status", "'rejected'")}));
  EXPECT_EQ(state(), "DECLINED");
  expect_refused(fhir("heart-clinic", {with("Task", "task", "status", "'accepted'")}),
                 fhir::IssueType::business_rule, "final");
}

TEST_F(Rules, OnHoldComesOnlyFromInProgress) {
  refer();
  expect_refused(fhir("heart-clinic", {with("Task", "task", "status", "'on-hold'")}),
                 fhir::IssueType::business_rule, "on-hold");
}

TEST_F(Rules, TheAnswerIsTheRecipientsAndTheQuestionIsThePlacers) {
  refer();
  expect_refused(fhir("riverside", {with("Task", "task", "status", "'accepted'")}),
                 fhir::IssueType::business_rule, "sent to");
  expect_refused(fhir("heart-clinic", {with("Task", "task", "status", "'draft'")}),
                 fhir::IssueType::business_rule, "placer");
}

TEST_F(Rules, WorkThatBeganIsCancelledByAsking) {
  refer();
  ASSERT_TRUE(fhir("heart-clinic", {with("Task", "task", "status", "'accepted'")}));
  ASSERT_TRUE(fhir("heart-clinic", {appointment("a", "booked", "2025-03-10T09:00:00Z")}));
  ASSERT_EQ(read("Task", "task").root.text_at("status"), "in-progress");
  expect_refused(fhir("riverside", {with("Task", "task", "status", "'cancelled'")}),
                 fhir::IssueType::business_rule, "abort");
  ASSERT_TRUE(
      fhir("riverside",
           {json("{'resourceType':'Task','id':'stop','status':'requested','intent':'order',"
                 "'code':{'coding':[{'system':'http://hl7.org/fhir/CodeSystem/task-code','code':'abort'}]},"
                 "'focus':{'reference':'Task/task'},'for':{'reference':'Patient/riverside-patient'}}")}));
  EXPECT_EQ(state(), "CANCEL_REQUESTED");
  ASSERT_TRUE(fhir("heart-clinic", {with("Task", "stop", "status", "'completed'")}));
  EXPECT_EQ(state(), "CANCELLED");
}

TEST_F(Rules, ThePlacerMayCancelBeforeWorkBegan) {
  refer();
  ASSERT_TRUE(fhir("riverside", {with("Task", "task", "status", "'cancelled'")}));
  EXPECT_EQ(state(), "CANCELLED");
}

TEST_F(Rules, TheReportIsReviewedByTheReferringSide) {
  refer();
  accept();
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  std::string const review(tasks(referral().views, "review-report").at(0).root.text_at("id"));
  expect_refused(fhir("heart-clinic", {with("Task", review, "status", "'completed'")}),
                 fhir::IssueType::business_rule, "referring side");
  EXPECT_EQ(state(), "NOTE_RETURNED");
}

TEST_F(Rules, AReviewMayBeTakenBack) {
  refer();
  accept();
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final")}));
  std::string const review(tasks(referral().views, "review-report").at(0).root.text_at("id"));
  ASSERT_TRUE(fhir("riverside", {with("Task", review, "status", "'completed'")}));
  EXPECT_EQ(state(), "CLOSED");
  wait(kHourMs);
  ASSERT_TRUE(fhir("riverside", {with("Task", review, "status", "'in-progress'")}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  EXPECT_EQ(read("ServiceRequest", "sr").root.text_at("status"), "active");
  expect_replays();
}

TEST_F(Rules, WhatAnOpenRecordNamesIsNotDeleted) {
  refer();
  Cause cause;
  cause.door = Door::fhir;
  cause.origin = "riverside";
  cause.received_ms = now_;
  auto const remove = [&](std::string type, std::string id) {
    return store_->commit_and_wait([&, type, id](store::Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(unit.remove(type, id, "riverside"));
      return fold(unit, cause, site_);
    });
  };
  expect_refused(remove("ServiceRequest", "sr"), fhir::IssueType::conflict, "entered-in-error");
  expect_refused(remove("Task", "task"), fhir::IssueType::conflict, "entered-in-error");
  expect_refused(remove("Patient", "riverside-patient"), fhir::IssueType::conflict, "entered-in-error");
}

}  // namespace
}  // namespace gateway::record
