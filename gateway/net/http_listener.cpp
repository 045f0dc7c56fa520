#include "gateway/net/http_listener.hpp"

#include "gateway/net/http_head_check.hpp"
#include "gateway/net/http_parser.hpp"
#include "gateway/net/runtime.hpp"
#include "gateway/net/server.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <exception>
#include <optional>
#include <utility>

namespace gateway::net {
namespace {

using Clock = std::chrono::steady_clock;
using fhir::IssueType;

struct Refusal {
  int status = 400;
  fhir::Issue issue;
};

/// Why a session ends: with an answer, or silently because the peer is gone, was idle too long, or we are
/// stopping.
struct Ending {
  std::optional<Refusal> refusal;
};

template <class T>
using Step = boost::system::result<T, Ending>;

Ending refuse(int status, fhir::Issue issue) { return Ending{Refusal{status, std::move(issue)}}; }

Ending refuse(fhir::Issue issue, int status_when_too_long) {
  auto const status = issue.code == IssueType::too_long ? status_when_too_long : 400;
  return refuse(status, std::move(issue));
}

Duration left_until(Clock::time_point until) {
  return std::max(Duration(1), std::chrono::duration_cast<Duration>(until - Clock::now()));
}

Clock::time_point after(Duration duration) { return Clock::now() + duration; }

/// RFC 9110 section 5.6.7, made once a second.
std::string_view http_date() {
  thread_local std::time_t made_at = 0;
  thread_local std::array<char, 40> text{};
  thread_local std::size_t size = 0;
  auto const now = std::time(nullptr);
  if (now != made_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    made_at = now;
  }
  return {text.data(), size};
}

bool is_fit_request_id(std::string_view id) {
  constexpr std::size_t kBytesMax = 64;
  auto const fit = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '.' || c == '_';
  };
  return !id.empty() && id.size() <= kBytesMax && std::all_of(id.begin(), id.end(), fit);
}

/// These are written by us, from what we know, whatever the handler says.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames{"content-length", "connection", "date",
                                                   "transfer-encoding"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view ours) { return equal_without_case(name, ours); });
}

bool can_be_written(HttpResponse const& response) {
  return response.status >= 200 && response.status <= 599 &&
         std::all_of(response.headers.begin(), response.headers.end(), [](HttpHeaders::Field const& field) {
           return is_field_name(field.first) && is_field_value(field.second);
         });
}

bool has_body(int status) { return status != 204 && status != 304; }

std::string to_head(HttpResponse const& response, std::string_view request_id, bool keep_alive) {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head += reason_phrase(response.status);
  head += "\r\nDate: ";
  head += http_date();
  for (auto const& [name, value] : response.headers) {
    if (is_ours(name)) continue;
    head += "\r\n";
    head += name;
    head += ": ";
    head += value;
  }
  if (!request_id.empty() && !response.headers.contains("X-Request-Id")) {
    head += "\r\nX-Request-Id: ";
    head += request_id;
  }
  if (has_body(response.status)) {
    head += "\r\nContent-Length: ";
    head += std::to_string(response.body.size());
  }
  head += keep_alive ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
  return head;
}

