#include "gateway/net/http_client.hpp"

#include "gateway/net/connect.hpp"
#include "gateway/net/http_head_check.hpp"
#include "gateway/net/http_parser.hpp"
#include "gateway/net/stream.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace gateway::net {
namespace {

using Clock = std::chrono::steady_clock;
using fhir::IssueType;
using fhir::Result;

bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames{
      "host", "content-length", "connection", "transfer-encoding", "expect", "te"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view ours) { return equal_without_case(name, ours); });
}

/// RFC 9110 section 9.2.1. A PUT may be sent twice by the book, but with If-Match the second answer would be
/// a 412 for what the first one did.
bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

bool is_target(std::string_view target) {
  return target.starts_with('/') &&
         std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Result<std::string> to_head(Origin const& origin, HttpRequest const& request) {
  if (!is_field_name(request.method)) return fhir::error(IssueType::value, "HTTP: the method is no token");
  if (!is_target(request.target)) return fhir::error(IssueType::value, "HTTP: the target is no path");
  auto head = request.method + " " + request.target + " HTTP/1.1\r\nHost: " + to_host_header(origin);
  for (auto const& [name, value] : request.headers) {
    if (is_ours(name)) continue;
    if (!is_field_name(name) || !is_field_value(value)) {
      return fhir::error(IssueType::value, "HTTP: a header that cannot be written");
    }
    head += "\r\n" + name + ": " + value;
  }
  auto const bodiless_method =
      request.method == "GET" || request.method == "HEAD" || request.method == "DELETE";
  if (!request.body.empty() || !bodiless_method) {
    head += "\r\nContent-Length: " + std::to_string(request.body.size());
  }
  return head + "\r\nConnection: keep-alive\r\n\r\n";
}

}  // namespace

struct HttpClient::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor its_executor, HttpClientOptions its_options)
      : executor(std::move(its_executor)), options(std::move(its_options)) {}

  /// `reopen`: the kept connection was closed before it said anything to this request.
  struct Attempt {
    Result<HttpResponse> response;
    bool reopen = false;
  };

  asio::awaitable<Result<HttpResponse>> request(Origin wanted, HttpRequest request, Duration deadline);
  asio::awaitable<Result<HttpResponse>> exchange(Origin wanted, HttpRequest request, Clock::time_point until);
  asio::awaitable<Result<void>> open(Origin wanted, Clock::time_point until);
  asio::awaitable<Attempt> attempt(std::string head, HttpRequest const& request, Clock::time_point until);
  asio::awaitable<Result<HttpResponse>> read_response(bool bodiless, Clock::time_point until);
  asio::awaitable<Result<std::string>> read_head(Clock::time_point until);
  asio::awaitable<Result<void>> read_body(HttpParser& parser, bool until_end, Clock::time_point until);
  asio::awaitable<Result<bool>> fill(Clock::time_point until);
  bool kept(Origin const& wanted) const { return stream && stream->is_open() && origin == wanted; }
  void close() {
    if (stream) stream->close();
  }

  asio::any_io_executor executor;
  HttpClientOptions options;
  std::optional<Stream> stream;
  Origin origin;   // that `stream` is connected to
  std::string in;  // read and not yet used
  std::array<char, 16 * 1024> chunk;
  bool busy = false;
};

asio::awaitable<Result<HttpResponse>> HttpClient::State::request(Origin wanted, HttpRequest request,
                                                                 Duration deadline) {
  auto const self = shared_from_this();
  if (busy) co_return fhir::error(IssueType::conflict, "HTTP: another request is in progress");
  struct Busy {
    bool& flag;
    explicit Busy(bool& its_flag) : flag(its_flag) { flag = true; }
    ~Busy() { flag = false; }
  } const in_progress(busy);
  auto response = co_await exchange(std::move(wanted), std::move(request), Clock::now() + deadline);
  if (!response) close();
  co_return response;
}

asio::awaitable<Result<HttpResponse>> HttpClient::State::exchange(Origin wanted, HttpRequest request,
                                                                  Clock::time_point until) {
  auto const head = to_head(wanted, request);
  if (!head) co_return head.error();
  // A server has nothing to say between exchanges: input means that it closed, or is confused.
  if (!kept(wanted) || stream->has_input() || !in.empty()) close();
  auto const was_kept = kept(wanted);
  if (!was_kept) {
    auto const opened = co_await open(wanted, until);
    if (!opened) co_return opened.error();
  }
  auto first = co_await attempt(*head, request, until);
  if (!was_kept || !first.reopen || !is_safe(request.method)) co_return std::move(first.response);
  close();
  auto const opened = co_await open(wanted, until);
  if (!opened) co_return std::move(first.response);  // not "nothing was sent": the first attempt was
  auto second = co_await attempt(*head, request, until);
  co_return std::move(second.response);
}

asio::awaitable<Result<void>> HttpClient::State::open(Origin wanted, Clock::time_point until) {
  auto const tls = wanted.scheme == "https";
  if (tls && options.tls == nullptr)
    co_return fhir::error(IssueType::security, "HTTP: https without a TLS context");
  ConnectOptions target{wanted.host, wanted.port, tls ? options.tls : nullptr, options.allow_address,
                        options.limits.tcp};
  auto const left = std::chrono::duration_cast<Duration>(until - Clock::now());
  auto connected =
      co_await connect(executor, std::move(target), std::clamp(left, Duration(1), options.limits.connect));
  if (!connected) {
    auto issue = std::move(connected).error();
    if (issue.code == IssueType::timeout) issue.code = IssueType::transient;  // nothing was written
    co_return issue;
  }
  stream.emplace(std::move(*connected));
  origin = std::move(wanted);
  in.clear();
  co_return Result<void>{};
}

