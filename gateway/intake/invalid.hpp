/// What a message would store, judged before it is stored. Internal to this room.
/// Source: R4 validation.html; design translation.md 3.5 (L9), reliability.md R2.
#pragma once

#include "fhir/result.hpp"
#include "gateway/conformance/judge.hpp"
#include "gateway/intake/reconcile.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

namespace gateway::intake {

/// What is wrong with what the draft's resources have become in the Unit. What was wrong with them before is
/// not this message's fault and is left out. Each error has the FHIRPath of the element as expression and the
/// field that gave it as source; where no field gave it, the segment that its resource came from.
fhir::Issues errors_in_stored(store::Unit& unit, conformance::Judge const& judge,
                              mappings::language::Draft const& draft, Reconciled const& reconciled);

/// Whether it is the store's affair and no message's: another try may do.
bool is_of_store(fhir::Issue const& issue);

}  // namespace gateway::intake
