/// An HTTP/1.1 port, plain or TLS. Source: RFC 9112; security.md section 2; reliability.md F10, F20, F36.
///
/// Reads one request at a time; a pipelined next one waits in a bounded buffer until the answer is written.
/// Heads are checked (http_head_check.hpp) before they are parsed. After any refusal of a head or a body the
/// connection closes. HEAD: the handler answers as to GET, the body is counted and not sent.
#pragma once

#include "gateway/net/http.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/tls.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace gateway::net {

class Runtime;

/// All only grow, but `open`.
struct HttpCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> refused{0};  ///< Closed at once: a connection limit.
  std::atomic<std::uint64_t> tls_failed{0};
  std::atomic<std::uint64_t> accept_failed{0};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> bad_heads{0};
  std::atomic<std::uint64_t> bad_bodies{0};
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> handler_failures{0};
};

struct HttpListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one, see port().
  std::shared_ptr<TlsContext> tls;
  HttpLimits limits;
  HttpRefusalMaker refusal = make_refusal;
  std::string request_id_prefix = "r";  ///< Of the ids we make: prefix, '-', a count.
};

class HttpListener {
 public:
  /// Binds and listens at once. Throws boost::system::system_error when the address cannot be bound.
  HttpListener(Runtime& runtime, HttpListenerOptions options, HttpHandler handler);
  ~HttpListener();
  HttpListener(HttpListener const&) = delete;
  HttpListener& operator=(HttpListener const&) = delete;

  std::uint16_t port() const;
  HttpCounters const& counters() const;

  /// As MllpListener::stop.
  asio::awaitable<bool> stop(Duration deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gateway::net
