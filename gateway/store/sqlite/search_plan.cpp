#include "gateway/store/sqlite/search_plan.hpp"

#include "fhir/search/sources.hpp"
#include "gateway/store/index_rows.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace gateway::store::sqlite {
namespace {

using namespace fhir::search;

/// search.html#modifiers, as they stand in a URL.
constexpr std::array<std::string_view, 13> kModifierNames = {
    "",      "missing", "exact",  "contains", "text",       "not", "above",
    "below", "in",      "not-in", "of-type",  "identifier", "type"};

fhir::Issue not_supported(Criterion const& criterion) {
  auto const modifier = kModifierNames[static_cast<std::size_t>(criterion.modifier)];
  auto const code = criterion.parameter->code();
  return fhir::error(
      fhir::IssueType::not_supported,
      modifier.empty()
          ? fmt::format("The search parameter {} cannot be answered in this form.", code)
          : fmt::format("The modifier :{} is not supported for the search parameter {}.", modifier, code));
}

/// The names under which rows of a parameter stand: its sources' (fhir/search/sources.hpp), each spelled as
/// `spell` does.
struct RowNames {
  std::vector<ParameterName> whole;
  std::vector<ParameterName> narrowed;  ///< Of these only the references to `target_type`.
  std::string target_type;
};

std::string as_it_is(std::string_view code) { return std::string(code); }

template <class Spell>
RowNames names_of(std::string_view type, SearchParameter const& parameter, Spell const& spell) {
  RowNames names;
  for (Source const& source : sources_of(type, parameter)) {
    ParameterName name{std::string(type), spell(source.parameter->code())};
    if (source.target_type.empty()) {
      names.whole.push_back(std::move(name));
    } else {
      names.narrowed.push_back(std::move(name));
      names.target_type = source.target_type;
    }
  }
  return names;
}

/// The same where rows say nothing of targets: logical references, components.
template <class Spell>
RowNames whole_names_of(std::string_view type, SearchParameter const& parameter, Spell const& spell) {
  auto names = names_of(type, parameter, spell);
  names.narrowed.clear();
  return names;
}

/// " IN (?, ?)"
void add_names(Fragment& to, std::vector<ParameterName> const& names) {
  std::string_view before = " IN (?";
  for (auto const& name : names) to.add(std::exchange(before, ", ?"), name);
  to.add(")");
}

/// "x.param = ?", or what it takes where the rows stand under several names.
void add_param(Fragment& to, RowNames const& names, std::string_view alias) {
  if (names.whole.size() == 1 && names.narrowed.empty()) {
    to.add(fmt::format("{}.param = ?", alias), names.whole.front());
    return;
  }
  auto all = names.whole;
  all.insert(all.end(), names.narrowed.begin(), names.narrowed.end());
  add_names(to.add(fmt::format("{}.param", alias)), all);
  if (names.narrowed.empty()) return;
  to.add(fmt::format(" AND ({}.target_type = ?", alias), names.target_type);
  if (!names.whole.empty()) add_names(to.add(fmt::format(" OR {}.param", alias)), names.whole);
  to.add(")");
}

/// An index table, and the function that reads its rows out of a resource's list (row_lists.hpp).
struct Table {
  std::string_view name;
  std::string_view list;
};
constexpr Table kTokens{"search_token", "tokens_of"};
constexpr Table kStrings{"search_string", "strings_of"};
constexpr Table kDates{"search_date", "dates_of"};
constexpr Table kReferences{"search_reference", "references_of"};
constexpr Table kUris{"search_uri", "uris_of"};
constexpr Table kNumbers{"search_number", "numbers_of"};
constexpr Table kQuantities{"search_quantity", "quantities_of"};

/// One row of one index table: where it is, under which names, and what must be true of it.
struct RowTest {
  Table table;
  RowNames names;
  Fragment conditions;           ///< " AND x.code = ?"
  bool names_one_value = false;  ///< The column after param in the table's key is given.

