// R4 fhirpatch.html: operations add, insert, delete, replace, move, each a parameter "operation" with parts.
#include "fhir/definitions/definitions.hpp"
#include "fhir/patch/patch.hpp"
#include "fhir/patch/tree.hpp"
#include "fhir/patch/work.hpp"
#include "fhir/path/path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

namespace fhir::patch {

namespace {

using definitions::ElementDefinition;
using definitions::TypeDefinition;
using json::Arena;
using json::Element;

constexpr std::size_t kPathOperationsMax = 1000;  // each walks the resource
constexpr std::uint64_t kPathStepsMax = 100'000;

enum class Kind : unsigned char { add, insert, remove, replace, move };

struct KindTraits {
  std::string_view name;
  Kind kind;
  std::array<std::string_view, 3> parts;  ///< needed besides type and path
};

constexpr std::array<KindTraits, 5> kKinds{{{"add", Kind::add, {"name", "value"}},
                                            {"insert", Kind::insert, {"index", "value"}},
                                            {"delete", Kind::remove, {}},
                                            {"replace", Kind::replace, {"value"}},
                                            {"move", Kind::move, {"source", "destination"}}}};

constexpr std::array<std::string_view, 7> kParts{"type",  "path",   "name",       "value",
                                                 "index", "source", "destination"};

/// What a path that finds nothing may still name: the list `name` below `parent`.
struct ListName {
  path::Expression parent;
  std::string name;
};

struct Operation {
  Kind kind = Kind::add;
  std::optional<path::Expression> path;
  std::optional<ListName> list;
  std::string name;
  Element const* value = nullptr;  ///< the part that holds it
  std::size_t index = 0;
  std::size_t source = 0;
  std::size_t destination = 0;
  Place place;
};

/// The value[x] of a parameter: its type and both its members.
struct Given {
  TypeDefinition const* type = nullptr;
  Element const* plain = nullptr;
  Element const* extra = nullptr;
};

std::optional<Given> given_value(Element const& parameter) {
  static TypeDefinition const* const type = definitions::find_type("Parameters.parameter");
  for (json::Member const& member : parameter.members()) {
    bool const is_extra = member.name.starts_with('_');
    std::string_view const name = member.name.substr(is_extra ? 1 : 0);
    if (!name.starts_with("value")) continue;
    ElementDefinition const* const definition = definitions::find_element(*type, name);
    if (definition == nullptr) continue;
    Given given;
    given.type = &definition->type();
    given.plain = parameter.find(name);
    given.extra = given.type->is_primitive() ? parameter.find("_" + std::string(name)) : nullptr;
    return given;
  }
  return std::nullopt;
}

bool is_below(TypeDefinition const* type, TypeDefinition const& above) {
  for (; type != nullptr; type = type->base()) {
    if (type == &above) return true;
  }
  return false;
}

json::Kind json_kind(TypeDefinition const& primitive) {
  switch (primitive.primitive()) {
    case definitions::Primitive::boolean:
      return json::Kind::boolean;
    case definitions::Primitive::decimal:
    case definitions::Primitive::integer:
    case definitions::Primitive::positive_int:
    case definitions::Primitive::unsigned_int:
      return json::Kind::number;
    default:
      return json::Kind::string;
  }
}

/// A Parameters has no value[x] for every type: a markdown, an xhtml or a code may come as a string; whether
/// the text is one is judged with the whole resource.
bool fits(TypeDefinition const& wanted, TypeDefinition const& given) {
  if (&wanted == &given) return true;
  if (wanted.is_primitive() && given.is_primitive()) return json_kind(wanted) == json_kind(given);
  return is_below(&wanted, given) || is_below(&given, wanted);
}

std::span<ElementDefinition const> elements_named(TypeDefinition const& type, std::string_view name) {
  auto const found = definitions::find_by_path_name(type, name);
  if (!found.empty()) return found;
  ElementDefinition const* const one = definitions::find_element(type, name);
  return one == nullptr ? std::span<ElementDefinition const>{} : std::span(one, 1);
}

class Application {
 public:
  Application(Element& root, Arena& arena) : root_(root), arena_(arena) {}

