// What goes out, against receivers that behave badly (reliability.md S1-S7; F2, F13-F18). The gateway is the
// real process.
#include "examples/partners/v2.hpp"
#include "tests/faults/outbound.hpp"
#include "tests/support/scripted_hook.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <random>
#include <set>

namespace faults {
namespace {

using namespace std::chrono_literals;
using support::Arrival;
using support::MllpWire;
using support::ScriptedReceiver;

constexpr int kShortTimeoutMs = 300;

using DeliveryTest = Outbound;

bool accept(MllpWire& wire, Arrival const& arrival) {
  return wire.send(ScriptedReceiver::ack(arrival.text, "AA"));
}

std::string with_other_msa_2(std::string answer) {
  auto const at = answer.find("\rMSA|") + std::string_view("\rMSA|AA|").size();
  return answer.replace(at, answer.find('\r', at) - at, "NEVER-SENT");
}

/// Everything that does not settle a message, one thing per attempt; then AA.
bool behave_badly_then_accept(MllpWire& wire, Arrival const& arrival) {
  std::string const positive = ScriptedReceiver::ack(arrival.text, "AA");
  std::string const header = positive.substr(0, positive.find('\r') + 1);
  switch (arrival.attempt) {
    case 0:  // no answer
      return true;
    case 1:  // closes before it answers
      return false;
    case 2:  // AA, but to something else (S3)
      return wire.send(with_other_msa_2(positive));
    case 3:  // not framed at all
      wire.send_raw("HTTP/1.1 400 Bad Request\r\n\r\n");
      return true;
    case 4:  // a message without MSA
      return wire.send(header);
    case 5:  // a code outside table 0008
      return wire.send(ScriptedReceiver::ack(arrival.text, "OK"));
    case 6:  // half an answer
      wire.send_raw("\x0b" + positive.substr(0, positive.size() / 2));
      return false;
    case 7:  // reads no more; a connection that is given up is closed from the other side (S4)
      EXPECT_TRUE(wire.is_closed_by_peer(support::kPatience));
      return false;
    case 8:
      return wire.send(ScriptedReceiver::ack(arrival.text, "AE"));
    case 9:
      return wire.send(ScriptedReceiver::ack(arrival.text, "CE"));
    default:
      return wire.send(positive);
  }
}

TEST_F(DeliveryTest, WhateverIsNoAnswerIsSentAgainWithTheSameBytesUntilItIsOne) {
  ScriptedReceiver clinic(behave_badly_then_accept);
  open({{.name = "clinic", .port = clinic.port(), .ack_timeout_ms = kShortTimeoutMs}});
  std::string const patient = create_patient("Mason");
  refer(patient, "N-1", "clinic");
  refer(patient, "N-2", "clinic");
  ASSERT_TRUE(wait_until_delivered("clinic", 2));

  // On a busy machine an answer in time may still come too late and add an attempt, never take one away.
  std::map<std::string, std::set<std::string>> bytes;
  for (Arrival const& arrival : clinic.arrivals()) bytes[arrival.control_id].insert(arrival.text);
  EXPECT_EQ(bytes.size(), 2U);
  for (auto const& [control_id, texts] : bytes)
    EXPECT_EQ(texts.size(), 1U) << control_id << " was sent with other bytes";

  auto const arrivals = clinic.arrivals();
  EXPECT_EQ(numbers_of(arrivals), (std::vector<std::string>{"N-1", "N-2"}));
  auto const second = std::ranges::find(arrivals, "N-2", number_of);
  EXPECT_GE(second - arrivals.begin(), 11) << "N-2 overtook N-1 of the same patient";
  EXPECT_TRUE(
      std::all_of(second, arrivals.end(), [](Arrival const& one) { return number_of(one) == "N-2"; }));

  auto const rows = outbox("clinic");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].order_key, rows[1].order_key);
  EXPECT_EQ(rows[0].outcome, "AA");
  EXPECT_GE(rows[0].attempts, 11);
  EXPECT_EQ(support::sha256_hex(rows[0].bytes), support::sha256_hex(arrivals.front().text));
}

