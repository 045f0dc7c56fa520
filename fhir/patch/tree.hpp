/// Places of a resource as FHIR JSON, where a primitive is two members, "name" and "_name", and a list of
/// primitives two arrays side by side. Source: R4 json.html#primitive.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/element.hpp"
#include "fhir/path/path.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace fhir::patch {

/// An element, or a list of elements where `index` is none: member `name` of `object`, whose type is `type`.
struct Location {
  json::Element* object = nullptr;
  definitions::TypeDefinition const* type = nullptr;
  std::string_view name;
  std::optional<std::size_t> index;
  std::size_t depth = 0;  ///< of the object, below the root
};

/// A value to be put in: what stands in "name" and in "_name"; null for neither.
struct Value {
  json::Element plain;
  json::Element extra;
};

/// Where a node stands in the tree below `root`, which is an object of a known type; nullopt when it stands
/// elsewhere or is the root. Adds the values looked at to `looked_at`.
std::optional<Location> locate(json::Element& root, path::Item const& node, std::size_t& looked_at);

/// How many items the list has; 0 when there is none.
std::size_t list_size(json::Element const& object, std::string_view name);
/// Whether the element is there, as value or as "_name".
bool has(json::Element const& object, std::string_view name);

// Both members are kept in step; one that ends up without a value is taken away.
void set_value(json::Arena& arena, json::Element& object, std::string_view name, Value const& value);
void insert_value(json::Arena& arena, json::Element& object, std::string_view name, std::size_t index,
                  Value const& value);
void replace_value(json::Arena& arena, json::Element& object, std::string_view name, std::size_t index,
                   Value const& value);
void remove_value(json::Arena& arena, json::Element& object, std::string_view name,
                  std::optional<std::size_t> index);
void move_value(json::Arena& arena, json::Element& object, std::string_view name, std::size_t from,
                std::size_t to);

/// The object that holds a primitive's id and extensions ("_name", or an item of it), made when it is none
/// yet.
json::Element& extra_object(json::Arena& arena, Location const& location);

}  // namespace fhir::patch
