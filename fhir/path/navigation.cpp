#include "fhir/path/navigation.hpp"

#include <algorithm>
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

/// Makes nodes of one element.
class NodeMaker {
 public:
  NodeMaker(ElementDefinition const* definition, Collection& out)
      : definition_(definition), type_(definition == nullptr ? nullptr : &definition->type()), out_(out) {
    is_open_ = type_ == nullptr || type_->is_resource() || type_->is_abstract();
  }

  void add(json::Element const* value, json::Element const* extra) {
    if (value != nullptr && value->is_null()) value = nullptr;
    if (extra != nullptr && extra->is_null()) extra = nullptr;
    if (value == nullptr && extra == nullptr) return;
    Item& item = out_.emplace_back();
    item.value = value;
    item.extra = extra;
    item.definition = definition_;
    item.type = type_;
    if (!is_open_ || value == nullptr) return;
    // A resource inside a resource says itself which it is.
    if (auto const name = value->text_at("resourceType"); !name.empty())
      item.type = definitions::find_type(name);
  }

 private:
  ElementDefinition const* definition_;
  TypeDefinition const* type_;
  bool is_open_;
  Collection& out_;
};

void append_nodes(json::Element const* value, json::Element const* extra, ElementDefinition const* definition,
                  Collection& out) {
  NodeMaker maker(definition, out);
  bool const is_array = (value != nullptr && value->is_array()) || (extra != nullptr && extra->is_array());
  if (!is_array) {
    maker.add(value, extra);
    return;
  }
  auto const values = value == nullptr ? std::span<json::Element const>{} : value->items();
  auto const extras = extra == nullptr ? std::span<json::Element const>{} : extra->items();
  std::size_t const count = std::max(values.size(), extras.size());
  if (out.size() + count > out.capacity()) out.reserve(std::max(out.size() + count, 2 * out.capacity()));
  for (std::size_t i = 0; i < count; ++i) {
    maker.add(i < values.size() ? &values[i] : nullptr, i < extras.size() ? &extras[i] : nullptr);
  }
}

void append_element(json::Element const& object, ElementDefinition const& element, Collection& out) {
  json::Element const* const value = object.find(element.name());
  json::Element const* const extra =
      element.type().is_primitive() ? extra_of(object, element.name()) : nullptr;
  if (value != nullptr || extra != nullptr) append_nodes(value, extra, &element, out);
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
  if (name.ends_with("[x]")) name.remove_suffix(3);
  if (type == nullptr) {
    append_nodes(object->find(name), extra_of(*object, name), nullptr, out);
    return;
  }
  ElementDefinition const* const element = definitions::find_element(*type, name);
  if (element != nullptr && element->path_name() == name) {
    append_element(*object, *element, out);
    return;
  }
  // A choice: "value" stands there as valueQuantity.
  for (json::Member const& member : object->members()) {
    bool const is_extra = member.name.starts_with('_');
    std::string_view const full = member.name.substr(is_extra ? 1 : 0);
    if (full.size() <= name.size() || !full.starts_with(name)) continue;
    ElementDefinition const* const one = definitions::find_element(*type, full);
    if (one == nullptr || one->path_name() != name) continue;
    if (is_extra && object->find(full) != nullptr) continue;  // taken together with its value
    append_element(*object, *one, out);
  }
}

void append_children(Item const& node, Collection& out) {
  json::Element const* object = node.is_node() ? children_object(node) : nullptr;
  if (object == nullptr) return;
  TypeDefinition const* type = children_type(node);
  bool const has_extras =
      std::ranges::any_of(object->members(), [](auto const& member) { return member.name.starts_with('_'); });
  for (json::Member const& member : object->members()) {
    std::string_view const name = member.name;
    if (name == "resourceType" || name == "fhir_comments") continue;
    if (name.starts_with('_')) {
      if (object->find(name.substr(1)) != nullptr) continue;  // taken together with its value
      append_nodes(nullptr, &member.value,
                   type == nullptr ? nullptr : definitions::find_element(*type, name.substr(1)), out);
      continue;
    }
    append_nodes(&member.value, has_extras ? extra_of(*object, name) : nullptr,
                 type == nullptr ? nullptr : definitions::find_element(*type, name), out);
  }
}

}  // namespace fhir::path
