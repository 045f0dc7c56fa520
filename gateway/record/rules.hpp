/// Who may change what (record.md section 3, "Who writes what"; standards.md 3 and 5). Internal to this room.
#pragma once

#include "gateway/record/context.hpp"

namespace gateway::record {

/// Refuses a FHIR write that a party does not own, or that FHIR R4 calls final. Errors: business_rule,
/// conflict.
fhir::Result<void> check_rules(Context& context);

}  // namespace gateway::record
