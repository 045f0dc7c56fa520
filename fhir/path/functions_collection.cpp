/// Functions on collections. Source: FHIRPath N1 sections 5.1-5.4, 5.9, 7.1; sort() and iif() on items as
/// R4's own suite reads them.
#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/navigation.hpp"
#include "fhir/path/types.hpp"
#include "fhir/path/values.hpp"

#include <algorithm>
#include <array>

namespace fhir::path {

namespace {

Collection boolean(bool value) { return Collection(Item::of_boolean(value)); }

Result<Collection> empty(Call& call) { return boolean(call.input.empty()); }

Result<Collection> where(Call& call) {
  Collection out;
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    FHIR_TRY(bool const holds, call.condition_on(0, call.input[i], static_cast<std::int64_t>(i)));
    if (holds) out.push_back(call.input[i]);
  }
  return out;
}

Result<Collection> exists(Call& call) {
  if (!call.has_argument(0)) return boolean(!call.input.empty());
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    FHIR_TRY(bool const holds, call.condition_on(0, call.input[i], static_cast<std::int64_t>(i)));
    if (holds) return boolean(true);
  }
  return boolean(false);
}

Result<Collection> all(Call& call) {
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    FHIR_TRY(bool const holds, call.condition_on(0, call.input[i], static_cast<std::int64_t>(i)));
    if (!holds) return boolean(false);
  }
  return boolean(true);
}

Result<Collection> select(Call& call) {
  Collection out;
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    FHIR_TRY(Collection const part, call.argument_on(0, call.input[i], static_cast<std::int64_t>(i)));
    out.append(part);
    if (out.size() > call.evaluation.environment().collection_max) {
      return error(IssueType::too_costly, "a collection has too many items");
    }
  }
  return out;
}

Result<Collection> repeat(Call& call) {
  Collection out;
  SpendingSet seen(call.evaluation);
  Collection round = call.input;
  while (!round.empty()) {
    Collection next;
    for (std::size_t i = 0; i < round.size(); ++i) {
      FHIR_TRY(Collection const part, call.argument_on(0, round[i], static_cast<std::int64_t>(i)));
      for (Item const& item : part) {
        FHIR_TRY(bool const is_new, seen.insert(item));
        if (!is_new) continue;
        out.push_back(item);
        next.push_back(item);
      }
    }
    round = std::move(next);
  }
  return out;
}

/// allTrue and its kin: `wanted` in all items, or in any.
Result<Collection> booleans(Call& call, bool wanted, bool in_all) {
  for (Item const& item : call.input) {
    auto const value = to_value(item);
    if (!value || value->kind != Item::Kind::boolean) {
      return failure(call.node, "a Boolean is needed, not " + type_name(item));
    }
    if (in_all && value->boolean != wanted) return boolean(false);
    if (!in_all && value->boolean == wanted) return boolean(true);
  }
  return boolean(in_all);
}

Result<Collection> all_true(Call& call) { return booleans(call, true, true); }
Result<Collection> any_true(Call& call) { return booleans(call, true, false); }
Result<Collection> all_false(Call& call) { return booleans(call, false, true); }
Result<Collection> any_false(Call& call) { return booleans(call, false, false); }

/// Errors: too_costly.
Result<bool> is_subset(Call& call, Collection const& part, Collection const& whole) {
  SpendingSet all(call.evaluation);
  FHIR_CHECK(all.insert_all(whole));
  for (Item const& item : part) {
    FHIR_TRY(bool const found, all.contains(item));
    if (!found) return false;
  }
  return true;
}

Result<Collection> subset_of(Call& call) {
  FHIR_TRY(Collection const other, call.argument(0));
  FHIR_TRY(bool const found, is_subset(call, call.input, other));
  return boolean(found);
}

Result<Collection> superset_of(Call& call) {
  FHIR_TRY(Collection const other, call.argument(0));
  FHIR_TRY(bool const found, is_subset(call, other, call.input));
  return boolean(found);
}

