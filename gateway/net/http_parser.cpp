#include "gateway/net/http_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace gateway::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using fhir::IssueType;
using fhir::Result;
using Text = beast::string_view;
using beast::error_code;

constexpr std::uint64_t kReserveBytesMax = 64 * 1024;  // a Content-Length is a claim, not memory

std::string_view to_view(Text text) { return {text.data(), text.size()}; }

/// Fields that steer a message must stand in its head, where they were checked (RFC 9110 section 6.5.1).
bool is_forbidden_trailer(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames{"transfer-encoding", "content-length", "host",        "te",
                                                   "connection",        "authorization",  "content-type"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view forbidden) { return equal_without_case(name, forbidden); });
}

}  // namespace

struct HttpParser::Base {
  virtual ~Base() = default;
  virtual std::size_t feed(std::string_view bytes, error_code& error) = 0;
  virtual void feed_end(error_code& error) = 0;
  virtual bool finished() const = 0;

  HttpHeaders headers;
  std::string body;
  ParserLimits limits;
};

namespace {

/// Keeps the fields as they came and the body in one string that grows with what arrives.
template <bool kIsRequest>
class Collector final : public HttpParser::Base, public http::basic_parser<kIsRequest> {
  using Parser = http::basic_parser<kIsRequest>;

 public:
  explicit Collector(ParserLimits its_limits, std::size_t head_bytes, bool bodiless) {
    limits = its_limits;
    Parser::eager(true);
    Parser::header_limit(static_cast<std::uint32_t>(head_bytes + its_limits.line_bytes));
    Parser::body_limit(its_limits.body_bytes);
    if (!kIsRequest && bodiless) Parser::skip(true);
  }

  std::size_t feed(std::string_view bytes, error_code& error) override {
    return Parser::put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  }
  void feed_end(error_code& error) override { Parser::put_eof(error); }
  bool finished() const override { return Parser::is_done(); }

 private:
  void on_request_impl(http::verb, Text, Text, int, error_code& error) override { error = {}; }
  void on_response_impl(int, Text, int, error_code& error) override { error = {}; }

  void on_field_impl(http::field, Text name, Text value, error_code& error) override {
    error = {};
    if (!in_trailers_) return headers.add(std::string(to_view(name)), std::string(to_view(value)));
    if (is_forbidden_trailer(to_view(name))) error = http::error::bad_field;
  }

  void on_header_impl(error_code& error) override {
    error = {};
    in_trailers_ = true;
  }

  void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code& error) override {
    error = {};
    if (length) body.reserve(static_cast<std::size_t>(std::min(*length, kReserveBytesMax)));
  }

  std::size_t on_body_impl(Text bytes, error_code& error) override {
    error = {};
    body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  void on_chunk_header_impl(std::uint64_t, Text, error_code& error) override { error = {}; }

  std::size_t on_chunk_body_impl(std::uint64_t, Text bytes, error_code& error) override {
    return on_body_impl(bytes, error);
  }

  void on_finish_impl(error_code& error) override { error = {}; }

  bool in_trailers_ = false;
};

fhir::Issue to_issue(error_code error) {
  if (error == http::error::body_limit)
    return fhir::error(IssueType::too_long, "HTTP body: longer than allowed");
  if (error == http::error::partial_message) {
    return fhir::error(IssueType::incomplete, "HTTP: the connection ended inside a message");
  }
  return fhir::error(IssueType::structure, "HTTP: " + error.message());
}

}  // namespace

HttpParser::HttpParser(std::unique_ptr<Base> base) : base_(std::move(base)) {}
HttpParser::HttpParser(HttpParser&&) noexcept = default;
HttpParser& HttpParser::operator=(HttpParser&&) noexcept = default;
HttpParser::~HttpParser() = default;

Result<HttpParser> HttpParser::begin(HeadKind kind, std::string_view head, ParserLimits limits,
                                     bool bodiless) {
  std::unique_ptr<Base> base;
  if (kind == HeadKind::request) {
    base = std::make_unique<Collector<true>>(limits, head.size(), bodiless);
  } else {
    base = std::make_unique<Collector<false>>(limits, head.size(), bodiless);
  }
  HttpParser parser(std::move(base));
  FHIR_TRY(auto const eaten, parser.put(head));
  if (eaten != head.size()) return fhir::error(IssueType::structure, "HTTP head: not one whole head");
  return parser;
}

bool HttpParser::done() const { return base_->finished(); }

Result<std::size_t> HttpParser::put(std::string_view bytes) {
  std::size_t eaten = 0;
  while (eaten < bytes.size() && !base_->finished()) {
    error_code error;
    auto const step = base_->feed(bytes.substr(eaten), error);
    eaten += step;
    if (error == http::error::need_more) break;
    if (error) return to_issue(error);
    if (step == 0) break;
  }
  if (!base_->finished() && bytes.size() - eaten > base_->limits.line_bytes) {
    return fhir::error(IssueType::too_long, "HTTP body: a chunk header or trailer longer than allowed");
  }
  return eaten;
}

Result<void> HttpParser::put_end() {
  error_code error;
  base_->feed_end(error);
  if (error) return to_issue(error);
  return {};
}

HttpHeaders& HttpParser::headers() { return base_->headers; }
std::string& HttpParser::body() { return base_->body; }

}  // namespace gateway::net
