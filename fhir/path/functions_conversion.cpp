/// toX() and convertsToX(). Source: FHIRPath N1 section 5.5.
#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/temporal.hpp"
#include "fhir/path/types.hpp"

#include <algorithm>
#include <array>

namespace fhir::path {

namespace {

using Kind = Item::Kind;
using Converted = std::optional<Item>;

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

Converted to_boolean(Item const& value, json::Arena&) {
  if (value.kind == Kind::boolean) return value;
  if (value.kind == Kind::integer || value.kind == Kind::decimal) {
    if (value.number() == Decimal::of(1)) return Item::of_boolean(true);
    if (value.number() == Decimal::of(0)) return Item::of_boolean(false);
    return std::nullopt;
  }
  if (value.kind != Kind::string) return std::nullopt;
  std::string const word = lowered(value.text());
  for (std::string_view const yes : {"true", "t", "yes", "y", "1", "1.0"}) {
    if (word == yes) return Item::of_boolean(true);
  }
  for (std::string_view const no : {"false", "f", "no", "n", "0", "0.0"}) {
    if (word == no) return Item::of_boolean(false);
  }
  return std::nullopt;
}

Converted to_integer(Item const& value, json::Arena&) {
  if (value.kind == Kind::integer) return value;
  if (value.kind == Kind::boolean) return Item::of_integer(value.boolean ? 1 : 0);
  if (value.kind != Kind::string || value.text().find_first_not_of("+-0123456789") != std::string_view::npos)
    return std::nullopt;
  auto const number = Decimal::parse(value.text());
  if (!number || number->unscaled > INT32_MAX || number->unscaled < INT32_MIN) return std::nullopt;
  return Item::of_integer(static_cast<std::int64_t>(number->unscaled));
}

Converted to_decimal(Item const& value, json::Arena&) {
  if (value.kind == Kind::decimal || value.kind == Kind::integer) return Item::of_decimal(value.number());
  if (value.kind == Kind::boolean) return Item::of_decimal({value.boolean ? 10 : 0, 1});
  if (value.kind != Kind::string || value.text().find_first_of("eE") != std::string_view::npos)
    return std::nullopt;
  auto const number = Decimal::parse(value.text());
  return number ? std::optional(Item::of_decimal(*number)) : std::nullopt;
}

Converted to_string_value(Item const& value, json::Arena& arena) {
  auto const text = to_text(value);
  return text ? std::optional(Item::of_text(Kind::string, arena.copy(*text))) : std::nullopt;
}

/// A date of a text or dateTime; what is finer than a day is cut.
Converted to_date(Item const& value, json::Arena& arena) {
  if (value.kind == Kind::date) return value;
  if (value.kind != Kind::string && value.kind != Kind::date_time) return std::nullopt;
  auto parsed = parse_date_or_date_time(value.text());
  if (!parsed) return std::nullopt;
  parsed->is_date = true;
  parsed->has_zone = false;
  parsed->precision = std::min(parsed->precision, Temporal::Precision::day);
  return Item::of_text(Kind::date, arena.copy(to_string(*parsed)));
}

Converted to_date_time(Item const& value, json::Arena&) {
  if (value.kind == Kind::date_time) return value;
  bool const valid = (value.kind == Kind::string || value.kind == Kind::date) &&
                     parse_date_or_date_time(value.text()).has_value();
  return valid ? std::optional(Item::of_text(Kind::date_time, value.text())) : std::nullopt;
}

Converted to_time(Item const& value, json::Arena&) {
  if (value.kind == Kind::time) return value;
  std::string_view const text = value.text().starts_with('T') ? value.text().substr(1) : value.text();
  bool const valid = value.kind == Kind::string && parse_time(text).has_value();
  return valid ? std::optional(Item::of_text(Kind::time, text)) : std::nullopt;
}

/// number [ 'unit' | calendar word ], as a quantity is written.
Converted parse_quantity(std::string_view text) {
  auto const space = text.find_first_of(" \t'");
  auto const number = Decimal::parse(text.substr(0, space));
  if (!number) return std::nullopt;
  if (space == std::string_view::npos) return Item::of_quantity(*number, "1");
  std::string_view unit = text.substr(space);
  while (unit.starts_with(' ') || unit.starts_with('\t')) unit.remove_prefix(1);
  if (unit.size() > 2 && unit.starts_with('\'') && unit.ends_with('\'')) {
    return Item::of_quantity(*number, unit.substr(1, unit.size() - 2));
  }
  return calendar_unit(unit) ? std::optional(Item::of_quantity(*number, unit, true)) : std::nullopt;
}

Converted to_quantity(Item const& value, json::Arena&) {
  switch (value.kind) {
    case Kind::quantity:
      return value;
    case Kind::integer:
    case Kind::decimal:
      return Item::of_quantity(value.number(), "1");
    case Kind::boolean:
      return Item::of_quantity({value.boolean ? 10 : 0, 1}, "1");
    case Kind::string:
      return parse_quantity(value.text());
    default:
      return std::nullopt;
  }
}

template <Converted (*Convert)(Item const&, json::Arena&)>
Result<std::optional<Converted>> converted(Call& call) {
  if (call.input.empty()) return std::optional<Converted>{};
  if (call.input.size() > 1) FHIR_CHECK(single(call.node, call.input));
  auto const value = to_value(call.input.front());
  return std::optional<Converted>(value ? Convert(*value, call.evaluation.arena()) : std::nullopt);
}

template <Converted (*Convert)(Item const&, json::Arena&)>
Result<Collection> to(Call& call) {
  FHIR_TRY(auto const value, converted<Convert>(call));
  if (!value || !*value) return Collection{};
  Item item = **value;
  if (Convert == to_quantity && call.has_argument(0) && !item.is_calendar) {  // toQuantity(unit)
    FHIR_TRY(auto const unit, call.text_argument(0));
    if (unit && *unit != item.text()) return Collection{};
  }
  return Collection{item};
}

template <Converted (*Convert)(Item const&, json::Arena&)>
Result<Collection> converts(Call& call) {
  FHIR_TRY(auto const value, converted<Convert>(call));
  return value ? Collection{Item::of_boolean(value->has_value())} : Collection{};
}

using T = Takes;
using G = Gives;

constexpr std::array kFunctions = {
    FunctionDefinition{"toBoolean", 0, 0, to<to_boolean>, T::anything, G::one_boolean, true},
    FunctionDefinition{"toInteger", 0, 0, to<to_integer>, T::anything, G::one_integer, true},
    FunctionDefinition{"toDecimal", 0, 0, to<to_decimal>, T::anything, G::unknown, true},
    FunctionDefinition{"toString", 0, 0, to<to_string_value>, T::anything, G::one_text, true},
    FunctionDefinition{"toDate", 0, 0, to<to_date>, T::anything, G::unknown, true},
    FunctionDefinition{"toDateTime", 0, 0, to<to_date_time>, T::anything, G::unknown, true},
    FunctionDefinition{"toTime", 0, 0, to<to_time>, T::anything, G::unknown, true},
    FunctionDefinition{"toQuantity", 0, 1, to<to_quantity>, T::anything, G::unknown, true},
    FunctionDefinition{"convertsToBoolean", 0, 0, converts<to_boolean>, T::anything, G::one_boolean, true},
    FunctionDefinition{"convertsToInteger", 0, 0, converts<to_integer>, T::anything, G::one_boolean, true},
    FunctionDefinition{"convertsToDecimal", 0, 0, converts<to_decimal>, T::anything, G::one_boolean, true},
    FunctionDefinition{"convertsToString", 0, 0, converts<to_string_value>, T::anything, G::one_boolean,
                       true},
    FunctionDefinition{"convertsToDate", 0, 0, converts<to_date>, T::anything, G::one_boolean, true},
    FunctionDefinition{"convertsToDateTime", 0, 0, converts<to_date_time>, T::anything, G::one_boolean, true},
    FunctionDefinition{"convertsToTime", 0, 0, converts<to_time>, T::anything, G::one_boolean, true},
    FunctionDefinition{"convertsToQuantity", 0, 1, converts<to_quantity>, T::anything, G::one_boolean, true}};

}  // namespace

std::span<FunctionDefinition const> conversion_functions() { return kFunctions; }

}  // namespace fhir::path
