#include "fhir/ucum/ucum.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace fhir::ucum {

namespace {

struct Prefix {
  std::string_view code;
  long double factor;
};

struct Atom {
  std::string_view code;
  bool is_metric;  ///< may take a prefix
  Function function;
  long double factor;
  std::array<std::int8_t, 7> powers;
};

#include "fhir/ucum/units.inc"

constexpr int kDepthMax = 16;
constexpr int kPowerMax = 60;

template <class Row>
Row const* find_row(std::span<Row const> rows, std::string_view code) {
  auto const at = std::ranges::lower_bound(rows, code, {}, &Row::code);
  return at != rows.end() && at->code == code ? &*at : nullptr;
}

std::optional<Unit> find_atom(std::string_view symbol) {
  if (Atom const* atom = find_row<Atom>(kAtoms, symbol))
    return Unit{atom->factor, atom->powers, atom->function, 1};
  for (std::size_t length : {std::size_t{1}, std::size_t{2}}) {
    if (symbol.size() <= length) break;
    Prefix const* prefix = find_row<Prefix>(kPrefixes, symbol.substr(0, length));
    Atom const* atom = find_row<Atom>(kAtoms, symbol.substr(length));
    if (prefix == nullptr || atom == nullptr || !atom->is_metric) continue;
    Unit unit{atom->factor, atom->powers, atom->function, 1};
    (unit.is_special() ? unit.function_scale : unit.factor) *= prefix->factor;
    return unit;
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// UCUM's grammar: term = ["/"] component {("." | "/") component}; component = unit [exponent] [annotation] |
/// annotation | integer | "(" term ")".
class Parser {
 public:
  explicit Parser(std::string_view code) : code_(code) {}

  Result<Unit> parse() {
    if (code_.empty()) return fail("a unit code must not be empty");
    FHIR_TRY(Unit unit, term(0));
    if (at_ != code_.size()) return fail("unexpected character");
    return unit;
  }

 private:
  Result<Unit> term(int depth) {
    if (depth > kDepthMax) return fail("nested too deeply");
    Unit product;
    bool divides = take('/');
    bool first = !divides;
    for (;;) {
      FHIR_TRY(Unit const next, component(depth));
      if (first && (at_ == code_.size() || code_[at_] == ')')) return next;  // a special unit may stand alone
      if (next.is_special()) return fail("a special unit cannot be part of a product");
      FHIR_CHECK(multiply(product, next, divides ? -1 : 1));
      first = false;
      if (take('.')) {
        divides = false;
      } else if (take('/')) {
        divides = true;
      } else {
        return product;
      }
    }
  }

  Result<Unit> component(int depth) {
    if (take('(')) {
      FHIR_TRY(Unit unit, term(depth + 1));
      if (!take(')')) return fail("a bracket is not closed");
      return raised(unit);
    }
    if (at_ < code_.size() && code_[at_] == '{') {
      FHIR_CHECK(annotation());
      return Unit{};
    }
    std::size_t const start = at_;
    while (at_ < code_.size() && is_digit(code_[at_])) ++at_;
    bool const is_power_of_ten = code_.substr(start, at_ - start) == "10" && at_ < code_.size() &&
                                 (code_[at_] == '*' || code_[at_] == '^');
    if (at_ > start && !is_power_of_ten &&
        (at_ == code_.size() || std::string_view("./)").find(code_[at_]) != std::string_view::npos)) {
      return number(code_.substr(start, at_ - start));
    }
    at_ = start;
    return atom();
  }

  Result<Unit> atom() {
    std::size_t const start = at_;
    // A symbol ends before an exponent, which ends before a separator; digits and signs inside [] belong to
    // the symbol.
    std::size_t end = start;
    bool in_bracket = false;
    for (; end < code_.size(); ++end) {
      char const c = code_[end];
      if (c == '[') in_bracket = true;
      if (c == ']') in_bracket = false;
      if (!in_bracket && std::string_view("./(){}").find(c) != std::string_view::npos) break;
      if (c < '!' || c > '~') return fail("unexpected character");
    }
    std::size_t symbol_end = end;
    while (symbol_end > start && is_digit(code_[symbol_end - 1])) --symbol_end;
    if (symbol_end < end && symbol_end > start &&
        (code_[symbol_end - 1] == '+' || code_[symbol_end - 1] == '-')) {
      --symbol_end;
    }
    auto unit = find_atom(code_.substr(start, symbol_end - start));
    at_ = symbol_end;
    if (!unit) {  // symbols that end in a digit themselves: [H20], m[H2O] are bracketed; B[10.nV] has a dot
                  // inside
      unit = find_atom(code_.substr(start, end - start));
      at_ = end;
    }
    if (!unit) {
      at_ = start;
      return fail("no such unit");
    }
    FHIR_TRY(Unit const powered, raised(*unit));
    if (at_ < code_.size() && code_[at_] == '{') FHIR_CHECK(annotation());
    return powered;
  }

  /// The unit to the exponent that stands here, or as it is.
  Result<Unit> raised(Unit const& unit) {
    std::size_t const start = at_;
    bool const negative = at_ < code_.size() && code_[at_] == '-';
    if (negative || (at_ < code_.size() && code_[at_] == '+')) ++at_;
    int power = 0;
    std::size_t const digits = at_;
    for (; at_ < code_.size() && is_digit(code_[at_]); ++at_) {
      power = power * 10 + (code_[at_] - '0');
      if (power > kPowerMax) return fail("exponent out of range");
    }
    if (at_ == digits) {
      if (digits != start) return fail("a sign without an exponent");
      return unit;
    }
    if (unit.is_special()) return fail("a special unit cannot have an exponent");
    Unit result;
    FHIR_CHECK(multiply(result, unit, negative ? -power : power));
    return result;
  }

  Result<void> multiply(Unit& product, Unit const& by, int power) {
    product.factor *= std::pow(by.factor, static_cast<long double>(power));
    for (std::size_t i = 0; i < product.powers.size(); ++i) {
      int const sum = product.powers[i] + by.powers[i] * power;
      if (std::abs(sum) > kPowerMax) return fail("exponent out of range");
      product.powers[i] = static_cast<std::int8_t>(sum);
    }
    if (!std::isfinite(product.factor) || product.factor == 0) return fail("factor out of range");
    return {};
  }

  Result<Unit> number(std::string_view digits) {
    Unit unit;
    unit.factor = 0;
    for (char const c : digits) unit.factor = unit.factor * 10 + (c - '0');
    if (unit.factor == 0 || digits.size() > 18) return fail("a factor must be a positive integer");
    return unit;
  }

  Result<void> annotation() {
    std::size_t const end = code_.find('}', at_);
    if (end == std::string_view::npos) return fail("an annotation is not closed");
    for (char const c : code_.substr(at_, end - at_)) {
      if (c < '!' || c > '~') return fail("unexpected character in an annotation");
    }
    at_ = end + 1;
    return {};
  }

  bool take(char c) {
    if (at_ >= code_.size() || code_[at_] != c) return false;
    ++at_;
    return true;
  }

  Issue fail(std::string_view why) const {
    return error(IssueType::code_invalid, fmt::format("not a UCUM unit: {} at character {}", why, at_ + 1));
  }

  std::string_view code_;
  std::size_t at_ = 0;
};

constexpr long double kDegrees = 180.0L / 3.14159265358979323846264338327950288L;  // of a radian

/// From a special unit's number to its proper unit's number, and back. Source: UCUM section 21, table 22.
long double to_proper(Function function, long double x) {
  switch (function) {
    case Function::none:
      return x;
    case Function::Cel:
      return x + 273.15L;
    case Function::degF:
      return x + 459.67L;
    case Function::degRe:
      return x + 273.15L / 1.25L;
    case Function::tanTimes100:
      return std::atan(x / 100) * kDegrees;
    case Function::hpX:
      return std::pow(10.0L, -x);
    case Function::hpC:
      return std::pow(100.0L, -x);
    case Function::hpM:
      return std::pow(1000.0L, -x);
    case Function::hpQ:
      return std::pow(50000.0L, -x);
    case Function::pH:
      return std::pow(10.0L, -x);
    case Function::ln:
      return std::exp(x);
    case Function::lg:
      return std::pow(10.0L, x);
    case Function::lgTimes2:
      return std::pow(10.0L, x / 2);
    case Function::ld:
      return std::pow(2.0L, x);
    case Function::sqrt:
      return x * x;
  }
  return x;
}

long double from_proper(Function function, long double x) {
  switch (function) {
    case Function::none:
      return x;
    case Function::Cel:
      return x - 273.15L;
    case Function::degF:
      return x - 459.67L;
    case Function::degRe:
      return x - 273.15L / 1.25L;
    case Function::tanTimes100:
      return std::tan(x / kDegrees) * 100;
    case Function::hpX:
      return -std::log10(x);
    case Function::hpC:
      return -std::log10(x) / 2;
    case Function::hpM:
      return -std::log10(x) / 3;
    case Function::hpQ:
      return -std::log10(x) / std::log10(50000.0L);
    case Function::pH:
      return -std::log10(x);
    case Function::ln:
      return std::log(x);
    case Function::lg:
      return std::log10(x);
    case Function::lgTimes2:
      return std::log10(x) * 2;
    case Function::ld:
      return std::log2(x);
    case Function::sqrt:
      return std::sqrt(x);
  }
  return x;
}

}  // namespace

Result<Unit> parse(std::string_view code) { return Parser(code).parse(); }

long double canonical_value(long double value, Unit const& unit) {
  return to_proper(unit.function, value * unit.function_scale) * unit.factor;
}

std::optional<long double> convert(long double value, Unit const& from, Unit const& to) {
  if (!comparable(from, to)) return std::nullopt;
  long double result = 0;
  if (!from.is_special() && !to.is_special()) {
    result = value * (from.factor / to.factor);
  } else {
    result = from_proper(to.function, canonical_value(value, from) / to.factor) / to.function_scale;
  }
  return std::isfinite(result) ? std::optional(result) : std::nullopt;
}

std::string canonical_code(Unit const& unit) {
  std::string code;
  for (std::size_t i = 0; i < unit.powers.size(); ++i) {
    if (unit.powers[i] == 0) continue;
    if (!code.empty()) code += '.';
    code += kBaseUnits[i];
    if (unit.powers[i] != 1) code += std::to_string(unit.powers[i]);
  }
  return code.empty() ? "1" : code;
}

}  // namespace fhir::ucum
