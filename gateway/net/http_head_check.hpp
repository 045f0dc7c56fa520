/// The check that stands before Beast's parser, because Beast lets smuggling-shaped heads through
/// (security.md section 2). Source: RFC 9112 sections 2-6, with every latitude it leaves taken away.
///
/// Pure. Runs on the raw head, request line or status line included, up to and with the empty line. Also used
/// on the responses a client reads.
#pragma once

#include "fhir/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gateway::net {

enum class HeadKind : unsigned char { request, response };

/// What the framing rests on. Views into the head.
struct HttpHead {
  int version = 11;         ///< 10 or 11.
  std::string_view method;  ///< Of a request.
  std::string_view target;  ///< Of a request.
  int status = 0;           ///< Of a response.
  std::string_view host;    ///< Of a request: exactly one, never empty.
  bool chunked = false;
  std::optional<std::uint64_t> content_length;  ///< Never together with chunked.
  bool expects_continue = false;
  bool expects_other = false;  ///< Some other expectation: 417.
  bool close = false;          ///< "Connection: close", or HTTP/1.0 without keep-alive.
};

/// Error structure names the rule broken: bare CR or LF, NUL or another control, obs-fold, a space before the
/// colon, a name that is no token, no Host or two or a bad one, both Transfer-Encoding and Content-Length or
/// either twice, a Transfer-Encoding that is not exactly "chunked" or on HTTP/1.0, a Content-Length that is
/// not digits only, a version other than 1.0 and 1.1, a target that is not ASCII; too-long: more than
/// `fields_max` fields.
fhir::Result<HttpHead> check_head(std::string_view head, HeadKind kind, std::size_t fields_max = 100);

/// Where the head in `bytes` ends (one past its empty line); npos while it has not; the Issue at the first
/// line end that is not CR LF, so that a peer which never sends one is refused at once. `from`: bytes looked
/// at before, to save time.
fhir::Result<std::size_t> find_head_end(std::string_view bytes, std::size_t from = 0);

/// What may be written into a head: a name that is a token, a value without a control but a tab (security.md
/// I2).
bool is_field_name(std::string_view text);
bool is_field_value(std::string_view text);

}  // namespace gateway::net
