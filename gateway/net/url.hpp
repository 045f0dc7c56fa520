/// Where to connect: scheme, host and port of an http or https URL. Source: RFC 3986, RFC 9110 section 4.2.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::net {

/// Compared exactly, member by member: credentials for one origin go to no other (security.md S2).
struct Origin {
  std::string scheme;  ///< "http" or "https", lower case.
  std::string host;    ///< Lower case; an IPv6 address without brackets.
  std::uint16_t port = 0;
  friend bool operator==(Origin const&, Origin const&) = default;
};

struct Url {
  Origin origin;
  std::string target;  ///< Path and query, at least "/".
};

/// Strict: http or https, a host of letters, digits, '-', '.' or '_', a dotted IPv4 or a bracketed IPv6
/// address, no user info, no fragment, no control, space or non-ASCII byte. A host of digits that is not a
/// dotted IPv4 address (decimal, octal and hex spellings) is refused. Errors: value, naming what is wrong
/// without repeating the URL.
fhir::Result<Url> parse_url(std::string_view text);

/// "example.org:8080", brackets where needed, the scheme's own port left out.
std::string to_host_header(Origin const& origin);

/// True for "localhost" and literal loopback addresses. Whether that is allowed is the caller's decision.
bool is_loopback(Origin const& origin);

}  // namespace gateway::net
