/// One HTTP/1.1 connection to one origin at a time, kept alive between requests. Source: RFC 9112;
/// security.md S1-S3.
///
/// Follows no redirect, sends no credential by itself, checks response heads as strictly as request heads and
/// caps size and time. All calls come from one executor; one request at a time.
#pragma once

#include "gateway/net/http.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/tls.hpp"
#include "gateway/net/url.hpp"

#include <functional>
#include <memory>
#include <string>

namespace gateway::net {

struct HttpClientOptions {
  std::shared_ptr<TlsContext> tls;  ///< A client context; without one https is refused.
  ClientLimits limits;
  /// Asked for each address a name resolves to ("192.0.2.7", "::1"); only an address it allows is connected
  /// to.
  std::function<bool(std::string const& address)> allow_address;
};

class HttpClient {
 public:
  HttpClient(asio::any_io_executor executor, HttpClientOptions options);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Sends method, target, headers and body of `request` and returns the final response, whatever its status.
  /// Host, Content-Length and Connection are set here; the other members of the request are ignored.
  /// `deadline` covers everything from the name look-up on.
  ///
  /// A kept connection that turns out to be closed before a byte of the response came is opened again once,
  /// and the request sent again only when its method is safe (RFC 9110 section 9.2.1). Errors:
  /// transient (no connection: nothing was sent), security (TLS or address refused: nothing was sent), value
  /// (request cannot be written), incomplete (connection ended: unknown), timeout (unknown once connected),
  /// structure (not HTTP or a smuggling shape), too-long (response over ClientLimits::answer_bytes), conflict
  /// (another request on this client has not ended).
  asio::awaitable<fhir::Result<HttpResponse>> request(Origin origin, HttpRequest request, Duration deadline);

  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gateway::net
