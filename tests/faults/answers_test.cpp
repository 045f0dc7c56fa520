// Which answers are asked for, and when they come (reliability.md R7, S3, S9; record.md section 3 "What
// counts as receipt"). The gateway is the real process.
#include "examples/partners/v2.hpp"
#include "tests/faults/outbound.hpp"

#include <algorithm>
#include <fstream>
#include <mutex>

namespace faults {
namespace {

using support::Arrival;
using support::eventually;
using support::Heard;
using support::MllpWire;
using support::ScriptedReceiver;

constexpr char kNoAnswers[] = "      accept_ack: NE\n      application_ack: NE\n";
constexpr char kBothAnswers[] = "      accept_ack: AL\n      application_ack: AL\n";

class AnswersTest : public Outbound {
 protected:
  static std::string header(std::string const& event, std::string const& control_id,
                            std::string const& conditions = "") {
    return "MSH|^~\\&|APP|clinic|HANDOFF|HANDOFF|20261120101500+0000||" + event + "|" + control_id +
           "|P|2.5.1" + conditions;
  }
  static std::string pid(std::string const& family) {
    return "PID|1||R-" + family + "^^^RIVERSIDE^MR||" + family + "^Sample||19600101|F";
  }
  /// What the clinic says about referral N-1 of that patient.
  static std::string rri(std::string const& control_id, std::string const& status,
                         std::string const& msa = "") {
    return partners::message({header("RRI^I12^RRI_I12", control_id), "MSA|AA|" + msa,
                              "RF1|" + status + "|||||N-1^RIVERSIDE-ORDERS", "PRD|RT|||||||clinic",
                              pid("Mason")});
  }
  std::string say(std::string const& message) {
    auto wire = MllpWire::connect(gateway().mllp_port("clinics"));
    std::string answer;
    EXPECT_TRUE(wire.send(message));
    EXPECT_EQ(wire.receive(answer, support::kPatience), Heard::frame);
    return answer;
  }
  bool wait_for_state(std::string const& destination, std::size_t row, int state) {
    return eventually([&] {
      auto const rows = outbox(destination);
      return rows.size() > row && rows[row].state == state;
    });
  }
};

TEST_F(AnswersTest, AReceiverThatAnswersNothingSettlesByAConnectionThatLivesAndGivesNoReceipt) {
  ScriptedReceiver clinic(
      [](MllpWire&, Arrival const& arrival) { return arrival.attempt > 0 || number_of(arrival) != "N-1"; });
  open({{.name = "clinic", .port = clinic.port(), .delivery = kNoAnswers}});
  std::string const patient = create_patient("Mason");
  std::string const referral = refer(patient, "N-1", "clinic");
  ASSERT_TRUE(wait_for_state("clinic", 0, kUnconfirmed));
  auto const row = outbox("clinic").front();
  EXPECT_EQ(row.outcome, "sent-unconfirmed");
  EXPECT_EQ(row.attempts, 2) << "the first connection did not live";
  EXPECT_EQ(partners::field(row.bytes, "MSH", 15), "NE");
  EXPECT_EQ(partners::field(row.bytes, "MSH", 16), "NE");
  EXPECT_EQ(state_of(referral), "SENT");
  EXPECT_EQ(metric("handoff_delivery_unconfirmed_total"), "1");

  // The key goes on, over the same connection.
  refer(patient, "N-2", "clinic");
  ASSERT_TRUE(wait_for_state("clinic", 1, kUnconfirmed));
  EXPECT_EQ(clinic.arrivals().back().connection, 2);

  // Any word of the recipient about the referral is its receipt.
  EXPECT_EQ(partners::field(say(rri("C-1", "P")), "MSA", 1), "AA");
  EXPECT_EQ(state_of(referral), "RECEIVED");
}

TEST_F(AnswersTest, ACommitAnswerSettlesAndALaterRefusalOnTheSameConnectionStopsTheKey) {
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    if (!wire.send(ScriptedReceiver::ack(arrival.text, "CA"))) return false;
    return number_of(arrival) != "N-1" || wire.send(ScriptedReceiver::ack(arrival.text, "AR"));
  });
  open({{.name = "clinic", .port = clinic.port(), .delivery = kBothAnswers}});
  std::string const patient = create_patient("Mason");
  refer(patient, "N-1", "clinic");
  ASSERT_TRUE(wait_for_state("clinic", 0, kStopped));
  EXPECT_EQ(outbox("clinic")[0].outcome, "AR");
  EXPECT_EQ(partners::field(outbox("clinic")[0].bytes, "MSH", 15), "AL");
  refer(patient, "N-2", "clinic");
  refer(create_patient("Nolan"), "N-3", "clinic");
  ASSERT_TRUE(wait_for_state("clinic", 2, kDelivered));
  EXPECT_EQ(outbox("clinic")[1].state, kWaiting) << "nothing of this patient follows what was refused";
}

