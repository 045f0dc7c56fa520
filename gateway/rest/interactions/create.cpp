// https://hl7.org/fhir/R4/http.html#create and #ccreate
#include "gateway/rest/commit.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/times.hpp"
#include "gateway/rest/writes.hpp"

namespace gateway::rest {

namespace {

/// A new id. One that a client's PUT has taken is passed over.
fhir::Result<std::string> free_id(store::Unit& unit, std::string const& type, store::IdSource const& ids) {
  for (;;) {
    std::string id = ids();
    FHIR_TRY(auto const taken, unit.find(type, id));
    if (!taken) return id;
  }
}

fhir::Result<Write> plan(Request const& request) {
  FHIR_TRY(auto const options, parse_options(request.query, {}, request.handling));
  Write write;
  write.kind = WriteKind::create;
  write.type = request.type;
  FHIR_TRY(write.resource, read_resource(request));
  if (write.resource.root->text_at("resourceType") != request.type) {
    return fhir::error(fhir::IssueType::value, "The resource's type must be the one in the URL.",
                       "resourceType");
  }
  write.condition_text = request.if_none_exist;
  if (!write.condition_text.empty()) {
    FHIR_TRY(write.condition, parse_condition(write.type, write.condition_text, "If-None-Exist"));
  }
  return write;
}

}  // namespace

Planned plan_create(Context const& context, Request const& request) {
  auto write = plan(request);
  if (!write) return Planned{{}, {std::move(write).error()}};
  Planned planned{*std::move(write), {}};
  planned.issues =
      judged(context.judge_of(request.principal), *planned.write.resource.root, to_instant(context.clock()));
  return planned;
}

fhir::Result<Written> resolve_create(store::Unit& unit, Write const& write, WriteSetting const& setting) {
  Written written;
  if (write.condition) {
    FHIR_TRY(auto found, match_one(unit, write));
    if (found) {
      written.matched = true;
      written.id = found->id;
      written.current = *std::move(found);
      return written;
    }
  }
  FHIR_TRY(written.id, free_id(unit, write.type, setting.ids));
  return written;
}

net::asio::awaitable<Answer> create(Context const& context, Request const& request) {
  Planned planned;
  std::function<void()> job = [&] { planned = plan_create(context, request); };
  co_await run_planning(context, request, std::move(job));
  co_return co_await commit_one(context, request, std::move(planned));
}

}  // namespace gateway::rest
