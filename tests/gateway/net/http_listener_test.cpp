#include "gateway/net/http_listener.hpp"

#include "tests/gateway/net/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

namespace gateway::net {
namespace {

using namespace std::string_literals;

/// Answers with method, target and body; keeps what it was given.
class HttpListenerTest : public Loopback {
 protected:
  HttpHandler echo() {
    return [this](HttpRequest request) -> asio::awaitable<HttpResponse> {
      HttpResponse response;
      response.headers.add("X-Seen", request.method);
      response.body = request.method + " " + request.target + " [" + request.body + "]";
      keep(std::move(request));
      co_return response;
    };
  }

  void keep(HttpRequest request) {
    std::lock_guard const lock(mutex_);
    requests_.push_back(std::move(request));
  }

  std::size_t executed() {
    std::lock_guard const lock(mutex_);
    return requests_.size();
  }

  static HttpListenerOptions quick() {
    HttpListenerOptions options;
    options.limits.head = 150ms;
    options.limits.body = 150ms;
    options.limits.accept.close_linger = 50ms;
    return options;
  }

  /// Head and body of one response; `bodiless` for the answer to HEAD.
  static std::string read_response(RawClient& client, bool bodiless = false) {
    auto response = client.read_through("\r\n\r\n");
    auto const at = response.find("Content-Length: ");
    if (bodiless || at == std::string::npos) return response;
    auto const length = std::stoul(response.substr(at + 16));
    std::string body;
    while (body.size() < length) {
      auto const more = client.read_exactly(length - body.size());
      if (more.empty()) break;
      body += more;
    }
    return response + body;
  }

