#include "fhir/path/functions.hpp"

#include "fhir/path/evaluation.hpp"
#include "fhir/path/types.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace fhir::path {

FunctionDefinition const* find_function(std::string_view name) {
  static std::vector<FunctionDefinition> const all = [] {
    std::vector<FunctionDefinition> functions;
    for (auto const list : {collection_functions(), text_functions(), number_functions(),
                            conversion_functions(), fhir_functions(), terminology_functions()}) {
      functions.insert(functions.end(), list.begin(), list.end());
    }
    std::ranges::sort(functions, {}, &FunctionDefinition::name);
    return functions;
  }();
  auto const at = std::ranges::lower_bound(all, name, {}, &FunctionDefinition::name);
  return at != all.end() && at->name == name ? &*at : nullptr;
}

Result<Collection> Call::argument(std::size_t index) { return evaluation.run(arguments[index], scope); }

Item const* Call::literal_argument(std::size_t index) const {
  Node const& argument = evaluation.program().node(arguments[index]);
  return argument.operation == Operation::literal && !argument.is_empty ? &argument.item : nullptr;
}

Result<std::optional<std::string_view>> Call::text_argument(std::size_t index) {
  if (Item const* const literal = literal_argument(index)) return as_text(node, *literal);
  FHIR_TRY(Collection const items, argument(index));
  return as_text(node, items);
}

Result<std::optional<std::int64_t>> Call::integer_argument(std::size_t index) {
  if (Item const* const literal = literal_argument(index)) return as_integer(node, *literal);
  FHIR_TRY(Collection const items, argument(index));
  return as_integer(node, items);
}

Result<Collection> Call::argument_on(std::size_t index, Item const& item, std::int64_t position) {
  return evaluation.run(arguments[index], Scope{.self = &item, .index = position, .total = scope.total});
}

Result<bool> Call::condition_on(std::size_t index, Item const& item, std::int64_t position) {
  FHIR_TRY(Collection const items, argument_on(index, item, position));
  FHIR_TRY(auto const value, as_boolean(node, items));
  return value.value_or(false);
}

Result<std::optional<std::string_view>> Call::input_text() { return as_text(node, input); }

Result<std::optional<Item>> Call::input_value() {
  FHIR_TRY(auto const item, single(node, input));
  if (!item) return std::optional<Item>{};
  return to_value(*item);
}

}  // namespace fhir::path
