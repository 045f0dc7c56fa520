#include "gateway/record/referral.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
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
  if (type == kind::reviewed) made.set("reviewer", "Practitioner/x");
  bool const report = type == kind::note || type == kind::corrected || type == kind::interim;
  if (report) made.set("report", "DiagnosticReport/r");
  return made;
}

Event opening(std::string_view priority = "asap", std::string_view disposition = "WR") {
  Event made = event(kind::sent, 1, kMonday);
  made.set("requester", "Organization/pcp");
  made.set("performer", "Organization/clinic");
  made.set("gateway", "Organization/gateway");
  made.set("coordinator", "Organization/coordinator");
  made.set("service_request", "ServiceRequest/sr");
  made.set("priority", std::string(priority));
  made.set("disposition", std::string(disposition));
  made.set("zone", "0");
  return made;
}

/// The opening, then one event an hour.
std::vector<Event> walk(std::vector<std::string_view> const& types) {
  std::vector<Event> log = {opening()};
  for (auto type : types) {
    auto const seq = static_cast<std::int64_t>(log.size()) + 1;
    log.push_back(event(type, seq, kMonday + seq * kHour));
  }
  return log;
}

ReferralState after(std::vector<std::string_view> const& types) {
  return fold_referral("referral/sr", walk(types));
}

std::string path_of(ReferralState const& state) {
  std::string path;
  for (auto const& entry : state.history)
    path += (path.empty() ? "" : " ") + std::string(to_code(entry.state)) + (entry.inferred ? "*" : "");
  return path;
}

// --- every row of section 3's table
// ---------------------------------------------------------------------------------

struct Row {
  std::vector<std::string_view> types;
  State state;
  std::string_view task_status, business_status, bser, owner;
};

class EveryRow : public ::testing::TestWithParam<Row> {};

TEST_P(EveryRow, HasItsStatusesAndItsOwner) {
  Row const& expected = GetParam();
  ReferralState const state = after(expected.types);
  EXPECT_EQ(to_code(state.state), to_code(expected.state));
  EXPECT_EQ(row_of(state.state).task_status, expected.task_status);
  EXPECT_EQ(business_status_of(state), expected.business_status);
  EXPECT_EQ(row_of(state.state).bser, expected.bser);
  EXPECT_EQ(state.owner, expected.owner);
  EXPECT_EQ(state.due != 0, is_open(state.state)) << "an open state has a clock, an ended one has none";
}

constexpr std::string_view kPcp = "Organization/pcp", kClinic = "Organization/clinic";

INSTANTIATE_TEST_SUITE_P(
    Section3, EveryRow,
    ::testing::Values(
        Row{{}, State::sent, "requested", "created", "2.0", "Organization/gateway"},
        Row{{kind::received}, State::received, "received", "received", "", kClinic},
        Row{{kind::received, kind::needs_info}, State::needs_info, "", "awaiting-information", "", kPcp},
        Row{{kind::needs_info, kind::info_supplied},
            State::received,
            "received",
            "information-supplied",
            "",
            kClinic},
        Row{{kind::accepted}, State::accepted, "accepted", "accepted", "3.0", kClinic},
        Row{{kind::declined}, State::declined, "rejected", "declined", "4.0", kPcp},
        Row{{kind::waitlisted}, State::waitlisted, "accepted", "waitlisted", "", kClinic},
        Row{{kind::booked}, State::scheduled, "in-progress", "booked", "5.1.1", kClinic},
        Row{{kind::booked, kind::appt_cancelled},
            State::appt_cancelled,
            "in-progress",
            "appointment-cancelled",
            "5.1.3",
            kClinic},
        Row{{kind::booked, kind::no_show}, State::no_show, "in-progress", "no-show", "5.1.2", kClinic},
        Row{{kind::seen}, State::seen, "in-progress", "visit-complete", "5.1.4", kClinic},
        Row{{kind::interim}, State::seen, "in-progress", "interim-report", "5.1.4", kClinic},
        Row{{kind::note}, State::note_returned, "completed", "report-received", "7.0", kPcp},
        Row{{kind::note, kind::reviewed}, State::closed, "completed", "reviewed-closed", "7.0", ""},
        Row{{kind::note, kind::reviewed, kind::corrected},
            State::note_returned,
            "completed",
            "report-amended",
            "7.0",
            kPcp},
        Row{{kind::accepted, kind::cancel_requested},
            State::cancel_requested,
            "",
            "cancellation-requested",
            "5.2",
            kClinic},
        Row{{kind::cancel_requested, kind::cancelled}, State::cancelled, "cancelled", "cancelled", "6.0", ""},
        Row{{kind::accepted, kind::failed}, State::failed, "failed", "unable-to-perform", "", kPcp},
        Row{{kind::accepted, kind::expired}, State::expired, "cancelled", "expired", "", kPcp},
        Row{{kind::error}, State::entered_in_error, "entered-in-error", "cancelled", "", ""}));

