#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/navigation.hpp"
#include "fhir/path/types.hpp"
#include "fhir/path/values.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace fhir::path {

namespace {

constexpr std::uint64_t kLookEvery = 4096;  // Steps between two looks at the clock.

Collection one(Item const& item) { return Collection(item); }
Collection one(bool value) { return Collection(Item::of_boolean(value)); }

Collection of_optional(std::optional<bool> value) { return value ? one(*value) : Collection{}; }

}  // namespace

Issue failure(Node const& node, std::string_view why) {
  return error(IssueType::processing, fmt::format("{}, at {}", why, place(node.at)));
}

Result<std::optional<Item>> single(Node const& node, Collection const& items) {
  if (items.empty()) return std::optional<Item>{};
  if (items.size() > 1)
    return failure(node, fmt::format("one item is needed and {} are there", items.size()));
  return std::optional(items.front());
}

Result<std::optional<bool>> as_boolean(Node const& node, Collection const& items) {
  FHIR_TRY(auto const item, single(node, items));
  if (!item) return std::optional<bool>{};
  auto const value = to_value(*item);
  return std::optional(!value || value->kind != Item::Kind::boolean || value->boolean);
}

Result<std::optional<std::string_view>> as_text(Node const& node, Collection const& items) {
  if (items.empty()) return std::optional<std::string_view>{};
  if (items.size() > 1) FHIR_CHECK(single(node, items));
  return as_text(node, items.front());
}

Result<std::optional<std::string_view>> as_text(Node const& node, Item const& item) {
  if (item.kind == Item::Kind::string) return std::optional(item.text());
  auto const value = to_value(item);
  if (!value) {
    if (item.is_node() && item.type != nullptr && item.type->is_primitive())
      return std::optional<std::string_view>{};
    return failure(node, "a text is needed, not " + type_name(item));
  }
  if (value->kind != Item::Kind::string && value->kind != Item::Kind::date &&
      value->kind != Item::Kind::date_time && value->kind != Item::Kind::time) {
    return failure(node, "a text is needed, not " + type_name(item));
  }
  return std::optional(value->text());
}

Result<std::optional<std::int64_t>> as_integer(Node const& node, Collection const& items) {
  if (items.empty()) return std::optional<std::int64_t>{};
  if (items.size() > 1) FHIR_CHECK(single(node, items));
  return as_integer(node, items.front());
}

Result<std::optional<std::int64_t>> as_integer(Node const& node, Item const& item) {
  if (item.kind == Item::Kind::integer) return item.number().floor();
  auto const value = to_value(item);
  if (!value || value->kind != Item::Kind::integer) {
    return failure(node, "an integer is needed, not " + type_name(item));
  }
  return value->number().floor();
}

Result<bool> SpendingSet::spent(bool answer) {
  FHIR_CHECK(evaluation_.spend(set_.work() - spent_ + 1));
  spent_ = set_.work();
  return answer;
}

Result<bool> SpendingSet::insert(Item const& item) { return spent(set_.insert(item)); }
Result<bool> SpendingSet::contains(Item const& item) { return spent(set_.contains(item)); }

Result<void> SpendingSet::insert_all(Collection const& items) {
  for (Item const& item : items) FHIR_CHECK(insert(item));
  return {};
}

Result<Collection> distinct(Evaluation& evaluation, Collection const& items) {
  Collection out;
  SpendingSet seen(evaluation);
  for (Item const& item : items) {
    FHIR_TRY(bool const is_new, seen.insert(item));
    if (is_new) out.push_back(item);
  }
  return out;
}

Services const& Evaluation::services() const {
  static Services const none;
  return environment_.services == nullptr ? none : *environment_.services;
}

json::Element const* Evaluation::resource() const {
  if (environment_.resource != nullptr) return environment_.resource;
  return focus_.is_node() ? focus_.value : nullptr;
}

json::Element const* Evaluation::root_resource() const {
  return environment_.root_resource != nullptr ? environment_.root_resource : resource();
}

/// The clock, now and then, and the budget.
Result<void> Evaluation::look() {
  if (steps_ > environment_.step_max) {
    return error(IssueType::too_costly,
                 fmt::format("the expression took more than {} steps", environment_.step_max));
  }
  if (steps_ >= next_look_) {
    next_look_ = steps_ + kLookEvery;
    if (environment_.out_of_time && environment_.out_of_time()) {
      return error(IssueType::too_costly, "the expression took too long");
    }
  }
  return {};
}

