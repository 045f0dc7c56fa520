#include "tests/support/scripted_receiver.hpp"

#include "examples/partners/v2.hpp"

#include <algorithm>

namespace support {

namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 20ms;

}  // namespace

ScriptedReceiver::ScriptedReceiver(Script script)
    : script_(std::move(script)), thread_([this] { serve(); }) {}

ScriptedReceiver::~ScriptedReceiver() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  thread_.join();
}

std::vector<Arrival> ScriptedReceiver::arrivals() const {
  std::lock_guard const lock(mutex_);
  return arrivals_;
}

bool ScriptedReceiver::wait_for(std::function<bool(std::vector<Arrival> const&)> const& holds) const {
  std::unique_lock lock(mutex_);
  return arrived_.wait_for(lock, kPatience, [&] { return holds(arrivals_); });
}

std::string ScriptedReceiver::ack(std::string const& message, std::string const& code) {
  return partners::acknowledge(message, code, "R" + partners::field(message, "MSH", 10),
                               "20261122120000+0000");
}

void ScriptedReceiver::serve() {
  for (;;) {
    Socket socket = listener_.accept(kLookEvery);
    {
      std::lock_guard const lock(mutex_);
      if (stopping_) return;
      if (socket.is_open()) ++connections_;
    }
    if (socket.is_open()) converse(MllpWire(std::move(socket)));
  }
}

/// One sender at a time, as many real receivers have it; the conversation ends when either side closes.
void ScriptedReceiver::converse(MllpWire wire) {
  for (;;) {
    std::string text;
    Heard const heard = wire.receive(text, kLookEvery);
    if (heard == Heard::closed) return;
    if (heard == Heard::silence) {
      std::lock_guard const lock(mutex_);
      if (stopping_) return;
      continue;
    }
    if (!script_(wire, note(std::move(text)))) return;
  }
}

Arrival ScriptedReceiver::note(std::string text) {
  Arrival arrival;
  arrival.control_id = partners::field(text, "MSH", 10);
  arrival.text = std::move(text);
  {
    std::lock_guard const lock(mutex_);
    arrival.connection = connections_;
    arrival.attempt = static_cast<int>(
        std::ranges::count(arrivals_, arrival.control_id, [](Arrival const& one) { return one.control_id; }));
    arrivals_.push_back(arrival);
  }
  arrived_.notify_all();
  return arrival;
}

bool eventually(std::function<bool()> const& holds) {
  auto const until = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(kLookEvery);
  }
  return true;
}

}  // namespace support
