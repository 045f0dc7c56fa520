// https://hl7.org/fhir/R4/http.html#delete and #cdelete
#include "gateway/rest/commit.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/writes.hpp"

namespace gateway::rest {

Planned plan_remove(Request const& request) {
  auto write = plan_target(request, WriteKind::remove);
  if (!write) return Planned{{}, {std::move(write).error()}};
  return Planned{*std::move(write), {}};
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
