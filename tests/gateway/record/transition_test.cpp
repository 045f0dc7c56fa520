#include "gateway/record/transition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace gateway::record {
namespace {

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kMonday = 1'740'996'000'000;  // 2025-03-03T10:00:00Z

Event event(std::string_view type, std::int64_t seq, std::int64_t at) {
  Event made;
  made.type = type;
  made.seq = seq;
  made.asserted = made.source_time = made.received = at;
  return made;
}

Event first(std::string_view type = stay_kind::admitted) {
  Event made = event(type, 1, kMonday);
  made.set("hospital", "Organization/hospital");
  made.set("attending", "Practitioner/attending");
  made.set("gateway", "Organization/gateway");
  made.set("coordinator", "Organization/coordinator");
  made.add("pcp", "Organization/pcp");
  made.set("encounter", "Encounter/stay");
  made.set("zone", "0");
  return made;
}

class Log {
 public:
  explicit Log(std::string_view type = stay_kind::admitted) : events_{first(type)} {}
  Event& add(std::string_view type) {
    auto const seq = static_cast<std::int64_t>(events_.size()) + 1;
    events_.push_back(event(type, seq, kMonday + (seq - 1) * kHour));
    return events_.back();
  }
  Event& discharge(std::string const& disposition = "01") {
    Event& made = add(stay_kind::discharged);
    made.set("disposition", disposition);
    return made;
  }
  void close(std::string_view code) {
    bool const information = code == obligation::discharge_information;
    add(information ? stay_kind::info_received : stay_kind::obligation_closed)
        .set("obligation", std::string(code));
  }
  Event& front() { return events_.front(); }
  /// Each fold of these tests is also read back from what is stored of it.
  TransitionState fold() const {
    auto state = fold_transition("transition/stay", events_);
    auto const stored = to_json(state);
    auto const read = transition_of(stored);
    EXPECT_TRUE(read) << (read ? "" : read.error().diagnostics) << stored;
    if (read) {
      EXPECT_EQ(to_json(*read), stored);
      EXPECT_EQ(read->discharged_at, state.discharged_at);
      EXPECT_EQ(read->stay, state.stay);
    }
    return state;
  }
  std::vector<Event> const& events() const { return events_; }