TEST_F(AnswersTest, AnApplicationAnswerMayComeToOurOwnPort) {
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    return wire.send(ScriptedReceiver::ack(arrival.text, "CA"));
  });
  open({{.name = "clinic", .port = clinic.port(), .delivery = kBothAnswers}});
  refer(create_patient("Mason"), "N-1", "clinic");
  ASSERT_TRUE(wait_for_state("clinic", 0, kDelivered));
  std::string const ours = outbox("clinic")[0].control_id;
  // An acknowledgment gets the commit answer that it asks for, and no acknowledgment of its own.
  std::string const answer =
      say(partners::message({header("ACK^I12^ACK", "C-1", "|||AL|NE"), "MSA|AR|" + ours}));
  EXPECT_EQ(partners::field(answer, "MSA", 1), "CA");
  EXPECT_EQ(outbox("clinic")[0].state, kStopped);
  EXPECT_EQ(outbox("clinic")[0].outcome, "AR");
  // Somebody else's number, and one that another destination got, settle nothing.
  say(partners::message({header("ACK^I12^ACK", "C-2", "|||AL|NE"), "MSA|AA|HO999"}));
  EXPECT_EQ(outbox("clinic")[0].state, kStopped);
}

// R7: an RRI that answers the REF both settles its row and is a message of its own, kept before the row is
// settled.
TEST_F(AnswersTest, AnAnswerThatIsNoAckSettlesItsRowAndEntersIntake) {
  ScriptedReceiver clinic(
      [](MllpWire& wire, Arrival const& arrival) { return wire.send(rri("C-1", "A", arrival.control_id)); });
  open({{.name = "clinic", .port = clinic.port()}});
  std::string const referral = refer(create_patient("Mason"), "N-1", "clinic");
  ASSERT_TRUE(wait_for_state("clinic", 0, kDelivered));
  EXPECT_EQ(state_of(referral), "ACCEPTED");
  EXPECT_EQ(outbox("clinic")[0].attempts, 1);
}

TEST_F(AnswersTest, ApplicationAnswersGoToTheReturnAddressAndAgainWhenTheSenderAsksAgain) {
  std::mutex mutex;
  int refuse = 2;
  ScriptedReceiver clinic([&](MllpWire& wire, Arrival const& arrival) {
    std::lock_guard const lock(mutex);
    if (refuse-- > 0) return false;
    return wire.send(ScriptedReceiver::ack(arrival.text, "CA"));
  });
  open({{.name = "clinic", .port = clinic.port(), .more = "    application_answers: return\n"}});
  std::string const admission = partners::message(
      {header("ADT^A04^ADT_A01", "C-1", "|||AL|AL"), "EVN|A04|20261120101500+0000", pid("Mason"), "PV1|1|O"});
  std::string const commit = say(admission);
  EXPECT_EQ(partners::field(commit, "MSA", 1), "CA") << "the only answer on the connection";
  ASSERT_TRUE(wait_until_delivered("clinic", 1));
  auto const row = outbox("clinic").front();
  EXPECT_GE(row.attempts, 3);
  EXPECT_EQ(partners::field(row.bytes, "MSA", 1), "AA");
  EXPECT_EQ(partners::field(row.bytes, "MSA", 2), "C-1");
  EXPECT_EQ(partners::field(row.bytes, "MSH", 15), "AL") << "it asks to be confirmed";

  EXPECT_EQ(say(admission), commit);
  ASSERT_TRUE(clinic.wait_for([](auto const& arrivals) { return arrivals.size() >= 4; }));
  ASSERT_TRUE(wait_until_delivered("clinic", 1));
  EXPECT_EQ(clinic.arrivals().back().text, clinic.arrivals().front().text);
  EXPECT_EQ(outbox("clinic").size(), 1U) << "the same answer, not another one";
}

