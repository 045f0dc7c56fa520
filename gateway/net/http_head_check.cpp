#include "gateway/net/http_head_check.hpp"

#include "gateway/net/http.hpp"

#include <algorithm>
#include <limits>
#include <string>

namespace gateway::net {
namespace {

using fhir::IssueType;

fhir::Issue bad(std::string rule) {
  return fhir::error(IssueType::structure, "HTTP head: " + std::move(rule));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_digit(c) || is_letter(c) || kOthers.find(c) != std::string_view::npos;
  });
}

std::string_view trim(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// RFC 3986 section 3.2 without user info: what a Host field may hold.
bool is_host(std::string_view text) {
  constexpr std::string_view kOthers = "-._~!$&'()*+,;=%:[]";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_digit(c) || is_letter(c) || kOthers.find(c) != std::string_view::npos;
  });
}

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit))
    return std::nullopt;
  std::uint64_t value = 0;
  for (char const c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

/// RFC 9112 section 2.2: lines end with CR LF; neither stands alone, and no other control but a tab stands in
/// a head.
fhir::Result<void> check_bytes(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    auto const byte = static_cast<unsigned char>(head[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    if (byte == '\t') continue;
    if (byte == '\r' && i + 1 < head.size() && head[i + 1] == '\n') {
      ++i;
      continue;
    }
    if (byte == '\r') return bad("CR without LF");
    if (byte == '\n') return bad("LF without CR");
    return bad("a control character");
  }
  return {};
}

fhir::Result<int> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return 11;
  if (text == "HTTP/1.0") return 10;
  return bad("a version other than HTTP/1.0 and HTTP/1.1");
}

/// method SP request-target SP HTTP-version
fhir::Result<void> read_request_line(std::string_view line, HttpHead& head) {
  auto const first = line.find(' ');
  auto const last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("the request line is not method, target, version");
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method)) return bad("the method is no token");
  auto const visible = [](char c) { return c > 0x20 && c < 0x7f; };
  if (head.target.empty() || !std::all_of(head.target.begin(), head.target.end(), visible)) {
    return bad("a space, control or non-ASCII byte in the target");
  }
  FHIR_TRY(head.version, parse_version(line.substr(last + 1)));
  return {};
}

/// HTTP-version SP status-code SP [ reason ]; the last SP is often left out.
fhir::Result<void> read_status_line(std::string_view line, HttpHead& head) {
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return bad("the status line is not version, status, reason");
  }
  FHIR_TRY(head.version, parse_version(line.substr(0, 8)));
  auto const status = parse_digits(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return bad("the status is not 100 to 599");
  head.status = static_cast<int>(*status);
  return {};
}

struct Framing {
  bool has_transfer_encoding = false;
  bool has_content_length = false;
  bool says_close = false;
  bool says_keep_alive = false;
};

fhir::Result<void> read_transfer_encoding(std::string_view value, HttpHead& head, Framing& framing) {
  if (framing.has_transfer_encoding) return bad("Transfer-Encoding twice");
  framing.has_transfer_encoding = true;
  if (head.version != 11) return bad("Transfer-Encoding on HTTP/1.0");
  if (!equal_without_case(value, "chunked")) return bad("a Transfer-Encoding other than chunked");
  head.chunked = true;
  return {};
}

fhir::Result<void> read_content_length(std::string_view value, HttpHead& head, Framing& framing) {
  if (framing.has_content_length) return bad("Content-Length twice");
  framing.has_content_length = true;
  head.content_length = parse_digits(value);
  if (!head.content_length) return bad("a Content-Length that is not one number of at most 18 digits");
  return {};
}

void read_connection(std::string_view value, Framing& framing) {
  while (!value.empty()) {
    auto const comma = std::min(value.find(','), value.size());
    auto const option = trim(value.substr(0, comma));
    if (equal_without_case(option, "close")) framing.says_close = true;
    if (equal_without_case(option, "keep-alive")) framing.says_keep_alive = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

fhir::Result<void> read_field(std::string_view line, HeadKind kind, HttpHead& head, Framing& framing) {
  if (line.front() == ' ' || line.front() == '\t') return bad("a folded line");
  auto const colon = line.find(':');
  if (colon == std::string_view::npos) return bad("a line without a colon");
  auto const name = line.substr(0, colon);
  auto const value = trim(line.substr(colon + 1));
  if (!is_token(name)) return bad("a field name that is no token, or a space before the colon");
  if (equal_without_case(name, "transfer-encoding")) return read_transfer_encoding(value, head, framing);
  if (equal_without_case(name, "content-length")) return read_content_length(value, head, framing);
  if (equal_without_case(name, "connection")) read_connection(value, framing);
  if (kind == HeadKind::response) return {};
  if (equal_without_case(name, "host")) {
    if (!head.host.empty()) return bad("Host twice");
    if (!is_host(value)) return bad("a Host that is no host");
    head.host = value;
  }
  if (equal_without_case(name, "expect")) {
    (equal_without_case(value, "100-continue") ? head.expects_continue : head.expects_other) = true;
  }
  return {};
}

}  // namespace

fhir::Result<HttpHead> check_head(std::string_view text, HeadKind kind, std::size_t fields_max) {
  if (!text.ends_with("\r\n\r\n")) return bad("no empty line at its end");
  FHIR_CHECK(check_bytes(text));
  text.remove_suffix(2);

  HttpHead head;
  auto const take_line = [&text] {
    auto const end = text.find("\r\n");
    auto const line = text.substr(0, end);
    text.remove_prefix(end + 2);
    return line;
  };
  auto const first = take_line();
  if (first.empty()) return bad("an empty first line");
  FHIR_CHECK(kind == HeadKind::request ? read_request_line(first, head) : read_status_line(first, head));

  Framing framing;
  for (std::size_t fields = 0; !text.empty(); ++fields) {
    if (fields == fields_max) return fhir::error(IssueType::too_long, "HTTP head: more fields than allowed");
    auto const line = take_line();
    if (line.empty()) return bad("an empty line inside it");
    FHIR_CHECK(read_field(line, kind, head, framing));
  }
  if (framing.has_transfer_encoding && framing.has_content_length) {
    return bad("both Transfer-Encoding and Content-Length");
  }
  if (kind == HeadKind::request && head.host.empty()) return bad("no Host");
  head.close = framing.says_close || (head.version == 10 && !framing.says_keep_alive);
  return head;
}

fhir::Result<std::size_t> find_head_end(std::string_view bytes, std::size_t from) {
  for (auto at = bytes.find('\n', from); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    if (at == 0 || bytes[at - 1] != '\r') return bad("LF without CR");
    if (at >= 3 && bytes.substr(at - 3, 4) == "\r\n\r\n") return at + 1;
  }
  return std::string_view::npos;
}

bool is_field_name(std::string_view text) { return is_token(text); }

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

}  // namespace gateway::net
