/// From a node of a resource to the nodes below it. Source: R4 json.html (primitive members "_name");
/// fhirpath.html.
#pragma once

#include "fhir/path/path.hpp"

#include <string_view>

namespace fhir::path {

/// Appends the nodes of that FHIRPath name: "value" finds valueQuantity, an array gives its items.
void append_members(Item const& node, std::string_view name, Collection& out);
/// Appends every node right below.
void append_children(Item const& node, Collection& out);

}  // namespace fhir::path
