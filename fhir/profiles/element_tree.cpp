#include "fhir/profiles/element_tree.hpp"

#include <algorithm>

namespace fhir::profiles {

using json::Element;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  for (;;) {
    std::size_t const end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> split_id(std::string_view id) { return split(id, '.'); }

Element shallow_copy(json::Arena& arena, Element const& from) {
  Element copy = Element::of_object();
  for (json::Member const& member : from.members()) copy.append_unchecked(arena, member.name, member.value);
  return copy;
}

Node to_tree(std::span<Element const> elements, json::Arena& arena, std::string_view source) {
  Node root;
  std::vector<Node*> way;
  for (Element const& element : elements) {
    std::string_view const path = element.text_at("path");
    auto const depth = static_cast<std::size_t>(std::ranges::count(path, '.'));
    Node* node = &root;
    if (depth > 0) {
      if (depth > way.size()) continue;
      way.resize(depth);
      std::string_view const name = path.substr(path.rfind('.') + 1);
      std::string_view const slice = element.text_at("sliceName");
      auto made = std::make_unique<Node>();
      node = made.get();
      auto& siblings = way.back()->children;
      auto const sliced =
          std::ranges::find_if(siblings, [&](auto const& other) { return other->name == name; });
      if (sliced != siblings.end() && !slice.empty()) {
        node->slice = slice;
        (*sliced)->slices.push_back(std::move(made));
      } else {
        siblings.push_back(std::move(made));
      }
      node->name = name;
    } else {
      root.name = path;
    }
    node->definition = shallow_copy(arena, element);
    if (depth == 0) node->definition.remove("sliceName");
    // Which definition a constraint comes from is told by whoever states it first.
    if (Element const* const constraints = element.find("constraint")) {
      Element all = Element::of_array();
      for (Element const& one : constraints->items()) {
        Element copy = one;
        if (one.find("source") == nullptr) {
          copy = shallow_copy(arena, one);
          copy.set(arena, "source", Element::of_string(source));
        }
        all.push(arena, copy);
      }
      node->definition.set(arena, "constraint", all);
    }
    way.push_back(node);
  }
  return root;
}

Node clone(Node const& node, json::Arena& arena) {
  Node copy;
  copy.name = node.name;
  copy.slice = node.slice;
  copy.is_slicing_given = node.is_slicing_given;
  copy.definition = shallow_copy(arena, node.definition);
  for (auto const& child : node.children)
    copy.children.push_back(std::make_unique<Node>(clone(*child, arena)));
  for (auto const& slice : node.slices) copy.slices.push_back(std::make_unique<Node>(clone(*slice, arena)));
  return copy;
}

}  // namespace fhir::profiles
