// Orphans and other work items: opened once, settled by a person, counted as if they had been linked.
#include "gateway/record/work_item.hpp"

#include "tests/gateway/record/world.hpp"

namespace gateway::record {
namespace {

class WorkItems : public World {
 protected:
  std::vector<store::RecordRow> open_orphans() {
    return store_->snapshot().value()->list_records(work::orphan, "", "", 10).value();
  }
  /// A final consult note of the clinic for a number that nobody knows.
  std::string orphaned_report() {
    EXPECT_TRUE(v2("heart-clinic", "ORU^R01", {{"report.status", "F", "OBR-25"}},
                   {report("rep", "final", "riverside-patient", unknown_order())}));
    auto const rows = open_orphans();
    EXPECT_EQ(rows.size(), 1U);
    return rows.empty() ? std::string{} : rows.front().record_id;
  }
  static std::string unknown_order(std::string const& number = "R-9999") {
    return json(",'basedOn':[{'identifier':{'system':'urn:oid:1.2.3','value':'" + number + "'}}]");
  }
  std::string task_of(std::string const& orphan) {
    return std::string(fold_work_item(orphan, log(orphan)).task.substr(5));
  }
  fhir::Result<void> attach(std::string const& orphan, std::string const& target) {
    auto const done = store_->commit_and_wait([&](store::Unit& unit) {
      return attach_orphan(unit, site_, orphan, target, {"", "the number was mistyped", "Dr. Okafor", ""});
    });
    if (!done) return done.error();
    return {};
  }
  fhir::Result<void> dismiss(std::string const& orphan, std::string const& reason) {
    auto const done = store_->commit_and_wait([&](store::Unit& unit) {
      return settle_work_item(unit, operator_cause(unit, "dismiss", "Dr. Okafor"), site_, orphan,
                              {std::string(work::dismissed), reason, "Dr. Okafor", ""});
    });
    if (!done) return done.error();
    return {};
  }
};

TEST_F(WorkItems, AnOrphanIsAlsoATaskOfTheCareCoordinator) {
  refer();
  std::string const orphan = orphaned_report();
  auto const task = read("Task", task_of(orphan));
  EXPECT_EQ(task.root.text_at("status"), "requested");
  EXPECT_EQ(task.root.text_of("owner", "reference"), "Organization/care-coordination");
  EXPECT_EQ(task.root.text_of("focus", "reference"), "DiagnosticReport/rep");
  EXPECT_EQ(task.root.text_at("description"), "no referral owns this report");
  EXPECT_FALSE(task.root.text_of("restriction", "period", "end").empty());
  EXPECT_EQ(row(orphan)->state, "OPEN");
  EXPECT_NE(row(orphan)->due_ms, 0);
  expect_replays();
}

TEST_F(WorkItems, AttachedAReportMovesItsReferralAsIfItHadBeenLinked) {
  refer();
  accept();
  std::string const orphan = orphaned_report();
  EXPECT_EQ(state(), "ACCEPTED");
  ASSERT_TRUE(attach(orphan, "ServiceRequest/sr"));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  EXPECT_EQ(referral().report, "DiagnosticReport/rep");
  EXPECT_TRUE(open_orphans().empty());
  auto const settled = fold_work_item(orphan, log(orphan));
  EXPECT_EQ(settled.state, "ATTACHED");
  EXPECT_EQ(settled.target, "referral/sr");
  EXPECT_EQ(settled.settled_by, "Dr. Okafor");
  EXPECT_EQ(settled.settled_reason, "the number was mistyped");
  EXPECT_EQ(read("Task", task_of(orphan)).root.text_at("status"), "completed");
  // What comes next for the same report belongs there by itself.
  wait(kHourMs);
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {{"report.status", "C", "OBR-25"}},
                 {report("rep", "corrected", "riverside-patient", unknown_order())}));
  EXPECT_TRUE(referral().amended);
  EXPECT_TRUE(open_orphans().empty());
  expect_replays();
}

// What the message said counts, not only what its resource holds: P stays preliminary.
TEST_F(WorkItems, AttachedAPreliminaryReportClosesNothing) {
  refer();
  accept();
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {{"report.status", "P", "OBR-25"}},
                 {report("rep", "final", "riverside-patient", unknown_order())}));
  ASSERT_TRUE(attach(open_orphans().front().record_id, "ServiceRequest/sr"));
  EXPECT_EQ(state(), "SEEN");
  EXPECT_TRUE(referral().interim);
}

