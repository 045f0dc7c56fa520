// RFC 6902, the operations by its section numbers.
#include "fhir/json/reader.hpp"
#include "fhir/patch/patch.hpp"
#include "fhir/patch/pointer.hpp"
#include "fhir/patch/work.hpp"
#include "fhir/path/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace fhir::patch {

namespace {

using json::Arena;
using json::Element;

enum class Kind : unsigned char { add, remove, replace, move, copy, test };

struct KindTraits {
  std::string_view name;
  Kind kind;
  bool has_value;
  bool has_from;
};

constexpr std::array<KindTraits, 6> kKinds{{{"add", Kind::add, true, false},
                                            {"remove", Kind::remove, false, false},
                                            {"replace", Kind::replace, true, false},
                                            {"move", Kind::move, false, true},
                                            {"copy", Kind::copy, false, true},
                                            {"test", Kind::test, true, false}}};

struct Operation {
  Kind kind = Kind::add;
  Pointer path;
  Pointer from;
  Element value;
  Place place;
};

/// Section 4.6: numbers are equal when they are numerically, members in any order.
bool same(Element const& left, Element const& right) {
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case json::Kind::number: {
      auto const a = path::Decimal::parse(left.text());
      auto const b = path::Decimal::parse(right.text());
      return a && b ? *a == *b : left.text() == right.text();
    }
    case json::Kind::array:
      return std::ranges::equal(left.items(), right.items(), same);
    case json::Kind::object:
      return left.size() == right.size() &&
             std::ranges::all_of(left.members(), [&](json::Member const& member) {
               Element const* const other = right.find(member.name);
               return other != nullptr && same(member.value, *other);
             });
    default:
      return left == right;
  }
}

class Application {
 public:
  Application(Element& root, Arena& arena) : root_(root), arena_(arena) {}

  Result<void> run(Operation const& operation) {
    switch (operation.kind) {
      case Kind::add: {
        FHIR_TRY(Element const value,
                 budget_.copy(arena_, operation.value, operation.path.size(), operation.place));
        return add(operation, value);
      }
      case Kind::remove:
        return remove(operation, operation.path);
      case Kind::replace:
        return replace(operation);
      case Kind::move:
        return move(operation);
      case Kind::copy: {
        FHIR_TRY(Element const* const from, existing(operation, operation.from));
        FHIR_TRY(Element const value, budget_.copy(arena_, *from, operation.path.size(), operation.place));
        return add(operation, value);
      }
      case Kind::test:
        break;
    }
    return test(operation);
  }

 private:
  Result<Element*> existing(Operation const& operation, std::span<std::string const> steps) {
    Element* const found = find(root_, steps);
    if (found != nullptr) return found;
    return failure(IssueType::processing, operation.place, "there is nothing at that place");
  }

  // 4.1
  Result<void> add(Operation const& operation, Element value) {
    if (operation.path.empty()) {
      root_ = value;
      return {};
    }
    std::span const path(operation.path);
    FHIR_TRY(Element* const parent, existing(operation, path.first(path.size() - 1)));
    std::string const& step = path.back();
    if (parent->is_object()) {
      parent->set(arena_, arena_.copy(step), value);
      return {};
    }
    if (!parent->is_array())
      return failure(IssueType::processing, operation.place, "the place above is no object or array");
    auto const index = step == "-" ? std::optional(parent->size()) : to_index(step);
    if (!index || *index > parent->size()) {
      return failure(IssueType::processing, operation.place,
                     fmt::format("the array takes an index from 0 to {}, or -", parent->size()));
    }
    FHIR_CHECK(budget_.spend(1 + (parent->size() - *index) / 16, operation.place));
    insert_item(arena_, *parent, *index, value);
    return {};
  }

  // 4.2
  Result<void> remove(Operation const& operation, std::span<std::string const> path) {
    if (path.empty())
      return failure(IssueType::processing, operation.place, "the whole resource cannot be removed");
    FHIR_CHECK(existing(operation, path));
    Element& parent = *find(root_, path.first(path.size() - 1));
    FHIR_CHECK(budget_.spend(1 + parent.size() / 16, operation.place));
    if (parent.is_array()) {
      parent.remove_item(*to_index(path.back()));
    } else {
      parent.remove(path.back());
    }
    return {};
  }