  std::mutex mutex_;
  std::vector<HttpRequest> requests_;
};

std::string get(std::string const& target, std::string const& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

TEST_F(HttpListenerTest, AnswersPipelinedRequestsInOrderOnOneConnection) {
  HttpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += get("/" + std::to_string(i));
  client.send(bytes);
  for (int i = 0; i < 100; ++i) {
    auto const response = read_response(client);
    EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
    EXPECT_TRUE(response.ends_with("GET /" + std::to_string(i) + " []")) << response;
  }
  EXPECT_EQ(listener.counters().accepted, 1U);
}

TEST_F(HttpListenerTest, HandsOverTheRequestAsItWasSent) {
  HttpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  client.send(
      "POST http://X/fhir?a=%20b HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\nX-Request-Id: mine-1\r\n"
      "Content-Length: 5\r\n\r\nhello");
  auto const response = read_response(client);
  EXPECT_NE(response.find("\r\nX-Request-Id: mine-1\r\n"), std::string::npos);
  EXPECT_NE(response.find("\r\nDate: "), std::string::npos);
  ASSERT_EQ(executed(), 1U);
  auto const& request = requests_.front();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/fhir?a=%20b");
  EXPECT_EQ(request.query(), "a=%20b");
  EXPECT_EQ(request.body, "hello");
  EXPECT_EQ(request.headers.size(), 5U);
  EXPECT_EQ(request.headers.get("X-TWO"), "1");
  EXPECT_EQ(request.peer_address, "127.0.0.1");
  EXPECT_EQ(request.request_id, "mine-1");
  EXPECT_FALSE(request.tls);
}

TEST_F(HttpListenerTest, MakesARequestIdWhereTheClientsIsUnfit) {
  HttpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  client.send(get("/", "X-Request-Id: <script>\r\n"));
  EXPECT_NE(read_response(client).find("\r\nX-Request-Id: r-1\r\n"), std::string::npos);
}

TEST_F(HttpListenerTest, TakesAChunkedBodyCutAnywhereAndDropsItsTrailers) {
  HttpListener listener(runtime_, {}, echo());
  auto const bytes =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n2;ext=1\r\nde\r\n"
      "0\r\nX-Trailer: t\r\n\r\n"s;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    RawClient client(listener.port());
    client.send(bytes.substr(0, cut));
    client.send(bytes.substr(cut));
    EXPECT_TRUE(read_response(client).ends_with("POST / [abcde]")) << cut;
  }
  for (auto const& request : requests_) EXPECT_FALSE(request.headers.contains("X-Trailer"));
}

TEST_F(HttpListenerTest, HeadGetsTheLengthAndNoBody) {
  HttpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + get("/b"));
  auto const head = read_response(client, true);
  EXPECT_NE(head.find("Content-Length: 10\r\n"), std::string::npos) << head;
  EXPECT_TRUE(read_response(client).ends_with("GET /b []")) << "the next response follows at once";
}

TEST_F(HttpListenerTest, InvitesABodyThatWaitsForContinue) {
  HttpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_through("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_TRUE(read_response(client).ends_with("PUT / [ok]"));
}

TEST_F(HttpListenerTest, Http10ClosesUnlessItAsksToStay) {
  HttpListener listener(runtime_, quick(), echo());
  RawClient client(listener.port());
  client.send("GET /1 HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(read_response(client).find("Connection: keep-alive"), std::string::npos);
  client.send("GET /2 HTTP/1.0\r\nHost: x\r\n\r\n" + get("/3"));
  EXPECT_TRUE(client.read_to_end().ends_with("GET /2 []"));
}

// security.md section 2 in raw bytes. Behind each stands a request that must never be executed.
TEST_F(HttpListenerTest, SmugglingShapesGet400AndTheConnectionClosesWithNothingExecuted) {
  HttpListener listener(runtime_, quick(), echo());
  auto const smuggled = get("/smuggled");
  std::vector<std::string> const shapes{
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
      "identity\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\nHost: x\n\n",
      "GET / HTTP/1.1\r\nHost: x\r\nX: a\nY: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n"s,
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
      "GET http://other/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET nonsense HTTP/1.1\r\nHost: x\r\n\r\n",
      "CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / HTTP/1.2\r\nHost: x\r\n\r\n",
      // Bodies: the head is right, the chunking is not.
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;\nxx\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: "
      "chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: y\r\n\r\n"};
  for (auto const& shape : shapes) {
    RawClient client(listener.port());
    client.send(shape + smuggled);
    auto const response = client.read_to_end();
    EXPECT_TRUE(response.starts_with("HTTP/1.1 400 Bad Request\r\n")) << shape << "\n->\n" << response;
    EXPECT_NE(response.find("\r\nConnection: close\r\n"), std::string::npos) << shape;
    EXPECT_NE(response.find(R"({"resourceType":"OperationOutcome")"), std::string::npos) << shape;
    EXPECT_EQ(response.find("HTTP/1.1 ", 8), std::string::npos) << "a second answer: " << shape;
  }
  EXPECT_EQ(executed(), 0U);
}

TEST_F(HttpListenerTest, ChunkSizesOf17DigitsAreRefused) {
  HttpListener listener(runtime_, quick(), echo());
  RawClient client(listener.port());
  client.send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 4"));
  EXPECT_EQ(executed(), 0U);
}

TEST_F(HttpListenerTest, HeadsAndBodiesOverTheLimitsAreRefusedAndClosed) {
  auto options = quick();
  options.limits.head_bytes = 512;
  options.limits.header_fields = 4;
  options.limits.body_bytes = 1000;
  HttpListener listener(runtime_, options, echo());
  auto const status = [&](std::string const& bytes) {
    RawClient client(listener.port());
    client.send(bytes);
    return client.read_to_end().substr(9, 3);
  };
  EXPECT_EQ(status(get("/" + std::string(600, 'a'))), "431");
  EXPECT_EQ(status("GET /" + std::string(600, 'a')), "431") << "also before it ends";
  EXPECT_EQ(status(get("/", "A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n")), "431");
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n"), "413")
      << "without waiting for it";
  EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999999999\r\n\r\n"), "413");
  std::string const chunk = "1f4\r\n" + std::string(500, 'b') + "\r\n";
  std::string const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status(chunked + chunk + chunk + "1\r\nc\r\n0\r\n\r\n"), "413");
  EXPECT_EQ(status(chunked + "1;" + std::string(2000, 'e')), "413") << "an endless chunk extension";
  std::string tiny = chunked;
  for (int i = 0; i < 900; ++i) tiny += "1\r\nx\r\n";
  EXPECT_EQ(status(tiny), "413") << "more chunking than content";
  EXPECT_EQ(executed(), 0U);
  RawClient exact(listener.port());
  exact.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'b'));
  EXPECT_TRUE(read_response(exact).starts_with("HTTP/1.1 200"));
}