TEST(Referral, ADraftIsTheReferrers) {
  Event first = opening();
  first.type = kind::drafted;
  ReferralState const state = fold_referral("referral/sr", std::vector{first});
  EXPECT_EQ(state.state, State::draft);
  EXPECT_EQ(state.owner, kPcp);
  EXPECT_NE(state.due, 0);
}

TEST(Referral, EveryStateHasARowAndACode) {
  for (std::size_t i = 0; i < kStateCount; ++i) {
    auto const state = static_cast<State>(i);
    EXPECT_EQ(row_of(state).state, state);
    EXPECT_EQ(state_of(to_code(state)), state);
  }
  EXPECT_FALSE(state_of("NOWHERE").has_value());
}

// --- skips
// ----------------------------------------------------------------------------------------------------------------

TEST(Referral, ABookingBeforeAcceptanceImpliesAcceptance) {
  EXPECT_EQ(path_of(after({kind::booked})), "SENT RECEIVED* ACCEPTED* SCHEDULED");
}

TEST(Referral, ANoteBeforeTheVisitImpliesTheVisit) {
  EXPECT_EQ(path_of(after({kind::note})), "SENT RECEIVED* ACCEPTED* SEEN* NOTE_RETURNED");
}

TEST(Referral, ANoShowWithoutABookingImpliesTheBooking) {
  EXPECT_EQ(path_of(after({kind::accepted, kind::no_show})), "SENT RECEIVED* ACCEPTED SCHEDULED* NO_SHOW");
}

// --- the loop
// ------------------------------------------------------------------------------------------------------------

TEST(Referral, NeedsInfoPingPongComesBackToWhereItWas) {  // S5
  auto const state = after({kind::received, kind::needs_info, kind::info_supplied, kind::accepted,
                            kind::needs_info, kind::info_supplied});
  EXPECT_EQ(path_of(state), "SENT RECEIVED NEEDS_INFO RECEIVED ACCEPTED NEEDS_INFO ACCEPTED");
}

TEST(Referral, CancelThatCrossesAcceptanceGoesBackToAcceptedWhenRefused) {  // S7
  EXPECT_EQ(path_of(after({kind::received, kind::cancel_requested, kind::accepted, kind::cancel_refused})),
            "SENT RECEIVED CANCEL_REQUESTED ACCEPTED");
}

TEST(Referral, AVisitUnderAnOpenCancellationRefusesIt) {
  EXPECT_EQ(to_code(after({kind::accepted, kind::cancel_requested, kind::seen}).state), "SEEN");
}

TEST(Referral, ADeclineUnderAnOpenCancellationConfirmsIt) {
  EXPECT_EQ(to_code(after({kind::received, kind::cancel_requested, kind::declined}).state), "CANCELLED");
}

TEST(Referral, RefusalAfterAcceptanceIsFailureAndBeforeItADecline) {
  EXPECT_EQ(after({kind::declined}).state, State::declined);
  EXPECT_EQ(after({kind::failed}).state, State::declined);
  EXPECT_EQ(after({kind::accepted, kind::declined}).state, State::failed);
}

