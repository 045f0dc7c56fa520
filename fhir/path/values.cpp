#include "fhir/path/values.hpp"

#include "fhir/path/temporal.hpp"
#include "fhir/path/types.hpp"
#include "fhir/ucum/ucum.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace fhir::path {

namespace {

using Kind = Item::Kind;

bool is_number(Item const& item) { return item.kind == Kind::integer || item.kind == Kind::decimal; }
bool is_day(Item const& item) { return item.kind == Kind::date || item.kind == Kind::date_time; }

std::optional<Temporal> temporal_of(Item const& item) {
  return item.kind == Kind::time ? parse_time(item.text()) : parse_date_or_date_time(item.text());
}

/// The UCUM code of a quantity's unit; a calendar word stands for the code of the same length of time, but
/// not a month or year, which have none.
std::string_view ucum_code(Item const& quantity) {
  if (!quantity.is_calendar) return quantity.text();
  switch (*calendar_unit(quantity.text())) {
    case CalendarUnit::week:
      return "wk";
    case CalendarUnit::day:
      return "d";
    case CalendarUnit::hour:
      return "h";
    case CalendarUnit::minute:
      return "min";
    case CalendarUnit::second:
      return "s";
    case CalendarUnit::millisecond:
      return "ms";
    default:
      return {};
  }
}

bool same_unit(Item const& left, Item const& right) {
  if (left.is_calendar != right.is_calendar) return false;
  return left.text() == right.text() ||
         (left.is_calendar && calendar_unit(left.text()) == calendar_unit(right.text()));
}

/// `from`'s number in `to`'s unit. nullopt: they do not measure the same, or a calendar month meets a UCUM
/// one.
std::optional<Decimal> in_unit_of(Item const& from, Item const& to) {
  if (same_unit(from, to)) return from.number();
  if (from.is_calendar && to.is_calendar) {  // twelve months are a year
    auto const a = calendar_unit(from.text());
    auto const b = calendar_unit(to.text());
    if (a == CalendarUnit::year && b == CalendarUnit::month) return multiply(from.number(), Decimal::of(12));
    if (a == CalendarUnit::month && b == CalendarUnit::year) return divide(from.number(), Decimal::of(12));
  }
  std::string_view const from_code = ucum_code(from);
  std::string_view const to_code = ucum_code(to);
  if (from_code.empty() || to_code.empty()) return std::nullopt;
  auto const a = ucum::parse(from_code);
  auto const b = ucum::parse(to_code);
  if (!a || !b) return std::nullopt;
  auto const value = ucum::convert(static_cast<long double>(from.number().to_double()), *a, *b);
  return value ? Decimal::of_double(static_cast<double>(*value)) : std::nullopt;
}

/// Fifteen digits are what a conversion keeps: two such numbers are the same within one in 10^14.
bool nearly_equal(Decimal const& left, Decimal const& right) {
  if (left == right) return true;
  double const a = left.to_double();
  double const b = right.to_double();
  return std::abs(a - b) <= 1e-14 * std::max(std::abs(a), std::abs(b));
}

std::optional<bool> equal_quantities(Item const& left, Item const& right) {
  if (same_unit(left, right)) return left.number() == right.number();
  bool const months =
      (left.is_calendar && ucum_code(left).empty()) || (right.is_calendar && ucum_code(right).empty());
  auto const converted = in_unit_of(right, left);
  if (converted) return nearly_equal(left.number(), *converted);
  // A calendar month or year beside another measure of time: nobody can tell.
  return months ? std::nullopt : std::optional(false);
}

bool round_equal(Decimal const& left, Decimal const& right) {
  int const digits = std::min(left.normalised().scale, right.normalised().scale);
  auto const a = left.rounded(digits);
  auto const b = right.rounded(digits);
  return a && b && *a == *b;
}

bool equivalent_quantities(Item const& left, Item const& right) {
  auto const converted = in_unit_of(right, left);
  if (!converted) return false;
  if (same_unit(left, right)) return round_equal(left.number(), *converted);
  return nearly_equal(left.number(), *converted) || round_equal(left.number(), *converted);
}

bool deep_equal(json::Element const& left, json::Element const& right) {
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case json::Kind::number: {
      auto const a = Decimal::parse(left.text());
      auto const b = Decimal::parse(right.text());
      return a && b ? *a == *b : left.text() == right.text();
    }
    case json::Kind::array:
      return std::ranges::equal(left.items(), right.items(), deep_equal);
    case json::Kind::object:
      return left.size() == right.size() &&
             std::ranges::all_of(left.members(), [&](json::Member const& member) {
               json::Element const* other = right.find(member.name);
               return other != nullptr && deep_equal(member.value, *other);
             });
    default:
      return left == right;
  }
}