  Result<void> run(Operation const& operation) {
    place_ = &operation.place;
    switch (operation.kind) {
      case Kind::add:
        return add(operation);
      case Kind::insert:
        return insert(operation);
      case Kind::remove:
        return remove(operation);
      case Kind::replace:
        return replace(operation);
      case Kind::move:
        break;
    }
    return move(operation);
  }

 private:
  Issue refuse(std::string_view why) const { return failure(IssueType::processing, *place_, why); }

  Result<path::Collection> select(path::Expression const& expression) {
    path::Environment environment;
    environment.step_max = kPathStepsMax;
    auto found = expression.evaluate(path::root_item(root_), environment, arena_);
    if (found) return found;
    return failure(found.error().code, *place_, found.error().diagnostics);
  }

  Result<Location> locate_one(path::Item const& item) {
    std::size_t looked_at = 0;
    auto const location = locate(root_, item, looked_at);
    FHIR_CHECK(budget_.spend(1 + looked_at / 16, *place_));
    if (location) return *location;
    return refuse(item.value == &root_ ? "the path names the whole resource"
                                       : "the path gives something that is no element of the resource");
  }

  /// Errors: processing (none, several).
  Result<path::Item> select_one(path::Expression const& expression) {
    FHIR_TRY(auto const found, select(expression));
    if (found.size() == 1) return found[0];
    if (found.empty()) return refuse("the path finds nothing");
    return refuse(fmt::format("the path finds {} elements, not one", found.size()));
  }

  struct Target {
    Element* object = nullptr;
    TypeDefinition const* type = nullptr;
    std::size_t depth = 0;
  };

  /// What the children of an element are added to.
  Result<Target> target_of(path::Item const& item) {
    static TypeDefinition const* const element = definitions::find_type("Element");
    if (item.value == &root_) return Target{&root_, item.type, 0};
    FHIR_TRY(Location const location, locate_one(item));
    if (item.type == nullptr) return refuse("the definitions do not know this element");
    std::size_t const depth = location.depth + (location.index ? 2 : 1);
    if (item.type->is_primitive()) return Target{&extra_object(arena_, location), element, depth};
    if (item.value == nullptr || !item.value->is_object()) return refuse("the path finds what is no object");
    Element* const member = location.object->find(location.name);
    return Target{location.index ? &member->items()[*location.index] : member, item.type, depth};
  }

  /// Which element of that name takes the value: of a choice, the one of its type.
  Result<ElementDefinition const*> pick(TypeDefinition const& type, std::string_view name,
                                        Element const& part) {
    auto const elements = elements_named(type, name);
    if (elements.empty()) return refuse(fmt::format("{} has no element {}", type.name(), name));
    if (part.find("resource") != nullptr || part.find("part") != nullptr) {
      bool const wants_resource = part.find("resource") != nullptr;
      TypeDefinition const& wanted = elements[0].type();
      bool const is_resource = wanted.is_resource() || wanted.name() == "Resource";
      if (elements.size() == 1 && !wanted.is_primitive() && wants_resource == is_resource)
        return &elements[0];
      return refuse(fmt::format("{}.{} does not take {}", type.name(), name,
                                wants_resource ? "a resource" : "a value written in parts"));
    }
    auto const given = given_value(part);
    if (!given) return refuse("the part \"value\" has no value");
    auto const exact = [&](ElementDefinition const& element) { return &element.type() == given->type; };
    auto const found = std::ranges::find_if(elements, exact);
    if (found != elements.end()) return &*found;
    if (elements.size() == 1 && fits(elements[0].type(), *given->type)) return &elements[0];
    return refuse(
        fmt::format("{}.{} does not take a value of type {}", type.name(), name, given->type->name()));
  }