/// RFC 9112 section 3.2.2: the absolute form is to be accepted; its authority must then be the Host.
fhir::Result<std::string> to_origin_form(HttpHead const& head) {
  auto target = head.target;
  if (target.starts_with('/') || (target == "*" && head.method == "OPTIONS")) return std::string(target);
  for (std::string_view const scheme : {"http://", "https://"}) {
    if (!equal_without_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    auto const end = std::min(target.find_first_of("/?"), target.size());
    if (!equal_without_case(target.substr(0, end), head.host)) break;
    target.remove_prefix(end);
    return target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  }
  return fhir::error(IssueType::structure, "HTTP head: the target is no path, or names another host");
}

/// What the sessions share. Outlives the listener while sessions run: the server that runs them holds it.
struct HttpService : std::enable_shared_from_this<HttpService> {
  HttpService(Runtime& its_runtime, HttpListenerOptions its_options, HttpHandler its_handler)
      : runtime(its_runtime), options(std::move(its_options)), handler(std::move(its_handler)) {}

  asio::awaitable<void> serve(std::shared_ptr<Connection> connection);
  std::string next_request_id() {
    return options.request_id_prefix + "-" +
           std::to_string(requests_named.fetch_add(1, std::memory_order_relaxed));
  }

  Runtime& runtime;
  HttpListenerOptions options;
  HttpHandler handler;
  HttpCounters counters;
  std::atomic<std::uint64_t> requests_named{1};
};

/// One connection: read a request, have it answered, write, again.
class HttpSession {
 public:
  HttpSession(HttpService& service, Connection& connection)
      : service_(service),
        limits_(service.options.limits),
        connection_(connection),
        certificate_(connection.stream().peer_certificate()),
        chunk_(limits_.read_chunk_bytes, '\0') {}

  asio::awaitable<void> run();

 private:
  asio::awaitable<Step<bool>> serve_one();
  asio::awaitable<Step<std::string>> read_head();
  asio::awaitable<Step<HttpRequest>> read_request(HttpHead head, HttpParser parser);
  asio::awaitable<Step<void>> read_body(HttpParser& parser);
  asio::awaitable<Step<void>> invite_body(HttpHead const& head);
  asio::awaitable<HttpResponse> handle(HttpRequest request);
  asio::awaitable<Step<void>> write(HttpResponse response, std::string request_id, bool with_body,
                                    bool keep_alive);
  asio::awaitable<boost::system::error_code> fill(Duration timeout);
  asio::awaitable<boost::system::error_code> write_raw(std::span<asio::const_buffer const> buffers);
  void name(HttpRequest& request);

  HttpService& service_;
  HttpLimits const& limits_;
  Connection& connection_;
  PeerCertificate certificate_;
  std::string in_;  // read and not yet used: part of a request, or pipelined ones
  std::string chunk_;
  std::size_t served_ = 0;
};

asio::awaitable<void> HttpSession::run() {
  for (;;) {
    auto const went_on = co_await serve_one();
    if (went_on && *went_on) continue;
    auto const refusal = went_on ? std::nullopt : went_on.error().refusal;  // error() returns a copy
    if (refusal) {
      if (refusal->status == 408) ++service_.counters.timed_out;
      auto answer = service_.options.refusal(refusal->status, refusal->issue);
      (void)co_await write(std::move(answer), {}, true, false);
    }
    break;
  }
  co_await connection_.stream().linger_and_close(limits_.accept.close_linger);
}

/// True when another request may follow on this connection.
asio::awaitable<Step<bool>> HttpSession::serve_one() {
  auto const text = co_await read_head();
  if (!text) co_return text.error();
  auto head = check_head(*text, HeadKind::request, limits_.header_fields);
  if (head && head->content_length.value_or(0) > limits_.body_bytes) {
    ++service_.counters.bad_bodies;
    co_return refuse(413, fhir::error(IssueType::too_long, "HTTP body: longer than allowed"));
  }
  auto parser = head ? HttpParser::begin(HeadKind::request, *text, {limits_.body_bytes, limits_.head_bytes})
                     : fhir::Result<HttpParser>(head.error());
  if (!parser) {
    ++service_.counters.bad_heads;
    co_return refuse(std::move(parser).error(), 431);
  }
  auto request = co_await read_request(*head, std::move(*parser));
  if (!request) co_return request.error();
  ++service_.counters.requests;
  ++served_;
  auto request_id = request->request_id;
  auto const with_body = head->method != "HEAD";
  auto response = co_await handle(std::move(*request));
  auto const keep_alive = !head->close && !connection_.stopping() &&
                          served_ < limits_.requests_per_connection &&
                          !equal_without_case(response.headers.get("connection"), "close");
  auto const written = co_await write(std::move(response), std::move(request_id), with_body, keep_alive);
  if (!written) co_return written.error();
  co_return keep_alive;
}

/// The raw head of the next request, empty line included.
asio::awaitable<Step<std::string>> HttpSession::read_head() {
  std::size_t looked_at = 0;
  auto may_skip_line = true;  // RFC 9112 section 2.2: one empty line before a request is ignored
  auto until = after(limits_.head);
  for (;;) {
    if (may_skip_line && in_.starts_with("\r\n")) {
      in_.erase(0, 2);
      may_skip_line = false;
      looked_at = 0;
    }
    auto const end = find_head_end(in_, looked_at);
    if (!end) {
      ++service_.counters.bad_heads;
      co_return refuse(400, end.error());
    }
    if (std::min(*end, in_.size()) > limits_.head_bytes) {
      ++service_.counters.bad_heads;
      co_return refuse(431, fhir::error(IssueType::too_long, "HTTP head: longer than allowed"));
    }
    if (*end != std::string::npos) {
      auto text = in_.substr(0, *end);
      in_.erase(0, *end);
      co_return text;
    }
    looked_at = in_.size();
    auto const idle = in_.empty();
    if (idle && connection_.stopping()) co_return Ending{};
    connection_.set_busy(!idle);
    auto const error = co_await fill(idle ? limits_.idle : left_until(until));
    connection_.set_busy(true);
    if (idle) until = after(limits_.head);
    if (error == asio::error::timed_out && !idle) {
      co_return refuse(408, fhir::error(IssueType::timeout, "HTTP head: not complete in time"));
    }
    if (error) co_return Ending{};
  }
}

asio::awaitable<Step<HttpRequest>> HttpSession::read_request(HttpHead head, HttpParser parser) {
  if (head.expects_other) {
    co_return refuse(
        417, fhir::error(IssueType::not_supported, "HTTP head: an expectation other than 100-continue"));
  }
  auto target = to_origin_form(head);
  if (!target) {
    ++service_.counters.bad_heads;
    co_return refuse(400, target.error());
  }
  if (!parser.done()) {
    auto const invited = co_await invite_body(head);
    if (!invited) co_return invited.error();
    auto const read = co_await read_body(parser);
    if (!read) co_return read.error();
  }
  HttpRequest request;
  request.method = head.method;
  request.target = std::move(*target);
  request.version = head.version;
  request.headers = std::move(parser.headers());
  request.body = std::move(parser.body());
  name(request);
  co_return request;
}

asio::awaitable<Step<void>> HttpSession::invite_body(HttpHead const& head) {
  if (!head.expects_continue || head.version != 11 || !in_.empty()) co_return Step<void>{};
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  std::array<asio::const_buffer, 1> const buffers{asio::buffer(kContinue)};
  auto const error = co_await write_raw(buffers);
  if (error) co_return Ending{};
  co_return Step<void>{};
}

asio::awaitable<Step<void>> HttpSession::read_body(HttpParser& parser) {
  auto const until = after(limits_.body);
  // Chunk headers and trailers are no body, so the body's own limit does not see them.
  auto wire_bytes_left = 2 * limits_.body_bytes + limits_.head_bytes;
  for (;;) {
    auto const before = in_.size();
    auto const eaten = parser.put(in_);
    if (!eaten) {
      ++service_.counters.bad_bodies;
      co_return refuse(eaten.error(), 413);
    }
    in_.erase(0, *eaten);
    wire_bytes_left -= std::min(wire_bytes_left, before - in_.size());
    if (parser.done()) co_return Step<void>{};
    if (wire_bytes_left == 0) {
      ++service_.counters.bad_bodies;
      co_return refuse(413, fhir::error(IssueType::too_long, "HTTP body: more chunking than content"));
    }
    auto error = boost::system::error_code(asio::error::timed_out);
    if (Clock::now() < until) error = co_await fill(left_until(until));
    if (error == asio::error::timed_out) {
      co_return refuse(408, fhir::error(IssueType::timeout, "HTTP body: not complete in time"));
    }
    if (error) co_return Ending{};
  }
}

void HttpSession::name(HttpRequest& request) {
  request.peer_address = connection_.peer_address();
  request.tls = connection_.stream().is_tls();
  request.tls_peer_name = certificate_.name();
  request.tls_peer_names = certificate_.names;
  auto const asked = request.headers.get("X-Request-Id");
  request.request_id = is_fit_request_id(asked) ? std::string(asked) : service_.next_request_id();
}

asio::awaitable<HttpResponse> HttpSession::handle(HttpRequest request) {
  fhir::Issue failure;
  try {
    auto response = co_await service_.handler(std::move(request));
    if (can_be_written(response)) co_return response;
    failure = fhir::error(IssueType::exception, "a response whose status or header cannot be written");
  } catch (std::exception const& exception) {
    failure = fhir::error(IssueType::exception, std::string("a request handler threw: ") + exception.what());
  }
  ++service_.counters.handler_failures;
  service_.runtime.log(failure);
  // What was thrown may quote data: it goes to the log of the operator, not to the client.
  co_return service_.options.refusal(500,
                                     fhir::error(IssueType::exception, "the request could not be served"));
}

asio::awaitable<Step<void>> HttpSession::write(HttpResponse response, std::string request_id, bool with_body,
                                               bool keep_alive) {
  auto const head = to_head(response, request_id, keep_alive);
  auto const body =
      with_body && has_body(response.status) ? std::string_view(response.body) : std::string_view{};
  std::array<asio::const_buffer, 2> const buffers{asio::buffer(head), asio::buffer(body)};
  auto const error = co_await write_raw(buffers);
  if (error) co_return Ending{};
  co_return Step<void>{};
}

asio::awaitable<boost::system::error_code> HttpSession::write_raw(
    std::span<asio::const_buffer const> buffers) {
  auto const [error, bytes] = co_await connection_.stream().write(buffers, limits_.write);
  if (error == asio::error::timed_out) ++service_.counters.timed_out;
  co_return error;
}

asio::awaitable<boost::system::error_code> HttpSession::fill(Duration timeout) {
  auto const [error, bytes] = co_await connection_.stream().read_some(asio::buffer(chunk_), timeout);
  if (!error) in_.append(chunk_, 0, bytes);
  co_return error;
}

asio::awaitable<void> HttpService::serve(std::shared_ptr<Connection> connection) {
  auto const self = shared_from_this();
  HttpSession session(*this, *connection);
  co_await session.run();
}

}  // namespace

struct HttpListener::State {
  std::shared_ptr<HttpService> service;
  std::shared_ptr<Server> server;
};

HttpListener::HttpListener(Runtime& runtime, HttpListenerOptions options, HttpHandler handler)
    : state_(std::make_shared<State>()) {
  auto service = std::make_shared<HttpService>(runtime, std::move(options), std::move(handler));
  auto const& asked = service->options;
  auto& counters = service->counters;
  ServerOptions server{asked.address, asked.port, asked.tls, asked.limits.accept, asked.limits.tcp};
  ServerCounters const counted{counters.accepted, counters.open, counters.refused, counters.tls_failed,
                               counters.accept_failed};
  state_->server = std::make_shared<Server>(runtime, std::move(server), counted);
  state_->server->start(
      [service](std::shared_ptr<Connection> connection) { return service->serve(std::move(connection)); });
  state_->service = std::move(service);
}

HttpListener::~HttpListener() { state_->server->close(); }

std::uint16_t HttpListener::port() const { return state_->server->port(); }

HttpCounters const& HttpListener::counters() const { return state_->service->counters; }

asio::awaitable<bool> HttpListener::stop(Duration deadline) { return state_->server->stop(deadline); }

}  // namespace gateway::net