Result<Collection> count(Call& call) {
  return Collection{Item::of_integer(static_cast<std::int64_t>(call.input.size()))};
}

Result<Collection> distinct_items(Call& call) { return distinct(call.evaluation, call.input); }

Result<Collection> is_distinct(Call& call) {
  FHIR_TRY(Collection const all, distinct(call.evaluation, call.input));
  return boolean(all.size() == call.input.size());
}

Result<Collection> single_item(Call& call) {
  FHIR_CHECK(single(call.node, call.input));
  return call.input;
}

/// The items from `first`, at most `most`.
Collection slice(Collection const& items, std::int64_t first, std::int64_t most) {
  auto const size = static_cast<std::int64_t>(items.size());
  std::int64_t const begin = std::clamp<std::int64_t>(first, 0, size);
  std::int64_t const end = begin + std::clamp<std::int64_t>(most, 0, size - begin);
  return Collection(items.begin() + begin, items.begin() + end);
}

Result<Collection> first(Call& call) { return slice(call.input, 0, 1); }
Result<Collection> last(Call& call) {
  return slice(call.input, static_cast<std::int64_t>(call.input.size()) - 1, 1);
}
Result<Collection> tail(Call& call) { return slice(call.input, 1, INT64_MAX); }

Result<Collection> skip(Call& call) {
  FHIR_TRY(auto const n, call.integer_argument(0));
  return n ? slice(call.input, *n, INT64_MAX) : Collection{};
}

Result<Collection> take(Call& call) {
  FHIR_TRY(auto const n, call.integer_argument(0));
  return n ? slice(call.input, 0, *n) : Collection{};
}

/// Items of the input that are (or are not) in the argument.
Result<Collection> filtered(Call& call, bool wanted) {
  FHIR_TRY(Collection const other, call.argument(0));
  SpendingSet all(call.evaluation);
  FHIR_CHECK(all.insert_all(other));
  Collection out;
  for (Item const& item : call.input) {
    FHIR_TRY(bool const found, all.contains(item));
    if (found == wanted) out.push_back(item);
  }
  return out;
}

Result<Collection> intersect(Call& call) {
  FHIR_TRY(Collection const both, filtered(call, true));
  return distinct(call.evaluation, both);
}

Result<Collection> exclude(Call& call) { return filtered(call, false); }

Result<Collection> combine(Call& call) {
  FHIR_TRY(Collection const other, call.argument(0));
  Collection out = call.input;
  out.append(other);
  return out;
}

Result<Collection> union_items(Call& call) {
  FHIR_TRY(Collection const both, combine(call));
  return distinct(call.evaluation, both);
}

Result<Collection> iif(Call& call) {
  FHIR_TRY(auto const item, single(call.node, call.input));
  // Written after a dot the arguments are about that item; else they stand where the call stands.
  Scope scope = call.scope;
  if (!call.node.on_focus)
    scope = Scope{.self = item ? &*item : nullptr, .index = 0, .total = call.scope.total};
  FHIR_TRY(Collection const criterion, call.evaluation.run(call.arguments[0], scope));
  FHIR_TRY(auto const holds, as_boolean(call.node, criterion));
  if (holds == true) return call.evaluation.run(call.arguments[1], scope);
  return call.has_argument(2) ? call.evaluation.run(call.arguments[2], scope) : Collection{};
}

Result<Collection> aggregate(Call& call) {
  Collection total;
  if (call.has_argument(1)) {
    FHIR_TRY(total, call.argument(1));
  }
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    Scope const scope{.self = &call.input[i], .index = static_cast<std::int64_t>(i), .total = &total};
    FHIR_TRY(Collection next, call.evaluation.run(call.arguments[0], scope));
    total = std::move(next);
  }
  return total;
}

