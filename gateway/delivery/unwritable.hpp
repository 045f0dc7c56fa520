/// A message that cannot be made of the resources it is to tell: a work item, nothing half sent.
#pragma once

#include "fhir/result.hpp"
#include "gateway/record/record.hpp"
#include "gateway/store/store.hpp"

namespace gateway::delivery {

/// What cannot be written to its destination waits for a person: every element and field that lacks something
/// stands in the item, which its owner finds as a Task with an OperationOutcome as well. `why` is not empty.
fhir::Result<void> open_unwritable(store::Unit& unit, store::OutboxRow const& row, fhir::Issues const& why,
                                   record::Site const& site);

}  // namespace gateway::delivery