TEST(Referral, ReReferralStartsAgainWithTheNewRecipient) {  // S4
  auto log = walk({kind::declined});
  Event again = event(kind::rereferred, 3, kMonday + 3 * kHour);
  again.set("task", "Task/second");
  again.set("performer", "Organization/other");
  log.push_back(again);
  auto const state = fold_referral("referral/sr", log);
  EXPECT_EQ(state.state, State::sent);
  EXPECT_EQ(state.performer, "Organization/other");
  EXPECT_EQ(state.task, "Task/second");
}

TEST(Referral, ClosesNeverOnAPreliminaryReport) {
  EXPECT_EQ(after({kind::interim, kind::reviewed}).state, State::seen);
}

TEST(Referral, ClosesNeverWithoutAReviewer) {
  auto log = walk({kind::note, kind::reviewed});
  log.back().data.clear();
  EXPECT_EQ(fold_referral("referral/sr", log).state, State::note_returned);
}

TEST(Referral, AWithdrawnNoteGoesBackToSeen) {
  EXPECT_EQ(after({kind::note, kind::reviewed, kind::note_withdrawn}).state, State::seen);
  EXPECT_EQ(after({kind::note, kind::reviewed, kind::review_undone}).state, State::note_returned);
}

TEST(Referral, ANoShowOfAReplacedAppointmentSaysNothing) {
  auto log = walk({kind::booked, kind::booked, kind::no_show});
  log[1].set("appointment", "Appointment/old");
  log[2].set("appointment", "Appointment/new");
  log[3].set("appointment", "Appointment/old");
  EXPECT_EQ(fold_referral("referral/sr", log).state, State::scheduled);
  log[3].set("appointment", "Appointment/new");
  EXPECT_EQ(fold_referral("referral/sr", log).state, State::no_show);
}

TEST(Referral, WhatComesAfterTheEndIsFlaggedAndMovesNothing) {
  auto const state = after({kind::cancel_requested, kind::cancelled, kind::note});
  EXPECT_EQ(state.state, State::cancelled);
  EXPECT_TRUE(state.flags.contains("late-report-returned"));
}

// --- owners and clocks
// -------------------------------------------------------------------------------------------------

TEST(Referral, AssumeManagementMovesAccountabilityOnAcceptAndNothingElse) {
  std::vector<Event> log = {opening("asap", "AM"), event(kind::accepted, 2, kMonday + kHour)};
  auto state = fold_referral("referral/sr", log);
  EXPECT_EQ(state.accountable, kClinic);
  log.push_back(event(kind::note, 3, kMonday + 2 * kHour));
  state = fold_referral("referral/sr", log);
  EXPECT_EQ(state.accountable, kClinic);
  EXPECT_EQ(state.owner, kPcp) << "the report is still reviewed by the referring side";
  log[0].set("disposition", "WR");
  EXPECT_EQ(fold_referral("referral/sr", log).accountable, kPcp);
}

TEST(Referral, WhatNobodyOwnsIsTheCoordinators) {
  auto log = walk({kind::received});
  log[0].set("performer", "");
  EXPECT_EQ(fold_referral("referral/sr", log).owner, "Organization/coordinator");
  log = walk({kind::route});
  EXPECT_EQ(fold_referral("referral/sr", log).owner, "Organization/coordinator");
}

TEST(Referral, ANeedByDateIsTheClockOfTheVisit) {
  auto log = walk({kind::accepted, kind::booked});
  EXPECT_EQ(fold_referral("referral/sr", log).due, kMonday + 14 * 24 * kHour);
  log[0].set("need_by", std::to_string(kMonday + 5 * kHour));
  EXPECT_EQ(fold_referral("referral/sr", log).due, kMonday + 5 * kHour);
}

TEST(Referral, TheReviewClockRunsInBusinessDaysOfTheSite) {
  std::int64_t const thursday = kMonday + 3 * 24 * kHour;
  auto log = walk({});
  log.push_back(event(kind::note, 2, thursday));
  EXPECT_EQ(instant_of(fold_referral("referral/sr", log).due), "2025-03-10T10:00:00.000Z");
  log[0].add("holiday", "2025-03-07");
  EXPECT_EQ(instant_of(fold_referral("referral/sr", log).due), "2025-03-11T10:00:00.000Z");
}