  /// Whether its rows stand in the order of their resources.
  bool is_ordered() const { return names_one_value && names.whole.size() == 1 && names.narrowed.empty(); }
};

/// x.low, x.high against the operand's [low, high): search.html#prefix, as fhir/search/match.cpp has it.
template <class Number>
Fragment range_test(std::string_view alias, Prefix prefix, Number low, Number high) {
  auto const a = std::string(alias);
  auto const contained = [&] {
    return Fragment{fmt::format("({0}.low >= ? AND {0}.high <= ? AND {0}.low <= ?)", a), {low, high, high}};
  };
  Fragment test{" AND ", {}};
  switch (prefix) {
    case Prefix::eq:
    case Prefix::ap:
      return test.add(contained());
    case Prefix::ne:
      return test.add("NOT ").add(contained());
    case Prefix::gt:
      return test.add(a + ".high > ?", high);
    case Prefix::lt:
      return test.add(a + ".low < ?", low);
    case Prefix::ge:
      return test.add("(" + a + ".high > ?", high).add(" OR ").add(contained()).add(")");
    case Prefix::le:
      return test.add("(" + a + ".low < ?", low).add(" OR ").add(contained()).add(")");
    case Prefix::sa:
      return test.add(a + ".low >= ?", high);
    case Prefix::eb:
      return test.add(a + ".high <= ?", low);
  }
  return test;
}

/// The row that an operand asks for; one overload per type of value. Errors: not_supported.
struct RowTests {
  Criterion const& criterion;
  Operand const& operand;
  std::string_view type;
  std::string_view alias;
  std::optional<unsigned> component = std::nullopt;  ///< Of a composite: the operand is that one's.

  Modifier modifier() const { return criterion.modifier; }
  bool plain_or(std::initializer_list<Modifier> others) const {
    if (modifier() == Modifier::none) return true;
    for (auto const other : others) {
      if (modifier() == other) return true;
    }
    return false;
  }
  RowTest row(Table const& table) const {
    if (!component) return {table, names_of(type, *criterion.parameter, as_it_is), {}};
    auto const spell = [&](std::string_view code) { return component_code(code, *component); };
    return {table, whole_names_of(type, *criterion.parameter, spell), {}};
  }
  template <class Spell>
  RowTest row_of_tokens(Spell const& spell) const {
    return {kTokens, whole_names_of(type, *criterion.parameter, spell), {}};
  }
  std::string column(std::string_view name, std::string_view test) const {
    return fmt::format(" AND {}.{} {}", alias, name, test);
  }

  fhir::Result<RowTest> operator()(TokenValue const& token) const {
    if (!plain_or({Modifier::not_, Modifier::text, Modifier::of_type})) return not_supported(criterion);
    if (modifier() == Modifier::of_type) {
      auto test = row_of_tokens(of_type_code);
      test.conditions.add(column("code", "= ?"), std::string(token.code));
      test.conditions.add(column("system", "= ?"), of_type_system(token.type_system, token.type_code));
      test.names_one_value = true;
      return test;
    }
    auto test = row(kTokens);
    if (modifier() == Modifier::text) {
      test.conditions.add(fmt::format(" AND instr({}.text, ?", alias), std::string(token.text)).add(") > 0");
      return test;
    }
    test.names_one_value = !(operand.has_system && token.code.empty());
    if (test.names_one_value) test.conditions.add(column("code", "= ?"), std::string(token.code));
    if (operand.has_system) test.conditions.add(column("system", "= ?"), std::string(token.system));
    return test;
  }

  fhir::Result<RowTest> operator()(StringValue const& text) const {
    if (!plain_or({Modifier::not_, Modifier::exact, Modifier::contains})) return not_supported(criterion);
    auto test = row(kStrings);
    if (modifier() == Modifier::exact) {
      test.conditions.add(column("normalised", "= ?"), std::string(text.normalised));
      test.conditions.add(column("original", "= ?"), std::string(text.original));
      test.names_one_value = true;
    } else if (modifier() == Modifier::contains) {
      test.conditions.add(fmt::format(" AND instr({}.normalised, ?", alias), std::string(text.normalised));
      test.conditions.add(") > 0");
    } else {
      // Nothing that is text sorts after U+10FFFF, so the two bounds hold exactly what begins so.
      test.conditions.add(column("normalised", ">= ?"), std::string(text.normalised));
      test.conditions.add(column("normalised", "<= ?"), std::string(text.normalised) + "\U0010FFFF");
    }
    return test;
  }