// S9. What is faster than people is taken for a loop: the key stops, others go on, a person is told.
TEST_F(AnswersTest, MoreThanFiveMessagesOfOneReferralWithinAMinuteStopItsKey) {
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    return wire.send(ScriptedReceiver::ack(arrival.text, "AA"));
  });
  open({{.name = "clinic", .port = clinic.port()}});
  std::string const referral = refer(create_patient("Mason"), "N-1", "clinic");
  ASSERT_TRUE(wait_until_delivered("clinic", 1));
  auto const current = client().get(referral);
  for (int change = 1; change <= 6; ++change) {
    rapidjson::Document changed;
    changed.CopyFrom(current.body, changed.GetAllocator());
    changed.RemoveMember("meta");
    std::string const day = "2026-12-0" + std::to_string(change);
    changed.AddMember("occurrenceDateTime", rapidjson::Value(day.c_str(), changed.GetAllocator()),
                      changed.GetAllocator());
    ASSERT_EQ(client().put(referral, partners::to_text(changed)).status, 200) << change;
  }
  ASSERT_TRUE(wait_for_state("clinic", 5, kStopped));
  EXPECT_EQ(outbox("clinic")[5].outcome, "loop");
  EXPECT_EQ(outbox("clinic")[5].attempts, 0);
  refer(create_patient("Nolan"), "N-2", "clinic");
  ASSERT_TRUE(clinic.wait_for(
      [](auto const& arrivals) { return std::ranges::count(arrivals, "N-2", number_of) == 1; }));
  EXPECT_EQ(clinic.arrivals().size(), 6U) << "five of the loop, and the other patient's";
  // Two rows: the sixth message, and the seventh that came while the minute had not passed.
  ASSERT_TRUE(eventually([&] { return metric("handoff_delivery_loops_total") == "2"; }));
  EXPECT_EQ(metric("handoff_worklist_open{kind=\"loop\"}"), "1");
}

constexpr char kToken[] = "token-of-the-practice";

/// Two gateways, each the other's clinic: what one sends the other receives, through a wire that listens in.
class FacingGateways : public ::testing::Test {
 protected:
  /// A gateway on its own folder and ports, facing `port`.
  static std::string configuration(std::string const& store, std::string const& me, std::string const& peer,
                                   std::uint16_t port) {
    return "store:\n  path: \"" + store +
           "\"\nhttp:\n  listen: \"127.0.0.1:0\"\nclients:\n  - name: riverside\n    organization: "
           "Organization/riverside\n" +
           "    own_authorities: [\"urn:oid:1.3.6.1.4.1.32473.10\"]\n    bearer_sha256: \"" +
           support::sha256_hex(kToken) + "\"\nmllp:\n  - name: peer\n" +
           "    listen: \"127.0.0.1:0\"\npartners:\n  - name: " + peer +
           "\n    application: GATE\n    facility: " + peer +
           "\n    our_application: GATE\n    our_facility: " + me + R"(
    authorities:
      RIVERSIDE: "urn:oid:1.3.6.1.4.1.32473.10"
      RIVERSIDE-ORDERS: "urn:oid:1.3.6.1.4.1.32473.11"
    trusted_ids: ["urn:oid:1.3.6.1.4.1.32473.10"]
    organization: Organization/clinic
    serves: ["Organization/clinic", "http://hl7.org/fhir/sid/us-npi|1955555555", "http://hl7.org/fhir/sid/us-npi|1933333333"]
    delivery:
      mllp: "127.0.0.1:)" +
           std::to_string(port) + "\"\n      retry_delay_ms_min: 10\n      retry_delay_ms_max: 50\n";
  }
};