// --- time
// --------------------------------------------------------------------------------------------------------------

TEST(Referral, ALateAcceptTakesItsPlaceAndIsNoLongerInferred) {
  auto log = walk({kind::received, kind::booked, kind::seen});
  Event late = event(kind::accepted, 5, kMonday + 2 * kHour + 1);
  late.received = kMonday + 9 * kHour;
  log.push_back(late);
  auto const state = fold_referral("referral/sr", log);
  EXPECT_EQ(path_of(state), "SENT RECEIVED ACCEPTED SCHEDULED SEEN");
}

TEST(Referral, AFutureEventCountsWhenItWasReceivedAndIsFlagged) {
  auto log = walk({kind::received});
  log[1].asserted = kMonday + 1000 * kHour;
  auto const state = fold_referral("referral/sr", log);
  EXPECT_EQ(state.since, log[1].received);
  EXPECT_TRUE(state.flags.contains("future-dated"));
}

TEST(Referral, AnAnswerCannotCountBeforeItsQuestion) {
  auto log = walk({kind::accepted, kind::cancel_requested, kind::cancel_refused});
  log[3].asserted = kMonday;  // The answering clock is hours behind.
  EXPECT_EQ(fold_referral("referral/sr", log).state, State::accepted);
}

TEST(Referral, ACorrectionCountsFromWhenItIsKnown) {
  auto log = walk({kind::note, kind::reviewed, kind::corrected});
  log[3].asserted = log[1].asserted + 1;  // Corrected before the review, told after it.
  EXPECT_EQ(fold_referral("referral/sr", log).state, State::note_returned);
}

// --- JSON
// ------------------------------------------------------------------------------------------------------------------

TEST(Event, SurvivesItsOwnJson) {
  Event told = opening();
  told.rule = "RF1-1 \"A\"";
  told.inferred = true;
  told.payload = "Task/x/_history/2";
  told.loss_notes = {"a", "b"};
  told.state_after = "SENT";
  Event const back = event_of(to_json(told), 1).value();
  EXPECT_EQ(to_json(back), to_json(told));
  EXPECT_EQ(back.data, told.data);
  EXPECT_EQ(back.asserted, told.asserted);
}

TEST(Event, RefusesWhatIsNoEvent) {
  for (std::string_view bad : {"", "[]", "{}", "{\"type\":\"\"}", "{\"type\":", "null"})
    EXPECT_FALSE(event_of(bad, 1)) << bad;
}

// --- properties
// ------------------------------------------------------------------------------------------------------------

constexpr std::string_view kTypes[] = {
    kind::received,         kind::needs_info,     kind::info_supplied, kind::accepted,
    kind::declined,         kind::waitlisted,     kind::booked,        kind::appt_cancelled,
    kind::no_show,          kind::seen,           kind::interim,       kind::note,
    kind::corrected,        kind::note_withdrawn, kind::reviewed,      kind::review_undone,
    kind::cancel_requested, kind::cancel_refused, kind::cancelled,     kind::failed,
    kind::expired,          kind::error,          kind::rereferred,    kind::route,
    kind::delivery,         kind::updated,        kind::attached};

std::vector<Event> random_log(std::mt19937& random, std::size_t size) {
  std::vector<Event> log = {opening()};
  std::uniform_int_distribution<std::size_t> pick(0, std::size(kTypes) - 1);
  std::uniform_int_distribution<int> minutes(1, 3000);
  std::int64_t now = kMonday;
  while (log.size() < size) {
    now += minutes(random) * 60'000;
    Event next = event(kTypes[pick(random)], static_cast<std::int64_t>(log.size()) + 1, now);
    if (minutes(random) % 4 == 0) next.asserted -= minutes(random) * 60'000;  // One in four is late.
    log.push_back(std::move(next));
  }
  return log;
}

