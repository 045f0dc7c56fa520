#include "tests/bench/load.hpp"

#include "tests/bench/harness.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {

namespace {

constexpr int kSilenceMs = 30'000;  // no answer at all for that long: the run is broken

struct Connection {
  int descriptor = -1;
  Clock::time_point sent;
  std::string received;
};

int connect_to(std::uint16_t port) {
  int const descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (connect(descriptor, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    close(descriptor);
    throw std::runtime_error("nobody listens on port " + std::to_string(port));
  }
  int const on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

class Run {
 public:
  explicit Run(Load const& load) : load_(load), poll_(epoll_create1(EPOLL_CLOEXEC)) {
    connections_.resize(static_cast<std::size_t>(load.connections));
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].descriptor = connect_to(load.port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      epoll_ctl(poll_, EPOLL_CTL_ADD, connections_[i].descriptor, &event);
    }
    result_.latency_ms.reserve(load.requests);
  }
  ~Run() {
    for (Connection const& one : connections_) close(one.descriptor);
    close(poll_);
  }
  Run(Run const&) = delete;
  Run& operator=(Run const&) = delete;

  LoadResult operator()() {
    auto const start = Clock::now();
    for (Connection& one : connections_) send_next(one);
    std::array<epoll_event, 64> events{};
    while (result_.good + result_.bad < load_.requests) {
      int const ready = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), kSilenceMs);
      if (ready == 0) throw std::runtime_error("no answer for 30 s");
      for (int i = 0; i < ready; ++i) receive(connections_[events[static_cast<std::size_t>(i)].data.u64]);
    }
    result_.seconds = seconds_since(start);
    return std::move(result_);
  }

 private:
  void send_next(Connection& connection) {
    if (next_ == load_.requests) return;
    auto bytes = load_.request(next_++);
    connection.sent = Clock::now();
    while (!bytes.empty()) {
      auto const sent = send(connection.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("a connection was lost while sending");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void receive(Connection& connection) {
    auto const count = recv(connection.descriptor, chunk_.data(), chunk_.size(), 0);
    if (count <= 0) throw std::runtime_error("a connection was lost");
    connection.received.append(chunk_.data(), static_cast<std::size_t>(count));
    auto const size = load_.answer_size(connection.received);
    if (size == 0) return;
    result_.latency_ms.push_back(seconds_since(connection.sent) * 1000);
    auto const answer = std::string_view(connection.received).substr(0, size);
    if (load_.is_good(answer)) {
      ++result_.good;
    } else if (++result_.bad == 1) {
      result_.first_bad = answer;
    }
    connection.received.erase(0, size);
    send_next(connection);
  }

  Load const& load_;
  int poll_;
  std::vector<Connection> connections_;
  std::vector<char> chunk_ = std::vector<char>(256 * 1024);
  std::size_t next_ = 0;
  LoadResult result_;
};

}  // namespace

LoadResult run(Load const& load) { return Run(load)(); }

std::size_t mllp_answer_size(std::string_view received) {
  auto const end = received.find("\x1c\r");
  return end == std::string_view::npos ? 0 : end + 2;
}

std::size_t http_answer_size(std::string_view received) {
  auto const end = received.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  auto const head = received.substr(0, end);
  constexpr std::string_view kLength = "Content-Length: ";
  auto const same = [](char left, char right) { return (left | 0x20) == (right | 0x20); };
  auto const at = std::search(head.begin(), head.end(), kLength.begin(), kLength.end(), same);
  std::size_t length = 0;
  if (at != head.end()) {
    auto const digits = head.substr(static_cast<std::size_t>(at - head.begin()) + kLength.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), length);
  }
  auto const size = end + 4 + length;
  return received.size() < size ? 0 : size;
}

bool is_http_success(std::string_view answer) { return answer.starts_with("HTTP/1.1 2"); }

void pin(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (long one = 0; one < sysconf(_SC_NPROCESSORS_ONLN); ++one) {
    if (core < 0 || one == core) CPU_SET(static_cast<std::size_t>(one), &cores);
  }
  sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace bench