Result<Collection> Evaluation::run(NodeId id, Scope const& scope) {
  FHIR_CHECK(spend(1));
  Node const& node = program_.node(id);
  switch (node.operation) {
    case Operation::literal:
      return node.is_empty ? Collection{} : one(node.item);
    case Operation::this_:
      return scope.self == nullptr ? Collection{} : one(*scope.self);
    case Operation::index:
      return one(Item::of_integer(scope.index));
    case Operation::total:
      return scope.total == nullptr ? Collection{} : *scope.total;
    case Operation::variable:
      return run_variable(node);
    case Operation::root:
    case Operation::member:
      return run_member(node, scope);
    case Operation::call:
      return run_call(node, scope);
    case Operation::item_at:
      return run_item_at(node, scope);
    case Operation::negate:
    case Operation::plus_sign:
      return run_sign(node, scope);
    case Operation::is:
    case Operation::as:
      return run_type(node, scope);
    case Operation::and_:
    case Operation::or_:
    case Operation::xor_:
    case Operation::implies:
      return run_logic(node, scope);
    default:
      return run_binary(node, scope);
  }
}

Result<Collection> Evaluation::run_variable(Node const& node) const {
  std::string_view const name = node.text;
  auto const text = [](std::string_view value) { return one(Item::of_text(Item::Kind::string, value)); };
  auto const resource_item = [](json::Element const* resource) {
    return resource == nullptr ? Collection{} : one(root_item(*resource));
  };
  if (name == "resource") return resource_item(resource());
  if (name == "rootResource") return resource_item(root_resource());
  if (name == "context") return one(focus_);
  if (name == "terminologies") return one(terminologies_item());
  if (name == "sct") return text("http://snomed.info/sct");
  if (name == "loinc") return text("http://loinc.org");
  if (name == "ucum") return text("http://unitsofmeasure.org");
  if (name.starts_with("vs-"))
    return text(arena_.copy(std::string("http://hl7.org/fhir/ValueSet/").append(name.substr(3))));
  if (name.starts_with("ext-")) {
    return text(arena_.copy(std::string("http://hl7.org/fhir/StructureDefinition/").append(name.substr(4))));
  }
  return failure(node, fmt::format("there is no %{}", name));
}

Result<Collection> Evaluation::run_member(Node const& node, Scope const& scope) {
  Collection out;
  if (node.operand_count == 0) {
    if (scope.self == nullptr) return out;
    if (node.operation == Operation::root && scope.self->is_node() && scope.self->type != nullptr &&
        is_below(*scope.self->type, node.text)) {
      return one(*scope.self);
    }
    append_members(*scope.self, node.text, program_.last_element(node), out);
    return out;
  }
  return run_path(node, scope);
}

/// a.b[0].c: from where it begins step by step, in two collections that take turns.
Result<Collection> Evaluation::run_path(Node const& last, Scope const& scope) {
  constexpr std::size_t kStepsMax = 16;  // a longer path begins with a shorter one
  std::array<Node const*, kStepsMax> steps;
  std::size_t count = 0;
  NodeId begin = 0;
  for (Node const* node = &last; count < kStepsMax; node = &program_.node(begin)) {
    bool const is_step =
        (node->operation == Operation::member && node->operand_count != 0) || is_literal_index(*node);
    if (!is_step) break;
    steps[count++] = node;
    begin = program_.operands_of(*node)[0];
  }
  FHIR_TRY(Collection first, run(begin, scope));
  Collection second;
  Collection* here = &first;
  Collection* next = &second;
  while (count-- > 0) {
    Node const& step = *steps[count];
    if (step.operation == Operation::item_at) {
      auto const at = program_.node(program_.operands_of(step)[1]).item.number().floor().value_or(-1);
      bool const is_there = at >= 0 && static_cast<std::size_t>(at) < here->size();
      if (is_there && at != 0) here->front() = (*here)[static_cast<std::size_t>(at)];
      here->truncate(here->begin() + (is_there ? 1 : 0));
      FHIR_CHECK(spend(2));
      continue;
    }
    next->clear();
    LastElement& last_element = program_.last_element(step);
    for (Item const& item : *here) append_members(item, step.text, last_element, *next);
    FHIR_CHECK(spend(1 + here->size() + next->size()));
    if (next->size() > environment_.collection_max)
      return error(IssueType::too_costly, "a collection has too many items");
    std::swap(here, next);
  }
  return std::move(*here);
}

bool Evaluation::is_literal_index(Node const& node) const {
  if (node.operation != Operation::item_at) return false;
  Node const& index = program_.node(program_.operands_of(node)[1]);
  return index.operation == Operation::literal && !index.is_empty && index.item.kind == Item::Kind::integer;
}

