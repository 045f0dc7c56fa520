#include "gateway/terminology/remote.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/net/http_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <mutex>
#include <optional>
#include <unordered_map>

namespace gateway::terminology {

namespace asio = net::asio;

using fhir::IssueType;
using fhir::Result;

namespace {

Result<net::HttpResponse> exchange(RemoteOptions const& options, net::Url const& url, std::string body) {
  asio::io_context io;  // of this question alone: the thread has nothing else to do
  net::HttpClientOptions client_options;
  client_options.tls = options.tls;
  client_options.limits.answer_bytes = options.answer_bytes_max;
  net::HttpClient client(io.get_executor(), std::move(client_options));
  net::HttpRequest request;
  request.method = "POST";
  request.target = url.target;
  request.headers.add("Content-Type", "application/fhir+json");
  request.headers.add("Accept", "application/fhir+json");
  request.body = std::move(body);
  std::optional<Result<net::HttpResponse>> answer;
  asio::co_spawn(io, client.request(url.origin, std::move(request), options.timeout),
                 [&](std::exception_ptr thrown, Result<net::HttpResponse> response) {
                   if (!thrown) answer.emplace(std::move(response));
                   io.stop();  // the kept connection's timer would be waited for
                 });
  io.run_for(options.timeout + std::chrono::seconds(1));
  client.close();
  if (answer) return *std::move(answer);
  return fhir::error(IssueType::timeout, "The terminology server did not answer in time");
}

bool is_resource(std::string const& body) {
  auto const read = fhir::json::read_document(body);
  return read && !read->root.text_at("resourceType").empty();
}

}  // namespace

struct RemoteServer::State {
  struct Kept {
    std::string body;
    std::int64_t until_ms = 0;
  };

  RemoteOptions options;
  std::mutex mutex;
  std::unordered_map<std::string, Kept> kept;
  std::int64_t silent_until_ms = 0;

  std::optional<std::string> find(std::string const& question, std::int64_t now_ms) {
    std::lock_guard const lock(mutex);
    auto const found = kept.find(question);
    if (found == kept.end() || found->second.until_ms < now_ms) return std::nullopt;
    return found->second.body;
  }
  void keep(std::string question, std::string const& body, std::int64_t now_ms) {
    std::lock_guard const lock(mutex);
    if (kept.size() >= options.kept_max) kept.clear();
    kept[std::move(question)] = {body, now_ms + options.kept_ms};
  }
  bool is_silent(std::int64_t now_ms) {
    std::lock_guard const lock(mutex);
    return now_ms < silent_until_ms;
  }
  void be_silent(std::int64_t now_ms) {
    std::lock_guard const lock(mutex);
    silent_until_ms = now_ms + options.silence_ms;
  }
};

RemoteServer::RemoteServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
RemoteServer::~RemoteServer() = default;

Result<std::shared_ptr<RemoteServer>> RemoteServer::make(RemoteOptions options) {
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  FHIR_TRY(auto const url, net::parse_url(options.base_url));
  if (url.origin.scheme == "http" && !net::is_loopback(url.origin))
    return fhir::error(IssueType::security, "Another machine is asked by https only");
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  return std::shared_ptr<RemoteServer>(new RemoteServer(std::move(state)));
}

Result<std::string> RemoteServer::ask(std::string_view operation, std::string_view parameters,
                                      std::int64_t now_ms) {
  std::string question = std::string(operation) + ' ' + std::string(parameters);
  if (auto known = state_->find(question, now_ms)) return *std::move(known);
  if (state_->is_silent(now_ms))
    return fhir::error(IssueType::transient, "The terminology server has not answered a moment ago");
  FHIR_TRY(auto const url, net::parse_url(state_->options.base_url + '/' + std::string(operation)));
  auto const response = exchange(state_->options, url, std::string(parameters));
  bool const is_there = response && response->status < 500;
  if (!is_there) {
    state_->be_silent(now_ms);
    return fhir::error(IssueType::transient,
                       response ? "The terminology server has failed"
                                : "The terminology server cannot be asked: " + response.error().diagnostics);
  }
  if (response->status != 200 || !is_resource(response->body))
    return fhir::error(IssueType::not_found, "The terminology server does not know it either");
  state_->keep(std::move(question), response->body, now_ms);
  return response->body;
}

}  // namespace gateway::terminology
