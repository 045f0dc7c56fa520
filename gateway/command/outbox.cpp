#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/store/instant.hpp"

#include <iostream>

namespace gateway::command {

namespace {

std::string_view to_word(store::OutboxState state) {
  switch (state) {
    case store::OutboxState::waiting:
      return "waiting";
    case store::OutboxState::sent:
      return "sent";
    case store::OutboxState::delivered:
      return "delivered";
    case store::OutboxState::unconfirmed:
      return "unconfirmed";
    case store::OutboxState::stopped:
      return "stopped";
    case store::OutboxState::cancelled:
      return "cancelled";
  }
  return "";
}

/// What is not settled yet, by destination in the order in which it goes. No payload.
fhir::Result<void> list(OutboxArguments const& arguments) {
  FHIR_TRY(auto const snapshot, open_view(arguments.config));
  FHIR_TRY(auto const destinations, snapshot->outbox_destinations());
  for (std::string const& destination : destinations) {
    FHIR_TRY(auto const rows, snapshot->outbox(destination, arguments.count));
    for (store::OutboxRow const& row : rows) {
      std::cout << row.id << "  " << destination << "  " << to_word(row.state) << "  " << row.kind
                << "  queued " << store::to_instant(row.created_ms) << "  attempts " << row.attempts;
      if (row.resent > 0) std::cout << "  resent " << row.resent;
      if (!row.last_outcome.empty()) std::cout << "  " << row.last_outcome;
      std::cout << "\n";
    }
  }
  return {};
}

/// A stopped row goes again, or is given up; either way the rows behind it go on.
fhir::Result<void> settle(OutboxArguments const& arguments, store::OutboxState state) {
  FHIR_TRY(auto const setup, make_setup(arguments.config));
  FHIR_CHECK(setup.store->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto row, unit.snapshot().find_outbox(arguments.id));
    if (!row) return fhir::error(fhir::IssueType::not_found, "the outbox has no row of that number");
    if (row->state != store::OutboxState::stopped)
      return fhir::error(fhir::IssueType::conflict,
                         "that row is not stopped but " + std::string(to_word(row->state)));
    row->state = state;
    row->next_attempt_ms = 0;
    unit.update_outbox(*row);
    return {};
  }));
  std::cout << to_word(state) << "\n";
  return {};
}

}  // namespace

int outbox_list(OutboxArguments const& arguments) { return code_of(list(arguments)); }
int outbox_retry(OutboxArguments const& arguments) {
  return code_of(settle(arguments, store::OutboxState::waiting));
}
int outbox_cancel(OutboxArguments const& arguments) {
  return code_of(settle(arguments, store::OutboxState::cancelled));
}

}  // namespace gateway::command