bool equal_nodes(Item const& left, Item const& right) {
  if (left.value == right.value && left.extra == right.extra) return true;
  if ((left.value == nullptr) != (right.value == nullptr)) return false;
  if (left.value == nullptr)
    return left.extra != nullptr && right.extra != nullptr && deep_equal(*left.extra, *right.extra);
  return deep_equal(*left.value, *right.value);
}

std::string folded(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::optional<bool> equal(Item const& left, Item const& right) {
  if (is_number(left) && is_number(right)) return left.number() == right.number();
  auto const a = to_value(left);
  auto const b = to_value(right);
  if (left.is_node() && right.is_node() && (!a || !b || a->kind == Kind::quantity)) {
    if (a && b && a->kind == b->kind) return equal_quantities(*a, *b);
    return equal_nodes(left, right);
  }
  if (!a || !b) return false;
  if (is_number(*a) && is_number(*b)) return a->number() == b->number();
  if ((is_day(*a) && is_day(*b)) || (a->kind == Kind::time && b->kind == Kind::time)) {
    auto const x = temporal_of(*a);
    auto const y = temporal_of(*b);
    if (!x || !y) return a->text() == b->text();
    Order const order = compare(*x, *y);
    return order == Order::unknown ? std::nullopt : std::optional(order == Order::equal);
  }
  if (a->kind == Kind::quantity && is_number(*b))
    return equal_quantities(*a, Item::of_quantity(b->number(), "1"));
  if (b->kind == Kind::quantity && is_number(*a))
    return equal_quantities(Item::of_quantity(a->number(), "1"), *b);
  if (a->kind != b->kind) return false;
  switch (a->kind) {
    case Kind::boolean:
      return a->boolean == b->boolean;
    case Kind::quantity:
      return equal_quantities(*a, *b);
    case Kind::type_info:
      return a->text() == b->text() && a->name() == b->name();
    default:
      return a->text() == b->text();
  }
}

std::optional<bool> equal(Collection const& left, Collection const& right) {
  if (left.empty() || right.empty()) return std::nullopt;
  if (left.size() != right.size()) return false;
  bool unknown = false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    auto const same = equal(left[i], right[i]);
    if (same == false) return false;
    unknown = unknown || !same;
  }
  return unknown ? std::nullopt : std::optional(true);
}

bool equivalent(Item const& left, Item const& right) {
  auto const a = to_value(left);
  auto const b = to_value(right);
  if (!a || !b) return left.is_node() && right.is_node() && equal_nodes(left, right);
  if (is_number(*a) && is_number(*b)) return round_equal(a->number(), b->number());
  if (a->kind == Kind::quantity && b->kind == Kind::quantity) return equivalent_quantities(*a, *b);
  if (a->kind == Kind::string && b->kind == Kind::string) return folded(a->text()) == folded(b->text());
  return equal(left, right).value_or(false);
}

bool equivalent(Collection const& left, Collection const& right) {
  if (left.size() != right.size()) return false;
  std::vector<bool> taken(right.size(), false);
  return std::ranges::all_of(left, [&](Item const& item) {
    for (std::size_t i = 0; i < right.size(); ++i) {
      if (taken[i] || !equivalent(item, right[i])) continue;
      taken[i] = true;
      return true;
    }
    return false;
  });
}

bool contains(Collection const& items, Item const& item) {
  return std::ranges::any_of(items, [&](Item const& other) { return equal(other, item) == true; });
}

