#include "gateway/terminology/remote.hpp"

#include "gateway/net/http_listener.hpp"
#include "tests/gateway/net/loopback.hpp"

#include <atomic>

namespace gateway::terminology {
namespace {

class Remote : public net::Loopback {
 protected:
  /// A server that answers every question so.
  std::shared_ptr<RemoteServer> serve(int status, std::string body) {
    auto handler = [this, status, body](net::HttpRequest request) -> net::asio::awaitable<net::HttpResponse> {
      ++asked_;
      last_ = request.method + ' ' + request.target + ' ' + request.body;
      net::HttpResponse response;
      response.status = status;
      response.body = body;
      co_return response;
    };
    listener_ = std::make_unique<net::HttpListener>(runtime_, net::HttpListenerOptions{}, std::move(handler));
    RemoteOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(listener_->port()) + "/tx/";
    return RemoteServer::make(options).value();
  }

  std::unique_ptr<net::HttpListener> listener_;
  std::atomic<int> asked_{0};
  std::string last_;
};

TEST_F(Remote, IsAskedOnceForWhatItKnows) {
  auto const server = serve(200, R"({"resourceType":"Parameters"})");
  EXPECT_EQ(server->ask("ValueSet/$expand", "{}", 1000).value(), R"({"resourceType":"Parameters"})");
  EXPECT_EQ(last_, "POST /tx/ValueSet/$expand {}");
  EXPECT_TRUE(server->ask("ValueSet/$expand", "{}", 2000).has_value());
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(server->ask("CodeSystem/$lookup", "{}", 2000).has_value());
  EXPECT_TRUE(server->ask("ValueSet/$expand", "{}", 2000 + 3'600'000).has_value()) << "too old to be kept";
  EXPECT_EQ(asked_, 3);
}

TEST_F(Remote, MayNotKnowEither) {
  auto const server = serve(404, R"({"resourceType":"OperationOutcome"})");
  auto const answer = server->ask("ValueSet/$expand", "{}", 1000);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, fhir::IssueType::not_found);
  EXPECT_EQ(serve(200, "<html/>")->ask("ValueSet/$expand", "{}", 1000).error().code,
            fhir::IssueType::not_found);
}

TEST_F(Remote, ThatFailsIsLeftAloneForAWhile) {
  auto const server = serve(503, "");
  EXPECT_EQ(server->ask("ValueSet/$expand", "{}", 1000).error().code, fhir::IssueType::transient);
  EXPECT_EQ(server->ask("ValueSet/$expand", "{}", 2000).error().code, fhir::IssueType::transient);
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(server->ask("ValueSet/$expand", "{}", 31'001).error().code, fhir::IssueType::transient);
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(RemoteServer::make({.base_url = "ftp://x"}).error().code, fhir::IssueType::value);
  EXPECT_EQ(RemoteServer::make({.base_url = "http://tx.example.org"}).error().code,
            fhir::IssueType::security);
}

}  // namespace
}  // namespace gateway::terminology