  Result<Value> make(ElementDefinition const& element, Element const& part, std::size_t depth) {
    Value value;
    if (Element const* const resource = part.find("resource")) {
      FHIR_TRY(value.plain, budget_.copy(arena_, *resource, depth, *place_));
      return value;
    }
    if (Element const* const parts = part.find("part")) {
      value.plain = Element::of_object();
      FHIR_CHECK(budget_.check_depth(value.plain, depth, *place_));
      for (Element const& child : parts->items()) {
        FHIR_CHECK(add_child(Target{&value.plain, &element.type(), depth}, child.text_at("name"), child));
      }
      return value;
    }
    auto const given = given_value(part);
    if (given->plain != nullptr) {
      FHIR_TRY(value.plain, budget_.copy(arena_, *given->plain, depth, *place_));
    }
    if (given->extra != nullptr) {
      FHIR_TRY(value.extra, budget_.copy(arena_, *given->extra, depth, *place_));
    }
    return value;
  }

  Result<void> add_child(Target const& target, std::string_view name, Element const& part) {
    FHIR_TRY(ElementDefinition const* const element, pick(*target.type, name, part));
    FHIR_TRY(Value const value, make(*element, part, target.depth + (element->repeats() ? 2 : 1)));
    if (element->repeats()) {
      std::size_t const size = list_size(*target.object, element->name());
      insert_value(arena_, *target.object, element->name(), size, value);
      return {};
    }
    for (ElementDefinition const& one : elements_named(*target.type, name)) {
      if (has(*target.object, one.name()))
        return refuse(fmt::format("{}.{} is there already: replace it", target.type->name(), name));
    }
    set_value(arena_, *target.object, element->name(), value);
    return {};
  }

  Result<void> add(Operation const& operation) {
    FHIR_TRY(path::Item const item, select_one(*operation.path));
    FHIR_TRY(Target const target, target_of(item));
    return add_child(target, operation.name, *operation.value);
  }

  Result<void> remove(Operation const& operation) {
    FHIR_TRY(auto const found, select(*operation.path));
    if (found.empty()) return {};  // "if found"
    if (found.size() > 1) return refuse(fmt::format("the path finds {} elements, not one", found.size()));
    FHIR_TRY(Location const location, locate_one(found[0]));
    remove_value(arena_, *location.object, location.name, location.index);
    return {};
  }

  Result<void> replace(Operation const& operation) {
    FHIR_TRY(path::Item const item, select_one(*operation.path));
    FHIR_TRY(Location const location, locate_one(item));
    ElementDefinition const* const old = definitions::find_element(*location.type, location.name);
    if (old == nullptr) return refuse("the definitions do not know this element");
    FHIR_TRY(ElementDefinition const* const element,
             pick(*location.type, old->path_name(), *operation.value));
    FHIR_TRY(Value const value, make(*element, *operation.value, location.depth + (location.index ? 2 : 1)));
    if (location.index) {
      replace_value(arena_, *location.object, location.name, *location.index, value);
      return {};
    }
    remove_value(arena_, *location.object, location.name, std::nullopt);
    set_value(arena_, *location.object, element->name(), value);
    return {};
  }

  /// The list that the path names: all of its items, or none yet.
  Result<Location> list_of(Operation const& operation) {
    FHIR_TRY(auto const found, select(*operation.path));
    if (found.empty()) return empty_list_of(operation);
    FHIR_TRY(Location list, locate_one(found[0]));
    ElementDefinition const* const element = definitions::find_element(*list.type, list.name);
    if (element == nullptr || !element->repeats() || !list.index) return refuse("the path names no list");
    std::size_t const size = list_size(*list.object, list.name);
    if (found.size() != size)
      return refuse(
          fmt::format("the path finds {} of the {} elements of the list, not all", found.size(), size));
    for (path::Item const& item : {found.front(), found.back()}) {
      FHIR_TRY(Location const other, locate_one(item));
      if (other.object != list.object || other.name != list.name)
        return refuse("the path finds elements of several lists");
    }
    list.index.reset();
    return list;
  }

