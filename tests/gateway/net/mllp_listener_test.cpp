#include "gateway/net/mllp_listener.hpp"

#include "tests/gateway/net/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <iterator>

namespace gateway::net {
namespace {

/// Answers "ACK " and the payload, and keeps what it was given.
class MllpListenerTest : public Loopback {
 protected:
  MllpHandler echo() {
    return [this](MllpPeer peer, MllpFrame frame) -> asio::awaitable<MllpReply> {
      MllpReply reply;
      reply.frames.push_back((frame.damaged ? "NAK " : "ACK ") + frame.payload.substr(0, 20));
      keep(std::move(peer), std::move(frame));
      co_return reply;
    };
  }

  void keep(MllpPeer peer, MllpFrame frame) {
    std::lock_guard const lock(mutex_);
    peers_.push_back(std::move(peer));
    frames_.push_back(std::move(frame));
  }

  std::vector<MllpFrame> frames() {
    std::lock_guard const lock(mutex_);
    return frames_;
  }

  static MllpListenerOptions quick() {
    MllpListenerOptions options;
    options.limits.read_inside_frame = 150ms;
    options.limits.after_end_block = 50ms;
    options.limits.accept.close_linger = 50ms;
    return options;
  }

  std::mutex mutex_;
  std::vector<MllpPeer> peers_;
  std::vector<MllpFrame> frames_;
};

TEST_F(MllpListenerTest, AnswersPipelinedFramesInOrderOneByOne) {
  MllpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    bytes += to_mllp_frame("MSH|" + std::to_string(i));
    expected += to_mllp_frame("ACK MSH|" + std::to_string(i));
  }
  client.send(bytes);
  client.finish_sending();
  EXPECT_EQ(client.read_to_end(), expected);
  EXPECT_EQ(peers_.front().address, "127.0.0.1");
  EXPECT_EQ(listener.counters().frames, 200U);
  EXPECT_EQ(listener.counters().replies, 200U);
}

TEST_F(MllpListenerTest, WritesSeveralAnswersOrNoneAndClosesWhenTold) {
  auto const handler = [](MllpPeer, MllpFrame frame) -> asio::awaitable<MllpReply> {
    MllpReply reply;
    if (frame.payload == "two") reply.frames = {"CA", "AA"};
    reply.close = frame.payload == "bye";
    co_return reply;
  };
  MllpListener listener(runtime_, {}, handler);
  RawClient client(listener.port());
  client.send(to_mllp_frame("none") + to_mllp_frame("two") + to_mllp_frame("bye") + to_mllp_frame("two"));
  EXPECT_EQ(client.read_to_end(), to_mllp_frame("CA") + to_mllp_frame("AA"));
}

TEST_F(MllpListenerTest, AHandlerThatThrowsClosesWithoutAnAnswerAndIsLogged) {
  auto const handler = [](MllpPeer, MllpFrame) -> asio::awaitable<MllpReply> {
    throw std::runtime_error("broken");
    co_return MllpReply{};
  };
  MllpListener listener(runtime_, {}, handler);
  RawClient client(listener.port());
  client.send(to_mllp_frame("MSH|1"));
  EXPECT_EQ(client.read_to_end(), "");
  auto const lines = logged(1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines.front().find("broken"), std::string::npos);
}

TEST_F(MllpListenerTest, AnAnswerThatWouldBreakItsFrameIsNeverWritten) {
  auto const handler = [](MllpPeer, MllpFrame) -> asio::awaitable<MllpReply> {
    MllpReply reply;
    reply.frames.push_back("MSA|AA\x1c\r\x0bMSH|forged");
    co_return reply;
  };
  MllpListener listener(runtime_, {}, handler);
  RawClient client(listener.port());
  client.send(to_mllp_frame("MSH|1"));
  EXPECT_EQ(client.read_to_end(), "");
}

// Every vector of the corpus over a socket, half closed behind it: as many answers as the framer has frames.
TEST_F(MllpListenerTest, CorpusVectorsOverASocket) {
  auto const folder = std::filesystem::path(HANDOFF_SHARED_DIR) / "corpora" / "mllp" / "framing";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no corpora at " << folder;
  MllpListener listener(runtime_, {}, echo());
  std::size_t vectors = 0;
  for (auto const& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(file), {}};
    MllpFramer framer;
    framer.feed(bytes);
    framer.finish();
    std::string expected;
    while (auto const event = framer.next()) {
      auto const frame = event->kind == FramerEvent::Kind::frame;
      if (!frame && event->kind != FramerEvent::Kind::damaged) continue;
      expected += to_mllp_frame((frame ? "ACK " : "NAK ") + event->bytes.substr(0, 20));
    }
    RawClient client(listener.port());
    client.send(bytes);
    client.finish_sending();
    EXPECT_EQ(client.read_to_end(), expected) << entry.path().filename();
    ++vectors;
  }
  EXPECT_EQ(vectors, 50U);
}

TEST_F(MllpListenerTest, SilenceAfterTheEndBlockCompletesTheFrameAndTheConnectionGoesOn) {
  MllpListener listener(runtime_, quick(), echo());
  RawClient client(listener.port());
  client.send("\x0bMSH|1\x1c");
  EXPECT_EQ(client.read_frame(), to_mllp_frame("ACK MSH|1"));
  client.send("\x0bMSH|2\x1c\r");
  EXPECT_EQ(client.read_frame(), to_mllp_frame("ACK MSH|2"));
  EXPECT_EQ(listener.counters().warnings, 1U);
}

