#include "gateway/net/connect.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <vector>

namespace gateway::net {
namespace {

using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using fhir::IssueType;
using fhir::Result;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

Duration left_until(Clock::time_point until) {
  return std::max(Duration(1), std::chrono::duration_cast<Duration>(until - Clock::now()));
}

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(asio::any_io_executor executor, std::string host,
                                                            std::uint16_t port) {
  std::vector<tcp::endpoint> endpoints;
  boost::system::error_code not_literal;
  auto const address = asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    endpoints.emplace_back(address, port);
    co_return endpoints;
  }
  tcp::resolver resolver(executor);
  auto const service = std::to_string(port);
  auto [error, found] = co_await resolver.async_resolve(host, service, tcp::resolver::numeric_service, tuple);
  if (error) co_return fhir::error(IssueType::transient, "cannot look up the host: " + error.message());
  for (auto const& entry : found) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

asio::awaitable<boost::system::error_code> connect_socket(tcp::socket& socket, tcp::endpoint endpoint,
                                                          Clock::time_point until) {
  using namespace asio::experimental::awaitable_operators;
  asio::steady_timer timer(socket.get_executor(), until);
  auto done = co_await (socket.async_connect(endpoint, tuple) || timer.async_wait(tuple));
  if (done.index() == 1) co_return asio::error::timed_out;
  co_return std::get<0>(std::get<0>(done));
}

fhir::Issue connect_failure(boost::system::error_code error) {
  auto const code = error == asio::error::timed_out ? IssueType::timeout : IssueType::transient;
  return fhir::error(code, "cannot connect: " + error.message());
}

/// A peer that vanishes in the handshake may be back soon; one that fails to prove itself will not.
fhir::Issue handshake_failure(boost::system::error_code error) {
  if (error == asio::error::timed_out)
    return fhir::error(IssueType::timeout, "TLS handshake: no answer in time");
  auto const tls = error.category() == asio::error::get_ssl_category();
  return fhir::error(tls ? IssueType::security : IssueType::transient, "TLS handshake: " + error.message());
}

}  // namespace

asio::awaitable<Result<Stream>> connect(asio::any_io_executor executor, ConnectOptions options,
                                        Duration timeout) {
  auto const until = Clock::now() + timeout;
  auto endpoints = co_await resolve(executor, options.host, options.port);
  if (!endpoints) co_return endpoints.error();
  if (options.allow_address) {
    std::erase_if(*endpoints, [&](tcp::endpoint const& endpoint) {
      return !options.allow_address(endpoint.address().to_string());
    });
    if (endpoints->empty())
      co_return fhir::error(IssueType::security, "no address of the host may be connected to");
  }
  auto failure = fhir::error(IssueType::transient, "the host has no address");
  for (auto const& endpoint : *endpoints) {
    tcp::socket socket(executor);
    auto const error = co_await connect_socket(socket, endpoint, until);
    if (error) {
      failure = connect_failure(error);
      continue;
    }
    Stream stream(std::move(socket), options.tls, options.tcp);
    auto const tls_error = co_await stream.handshake(options.host, left_until(until));
    if (tls_error) co_return handshake_failure(tls_error);
    co_return std::move(stream);
  }
  co_return failure;
}

}  // namespace gateway::net
