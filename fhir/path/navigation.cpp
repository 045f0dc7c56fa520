#include "fhir/path/navigation.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>

namespace fhir::path {

namespace {

using definitions::ElementDefinition;
using definitions::TypeDefinition;

/// The member "_name" that goes with "name"; nullptr when there is none.
json::Element const* extra_of(json::Element const& object, std::string_view name) {
  for (json::Member const& member : object.members()) {
    if (member.name.size() == name.size() + 1 && member.name[0] == '_' && member.name.substr(1) == name) {
      return &member.value;
    }
  }
  return nullptr;
}

bool may_say_type(TypeDefinition const* type) {
  return type == nullptr || type->is_resource() || type->is_abstract();
}

Child to_child(std::string_view name, ElementDefinition const* definition) {
  TypeDefinition const* const type = definition == nullptr ? nullptr : &definition->type();
  return {name, definition, type, may_say_type(type)};
}

/// A resource inside a resource says itself which it is.
TypeDefinition const* type_of(json::Element const& value, TypeDefinition const* otherwise) {
  auto const name = value.text_at("resourceType");
  return name.empty() ? otherwise : definitions::find_type(name);
}

void append_node(json::Element const* value, json::Element const* extra, Child const& child,
                 Collection& out) {
  if (value != nullptr && value->is_null()) value = nullptr;
  if (extra != nullptr && extra->is_null()) extra = nullptr;
  if (value == nullptr && extra == nullptr) return;
  Item& item = out.emplace_back();  // filled where it stands: a copy of what was just written is slow
  item.value = value;
  item.type = child.may_say_type && value != nullptr ? type_of(*value, child.type) : child.type;
  item.extra = extra;
  item.definition = child.definition;
}

void append_nodes(json::Element const* value, json::Element const* extra, Child const& child,
                  Collection& out) {
  bool const is_array = (value != nullptr && value->is_array()) || (extra != nullptr && extra->is_array());
  if (!is_array) {
    append_node(value, extra, child, out);
    return;
  }
  auto const values = value == nullptr ? std::span<json::Element const>{} : value->items();
  if (extra == nullptr && !child.may_say_type) {
    Item* place = out.extend(values.size());
    for (json::Element const& one : values) {
      if (one.is_null()) continue;
      Item& item = *new (place++) Item;
      item.value = &one;
      item.type = child.type;
      item.definition = child.definition;
    }
    out.truncate(place);
    return;
  }
  auto const extras = extra == nullptr ? std::span<json::Element const>{} : extra->items();
  std::size_t const count = std::max(values.size(), extras.size());
  for (std::size_t i = 0; i < count; ++i) {
    append_node(i < values.size() ? &values[i] : nullptr, i < extras.size() ? &extras[i] : nullptr, child,
                out);
  }
}

void append_element(json::Element const& object, ElementDefinition const& element, Collection& out) {
  Child const child = to_child(element.name(), &element);
  json::Element const* const value = object.find(child.name);
  json::Element const* const extra = child.type->is_primitive() ? extra_of(object, child.name) : nullptr;
  if (value != nullptr || extra != nullptr) append_nodes(value, extra, child, out);
}

bool is_of(TypeDefinition const& type, ElementDefinition const* element) {
  auto const all = type.elements();
  return element >= all.data() && element < all.data() + all.size();
}

/// The object whose members are the node's children: a complex node's value, a primitive's "_name".
json::Element const* children_object(Item const& node) {
  json::Element const* object = node.value != nullptr && node.value->is_object() ? node.value : node.extra;
  return object != nullptr && object->is_object() ? object : nullptr;
}

/// A primitive's children (id, extension) are those of Element.
TypeDefinition const* children_type(Item const& node) {
  static TypeDefinition const* const element = definitions::find_type("Element");
  return node.type != nullptr && node.type->is_primitive() ? element : node.type;
}

}  // namespace

void append_members(Item const& node, std::string_view name, Collection& out) {
  LastElement last = nullptr;
  append_members(node, name, last, out);
}

void append_members(Item const& node, std::string_view name, LastElement& last, Collection& out) {
  if (node.kind == Item::Kind::type_info) {
    if (name == "namespace") out.push_back(Item::of_text(Item::Kind::string, node.text()));
    if (name == "name") out.push_back(Item::of_text(Item::Kind::string, node.name()));
    return;
  }
  json::Element const* object = node.is_node() ? children_object(node) : nullptr;
  if (object == nullptr) return;
  TypeDefinition const* type = children_type(node);
  if (name.ends_with("[x]")) name.remove_suffix(3);
  if (type == nullptr) {
    append_nodes(object->find(name), extra_of(*object, name), to_child(name, nullptr), out);
    return;
  }
  ElementDefinition const* known = last.load(std::memory_order_relaxed);
  if (known != nullptr && !is_of(*type, known)) known = nullptr;
  if (known == nullptr || !known->is_choice()) {
    ElementDefinition const* const element =
        known != nullptr ? known : definitions::find_element(*type, name);
    if (element != nullptr && element->path_name() == name) {
      if (known == nullptr) last.store(element, std::memory_order_relaxed);
      append_element(*object, *element, out);
      return;
    }
  }
  // A choice: "value" stands there as valueQuantity.
  for (json::Member const& member : object->members()) {
    bool const is_extra = member.name.starts_with('_');
    std::string_view const full = member.name.substr(is_extra ? 1 : 0);
    if (full.size() <= name.size() || !full.starts_with(name)) continue;
    ElementDefinition const* one = known;
    if (one == nullptr || !json::is_same(one->name(), full)) {
      one = definitions::find_element(*type, full);
      if (one == nullptr || one->path_name() != name) continue;
      last.store(one, std::memory_order_relaxed);
    }
    if (is_extra && object->find(full) != nullptr) continue;  // taken together with its value
    append_element(*object, *one, out);
  }
}

namespace {

/// Neither an element's.
bool is_no_element(std::string_view name) {
  return json::is_same(name, "resourceType") || json::is_same(name, "fhir_comments");
}

/// `find_child` tells what the member of that name is that stands at a position; nullptr: no element.
template <class FindChild>
void append_children_by(json::Element const& object, FindChild find_child, Collection& out) {
  auto const members = object.members();
  bool const has_extras =
      std::ranges::any_of(members, [](auto const& member) { return member.name.starts_with('_'); });
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::string_view const name = members[i].name;
    if (has_extras && name.starts_with('_')) {
      if (object.find(name.substr(1)) != nullptr) continue;  // taken together with its value
      if (Child const* const child = find_child(i, name.substr(1)))
        append_nodes(nullptr, &members[i].value, *child, out);
    } else if (Child const* const child = find_child(i, name)) {
      append_nodes(&members[i].value, has_extras ? extra_of(object, name) : nullptr, *child, out);
    }
  }
}

}  // namespace

