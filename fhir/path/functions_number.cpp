/// Functions on numbers and quantities, and the boundaries of what a value may stand for. Source: FHIRPath N1
/// section 5.7; lowBoundary, highBoundary, precision and comparable: R4's own suite and the 2.1 ballot.
#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/temporal.hpp"
#include "fhir/path/types.hpp"
#include "fhir/path/values.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fhir::path {

namespace {

using Kind = Item::Kind;

/// The input as a number or quantity; nullopt when empty. Errors: several, or no number.
Result<std::optional<Item>> number_of(Call& call, Collection const& items) {
  FHIR_TRY(auto const item, single(call.node, items));
  if (!item) return std::optional<Item>{};
  auto const value = to_value(*item);
  if (!value ||
      (value->kind != Kind::integer && value->kind != Kind::decimal && value->kind != Kind::quantity)) {
    return failure(call.node, "a number is needed, not " + type_name(*item));
  }
  return value;
}

Result<Collection> of_double(double value) {
  auto const decimal = Decimal::of_double(value);
  return decimal ? Collection{Item::of_decimal(*decimal)} : Collection{};
}

Result<Collection> abs_(Call& call) {
  FHIR_TRY(auto value, number_of(call, call.input));
  if (!value) return Collection{};
  if (value->number().is_negative()) value->set_number(value->number().negated());
  return Collection{*value};
}

template <auto Round>
Result<Collection> to_whole(Call& call) {
  FHIR_TRY(auto const value, number_of(call, call.input));
  if (!value) return Collection{};
  std::optional<std::int64_t> const whole = Round(value->number());
  return whole ? Collection{Item::of_integer(*whole)} : Collection{};
}

std::optional<std::int64_t> whole_below(Decimal const& value) { return value.floor(); }
std::optional<std::int64_t> whole_above(Decimal const& value) { return value.ceiling(); }
std::optional<std::int64_t> whole_part(Decimal const& value) {
  return value.is_negative() ? value.ceiling() : value.floor();
}

Result<Collection> round_(Call& call) {
  FHIR_TRY(auto value, number_of(call, call.input));
  std::int64_t digits = 0;
  if (call.has_argument(0)) {
    FHIR_TRY(auto const given, call.integer_argument(0));
    digits = given.value_or(0);
  }
  if (digits < 0) return failure(call.node, "round() takes no negative precision");
  if (!value) return Collection{};
  if (value->number().scale <= digits) return Collection{*value};
  auto const rounded = value->number().rounded(static_cast<int>(digits));
  if (!rounded) return Collection{};
  value->set_number(*rounded);
  if (value->kind == Kind::integer) value->kind = Kind::decimal;
  return Collection{*value};
}

template <double (*Of)(double)>
Result<Collection> by_double(Call& call) {
  FHIR_TRY(auto const value, number_of(call, call.input));
  return value ? of_double(Of(value->number().to_double())) : Collection{};
}

double root(double x) { return std::sqrt(x); }
double exponential(double x) { return std::exp(x); }
double natural_logarithm(double x) { return std::log(x); }

Result<Collection> log_(Call& call) {
  FHIR_TRY(auto const value, number_of(call, call.input));
  FHIR_TRY(Collection const argument, call.argument(0));
  FHIR_TRY(auto const base, number_of(call, argument));
  if (!value || !base) return Collection{};
  return of_double(std::log(value->number().to_double()) / std::log(base->number().to_double()));
}

Result<Collection> power(Call& call) {
  FHIR_TRY(auto const value, number_of(call, call.input));
  FHIR_TRY(Collection const argument, call.argument(0));
  FHIR_TRY(auto const exponent, number_of(call, argument));
  if (!value || !exponent) return Collection{};
  FHIR_TRY(Collection result,
           of_double(std::pow(value->number().to_double(), exponent->number().to_double())));
  bool const whole = value->kind == Kind::integer && exponent->kind == Kind::integer;
  if (whole && !result.empty() && result[0].number().scale == 0) result[0].kind = Kind::integer;
  return result;
}

constexpr int kDecimalDigits = 8;  // What N1 says a Decimal has after its point.

/// The bound of a number that stands for all that round to it: half a unit of its last digit away, towards
/// zero cut and away from zero rounded to the digits asked for, as R4's own suite has it.
std::optional<Decimal> number_boundary(Decimal const& value, int digits, bool upper) {
  if (digits < 0 || digits > Decimal::kScaleMax) return std::nullopt;
  bool const away = upper != value.is_negative();
  Decimal const size = value.is_negative() ? value.negated() : value;
  auto const bound = add(size, {away ? 5 : -5, size.scale + 1});
  auto const cut = !bound ? std::nullopt : away ? bound->rounded(digits) : bound->truncated(digits);
  return cut && value.is_negative() ? std::optional(cut->negated()) : cut;
}

Result<Collection> bounded(Call& call, bool upper) {
  FHIR_TRY(auto const item, single(call.node, call.input));
  auto value = item ? to_value(*item) : std::nullopt;
  std::optional<std::int64_t> digits;
  if (call.has_argument(0)) {
    FHIR_TRY(digits, call.integer_argument(0));
    if (digits && (*digits < 0 || *digits > Decimal::kScaleMax)) return Collection{};
  }
  if (!value) return Collection{};
  auto const asked = [&](int otherwise) { return digits ? static_cast<int>(*digits) : otherwise; };
  switch (value->kind) {
    case Kind::integer:
    case Kind::decimal:
    case Kind::quantity: {
      auto const bound = number_boundary(value->number(), asked(kDecimalDigits), upper);
      if (!bound) return Collection{};
      value->set_number(*bound);
      if (value->kind == Kind::integer) value->kind = Kind::decimal;
      return Collection{*value};
    }
    case Kind::date:
    case Kind::date_time:
    case Kind::time: {
      auto parsed =
          value->kind == Kind::time ? parse_time(value->text()) : parse_date_or_date_time(value->text());
      if (!parsed) return Collection{};
      bool const is_date = value->kind == Kind::date;
      parsed->is_date = is_date;  // FHIR writes a dateTime that is known to the day without its T
      auto const bound = boundary(*parsed, asked(parsed->is_time ? 9 : is_date ? 8 : 17), upper);
      if (!bound) return Collection{};
      return Collection{Item::of_text(bound->is_date ? Kind::date : value->kind,
                                      call.evaluation.arena().copy(to_string(*bound)))};
    }
    default:
      return failure(call.node, "a boundary needs a number, a date or a time, not " + type_name(*value));
  }
}

Result<Collection> low_boundary(Call& call) { return bounded(call, false); }
Result<Collection> high_boundary(Call& call) { return bounded(call, true); }

Result<Collection> precision(Call& call) {
  FHIR_TRY(auto const value, call.input_value());
  if (!value) return Collection{};
  switch (value->kind) {
    case Kind::integer:
    case Kind::decimal:
      return Collection{Item::of_integer(value->number().scale)};
    case Kind::date:
    case Kind::date_time:
    case Kind::time: {
      auto const parsed =
          value->kind == Kind::time ? parse_time(value->text()) : parse_date_or_date_time(value->text());
      return parsed ? Collection{Item::of_integer(precision_digits(*parsed))} : Collection{};
    }
    default:
      return failure(call.node, "precision() needs a number, a date or a time");
  }
}

Result<Collection> comparable(Call& call) {
  FHIR_TRY(auto const left, number_of(call, call.input));
  FHIR_TRY(Collection const argument, call.argument(0));
  FHIR_TRY(auto const right, number_of(call, argument));
  if (!left || !right) return Collection{};
  return Collection{Item::of_boolean(comparable_units(*left, *right))};
}

using T = Takes;
using G = Gives;

constexpr std::array kFunctions = {
    FunctionDefinition{"abs", 0, 0, abs_, T::number, G::input, true},
    FunctionDefinition{"ceiling", 0, 0, to_whole<whole_above>, T::number, G::one_integer, true},
    FunctionDefinition{"floor", 0, 0, to_whole<whole_below>, T::number, G::one_integer, true},
    FunctionDefinition{"truncate", 0, 0, to_whole<whole_part>, T::number, G::one_integer, true},
    FunctionDefinition{"round", 0, 1, round_, T::number, G::unknown, true},
    FunctionDefinition{"sqrt", 0, 0, by_double<root>, T::number, G::unknown, true},
    FunctionDefinition{"exp", 0, 0, by_double<exponential>, T::number, G::unknown, true},
    FunctionDefinition{"ln", 0, 0, by_double<natural_logarithm>, T::number, G::unknown, true},
    FunctionDefinition{"log", 1, 1, log_, T::number, G::unknown, true},
    FunctionDefinition{"power", 1, 1, power, T::number, G::unknown, true},
    FunctionDefinition{"lowBoundary", 0, 1, low_boundary, T::anything, G::unknown, true},
    FunctionDefinition{"highBoundary", 0, 1, high_boundary, T::anything, G::unknown, true},
    FunctionDefinition{"precision", 0, 0, precision, T::anything, G::one_integer, true},
    FunctionDefinition{"comparable", 1, 1, comparable, T::anything, G::one_boolean, true}};

}  // namespace

std::span<FunctionDefinition const> number_functions() { return kFunctions; }

}  // namespace fhir::path
