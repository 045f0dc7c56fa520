/// MLLP over plain blocking sockets, as an independent witness of what the gateway's own code does.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace support {

/// A descriptor that is closed with its owner.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  void close();

 private:
  int descriptor_ = -1;
};

enum class Heard : unsigned char {
  frame,   ///< one whole message
  closed,  ///< the peer is gone
  silence  ///< nothing whole within the patience
};

/// One end of an MLLP connection.
class MllpWire {
 public:
  MllpWire() = default;
  explicit MllpWire(Socket socket) : socket_(std::move(socket)) {}
  /// A connection to loopback; one that is not open when nobody listens there.
  static MllpWire connect(std::uint16_t port);

  bool is_open() const { return socket_.is_open(); }
  void close();
  /// False when the peer is gone.
  bool send(std::string const& message);
  bool send_raw(std::string const& bytes);
  Heard receive(std::string& message, std::chrono::milliseconds patience);
  /// True once the peer has closed; what it sends meanwhile is not read.
  bool is_closed_by_peer(std::chrono::milliseconds patience) const;

 private:
  Socket socket_;
  std::string buffer_;
};

/// A listening socket on loopback.
class MllpPort {
 public:
  MllpPort();
  std::uint16_t port() const { return port_; }
  /// The next connection; one that is not open when none came within the patience.
  Socket accept(std::chrono::milliseconds patience);

 private:
  Socket socket_;
  std::uint16_t port_ = 0;
};

}  // namespace support
