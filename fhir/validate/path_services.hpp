/// Profiles for FHIRPath: conformsTo(), elementDefinition(), slice(), as invariants have them.
#pragma once

#include "fhir/path/path.hpp"
#include "fhir/validate/validator.hpp"

#include <memory>

namespace fhir::validate {

/// Fills conforms_to, element_definition and in_slice of `services` for expressions on `resource`, and
/// resolve as `options` have it. What is given is kept by the services but for `resource` and what the
/// options point to, which must outlive them. For one thread.
void provide(std::shared_ptr<profiles::Profiles const> profiles, Options options,
             json::Element const& resource, path::Services& services);

}  // namespace fhir::validate
