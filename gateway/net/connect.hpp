/// Opens a connection to a host, TLS included, within one deadline. Internal to net/.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/asio.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/stream.hpp"
#include "gateway/net/tls.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gateway::net {

struct ConnectOptions {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;
  std::function<bool(std::string const& address)> allow_address;
  TcpLimits tcp;
};

/// Tries the host's addresses in the resolver's order; those that `allow_address` refuses are never tried.
/// The system's resolver bounds the look-up itself. Errors: transient, timeout, security (TLS, or no address
/// allowed).
asio::awaitable<fhir::Result<Stream>> connect(asio::any_io_executor executor, ConnectOptions options,
                                              Duration timeout);

}  // namespace gateway::net
