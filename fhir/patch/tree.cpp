#include "fhir/patch/tree.hpp"

#include "fhir/patch/work.hpp"

#include <algorithm>
#include <string>

namespace fhir::patch {

namespace {

using definitions::TypeDefinition;
using json::Arena;
using json::Element;

std::string extra_name(std::string_view name) { return "_" + std::string(name); }

class Search {
 public:
  Search(path::Item const& node, std::size_t& looked_at)
      : wanted_(node.value != nullptr ? node.value : node.extra), looked_at_(looked_at) {}

  std::optional<Location> below(Element& object, TypeDefinition const* type, std::size_t depth) {
    if (auto const name = object.text_at("resourceType"); !name.empty()) type = definitions::find_type(name);
    if (type == nullptr) return std::nullopt;
    for (json::Member& member : object.members()) {
      bool const is_extra = member.name.starts_with('_');
      Location here{&object, type, is_extra ? member.name.substr(1) : member.name, std::nullopt, depth};
      if (&member.value == wanted_) return here;
      if (auto found = inside(member.value, here, is_extra)) return found;
    }
    return std::nullopt;
  }

 private:
  std::optional<Location> inside(Element& value, Location& here, bool is_extra) {
    ++looked_at_;
    static TypeDefinition const* const element = definitions::find_type("Element");
    auto const* const definition = definitions::find_element(*here.type, here.name);
    TypeDefinition const* const type = is_extra                ? element
                                       : definition == nullptr ? nullptr
                                                               : &definition->type();
    if (value.is_object()) return below(value, type, here.depth + 1);
    for (std::size_t i = 0; i < value.size(); ++i) {
      Element& item = value.items()[i];
      ++looked_at_;
      here.index = i;
      if (&item == wanted_) return here;
      if (!item.is_object()) continue;
      if (auto found = below(item, type, here.depth + 2)) return found;
    }
    here.index.reset();
    return std::nullopt;
  }

  Element const* wanted_;
  std::size_t& looked_at_;
};

bool all_null(Element const& array) {
  return std::ranges::all_of(array.items(), [](Element const& item) { return item.is_null(); });
}

/// Both arrays of a list, filled up with nulls to the same length; `extras` only when it is there or wanted.
struct List {
  Element* values = nullptr;
  Element* extras = nullptr;
};

/// What should be an array and is one value becomes an array of it: the resource is judged when all is done.
void make_array(Arena& arena, Element& value) {
  if (value.is_array()) return;
  Element array = Element::of_array();
  if (!value.is_null()) array.push(arena, value);
  value = array;
}

void pad(Arena& arena, Element& array, std::size_t size) {
  while (array.size() < size) array.push(arena);
}

List list_of(Arena& arena, Element& object, std::string_view name, bool wants_extras) {
  std::size_t const size = list_size(object, name);
  std::string const extra = extra_name(name);
  wants_extras = wants_extras || object.find(extra) != nullptr;
  if (object.find(name) == nullptr) object.set(arena, arena.copy(name), Element::of_array());
  if (wants_extras && object.find(extra) == nullptr)
    object.set(arena, arena.copy(extra), Element::of_array());
  List list{object.find(name), wants_extras ? object.find(extra) : nullptr};
  for (Element* const array : {list.values, list.extras}) {
    if (array == nullptr) continue;
    make_array(arena, *array);
    pad(arena, *array, size);
  }
  return list;
}

void drop_if_all_null(Element& object, std::string_view name) {
  for (std::string const& member : {std::string(name), extra_name(name)}) {
    Element const* const array = object.find(member);
    if (array != nullptr && array->is_array() && all_null(*array)) object.remove(member);
  }
}

}  // namespace

std::optional<Location> locate(Element& root, path::Item const& node, std::size_t& looked_at) {
  if (!node.is_node()) return std::nullopt;
  return Search(node, looked_at).below(root, nullptr, 0);
}

std::size_t list_size(Element const& object, std::string_view name) {
  std::size_t size = 0;
  for (std::string const& member : {std::string(name), extra_name(name)}) {
    Element const* const list = object.find(member);
    if (list != nullptr) size = std::max(size, list->is_array() ? list->size() : std::size_t{1});
  }
  return size;
}

bool has(Element const& object, std::string_view name) {
  return object.find(name) != nullptr || object.find(extra_name(name)) != nullptr;
}

void set_value(Arena& arena, Element& object, std::string_view name, Value const& value) {
  remove_value(arena, object, name, std::nullopt);
  if (!value.plain.is_null()) object.set(arena, arena.copy(name), value.plain);
  if (!value.extra.is_null()) object.set(arena, arena.copy(extra_name(name)), value.extra);
}

void insert_value(Arena& arena, Element& object, std::string_view name, std::size_t index,
                  Value const& value) {
  List const list = list_of(arena, object, name, !value.extra.is_null());
  insert_item(arena, *list.values, index, value.plain);
  if (list.extras != nullptr) insert_item(arena, *list.extras, index, value.extra);
  drop_if_all_null(object, name);
}

void replace_value(Arena& arena, Element& object, std::string_view name, std::size_t index,
                   Value const& value) {
  List const list = list_of(arena, object, name, !value.extra.is_null());
  list.values->items()[index] = value.plain;
  if (list.extras != nullptr) list.extras->items()[index] = value.extra;
  drop_if_all_null(object, name);
}

void remove_value(Arena& arena, Element& object, std::string_view name, std::optional<std::size_t> index) {
  if (!index) {
    object.remove(name);
    object.remove(extra_name(name));
    return;
  }
  List const list = list_of(arena, object, name, false);
  list.values->remove_item(*index);
  if (list.extras != nullptr) list.extras->remove_item(*index);
  drop_if_all_null(object, name);
}

void move_value(Arena& arena, Element& object, std::string_view name, std::size_t from, std::size_t to) {
  List const list = list_of(arena, object, name, false);
  move_item(*list.values, from, to);
  if (list.extras != nullptr) move_item(*list.extras, from, to);
  drop_if_all_null(object, name);
}

Element& extra_object(Arena& arena, Location const& location) {
  Element* extra = nullptr;
  if (location.index) {
    extra = &list_of(arena, *location.object, location.name, true).extras->items()[*location.index];
  } else {
    std::string const name = extra_name(location.name);
    Element* const known = location.object->find(name);
    extra = known != nullptr ? known : &location.object->set(arena, arena.copy(name));
  }
  if (!extra->is_object()) *extra = Element::of_object();
  return *extra;
}

}  // namespace fhir::patch
