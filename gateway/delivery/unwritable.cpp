#include "gateway/delivery/unwritable.hpp"

#include "gateway/record/work_item.hpp"

namespace gateway::delivery {

fhir::Result<void> open_unwritable(store::Unit& unit, store::OutboxRow const& row, fhir::Issues const& why,
                                   record::Site const& site) {
  record::WorkItem item;
  item.kind = record::work::unwritable;
  item.seed = row.destination + "|" + std::to_string(row.id);
  item.reason = row.kind.substr(row.kind.find(':') + 1) + " cannot be written to " + row.destination + ": " +
                why.front().diagnostics;
  if (why.size() > 1) item.reason += ", and " + std::to_string(why.size() - 1) + " more";
  item.outcome = why;
  item.as_task = true;
  item.owner = site.gateway_organization;
  item.data["destination"] = {row.destination};
  for (fhir::Issue const& issue : why) {
    item.data["outcome"].push_back(fhir::to_line(issue));
    if (!issue.source.empty()) item.data["field"].push_back(issue.source);
    if (!issue.expression.empty()) item.data["element"].push_back(issue.expression);
  }
  record::Cause cause;
  cause.door = record::Door::gateway;
  cause.origin = "gateway";
  cause.message = row.kind;
  cause.received_ms = unit.now_ms();
  FHIR_TRY(auto const id, record::open_work_item(unit, cause, site, item));
  unit.note_sighting(id);
  return {};
}

}  // namespace gateway::delivery
