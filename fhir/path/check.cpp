/// What an expression can mean on a type, told before it runs. Source: FHIRPath N1 section 10 (type safety
/// and strict evaluation). Where the types are not known (resolve(), children(), variables) nothing is
/// judged.
#include "fhir/path/functions.hpp"
#include "fhir/path/node.hpp"
#include "fhir/path/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace fhir::path {

namespace {

using definitions::ElementDefinition;
using definitions::Primitive;
using definitions::TypeDefinition;

/// What is known of a collection. Neither types nor a kind: anything.
struct Shape {
  std::vector<TypeDefinition const*> types;  ///< FHIR's, any of them
  std::optional<Item::Kind> kind;            ///< one of FHIRPath's own
  bool is_ordered = true;

  bool is_known() const { return !types.empty() || kind.has_value(); }
};

Shape of_kind(Item::Kind kind) { return {{}, kind, true}; }

Shape of_type_name(std::string_view specifier) {
  std::string_view name = specifier;
  if (name.starts_with("System.")) return {};
  if (name.starts_with("FHIR.")) name.remove_prefix(5);
  TypeDefinition const* type = definitions::find_type(name);
  return type == nullptr || type->is_abstract() ? Shape{} : Shape{{type}, std::nullopt, true};
}

/// Whether a value of the type can be this kind of FHIRPath's own.
bool may_be(TypeDefinition const& type, Item::Kind kind) {
  Primitive const p = type.primitive();
  switch (kind) {
    case Item::Kind::boolean:
      return p == Primitive::boolean;
    case Item::Kind::string:
      return type.is_primitive() && p != Primitive::boolean && p != Primitive::decimal &&
             p != Primitive::integer && p != Primitive::positive_int && p != Primitive::unsigned_int;
    case Item::Kind::decimal:
      return p == Primitive::decimal || p == Primitive::integer || p == Primitive::positive_int ||
             p == Primitive::unsigned_int || is_below(type, "Quantity");
    default:
      return true;
  }
}

bool may_be(Shape const& shape, Item::Kind kind) {
  if (!shape.is_known()) return true;
  if (shape.kind) {
    bool const both_numbers = kind == Item::Kind::decimal &&
                              (*shape.kind == Item::Kind::integer || *shape.kind == Item::Kind::quantity);
    bool const text = kind == Item::Kind::string &&
                      (*shape.kind == Item::Kind::date || *shape.kind == Item::Kind::date_time ||
                       *shape.kind == Item::Kind::time);
    return *shape.kind == kind || both_numbers || text;
  }
  return std::ranges::any_of(shape.types, [&](auto const* type) { return may_be(*type, kind); });
}

bool is_date(Shape const& shape) {
  return shape.kind == Item::Kind::date || shape.kind == Item::Kind::date_time ||
         shape.kind == Item::Kind::time;
}

class Checker {
 public:
  explicit Checker(Program const& program) : program_(program) {}

  Shape infer(NodeId id, Shape const& focus) {
    Node const& node = program_.node(id);
    auto const operands = program_.operands_of(node);
    switch (node.operation) {
      case Operation::literal:
        return node.is_empty ? Shape{} : of_kind(node.item.kind);
      case Operation::this_:
        return focus;
      case Operation::index:
        return of_kind(Item::Kind::integer);
      case Operation::variable:
        return node.text == "resource" || node.text == "context" ? Shape{} : of_variable(node);
      case Operation::root:
        return root(node, focus);
      case Operation::member:
        return member(node, node.operand_count == 0 ? focus : infer(operands[0], focus));
      case Operation::call:
        return call(node, focus);
      case Operation::item_at: {
        infer(operands[1], focus);
        return infer(operands[0], focus);
      }
      case Operation::negate:
      case Operation::plus_sign:
        return infer(operands[0], focus);
      case Operation::is:
        infer(operands[0], focus);
        return of_kind(Item::Kind::boolean);
      case Operation::as:
        infer(operands[0], focus);
        return of_type_name(node.text);
      case Operation::total:
        return {};
      default:
        return binary(node, infer(operands[0], focus), infer(operands[1], focus));
    }
  }

  Issues take() { return std::move(issues_); }

 private:
  void report(Node const& node, std::string why) {
    issues_.push_back(error(IssueType::invalid, fmt::format("{}, at {}", why, place(node.at))));
  }

  static Shape of_variable(Node const& node) {
    bool const text = node.text == "sct" || node.text == "loinc" || node.text == "ucum" ||
                      node.text.starts_with("vs-") || node.text.starts_with("ext-");
    return text ? of_kind(Item::Kind::string) : Shape{};
  }

