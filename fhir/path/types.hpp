/// FHIRPath's types: its own (System) and FHIR's, and what a node is as one of FHIRPath's own values.
/// Source: FHIRPath N1 section 6.3; R4 fhirpath.html#types.
#pragma once

#include "fhir/path/path.hpp"

#include <optional>
#include <string_view>

namespace fhir::path {

/// "Patient", "FHIR.string", "System.Integer", "Boolean"; also any name qualified with System.
bool is_known_type(std::string_view specifier);
/// `is`: of the type or of one below it. A name without a namespace means FHIR's for nodes, System's for
/// values.
bool is_of_type(Item const& item, std::string_view specifier);
/// `as` and ofType(): a primitive must be exactly of the type, as R4's own suite reads it.
bool is_cast_type(Item const& item, std::string_view specifier);
bool is_below(definitions::TypeDefinition const& type, std::string_view name);

/// A primitive's or Quantity's value as System's type; a value as it is. nullopt: the node has no value, or
/// is no such type. A Quantity with a comparator is none: it stands for no one value.
std::optional<Item> to_value(Item const& item);
/// The namespace and name of type(): {"System", "Boolean"}, {"FHIR", "Patient"}.
std::string_view namespace_of(Item const& item);
std::string_view name_of(Item const& item);

}  // namespace fhir::path
