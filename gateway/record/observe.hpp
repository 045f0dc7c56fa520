/// What a Unit's changes mean: resources before and after, and the facts of the message, become events of
/// records.
///
/// Internal to this room. Both doors end in the same events: an RRI^I12 with RF1-1 A and a PUT of Task.status
/// accepted are one `accepted`. Reads, but writes nothing.
#pragma once

#include "gateway/record/context.hpp"

#include <string>
#include <vector>

namespace gateway::record {

enum class RecordKind : unsigned char { referral, transition, orphan };

struct Observation {
  RecordKind record_kind = RecordKind::referral;
  std::string record;
  std::string person;
  Event event;
  std::vector<std::string> keys;  ///< To be remembered for the record.
  std::vector<std::string> views;
};

fhir::Result<std::vector<Observation>> observe(Context& context);

/// "referral/abc" of "ServiceRequest/abc"; "transition/abc" of "Encounter/abc".
std::string referral_id(std::string_view service_request_id);
std::string transition_id(std::string_view encounter_id);

}  // namespace gateway::record
