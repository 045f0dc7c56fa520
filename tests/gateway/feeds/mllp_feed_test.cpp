#include "gateway/feeds/mllp_feed.hpp"

#include "tests/gateway/net/loopback.hpp"
#include "tests/support/broken_store.hpp"

#include <atomic>
#include <stdexcept>

namespace gateway::feeds {
namespace {

constexpr std::int64_t kNoon = 1'740'830'400'000;  // 2025-03-01T12:00:00Z

/// A port with the whole way behind it: real socket, real store; a clock and a store that break on demand.
class MllpFeedTest : public net::Loopback {
 protected:
  MllpFeedTest() {
    folder_ = testing::TempDir() + "feed-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = store::open_sqlite({.path = folder_ + "/handoff.db"}, [] { return kNoon; }).value();
    broken_ = std::make_unique<support::BrokenStore>(*store_);
    open({});
  }
  /// Behind a new Intake for these partners; none: anybody may send.
  void open(std::vector<config::Partner> partners) {
    if (feed_) wait(feed_->stop(std::chrono::seconds(5)));
    feed_.reset();
    config::Settings settings;
    settings.partners = std::move(partners);
    intake_ = std::make_unique<intake::Intake>(intake::IntakeOptions{
        .store = *broken_,
        .tables = std::make_shared<intake::LiveTables>(intake::make_tables(settings, {}, {}).value()),
        .clock = [this] { return clock(); },
        .subscriptions = subscriptions_,
        .log = [this](fhir::Issue const& issue) { keep(issue); }});
    feed_ = MllpFeed::open(runtime_, {.name = "test", .listen = {"127.0.0.1", 0}}, *intake_).value();
  }
  ~MllpFeedTest() override {
    wait(feed_->stop(std::chrono::seconds(5)));
    runtime_.stop();
    runtime_.join();
    feed_.reset();
    intake_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void keep(fhir::Issue const& issue) {
    std::lock_guard const lock(log_mutex_);
    intake_log_.push_back(fhir::to_line(issue));
  }
  std::vector<std::string> intake_log() {
    std::lock_guard const lock(log_mutex_);
    return intake_log_;
  }

  std::int64_t clock() {
    int const calls = calls_until_the_clock_breaks_.load();
    if (calls > 0 && calls_until_the_clock_breaks_.fetch_sub(1) == 1)
      throw std::runtime_error("a patient called Mason broke the clock");
    return kNoon;
  }

  static std::string admission(std::string const& control_id, std::string const& mrn = "4711") {
    return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||ADT^A01|" + control_id +
           "|P|2.5.1\rEVN|A01|20250301110000+0000\rPID|1||" + mrn +
           "^^^HOSP^MR||Mason^Walter||19570312|M\r"
           "PV1|1|I|4W^401^1|E||||||||||||||||V1\r";
  }
  static void send(net::RawClient& client, std::string const& message) {
    client.send("\x0b" + message + "\x1c\r");
  }
  static std::string code(std::string const& answer) {
    auto const at = answer.find("\rMSA|");
    return at == std::string::npos ? "no MSA" : answer.substr(at + 5, answer.find('\r', at + 1) - at - 5);
  }
  std::vector<store::JournalRow> journal() { return (*store_->snapshot())->list_journal(0, 100, "").value(); }

  std::string folder_;
  std::atomic<int> calls_until_the_clock_breaks_{0};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<support::BrokenStore> broken_;
  delivery::Subscriptions subscriptions_;
  std::mutex log_mutex_;
  std::vector<std::string> intake_log_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<MllpFeed> feed_;
};

TEST_F(MllpFeedTest, ABrokenInvariantIsAnsweredAeKeptCountedAndTheConnectionLivesOn) {
  net::RawClient client(feed_->port());
  broken_->broken = true;
  send(client, admission("M1"));
  std::string const answer = client.read_frame();
  EXPECT_EQ(code(answer), "AE|M1");
  EXPECT_EQ(answer.find("Mason"), std::string::npos);
  ASSERT_EQ(journal().size(), 1U);
  EXPECT_EQ(journal()[0].outcome, "error");
  EXPECT_EQ(journal()[0].raw, admission("M1"));
  EXPECT_EQ(intake_->counters().faults, 1U);
  EXPECT_EQ(intake_->counters().errors, 1U);
  ASSERT_EQ(intake_log().size(), 1U);
  EXPECT_NE(intake_log()[0].find("std::logic_error"), std::string::npos);
  EXPECT_EQ(intake_log()[0].find("Mason"), std::string::npos) << "a log holds no payload";

  broken_->broken = false;
  send(client, admission("M2"));
  EXPECT_EQ(code(client.read_frame()), "AA|M2") << "the same connection serves the next message";
  send(client, admission("M1"));
  EXPECT_EQ(code(client.read_frame()), "AA|M1") << "what was an error is taken in when it comes again (R5)";
  EXPECT_EQ(journal().size(), 2U);
}

// The NAK itself broke once: an answer must come whatever breaks, at every place where something can.
TEST_F(MllpFeedTest, WhereverTheWayBreaksThereIsAnAnswerAndNeverAnAa) {
  net::RawClient client(feed_->port());
  int broken = 0;
  for (int call = 1; call <= 12; ++call) {
    calls_until_the_clock_breaks_ = call;
    std::string const id = "M" + std::to_string(call);
    send(client, admission(id));
    std::string const told = code(client.read_frame());
    bool const did_break = calls_until_the_clock_breaks_.exchange(0) == 0;
    if (did_break) ++broken;
    EXPECT_EQ(told, (did_break ? "AE|" : "AA|") + id) << "call " << call;
  }
  EXPECT_GE(broken, 2) << "at the start of the way, and while the answer is made";
  EXPECT_EQ(intake_->counters().faults, static_cast<std::uint64_t>(broken));
  EXPECT_EQ(intake_log().size(), static_cast<std::size_t>(broken));
}

config::Partner hospital() {
  config::Partner partner;
  partner.name = "hospital";
  partner.application = "ADT";
  partner.facility = "HOSP";
  return partner;
}

std::string numbered(std::string message, std::string const& number, std::string const& more = "") {
  auto const at = message.find("|P|2.5.1");
  return message.insert(at + 8, "|" + number + more);
}

// R7: to an inbound REF of a partner that wants it so, an RRI with RF1-1 P at once.
TEST_F(MllpFeedTest, AReferralIsAnsweredByAnRriWhereThePartnerWantsIt) {
  auto partner = hospital();
  partner.ref_reply = "rri";
  open({partner});
  net::RawClient client(feed_->port());
  std::string const referral =
      "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||REF^I12^REF_I12|R1|P|2.5.1\r"
      "RF1|P|R|Med|RP|O|N-1^HOSP|20250301\rPRD|RP|Hart^Lena|||||1944444444^NPI\r"
      "PRD|RT||||||1911111111^NPI\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\r";
  send(client, referral);
  std::string const answer = client.read_frame();
  EXPECT_NE(answer.find("|RRI^I12^RRI_I12|"), std::string::npos) << answer;
  EXPECT_EQ(code(answer), "AA|R1");
  EXPECT_NE(answer.find("\rRF1|P|R|Med|RP|O|N-1^HOSP|"), std::string::npos);
  send(client, referral);
  EXPECT_EQ(client.read_frame(), answer) << "a resend hears the same";
  // In the enhanced mode it is the application's answer, behind the commit's.
  std::string enhanced = referral;
  enhanced.replace(enhanced.find("|R1|P|2.5.1"), 11, "|R2|P|2.5.1|||AL|AL");
  send(client, enhanced);
  EXPECT_EQ(code(client.read_frame()), "CA|R2");
  EXPECT_NE(client.read_frame().find("|RRI^I12^RRI_I12|"), std::string::npos);
  // What is not taken in is no receipt.
  send(client, "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||REF^Z99^REF_Z99|R3|P|2.5.1\rZZZ|1\r");
  std::string const refusal = client.read_frame();
  EXPECT_EQ(code(refusal), "AE|R3");
  EXPECT_NE(refusal.find("|ACK^"), std::string::npos);
}

TEST_F(MllpFeedTest, NumberedMessagesAreTakenInInOrderAndAGapIsHeld) {
  auto partner = hospital();
  partner.sequence_protocol = true;
  open({partner});
  net::RawClient client(feed_->port());
  auto const ask = [&](std::string const& id, std::string const& number) {
    send(client, numbered(admission(id), number));
    return code(client.read_frame());
  };
  EXPECT_EQ(ask("M0", "0"), "AA|M0||-1") << "any number will do";
  EXPECT_EQ(ask("M1", "7"), "AA|M1||7");
  EXPECT_EQ(ask("M3", "9"), "AE|M3||8") << "M2 is missing";
  EXPECT_EQ(ask("M2", "8"), "AA|M2||8");
  EXPECT_EQ(ask("M3", "9"), "AA|M3||9") << "what was held is taken in when it comes again";
  EXPECT_EQ(ask("M3", "10"), "AA|M3||9") << "a resend is a resend, whatever its number";
  EXPECT_EQ(ask("M4", "9"), "AE|M4||10");
  EXPECT_EQ(ask("M5", ""), "AE|M5||10");
  EXPECT_EQ(ask("M3", "0"), "AA|M3||10") << "where the link goes on, also under a known control id";
  EXPECT_EQ(ask("M6", "500"), "AA|M6||500");
  EXPECT_EQ(intake_->counters().sequence_gaps, 1U);
  EXPECT_EQ(ask("M7", "-1"), "AA|M7||-1");
  EXPECT_EQ(ask("M8", "1"), "AA|M8||1");
  // The number is stored with its message: another Intake over the same store goes on where this one ended.
  open({partner});
  net::RawClient again(feed_->port());
  send(again, numbered(admission("M9"), "0"));
  EXPECT_EQ(code(again.read_frame()), "AA|M9||2");
  // What asks for the number has not brought its content.
  std::size_t accepted = 0;
  for (auto const& row : journal()) accepted += row.outcome == "accepted" ? 1 : 0;
  EXPECT_EQ(accepted, 5U) << "M1 M2 M3 M6 M8";
}

TEST_F(MllpFeedTest, WhatIsNotStoredTakesNoNumber) {
  auto partner = hospital();
  partner.sequence_protocol = true;
  open({partner});
  net::RawClient client(feed_->port());
  send(client, numbered(admission("M1"), "1"));
  EXPECT_EQ(code(client.read_frame()), "AA|M1||1");
  broken_->broken = true;
  send(client, numbered(admission("M2", "4712"), "2"));
  EXPECT_EQ(code(client.read_frame()), "AE|M2||2");
  broken_->broken = false;
  send(client, numbered(admission("M2", "4712"), "2"));
  EXPECT_EQ(code(client.read_frame()), "AA|M2||2");
}

TEST_F(MllpFeedTest, ABreakInABatchIsThatMessagesAlone) {
  net::RawClient client(feed_->port());
  calls_until_the_clock_breaks_ = 3;  // the first message asks twice
  send(client, "BHS|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301||||B1\r" + admission("M1") + admission("M2") +
                   admission("M3") + "BTS|3\r");
  std::string const answer = client.read_frame();
  EXPECT_NE(answer.find("MSA|AA|M1"), std::string::npos);
  EXPECT_NE(answer.find("MSA|AE|M2"), std::string::npos);
  EXPECT_NE(answer.find("MSA|AA|M3"), std::string::npos);
}

}  // namespace
}  // namespace gateway::feeds
