/// HTTP messages as plain values: what a handler gets and gives. Source: RFC 9110.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/asio.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::net {

/// Fields in the order sent; names compare without case. A repeated field stands once per line.
class HttpHeaders {
 public:
  using Field = std::pair<std::string, std::string>;

  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<Field> fields) : fields_(fields) {}

  /// The first value of that name, or "". The view lives until the headers change.
  std::string_view get(std::string_view name) const;
  bool contains(std::string_view name) const;
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);  ///< Replaces every field of that name.
  void remove(std::string_view name);

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

bool equal_without_case(std::string_view left, std::string_view right);  // ASCII

struct HttpRequest {
  std::string method;  ///< "GET", as sent: methods are case sensitive.
  std::string target;  ///< Path and query, percent encoding untouched: "/fhir/Patient?name=x".
  int version = 11;    ///< 10 or 11.
  HttpHeaders headers;
  std::string body;           ///< Chunking removed; trailers are dropped.
  std::string peer_address;   ///< Set by the listener.
  std::string tls_peer_name;  ///< PeerCertificate::name(), "" without one. Set by the listener.
  std::vector<std::string> tls_peer_names;
  bool tls = false;
  std::string request_id;  ///< The client's X-Request-Id where it is fit, else our own.

  std::string_view path() const;   ///< Target before '?'.
  std::string_view query() const;  ///< Target after '?', or "".
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;  ///< Content-Length, Date, Connection and Transfer-Encoding are the listener's and
                        ///< ignored here.
  std::string body;
};

/// Called on the connection's own thread. An exception is logged and answered with 500.
using HttpHandler = std::function<asio::awaitable<HttpResponse>(HttpRequest)>;

/// Makes the answer to what never reaches the handler: a bad head (400), too long (413, 431), too slow (408),
/// 417, 500.
using HttpRefusalMaker = std::function<HttpResponse(int status, fhir::Issue const& issue)>;

/// The default: an OperationOutcome of one issue as application/fhir+json.
HttpResponse make_refusal(int status, fhir::Issue const& issue);

std::string_view reason_phrase(int status);  ///< "Not Found"; "" for a status that nobody registered.

}  // namespace gateway::net