Result<Collection> children(Call& call) {
  Collection out;
  Shapes shapes;
  for (Item const& item : call.input) append_children(item, shapes, out);
  return out;
}

Result<Collection> descendants(Call& call) {
  Collection out;
  Shapes shapes;
  for (Item const& item : call.input) append_children(item, shapes, out);
  FHIR_CHECK(call.evaluation.spend(out.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!has_children(out[i])) continue;
    Item const item = out[i];
    std::size_t const before = out.size();
    append_children(item, shapes, out);
    FHIR_CHECK(call.evaluation.spend(out.size() - before));
    if (out.size() > call.evaluation.environment().collection_max) {
      return error(IssueType::too_costly, "a collection has too many items");
    }
  }
  return out;
}

/// One key of sort(): a value for each item, and whether "-" stood before it.
struct SortKey {
  std::vector<std::optional<Item>> values;
  bool descending = false;
};

Result<SortKey> sort_key(Call& call, std::size_t argument) {
  auto const& program = call.evaluation.program();
  NodeId expression = call.arguments[argument];
  SortKey key;
  if (program.node(expression).operation == Operation::negate) {
    key.descending = true;
    expression = program.operands_of(program.node(expression))[0];
  }
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    Scope const scope{
        .self = &call.input[i], .index = static_cast<std::int64_t>(i), .total = call.scope.total};
    FHIR_TRY(Collection const items, call.evaluation.run(expression, scope));
    FHIR_TRY(auto const item, single(call.node, items));
    key.values.push_back(item);
  }
  return key;
}

Result<Collection> sort(Call& call) {
  std::vector<SortKey> keys;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    FHIR_TRY(SortKey key, sort_key(call, i));
    keys.push_back(std::move(key));
  }
  if (keys.empty()) keys.push_back({{call.input.begin(), call.input.end()}, false});
  FHIR_CHECK(call.evaluation.spend(call.input.size() * 16));
  std::vector<std::size_t> places(call.input.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::optional<Issue> failed;
  std::ranges::stable_sort(places, [&](std::size_t left, std::size_t right) {
    for (SortKey const& key : keys) {
      auto const& a = key.values[left];
      auto const& b = key.values[right];
      if (a.has_value() != b.has_value())
        return a.has_value() != key.descending;  // nothing comes after something
      if (!a) continue;
      auto const found = order(*a, *b);
      if (!found) {
        failed = found.error();
        return false;
      }
      if (found->known && found->sign != 0) return (found->sign < 0) != key.descending;
    }
    return false;
  });
  if (failed) return failure(call.node, failed->diagnostics);
  Collection out;
  for (std::size_t const at : places) out.push_back(call.input[at]);
  return out;
}

Result<Collection> not_(Call& call) {
  FHIR_TRY(auto const value, as_boolean(call.node, call.input));
  return value ? boolean(!*value) : Collection{};
}

Result<Collection> of_type(Call& call) {
  Collection out;
  std::ranges::copy_if(call.input, std::back_inserter(out),
                       [&](Item const& item) { return is_cast_type(item, call.node.text); });
  return out;
}

Result<Collection> is(Call& call) {
  FHIR_TRY(auto const item, single(call.node, call.input));
  return item ? boolean(is_of_type(*item, call.node.text)) : Collection{};
}

Result<Collection> as(Call& call) {
  if (!call.evaluation.environment().casts_many) FHIR_CHECK(single(call.node, call.input));
  return of_type(call);
}

Result<Collection> type(Call& call) {
  Collection out;
  for (Item const& item : call.input) {
    out.push_back(Item::of_type_info(namespace_of(item), name_of(item)));
  }
  return out;
}

Result<Collection> trace(Call& call) {
  FHIR_TRY(auto const name, call.text_argument(0));
  auto const& listener = call.evaluation.services().trace;
  if (!listener) return call.input;
  if (!call.has_argument(1)) {
    listener(name.value_or(""), call.input);
    return call.input;
  }
  Collection shown;
  for (std::size_t i = 0; i < call.input.size(); ++i) {
    FHIR_TRY(Collection const part, call.argument_on(1, call.input[i], static_cast<std::int64_t>(i)));
    shown.append(part);
  }
  listener(name.value_or(""), shown);
  return call.input;
}

