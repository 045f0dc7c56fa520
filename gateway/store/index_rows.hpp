/// The index rows of one resource: what it can be found by, in the shape of the tables of
/// sql/0004_search.sql.
///
/// Each value stands under one of the parameters that have it (fhir/search/sources.hpp).
/// Made by the worker that computed the resource; the committer only adds the resource's key and the commit.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/search/values.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::store {

enum class IndexTable : std::uint8_t { token, string, date, reference, uri, number, quantity };
constexpr int kIndexTables = 7;

/// One row but for param, resource_key, born and died. What does not belong to its table is empty.
struct IndexRow {
  IndexTable table = IndexTable::token;
  std::string
      code;  ///< The parameter, "subject:identifier", "identifier:of-type" or "code-value-quantity$1".
  std::string value;   ///< token code, normalised string, reference target_id, uri, quantity code
  std::string first;   ///< token system, original string, reference target_type, quantity system
  std::string second;  ///< token text, reference base, quantity unit
  std::string third;   ///< reference version
  std::int64_t low_ms = 0;
  std::int64_t high_ms = 0;
  double low = 0;
  double high = 0;
  std::int64_t part = 0;

  friend bool operator==(IndexRow const&, IndexRow const&) = default;
  friend auto operator<=>(IndexRow const&, IndexRow const&) = default;
};

/// Names under which parts of a value are indexed beside the parameter itself.
std::string identifier_code(std::string_view code);                     ///< "subject:identifier"
std::string of_type_code(std::string_view code);                        ///< "identifier:of-type"
std::string component_code(std::string_view code, unsigned component);  ///< "code-value-quantity$1"
/// The system column of an :of-type row.
std::string of_type_system(std::string_view type_system, std::string_view type_code);

/// The rows of a value under the name `code`; more than one where it can be found in more than one way.
void append_rows(std::string_view code, fhir::search::Value const& value, std::int64_t part,
                 std::vector<IndexRow>& rows);

/// All rows of a resource, sorted, each once.
std::vector<IndexRow> to_index_rows(fhir::json::Element const& resource);

}  // namespace gateway::store