Result<Collection> Evaluation::run_call(Node const& node, Scope const& scope) {
  auto const operands = program_.operands_of(node);
  Call call{*this, node, node.on_focus ? operands : operands.subspan(1), scope, {}};
  if (node.on_focus) {
    if (scope.self != nullptr) call.input.push_back(*scope.self);
  } else {
    FHIR_TRY(call.input, run(operands[0], scope));
  }
  FHIR_TRY(Collection out, node.function->body(call));
  FHIR_CHECK(spend(out.size()));
  if (out.size() > environment_.collection_max)
    return error(IssueType::too_costly, "a collection has too many items");
  return out;
}

Result<Collection> Evaluation::run_item_at(Node const& node, Scope const& scope) {
  if (is_literal_index(node)) return run_path(node, scope);
  FHIR_TRY(Collection const input, run(program_.operands_of(node)[0], scope));
  FHIR_TRY(Collection const index, run(program_.operands_of(node)[1], scope));
  FHIR_TRY(auto const at, as_integer(node, index));
  if (!at || *at < 0 || static_cast<std::size_t>(*at) >= input.size()) return Collection{};
  return one(input[static_cast<std::size_t>(*at)]);
}

Result<Collection> Evaluation::run_sign(Node const& node, Scope const& scope) {
  FHIR_TRY(Collection const input, run(program_.operands_of(node)[0], scope));
  FHIR_TRY(auto const item, single(node, input));
  if (!item) return Collection{};
  auto value = to_value(*item);
  bool const is_number = value && (value->kind == Item::Kind::integer || value->kind == Item::Kind::decimal ||
                                   value->kind == Item::Kind::quantity);
  if (!is_number) return failure(node, "a sign needs a number, not " + type_name(*item));
  if (node.operation == Operation::negate) value->set_number(value->number().negated());
  return one(*value);
}

Result<Collection> Evaluation::run_type(Node const& node, Scope const& scope) {
  FHIR_TRY(Collection input, run(program_.operands_of(node)[0], scope));
  if (node.operation == Operation::as) {
    // N1 wants one item here; R4's own SearchParameters write (useContext.value as Quantity) over many.
    input.erase_if([&](Item const& item) { return !is_cast_type(item, node.text); });
    return input;
  }
  FHIR_TRY(auto const item, single(node, input));
  return item ? one(is_of_type(*item, node.text)) : Collection{};
}

Result<std::optional<bool>> Evaluation::run_boolean(NodeId id, Scope const& scope) {
  FHIR_TRY(Collection const items, run(id, scope));
  return as_boolean(program_.node(id), items);
}

/// Three-valued logic (N1 6.5); the right side is not run where the left decides.
Result<Collection> Evaluation::run_logic(Node const& node, Scope const& scope) {
  auto const operands = program_.operands_of(node);
  FHIR_TRY(auto const left, run_boolean(operands[0], scope));
  switch (node.operation) {
    case Operation::and_:
      if (left == false) return one(false);
      break;
    case Operation::or_:
      if (left == true) return one(true);
      break;
    case Operation::implies:
      if (left == false) return one(true);
      break;
    default:
      break;
  }
  FHIR_TRY(auto const right, run_boolean(operands[1], scope));
  switch (node.operation) {
    case Operation::and_:
      if (right == false) return one(false);
      return left && right ? one(true) : Collection{};
    case Operation::or_:
      if (right == true) return one(true);
      return left && right ? one(false) : Collection{};
    case Operation::implies:
      if (right == true) return one(true);
      return left && right ? one(false) : Collection{};
    default:
      return left && right ? one(*left != *right) : Collection{};
  }
}

namespace {

Result<std::optional<Item>> compare(Node const& node, std::optional<Item> const& a,
                                    std::optional<Item> const& b) {
  if (!a || !b) return std::optional<Item>{};
  auto const found = order(*a, *b);
  if (!found) return failure(node, found.error().diagnostics);
  if (!found->known) return std::optional<Item>{};
  switch (node.operation) {
    case Operation::less:
      return std::optional(Item::of_boolean(found->sign < 0));
    case Operation::less_equal:
      return std::optional(Item::of_boolean(found->sign <= 0));
    case Operation::greater:
      return std::optional(Item::of_boolean(found->sign > 0));
    default:
      return std::optional(Item::of_boolean(found->sign >= 0));
  }
}

bool is_order(Operation operation) {
  return operation == Operation::less || operation == Operation::less_equal ||
         operation == Operation::greater || operation == Operation::greater_equal;
}

bool takes_collections(Operation operation) {
  switch (operation) {
    case Operation::union_:
    case Operation::equal:
    case Operation::not_equal:
    case Operation::equivalent:
    case Operation::not_equivalent:
    case Operation::in:
    case Operation::contains:
      return true;
    default:
      return false;
  }
}

/// What run_on_singles() runs.
bool gives_one(Operation operation) {
  switch (operation) {
    case Operation::multiply:
    case Operation::divide:
    case Operation::whole_divide:
    case Operation::modulo:
    case Operation::add:
    case Operation::subtract:
    case Operation::concatenate:
      return true;
    default:
      return is_order(operation);
  }
}

char symbol_of(Operation operation) {
  switch (operation) {
    case Operation::multiply:
      return '*';
    case Operation::divide:
      return '/';
    case Operation::whole_divide:
      return 'd';
    case Operation::modulo:
      return 'm';
    case Operation::subtract:
      return '-';
    default:
      return '+';
  }
}

}  // namespace