  Result<Location> empty_list_of(Operation const& operation) {
    if (!operation.list) return refuse("the path finds nothing");
    FHIR_TRY(path::Item const parent, select_one(operation.list->parent));
    FHIR_TRY(Target const target, target_of(parent));
    auto const elements = elements_named(*target.type, operation.list->name);
    if (elements.empty() || !elements[0].repeats()) return refuse("the path names no list");
    return Location{target.object, target.type, elements[0].name(), std::nullopt, target.depth};
  }

  Result<void> insert(Operation const& operation) {
    FHIR_TRY(Location const list, list_of(operation));
    std::size_t const size = list_size(*list.object, list.name);
    if (operation.index > size) return refuse(fmt::format("the list takes an index from 0 to {}", size));
    FHIR_TRY(ElementDefinition const* const element, pick(*list.type, list.name, *operation.value));
    FHIR_TRY(Value const value, make(*element, *operation.value, list.depth + 2));
    FHIR_CHECK(budget_.spend(1 + size / 16, *place_));
    insert_value(arena_, *list.object, list.name, operation.index, value);
    return {};
  }

  Result<void> move(Operation const& operation) {
    FHIR_TRY(Location const list, list_of(operation));
    std::size_t const size = list_size(*list.object, list.name);
    if (operation.source >= size || operation.destination >= size)
      return refuse(fmt::format("source and destination are below {}, the size of the list", size));
    FHIR_CHECK(budget_.spend(1 + size / 16, *place_));
    move_value(arena_, *list.object, list.name, operation.source, operation.destination);
    return {};
  }

  Element& root_;
  Arena& arena_;
  Budget budget_;
  Place const* place_ = nullptr;
};

class PathPatch : public Patch {
 public:
  PathPatch(json::Document document, std::vector<Operation> operations)
      : document_(std::move(document)), operations_(std::move(operations)) {}

  Result<Element> apply(Element const& target, Arena& arena) const override {
    Element root = json::deep_copy(arena, target);
    Application application(root, arena);
    for (Operation const& operation : operations_) FHIR_CHECK(application.run(operation));
    return root;
  }

 private:
  json::Document document_;
  std::vector<Operation> operations_;
};

Result<std::size_t> read_index(Element const& part, Place const& place) {
  std::string_view const digits = part.text_at("valueInteger");
  std::size_t index = 0;
  auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (!digits.empty() && failed == std::errc{} && end == digits.data() + digits.size()) return index;
  return failure(IssueType::value, place,
                 fmt::format("the part \"{}\" is a valueInteger from 0", part.text_at("name")));
}

/// Where the last step of a path begins: after its last dot outside brackets, quotes and backticks.
std::size_t last_step(std::string_view path) {
  std::size_t at = std::string_view::npos;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char const c = path[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '`' || c == '"') quote = c;
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c == '.' && depth == 0) at = i + 1;
  }
  return at;
}

std::optional<ListName> list_name(std::string_view path) {
  std::size_t const at = last_step(path);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view const name = path.substr(at);
  bool const is_plain = !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  auto parent = path::Expression::compile(path.substr(0, at - 1));
  if (!is_plain || !parent) return std::nullopt;
  return ListName{*std::move(parent), std::string(name)};
}

class OperationReader {
 public:
  OperationReader(Element const& parameter, std::size_t index) : parameter_(parameter) {
    operation_.place.index = index;
    operation_.place.expression = fmt::format("Parameters.parameter[{}]", index);
  }

  Result<Operation> read() && {
    if (parameter_.text_at("name") != "operation")
      return refuse(IssueType::not_supported, "the parameters of a patch are named \"operation\"");
    FHIR_CHECK(sort_parts());
    FHIR_CHECK(read_kind());
    FHIR_CHECK(read_path());
    for (std::string_view const name : traits_->parts) {
      if (!name.empty()) FHIR_CHECK(read_part(name));
    }
    return std::move(operation_);
  }