TEST_F(WorkItems, AnAnswerWithAnUnknownNumberCountsOnceItIsAttached) {
  refer();
  ASSERT_TRUE(v2("heart-clinic", "RRI^I12",
                 {{"referral.status", "R", "RF1-1"}, {"referral.reason", "no capacity", "NTE-3"}}));
  EXPECT_EQ(state(), "RECEIVED");
  ASSERT_EQ(open_orphans().size(), 1U);
  ASSERT_TRUE(attach(open_orphans().front().record_id, "ServiceRequest/sr"));
  EXPECT_EQ(state(), "DECLINED");
  EXPECT_EQ(referral().reason, "no capacity");
  expect_replays();
}

TEST_F(WorkItems, AnotherPersonsRecordRefusesIt) {
  refer();
  ASSERT_TRUE(
      fhir("riverside", {json("{'resourceType':'Patient','id':'other','name':[{'family':'Vane'}]}")}));
  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {}, {report("rep", "final", "other", unknown_order())}));
  std::string const orphan = open_orphans().front().record_id;
  auto const refused = attach(orphan, "ServiceRequest/sr");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::business_rule);
  EXPECT_EQ(open_orphans().size(), 1U) << "nothing half done";
  EXPECT_EQ(attach(orphan, "ServiceRequest/none").error().code, fhir::IssueType::not_found);
  EXPECT_EQ(attach("orphan/none", "ServiceRequest/sr").error().code, fhir::IssueType::not_found);
}

TEST_F(WorkItems, ADismissedOrphanStaysSoUntilItsSubjectChanges) {
  refer();
  std::string const orphan = orphaned_report();
  EXPECT_EQ(dismiss(orphan, "").error().code, fhir::IssueType::required);
  ASSERT_TRUE(dismiss(orphan, "a copy of an old report"));
  EXPECT_TRUE(open_orphans().empty());
  EXPECT_EQ(read("Task", task_of(orphan)).root.text_at("status"), "cancelled");
  EXPECT_EQ(read("Task", task_of(orphan)).root.text_of("statusReason", "text"), "a copy of an old report");
  EXPECT_EQ(dismiss(orphan, "again").error().code, fhir::IssueType::conflict);
  expect_replays();

  ASSERT_TRUE(v2("heart-clinic", "ORU^R01", {{"report.status", "C", "OBR-25"}},
                 {report("rep", "corrected", "riverside-patient", unknown_order())}));
  ASSERT_EQ(open_orphans().size(), 1U) << "a correction is news";
  EXPECT_EQ(open_orphans().front().record_id, orphan);
  EXPECT_EQ(read("Task", task_of(orphan)).root.text_at("status"), "requested");
  expect_replays();
}

TEST_F(WorkItems, ItsOwnerAttachesAnOrphanByItsTask) {
  refer();
  accept();
  std::string const task = task_of(orphaned_report());
  // Without saying where it belongs it is refused, and so is a dismissal without a reason.
  auto const nowhere = fhir("coordinator", {with("Task", task, "status", "'completed'")});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().expression, "Task.output.valueReference");
  EXPECT_EQ(fhir("coordinator", {with("Task", task, "status", "'cancelled'")}).error().expression,
            "Task.statusReason.text");
  auto document = fhir::json::read_document(with("Task", task, "status", "'completed'")).value();
  auto const output =
      fhir::json::read(
          json("[{'type':{'text':'belongs to'},'valueReference':{'reference':'ServiceRequest/sr'}}]"),
          document.arena)
          .value();
  document.root.set(document.arena, "output") = output;
  ASSERT_TRUE(fhir("coordinator", {fhir::json::write(document.root)}));
  EXPECT_EQ(state(), "NOTE_RETURNED");
  EXPECT_TRUE(open_orphans().empty());
  EXPECT_FALSE(fhir("coordinator", {with("Task", task, "status", "'requested'")})) << "settled is settled";
  expect_replays();
}

TEST_F(WorkItems, ItsOwnerDismissesAnOrphanByItsTask) {
  refer();
  std::string const orphan = orphaned_report();
  std::string const task = task_of(orphan);
  auto document = fhir::json::read_document(with("Task", task, "status", "'cancelled'")).value();
  document.root.set(document.arena, "statusReason") =
      fhir::json::read(json("{'text':'not ours'}"), document.arena).value();
  ASSERT_TRUE(fhir("coordinator", {fhir::json::write(document.root)}));
  EXPECT_TRUE(open_orphans().empty());
  EXPECT_EQ(fold_work_item(orphan, log(orphan)).settled_reason, "not ours");
  expect_replays();
}

}  // namespace
}  // namespace gateway::record
