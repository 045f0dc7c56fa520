/// FHIRPath text into nodes. Source: FHIRPath N1, appendix B (grammar); the precedences are its order of
/// alternatives.
#include "fhir/path/functions.hpp"
#include "fhir/path/lexer.hpp"
#include "fhir/path/node.hpp"
#include "fhir/path/temporal.hpp"
#include "fhir/path/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fhir::path {

namespace {

constexpr std::size_t kExpressionBytesMax = 64 * 1024;
constexpr int kDepthMax = 128;  // Of nested brackets, and of the tree that evaluation walks down.

struct Operator {
  std::string_view text;
  Operation operation;
  int precedence;
};

constexpr int kTypePrecedence = 8;
constexpr int kPolarityPrecedence = 11;

constexpr std::array<Operator, 24> kOperators = {{{"implies", Operation::implies, 1},
                                                  {"or", Operation::or_, 2},
                                                  {"xor", Operation::xor_, 2},
                                                  {"and", Operation::and_, 3},
                                                  {"in", Operation::in, 4},
                                                  {"contains", Operation::contains, 4},
                                                  {"=", Operation::equal, 5},
                                                  {"~", Operation::equivalent, 5},
                                                  {"!=", Operation::not_equal, 5},
                                                  {"!~", Operation::not_equivalent, 5},
                                                  {"<=", Operation::less_equal, 6},
                                                  {"<", Operation::less, 6},
                                                  {">", Operation::greater, 6},
                                                  {">=", Operation::greater_equal, 6},
                                                  {"|", Operation::union_, 7},
                                                  {"is", Operation::is, kTypePrecedence},
                                                  {"as", Operation::as, kTypePrecedence},
                                                  {"+", Operation::add, 9},
                                                  {"-", Operation::subtract, 9},
                                                  {"&", Operation::concatenate, 9},
                                                  {"*", Operation::multiply, 10},
                                                  {"/", Operation::divide, 10},
                                                  {"div", Operation::whole_divide, 10},
                                                  {"mod", Operation::modulo, 10}}};

Operator const* find_operator(Token const& token) {
  if (token.kind != Token::Kind::symbol && token.kind != Token::Kind::word) return nullptr;
  auto const at = std::ranges::find(kOperators, token.text, &Operator::text);
  return at == kOperators.end() ? nullptr : &*at;
}

/// Builds the program's nodes as it reads; `depth_` of each node keeps the tree shallow enough to walk.
class Parser {
 public:
  Parser(Program& program, Lexer lexer) : program_(program), lexer_(lexer) {}

  Result<NodeId> parse() {
    FHIR_CHECK(advance());
    FHIR_TRY(NodeId const top, expression(0, 0));
    if (token_.kind != Token::Kind::end) return unexpected();
    return top;
  }

 private:
  Result<NodeId> expression(int least, int nesting) {
    if (nesting > kDepthMax) return too_deep();
    FHIR_TRY(NodeId left, prefixed(nesting));
    for (;;) {
      Operator const* found = find_operator(token_);
      if (found == nullptr || found->precedence < least) return left;
      std::uint32_t const at = token_.at;
      FHIR_CHECK(advance());
      if (found->precedence == kTypePrecedence) {
        FHIR_TRY(std::string_view const type, type_specifier());
        FHIR_TRY(left, add({.operation = found->operation, .at = at, .text = type}, {left}));
        continue;
      }
      FHIR_TRY(NodeId const right, expression(found->precedence + 1, nesting + 1));
      FHIR_TRY(left, add({.operation = found->operation, .at = at}, {left, right}));
    }
  }

  Result<NodeId> prefixed(int nesting) {
    bool const negative = token_.is_symbol("-");
    if (!negative && !token_.is_symbol("+")) return invocations(nesting);
    std::uint32_t const at = token_.at;
    FHIR_CHECK(advance());
    FHIR_TRY(NodeId const operand, expression(kPolarityPrecedence, nesting + 1));
    return add({.operation = negative ? Operation::negate : Operation::plus_sign, .at = at}, {operand});
  }

  /// term { "." invocation | "[" expression "]" }
  Result<NodeId> invocations(int nesting) {
    FHIR_TRY(NodeId left, term(nesting));
    for (;;) {
      std::uint32_t const at = token_.at;
      if (token_.is_symbol(".")) {
        FHIR_CHECK(advance());
        FHIR_TRY(left, invocation(left, nesting));
      } else if (token_.is_symbol("[")) {
        FHIR_CHECK(advance());
        FHIR_TRY(NodeId const index, expression(0, nesting + 1));
        FHIR_CHECK(expect("]"));
        FHIR_TRY(left, add({.operation = Operation::item_at, .at = at}, {left, index}));
      } else {
        return left;
      }
    }
  }

