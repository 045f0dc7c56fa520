/// What the socket tests share: a runtime, a coroutine waited for, a blocking client that sends raw bytes,
/// certificates.
#pragma once

#include "gateway/net/runtime.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gateway::net {

/// Keeps what the runtime logs, so that a test can say that nothing was.
class Loopback : public testing::Test {
 protected:
  Loopback() : runtime_(RuntimeOptions{2, [this](fhir::Issue const& issue) { keep(issue); }}) {
    runtime_.start();
  }

  template <class T>
  T wait(asio::awaitable<T> task) {
    return asio::co_spawn(runtime_.executor(1), std::move(task), asio::use_future).get();
  }

  /// For what another thread does a moment after its effect was seen here.
  template <class Condition>
  static bool eventually(Condition condition) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  /// The first `count` lines of the log, waited for.
  std::vector<std::string> logged(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(came_.wait_for(lock, std::chrono::seconds(10), [&] { return logged_.size() >= count; }));
    return logged_;
  }

 private:
  void keep(fhir::Issue const& issue) {
    {
      std::lock_guard const lock(mutex_);
      logged_.push_back(fhir::to_line(issue));
    }
    came_.notify_all();
  }

  std::condition_variable came_;
  std::mutex mutex_;
  std::vector<std::string> logged_;

 protected:
  Runtime runtime_;  // after what its threads call
};

/// A blocking socket that sends exactly the bytes it is told to. Reads give up after ten seconds: a broken
/// test, not a slow one.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, char const* from = "127.0.0.1")
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    timeval const patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    auto const own = to_address(from, 0);
    ::bind(fd_, reinterpret_cast<sockaddr const*>(&own), sizeof own);
    auto const peer = to_address("127.0.0.1", port);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr const*>(&peer), sizeof peer) == 0;
  }
  RawClient(RawClient const&) = delete;
  RawClient& operator=(RawClient const&) = delete;
  ~RawClient() { ::close(fd_); }

  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto const sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the peer closed; what it said before is what the test asks about
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

  /// Reads until `end` has come (or the peer closes); what came after it is kept for the next call.
  std::string read_through(std::string_view end) {
    for (;;) {
      auto const at = in_.find(end);
      if (at != std::string::npos) {
        auto taken = in_.substr(0, at + end.size());
        in_.erase(0, at + end.size());
        return taken;
      }
      if (!read_more()) return std::exchange(in_, {});
    }
  }

  /// Everything until the peer closes. Fails the test when it does not.
  std::string read_to_end() {
    while (read_more()) {
    }
    EXPECT_TRUE(closed_) << "the peer did not close";
    return std::exchange(in_, {});
  }

  /// At most so many bytes, as they come; "" when the peer has closed.
  std::string read_exactly(std::size_t bytes) {
    while (in_.size() < bytes && read_more()) {
    }
    auto taken = in_.substr(0, bytes);
    in_.erase(0, taken.size());
    return taken;
  }

  /// What comes within this time.
  std::string read_for(Duration time) {
    pollfd waiting{fd_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(time.count())) > 0) read_more();
    return std::exchange(in_, {});
  }

  std::string read_frame() { return read_through("\x1c\r"); }

 private:
  static sockaddr_in to_address(char const* address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    ::inet_pton(AF_INET, address, &made.sin_addr);
    return made;
  }

  bool read_more() {
    char chunk[4096];
    auto const got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got > 0) in_.append(chunk, static_cast<std::size_t>(got));
    closed_ = got == 0 || (got < 0 && (errno == ECONNRESET || errno == ENOTCONN));
    return got > 0;
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string in_;
};

/// A CA "good" with leaves server, client, revoked, old (expired), and a CA "other" with a leaf stranger.
class Certificates {
 public:
  static Certificates const& get() {
    static Certificates const made;
    return made;
  }

  std::string file(std::string const& name) const { return (folder_ / name).string(); }

 private:
  Certificates() {
    std::string pattern = (std::filesystem::temp_directory_path() / "handoff-net-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    auto const script = std::string("sh " HANDOFF_SOURCE_DIR "/certs/make.sh ");
    run(script + file("good") + " server server2 client revoked");
    run("NOT_AFTER=210101000000Z " + script + file("good") + " old");
    run("cd " + file("good") + " && openssl ca -config ca.conf -revoke revoked.crt");
    run(script + file("good") + " late");  // renews the revocation list
    run(script + file("other") + " stranger server");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }

  static void run(std::string const& command) {
    auto const status = std::system(("(" + command + ") >/dev/null 2>&1").c_str());
    EXPECT_EQ(status, 0) << command;
  }

  std::filesystem::path folder_;
};

}  // namespace gateway::net
