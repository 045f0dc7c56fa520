#include "fhir/path/navigation.hpp"

#include <string>

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

Item node_of(json::Element const* value, json::Element const* extra, ElementDefinition const* definition) {
  Item item;
  item.value = value != nullptr && value->is_null() ? nullptr : value;
  item.extra = extra != nullptr && extra->is_null() ? nullptr : extra;
  item.definition = definition;
  item.type = definition == nullptr ? nullptr : &definition->type();
  // A resource inside a resource says itself which it is.
  if (item.value != nullptr &&
      (item.type == nullptr || item.type->is_resource() || item.type->is_abstract())) {
    if (auto const name = item.value->text_at("resourceType"); !name.empty())
      item.type = definitions::find_type(name);
  }
  return item;
}

void append_nodes(json::Element const* value, json::Element const* extra, ElementDefinition const* definition,
                  Collection& out) {
  bool const is_array = (value != nullptr && value->is_array()) || (extra != nullptr && extra->is_array());
  if (!is_array) {
    Item const item = node_of(value, extra, definition);
    if (item.value != nullptr || item.extra != nullptr) out.push_back(item);
    return;
  }
  auto const values = value == nullptr ? std::span<json::Element const>{} : value->items();
  auto const extras = extra == nullptr ? std::span<json::Element const>{} : extra->items();
  for (std::size_t i = 0; i < std::max(values.size(), extras.size()); ++i) {
    Item const item = node_of(i < values.size() ? &values[i] : nullptr,
                              i < extras.size() ? &extras[i] : nullptr, definition);
    if (item.value != nullptr || item.extra != nullptr) out.push_back(item);
  }
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
  if (node.kind == Item::Kind::type_info) {
    if (name == "namespace") out.push_back(Item::of_text(Item::Kind::string, node.text));
    if (name == "name") out.push_back(Item::of_text(Item::Kind::string, node.name));
    return;
  }
  json::Element const* object = node.is_node() ? children_object(node) : nullptr;
  if (object == nullptr) return;
  TypeDefinition const* type = children_type(node);
  if (type == nullptr) {
    append_nodes(object->find(name), extra_of(*object, name), nullptr, out);
    return;
  }
  for (ElementDefinition const& element : definitions::find_by_path_name(*type, name)) {
    json::Element const* value = object->find(element.name());
    json::Element const* extra = element.type().is_primitive() ? extra_of(*object, element.name()) : nullptr;
    if (value != nullptr || extra != nullptr) append_nodes(value, extra, &element, out);
  }
}

void append_children(Item const& node, Collection& out) {
  json::Element const* object = node.is_node() ? children_object(node) : nullptr;
  if (object == nullptr) return;
  TypeDefinition const* type = children_type(node);
  for (json::Member const& member : object->members()) {
    std::string_view const name = member.name;
    if (name == "resourceType" || name == "fhir_comments") continue;
    if (name.starts_with('_')) {
      if (object->find(name.substr(1)) != nullptr) continue;  // taken together with its value
      append_nodes(nullptr, &member.value,
                   type == nullptr ? nullptr : definitions::find_element(*type, name.substr(1)), out);
      continue;
    }
    append_nodes(&member.value, extra_of(*object, name),
                 type == nullptr ? nullptr : definitions::find_element(*type, name), out);
  }
}

}  // namespace fhir::path