  Result<NodeId> term(int nesting) {
    std::uint32_t const at = token_.at;
    switch (token_.kind) {
      case Token::Kind::number:
        return number();
      case Token::Kind::string: {
        FHIR_TRY(std::string_view const text, decoded(token_));
        FHIR_CHECK(advance());
        return literal(Item::of_text(Item::Kind::string, text), at);
      }
      case Token::Kind::temporal: {
        Item const item = Item::of_text(token_.temporal_kind, token_.text);
        FHIR_CHECK(advance());
        return literal(item, at);
      }
      case Token::Kind::variable: {
        FHIR_TRY(std::string_view const name, decoded(token_));
        FHIR_CHECK(advance());
        return add({.operation = Operation::variable, .at = at, .text = name}, {});
      }
      case Token::Kind::word:
        if (token_.text == "true" || token_.text == "false") {
          Item const item = Item::of_boolean(token_.text == "true");
          FHIR_CHECK(advance());
          return literal(item, at);
        }
        return invocation(std::nullopt, nesting);
      case Token::Kind::delimited:
        return invocation(std::nullopt, nesting);
      case Token::Kind::symbol:
        if (token_.text == "(") {
          FHIR_CHECK(advance());
          FHIR_TRY(NodeId const inner, expression(0, nesting + 1));
          FHIR_CHECK(expect(")"));
          return inner;
        }
        if (token_.text == "{") {
          FHIR_CHECK(advance());
          FHIR_CHECK(expect("}"));
          return add({.operation = Operation::literal, .is_empty = true, .at = at}, {});
        }
        return unexpected();
      case Token::Kind::end:
        return unexpected();
    }
    return unexpected();
  }

  /// A number, or a quantity where a unit stands behind it.
  Result<NodeId> number() {
    std::uint32_t const at = token_.at;
    bool const is_integer = token_.text.find('.') == std::string_view::npos;
    auto const value = Decimal::parse(token_.text);
    if (!value) return error(IssueType::invalid, "a number has too many digits at " + place(at));
    FHIR_CHECK(advance());
    if (token_.kind == Token::Kind::string) {
      FHIR_TRY(std::string_view const unit, decoded(token_));
      FHIR_CHECK(advance());
      return literal(Item::of_quantity(*value, unit), at);
    }
    if (token_.kind == Token::Kind::word && calendar_unit(token_.text)) {
      std::string_view const unit = token_.text;
      FHIR_CHECK(advance());
      return literal(Item::of_quantity(*value, unit, true), at);
    }
    Item item = Item::of_decimal(*value);
    if (is_integer) {
      if (value->unscaled > INT64_MAX)
        return error(IssueType::invalid, "an integer is too large at " + place(at));
      item.kind = Item::Kind::integer;
    }
    return literal(item, at);
  }

  /// identifier | function | $this | $index | $total, on what stands to the left.
  Result<NodeId> invocation(std::optional<NodeId> left, int nesting) {
    std::uint32_t const at = token_.at;
    if (token_.kind != Token::Kind::word && token_.kind != Token::Kind::delimited) return unexpected();
    bool const is_word = token_.kind == Token::Kind::word;
    FHIR_TRY(std::string_view const name, decoded(token_));
    FHIR_CHECK(advance());
    if (is_word && name.starts_with('$')) {
      if (left)
        return error(IssueType::invalid, fmt::format("{} cannot stand behind a dot, at {}", name, place(at)));
      if (name == "$this") return add({.operation = Operation::this_, .at = at}, {});
      if (name == "$index") return add({.operation = Operation::index, .at = at}, {});
      if (name == "$total") return add({.operation = Operation::total, .at = at}, {});
      return error(IssueType::invalid, fmt::format("there is no {}, at {}", name, place(at)));
    }
    if (token_.is_symbol("(")) return call(left, name, at, nesting);
    if (left) return add({.operation = Operation::member, .at = at, .text = name}, {*left});
    bool const is_type = definitions::find_type(name) != nullptr && name[0] >= 'A' && name[0] <= 'Z';
    return add({.operation = is_type ? Operation::root : Operation::member, .at = at, .text = name}, {});
  }