namespace {

std::size_t mix(std::size_t hash, std::size_t more) {
  return (hash ^ (more + 0x9e3779b97f4a7c15ULL + (hash << 6U) + (hash >> 2U))) * 0xff51afd7ed558ccdULL;
}

std::size_t hash_of(std::string_view text) { return std::hash<std::string_view>{}(text); }

/// What deep_equal trees have alike: the shape and the texts of the first levels. Numbers count by being one,
/// for 1.0 equals 1.
std::size_t hash_of(json::Element const& tree, int levels) {
  std::size_t hash = mix(static_cast<std::size_t>(tree.kind()), tree.size());
  switch (tree.kind()) {
    case json::Kind::object:
      if (levels == 0) return hash;
      // Members in whatever order are the same: their hashes are added.
      for (json::Member const& member : tree.members())
        hash += mix(hash_of(member.name), hash_of(member.value, levels - 1));
      return hash;
    case json::Kind::array:
      return tree.empty() || levels == 0 ? hash : mix(hash, hash_of(tree.items().front(), levels - 1));
    case json::Kind::number:
      return hash;
    default:
      return mix(hash, hash_of(tree.text()));
  }
}

/// Equal items have equal hashes. Where equality is more than sameness (numbers and quantities, dates of
/// other zones) one hash stands for all of the kind.
std::size_t hash_of(Item const& item) {
  constexpr int kLevels = 4;  // an item, its list, what is in it and that one's parts
  auto const value = to_value(item);
  if (!value) {
    json::Element const* const tree = item.value != nullptr ? item.value : item.extra;
    return tree == nullptr ? 1 : hash_of(*tree, kLevels);
  }
  switch (value->kind) {
    case Kind::string:
      return hash_of(value->text());
    case Kind::type_info:
      return mix(hash_of(value->text()), hash_of(value->name()));
    case Kind::boolean:
      return value->boolean ? 2 : 3;
    case Kind::date:
    case Kind::date_time:
      return 4;
    case Kind::time:
      return 5;
    default:
      return 6;
  }
}

constexpr std::size_t kSlotsMin = 16;

}  // namespace

bool ItemSet::contains(Item const& item) const { return !items_.empty() && find(item, hash_of(item)); }

bool ItemSet::insert(Item const& item) {
  std::size_t const hash = hash_of(item);
  if (find(item, hash)) return false;
  items_.push_back(item);
  hashes_.push_back(hash);
  if (items_.size() * 2 > slots_.size()) {
    slots_.assign(std::max(kSlotsMin, slots_.size() * 2), 0);
    for (std::uint32_t i = 0; i < items_.size(); ++i) place(hashes_[i], i);
  } else {
    place(hash, static_cast<std::uint32_t>(items_.size() - 1));
  }
  return true;
}

bool ItemSet::find(Item const& item, std::size_t hash) const {
  if (slots_.empty()) return false;
  for (std::size_t at = hash & (slots_.size() - 1); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    std::uint32_t const index = slots_[at] - 1;
    if (hashes_[index] != hash) continue;
    ++work_;
    if (equal(items_[index], item) == true) return true;
  }
  return false;
}

void ItemSet::place(std::size_t hash, std::uint32_t index) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = index + 1;
}

Result<Ordering> order(Item const& left, Item const& right) {
  auto const a = to_value(left);
  auto const b = to_value(right);
  auto const sign = [](auto const& x, auto const& y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a && b) {
    if (is_number(*a) && is_number(*b)) return Ordering{true, sign(a->number(), b->number())};
    if (a->kind == Kind::string && b->kind == Kind::string) return Ordering{true, sign(a->text(), b->text())};
    if ((is_day(*a) && is_day(*b)) || (a->kind == Kind::time && b->kind == Kind::time)) {
      auto const x = temporal_of(*a);
      auto const y = temporal_of(*b);
      if (!x || !y) return Ordering{};
      Order const found = compare(*x, *y);
      return Ordering{found != Order::unknown, found == Order::less ? -1 : found == Order::greater ? 1 : 0};
    }
    bool const quantities =
        (a->kind == Kind::quantity || is_number(*a)) && (b->kind == Kind::quantity || is_number(*b));
    if (quantities) {
      Item const x = is_number(*a) ? Item::of_quantity(a->number(), "1") : *a;
      Item const y = is_number(*b) ? Item::of_quantity(b->number(), "1") : *b;
      auto const converted = in_unit_of(y, x);
      if (!converted) return Ordering{};
      return Ordering{true, nearly_equal(x.number(), *converted) ? 0 : sign(x.number(), *converted)};
    }
  }
  return error(IssueType::processing,
               "there is no order between " + type_name(left) + " and " + type_name(right));
}

bool comparable_units(Item const& left, Item const& right) { return in_unit_of(left, right).has_value(); }