TEST_F(FacingGateways, FallSilentAfterOneTurn) {
  support::TempFolder folder;
  std::uint16_t to_a = 0;
  std::uint16_t to_b = 0;
  auto const forward = [](std::uint16_t const& port) {
    return [&port](MllpWire& wire, Arrival const& arrival) {
      auto onward = MllpWire::connect(port);
      std::string answer;
      if (!onward.send(arrival.text) || onward.receive(answer, support::kPatience) != Heard::frame)
        return false;
      return wire.send(answer);
    };
  };
  ScriptedReceiver from_a(forward(to_b));
  ScriptedReceiver from_b(forward(to_a));
  std::ofstream(folder.file("a.yaml")) << configuration(folder.file("a.db"), "A", "B", from_a.port());
  std::ofstream(folder.file("b.yaml")) << configuration(folder.file("b.db"), "B", "A", from_b.port());
  support::GatewayProcess a(folder.file("a.yaml"), folder.file("a.log"));
  support::GatewayProcess b(folder.file("b.yaml"), folder.file("b.log"));
  a.start();
  b.start();
  to_a = a.mllp_port("peer");
  to_b = b.mllp_port("peer");

  partners::Transcript transcript(folder.file("client.txt"));
  partners::FhirClient ehr(a.base_url(), kToken, transcript);
  ASSERT_EQ(ehr.put("Organization/clinic",
                    R"({"resourceType":"Organization","id":"clinic","name":"clinic",
                        "identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1955555555"}]})")
                    .status /
                100,
            2);
  ASSERT_EQ(ehr.put("Patient/p", R"({"resourceType":"Patient","id":"p","identifier":[
      {"system":"urn:oid:1.3.6.1.4.1.32473.10","value":"R-1"}],"name":[{"family":"Mason","given":["Sample"]}],
      "gender":"female","birthDate":"1960-01-01"})")
                .status,
            201);
  ASSERT_EQ(ehr.put("Practitioner/dr", R"({"resourceType":"Practitioner","id":"dr",
      "identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1933333333"}],"name":[{"family":"Okafor"}]})")
                .status,
            201);
  ASSERT_EQ(ehr.put("ServiceRequest/sr", R"({"resourceType":"ServiceRequest","id":"sr","status":"active",
      "intent":"order","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203",
      "code":"PLAC"}]},"system":"urn:oid:1.3.6.1.4.1.32473.11","value":"N-1"}],
      "category":[{"coding":[{"system":"http://snomed.info/sct","code":"3457005"}]}],
      "code":{"coding":[{"system":"http://snomed.info/sct","code":"183519002"}]},
      "subject":{"reference":"Patient/p"},"authoredOn":"2026-11-20T10:00:00Z",
      "requester":{"reference":"Practitioner/dr"},"performer":[{"reference":"Organization/clinic"}]})")
                .status,
            201);
  ASSERT_TRUE(from_a.wait_for([](auto const& arrivals) { return !arrivals.empty(); }));
  EXPECT_EQ(partners::event_of(from_a.arrivals()[0].text), "REF^I12");
  support::Database store_a(folder.file("a.db"));
  support::Database store_b(folder.file("b.db"));
  constexpr char kUnsettled[] = "SELECT count(*) FROM outbox WHERE state IN (0, 1)";
  constexpr char kEvents[] = "SELECT count(*) FROM record_event";
  // Silence: a probe message that has gone both ways behind whatever was still to be said.
  for (int probe = 0; probe < 3; ++probe) {
    auto const events = [&] { return store_a.number(kEvents) + store_b.number(kEvents); };
    std::int64_t before = 0;
    ASSERT_TRUE(eventually([&] {
      before = events();
      return store_a.number(kUnsettled) + store_b.number(kUnsettled) == 0 && events() == before;
    }));
  }
  EXPECT_EQ(from_a.arrivals().size(), 1U) << "A says it once";
  EXPECT_LE(from_b.arrivals().size(), 1U) << "B at most answers once, and A does not answer that";
  EXPECT_EQ(store_a.number("SELECT count(*) FROM outbox WHERE last_outcome = 'loop'"), 0)
      << "origin and peer state keep it silent, not the backstop";
}

}  // namespace
}  // namespace faults
