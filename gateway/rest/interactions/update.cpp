// https://hl7.org/fhir/R4/http.html#update, #upsert and #cond-update
#include "gateway/rest/commit.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/times.hpp"
#include "gateway/rest/writes.hpp"

namespace gateway::rest {

namespace {

using fhir::IssueType;

/// The id in the body must be the one in the URL; a conditional update may leave it out.
fhir::Result<void> check_body(Write const& write) {
  if (write.resource.root->text_at("resourceType") != write.type) {
    return fhir::error(IssueType::value, "The resource's type must be the one in the URL.", "resourceType");
  }
  std::string_view const id = write.resource.root->text_at("id");
  if (!write.id.empty() && id != write.id) {
    return fhir::error(IssueType::value, "The resource must carry the id of the URL.", write.type + ".id");
  }
  if (!id.empty() && !is_id(id)) {
    return fhir::error(IssueType::value, "An id is 1 to 64 of A-Z, a-z, 0-9, - and .", write.type + ".id");
  }
  return {};
}

fhir::Result<Write> plan(Request const& request) {
  FHIR_TRY(Write write, plan_target(request, WriteKind::update));
  write.only_if_absent = request.if_none_match == "*";
  FHIR_TRY(write.resource, read_resource(request));
  FHIR_CHECK(check_body(write));
  return write;
}

/// Which id a conditional update writes to: the one found, the body's, or a new one.
fhir::Result<std::string> target_id(store::Unit& unit, Write const& write, WriteSetting const& setting) {
  std::string const own(write.resource.root->text_at("id"));
  FHIR_TRY(auto const found, match_one(unit, write));
  if (found && !own.empty() && own != found->id) {
    return fhir::error(IssueType::value, "The resource found has another id than the one sent.",
                       write.type + ".id");
  }
  if (found) return found->id;
  if (own.empty()) return setting.ids();
  FHIR_TRY(auto const taken, unit.find(write.type, own));
  if (taken && !taken->deleted) {
    return fhir::error(IssueType::conflict, "The condition finds nothing, but a resource of that id exists.",
                       write.type + ".id");
  }
  return own;
}

}  // namespace

Planned plan_update(Context const& context, Request const& request) {
  auto write = plan(request);
  if (!write) return Planned{{}, {std::move(write).error()}};
  Planned planned{*std::move(write), {}};
  planned.issues =
      judged(context.judge_of(request.principal), *planned.write.resource.root, to_instant(context.clock()));
  return planned;
}

fhir::Result<Written> resolve_update(store::Unit& unit, Write const& write, WriteSetting const& setting) {
  Written written;
  written.id = write.id;
  if (write.condition) {
    FHIR_TRY(written.id, target_id(unit, write, setting));
  }
  FHIR_TRY(auto current, unit.find(write.type, written.id));
  FHIR_CHECK(check_preconditions(write, current));
  if (current) written.current = *std::move(current);
  return written;
}

net::asio::awaitable<Answer> update(Context const& context, Request const& request) {
  Planned planned;
  std::function<void()> job = [&] { planned = plan_update(context, request); };
  co_await run_planning(context, request, std::move(job));
  co_return co_await commit_one(context, request, std::move(planned));
}

}  // namespace gateway::rest