TEST_F(MllpListenerTest, SilenceInsideAFrameClosesWithoutAnAnswer) {
  MllpListener listener(runtime_, quick(), echo());
  RawClient client(listener.port());
  client.send("\x0bMSH|1");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(listener.counters().timed_out, 1U);
  EXPECT_TRUE(frames().empty());
}

TEST_F(MllpListenerTest, AnIdleConnectionOutlivesTheReadTimeout) {
  auto options = quick();
  options.limits.read_inside_frame = 20ms;
  MllpListener listener(runtime_, options, echo());
  RawClient idle(listener.port());
  idle.send(to_mllp_frame("MSH|1"));
  EXPECT_EQ(idle.read_frame(), to_mllp_frame("ACK MSH|1"));
  RawClient stalled(listener.port());
  stalled.send("\x0bMSH");
  EXPECT_EQ(stalled.read_to_end(), "") << "the limit has passed for the one inside a frame";
  idle.send(to_mllp_frame("MSH|2"));
  EXPECT_EQ(idle.read_frame(), to_mllp_frame("ACK MSH|2"));
}

TEST_F(MllpListenerTest, AFrameOverTheLimitIsClosedAtTheLimit) {
  auto options = quick();
  options.limits.frame_bytes = 1000;
  MllpListener listener(runtime_, options, echo());
  RawClient client(listener.port());
  client.send("\x0b" + std::string(1'000'000, 'x'));
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(listener.counters().lost, 1U);
  EXPECT_TRUE(frames().empty());
}

TEST_F(MllpListenerTest, BytesOutsideAFrameAreShownToTheOperatorAndTheConnectionCloses) {
  std::promise<std::string> shown;
  auto options = quick();
  options.on_junk = [&](MllpPeer const&, std::string const& bytes, fhir::Issue const&) {
    shown.set_value(bytes);
  };
  MllpListener listener(runtime_, options, echo());
  RawClient client(listener.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(shown.get_future().get(), "GET ");
}

TEST_F(MllpListenerTest, ConnectionsBeyondTheLimitsAreClosedUnansweredAndCounted) {
  auto options = quick();
  options.limits.accept.connections_max = 3;
  options.limits.accept.connections_per_peer_max = 2;
  MllpListener listener(runtime_, options, echo());
  auto const works = [](RawClient& client) {
    client.send(to_mllp_frame("MSH|1"));
    return client.read_frame() == to_mllp_frame("ACK MSH|1");
  };
  RawClient first(listener.port());
  RawClient second(listener.port());
  EXPECT_TRUE(works(first));
  EXPECT_TRUE(works(second));
  RawClient third(listener.port());
  EXPECT_EQ(third.read_to_end(), "") << "over the limit of its address";
  RawClient neighbour(listener.port(), "127.0.0.2");
  EXPECT_TRUE(works(neighbour)) << "another address is not";
  RawClient stranger(listener.port(), "127.0.0.3");
  EXPECT_EQ(stranger.read_to_end(), "") << "over the limit of the listener";
  EXPECT_EQ(listener.counters().refused, 2U);
  EXPECT_EQ(listener.counters().open, 3U);
  second.finish_sending();
  second.read_to_end();
  // The slot is given back a moment after its last byte was seen here.
  for (int tries = 0; tries < 10'000 && listener.counters().accepted < 4U; ++tries) {
    RawClient next(listener.port());
    works(next);
  }
  EXPECT_EQ(listener.counters().accepted, 4U) << "the slot was free again";
}

TEST_F(MllpListenerTest, StopLetsTheMessageInHandEndAndClosesIdleConnectionsAtOnce) {
  std::promise<void> arrived;
  std::promise<void> release;
  auto const released = release.get_future().share();
  auto const handler = [&, released](MllpPeer, MllpFrame frame) -> asio::awaitable<MllpReply> {
    MllpReply reply;
    reply.frames.push_back("ACK");
    if (frame.payload != "slow") co_return reply;
    arrived.set_value();
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (released.wait_for(0ms) != std::future_status::ready) {
      timer.expires_after(1ms);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    co_return reply;
  };
  MllpListener listener(runtime_, quick(), handler);
  RawClient idle(listener.port());
  idle.send(to_mllp_frame("quick"));
  EXPECT_EQ(idle.read_frame(), to_mllp_frame("ACK"));
  RawClient busy(listener.port());
  busy.send(to_mllp_frame("slow"));
  arrived.get_future().wait();

  auto stopped = asio::co_spawn(runtime_.executor(0), listener.stop(10s), asio::use_future);
  EXPECT_EQ(idle.read_to_end(), "");
  RawClient late(listener.port());
  EXPECT_EQ(late.read_to_end(), "") << "nobody is let in any more";
  release.set_value();
  EXPECT_EQ(busy.read_to_end(), to_mllp_frame("ACK"));
  EXPECT_TRUE(stopped.get());
}

TEST_F(MllpListenerTest, StopCutsOffWhatIsLeftAtTheDeadline) {
  std::promise<void> arrived;
  auto const handler = [&](MllpPeer, MllpFrame) -> asio::awaitable<MllpReply> {
    arrived.set_value();
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return MllpReply{};
  };
  MllpListener listener(runtime_, {}, handler);
  RawClient client(listener.port());
  client.send(to_mllp_frame("MSH|1"));
  arrived.get_future().wait();
  EXPECT_FALSE(wait(listener.stop(50ms)));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(MllpListenerTest, APortThatIsTakenIsAnErrorOfTheStart) {
  MllpListener listener(runtime_, {}, echo());
  MllpListenerOptions same;
  same.port = listener.port();
  EXPECT_THROW(MllpListener(runtime_, same, echo()), boost::system::system_error);
}

}  // namespace
}  // namespace gateway::net
