/// The MLLP ports of the configuration: each frame becomes an Envelope, each answer of intake goes back on
/// its connection. A door: may call net and intake, no other door.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/intake/intake.hpp"
#include "gateway/net/mllp_listener.hpp"
#include "gateway/net/runtime.hpp"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace gateway::feeds {

/// What intake calls the feed of a listener: "mllp:clinics".
std::string feed_name(config::MllpListenerSettings const& settings);

class MllpFeed {
 public:
  /// Binds. Errors: TLS files (not_found, value); an address that cannot be bound (exception).
  static fhir::Result<std::unique_ptr<MllpFeed>> open(net::Runtime& runtime,
                                                      config::MllpListenerSettings const& settings,
                                                      intake::Intake& intake);

  std::string const& name() const { return name_; }
  std::uint16_t port() const { return listener_->port(); }
  net::MllpCounters const& counters() const { return listener_->counters(); }
  /// Reads the certificate files anew; new connections use them.
  fhir::Result<void> reload();
  boost::asio::awaitable<bool> stop(net::Duration deadline) { return listener_->stop(deadline); }

 private:
  MllpFeed() = default;
  std::string name_;
  std::shared_ptr<net::TlsContext> tls_;
  std::unique_ptr<net::MllpListener> listener_;
};

}  // namespace gateway::feeds
