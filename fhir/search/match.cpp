#include "fhir/search/match.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace fhir::search {

namespace {

bool matches_token(Operand const& operand, TokenValue const& value, Modifier modifier) {
  auto const& wanted = std::get<TokenValue>(operand.value);
  if (modifier == Modifier::of_type) {
    return wanted.type_system == value.type_system && wanted.type_code == value.type_code &&
           wanted.code == value.code;
  }
  if (operand.has_system && wanted.system != value.system) return false;
  return (operand.has_system && wanted.code.empty()) || wanted.code == value.code;
}

bool matches_string(Operand const& operand, StringValue const& value, Modifier modifier) {
  auto const& wanted = std::get<StringValue>(operand.value);
  if (modifier == Modifier::exact) return wanted.original == value.original;
  if (modifier == Modifier::contains)
    return value.normalised.find(wanted.normalised) != std::string_view::npos;
  return value.normalised.starts_with(wanted.normalised);
}

/// search.html#prefix: `value` is the resource's range, `wanted` the parameter's; both half open.
template <class Number>
bool compares(Prefix prefix, Number wanted_low, Number wanted_high, Number low, Number high) {
  switch (prefix) {
    case Prefix::eq:
    case Prefix::ap:  // widened by the caller
      return wanted_low <= low && high <= wanted_high;
    case Prefix::ne:
      return !(wanted_low <= low && high <= wanted_high);
    case Prefix::gt:
      return high > wanted_high;
    case Prefix::lt:
      return low < wanted_low;
    case Prefix::ge:
      return high > wanted_high || (wanted_low <= low && high <= wanted_high);
    case Prefix::le:
      return low < wanted_low || (wanted_low <= low && high <= wanted_high);
    case Prefix::sa:
      return low >= wanted_high;
    case Prefix::eb:
      return high <= wanted_low;
  }
  return false;
}

bool matches_reference(Operand const& operand, ReferenceValue const& value, Criterion const& criterion) {
  auto const& wanted = std::get<ReferenceValue>(operand.value);
  if (criterion.modifier == Modifier::identifier) {
    return (!operand.has_system || wanted.identifier_system == value.identifier_system) &&
           wanted.identifier_value == value.identifier_value;
  }
  if (!criterion.type.empty() && criterion.type != value.type) return false;
  if (wanted.id.empty()) return wanted.url == value.url;
  return wanted.id == value.id && (wanted.type.empty() || wanted.type == value.type) &&
         (wanted.base.empty() || wanted.base == value.base);
}

bool matches_quantity(Operand const& operand, QuantityValue const& value) {
  auto const& wanted = std::get<QuantityValue>(operand.value);
  if (operand.has_system && wanted.system != value.system) return false;
  if (!wanted.code.empty() && wanted.code != value.code && (operand.has_system || wanted.code != value.unit))
    return false;
  return compares(operand.prefix, wanted.low, wanted.high, value.low, value.high);
}

bool matches_value(Criterion const& criterion, Operand const& operand, IndexValue const& value) {
  if (operand.value.index() != value.value.index()) return false;
  switch (value.type()) {
    case ParameterType::token:
      return matches_token(operand, std::get<TokenValue>(value.value), criterion.modifier);
    case ParameterType::string:
      return matches_string(operand, std::get<StringValue>(value.value), criterion.modifier);
    case ParameterType::date: {
      auto const& wanted = std::get<DateValue>(operand.value);
      auto const& is = std::get<DateValue>(value.value);
      return compares(operand.prefix, wanted.low, wanted.high, is.low, is.high);
    }
    case ParameterType::reference:
      return matches_reference(operand, std::get<ReferenceValue>(value.value), criterion);
    case ParameterType::quantity:
      return matches_quantity(operand, std::get<QuantityValue>(value.value));
    case ParameterType::number: {
      auto const& wanted = std::get<NumberValue>(operand.value);
      auto const& is = std::get<NumberValue>(value.value);
      return compares(operand.prefix, wanted.low, wanted.high, is.low, is.high);
    }
    case ParameterType::uri:
      return std::get<UriValue>(operand.value).uri == std::get<UriValue>(value.value).uri;
    case ParameterType::composite:
    case ParameterType::special:
      break;
  }
  return false;
}

/// Every component of the operand is met within one group.
bool matches_composite(Criterion const& criterion, Operand const& operand,
                       std::span<IndexValue const> values) {
  for (IndexValue const& first : values) {
    if (first.parameter != criterion.parameter || first.component != 0) continue;
    bool all = true;
    for (std::size_t component = 0; component < operand.components.size() && all; ++component) {
      all = std::ranges::any_of(values, [&](IndexValue const& value) {
        return value.parameter == criterion.parameter && value.group == first.group &&
               value.component == component && matches_value(criterion, operand.components[component], value);
      });
    }
    if (all) return true;
  }
  return false;
}

bool holds(Criterion const& criterion, MatchSubject const& subject, std::span<IndexValue const> values) {
  std::string_view const code = criterion.parameter->code();
  auto const any_operand = [&](auto const& test) { return std::ranges::any_of(criterion.operands, test); };
  if (code == "_id") {
    return any_operand(
        [&](Operand const& operand) { return std::get<TokenValue>(operand.value).code == subject.id; });
  }
  if (code == "_lastUpdated") {
    return any_operand([&](Operand const& operand) {
      auto const& wanted = std::get<DateValue>(operand.value);
      return compares(operand.prefix, wanted.low, wanted.high, subject.last_updated_ms,
                      subject.last_updated_ms + 1);
    });
  }
  auto const is_valued = [&] {
    return std::ranges::any_of(
        values, [&](IndexValue const& value) { return value.parameter == criterion.parameter; });
  };
  if (criterion.modifier == Modifier::missing) return is_valued() != criterion.missing;
  bool const found = any_operand([&](Operand const& operand) {
    if (!operand.components.empty()) return matches_composite(criterion, operand, values);
    return std::ranges::any_of(values, [&](IndexValue const& value) {
      return value.parameter == criterion.parameter && value.group == 0 &&
             matches_value(criterion, operand, value);
    });
  });
  return criterion.modifier == Modifier::not_ ? !found : found;
}

bool needs_more_than_one_resource(Criterion const& criterion) {
  switch (criterion.modifier) {
    case Modifier::above:
    case Modifier::below:
    case Modifier::in:
    case Modifier::not_in:
    case Modifier::text:
      return true;
    default:
      return !criterion.chain.empty() || criterion.reverse.has_value();
  }
}

}  // namespace

Result<bool> matches(Query const& query, MatchSubject const& subject, IndexValues const& values) {
  for (Criterion const& criterion : query.criteria) {
    if (needs_more_than_one_resource(criterion)) {
      return error(IssueType::not_supported, "the parameter '" + std::string(criterion.parameter->code()) +
                                                 "' is used in a way that one resource alone cannot decide");
    }
  }
  if (subject.type != query.resource_type) return false;
  return std::ranges::all_of(
      query.criteria, [&](Criterion const& criterion) { return holds(criterion, subject, values.values); });
}

}  // namespace fhir::search
