/// What a Unit's changes mean: resources before and after, and the facts of the message, become events of
/// records.
///
/// Internal to this room. Both doors end in the same events: an RRI^I12 with RF1-1 A and a PUT of Task.status
/// accepted are one `accepted`. Reads, but writes nothing.
#pragma once

#include "gateway/record/context.hpp"
#include "gateway/record/work_item.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::record {

enum class RecordKind : unsigned char { referral, transition };

struct Observation {
  RecordKind record_kind = RecordKind::referral;
  std::string record;
  std::string person;
  Event event;
  std::vector<std::string> keys;  ///< To be remembered for the record.
  std::vector<std::string> views;
};

/// Events of records; what belongs to none; which work items their owners settled.
struct Observed {
  std::vector<Observation> records;
  std::vector<WorkItem> items;
  std::vector<std::pair<std::string, Settlement>> settled;
};

fhir::Result<Observed> observe(Context& context);

/// What it means that a person says where an orphan belongs: the events that it would have been, had it been
/// linked. `target` is a view of the record. Errors: see attach_orphan().
fhir::Result<Observed> observe_attachment(Context& context, std::string const& id, std::string_view target,
                                          Settlement const& settlement);

/// "referral/abc" of "ServiceRequest/abc"; "transition/abc" of "Encounter/abc".
std::string referral_id(std::string_view service_request_id);
std::string transition_id(std::string_view encounter_id);

}  // namespace gateway::record
