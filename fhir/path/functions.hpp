/// The functions of the language by name. Each is one C++ function in functions_*.cpp.
#pragma once

#include "fhir/path/node.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace fhir::path {

class Evaluation;
struct Scope;

/// A function being called: its input, and its arguments, evaluated when asked for.
struct Call {
  Evaluation& evaluation;
  Node const& node;
  std::span<NodeId const> arguments;
  Scope const& scope;
  Collection input;

  bool has_argument(std::size_t index) const { return index < arguments.size(); }
  /// In the scope of the call.
  Result<Collection> argument(std::size_t index);
  Item const* literal_argument(std::size_t index) const;  ///< nullptr when it is to be evaluated.
  Result<std::optional<std::string_view>> text_argument(std::size_t index);
  Result<std::optional<std::int64_t>> integer_argument(std::size_t index);
  /// On one item of the input, as $this.
  Result<Collection> argument_on(std::size_t index, Item const& item, std::int64_t position);
  Result<bool> condition_on(std::size_t index, Item const& item, std::int64_t position);
  /// The input as one text; nullopt when it is empty. Errors: several, or no text.
  Result<std::optional<std::string_view>> input_text();
  Result<std::optional<Item>> input_value();
};

/// What a function takes, for check(): see check.cpp.
enum class Takes : std::uint8_t { anything, text, number, nodes, ordered };
enum class Gives : std::uint8_t {
  input,
  one_boolean,
  one_integer,
  one_text,
  texts,
  unknown,
  cast,
  children,
  argument
};

struct FunctionDefinition {
  std::string_view name;
  std::uint8_t argument_min;
  std::uint8_t argument_max;
  Result<Collection> (*body)(Call&);
  Takes takes = Takes::anything;
  Gives gives = Gives::unknown;
  bool single = false;      ///< gives one item at most
  bool takes_type = false;  ///< its argument is a type specifier
  bool on_items = false;    ///< its arguments are evaluated on each item of the input
};

/// nullptr when there is none of that name.
FunctionDefinition const* find_function(std::string_view name);

// One list each, for find_function.
std::span<FunctionDefinition const> collection_functions();
std::span<FunctionDefinition const> text_functions();
std::span<FunctionDefinition const> number_functions();
std::span<FunctionDefinition const> conversion_functions();
std::span<FunctionDefinition const> fhir_functions();
std::span<FunctionDefinition const> terminology_functions();

/// What %terminologies is: an item of its own, on which those functions stand.
Item terminologies_item();
bool is_terminologies(Collection const& input);
/// %terminologies.subsumes(system, coded1, coded2 [, parameters]).
Result<Collection> subsumes_by_service(Call& call);

}  // namespace fhir::path
