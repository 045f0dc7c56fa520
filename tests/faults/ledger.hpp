/// What 64 senders know of what they sent, and what the database says of it. Source: reliability.md section 2
/// (e).
///
/// The senders speak their own MLLP and keep their own books; the judgement reads the database file, past the
/// gateway's code.
#pragma once

#include "tests/support/database.hpp"
#include "tests/support/mllp_wire.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace faults {

/// Where the gateway listens now. Closed before it is killed, so that a sender which loses its connection
/// while the door is open was let down by a gateway that nobody had touched.
class Door {
 public:
  void open(std::uint16_t port);
  void close();
  /// No more messages; senders come home.
  void end();
  /// Waits for an open door. The port and how often the door was opened before; nullopt after end().
  struct Way {
    std::uint16_t port = 0;
    int opening = 0;
  };
  std::optional<Way> wait();
  /// True when the door has stood open ever since.
  bool is_still(Way way) const;
  bool has_ended() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint16_t port_ = 0;
  int opening_ = 0;
  bool ended_ = false;
};

/// One message and its end.
struct Entry {
  std::string control_id;
  std::string sha256;
  std::string code;           ///< MSA-1; "" when no answer came.
  std::string answer_sha256;  ///< Of the whole answer as it came.
  std::chrono::system_clock::time_point answered;
};

/// One sender of ADT messages about a patient of its own: admitted, updated twice, discharged, admitted
/// again.
class Sender {
 public:
  /// `day` is YYYYMMDD, when its story begins.
  Sender(int number, std::string day, Door& door);

  /// Sends until the door ends, each message again with the same bytes until it is answered. Runs on a thread
  /// of its own.
  void run();

  /// Messages answered so far; any thread.
  std::int64_t acknowledged() const { return acknowledged_; }

  // Only after run() has returned.
  std::vector<Entry> const& entries() const { return entries_; }
  /// What broke the contract on the wire: "answered AE", "closed an untouched connection". Empty when nothing
  /// did.
  std::vector<std::string> const& complaints() const { return complaints_; }
  /// Times that a message was written again because its answer had not come.
  std::int64_t resends() const { return resends_; }

  std::string name() const;
  /// "V12-3": message `n` belongs to this stay.
  std::string visit_of(std::int64_t n) const;
  std::string patient() const;
  std::string message(std::int64_t n) const;

 private:
  bool is_answered(std::string const& text, Entry& entry);
  bool take(std::string const& answer, Entry& entry);

  int number_;
  std::string day_;
  Door& door_;
  support::MllpWire wire_;
  Door::Way way_;
  std::atomic<std::int64_t> acknowledged_{0};
  std::vector<Entry> entries_;
  std::vector<std::string> complaints_;
  std::int64_t resends_ = 0;
  bool was_written_ = false;  // the message under way, at least once
};

inline constexpr std::int64_t kMessagesOfStay = 4;

/// Everything in the database that the ledgers do not account for, each as a sentence; empty is the pass
/// line.
std::vector<std::string> judge(support::Database& database, std::vector<Sender const*> const& senders);

}  // namespace faults