TEST_F(DeliveryTest, ARefusalStopsThePatientsMessagesAndNobodyElses) {
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    return wire.send(ScriptedReceiver::ack(arrival.text, number_of(arrival) == "N-1" ? "AR" : "AA"));
  });
  open({{.name = "clinic", .port = clinic.port()}});
  std::string const mason = create_patient("Mason");
  std::string const nolan = create_patient("Nolan");
  refer(mason, "N-1", "clinic");
  refer(mason, "N-2", "clinic");
  refer(nolan, "N-3", "clinic");
  ASSERT_TRUE(wait_until_delivered("clinic", 1));
  restart();  // a stopped key stays stopped
  refer(nolan, "N-4", "clinic");
  ASSERT_TRUE(wait_until_delivered("clinic", 2));

  EXPECT_EQ(numbers_of(clinic.arrivals()), (std::vector<std::string>{"N-1", "N-3", "N-4"}));
  auto const rows = outbox("clinic");
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].state, kStopped);
  EXPECT_EQ(rows[0].outcome, "AR");
  EXPECT_EQ(rows[0].attempts, 1);
  EXPECT_EQ(rows[1].state, kWaiting);
  EXPECT_EQ(rows[1].attempts, 0);
}

TEST_F(DeliveryTest, AnErrorIsRetriedAsOftenAsConfiguredThenThePatientsMessagesStop) {
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    return wire.send(ScriptedReceiver::ack(arrival.text, number_of(arrival) == "N-1" ? "AE" : "AA"));
  });
  open({{.name = "clinic", .port = clinic.port(), .error_retries = 3}});
  refer(create_patient("Mason"), "N-1", "clinic");
  refer(create_patient("Nolan"), "N-2", "clinic");
  ASSERT_TRUE(wait_until_delivered("clinic", 1));
  ASSERT_TRUE(support::eventually([&] { return outbox("clinic").front().state == kStopped; }));
  EXPECT_EQ(outbox("clinic").front().attempts, 4);
  auto const arrivals = clinic.arrivals();
  EXPECT_EQ(std::ranges::count(arrivals, "N-1", number_of), 4);
}

// More than one look at the outbox takes, so that a stopped key cannot hide the others by its sheer length.
TEST_F(DeliveryTest, AStoppedPatientHoldsUpNobodyHoweverManyMessagesWaitBehind) {
  constexpr int kWaitingBehind = 70;
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    return wire.send(ScriptedReceiver::ack(arrival.text, number_of(arrival) == "N-0" ? "AR" : "AA"));
  });
  open({{.name = "clinic", .port = clinic.port()}});
  std::string const mason = create_patient("Mason");
  for (int i = 0; i <= kWaitingBehind; ++i) refer(mason, "N-" + std::to_string(i), "clinic");
  refer(create_patient("Nolan"), "M-1", "clinic");
  EXPECT_TRUE(wait_until_delivered("clinic", 1));
  EXPECT_EQ(numbers_of(clinic.arrivals()), (std::vector<std::string>{"N-0", "M-1"}));
}

// A receiver that was away for long and then says AE while it wakes up: the attempts it was away for are not
// errors (S5).
TEST_F(DeliveryTest, AttemptsWithoutAnAnswerDoNotCountAsErrors) {
  ScriptedReceiver clinic([](MllpWire& wire, Arrival const& arrival) {
    if (arrival.attempt < 5) return false;
    return wire.send(ScriptedReceiver::ack(arrival.text, arrival.attempt < 7 ? "AE" : "AA"));
  });
  open({{.name = "clinic", .port = clinic.port(), .error_retries = 2}});
  refer(create_patient("Mason"), "N-1", "clinic");
  EXPECT_TRUE(wait_until_delivered("clinic", 1));
}