Result<Collection> Evaluation::run_binary(Node const& node, Scope const& scope) {
  auto const operands = program_.operands_of(node);
  if (!takes_collections(node.operation)) {
    FHIR_TRY(auto const item, run_on_singles(node, scope));
    return item ? one(*item) : Collection{};
  }
  bool const is_equality = node.operation == Operation::equal || node.operation == Operation::not_equal;
  FHIR_TRY(Collection left, run(operands[0], scope));
  if (Node const& right = program_.node(operands[1]);
      is_equality && right.operation == Operation::literal && !right.is_empty) {
    FHIR_CHECK(spend(1));
    if (left.empty()) return Collection{};
    auto const same = left.size() == 1 ? equal(left.front(), right.item) : std::optional(false);
    return same ? one(*same == (node.operation == Operation::equal)) : Collection{};
  }
  FHIR_TRY(Collection right, run(operands[1], scope));
  switch (node.operation) {
    case Operation::union_: {
      left.append(right);
      return distinct(*this, left);
    }
    case Operation::equal:
      return of_optional(equal(left, right));
    case Operation::not_equal: {
      auto const same = equal(left, right);
      return same ? one(!*same) : Collection{};
    }
    case Operation::equivalent:
      return one(equivalent(left, right));
    case Operation::not_equivalent:
      return one(!equivalent(left, right));
    default: {  // in, contains
      Collection const& items = node.operation == Operation::in ? right : left;
      FHIR_TRY(auto const item, single(node, node.operation == Operation::in ? left : right));
      FHIR_CHECK(spend(items.size()));
      return item ? one(contains(items, *item)) : Collection{};
    }
  }
}

/// The one item of an operand, or none; literals, $this and what gives one item make no collection on the
/// way. Errors: several.
Result<std::optional<Item>> Evaluation::run_single(Node const& node, NodeId operand, Scope const& scope) {
  Node const& what = program_.node(operand);
  if (what.operation == Operation::literal) {
    FHIR_CHECK(spend(1));
    return what.is_empty ? std::optional<Item>{} : std::optional(what.item);
  }
  if (gives_one(what.operation)) {
    FHIR_CHECK(spend(1));
    return run_on_singles(what, scope);
  }
  FHIR_TRY(Collection const items, run(operand, scope));
  return single(node, items);
}

Result<std::optional<Item>> Evaluation::run_on_singles(Node const& node, Scope const& scope) {
  auto const operands = program_.operands_of(node);
  FHIR_TRY(auto const a, run_single(node, operands[0], scope));
  FHIR_TRY(auto const b, run_single(node, operands[1], scope));
  if (is_order(node.operation)) return compare(node, a, b);
  if (node.operation == Operation::concatenate) {
    std::string joined;
    for (auto const& part : {a, b}) {
      if (!part) continue;
      auto const text = to_text(*part);
      if (!text) return failure(node, "a text is needed, not " + type_name(*part));
      joined += *text;
    }
    if (joined.size() > kTextMax) return error(IssueType::too_costly, "a text became too long");
    return std::optional(text_item(joined));
  }
  if (!a || !b) return std::optional<Item>{};
  auto value = calculate(symbol_of(node.operation), *a, *b, arena_);
  if (!value) return failure(node, value.error().diagnostics);
  return value;
}

Result<Collection> Expression::evaluate(Item const& focus, Environment const& environment,
                                        json::Arena& arena) const {
  Evaluation evaluation(*program_, focus, environment, arena);
  return evaluation.run(program_->top, Scope{.self = &focus});
}

Result<bool> Expression::holds(Item const& focus, Environment const& environment, json::Arena& arena) const {
  FHIR_TRY(Collection const items, evaluate(focus, environment, arena));
  FHIR_TRY(auto const value, as_boolean(program_->node(program_->top), items));
  return value.value_or(false);
}

}  // namespace fhir::path