TEST_F(HttpListenerTest, SlowHeadsAndBodiesAreAnsweredWith408AndClosed) {
  HttpListener listener(runtime_, quick(), echo());
  RawClient head(listener.port());
  RawClient body(listener.port());
  head.send("GET / HTTP/1.1\r\nHos");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
  EXPECT_TRUE(head.read_to_end().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(body.read_to_end().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(listener.counters().timed_out, 2U);
  EXPECT_EQ(executed(), 0U);
}

// Each byte comes well within any per-read timeout; the limit is on the whole head.
TEST_F(HttpListenerTest, AByteNowAndThenDoesNotStretchTheLimit) {
  auto options = quick();
  options.limits.head = 100ms;
  HttpListener listener(runtime_, options, echo());
  RawClient slow(listener.port());
  slow.send("GET / HTTP/1.1\r\nHost: x\r\n");
  auto const began = std::chrono::steady_clock::now();
  std::string answer;
  while (answer.empty() && std::chrono::steady_clock::now() - began < 5s) {
    slow.send("X");
    answer = slow.read_for(10ms);
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

TEST_F(HttpListenerTest, AnIdleConnectionIsClosedSilently) {
  auto options = quick();
  options.limits.idle = 50ms;
  HttpListener listener(runtime_, options, echo());
  RawClient client(listener.port());
  client.send(get("/"));
  EXPECT_TRUE(client.read_to_end().ends_with("GET / []"));
}

TEST_F(HttpListenerTest, OtherExpectationsGet417) {
  HttpListener listener(runtime_, quick(), echo());
  RawClient client(listener.port());
  client.send(get("/", "Expect: miracles\r\n"));
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 417 "));
}

TEST_F(HttpListenerTest, RefusalsAreMadeByTheOwnersMaker) {
  auto options = quick();
  options.refusal = [](int status, fhir::Issue const& issue) {
    HttpResponse response;
    response.status = status;
    response.body = "own: " + issue.diagnostics;
    return response;
  };
  HttpListener listener(runtime_, options, echo());
  RawClient client(listener.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  auto const answer = client.read_to_end();
  EXPECT_TRUE(answer.ends_with("own: HTTP head: no Host")) << answer;
}

TEST_F(HttpListenerTest, AHandlerThatThrowsAnswers500WithoutItsWordsAndTheConnectionLives) {
  auto const handler = [](HttpRequest request) -> asio::awaitable<HttpResponse> {
    if (request.target == "/throw") throw std::runtime_error("secret words");
    HttpResponse response;
    if (request.target == "/split") response.headers.add("Location", "/a\r\nSet-Cookie: b");
    co_return response;
  };
  HttpListener listener(runtime_, {}, handler);
  RawClient client(listener.port());
  client.send(get("/throw") + get("/split") + get("/fine"));
  auto const first = read_response(client);
  EXPECT_TRUE(first.starts_with("HTTP/1.1 500 ")) << first;
  EXPECT_EQ(first.find("secret"), std::string::npos);
  auto const second = read_response(client);
  EXPECT_TRUE(second.starts_with("HTTP/1.1 500 ")) << second;
  EXPECT_EQ(second.find("Set-Cookie"), std::string::npos)
      << "a header that would split the response is not written";
  EXPECT_TRUE(read_response(client).starts_with("HTTP/1.1 200 "));
  auto const lines = logged(2);
  ASSERT_EQ(lines.size(), 2U);
}

TEST_F(HttpListenerTest, StopLetsTheRequestInHandEndAndClosesIdleConnections) {
  std::promise<void> arrived;
  std::promise<void> release;
  auto const released = release.get_future().share();
  auto const handler = [&, released](HttpRequest request) -> asio::awaitable<HttpResponse> {
    if (request.target != "/slow") co_return HttpResponse{};
    arrived.set_value();
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (released.wait_for(0ms) != std::future_status::ready) {
      timer.expires_after(1ms);
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    HttpResponse response;
    response.body = "done";
    co_return response;
  };
  HttpListener listener(runtime_, quick(), handler);
  RawClient idle(listener.port());
  idle.send(get("/"));
  EXPECT_TRUE(read_response(idle).starts_with("HTTP/1.1 200"));
  RawClient busy(listener.port());
  busy.send(get("/slow"));
  arrived.get_future().wait();
  auto stopped = asio::co_spawn(runtime_.executor(0), listener.stop(10s), asio::use_future);
  EXPECT_EQ(idle.read_to_end(), "");
  release.set_value();
  auto const last = busy.read_to_end();
  EXPECT_TRUE(last.ends_with("done"));
  EXPECT_NE(last.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(stopped.get());
}

TEST_F(HttpListenerTest, ALargeBodyGoesBothWays) {
  HttpListener listener(runtime_, {}, echo());
  RawClient client(listener.port());
  std::string const body(5'000'000, 'z');
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  auto const response = read_response(client);
  EXPECT_TRUE(response.ends_with("POST / [" + body + "]"));
}

}  // namespace
}  // namespace gateway::net