  fhir::Result<RowTest> operator()(DateValue const& date) const {
    if (!plain_or({Modifier::not_})) return not_supported(criterion);
    auto test = row(kDates);
    test.conditions.add(range_test(alias, operand.prefix, date.low, date.high));
    return test;
  }

  fhir::Result<RowTest> operator()(ReferenceValue const& reference) const {
    if (!plain_or({Modifier::not_, Modifier::type, Modifier::identifier})) return not_supported(criterion);
    if (modifier() == Modifier::identifier) {
      auto test = row_of_tokens(identifier_code);
      test.conditions.add(column("code", "= ?"), std::string(reference.identifier_value));
      if (operand.has_system)
        test.conditions.add(column("system", "= ?"), std::string(reference.identifier_system));
      test.names_one_value = true;
      return test;
    }
    auto test = row(kReferences);
    auto const& key = reference.id.empty() ? reference.url : reference.id;
    test.conditions.add(column("target_id", "= ?"), std::string(key));
    test.names_one_value = true;
    if (reference.id.empty()) {
      // Only a text that ends in no Type/id is kept whole.
      test.conditions.add(column("target_type", "= ''"));
      if (modifier() == Modifier::type) return not_supported(criterion);
      return test;
    }
    if (!reference.type.empty())
      test.conditions.add(column("target_type", "= ?"), std::string(reference.type));
    if (modifier() == Modifier::type)
      test.conditions.add(column("target_type", "= ?"), std::string(criterion.type));
    if (!reference.base.empty()) test.conditions.add(column("base", "= ?"), std::string(reference.base));
    return test;
  }

  fhir::Result<RowTest> operator()(UriValue const& uri) const {
    if (!plain_or({Modifier::not_})) return not_supported(criterion);
    auto test = row(kUris);
    test.conditions.add(column("uri", "= ?"), std::string(uri.uri));
    test.names_one_value = true;
    return test;
  }

  fhir::Result<RowTest> operator()(QuantityValue const& quantity) const {
    if (!plain_or({Modifier::not_})) return not_supported(criterion);
    auto test = row(kQuantities);
    test.conditions.add(range_test(alias, operand.prefix, quantity.low, quantity.high));
    if (operand.has_system) test.conditions.add(column("system", "= ?"), std::string(quantity.system));
    if (quantity.code.empty()) return test;
    if (operand.has_system) {
      test.conditions.add(column("code", "= ?"), std::string(quantity.code));
    } else {
      test.conditions.add(fmt::format(" AND ({}.code = ?", alias), std::string(quantity.code));
      test.conditions.add(fmt::format(" OR {}.unit = ?", alias), std::string(quantity.code)).add(")");
    }
    return test;
  }

