/// ElementDefinitions as a tree: an element has children and, where it is sliced, slices that have children
/// of their own. Source: R4 profiling.html#slicing, elementdefinition.html#id.
#pragma once

#include "fhir/json/element.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace fhir::profiles {

struct Node {
  std::string_view name;     ///< Last part of the path: "value[x]".
  std::string_view slice;    ///< "" when it is none.
  json::Element definition;  ///< Its own object; the values in it are shared.
  bool is_slicing_given = false;
  bool is_unfolded = false;              ///< Its children are those of its type, not of the base.
  std::shared_ptr<Node const> original;  ///< As it was in the base, once something was changed.
  std::vector<std::unique_ptr<Node>> children;
  std::vector<std::unique_ptr<Node>> slices;
};

/// An object of its own with the same members: `set` on it leaves `from` alone.
json::Element shallow_copy(json::Arena& arena, json::Element const& from);

/// The tree of a snapshot. `base` of each element is set where it is missing. Views into `elements`.
Node to_tree(std::span<json::Element const> elements, json::Arena& arena, std::string_view source);

/// A copy whose definitions can be changed without touching `node`; it has no `original`.
Node clone(Node const& node, json::Arena& arena);

std::vector<std::string_view> split(std::string_view text, char at);
/// The parts of an element id; a dot within a slice's name is rare but legal where the part before it has a
/// colon and a bracket: "a:b[1.5]".
std::vector<std::string_view> split_id(std::string_view id);

}  // namespace fhir::profiles
