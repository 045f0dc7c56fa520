#include "gateway/net/server.hpp"

#include "gateway/net/runtime.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace gateway::net {
namespace {

using tcp = asio::ip::tcp;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

tcp::acceptor listen_on(asio::any_io_executor executor, ServerOptions const& options) {
  tcp::endpoint const endpoint(asio::ip::make_address(options.address), options.port);
  return tcp::acceptor(executor, endpoint, /*reuse_addr=*/true);
}

asio::awaitable<void> pause(Duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(tuple);
}

}  // namespace

void Connection::request_stop() {
  stopping_ = true;
  if (!busy_) stream_.cancel();
}

Server::Server(Runtime& runtime, ServerOptions options, ServerCounters counters)
    : runtime_(runtime),
      options_(std::move(options)),
      counters_(counters),
      acceptor_(listen_on(runtime.next_executor(), options_)),
      port_(acceptor_.local_endpoint().port()) {}

void Server::start(Session session) {
  session_ = std::move(session);
  runtime_.spawn(acceptor_.get_executor(), accept_loop(shared_from_this()));
}

asio::awaitable<void> Server::accept_loop(std::shared_ptr<Server> self) {
  while (acceptor_.is_open()) {
    auto& context = runtime_.next_context();
    auto [error, socket] = co_await acceptor_.async_accept(context, tuple);
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    if (error) {  // out of descriptors, or the peer was gone before we took it
      ++counters_.accept_failed;
      co_await pause(options_.accept.accept_pause);
      continue;
    }
    admit_connection(std::move(socket));
  }
}

// The connection is counted here, on the accepting thread, so that a burst cannot pass the limits.
void Server::admit_connection(tcp::socket socket) {
  auto const executor = socket.get_executor();
  Stream stream(std::move(socket), options_.tls, options_.tcp);
  auto peer_address = stream.peer_address();
  if (!admit(peer_address)) {
    ++counters_.refused;
    return;  // R9: closed without an answer
  }
  ++counters_.accepted;
  ++counters_.open;
  auto connection = std::make_shared<Connection>(std::move(stream), std::move(peer_address));
  {
    std::lock_guard const lock(mutex_);
    connections_.insert(connection);
  }
  runtime_.spawn(executor, run(shared_from_this(), std::move(connection)));
}

bool Server::admit(std::string const& peer_address) {
  std::lock_guard const lock(mutex_);
  if (stopping_ || connections_.size() >= options_.accept.connections_max) return false;
  auto& from_peer = per_peer_[peer_address];
  if (from_peer >= options_.accept.connections_per_peer_max) return false;
  ++from_peer;
  return true;
}

asio::awaitable<void> Server::run(std::shared_ptr<Server> self, std::shared_ptr<Connection> connection) {
  // Leaves also when a session throws, or when the runtime ends under a suspended one.
  struct Leaver {
    Server& server;
    std::shared_ptr<Connection> connection;
    ~Leaver() { server.leave(connection); }
  } const leaver{*this, connection};

  auto const error = co_await connection->stream().handshake({}, options_.accept.tls_handshake);
  if (error) {
    ++counters_.tls_failed;
    co_return;
  }
  connection->set_busy(false);
  co_await session_(connection);
}

void Server::leave(std::shared_ptr<Connection> const& connection) {
  connection->stream().close();
  --counters_.open;
  std::lock_guard const lock(mutex_);
  connections_.erase(connection);
  auto const from_peer = per_peer_.find(connection->peer_address());
  if (from_peer != per_peer_.end() && --from_peer->second == 0) per_peer_.erase(from_peer);
}

std::size_t Server::open_connections() {
  std::lock_guard const lock(mutex_);
  return connections_.size();
}

void Server::tell_all(void (*what)(Connection&)) {
  std::lock_guard const lock(mutex_);
  for (auto const& connection : connections_) {
    asio::post(connection->stream().executor(), [connection, what] { what(*connection); });
  }
}

void Server::close() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  asio::post(acceptor_.get_executor(), [self = shared_from_this()] {
    boost::system::error_code ignored;
    self->acceptor_.close(ignored);
  });
}

asio::awaitable<bool> Server::stop(Duration deadline) {
  constexpr Duration kLook = 10ms;  // only while stopping; a latch across threads would save nothing
  auto const self = shared_from_this();
  close();
  tell_all([](Connection& connection) { connection.request_stop(); });
  auto const until = std::chrono::steady_clock::now() + deadline;
  while (open_connections() > 0 && std::chrono::steady_clock::now() < until) co_await pause(kLook);
  if (open_connections() == 0) co_return true;
  tell_all([](Connection& connection) { connection.stream().close(); });
  co_return false;
}

}  // namespace gateway::net