  Shape root(Node const& node, Shape const& focus) {
    if (focus.types.empty()) return focus.kind ? Shape{} : of_type_name(node.text);
    for (TypeDefinition const* type : focus.types) {
      if (is_below(*type, node.text)) return focus;
    }
    return member(node, focus);
  }

  Shape member(Node const& node, Shape const& input) {
    if (input.types.empty()) return {};
    static TypeDefinition const* const element = definitions::find_type("Element");
    Shape found;
    bool is_open = false;
    bool is_there = false;
    for (TypeDefinition const* type : input.types) {
      if (type->is_abstract()) return {};
      TypeDefinition const* const owner = type->is_primitive() ? element : type;
      for (ElementDefinition const& child : definitions::find_by_path_name(*owner, node.text)) {
        is_there = true;
        is_open = is_open || child.type().is_abstract() || child.type().is_resource();
        if (std::ranges::find(found.types, &child.type()) == found.types.end())
          found.types.push_back(&child.type());
      }
    }
    if (!is_there) report(node, fmt::format("{} has no element {}", input.types.front()->name(), node.text));
    if (is_open) return {};
    found.is_ordered = input.is_ordered;
    return found;
  }

  Shape call(Node const& node, Shape const& focus) {
    auto const operands = program_.operands_of(node);
    FunctionDefinition const& function = *node.function;
    Shape const input = node.on_focus ? focus : infer(operands[0], focus);
    auto const arguments = node.on_focus ? operands : operands.subspan(1);
    if (function.takes == Takes::text && !may_be(input, Item::Kind::string)) {
      report(node, fmt::format("{}() needs a text", function.name));
    }
    if (function.takes == Takes::number && !may_be(input, Item::Kind::decimal)) {
      report(node, fmt::format("{}() needs a number", function.name));
    }
    if (function.takes == Takes::ordered && !input.is_ordered) {
      report(node, fmt::format("{}() needs an order, and these items have none", function.name));
    }
    if (function.name == "repeat") return {};  // its argument also runs on what it gives
    Shape argument;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      bool const on_input = function.on_items && !(function.name == "iif" && node.on_focus);
      Shape const shape = infer(arguments[i], on_input ? input : focus);
      if (i == 0) argument = shape;
    }
    if (function.name == "iif" && !may_be(argument, Item::Kind::boolean)) {
      report(node, "iif() needs a condition first");
    }
    return given(node, function, input, argument);
  }

  static Shape given(Node const& node, FunctionDefinition const& function, Shape const& input,
                     Shape const& argument) {
    switch (function.gives) {
      case Gives::input:
        return input;
      case Gives::one_boolean:
        return of_kind(Item::Kind::boolean);
      case Gives::one_integer:
        return of_kind(Item::Kind::integer);
      case Gives::one_text:
      case Gives::texts:
        return of_kind(Item::Kind::string);
      case Gives::cast:
        return of_type_name(node.text);
      case Gives::children:
        return {{}, std::nullopt, false};
      case Gives::argument:
        return argument;
      case Gives::unknown:
        return {};
    }
    return {};
  }

  Shape binary(Node const& node, Shape const& left, Shape const& right) {
    switch (node.operation) {
      case Operation::union_: {
        if (!left.is_known() || !right.is_known()) return left.is_known() ? left : right;
        if (left.kind || right.kind) return left.kind == right.kind ? left : Shape{};
        Shape both = left;
        both.types.insert(both.types.end(), right.types.begin(), right.types.end());
        return both;
      }
      case Operation::add:
      case Operation::subtract:
        if (is_date(left) && (right.kind == Item::Kind::integer || right.kind == Item::Kind::decimal)) {
          report(node, "a date is moved by a quantity of time, not by a number");
        }
        return left.kind == right.kind ? left : Shape{};
      case Operation::concatenate:
        return of_kind(Item::Kind::string);
      case Operation::multiply:
      case Operation::divide:
      case Operation::whole_divide:
      case Operation::modulo:
        return {};
      default:
        return of_kind(Item::Kind::boolean);
    }
  }

  Program const& program_;
  Issues issues_;
};

}  // namespace

Issues Expression::check(TypeDefinition const& focus) const {
  Checker checker(*program_);
  checker.infer(program_->top, Shape{{&focus}, std::nullopt, true});
  return checker.take();
}

}  // namespace fhir::path
