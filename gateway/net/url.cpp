#include "gateway/net/url.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>

namespace gateway::net {
namespace {

using boost::asio::ip::make_address_v4;
using boost::asio::ip::make_address_v6;

fhir::Issue bad(std::string rule) { return fhir::error(fhir::IssueType::value, "URL: " + std::move(rule)); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// A name whose last label is a number is an address to the resolver ("2130706433", "0x7f.1", "127.1"): only
/// the plain dotted form may pass, so that what is checked is what is connected to.
bool looks_numeric(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  auto const label = host.substr(host.rfind('.') + 1);
  return std::all_of(label.begin(), label.end(), is_digit) || label.starts_with("0x");
}

bool is_dotted_v4(std::string const& host) {
  boost::system::error_code error;
  auto const address = make_address_v4(host, error);
  return !error && address.to_string() == host;
}

fhir::Result<std::string> parse_host(std::string_view text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return bad("an IPv6 address without its bracket");
    boost::system::error_code error;
    auto const address = make_address_v6(std::string(text.substr(1, text.size() - 2)), error);
    if (error || address.scope_id() != 0) return bad("a bad IPv6 address");
    return address.to_string();
  }
  auto host = to_lower(text);
  auto const allowed = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
  };
  if (host.empty() || host.size() > 253 || !std::all_of(host.begin(), host.end(), allowed))
    return bad("a bad host");
  if (host.front() == '.' || host.find("..") != std::string::npos) return bad("an empty label in the host");
  if (looks_numeric(host) && !is_dotted_v4(host)) return bad("an address that is not in dotted decimal form");
  return host;
}

fhir::Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  auto const* const end = text.data() + text.size();
  auto const [stop, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc{} || stop != end || port == 0 || port > 65535)
    return bad("a bad port");
  return static_cast<std::uint16_t>(port);
}

}  // namespace

fhir::Result<Url> parse_url(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; })) {
    return bad("a space, control or non-ASCII character");
  }
  auto const mark = text.find("://");
  if (mark == std::string_view::npos) return bad("no scheme");
  Url url;
  url.origin.scheme = to_lower(text.substr(0, mark));
  if (url.origin.scheme != "http" && url.origin.scheme != "https")
    return bad("a scheme other than http and https");
  text.remove_prefix(mark + 3);
  if (text.find_first_of("#\\<>\"^`{|}") != std::string_view::npos)
    return bad("a fragment or a forbidden character");

  auto const end = std::min(text.find_first_of("/?"), text.size());
  auto authority = text.substr(0, end);
  auto const target = text.substr(end);
  if (authority.find('@') != std::string_view::npos) return bad("user information");
  url.origin.port = url.origin.scheme == "https" ? 443 : 80;
  auto const colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    FHIR_TRY(url.origin.port, parse_port(authority.substr(colon + 1)));
    authority = authority.substr(0, colon);
  }
  FHIR_TRY(url.origin.host, parse_host(authority));
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  return url;
}

std::string to_host_header(Origin const& origin) {
  auto const v6 = origin.host.find(':') != std::string::npos;
  auto header = v6 ? "[" + origin.host + "]" : origin.host;
  auto const own_port = origin.scheme == "https" ? 443 : 80;
  if (origin.port != own_port) header += ":" + std::to_string(origin.port);
  return header;
}

bool is_loopback(Origin const& origin) {
  if (origin.host == "localhost") return true;
  boost::system::error_code error;
  auto const address = boost::asio::ip::make_address(origin.host, error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

}  // namespace gateway::net
