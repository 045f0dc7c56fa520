/// From a node of a resource to the nodes below it. Source: R4 json.html (primitive members "_name");
/// fhirpath.html.
#pragma once

#include "fhir/path/path.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

namespace fhir::path {

/// Appends the nodes of that FHIRPath name: "value" finds valueQuantity, an array gives its items.
void append_members(Item const& node, std::string_view name, Collection& out);
/// Appends every node right below.
void append_children(Item const& node, Collection& out);

/// Which element a name was last: a place of an expression mostly stands on one type. Safe to share by
/// threads.
using LastElement = std::atomic<definitions::ElementDefinition const*>;
/// As above, for a `name` that is always the same for this `last`.
void append_members(Item const& node, std::string_view name, LastElement& last, Collection& out);

/// What an element is to the nodes made of it.
struct Child {
  std::string_view name;
  definitions::ElementDefinition const* definition;  ///< nullptr when the definitions do not know it
  definitions::TypeDefinition const* type;
  bool may_say_type;  ///< a resource may stand there, which says itself what it is
};

/// The members that objects of a type had: the next object of it mostly has the same ones in the same order.
/// For one walk over one resource, whose names it keeps views of.
class Shapes {
 public:
  static constexpr std::size_t kMembers = 16;
  struct Shape {
    definitions::TypeDefinition const* type = nullptr;
    std::size_t size = 0;
    std::array<Child, kMembers> children;
  };
  Shape& of(definitions::TypeDefinition const* type);

 private:
  std::array<Shape, 8> shapes_;
};

/// Whether anything stands below the node.
inline bool has_children(Item const& node) {
  return node.is_node() && ((node.value != nullptr && node.value->is_object()) ||
                            (node.extra != nullptr && node.extra->is_object()));
}
/// As append_children, faster the more objects of one type the walk meets.
void append_children(Item const& node, Shapes& shapes, Collection& out);

}  // namespace fhir::path