using T = Takes;
using G = Gives;

constexpr std::array kFunctions = {
    FunctionDefinition{"empty", 0, 0, empty, T::anything, G::one_boolean, true},
    FunctionDefinition{"exists", 0, 1, exists, T::anything, G::one_boolean, true, false, true},
    FunctionDefinition{"all", 1, 1, all, T::anything, G::one_boolean, true, false, true},
    FunctionDefinition{"allTrue", 0, 0, all_true, T::anything, G::one_boolean, true},
    FunctionDefinition{"anyTrue", 0, 0, any_true, T::anything, G::one_boolean, true},
    FunctionDefinition{"allFalse", 0, 0, all_false, T::anything, G::one_boolean, true},
    FunctionDefinition{"anyFalse", 0, 0, any_false, T::anything, G::one_boolean, true},
    FunctionDefinition{"subsetOf", 1, 1, subset_of, T::anything, G::one_boolean, true},
    FunctionDefinition{"supersetOf", 1, 1, superset_of, T::anything, G::one_boolean, true},
    FunctionDefinition{"count", 0, 0, count, T::anything, G::one_integer, true},
    FunctionDefinition{"distinct", 0, 0, distinct_items, T::anything, G::input},
    FunctionDefinition{"isDistinct", 0, 0, is_distinct, T::anything, G::one_boolean, true},
    FunctionDefinition{"where", 1, 1, where, T::anything, G::input, false, false, true},
    FunctionDefinition{"select", 1, 1, select, T::anything, G::argument, false, false, true},
    FunctionDefinition{"repeat", 1, 1, repeat, T::anything, G::unknown, false, false, true},
    FunctionDefinition{"ofType", 1, 1, of_type, T::anything, G::cast, false, true},
    FunctionDefinition{"single", 0, 0, single_item, T::anything, G::input, true},
    FunctionDefinition{"first", 0, 0, first, T::ordered, G::input, true},
    FunctionDefinition{"last", 0, 0, last, T::ordered, G::input, true},
    FunctionDefinition{"tail", 0, 0, tail, T::ordered, G::input},
    FunctionDefinition{"skip", 1, 1, skip, T::ordered, G::input},
    FunctionDefinition{"take", 1, 1, take, T::ordered, G::input},
    FunctionDefinition{"intersect", 1, 1, intersect, T::anything, G::input},
    FunctionDefinition{"exclude", 1, 1, exclude, T::anything, G::input},
    FunctionDefinition{"union", 1, 1, union_items},
    FunctionDefinition{"combine", 1, 1, combine},
    FunctionDefinition{"iif", 2, 3, iif, T::anything, G::unknown, false, false, true},
    FunctionDefinition{"aggregate", 1, 2, aggregate, T::anything, G::unknown, false, false, true},
    FunctionDefinition{"children", 0, 0, children, T::anything, G::children},
    FunctionDefinition{"descendants", 0, 0, descendants, T::anything, G::children},
    FunctionDefinition{"sort", 0, 8, sort, T::anything, G::input, false, false, true},
    FunctionDefinition{"not", 0, 0, not_, T::anything, G::one_boolean, true},
    FunctionDefinition{"is", 1, 1, is, T::anything, G::one_boolean, true, true},
    FunctionDefinition{"as", 1, 1, as, T::anything, G::cast, true, true},
    FunctionDefinition{"type", 0, 0, type},
    FunctionDefinition{"trace", 1, 2, trace, T::anything, G::input, false, false, true}};

}  // namespace

std::span<FunctionDefinition const> collection_functions() { return kFunctions; }

}  // namespace fhir::path