 private:
  std::vector<Event> events_;
};

std::string open_of(TransitionState const& state) {
  std::string open;
  for (auto const& each : state.obligations)
    if (each.state == Due::open) open += (open.empty() ? "" : " ") + each.code;
  return open;
}

std::string path_of(TransitionState const& state) {
  std::string path;
  for (auto const& entry : state.history)
    path += (path.empty() ? "" : " ") + std::string(to_code(entry.stay));
  return path;
}

constexpr char const* kAllOpen =
    "admission-notice discharge-notice discharge-information interactive-contact follow-up-scheduled "
    "follow-up-seen "
    "medication-reconciliation";

TEST(Transition, GoesFromEdThroughTheHouseToHome) {  // T1
  Log log(stay_kind::ed);
  log.add(stay_kind::admitted);
  log.add(stay_kind::transferred);
  log.add(stay_kind::on_leave);
  log.add(stay_kind::returned);
  log.add(stay_kind::discharge_planned);
  log.discharge();
  EXPECT_EQ(path_of(log.fold()), "ED IN_PROGRESS ON_LEAVE IN_PROGRESS DISCHARGE_PLANNED DISCHARGED");
  EXPECT_EQ(log.fold().owner, "Organization/hospital");
  EXPECT_EQ(open_of(log.fold()), kAllOpen);
  log.close(obligation::discharge_information);
  EXPECT_EQ(log.fold().owner, "Organization/pcp") << "the PCP answers once it has the discharge information";
  for (auto code :
       {obligation::admission_notice, obligation::discharge_notice, obligation::interactive_contact,
        obligation::follow_up_scheduled, obligation::follow_up_seen, obligation::medication_reconciliation})
    log.close(code);
  auto const state = log.fold();
  EXPECT_EQ(to_code(state.stay), "CLOSED");
  EXPECT_EQ(state.owner, "");
  EXPECT_EQ(state.due, 0);
}

TEST(Transition, TheAttendingAnswersDuringTheStay) {
  EXPECT_EQ(Log().fold().owner, "Practitioner/attending");
  Log unnamed;
  unnamed.front().set("attending", "");
  EXPECT_EQ(unnamed.fold().owner, "Organization/hospital");
}

TEST(Transition, WithoutAPcpTheCoordinatorAnswersAndItIsFlagged) {  // T4, first half
  Log log;
  log.front().set("pcp", "");
  log.discharge();
  log.close(obligation::discharge_information);
  EXPECT_EQ(log.fold().owner, "Organization/coordinator");
  EXPECT_TRUE(log.fold().flags.contains("no-pcp"));
  EXPECT_EQ(log.fold().find(obligation::follow_up_seen)->owner, "Organization/coordinator");
}

TEST(Transition, ObligationsAreDueAsSectionSevenSays) {
  Log log;
  std::int64_t const left = log.discharge().asserted;  // Monday 2025-03-03T11:00Z
  auto const state = log.fold();
  auto const due = [&](std::string_view code) { return instant_of(state.find(code)->due); };
  EXPECT_EQ(state.find(obligation::discharge_notice)->due, left + kHour / 2);
  EXPECT_EQ(due(obligation::discharge_information), "2025-03-05T23:59:59.999Z");
  EXPECT_EQ(due(obligation::interactive_contact), "2025-03-05T11:00:00.000Z");
  EXPECT_EQ(due(obligation::follow_up_scheduled), "2025-03-06T11:00:00.000Z");
  EXPECT_EQ(due(obligation::follow_up_seen), "2025-03-17T23:59:59.999Z");
  EXPECT_EQ(due(obligation::medication_reconciliation), "2025-04-02T23:59:59.999Z");
}

TEST(Transition, CancelledDischargeSuspendsAndKeepsTheFollowUpsAndTheSecondResumes) {  // T2
  Log log;
  log.discharge();
  log.close(obligation::follow_up_scheduled);
  log.add(stay_kind::discharge_cancelled);
  auto state = log.fold();
  EXPECT_EQ(to_code(state.stay), "IN_PROGRESS");
  EXPECT_EQ(state.find(obligation::discharge_information)->state, Due::suspended);
  EXPECT_EQ(state.find(obligation::interactive_contact)->state, Due::suspended);
  EXPECT_EQ(state.find(obligation::follow_up_seen)->state, Due::open) << "follow-ups are kept";
  EXPECT_EQ(state.find(obligation::follow_up_scheduled)->state, Due::closed);
  std::int64_t const again = log.discharge().asserted;
  state = log.fold();
  EXPECT_EQ(path_of(state), "IN_PROGRESS DISCHARGED IN_PROGRESS DISCHARGED");
  EXPECT_EQ(state.find(obligation::discharge_information)->state, Due::open);
  EXPECT_EQ(state.find(obligation::interactive_contact)->opened, again)
      << "clocks run from the true discharge";
  EXPECT_EQ(state.find(obligation::follow_up_scheduled)->state, Due::closed) << "what is booked stays booked";
}

TEST(Transition, CancelledAdmissionEndsEverything) {  // T3
  Log log;
  log.add(stay_kind::admit_cancelled);
  EXPECT_EQ(to_code(log.fold().stay), "CANCELLED");
  EXPECT_EQ(open_of(log.fold()), "");
  EXPECT_EQ(log.fold().owner, "");
}

TEST(Transition, UpdatesNeverReopenAStay) {  // T5
  Log log;
  log.discharge();
  for (int i = 0; i < 50; ++i) log.add(stay_kind::updated);
  log.add(stay_kind::admitted);
  EXPECT_EQ(path_of(log.fold()), "IN_PROGRESS DISCHARGED");
}

TEST(Transition, ALateAdmissionTakesItsPlaceBeforeTheDischarge) {
  Event discharge = first(stay_kind::discharged);
  discharge.asserted += 10 * kHour;
  discharge.received += 10 * kHour;
  Event admission = event(stay_kind::admitted, 2, kMonday);
  admission.received = kMonday + 20 * kHour;
  auto const state = fold_transition("transition/stay", std::vector{discharge, admission});
  EXPECT_EQ(path_of(state), "IN_PROGRESS DISCHARGED");
  EXPECT_EQ(state.admitted_at, kMonday);
}

TEST(Transition, DeathStopsOutreachButNotTheNotice) {  // T7
  Log log;
  log.discharge("20");
  auto const state = log.fold();
  EXPECT_EQ(to_code(state.stay), "DIED");
  EXPECT_EQ(open_of(state), "admission-notice discharge-notice");
  EXPECT_EQ(state.owner, "Organization/coordinator");
  Log after;
  after.discharge();
  after.add(stay_kind::died);
  EXPECT_EQ(to_code(after.fold().stay), "DIED");
  EXPECT_EQ(after.fold().find(obligation::follow_up_seen)->state, Due::cancelled);
}

TEST(Transition, ReadmissionCancelsWhatIsOpenWithItsReason) {
  Log log;
  log.discharge();
  log.add(stay_kind::readmitted);
  auto const state = log.fold();
  EXPECT_EQ(to_code(state.stay), "READMITTED");
  EXPECT_EQ(state.find(obligation::follow_up_seen)->state, Due::cancelled);
  EXPECT_EQ(state.find(obligation::follow_up_seen)->evidence, "readmitted");
}

TEST(Transition, DayThirtyOneClosesWithItsGaps) {
  Log log;
  log.discharge();
  EXPECT_EQ(instant_of(watch_end(log.fold())), "2025-04-02T23:59:59.999Z");
  log.add(stay_kind::watch_ended);
  EXPECT_EQ(to_code(log.fold().stay), "CLOSED_WITH_GAPS");
  EXPECT_EQ(open_of(log.fold()), kAllOpen) << "the gaps are listed";
}

TEST(Transition, LeavingAgainstAdviceShortensTheClocks) {
  Log home, against;
  home.discharge("01");
  against.discharge("07");
  for (auto code :
       {obligation::interactive_contact, obligation::follow_up_scheduled, obligation::follow_up_seen})
    EXPECT_LT(against.fold().find(code)->due, home.fold().find(code)->due) << code;
  EXPECT_TRUE(against.fold().flags.contains("against-medical-advice"));
}

struct Leaving {
  std::string_view code;
  std::string_view base;
  std::size_t obligations;
  bool planned, to_facility, to_acute, died;
};

TEST(Transition, TheDispositionDrivesTheSet) {
  Leaving const table[] = {
      {"01", "01", 6, false, false, false, false}, {"", "01", 6, false, false, false, false},
      {"06", "06", 6, false, false, false, false}, {"home", "01", 6, false, false, false, false},
      {"03", "03", 3, false, true, false, false},  {"snf", "03", 3, false, true, false, false},
      {"62", "62", 3, false, true, false, false},  {"63", "63", 3, false, true, false, false},
      {"65", "65", 3, false, true, false, false},  {"02", "02", 6, false, false, true, false},
      {"66", "66", 6, false, false, true, false},  {"50", "50", 3, false, false, false, false},
      {"20", "20", 1, false, false, false, true},  {"41", "41", 1, false, false, false, true},
      {"exp", "20", 1, false, false, false, true}, {"30", "30", 0, false, false, false, false},
      {"81", "01", 6, true, false, false, false},  {"83", "03", 3, true, true, false, false},
      {"95", "70", 6, true, false, true, false},   {"1", "01", 6, false, false, false, false},
  };
  for (auto const& row : table) {
    auto const meaning = disposition_of(row.code);
    EXPECT_EQ(meaning.code, row.base) << row.code;
    EXPECT_EQ(meaning.obligations.size(), row.obligations) << row.code;
    EXPECT_EQ(meaning.planned_return, row.planned) << row.code;
    EXPECT_EQ(meaning.to_facility, row.to_facility) << row.code;
    EXPECT_EQ(meaning.to_acute, row.to_acute) << row.code;
    EXPECT_EQ(meaning.died, row.died) << row.code;
  }
}

TEST(Transition, ATransferLetsItsObligationsWaitForTheReceivingStay) {
  Log log;
  log.discharge("02");
  EXPECT_EQ(open_of(log.fold()), "admission-notice discharge-notice discharge-information");
  EXPECT_EQ(log.fold().find(obligation::follow_up_seen)->state, Due::suspended);
}

TEST(Transition, ANoticeIsMetWhenEveryRecipientHasIt) {
  Log log;
  for (char const* who : {"a", "b"}) {
    Event& notice = log.add(stay_kind::notice);
    notice.set("about", "admission");
    notice.set("recipient", std::string("Organization/") + who);
    notice.set("communication", std::string("Communication/") + who);
  }
  log.add(stay_kind::delivery).set("communication", "Communication/a");
  EXPECT_EQ(log.fold().find(obligation::admission_notice)->state, Due::open);
  Event& refused = log.add(stay_kind::delivery);
  refused.set("communication", "Communication/b");
  refused.set("refused", "true");
  EXPECT_EQ(log.fold().find(obligation::admission_notice)->state, Due::open);
  log.add(stay_kind::delivery).set("communication", "Communication/b");
  EXPECT_EQ(log.fold().find(obligation::admission_notice)->state, Due::closed);
}

TEST(Transition, AResultPendingAtDischargeIsOwedUntilItIsFinal) {
  Log log;
  log.add(stay_kind::result_pending).set("report", "DiagnosticReport/culture");
  log.discharge();
  EXPECT_EQ(log.fold().find("pending-result:DiagnosticReport/culture")->state, Due::open);
  log.add(stay_kind::result_final).set("report", "DiagnosticReport/culture");
  EXPECT_EQ(log.fold().find("pending-result:DiagnosticReport/culture")->state, Due::closed);
}

class RandomStays : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomStays, AreNeverWithoutAnOwnerAndAlwaysReplay) {
  constexpr std::string_view kTypes[] = {stay_kind::expected,
                                         stay_kind::ed,
                                         stay_kind::admitted,
                                         stay_kind::transferred,
                                         stay_kind::on_leave,
                                         stay_kind::returned,
                                         stay_kind::discharge_planned,
                                         stay_kind::discharged,
                                         stay_kind::discharge_cancelled,
                                         stay_kind::admit_cancelled,
                                         stay_kind::info_received,
                                         stay_kind::readmitted,
                                         stay_kind::died,
                                         stay_kind::watch_ended,
                                         stay_kind::updated,
                                         stay_kind::obligation_closed};
  std::mt19937 random(GetParam());
  for (int round = 0; round < 100; ++round) {
    Log log;
    std::size_t const size = random() % 25;
    for (std::size_t i = 0; i < size; ++i) {
      Event& next = log.add(kTypes[random() % std::size(kTypes)]);
      if (random() % 4 == 0) next.asserted -= static_cast<std::int64_t>(random() % 20) * kHour;
      if (next.type == stay_kind::obligation_closed)
        next.set("obligation", std::string(obligation::follow_up_seen));
    }
    auto const state = log.fold();
    ASSERT_EQ(to_json(state), to_json(log.fold()));
    if (!is_final(state.stay)) ASSERT_FALSE(state.owner.empty());
    if (state.stay == Stay::closed) ASSERT_FALSE(state.has_open_obligation());
    if (state.stay == Stay::post_acute_watch)
      ASSERT_NE(state.due, 0) << "somebody owes something, by some time";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStays, ::testing::Range(0U, 6U));

}  // namespace
}  // namespace gateway::record