  fhir::Result<RowTest> operator()(NumberValue const& number) const {
    if (!plain_or({Modifier::not_})) return not_supported(criterion);
    auto test = row(kNumbers);
    test.conditions.add(range_test(alias, operand.prefix, number.low, number.high));
    return test;
  }
};

/// " x.param = ? AND <conditions> AND the row lives".
void add_where(Fragment& to, RowTest const& test, std::string_view alias) {
  add_param(to, test.names, alias);
  to.add(test.conditions);
  to.add(fmt::format(" AND {}.born <= ?", alias), AtSeq{})
      .add(fmt::format(" AND {}.died > ?", alias), AtSeq{});
}

/// One operand as a set of keys, and as a question about r.
struct KeySet {
  Fragment keys;
  Fragment filter;
  bool ordered = false;
};

/// Resources with such a row.
Fragment keys_with(RowTest const& test) {
  Fragment keys;
  keys.add(fmt::format("SELECT x.resource_key FROM {} x WHERE ", test.table.name));
  add_where(keys, test, "x");
  return keys;
}

/// "FROM ..." the rows x of r, by its list.
std::string from_list_of_r(Table const& table) {
  return fmt::format("FROM search_rows l CROSS JOIN {}(l.rows) x WHERE l.resource_key = r.resource_key AND ",
                     table.list);
}

/// Whether r has such a row: by the table's key where that names the resource, else by the list.
Fragment has_row(RowTest const& test) {
  Fragment question;
  question.add("EXISTS (SELECT 1 ");
  if (test.names_one_value) {
    question.add(fmt::format("FROM {} x WHERE x.resource_key = r.resource_key AND ", test.table.name));
  } else {
    question.add(from_list_of_r(test.table));
  }
  add_where(question, test, "x");
  return question.add(")");
}

fhir::Result<KeySet> simple_key_set(Criterion const& criterion, Operand const& operand,
                                    std::string_view type) {
  FHIR_TRY(auto const test, std::visit(RowTests{criterion, operand, type, "x"}, operand.value));
  return KeySet{keys_with(test), has_row(test), test.is_ordered()};
}

/// All components met within one group: rows of one resource with one `part`.
fhir::Result<KeySet> composite_key_set(Criterion const& criterion, Operand const& operand,
                                       std::string_view type) {
  constexpr std::array<std::string_view, 3> kAliases = {"c0", "c1", "c2"};
  if (operand.components.size() > kAliases.size()) return not_supported(criterion);
  Fragment where;
  std::string led;     // by the rows of the first component
  std::string listed;  // all by the list
  for (std::size_t at = 0; at < operand.components.size(); ++at) {
    auto const alias = kAliases[at];
    auto const& component = operand.components[at];
    RowTests const tests{criterion, component, type, alias, static_cast<unsigned>(at)};
    FHIR_TRY(auto const test, std::visit(tests, component.value));
    auto const join = at == 0 ? std::string() : fmt::format(" ON {}.part = c0.part", alias);
    listed += fmt::format(" CROSS JOIN {}(l.rows) {}{}", test.table.list, alias, join);
    led += at == 0 ? fmt::format("{} c0 CROSS JOIN search_rows l ON l.resource_key = c0.resource_key",
                                 test.table.name)
                   : fmt::format(" CROSS JOIN {}(l.rows) {}{}", test.table.list, alias, join);
    if (at != 0) where.add(" AND ");
    add_where(where, test, alias);
  }
  KeySet set;
  set.keys.add("SELECT c0.resource_key FROM ").add(led).add(" WHERE ").add(where);
  set.filter.add("EXISTS (SELECT 1 FROM search_rows l").add(listed);
  set.filter.add(" WHERE l.resource_key = r.resource_key AND ").add(where).add(")");
  return set;
}

KeySet id_key_set(Operand const& operand, std::string_view type) {
  std::string const id(std::get<TokenValue>(operand.value).code);
  KeySet set;
  set.keys.add("SELECT x.resource_key FROM resource x WHERE x.type = ?", std::string(type));
  set.keys.add(" AND x.id = ?", id);
  set.filter.add("r.id = ?", id);
  return set;
}

fhir::Result<KeySet> operand_key_set(Criterion const& criterion, Operand const& operand,
                                     std::string_view type) {
  if (criterion.parameter->code() == "_id") return id_key_set(operand, type);
  if (!operand.components.empty()) return composite_key_set(criterion, operand, type);
  switch (criterion.parameter->type()) {
    case ParameterType::composite:
    case ParameterType::special:
      return not_supported(criterion);
    default:
      return simple_key_set(criterion, operand, type);
  }
}

/// Any of the operands.
fhir::Result<KeySet> any_key_set(Criterion const& criterion, std::string_view type) {
  KeySet any;
  for (auto const& operand : criterion.operands) {
    FHIR_TRY(auto const set, operand_key_set(criterion, operand, type));
    any.keys.add(any.keys.sql.empty() ? "" : " UNION ALL ").add(set.keys);
    any.filter.add(any.filter.sql.empty() ? "(" : " OR ").add(set.filter);
    any.ordered = set.ordered && criterion.operands.size() == 1;
  }
  if (criterion.operands.empty()) return not_supported(criterion);
  any.filter.add(")");
  return any;
}

struct Place {
  Table table;
  RowNames names;
};

Table table_of(ParameterType type) {
  switch (type) {
    case ParameterType::token:
      return kTokens;
    case ParameterType::string:
      return kStrings;
    case ParameterType::date:
      return kDates;
    case ParameterType::reference:
      return kReferences;
    case ParameterType::uri:
      return kUris;
    case ParameterType::quantity:
      return kQuantities;
    case ParameterType::number:
      return kNumbers;
    case ParameterType::composite:
    case ParameterType::special:
      break;
  }
  return {};
}

/// Where a resource has rows if it has any value of the parameter.
fhir::Result<std::vector<Place>> places_of(Criterion const& criterion, std::string_view type) {
  auto const& parameter = *criterion.parameter;
  if (parameter.type() == ParameterType::composite && !parameter.components().empty()) {
    auto const& first = parameter.components()[0].parameter();
    auto const spell = [](std::string_view code) { return component_code(code, 0); };
    return std::vector<Place>{{table_of(first.type()), whole_names_of(type, parameter, spell)}};
  }
  auto const table = table_of(parameter.type());
  if (table.name.empty()) return not_supported(criterion);
  std::vector<Place> places{{table, names_of(type, parameter, as_it_is)}};
  if (parameter.type() == ParameterType::reference)
    places.push_back({kTokens, whole_names_of(type, parameter, identifier_code)});
  return places;
}

fhir::Result<SearchPlan::Condition> missing_condition(Criterion const& criterion, std::string_view type) {
  SearchPlan::Condition condition;
  if (criterion.parameter->code() == "_id") {
    condition.filter.add(criterion.missing ? "0" : "1");  // every resource has one
    return condition;
  }
  FHIR_TRY(auto const places, places_of(criterion, type));
  KeySet any;
  for (auto const& [table, names] : places) {
    RowTest const test{table, names, {}};
    any.keys.add(any.keys.sql.empty() ? "" : " UNION ALL ");
    any.keys.add(keys_with(test));
    any.filter.add(any.filter.sql.empty() ? "(" : " OR ").add(has_row(test));
  }
  any.filter.add(")");
  if (criterion.missing) {
    condition.filter.add("NOT ").add(any.filter);
  } else {
    condition.filter = std::move(any.filter);
    condition.keys = std::move(any.keys);
    condition.lives = true;
  }
  return condition;
}

/// Those that refer, by one parameter of `type`, to any of `keys`.
Fragment referring_to(Fragment const& keys, std::string_view type, SearchParameter const& parameter) {
  Fragment set;
  set.add(
      "SELECT f.resource_key FROM resource t CROSS JOIN search_reference f ON f.target_id = t.id "
      "AND f.target_type = t.type AND ");
  add_param(set, names_of(type, parameter, as_it_is), "f");
  set.add(" AND f.base = '' AND f.born <= ?", AtSeq{}).add(" AND f.died > ?", AtSeq{});
  return set.add(" WHERE t.resource_key IN (").add(keys).add(")");
}

/// Those of `target_type` that any of `keys` refers to by one parameter of `type`.
Fragment referred_by(Fragment const& keys, std::string_view type, SearchParameter const& parameter,
                     std::string_view target_type) {
  Fragment set;
  set.add(
      "SELECT t.resource_key FROM search_rows l CROSS JOIN references_of(l.rows) f CROSS JOIN resource t "
      "ON t.type = f.target_type AND t.id = f.target_id WHERE l.resource_key IN (");
  add_param(set.add(keys).add(") AND "), names_of(type, parameter, as_it_is), "f");
  set.add(" AND f.target_type = ?", std::string(target_type));
  return set.add(" AND f.base = '' AND f.born <= ?", AtSeq{}).add(" AND f.died > ?", AtSeq{});
}

/// A chain or _has: the criterion at its far end, walked back to the searched type.
fhir::Result<SearchPlan::Condition> linked_condition(Criterion const& criterion, std::string_view type) {
  bool const both = !criterion.chain.empty() && criterion.reverse.has_value();
  bool const negative =
      criterion.modifier == Modifier::not_ || (criterion.modifier == Modifier::missing && criterion.missing);
  if (both || negative) return not_supported(criterion);
  auto const far_type = criterion.reverse ? criterion.reverse->type : criterion.chain.back().type;

  Fragment keys;
  if (criterion.modifier == Modifier::missing) {
    FHIR_TRY(auto condition, missing_condition(criterion, far_type));
    if (!condition.keys) return not_supported(criterion);
    keys = std::move(*condition.keys);
  } else {
    FHIR_TRY(auto set, any_key_set(criterion, far_type));
    keys = std::move(set.keys);
  }
  if (criterion.reverse) {
    keys = referred_by(keys, criterion.reverse->type, *criterion.reverse->parameter, type);
  } else {
    for (std::size_t step = criterion.chain.size(); step-- > 0;) {
      auto const from = step == 0 ? type : criterion.chain[step - 1].type;
      keys = referring_to(keys, from, *criterion.chain[step].parameter);
    }
  }
  SearchPlan::Condition condition;
  condition.filter.add("r.resource_key IN (").add(keys).add(")");
  condition.keys = std::move(keys);
  condition.lives = !criterion.reverse;  // what is referred to may be gone
  return condition;
}

fhir::Result<SearchPlan::Condition> to_condition(Criterion const& criterion, std::string_view type) {
  if (!criterion.chain.empty() || criterion.reverse) return linked_condition(criterion, type);
  if (criterion.modifier == Modifier::missing) return missing_condition(criterion, type);
  FHIR_TRY(auto set, any_key_set(criterion, type));
  SearchPlan::Condition condition;
  if (criterion.modifier == Modifier::not_) {
    condition.filter.add("NOT ").add(set.filter);
  } else {
    condition.filter = std::move(set.filter);
    condition.keys = std::move(set.keys);
    condition.lives = criterion.parameter->code() != "_id";
    condition.ordered = set.ordered && condition.lives;
  }
  return condition;
}

/// Ascending sorts by the least value of a resource, descending by the greatest.
fhir::Result<SearchPlan::Sort> to_sort(SortKey const& key, std::string_view type) {
  SearchPlan::Sort sort;
  sort.descending = key.descending;
  auto const code = key.parameter->code();
  if (code == "_id") {
    sort.value.add("r.id");
    return sort;
  }
  std::string_view column;
  switch (key.parameter->type()) {
    case ParameterType::token:
      column = "code";
      break;
    case ParameterType::string:
      column = "normalised";
      break;
    case ParameterType::reference:
      column = "target_id";
      break;
    case ParameterType::uri:
      column = "uri";
      break;
    case ParameterType::date:
    case ParameterType::quantity:
    case ParameterType::number:
      column = key.descending ? "high" : "low";
      break;
    case ParameterType::composite:
    case ParameterType::special:
      return fhir::error(fhir::IssueType::not_supported,
                         fmt::format("Sorting by {} is not supported.", code));
  }
  sort.value.add(fmt::format("(SELECT {}(x.{}) ", key.descending ? "max" : "min", column))
      .add(from_list_of_r(table_of(key.parameter->type())));
  add_where(sort.value, RowTest{{}, names_of(type, *key.parameter, as_it_is), {}}, "x");
  sort.value.add(")");
  return sort;
}

/// " WHERE ..." of all conditions: the driver as a key set, or the whole type where none can lead.
void add_conditions(Fragment& to, SearchPlan const& plan, std::optional<std::size_t> driver) {
  bool alive = false;
  if (driver) {
    to.add(" WHERE r.resource_key IN (").add(*plan.conditions[*driver].keys).add(")");
  } else {
    to.add(" WHERE r.type = ?", plan.type);
  }
  for (std::size_t at = 0; at < plan.conditions.size(); ++at) {
    auto const& condition = plan.conditions[at];
    alive = alive || condition.lives;
    if (driver != at) to.add(" AND ").add(condition.filter);
  }
  if (alive) return;
  RowTest const living{kDates, {{{plan.type, "_lastUpdated"}}, {}, {}}, {}};
  to.add(" AND ").add(has_row(living));
}

Bound to_bound(SearchCursor::Value const& value) {
  if (auto const* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (auto const* real = std::get_if<double>(&value)) return *real;
  return std::get<std::string>(value);
}

/// "comes after the cursor" in the order of add_order: absent values stand last.
void add_after(Fragment& to, SearchPlan const& plan, SearchCursor const& after) {
  to.add(" WHERE (");
  Fragment equal;  // all earlier keys are as the cursor's
  for (std::size_t at = 0; at < plan.sort.size(); ++at) {
    auto const& value = after.values[at];
    if (std::holds_alternative<std::monostate>(value)) {
      equal.add(fmt::format("k.s{} IS NULL AND ", at));
      continue;
    }
    auto const sign = plan.sort[at].descending ? '<' : '>';
    to.add("(")
        .add(equal)
        .add(fmt::format("(k.s{0} IS NULL OR k.s{0} {1} ?", at, sign), to_bound(value))
        .add(")) OR ");
    equal.add(fmt::format("k.s{} = ?", at), to_bound(value)).add(" AND ");
  }
  to.add("(").add(equal).add("k.resource_key > ?", after.resource_key).add("))");
}

}  // namespace

Fragment& Fragment::add(std::string_view text) {
  sql.append(text);
  return *this;
}

Fragment& Fragment::add(std::string_view text, Bound value) {
  sql.append(text);
  bound.push_back(std::move(value));
  return *this;
}

Fragment& Fragment::add(Fragment const& other) {
  sql.append(other.sql);
  bound.insert(bound.end(), other.bound.begin(), other.bound.end());
  return *this;
}

std::string Fragment::numbered() const {
  std::string text;
  text.reserve(sql.size() + 2 * bound.size());
  int number = 0;
  for (char const letter : sql) {
    if (letter == '?') {
      text.append(fmt::format("${}", ++number));
    } else {
      text.push_back(letter);
    }
  }
  return text;
}

fhir::Result<SearchPlan> to_plan(Query const& query) {
  if (query.resource_type.empty())
    return fhir::error(fhir::IssueType::not_supported, "A search names the resource type it is for.");
  SearchPlan plan;
  plan.type = query.resource_type;
  for (auto const& criterion : query.criteria) {
    FHIR_TRY(auto condition, to_condition(criterion, plan.type));
    plan.conditions.push_back(std::move(condition));
  }
  for (auto const& key : query.sort) {
    FHIR_TRY(auto sort, to_sort(key, plan.type));
    plan.sort.push_back(std::move(sort));
  }
  return plan;
}

Fragment count_statement(Fragment const& keys, std::int64_t limit) {
  Fragment count;
  count.add("SELECT count(*) FROM (").add(keys).add(" LIMIT ?", limit).add(")");
  return count;
}

Fragment page_statement(SearchPlan const& plan, std::optional<std::size_t> driver, SearchCursor const* after,
                        std::int64_t limit) {
  Fragment page;
  if (plan.sort.empty()) {
    page.add("SELECT r.resource_key FROM resource r");
    add_conditions(page, plan, driver);
    if (after != nullptr) page.add(" AND r.resource_key > ?", after->resource_key);
    return page.add(" ORDER BY r.resource_key LIMIT ?", limit);
  }
  page.add("SELECT k.* FROM (SELECT r.resource_key AS resource_key");
  for (std::size_t at = 0; at < plan.sort.size(); ++at)
    page.add(", ").add(plan.sort[at].value).add(fmt::format(" AS s{}", at));
  page.add(" FROM resource r");
  add_conditions(page, plan, driver);
  page.add(") k");
  if (after != nullptr) add_after(page, plan, *after);
  page.add(" ORDER BY ");
  for (std::size_t at = 0; at < plan.sort.size(); ++at)
    page.add(fmt::format("k.s{0} IS NULL, k.s{0}{1}, ", at, plan.sort[at].descending ? " DESC" : ""));
  return page.add("k.resource_key LIMIT ?", limit);
}

bool is_ordered(SearchPlan const& plan) {
  return plan.sort.empty() && plan.conditions.size() == 1 && plan.conditions[0].ordered;
}

Fragment ordered_page_statement(SearchPlan const& plan, SearchCursor const* after, std::int64_t limit) {
  Fragment page;
  page.add("SELECT DISTINCT k.resource_key FROM (").add(*plan.conditions[0].keys).add(") k");
  if (after != nullptr) page.add(" WHERE k.resource_key > ?", after->resource_key);
  return page.add(" ORDER BY k.resource_key LIMIT ?", limit);
}

Fragment total_statement(SearchPlan const& plan, std::optional<std::size_t> driver) {
  Fragment total;
  total.add("SELECT count(*) FROM resource r");
  add_conditions(total, plan, driver);
  return total;
}

// A cursor reads "seq total key", then per sort value "n", "i42", "r<hex float>" or "s<bytes>:<text>".

std::string to_text(SearchCursor const& cursor) {
  auto text = fmt::format("{} {} {}", cursor.seq, cursor.total.value_or(-1), cursor.resource_key);
  for (auto const& value : cursor.values) {
    if (auto const* integer = std::get_if<std::int64_t>(&value)) {
      text += fmt::format(" i{}", *integer);
    } else if (auto const* real = std::get_if<double>(&value)) {
      text += fmt::format(" r{:a}", *real);
    } else if (auto const* string = std::get_if<std::string>(&value)) {
      text += fmt::format(" s{}:{}", string->size(), *string);
    } else {
      text += " n";
    }
  }
  return text;
}

namespace {

/// Takes cursor text apart from the front; `good` turns false at the first thing that does not fit.
struct CursorScanner {
  std::string_view rest;
  bool good = true;

