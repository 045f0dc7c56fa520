/// The instruction form of an expression: nodes in one array, children before parents, evaluated by index.
#pragma once

#include "fhir/path/navigation.hpp"
#include "fhir/path/path.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fhir::path {

struct FunctionDefinition;

enum class Operation : std::uint8_t {
  literal,   ///< item, or an empty collection when `is_empty`
  this_,     ///< $this
  index,     ///< $index
  total,     ///< $total
  variable,  ///< text: name after %
  root,      ///< a type's name at the head of a path: the focus when it is of that type, else a member
  member,    ///< text: element name; operand 0, or the focus when there is none
  call,      ///< function; operand 0 is the input unless `on_focus`; the others are arguments
  item_at,   ///< operand 0 [ operand 1 ]
  negate,
  plus_sign,
  multiply,
  divide,
  whole_divide,
  modulo,
  add,
  subtract,
  concatenate,
  is,
  as,  ///< text: type specifier
  union_,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  equivalent,
  not_equal,
  not_equivalent,
  in,
  contains,
  and_,
  or_,
  xor_,
  implies
};

struct Node {
  Operation operation = Operation::literal;
  bool on_focus = false;            ///< call: has no written input
  bool is_empty = false;            ///< literal: {}
  std::uint32_t at = 0;             ///< place in the text, from 0
  std::uint32_t first_operand = 0;  ///< in Program::operands
  std::uint32_t operand_count = 0;
  std::string_view text;
  FunctionDefinition const* function = nullptr;
  Item item;
};

using NodeId = std::uint32_t;

struct Program {
  std::string source;
  std::deque<std::string> strings;  ///< literals with escapes, decoded; addresses stay.
  std::vector<Node> nodes;
  std::vector<NodeId> operands;
  NodeId top = 0;
  std::unique_ptr<LastElement[]> last_elements;  ///< By node; all that changes, and only what is known.

  LastElement& last_element(Node const& node) const {
    return last_elements[static_cast<std::size_t>(&node - nodes.data())];
  }
  Node const& node(NodeId id) const { return nodes[id]; }
  std::span<NodeId const> operands_of(Node const& node) const {
    return std::span(operands).subspan(node.first_operand, node.operand_count);
  }
};

/// "line 1, character 7" words for messages: the character of a place.
std::string place(std::uint32_t at);

}  // namespace fhir::path
