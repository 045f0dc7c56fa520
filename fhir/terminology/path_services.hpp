/// Terminology for FHIRPath: memberOf(), subsumes(), subsumedBy(), %terminologies.
#pragma once

#include "fhir/path/path.hpp"
#include "fhir/terminology/terminology.hpp"

#include <memory>

namespace fhir::terminology {

/// Fills member_of, subsumes and terminology of `services`; `terminology` is kept by them.
void provide(std::shared_ptr<Terminology const> terminology, path::Services& services);

}  // namespace fhir::terminology
