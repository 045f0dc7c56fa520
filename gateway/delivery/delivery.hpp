/// What goes out: one sender per destination takes its outbox rows in order and sees each to its end.
/// Source: reliability.md S1-S8. A row's bytes and MSH-10 are stored before the first byte is written; a
/// resend uses them again; what an attempt came to is committed before the next one.
///
/// May call: store, net, mappings, record::delivered, identity (look-ups). Never intake: what a partner
/// answers beyond an ACK (an RRI to a REF) is handed to `on_answer`.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/delivery/loss_counters.hpp"
#include "gateway/delivery/subscriptions.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/runtime.hpp"
#include "gateway/record/record.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace gateway::delivery {

struct DeliveryCounters {
  std::atomic<std::uint64_t> attempts{0}, delivered{0}, errors{0}, unknown{0}, stopped{0}, unrenderable{0};
  std::atomic<std::uint64_t> unconfirmed{0};  ///< Sent to receivers that answer nothing.
  std::atomic<std::uint64_t> resent{0};       ///< Sent again after a crash (S7).
  std::atomic<std::uint64_t> loops{0};        ///< Keys found stopped because messages run in a circle (S9).
  LossCounters losses;
};

/// A v2 destination as delivery needs it.
struct Destination {
  config::Partner settings;
  mappings::language::PartnerProfile profile;
};

/// What delivery writes by: swapped whole when tables are reloaded. A row is rendered once, by the set in
/// force then.
struct Outward {
  mappings::language::Maps maps;
  std::vector<Destination> destinations;
  record::Site site;
};

struct DeliveryOptions {
  net::Runtime& runtime;
  store::Store& store;
  std::shared_ptr<Outward const> outward;
  Subscriptions& subscriptions;
  store::ClockMs clock;
  bool loopback_hooks = false;
  /// A v2 message that came as an answer: settles the row, and is a message of its own (R7). True when it is
  /// kept; only then is its row settled.
  std::function<boost::asio::awaitable<bool>(std::string partner, std::string bytes)> on_answer;
  std::function<void(fhir::Issue const&)> log;
};

class Delivery {
 public:
  explicit Delivery(DeliveryOptions options);
  ~Delivery();
  Delivery(Delivery const&) = delete;
  Delivery& operator=(Delivery const&) = delete;

  /// Starts a sender for everything that waits since before. Errors: a destination's TLS files.
  fhir::Result<void> start();
  /// Something may have been queued; cheap, any thread.
  void wake();
  /// Lets each sender end the exchange it is in, up to the deadline; what is then unknown is sent again at
  /// the next start.
  boost::asio::awaitable<void> stop(net::Duration deadline);
  /// Reads certificates anew.
  void reload();
  /// What is rendered from now on is written by these. Addresses and patience stay as they were at the start.
  void replace(std::shared_ptr<Outward const> outward);

  DeliveryCounters const& counters() const;

 private:
  struct State;
  static boost::asio::awaitable<void> wait_for_senders(std::shared_ptr<State> state, net::Duration patience);
  std::shared_ptr<State> state_;
};

}  // namespace gateway::delivery
