// A sender that did not hear its answer sends again (reliability.md R5, F12, F13). The gateway is the real
// process.
#include "examples/partners/v2.hpp"
#include "tests/faults/ledger.hpp"
#include "tests/faults/ward.hpp"
#include "tests/support/gateway_process.hpp"
#include "tests/support/scripted_receiver.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace faults {
namespace {

using namespace std::chrono_literals;
using partners::field;
using support::eventually;
using support::MllpWire;

class ResendTest : public ::testing::Test {
 protected:
  ResendTest() {
    std::ofstream(folder_.file("handoff.yaml")) << ward_configuration(folder_.file("handoff.db"));
    gateway_.start();
  }

  MllpWire connect() {
    auto wire = MllpWire::connect(gateway_.mllp_port("ward"));
    EXPECT_TRUE(wire.is_open());
    return wire;
  }

  std::string answer_to(std::string const& message) {
    auto wire = connect();
    std::string answer;
    EXPECT_TRUE(wire.send(message));
    EXPECT_EQ(wire.receive(answer, support::kPatience), support::Heard::frame);
    return answer;
  }

  std::int64_t count(std::string const& table, std::string const& where) {
    return support::Database(folder_.file("handoff.db"))
        .number("SELECT count(*) FROM " + table + " WHERE " + where);
  }

  support::TempFolder folder_;
  support::GatewayProcess gateway_{folder_.file("handoff.yaml"), folder_.file("gateway.log")};
  Door door_;
  Sender ward_{0, "20261120", door_};  // as a source of messages only
};

TEST_F(ResendTest, AnAnswerThatWasNotHeardIsGivenAgainWordForWordAlsoAfterAKill) {
  std::string const message = ward_.message(0);
  {
    auto wire = connect();
    ASSERT_TRUE(wire.send(message));
    ASSERT_TRUE(eventually([&] { return count("journal", "1") == 1; }));
  }  // hangs up without having read
  std::string const stored = support::Database(folder_.file("handoff.db")).text("SELECT answer FROM journal");
  gateway_.kill();
  gateway_.start();

  std::string const answer = answer_to(message);
  EXPECT_EQ(field(answer, "MSA", 1), "AA");
  EXPECT_EQ(answer, stored.substr(0, answer.size()));
  EXPECT_EQ(answer_to(message), answer);
  EXPECT_EQ(count("journal", "1"), 1);
  EXPECT_EQ(count("resource_version", "type = 'Encounter'"), 1);
}

TEST_F(ResendTest, OnlyTheTimeOfSendingMayDifferInAResend) {
  std::string const message = ward_.message(0);
  std::string const answer = answer_to(message);
  std::string later = message;
  later.replace(later.find(field(message, "MSH", 7)), field(message, "MSH", 7).size(), "20261120235959+0000");
  EXPECT_EQ(answer_to(later), answer);
  EXPECT_EQ(count("journal", "1"), 1);

  std::string other = message;
  other.replace(other.find("Sample"), 6, "Simple");
  std::string const refusal = answer_to(other);
  EXPECT_EQ(field(refusal, "MSA", 1), "AR");
  EXPECT_EQ(field(refusal, "MSA", 2), field(message, "MSH", 10));
  EXPECT_EQ(count("journal", "outcome = 'conflict'"), 1);
  EXPECT_EQ(count("resource_version", "type = 'Patient' AND content LIKE '%Simple%'"), 0);
  EXPECT_EQ(answer_to(message), answer) << "the first message keeps the key";
}

TEST_F(ResendTest, AFrameThatIsCutAnywhereLeavesNothingBehind) {
  std::string const message = ward_.message(0);
  std::string const frame = "\x0b" + message + "\x1c\r";
  // Without the last CR the frame may count as whole (MLLP vectors 01 ff.), so the cuts end before FS.
  for (std::size_t cut = 1; cut + 2 < frame.size(); ++cut) {
    auto wire = connect();
    ASSERT_TRUE(wire.send_raw(frame.substr(0, cut)));
  }
  std::string const answer = answer_to(message);
  EXPECT_EQ(field(answer, "MSA", 1), "AA");
  EXPECT_EQ(count("journal", "outcome = 'accepted'"), 1);
  EXPECT_EQ(count("resource", "type = 'Encounter'"), 1);
  EXPECT_EQ(count("resource_version", "type = 'Encounter'"), 1);
  EXPECT_EQ(gateway_.stop(10s), 0);
}

}  // namespace
}  // namespace faults
