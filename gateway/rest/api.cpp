#include "gateway/rest/api.hpp"

#include "fhir/search/query.hpp"
#include "gateway/rest/answer.hpp"
#include "gateway/rest/etag.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/request.hpp"
#include "gateway/rest/router.hpp"
#include "gateway/rest/times.hpp"

#include <algorithm>

namespace gateway::rest {

namespace asio = net::asio;

namespace {

constexpr char const* kMediaType = "application/fhir+json; charset=utf-8";

/// What every request may say about the form of its answer.
struct Form {
  std::string format;
  bool pretty = false;
};

fhir::Result<Form> parse_form(std::string_view query) {
  Form form;
  if (query.find("_format") == std::string_view::npos && query.find("_pretty") == std::string_view::npos)
    return form;
  FHIR_TRY(auto const pairs, fhir::search::parse_pairs(query));
  for (auto const& [name, value] : pairs) {
    if (name == "_format") form.format = value;
    if (name == "_pretty") form.pretty = value == "true";
  }
  return form;
}

fhir::Result<Request> to_request(net::HttpRequest& http, intake::Principal principal,
                                 std::string_view base_path) {
  Request request;
  request.method = http.method == "HEAD" ? "GET" : http.method;
  std::string_view path = http.path();
  if (!path.starts_with(base_path))
    return fhir::error(fhir::IssueType::not_found, "The FHIR base is elsewhere.");
  path.remove_prefix(base_path.size());
  FHIR_TRY(request.path, parse_path(path));
  request.query = http.query();
  read_headers(http.headers, request);
  request.body = std::move(http.body);
  request.principal = std::move(principal);
  request.request_id = http.request_id;
  return request;
}

/// Nothing of the client's stands here unchecked: ids match their grammar, versions are numbers (security.md
/// I2).
net::HttpResponse to_response(Answer answer, Settings const& settings, bool pretty) {
  net::HttpResponse response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  if (answer.version_id != 0) response.headers.add("ETag", to_etag(answer.version_id));
  if (answer.last_updated_ms != 0)
    response.headers.add("Last-Modified", to_http_date(answer.last_updated_ms));
  if (!answer.location.empty()) response.headers.add("Location", settings.base_url + '/' + answer.location);
  // Health data stays out of every cache; a client that kept a copy asks again with If-None-Match.
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("X-Content-Type-Options", "nosniff");
  if (!answer.body.empty()) {
    response.headers.add("Content-Type", kMediaType);
    response.body = pretty ? to_pretty(answer.body) : std::move(answer.body);
  }
  return response;
}

}  // namespace

Api::Api(ApiOptions options) {
  std::int64_t const started_ms = options.clock();
  PageTokens const tokens(options.page_key ? *options.page_key : PageTokens::random_key());
  auto definitions = options.definitions != nullptr
                         ? std::move(options.definitions)
                         : std::make_shared<conformance::Definitions const>(conformance::make_r4());
  auto context = std::make_unique<Context>(
      Context{options.store, options.writer, std::move(options.clock), std::move(options.ids),
              std::move(options.run_on_pool), std::move(options.settings), tokens, started_ms,
              std::make_shared<CapabilityCache>(), std::move(options.tables), std::move(options.archive),
              std::move(definitions), options.judging});
  context->releases = std::move(options.releases);
  context->remote = std::move(options.remote);
  context_ = std::move(context);
}

Api::~Api() = default;

bool Api::serves(std::string_view path) const {
  std::string_view const base = context_->settings.base_path;
  return path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
}

asio::awaitable<net::HttpResponse> Api::handle(net::HttpRequest http, intake::Principal principal) {
  Context const& context = *context_;
  auto const form = parse_form(http.query());
  bool const pretty = form && form->pretty;
  std::string const accept(http.headers.get("Accept"));
  auto request = to_request(http, std::move(principal), context.settings.base_path);
  if (!form) co_return to_response(refuse(form.error()), context.settings, false);
  if (!request) co_return to_response(refuse(request.error()), context.settings, pretty);
  if (auto const acceptable = check_acceptable(accept, form->format); !acceptable) {
    co_return to_response(refuse(acceptable.error()), context.settings, pretty);
  }
  Answer answer = co_await dispatch(context, *request);
  co_return to_response(std::move(answer), context.settings, pretty);
}

}  // namespace gateway::rest