// Mirth issue 1441: an ACK after the timeout must not mark the message that is in flight by then (S3, S4).
TEST_F(DeliveryTest, ALateAnswerSettlesNothingElse) {
  std::string first;
  ScriptedReceiver clinic([&first](MllpWire& wire, Arrival const& arrival) {
    if (first.empty()) first = arrival.text;
    bool const is_first = arrival.text == first;
    if (is_first && arrival.attempt == 0) return true;  // answered too late, see below
    if (!is_first && arrival.attempt == 0) {
      wire.send(ScriptedReceiver::ack(first, "AA"));
      return wire.send(ScriptedReceiver::ack(arrival.text, "AE"));
    }
    if (is_first && arrival.attempt == 1) return wire.send(ScriptedReceiver::ack(arrival.text, "AE"));
    return wire.send(ScriptedReceiver::ack(arrival.text, "AA"));
  });
  open({{.name = "clinic", .port = clinic.port(), .ack_timeout_ms = kShortTimeoutMs, .error_retries = 1000}});
  refer(create_patient("Mason"), "N-1", "clinic");
  refer(create_patient("Nolan"), "N-2", "clinic");
  ASSERT_TRUE(wait_until_delivered("clinic", 2));

  std::map<std::string, int> times;
  std::map<std::string, std::set<int>> connections;
  for (Arrival const& arrival : clinic.arrivals()) {
    ++times[number_of(arrival)];
    connections[number_of(arrival)].insert(arrival.connection);
  }
  EXPECT_GE(times["N-1"], 3) << "the late AA settled the message that had timed out before";
  EXPECT_GE(times["N-2"], 2) << "the AA to N-1 settled N-2";
  EXPECT_GE(connections["N-1"].size(), 2U) << "the connection of the unanswered message was used again";
}

TEST_F(DeliveryTest, WhatWasInFlightWhenItDiedIsSentAgainAsTheSameMessage) {
  std::atomic<bool> answers{false};
  ScriptedReceiver clinic(
      [&](MllpWire& wire, Arrival const& arrival) { return !answers || accept(wire, arrival); });
  open({{.name = "clinic", .port = clinic.port()}});
  std::string const patient = create_patient("Mason");
  refer(patient, "N-1", "clinic");
  refer(patient, "N-2", "clinic");
  ASSERT_TRUE(clinic.wait_for([](auto const& arrivals) { return arrivals.size() == 1; }));
  restart();
  ASSERT_TRUE(clinic.wait_for([](auto const& arrivals) { return arrivals.size() == 2; }));
  // An orderly stop does not wait for a receiver that never answers.
  EXPECT_EQ(gateway().stop(10s), 0);
  EXPECT_EQ(outbox("clinic").front().state, kInFlight);
  answers = true;
  start();
  ASSERT_TRUE(wait_until_delivered("clinic", 2));

  auto const arrivals = clinic.arrivals();
  ASSERT_EQ(arrivals.size(), 4U);
  EXPECT_EQ(arrivals[0].text, arrivals[1].text);
  EXPECT_EQ(arrivals[0].text, arrivals[2].text);
  EXPECT_EQ(arrivals[2].attempt, 2);
  EXPECT_EQ(numbers_of(arrivals), (std::vector<std::string>{"N-1", "N-2"}));
  // S7: that it was sent again without knowing is to be seen.
  auto const rows = outbox("clinic");
  EXPECT_EQ(rows[0].resent, 2);
  EXPECT_EQ(rows[1].resent, 0);
  EXPECT_EQ(metric("handoff_delivery_resent_total"), "1") << "of this start";
}

