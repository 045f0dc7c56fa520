/// A rest-hook endpoint that refuses as often as a test tells it to, then accepts.
#pragma once

#include "tests/support/mllp_wire.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace support {

class ScriptedHook {
 public:
  /// Each entry is what one request gets: a status, or 0 for a connection that is closed without an answer.
  /// Requests beyond the list get 204.
  explicit ScriptedHook(std::vector<int> answers);
  ~ScriptedHook();
  ScriptedHook(ScriptedHook const&) = delete;
  ScriptedHook& operator=(ScriptedHook const&) = delete;

  std::uint16_t port() const { return listener_.port(); }

  struct Request {
    std::string head;  ///< Request line and headers.
    std::string body;
    int status = 0;  ///< What it was answered.
  };
  /// Waits for this many requests; all that came.
  std::vector<Request> wait_for(std::size_t count) const;

 private:
  void serve();

  std::vector<int> answers_;
  MllpPort listener_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<Request> requests_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace support
