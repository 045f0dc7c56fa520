#include "gateway/record/outgoing.hpp"

#include <gtest/gtest.h>

namespace gateway::record {
namespace {

Party peer(std::string dialect, std::string close_by = "") {
  Party party;
  party.name = "peer";
  party.speaks_v2 = true;
  party.dialect = std::move(dialect);
  party.close_by = std::move(close_by);
  return party;
}

ReferralState at(State state) {
  ReferralState made;
  made.state = state;
  made.appointment = "Appointment/a";
  made.report = "DiagnosticReport/r";
  made.reason = "not our patient";
  made.history = {{state, 1, 1, false, ""}};
  return made;
}

struct Column {
  State state;
  Toward side;
  std::string_view dialect;
  std::string_view moved_by;
  std::string_view message;
  std::string_view fact, value;
};

/// record.md section 3, column "v2 OUT we emit to a v2 peer".
TEST(Outgoing, SaysWhatTheColumnSays) {
  using enum State;
  using enum Toward;
  Column const table[] = {
      {sent, recipient, "ref_rri", kind::sent, "REF^I12", "referral.status", "P"},
      {sent, recipient, "omg_osu", kind::sent, "OMG^O19", "order.control", "NW"},
      {received, recipient, "ref_rri", kind::info_supplied, "REF^I13", "referral.status", "P"},
      {received, referrer, "ref_rri", kind::received, "RRI^I12", "referral.status", "P"},
      {needs_info, referrer, "ref_rri", kind::needs_info, "RRI^I12", "referral.information",
       "not our patient"},
      {needs_info, referrer, "omg_osu", kind::needs_info, "OSU^O51", "order.status", "HD"},
      {accepted, referrer, "ref_rri", kind::accepted, "RRI^I12", "referral.status", "A"},
      {accepted, referrer, "omg_osu", kind::accepted, "OSU^O51", "order.status", "IP"},
      {accepted, referrer, "omg_osu", kind::cancel_refused, "OSU^O51", "order.control", "UC"},
      {declined, referrer, "ref_rri", kind::declined, "RRI^I12", "referral.status", "R"},
      {declined, referrer, "omg_osu", kind::declined, "OSU^O51", "order.control", "UA"},
      {waitlisted, referrer, "ref_rri", kind::waitlisted, "SIU^S12", "schedule.status", "Pending"},
      {scheduled, referrer, "ref_rri", kind::booked, "SIU^S12", "schedule.status", "Booked"},
      {appt_cancelled, referrer, "ref_rri", kind::appt_cancelled, "SIU^S15", "schedule.status", "Cancelled"},
      {no_show, referrer, "ref_rri", kind::no_show, "SIU^S26", "schedule.status", "Noshow"},
      {seen, referrer, "ref_rri", kind::seen, "SIU^S14", "schedule.status", "Complete"},
      {seen, referrer, "ref_rri", kind::interim, "ORU^R01", "report.status", "P"},
      {note_returned, referrer, "ref_rri", kind::note, "ORU^R01", "report.status", "F"},
      {note_returned, referrer, "ref_rri", kind::corrected, "ORU^R01", "report.status", "C"},
      {closed, recipient, "omg_osu", kind::reviewed, "OSU^O51", "order.status", "CM"},
      {cancel_requested, recipient, "ref_rri", kind::cancel_requested, "REF^I14", "referral.status", "P"},
      {cancel_requested, recipient, "omg_osu", kind::cancel_requested, "OSU^O51", "order.control", "CA"},
      {cancelled, referrer, "ref_rri", kind::cancelled, "RRI^I14", "referral.status", "P"},
      {cancelled, referrer, "omg_osu", kind::cancelled, "OSU^O51", "order.control", "CR"},
      {failed, referrer, "omg_osu", kind::failed, "OSU^O51", "order.control", "CA"},
      {expired, referrer, "ref_rri", kind::expired, "RRI^I12", "referral.status", "E"},
      {entered_in_error, recipient, "ref_rri", kind::error, "REF^I14", "referral.status", "P"},
  };
  for (Column const& row : table) {
    auto const out = message_for(at(row.state), row.moved_by, row.side, peer(std::string(row.dialect)));
    ASSERT_TRUE(out) << to_code(row.state) << " " << row.dialect;
    EXPECT_EQ(out->message, row.message) << to_code(row.state) << " " << row.dialect;
    EXPECT_EQ(out->facts.contains(std::string(row.fact)) ? out->facts.at(std::string(row.fact)) : "",
              row.value)
        << to_code(row.state) << " " << row.dialect;
  }
}

TEST(Outgoing, ClosureIsNotExpressibleInRefRriUnlessTheProfileSaysHow) {
  auto const silent = message_for(at(State::closed), kind::reviewed, Toward::recipient, peer("ref_rri"));
  ASSERT_TRUE(silent);
  EXPECT_EQ(silent->message, "");
  EXPECT_EQ(silent->loss, "closure not expressible");
  auto const by_i13 =
      message_for(at(State::closed), kind::reviewed, Toward::recipient, peer("ref_rri", "i13"));
  ASSERT_TRUE(by_i13);
  EXPECT_EQ(by_i13->message, "REF^I13");
}

TEST(Outgoing, AStateWithoutItsAppointmentIsALossAndNotABrokenMessage) {
  auto state = at(State::scheduled);
  state.appointment.clear();
  auto const out = message_for(state, kind::booked, Toward::referrer, peer("ref_rri"));
  ASSERT_TRUE(out);
  EXPECT_EQ(out->message, "");
  EXPECT_FALSE(out->loss.empty());
}

TEST(Outgoing, ADocumentTravelsAsMdm) {
  auto state = at(State::note_returned);
  state.report = "DocumentReference/d";
  EXPECT_EQ(message_for(state, kind::note, Toward::referrer, peer("ref_rri"))->message, "MDM^T02");
}

}  // namespace
}  // namespace gateway::record