class RandomWalks : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomWalks, KeepTheInvariantsOfSection15) {
  std::mt19937 random(GetParam());
  for (int round = 0; round < 60; ++round) {
    auto const log = random_log(random, 3 + random() % 25);
    auto const state = fold_referral("referral/sr", log);
    ASSERT_EQ(to_json(fold_referral("referral/sr", log)), to_json(state)) << "state = replay(log)";
    ASSERT_EQ(state.owner.empty(), !is_open(state.state)) << "every open state has an owner";
    ASSERT_EQ(state.due == 0, !is_open(state.state)) << "and a clock";
    bool final_report = false;
    for (auto const& entry : state.history) {
      if (entry.state == State::note_returned) final_report = true;
      if (entry.state != State::closed) continue;
      ASSERT_TRUE(final_report) << "never closed without a final report";
      ASSERT_FALSE(state.reviewer.empty()) << "never closed without a reviewer";
    }
    for (std::size_t i = 1; i < state.history.size(); ++i)
      ASSERT_GE(state.history[i].since, state.history[i - 1].since) << "history stands in order of time";
  }
}

/// State goes back only by an explicit undo.
TEST_P(RandomWalks, GoBackOnlyByAnUndo) {
  std::mt19937 random(GetParam() + 1000);
  for (int round = 0; round < 60; ++round) {
    auto const state = fold_referral("referral/sr", random_log(random, 3 + random() % 25));
    for (std::size_t i = 1; i < state.history.size(); ++i) {
      auto const& from = state.history[i - 1];
      auto const& to = state.history[i];
      if (rank_of(from.state) < 0 || rank_of(to.state) < 0 || rank_of(to.state) >= rank_of(from.state))
        continue;
      bool const undo =
          to.type == kind::note_withdrawn || to.type == kind::review_undone || to.type == kind::corrected;
      ASSERT_TRUE(undo) << to_code(from.state) << " -> " << to_code(to.state) << " by " << to.type;
    }
  }
}

/// The order of arrival does not matter where every event says when it happened.
TEST_P(RandomWalks, EndTheSameInWhateverOrderTheMessagesArrive) {
  std::mt19937 random(GetParam() + 2000);
  std::vector<std::string_view> const loop = {kind::received, kind::accepted, kind::booked, kind::no_show,
                                              kind::booked,   kind::seen,     kind::note};
  auto log = walk(loop);
  auto const expected = fold_referral("referral/sr", log);
  std::vector<std::size_t> order(loop.size());
  std::iota(order.begin(), order.end(), std::size_t{1});
  for (int round = 0; round < 40; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Event> arrived = {log[0]};
    for (std::size_t i = 0; i < order.size(); ++i) {
      arrived.push_back(log[order[i]]);
      arrived.back().seq = static_cast<std::int64_t>(i) + 2;
      arrived.back().received = kMonday + (100 + static_cast<std::int64_t>(i)) * kHour;
    }
    auto const state = fold_referral("referral/sr", arrived);
    ASSERT_EQ(path_of(state), path_of(expected));
    ASSERT_EQ(state.due, expected.due);
  }
}

TEST_P(RandomWalks, AreNotChangedByADuplicate) {
  std::mt19937 random(GetParam() + 3000);
  std::vector<std::string_view> const loop = {kind::received, kind::accepted, kind::booked,
                                              kind::seen,     kind::note,     kind::reviewed};
  for (std::size_t cut = 1; cut <= loop.size(); ++cut) {
    auto log = walk({loop.begin(), loop.begin() + static_cast<std::ptrdiff_t>(cut)});
    auto const expected = path_of(fold_referral("referral/sr", log));
    for (int copies = 0; copies < 3; ++copies) {
      Event again = log[1 + random() % cut];
      again.seq = static_cast<std::int64_t>(log.size()) + 1;
      again.received += 500 * kHour;
      log.push_back(again);
      ASSERT_EQ(path_of(fold_referral("referral/sr", log)), expected) << again.type;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomWalks, ::testing::Range(0U, 8U));

}  // namespace
}  // namespace gateway::record