  // 4.3
  Result<void> replace(Operation const& operation) {
    FHIR_TRY(Element* const target, existing(operation, operation.path));
    FHIR_TRY(*target, budget_.copy(arena_, operation.value, operation.path.size(), operation.place));
    return {};
  }

  // 4.4
  Result<void> move(Operation const& operation) {
    auto const& from = operation.from;
    auto const& path = operation.path;
    FHIR_TRY(Element const* const source, existing(operation, from));
    if (from == path) return {};
    if (from.size() < path.size() && std::equal(from.begin(), from.end(), path.begin()))
      return failure(IssueType::processing, operation.place, "a value cannot be moved into itself");
    Element const value = *source;
    FHIR_CHECK(budget_.check_depth(value, path.size(), operation.place));
    FHIR_CHECK(remove(operation, from));
    return add(operation, value);
  }

  // 4.6
  Result<void> test(Operation const& operation) {
    FHIR_TRY(Element const* const found, existing(operation, operation.path));
    if (same(*found, operation.value)) return {};
    return failure(IssueType::processing, operation.place, "the value there is not the one given");
  }

  Element& root_;
  Arena& arena_;
  Budget budget_;
};

class JsonPatch : public Patch {
 public:
  JsonPatch(json::Document document, std::vector<Operation> operations)
      : document_(std::move(document)), operations_(std::move(operations)) {}

  Result<Element> apply(Element const& target, Arena& arena) const override {
    Element root = json::deep_copy(arena, target);
    Application application(root, arena);
    for (Operation const& operation : operations_) FHIR_CHECK(application.run(operation));
    return root;
  }

 private:
  json::Document document_;  // what the operations' values stand in
  std::vector<Operation> operations_;
};

Result<Pointer> read_pointer(Element const& element, char const* member, Place const& place) {
  Element const* const text = element.find(member);
  if (text == nullptr || !text->is_string())
    return failure(IssueType::required, place, fmt::format("\"{}\" is missing or no string", member));
  auto pointer = parse_pointer(text->text());
  if (pointer) return *std::move(pointer);
  return failure(IssueType::value, place, fmt::format("\"{}\" is no JSON Pointer: /name/0/family", member));
}

Result<Operation> read_operation(Element const& element, std::size_t index) {
  Operation operation;
  operation.place.index = index;
  operation.place.expression = fmt::format("[{}]", index);
  if (!element.is_object())
    return failure(IssueType::structure, operation.place, "an operation is a JSON object");
  std::string_view const name = element.text_at("op");
  auto const traits = std::ranges::find(kKinds, name, &KindTraits::name);
  if (traits == kKinds.end()) {
    return failure(IssueType::value, operation.place, "\"op\" is add, remove, replace, move, copy or test");
  }
  operation.kind = traits->kind;
  operation.place.kind = name;
  operation.place.path = element.text_at("path");
  FHIR_TRY(operation.path, read_pointer(element, "path", operation.place));
  if (traits->has_from) {
    FHIR_TRY(operation.from, read_pointer(element, "from", operation.place));
  }
  if (traits->has_value) {
    Element const* const value = element.find("value");
    if (value == nullptr) return failure(IssueType::required, operation.place, "\"value\" is missing");
    operation.value = *value;
  }
  return operation;
}

}  // namespace

Result<std::shared_ptr<Patch const>> read_json_patch(std::string_view bytes) {
  FHIR_TRY(auto document, json::read_document(bytes));
  if (!document.root.is_array()) return error(IssueType::structure, "a JSON Patch is an array of operations");
  FHIR_TRY(auto operations, read_operations<Operation>(&document.root, read_operation));
  return std::shared_ptr<Patch const>(
      std::make_shared<JsonPatch>(std::move(document), std::move(operations)));
}

}  // namespace fhir::patch
