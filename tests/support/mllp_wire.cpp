#include "tests/support/mllp_wire.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace support {

namespace {

using Clock = std::chrono::steady_clock;

constexpr char kStart = '\x0b';
constexpr std::string_view kEnd = "\x1c\r";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// True when one of `events` came in time.
bool wait_until(int descriptor, short events, Clock::time_point until) {
  for (;;) {
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd watched{descriptor, events, 0};
    int const ready = poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

void Socket::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

MllpWire MllpWire::connect(std::uint16_t port) {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto const address = loopback(port);
  if (::connect(socket.descriptor(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0)
    return {};
  return MllpWire(std::move(socket));
}

void MllpWire::close() {
  socket_.close();
  buffer_.clear();
}

bool MllpWire::send(std::string const& message) { return send_raw(kStart + message + std::string(kEnd)); }

bool MllpWire::send_raw(std::string const& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    auto const count = ::send(socket_.descriptor(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

Heard MllpWire::receive(std::string& message, std::chrono::milliseconds patience) {
  auto const until = Clock::now() + patience;
  for (;;) {
    auto const end = buffer_.find(kEnd);
    if (end != std::string::npos) {
      auto const start = buffer_.find(kStart);
      bool const is_framed = start < end;
      message = is_framed ? buffer_.substr(start + 1, end - start - 1) : std::string{};
      buffer_.erase(0, end + kEnd.size());
      if (is_framed) return Heard::frame;
      continue;
    }
    if (!wait_until(socket_.descriptor(), POLLIN, until)) return Heard::silence;
    char chunk[4096];
    auto const count = recv(socket_.descriptor(), chunk, sizeof chunk, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Heard::closed;
    buffer_.append(chunk, static_cast<std::size_t>(count));
  }
}

bool MllpWire::is_closed_by_peer(std::chrono::milliseconds patience) const {
  auto const until = Clock::now() + patience;
  // POLLHUP and POLLERR are always watched; POLLRDHUP is the peer's FIN, also behind bytes that nobody reads.
  return wait_until(socket_.descriptor(), POLLRDHUP, until);
}

MllpPort::MllpPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket_.descriptor(), plain, size) != 0 || listen(socket_.descriptor(), 16) != 0 ||
      getsockname(socket_.descriptor(), plain, &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port_ = ntohs(address.sin_port);
}

Socket MllpPort::accept(std::chrono::milliseconds patience) {
  if (!wait_until(socket_.descriptor(), POLLIN, Clock::now() + patience)) return {};
  return Socket(accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
}

}  // namespace support
