/// A TCP connection, plain or TLS, whose reads and writes end in time. Internal to net/.
///
/// One read and one write at a time, all from the connection's own thread. A timeout aborts the pending
/// operation and leaves the connection usable, which Beast's stream does not: MLLP needs it (a frame that
/// ends in silence).
#pragma once

#include "gateway/net/asio.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/tls.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <span>
#include <string>

namespace gateway::net {

struct IoResult {
  boost::system::error_code error;  ///< asio::error::timed_out for our own timeout.
  std::size_t bytes = 0;
};

class Stream {
 public:
  /// `tls` decides, also which side of the handshake this is; nullptr: plain.
  Stream(asio::ip::tcp::socket socket, std::shared_ptr<TlsContext> tls, TcpLimits const& limits);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  /// TLS only; a plain stream succeeds at once. A client passes the name that the certificate must carry.
  asio::awaitable<boost::system::error_code> handshake(std::string host, Duration timeout);

  asio::awaitable<IoResult> read_some(asio::mutable_buffer buffer, Duration timeout);
  /// All of `buffers`, in one gathered write where the socket takes it.
  asio::awaitable<IoResult> write(std::span<asio::const_buffer const> buffers, Duration timeout);

  /// Says goodbye (TLS close_notify, FIN), reads what the peer still sends so that it is not answered with a
  /// reset that would destroy our last bytes on their way, and closes.
  asio::awaitable<void> linger_and_close(Duration timeout);

  void cancel();  ///< The pending operation ends with operation_aborted.
  void close();   ///< At once.
  bool is_open() const;
  /// Bytes wait to be read, or the peer has closed.
  bool has_input() const;

  bool is_tls() const;
  PeerCertificate peer_certificate() const;
  std::string peer_address() const;
  asio::any_io_executor executor() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace gateway::net