 private:
  Issue refuse(IssueType code, std::string_view why) const { return failure(code, operation_.place, why); }

  Result<void> sort_parts() {
    Element const* const list = parameter_.find("part");
    if (list == nullptr) return {};
    for (Element const& part : list->items()) {
      auto const known = std::ranges::find(kParts, part.text_at("name"));
      if (known == kParts.end())
        return refuse(IssueType::not_supported,
                      "the parts are type, path, name, value, index, source and destination");
      Element const*& slot = parts_[static_cast<std::size_t>(known - kParts.begin())];
      if (slot != nullptr)
        return refuse(IssueType::structure, fmt::format("the part \"{}\" stands twice", *known));
      slot = &part;
    }
    return {};
  }

  Element const* part(std::string_view name) const {
    return parts_[static_cast<std::size_t>(std::ranges::find(kParts, name) - kParts.begin())];
  }

  Result<Element const*> needed(std::string_view name) const {
    Element const* const found = part(name);
    if (found != nullptr) return found;
    return refuse(IssueType::required, fmt::format("the part \"{}\" is missing", name));
  }

  /// The part's value as text, of either of two types.
  Result<std::string> text_of(std::string_view name) const {
    FHIR_TRY(Element const* const found, needed(name));
    for (char const* const member : {"valueString", "valueCode"}) {
      if (auto const text = found->text_at(member); !text.empty()) return std::string(text);
    }
    return refuse(IssueType::value, fmt::format("the part \"{}\" is a valueString", name));
  }

  Result<void> read_kind() {
    FHIR_TRY(std::string const name, text_of("type"));
    traits_ = std::ranges::find(kKinds, name, &KindTraits::name);
    if (traits_ == kKinds.end())
      return refuse(IssueType::value, "the part \"type\" is add, insert, delete, replace or move");
    operation_.kind = traits_->kind;
    operation_.place.kind = name;
    return {};
  }

  Result<void> read_path() {
    FHIR_TRY(operation_.place.path, text_of("path"));
    auto path = path::Expression::compile(operation_.place.path);
    if (!path) {  // "not-found", of a function, would speak of the resource
      IssueType const code = path.error().code;
      return refuse(code == IssueType::not_found ? IssueType::invalid : code, path.error().diagnostics);
    }
    operation_.path = *std::move(path);
    operation_.list = list_name(operation_.place.path);
    return {};
  }

  Result<void> read_part(std::string_view name) {
    if (name == "name") {
      FHIR_TRY(operation_.name, text_of(name));
      return {};
    }
    FHIR_TRY(Element const* const found, needed(name));
    if (name == "value") {
      operation_.value = found;
      bool const has_value =
          given_value(*found) || found->find("part") != nullptr || found->find("resource") != nullptr;
      if (!has_value) return refuse(IssueType::required, "the part \"value\" has no value");
      return {};
    }
    std::size_t& index = name == "index"    ? operation_.index
                         : name == "source" ? operation_.source
                                            : operation_.destination;
    FHIR_TRY(index, read_index(*found, operation_.place));
    return {};
  }

  Element const& parameter_;
  std::array<Element const*, kParts.size()> parts_{};
  decltype(kKinds)::const_iterator traits_ = kKinds.end();
  Operation operation_;
};

}  // namespace

Result<std::shared_ptr<Patch const>> read_fhirpath_patch(Element const& parameters) {
  if (parameters.text_at("resourceType") != "Parameters")
    return error(IssueType::structure, "a FHIRPath Patch is a Parameters resource", "resourceType");
  json::Document document;
  document.root = json::deep_copy(document.arena, parameters);
  auto const read_one = [](Element const& parameter, std::size_t index) {
    return OperationReader(parameter, index).read();
  };
  FHIR_TRY(auto operations,
           read_operations<Operation>(document.root.find("parameter"), read_one, kPathOperationsMax));
  return std::shared_ptr<Patch const>(
      std::make_shared<PathPatch>(std::move(document), std::move(operations)));
}

}  // namespace fhir::patch