void append_children(Item const& node, Collection& out) {
  json::Element const* const object = node.is_node() ? children_object(node) : nullptr;
  if (object == nullptr) return;
  TypeDefinition const* const type = children_type(node);
  Child child;
  auto const find_child = [&](std::size_t, std::string_view name) -> Child const* {
    if (is_no_element(name)) return nullptr;
    child = to_child(name, type == nullptr ? nullptr : definitions::find_element(*type, name));
    return &child;
  };
  append_children_by(*object, find_child, out);
}

void append_children(Item const& node, Shapes& shapes, Collection& out) {
  TypeDefinition const* const type = has_children(node) ? children_type(node) : nullptr;
  if (type == nullptr) {
    append_children(node, out);
    return;
  }
  Shapes::Shape& shape = shapes.of(type);
  Child other;
  auto const find_child = [&](std::size_t position, std::string_view name) -> Child const* {
    if (position < shape.size && json::is_same(shape.children[position].name, name))
      return &shape.children[position];
    if (is_no_element(name)) return nullptr;
    bool const fits = position <= shape.size && position < Shapes::kMembers;
    Child& child = fits ? shape.children[position] : other;
    child = to_child(name, definitions::find_element(*type, name));
    if (fits) shape.size = std::max(shape.size, position + 1);
    return &child;
  };
  append_children_by(*children_object(node), find_child, out);
}

Shapes::Shape& Shapes::of(TypeDefinition const* type) {
  std::size_t const home = reinterpret_cast<std::uintptr_t>(type) / sizeof(TypeDefinition) % shapes_.size();
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    Shape& shape = shapes_[(home + i) % shapes_.size()];
    if (shape.type == type) return shape;
    if (shape.type != nullptr) continue;
    shape.type = type;
    return shape;
  }
  shapes_[home].type = type;  // an older one goes
  shapes_[home].size = 0;
  return shapes_[home];
}

}  // namespace fhir::path