  bool take(char expected) {
    good = good && !rest.empty() && rest.front() == expected;
    if (good) rest.remove_prefix(1);
    return good;
  }
  template <class Number>
  Number number() {
    Number value{};
    auto const* const end = rest.data() + rest.size();
    std::from_chars_result parsed{rest.data(), std::errc::invalid_argument};
    if constexpr (std::is_floating_point_v<Number>) {
      bool const negative = rest.starts_with('-');
      std::string_view const digits = rest.substr(negative ? 1 : 0);
      if (digits.starts_with("inf")) {
        value = std::numeric_limits<Number>::infinity();
        parsed = {digits.data() + 3, {}};
      } else if (digits.starts_with("0x")) {
        parsed = std::from_chars(digits.data() + 2, end, value, std::chars_format::hex);
      }
      if (negative) value = -value;
    } else {
      parsed = std::from_chars(rest.data(), end, value);
    }
    good = good && parsed.ec == std::errc{};
    if (good) rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
    return value;
  }
  std::string text() {
    auto const size = number<std::size_t>();
    if (!take(':') || rest.size() < size) {
      good = false;
      return {};
    }
    std::string value(rest.substr(0, size));
    rest.remove_prefix(size);
    return value;
  }
  SearchCursor::Value value() {
    char const kind = rest.empty() ? '\0' : rest.front();
    if (!rest.empty()) rest.remove_prefix(1);
    switch (kind) {
      case 'n':
        return {};
      case 'i':
        return number<std::int64_t>();
      case 'r':
        return number<double>();
      case 's':
        return text();
      default:
        good = false;
        return {};
    }
  }
};

}  // namespace

fhir::Result<SearchCursor> parse_cursor(std::string_view text) {
  CursorScanner scanner{text};
  SearchCursor cursor;
  cursor.seq = scanner.number<std::int64_t>();
  scanner.take(' ');
  auto const total = scanner.number<std::int64_t>();
  if (total >= 0) cursor.total = total;
  scanner.take(' ');
  cursor.resource_key = scanner.number<std::int64_t>();
  while (scanner.good && !scanner.rest.empty()) {
    if (scanner.take(' ')) cursor.values.push_back(scanner.value());
  }
  if (!scanner.good) return fhir::error(fhir::IssueType::value, "This is not a page cursor of a search.");
  return cursor;
}

}  // namespace gateway::store::sqlite
