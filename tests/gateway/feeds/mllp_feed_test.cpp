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
    config::Settings const anyone;
    intake_ = std::make_unique<intake::Intake>(
        intake::IntakeOptions{.store = *broken_,
                              .partners = std::make_shared<intake::Partners const>(anyone),
                              .maps = mappings::language::builtin(),
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

  static std::string admission(std::string const& control_id) {
    return "MSH|^~\\&|ADT|HOSP|HANDOFF|HUB|20250301110000+0000||ADT^A01|" + control_id +
           "|P|2.5.1\rEVN|A01|20250301110000+0000\rPID|1||4711^^^HOSP^MR||Mason^Walter||19570312|M\r"
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