namespace {

Issue no_operator(char operation, Item const& left, Item const& right) {
  return error(IssueType::processing, std::string("there is no ") + operation + " on " + type_name(left) +
                                          " and " + type_name(right));
}

/// Which calendar unit a quantity moves a date by. UCUM's years and months are no calendar's (N1 6.6.7).
std::optional<CalendarUnit> moving_unit(Item const& quantity) {
  if (auto const word = calendar_unit(quantity.text())) return word;
  static constexpr std::pair<std::string_view, CalendarUnit> kCodes[] = {
      {"wk", CalendarUnit::week},    {"d", CalendarUnit::day},    {"h", CalendarUnit::hour},
      {"min", CalendarUnit::minute}, {"s", CalendarUnit::second}, {"ms", CalendarUnit::millisecond}};
  for (auto const& [code, unit] : kCodes) {
    if (quantity.text() == code) return unit;
  }
  return std::nullopt;
}

Result<std::optional<Item>> move_date(char operation, Item const& date, Item const& quantity,
                                      json::Arena& arena) {
  auto const unit = moving_unit(quantity);
  if (!unit) return error(IssueType::processing, "a date is moved by calendar units, not by the unit given");
  auto const value = temporal_of(date);
  if (!value) return std::optional<Item>{};
  auto const moved = move(*value, operation == '+' ? quantity.number() : quantity.number().negated(), *unit);
  if (!moved) return std::optional<Item>{};
  return std::optional(Item::of_text(date.kind, arena.copy(to_string(*moved))));
}

std::optional<Item> whole(std::optional<Decimal> const& value) {
  if (!value) return std::nullopt;
  Item item = Item::of_decimal(*value);
  if (value->scale == 0 && value->unscaled >= INT64_MIN && value->unscaled <= INT64_MAX)
    item.kind = Kind::integer;
  return item;
}

std::optional<Item> calculate_numbers(char operation, Item const& left, Item const& right) {
  bool const integers = left.kind == Kind::integer && right.kind == Kind::integer;
  std::optional<Decimal> value;
  switch (operation) {
    case '+':
      value = add(left.number(), right.number());
      break;
    case '-':
      value = add(left.number(), right.number().negated());
      break;
    case '*':
      value = multiply(left.number(), right.number());
      break;
    case '/':
      value = divide(left.number(), right.number());
      break;
    case 'd':
      return whole(divide_whole(left.number(), right.number()));
    default:
      value = remainder(left.number(), right.number());
      break;
  }
  if (!value) return std::nullopt;
  return integers && operation != '/' ? whole(value) : std::optional(Item::of_decimal(*value));
}

Result<std::optional<Item>> calculate_quantities(char operation, Item const& left, Item const& right,
                                                 json::Arena& arena) {
  if (operation == '+' || operation == '-') {
    auto const converted = in_unit_of(right, left);
    if (!converted) return std::optional<Item>{};
    auto const sum = add(left.number(), operation == '+' ? *converted : converted->negated());
    return sum ? std::optional(Item::of_quantity(*sum, left.text(), left.is_calendar)) : std::nullopt;
  }
  if (operation != '*' && operation != '/') return no_operator(operation, left, right);
  auto const value =
      operation == '*' ? multiply(left.number(), right.number()) : divide(left.number(), right.number());
  std::string_view const a = ucum_code(left);
  std::string_view const b = ucum_code(right);
  if (value && b == "1") return std::optional(Item::of_quantity(*value, left.text(), left.is_calendar));
  if (value && a == "1" && operation == '*')
    return std::optional(Item::of_quantity(*value, right.text(), right.is_calendar));
  if (!value || a.empty() || b.empty()) return std::optional<Item>{};
  std::string unit;
  if (a == b && operation == '/') {
    unit = "1";
  } else {
    unit.append("(").append(a).append(operation == '*' ? ").(" : ")/(").append(b).append(")");
  }
  return std::optional(Item::of_quantity(*value, arena.copy(unit)));
}

}  // namespace

Result<std::optional<Item>> calculate(char operation, Item const& left, Item const& right,
                                      json::Arena& arena) {
  if (is_number(left) && is_number(right)) return calculate_numbers(operation, left, right);
  auto const a = to_value(left);
  auto const b = to_value(right);
  if (!a || !b) return no_operator(operation, left, right);
  if (is_number(*a) && is_number(*b)) return calculate_numbers(operation, *a, *b);
  if (operation == '+' && a->kind == Kind::string && b->kind == Kind::string) {
    if (a->text().size() + b->text().size() > kTextMax)
      return error(IssueType::too_costly, "a text became too long");
    return std::optional(Item::of_text(Kind::string, arena.copy(std::string(a->text()).append(b->text()))));
  }
  bool const moves = operation == '+' || operation == '-';
  if (moves && (is_day(*a) || a->kind == Kind::time) && b->kind == Kind::quantity) {
    return move_date(operation, *a, *b, arena);
  }
  if ((a->kind == Kind::quantity || is_number(*a)) && (b->kind == Kind::quantity || is_number(*b))) {
    return calculate_quantities(operation, is_number(*a) ? Item::of_quantity(a->number(), "1") : *a,
                                is_number(*b) ? Item::of_quantity(b->number(), "1") : *b, arena);
  }
  return no_operator(operation, left, right);
}

}  // namespace fhir::path
