#include "examples/partners/fhir.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <charconv>

namespace partners {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

FhirClient::FhirClient(std::string const& base, std::string token, Transcript& transcript)
    : token_(std::move(token)), transcript_(transcript) {
  auto const start = base.find("://") + 3;
  auto const slash = base.find('/', start);
  auto const colon = base.rfind(':', slash);
  host_ = base.substr(start, colon - start);
  std::from_chars(base.data() + colon + 1, base.data() + slash, port_);
  prefix_ = base.substr(slash);
}

FhirAnswer FhirClient::get(std::string const& path) { return request("GET", path, {}, {}); }

FhirAnswer FhirClient::post(std::string const& path, std::string const& body,
                            std::string const& if_none_exist) {
  if (if_none_exist.empty()) return request("POST", path, body, {});
  return request("POST", path, body, {{"If-None-Exist", if_none_exist}});
}

FhirAnswer FhirClient::put(std::string const& path, std::string const& body, std::string const& if_match) {
  if (if_match.empty()) return request("PUT", path, body, {});
  return request("PUT", path, body, {{"If-Match", if_match}});
}

FhirAnswer FhirClient::request(std::string const& method, std::string const& path, std::string const& body,
                               std::vector<std::pair<std::string, std::string>> const& headers) {
  asio::io_context context;
  tcp::socket socket(context);
  socket.connect({asio::ip::make_address(host_), port_});
  http::request<http::string_body> ask(http::string_to_verb(method),
                                       path.empty() ? prefix_ : prefix_ + "/" + path, 11);
  ask.set(http::field::host, host_ + ":" + std::to_string(port_));
  ask.set(http::field::authorization, "Bearer " + token_);
  ask.set(http::field::accept, "application/fhir+json");
  ask.set(http::field::connection, "close");
  for (auto const& [name, value] : headers) ask.set(name, value);
  if (!body.empty()) ask.set(http::field::content_type, "application/fhir+json");
  ask.body() = body;
  ask.prepare_payload();
  transcript_.write(method + " " + path, body);
  http::write(socket, ask);

  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(64 * 1024 * 1024);
  http::read(socket, buffer, parser);
  auto const& response = parser.get();
  transcript_.write("answer " + std::to_string(response.result_int()), response.body());
  FhirAnswer answer;
  answer.status = static_cast<int>(response.result_int());
  answer.etag = std::string(response[http::field::etag]);
  answer.location = std::string(response[http::field::location]);
  answer.text = response.body();
  answer.body.Parse<rapidjson::kParseNumbersAsStringsFlag>(response.body());
  return answer;
}

HookSink::HookSink(Transcript& transcript) : transcript_(transcript) {
  tcp::endpoint const endpoint(asio::ip::address_v4::loopback(), 0);
  acceptor_.open(endpoint.protocol());
  acceptor_.bind(endpoint);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
  thread_ = std::thread([this] { serve(); });
}

HookSink::~HookSink() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  asio::io_context context;
  tcp::socket knock(context);
  boost::system::error_code ignored;
  knock.connect({asio::ip::address_v4::loopback(), port_}, ignored);
  thread_.join();
}

void HookSink::serve() {
  for (;;) {
    tcp::socket socket(context_);
    boost::system::error_code failed;
    acceptor_.accept(socket, failed);
    {
      std::lock_guard const lock(mutex_);
      if (stopping_ || failed) return;
    }
    // One request a connection: simple, and every notification shows that it can open one.
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(socket, buffer, request, failed);
    if (failed) continue;
    Notification notification{std::string(request.method_string()), std::string(request.target()),
                              request.body()};
    transcript_.write("notified " + notification.method + " " + notification.target, notification.body);
    http::response<http::empty_body> answer(http::status::no_content, 11);
    answer.set(http::field::connection, "close");
    http::write(socket, answer, failed);
    socket.shutdown(tcp::socket::shutdown_both, failed);
    {
      std::lock_guard const lock(mutex_);
      received_.push_back(std::move(notification));
    }
    arrived_.notify_all();
  }
}

Notification HookSink::take(std::function<bool(Notification const&)> const& wanted,
                            std::chrono::milliseconds patience) {
  auto const until = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  for (;;) {
    for (std::size_t i = 0; i < received_.size(); ++i) {
      if (!wanted(received_[i])) continue;
      Notification found = received_[i];
      received_.erase(received_.begin() + static_cast<std::ptrdiff_t>(i));
      return found;
    }
    if (arrived_.wait_until(lock, until) == std::cv_status::timeout) return {};
  }
}

rapidjson::Value const* at(rapidjson::Value const& value, std::vector<std::string> const& path) {
  rapidjson::Value const* here = &value;
  for (std::string const& step : path) {
    if (here->IsArray()) {
      std::size_t index = 0;
      std::from_chars(step.data(), step.data() + step.size(), index);
      if (index >= here->Size()) return nullptr;
      here = &(*here)[static_cast<rapidjson::SizeType>(index)];
    } else if (here->IsObject()) {
      auto const member = here->FindMember(step.c_str());
      if (member == here->MemberEnd()) return nullptr;
      here = &member->value;
    } else {
      return nullptr;
    }
  }
  return here;
}

std::string text_at(rapidjson::Value const& value, std::vector<std::string> const& path) {
  auto const* const found = at(value, path);
  if (found == nullptr) return {};
  if (found->IsString()) return {found->GetString(), found->GetStringLength()};
  if (found->IsBool()) return found->GetBool() ? "true" : "false";
  return {};
}

std::string to_text(rapidjson::Value const& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return buffer.GetString();
}

}  // namespace partners
