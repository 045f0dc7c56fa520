/// A v2 receiver that answers as a test tells it to: well, badly, late or not at all.
#pragma once

#include "tests/support/mllp_wire.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace support {

struct Arrival {
  std::string text;
  std::string control_id;  ///< MSH-10
  int connection = 0;      ///< Counted from 1.
  int attempt = 0;         ///< How often this control id had come before.
};

class ScriptedReceiver {
 public:
  /// Answers one arrival on its wire; false ends the connection. Runs on the receiver's thread, one arrival
  /// at a time.
  using Script = std::function<bool(MllpWire&, Arrival const&)>;

  explicit ScriptedReceiver(Script script);
  ~ScriptedReceiver();
  ScriptedReceiver(ScriptedReceiver const&) = delete;
  ScriptedReceiver& operator=(ScriptedReceiver const&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  std::vector<Arrival> arrivals() const;
  /// Waits until what has arrived satisfies `holds`; false when it did not in any time a test should take.
  bool wait_for(std::function<bool(std::vector<Arrival> const&)> const& holds) const;

  /// The acknowledgment of `message` with this code.
  static std::string ack(std::string const& message, std::string const& code);

 private:
  void serve();
  void converse(MllpWire wire);
  Arrival note(std::string text);

  Script script_;
  MllpPort listener_;
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  std::vector<Arrival> arrivals_;
  int connections_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/// How long a test waits for a fact on a machine that is busy with other things.
inline constexpr std::chrono::seconds kPatience{120};

/// Looks until `holds`; false when it did not within kPatience.
bool eventually(std::function<bool()> const& holds);

}  // namespace support
