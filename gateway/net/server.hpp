/// What both listeners share: bind, accept, connection limits, the TLS handshake, graceful stop. Internal to
/// net/.
#pragma once

#include "gateway/net/asio.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/net/tls.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

namespace gateway::net {

class Runtime;

/// One accepted connection, owned by its session, known to the server so that it can be told to stop.
class Connection {
 public:
  Connection(Stream stream, std::string peer_address)
      : stream_(std::move(stream)), peer_address_(std::move(peer_address)) {}

  Stream& stream() { return stream_; }
  std::string const& peer_address() const { return peer_address_; }

  /// Busy: inside a message. A busy connection is not interrupted by a graceful stop, an idle one is.
  void set_busy(bool busy) { busy_ = busy; }
  bool stopping() const { return stopping_; }

  void request_stop();  ///< Only on the connection's own thread.

 private:
  Stream stream_;
  std::string peer_address_;
  bool busy_ = true;  // until the handshake is over
  bool stopping_ = false;
};

struct ServerOptions {
  std::string address;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;
  AcceptLimits accept;
  TcpLimits tcp;
};

/// Where the listener counts; the server knows only these five of its counters.
struct ServerCounters {
  std::atomic<std::uint64_t>& accepted;
  std::atomic<std::uint64_t>& open;
  std::atomic<std::uint64_t>& refused;
  std::atomic<std::uint64_t>& tls_failed;
  std::atomic<std::uint64_t>& accept_failed;
};

using Session = std::function<asio::awaitable<void>(std::shared_ptr<Connection>)>;

class Server : public std::enable_shared_from_this<Server> {
 public:
  /// Binds and listens; throws boost::system::system_error. The session given to start() keeps the counters
  /// alive.
  Server(Runtime& runtime, ServerOptions options, ServerCounters counters);

  void start(Session session);
  std::uint16_t port() const { return port_; }
  void close();  ///< Accepts no more.
  asio::awaitable<bool> stop(Duration deadline);

 private:
  asio::awaitable<void> accept_loop(std::shared_ptr<Server> self);
  asio::awaitable<void> run(std::shared_ptr<Server> self, std::shared_ptr<Connection> connection);
  bool admit(std::string const& peer_address);
  void admit_connection(asio::ip::tcp::socket socket);
  void leave(std::shared_ptr<Connection> const& connection);
  std::size_t open_connections();
  void tell_all(void (*what)(Connection&));

  Runtime& runtime_;
  ServerOptions options_;
  ServerCounters counters_;
  Session session_;
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;

  std::mutex mutex_;  // guards what follows; taken once per connection, not per message
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  std::map<std::string, std::size_t> per_peer_;
  bool stopping_ = false;
};

}  // namespace gateway::net
