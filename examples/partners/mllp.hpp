/// A v2 partner's two ends: a connection it sends on, and a port it receives on. Blocking sockets, one thread
/// for the port.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace partners {

/// PEM files of one partner; empty for plain MLLP.
struct Certificates {
  std::string certificate;
  std::string key;
  std::string ca;
};

/// What went over a partner's wires, in order, in a file of its own.
class Transcript {
 public:
  explicit Transcript(std::string const& path) : file_(path, std::ios::trunc) {}
  void write(std::string const& direction, std::string text);

 private:
  std::mutex mutex_;
  std::ofstream file_;
};

/// Sends one message on a connection of its own and returns the answer. Throws when there is none.
std::string send_mllp(std::uint16_t port, Certificates const& certificates, std::string const& message);

/// A listening port that acknowledges what it understands and keeps it for the story to look at.
class MllpSink {
 public:
  MllpSink(Certificates certificates, std::function<std::string(std::string const&)> answer,
           Transcript& transcript);
  ~MllpSink();

  std::uint16_t port() const { return port_; }
  /// Waits for the next message of that event not taken before; "" after `patience`.
  std::string take(std::string const& event, std::chrono::milliseconds patience);
  /// Every event received so far, in order.
  std::vector<std::string> events() const;

 private:
  void serve();
  template <class Stream>
  void converse(Stream& stream);

  Certificates certificates_;
  std::function<std::string(std::string const&)> answer_;
  Transcript& transcript_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::string> received_;
  std::vector<bool> taken_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace partners