// F2: eight destinations, killed at random moments while messages go out. On the wire a message may come
// twice only where a kill cut it off; per patient the order is that of the referrals; in the end everything
// has arrived.
TEST_F(DeliveryTest, KillsWhileEightDestinationsAreSentToLoseNothingAndKeepTheOrder) {
  constexpr int kClinics = 8;
  constexpr int kReferrals = 6;
  constexpr int kKills = 6;
  std::vector<std::unique_ptr<ScriptedReceiver>> receivers;
  std::vector<Clinic> clinics;
  for (int i = 0; i < kClinics; ++i) {
    // Slow enough that some kills fall between a message and its answer.
    receivers.push_back(std::make_unique<ScriptedReceiver>([](MllpWire& wire, Arrival const& arrival) {
      std::this_thread::sleep_for(20ms);
      accept(wire, arrival);
      return true;  // a sender that is gone is noticed by the next read
    }));
    clinics.push_back({.name = "clinic" + std::to_string(i), .port = receivers.back()->port()});
  }
  open(clinics);
  std::vector<std::string> patients{create_patient("Mason"), create_patient("Nolan")};
  char const* const given = std::getenv("KILL_SEED");
  auto const seed = given == nullptr ? std::random_device{}() : static_cast<unsigned>(std::atoll(given));
  std::cout << "KILL_SEED=" << seed << std::endl;
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> after(0, kReferrals * kClinics - 1);
  std::set<int> kills;
  while (kills.size() < kKills) kills.insert(after(random));
  std::uniform_int_distribution<int> wait_ms(0, 60);
  int done = 0;
  for (int number = 0; number < kReferrals; ++number) {
    for (Clinic const& clinic : clinics) {
      refer(patients[static_cast<std::size_t>(number) % patients.size()],
            clinic.name + "-" + std::to_string(number), clinic.name);
      if (!kills.contains(done++)) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms(random)));
      restart();
    }
  }
  std::size_t all_repeats = 0;
  for (int i = 0; i < kClinics; ++i) {
    ASSERT_TRUE(wait_until_delivered(clinics[static_cast<std::size_t>(i)].name, kReferrals)) << "clinic" << i;
    auto const arrivals = receivers[static_cast<std::size_t>(i)]->arrivals();
    std::map<std::string, std::string> last_of_patient;
    std::size_t repeats = 0;
    for (Arrival const& arrival : arrivals) {
      std::string const patient = partners::field(arrival.text, "PID", 5);
      if (arrival.attempt > 0) ++repeats;
      EXPECT_GE(number_of(arrival), last_of_patient[patient])
          << "clinic" << i << " got an older message again";
      last_of_patient[patient] = number_of(arrival);
    }
    EXPECT_EQ(numbers_of(arrivals).size(), static_cast<std::size_t>(kReferrals)) << "clinic" << i;
    EXPECT_LE(repeats, static_cast<std::size_t>(kKills)) << "clinic" << i;
    all_repeats += repeats;
  }
  std::cout << all_repeats << " messages sent again" << std::endl;
}

TEST_F(DeliveryTest, AnEndpointThatFailsThreeTimesGetsItsNotificationOnceItAccepts) {
  ScriptedReceiver clinic(accept);
  support::ScriptedHook hook({503, 0, 500});
  open({{.name = "clinic", .port = clinic.port()}});
  auto const subscription =
      client().post("Subscription", R"({"resourceType":"Subscription","status":"requested",
      "reason":"test","criteria":"Task?owner=Organization/clinic","channel":{"type":"rest-hook",
      "payload":"application/fhir+json","header":["X-Sample: 7"],"endpoint":"http://127.0.0.1:)" +
                                        std::to_string(hook.port()) + R"(/hook"}})");
  ASSERT_EQ(subscription.status, 201);
  refer(create_patient("Mason"), "N-1", "clinic");

  auto const requests = hook.wait_for(4);
  ASSERT_GE(requests.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    // The resource as it stands at each attempt, under the same address.
    EXPECT_EQ(requests[i].head.substr(0, requests[i].head.find('\r')),
              requests[0].head.substr(0, requests[0].head.find('\r')));
    EXPECT_TRUE(requests[i].head.starts_with("PUT /hook/Task/")) << requests[i].head;
    EXPECT_NE(requests[i].head.find("X-Sample: 7"), std::string::npos);
  }
  EXPECT_EQ(requests[3].status, 204);
  EXPECT_NE(requests[3].body.find("\"resourceType\":\"Task\""), std::string::npos);
  std::string const destination = "rest-hook:" + partners::text_at(subscription.body, {"id"});
  ASSERT_TRUE(wait_until_delivered(destination, 1));
  EXPECT_EQ(outbox(destination).front().attempts, 4);
}

}  // namespace
}  // namespace faults