  Result<NodeId> call(std::optional<NodeId> left, std::string_view name, std::uint32_t at, int nesting) {
    FunctionDefinition const* function = find_function(name);
    if (function == nullptr) {
      return error(IssueType::not_found, fmt::format("there is no function {}(), at {}", name, place(at)));
    }
    FHIR_CHECK(advance());
    Node node{.operation = Operation::call, .on_focus = !left, .at = at, .function = function};
    std::vector<NodeId> operands;
    if (left) operands.push_back(*left);
    std::size_t arguments = 0;
    if (function->takes_type && !token_.is_symbol(")")) {
      FHIR_TRY(node.text, type_specifier());
      arguments = 1;
    } else if (!token_.is_symbol(")")) {
      for (;;) {
        FHIR_TRY(NodeId const argument, expression(0, nesting + 1));
        operands.push_back(argument);
        ++arguments;
        if (!token_.is_symbol(",")) break;
        FHIR_CHECK(advance());
      }
    }
    if (arguments < function->argument_min || arguments > function->argument_max) {
      return error(IssueType::not_found,
                   fmt::format("{}() takes {} to {} arguments, not {}, at {}", name, function->argument_min,
                               function->argument_max, arguments, place(at)));
    }
    FHIR_CHECK(expect(")"));
    return add(node, operands);
  }

  /// identifier { "." identifier }, known to FHIR or to FHIRPath.
  Result<std::string_view> type_specifier() {
    std::uint32_t const at = token_.at;
    std::string name;
    for (;;) {
      if (token_.kind != Token::Kind::word && token_.kind != Token::Kind::delimited) return unexpected();
      FHIR_TRY(std::string_view const part, decoded(token_));
      name += part;
      FHIR_CHECK(advance());
      if (!token_.is_symbol(".")) break;
      if (name != "FHIR" && name != "System" && definitions::find_type(name) == nullptr) break;
      name += '.';
      FHIR_CHECK(advance());
    }
    if (!is_known_type(name)) {
      return error(IssueType::not_found, fmt::format("there is no type {}, at {}", name, place(at)));
    }
    return std::string_view(program_.strings.emplace_back(std::move(name)));
  }

  Result<NodeId> literal(Item const& item, std::uint32_t at) {
    return add({.operation = Operation::literal, .at = at, .item = item}, {});
  }

  Result<NodeId> add(Node node, std::vector<NodeId> const& operands) {
    int depth = 0;
    for (NodeId const operand : operands) depth = std::max(depth, depth_[operand]);
    if (depth >= kDepthMax) return too_deep();
    node.first_operand = static_cast<std::uint32_t>(program_.operands.size());
    node.operand_count = static_cast<std::uint32_t>(operands.size());
    program_.operands.insert(program_.operands.end(), operands.begin(), operands.end());
    program_.nodes.push_back(node);
    depth_.push_back(depth + 1);
    return static_cast<NodeId>(program_.nodes.size() - 1);
  }

  Result<void> advance() {
    FHIR_TRY(token_, lexer_.next());
    return {};
  }

  Result<void> expect(std::string_view symbol) {
    if (!token_.is_symbol(symbol)) {
      return error(IssueType::invalid, fmt::format("expected \"{}\" at {}", symbol, place(token_.at)));
    }
    return advance();
  }

  /// A token's text without its escapes.
  Result<std::string_view> decoded(Token const& token) {
    if (!token.has_escapes) return token.text;
    FHIR_TRY(std::string text, unescape(token));
    return std::string_view(program_.strings.emplace_back(std::move(text)));
  }

  Issue unexpected() const {
    if (token_.kind == Token::Kind::end) return error(IssueType::invalid, "the expression ends too early");
    return error(IssueType::invalid,
                 fmt::format("\"{}\" is not expected at {}", token_.text, place(token_.at)));
  }

  Issue too_deep() const {
    return error(IssueType::too_costly,
                 fmt::format("more than {} levels at {}", kDepthMax, place(token_.at)));
  }

  Program& program_;
  Lexer lexer_;
  Token token_;
  std::vector<int> depth_;
};

}  // namespace

std::string place(std::uint32_t at) { return "character " + std::to_string(at + 1); }

Result<Expression> Expression::compile(std::string_view text) {
  if (text.size() > kExpressionBytesMax)
    return error(IssueType::too_costly, "an expression may have 65536 characters");
  auto program = std::make_shared<Program>();
  program->source = text;
  FHIR_TRY(program->top, Parser(*program, Lexer(program->source)).parse());
  program->last_elements = std::make_unique<LastElement[]>(program->nodes.size());
  return Expression(std::move(program));
}

std::string_view Expression::text() const { return program_->source; }

}  // namespace fhir::path
