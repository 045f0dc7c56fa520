#include "gateway/net/stream.hpp"

#include "gateway/net/tls_peer.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>

namespace gateway::net {
namespace {

using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

template <int kLevel, int kName>
using IntegerOption = asio::detail::socket_option::integer<kLevel, kName>;

int to_seconds(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

// None of these can fail on a connected socket in a way that should end it.
void apply(tcp::socket& socket, TcpLimits const& limits) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_KEEPIDLE>(to_seconds(limits.keepalive_idle)), ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_KEEPINTVL>(to_seconds(limits.keepalive_interval)),
                    ignored);
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_KEEPCNT>(limits.keepalive_probes), ignored);
  auto const user_timeout_ms = static_cast<int>(limits.user_timeout.count());
  socket.set_option(IntegerOption<IPPROTO_TCP, TCP_USER_TIMEOUT>(user_timeout_ms), ignored);
}

}  // namespace

struct Stream::Impl : std::enable_shared_from_this<Stream::Impl> {
  Impl(tcp::socket connected, std::shared_ptr<TlsContext> context)
      : tls(std::move(context)), socket(std::move(connected)), timer(socket.get_executor()) {
    if (tls != nullptr) {
      ssl_context = tls->current();
      ssl.emplace(socket, *ssl_context);
    }
  }

  /// The next operation may take this long. Arming costs a clock reading: the timer runs on and looks again.
  void arm(Duration timeout) {
    fired = false;
    deadline = timeout == kNever ? Clock::time_point::max() : Clock::now() + timeout;
    if (deadline < wakes_at) wait_until(deadline);
  }

  void disarm() { deadline = Clock::time_point::max(); }

  void wait_until(Clock::time_point when) {
    wakes_at = when;
    timer.expires_at(when);
    timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
      auto const self = weak.lock();
      if (error || self == nullptr) return;
      self->wake();
    });
  }

  void wake() {
    wakes_at = Clock::time_point::max();
    if (deadline == Clock::time_point::max()) return;
    if (Clock::now() < deadline) return wait_until(deadline);
    deadline = Clock::time_point::max();
    fired = true;
    boost::system::error_code ignored;
    socket.cancel(ignored);
  }

  IoResult finish(boost::system::error_code error, std::size_t bytes) {
    disarm();
    if (error == asio::error::operation_aborted && fired) error = asio::error::timed_out;
    return {error, bytes};
  }

  void close() {
    disarm();
    timer.cancel();
    boost::system::error_code ignored;
    socket.close(ignored);
  }

  std::shared_ptr<TlsContext> tls;
  std::shared_ptr<asio::ssl::context>
      ssl_context;  // the one this connection began with, whatever reload() does
  tcp::socket socket;
  std::optional<asio::ssl::stream<tcp::socket&>> ssl;
  asio::steady_timer timer;
  Clock::time_point deadline = Clock::time_point::max();
  Clock::time_point wakes_at = Clock::time_point::max();
  bool fired = false;
};

Stream::Stream(tcp::socket socket, std::shared_ptr<TlsContext> tls, TcpLimits const& limits) {
  apply(socket, limits);
  impl_ = std::make_shared<Impl>(std::move(socket), std::move(tls));
}

Stream::~Stream() {
  if (impl_ != nullptr) impl_->close();
}

Stream::Stream(Stream&&) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
  if (impl_ != nullptr && impl_ != other.impl_) impl_->close();
  impl_ = std::move(other.impl_);
  return *this;
}

asio::awaitable<boost::system::error_code> Stream::handshake(std::string host, Duration timeout) {
  auto const impl = impl_;
  if (!impl->ssl) co_return boost::system::error_code{};
  auto const side = impl->tls->is_server() ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
  if (!impl->tls->is_server()) {
    auto const& expected = impl->tls->expected_name().empty() ? host : impl->tls->expected_name();
    boost::system::error_code ignored;
    asio::ip::make_address(host, ignored);
    if (ignored) SSL_set_tlsext_host_name(impl->ssl->native_handle(), host.c_str());  // SNI takes names only
    impl->ssl->set_verify_callback(asio::ssl::host_name_verification(expected));
  }
  impl->arm(timeout);
  auto [error] = co_await impl->ssl->async_handshake(side, tuple);
  co_return impl->finish(error, 0).error;
}

asio::awaitable<IoResult> Stream::read_some(asio::mutable_buffer buffer, Duration timeout) {
  auto const impl = impl_;
  impl->arm(timeout);
  if (impl->ssl) {
    auto [error, bytes] = co_await impl->ssl->async_read_some(buffer, tuple);
    co_return impl->finish(error, bytes);
  }
  auto [error, bytes] = co_await impl->socket.async_read_some(buffer, tuple);
  co_return impl->finish(error, bytes);
}

asio::awaitable<IoResult> Stream::write(std::span<asio::const_buffer const> buffers, Duration timeout) {
  auto const impl = impl_;
  impl->arm(timeout);
  if (impl->ssl) {
    auto [error, bytes] = co_await asio::async_write(*impl->ssl, buffers, tuple);
    co_return impl->finish(error, bytes);
  }
  auto [error, bytes] = co_await asio::async_write(impl->socket, buffers, tuple);
  co_return impl->finish(error, bytes);
}

asio::awaitable<void> Stream::linger_and_close(Duration timeout) {
  constexpr std::size_t kDrainBytesMax = 256 * 1024;  // then the peer is not going to stop
  auto const impl = impl_;
  auto const until = Clock::now() + timeout;
  boost::system::error_code ignored;
  if (impl->ssl) {
    impl->arm(timeout);
    auto [error] = co_await impl->ssl->async_shutdown(tuple);
    (void)impl->finish(error, 0);
  }
  impl->socket.shutdown(tcp::socket::shutdown_send, ignored);
  std::array<char, 4096> rest;
  for (std::size_t drained = 0; drained < kDrainBytesMax;) {
    auto const left = std::chrono::duration_cast<Duration>(until - Clock::now());
    if (left <= Duration::zero() || !impl->socket.is_open()) break;
    impl->arm(left);
    auto [error, bytes] = co_await impl->socket.async_read_some(asio::buffer(rest), tuple);
    if (impl->finish(error, bytes).error) break;
    drained += bytes;
  }
  impl->close();
}

void Stream::cancel() {
  boost::system::error_code ignored;
  impl_->socket.cancel(ignored);
}

void Stream::close() { impl_->close(); }

bool Stream::is_open() const { return impl_->socket.is_open(); }

bool Stream::has_input() const {
  if (!impl_->socket.is_open()) return false;
  char byte;
  auto const got = ::recv(impl_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

bool Stream::is_tls() const { return impl_->ssl.has_value(); }

PeerCertificate Stream::peer_certificate() const {
  return impl_->ssl ? read_peer_certificate(impl_->ssl->native_handle()) : PeerCertificate{};
}

std::string Stream::peer_address() const {
  boost::system::error_code error;
  auto const endpoint = impl_->socket.remote_endpoint(error);
  if (error) return {};
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address.to_string();
}

asio::any_io_executor Stream::executor() const { return impl_->socket.get_executor(); }

}  // namespace gateway::net
