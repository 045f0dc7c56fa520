#include "gateway/store/index_rows.hpp"

#include "fhir/search/sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace gateway::store {
namespace {

using namespace fhir::search;

/// Appends the rows of one value; one overload per type of search parameter.
struct Appender {
  std::string_view code;
  std::int64_t part;
  std::vector<IndexRow>& rows;

  IndexRow& add(IndexTable table, std::string name) const {
    auto& row = rows.emplace_back();
    row.table = table;
    row.code = std::move(name);
    row.part = part;
    return row;
  }
  IndexRow& add(IndexTable table) const { return add(table, std::string(code)); }

  void operator()(TokenValue const& token) const {
    auto& row = add(IndexTable::token);
    row.value = token.code;
    row.first = token.system;
    row.second = token.text;
    if (token.type_code.empty()) return;
    auto& typed = add(IndexTable::token, of_type_code(code));
    typed.value = token.code;
    typed.first = of_type_system(token.type_system, token.type_code);
  }

  void operator()(StringValue const& text) const {
    auto& row = add(IndexTable::string);
    row.value = text.normalised;
    row.first = text.original;
  }

  void operator()(DateValue const& date) const {
    auto& row = add(IndexTable::date);
    row.low_ms = date.low;
    row.high_ms = date.high;
  }

  void operator()(ReferenceValue const& reference) const {
    if (!reference.id.empty() || !reference.url.empty()) {
      auto& row = add(IndexTable::reference);
      row.value = reference.id.empty() ? reference.url : reference.id;
      if (!reference.id.empty()) {
        row.first = reference.type;
        row.second = reference.base;
      }
      row.third = reference.version;
    }
    if (!reference.identifier_value.empty() || !reference.identifier_system.empty()) {
      auto& row = add(IndexTable::token, identifier_code(code));
      row.value = reference.identifier_value;
      row.first = reference.identifier_system;
    }
  }

  void operator()(UriValue const& uri) const { add(IndexTable::uri).value = uri.uri; }

  void operator()(NumberValue const& number) const {
    auto& row = add(IndexTable::number);
    row.low = number.low;
    row.high = number.high;
  }

  void operator()(QuantityValue const& quantity) const {
    auto& row = add(IndexTable::quantity);
    row.low = quantity.low;
    row.high = quantity.high;
    row.value = quantity.code;
    row.first = quantity.system;
    row.second = quantity.unit;
  }
};

/// Whether two rows would have one key: the text of a token is no part of it.
bool same_key(IndexRow const& left, IndexRow const& right) {
  if (left.table != IndexTable::token || right.table != IndexTable::token) return left == right;
  return left.code == right.code && left.value == right.value && left.first == right.first &&
         left.part == right.part;
}

/// Sorted, each once. Rows are five texts each, so it is their addresses that are sorted.
std::vector<IndexRow> each_once(std::vector<IndexRow>& rows) {
  std::vector<IndexRow*> order;
  order.reserve(rows.size());
  for (auto& row : rows) order.push_back(&row);
  std::sort(order.begin(), order.end(), [](auto const* left, auto const* right) { return *left < *right; });
  auto const end = std::unique(order.begin(), order.end(),
                               [](auto const* left, auto const* right) { return same_key(*left, *right); });
  std::vector<IndexRow> once;
  once.reserve(static_cast<std::size_t>(end - order.begin()) + 1);
  std::for_each(order.begin(), end, [&](IndexRow* row) { once.push_back(std::move(*row)); });
  return once;
}

}  // namespace

std::string identifier_code(std::string_view code) { return fmt::format("{}:identifier", code); }
std::string of_type_code(std::string_view code) { return fmt::format("{}:of-type", code); }
std::string component_code(std::string_view code, unsigned component) {
  return fmt::format("{}${}", code, component);
}
std::string of_type_system(std::string_view type_system, std::string_view type_code) {
  return fmt::format("{}|{}", type_system, type_code);
}

void append_rows(std::string_view code, Value const& value, std::int64_t part, std::vector<IndexRow>& rows) {
  std::visit(Appender{code, part, rows}, value);
}

std::vector<IndexRow> to_index_rows(fhir::json::Element const& resource) {
  thread_local IndexValues values;
  extract_for_index(resource, values);
  std::vector<IndexRow> rows;
  rows.reserve(values.values.size() + 4);
  for (auto const& one : values.values) {
    if (one.group == 0) {
      append_rows(one.code(), one.value, 0, rows);
    } else {
      append_rows(component_code(one.code(), one.component), one.value, one.group, rows);
    }
  }
  return each_once(rows);
}

}  // namespace gateway::store
