// https://hl7.org/fhir/R4/http.html#delete and #cdelete
#include "gateway/rest/commit.hpp"
#include "gateway/rest/etag.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/status.hpp"
#include "gateway/rest/writes.hpp"

namespace gateway::rest {

namespace {

fhir::Result<Write> plan(Request const& request) {
  Write write;
  write.kind = WriteKind::remove;
  write.type = request.type;
  write.id = request.id;
  if (request.id.empty()) {
    write.condition_text = request.query;
    FHIR_TRY(write.condition, parse_condition(write.type, request.query, ""));
  } else {
    FHIR_TRY(auto const options, parse_options(request.query, {}, request.handling));
  }
  if (!request.if_match.empty()) {
    FHIR_TRY(write.if_match, parse_etag(request.if_match, kIfMatch));
  }
  return write;
}

}  // namespace

Planned plan_remove(Request const& request) {
  auto write = plan(request);
  if (!write) return Planned{{}, {std::move(write).error()}, false};
  return Planned{*std::move(write), {}, false};
}

/// What is not there is deleted already: the answer to a repeated DELETE is that of the first.
fhir::Result<Written> resolve_remove(store::Unit& unit, Write const& write) {
  Written written;
  std::optional<store::Version> current;
  if (write.condition) {
    FHIR_TRY(current, match_one(unit, write));
  } else {
    FHIR_TRY(current, unit.find(write.type, write.id));
  }
  FHIR_CHECK(check_preconditions(write, current));
  written.id = current ? current->id : write.id;
  written.nothing = !current || current->deleted;
  if (current) written.current = *std::move(current);
  return written;
}

net::asio::awaitable<Answer> remove(Context const& context, Request const& request) {
  Planned planned = plan_remove(request);
  co_return co_await commit_one(context, request, std::move(planned));
}

}  // namespace gateway::rest