asio::awaitable<HttpClient::State::Attempt> HttpClient::State::attempt(std::string head,
                                                                       HttpRequest const& request,
                                                                       Clock::time_point until) {
  std::array<asio::const_buffer, 2> const buffers{asio::buffer(head), asio::buffer(request.body)};
  auto const left = std::chrono::duration_cast<Duration>(until - Clock::now());
  auto const [error, bytes] =
      co_await stream->write(buffers, std::clamp(left, Duration(1), options.limits.write));
  if (error) {
    // A server may refuse a body early: its answer can lie there although our write failed.
    auto early = co_await read_response(request.method == "HEAD", std::min(until, Clock::now() + 1s));
    close();
    if (early) co_return Attempt{std::move(early), false};
    auto const code = error == asio::error::timed_out ? IssueType::timeout : IssueType::incomplete;
    co_return Attempt{fhir::error(code, "HTTP: cannot write the request: " + error.message()),
                      in.empty() && code == IssueType::incomplete};
  }
  auto response = co_await read_response(request.method == "HEAD", until);
  auto const reopen = !response && response.error().code == IssueType::incomplete && in.empty();
  co_return Attempt{std::move(response), reopen};
}

asio::awaitable<Result<HttpResponse>> HttpClient::State::read_response(bool bodiless,
                                                                       Clock::time_point until) {
  constexpr int kInterimMax = 8;  // 100 and 103 answers before the real one
  for (int interim = 0; interim <= kInterimMax; ++interim) {
    auto const text = co_await read_head(until);
    if (!text) co_return text.error();
    auto const head = check_head(*text, HeadKind::response, options.limits.header_fields);
    if (!head) co_return head.error();
    if (head->status == 101)
      co_return fhir::error(IssueType::structure, "HTTP: a change of protocol nobody asked for");
    if (head->status < 200) continue;
    auto parser = HttpParser::begin(HeadKind::response, *text,
                                    {options.limits.answer_bytes, options.limits.head_bytes}, bodiless);
    if (!parser) co_return parser.error();
    auto const has_length = head->chunked || head->content_length.has_value();
    auto const read = co_await read_body(*parser, !has_length, until);
    if (!read) co_return read.error();
    if (head->close || (!has_length && !bodiless && head->status != 204 && head->status != 304)) close();
    HttpResponse response;
    response.status = head->status;
    response.headers = std::move(parser->headers());
    response.body = std::move(parser->body());
    co_return response;
  }
  co_return fhir::error(IssueType::structure, "HTTP: too many interim responses");
}

asio::awaitable<Result<std::string>> HttpClient::State::read_head(Clock::time_point until) {
  for (std::size_t looked_at = 0;;) {
    auto const end = find_head_end(in, looked_at);
    if (!end) co_return end.error();
    if (std::min(*end, in.size()) > options.limits.head_bytes) {
      co_return fhir::error(IssueType::too_long, "HTTP head: longer than allowed");
    }
    if (*end != std::string::npos) {
      auto text = in.substr(0, *end);
      in.erase(0, *end);
      co_return text;
    }
    looked_at = in.size();
    auto const more = co_await fill(until);
    if (!more) co_return more.error();
    if (!*more) co_return fhir::error(IssueType::incomplete, "HTTP: the connection ended before a response");
  }
}

asio::awaitable<Result<void>> HttpClient::State::read_body(HttpParser& parser, bool until_end,
                                                           Clock::time_point until) {
  auto wire_bytes_left = 2 * options.limits.answer_bytes + options.limits.head_bytes;
  while (!parser.done()) {
    auto const eaten = parser.put(in);
    if (!eaten) co_return eaten.error();
    in.erase(0, *eaten);
    wire_bytes_left -= std::min(wire_bytes_left, *eaten);
    if (parser.done()) break;
    if (wire_bytes_left == 0) co_return fhir::error(IssueType::too_long, "HTTP: more chunking than content");
    auto const more = co_await fill(until);
    if (!more) co_return more.error();
    if (*more) continue;
    if (!until_end)
      co_return fhir::error(IssueType::incomplete, "HTTP: the connection ended inside a response");
    co_return parser.put_end();
  }
  co_return Result<void>{};
}

/// False at the end of the stream. A TLS stream cut without its goodbye is an error: the body may be too.
asio::awaitable<Result<bool>> HttpClient::State::fill(Clock::time_point until) {
  auto const left = std::chrono::duration_cast<Duration>(until - Clock::now());
  if (left <= Duration::zero())
    co_return fhir::error(IssueType::timeout, "HTTP: no complete response in time");
  auto const [error, bytes] = co_await stream->read_some(asio::buffer(chunk), left);
  if (error == asio::error::timed_out)
    co_return fhir::error(IssueType::timeout, "HTTP: no complete response in time");
  if (error == asio::error::eof) co_return false;
  if (error) co_return fhir::error(IssueType::incomplete, "HTTP: the connection broke: " + error.message());
  in.append(chunk.data(), bytes);
  co_return true;
}

HttpClient::HttpClient(asio::any_io_executor executor, HttpClientOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

HttpClient::~HttpClient() { close(); }

HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&& other) noexcept {
  close();
  state_ = std::move(other.state_);
  return *this;
}

asio::awaitable<Result<HttpResponse>> HttpClient::request(Origin origin, HttpRequest request,
                                                          Duration deadline) {
  return state_->request(std::move(origin), std::move(request), deadline);
}

void HttpClient::close() {
  if (state_ != nullptr) state_->close();
}

}  // namespace gateway::net
