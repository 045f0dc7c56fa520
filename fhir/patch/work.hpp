/// What both kinds of patch share: names of operations in Issues, and the budget of one application.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/patch/patch.hpp"
#include "fhir/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fhir::patch {

/// Which operation an Issue is about.
struct Place {
  std::size_t index = 0;
  std::string kind;        ///< "replace", "" while it is not known
  std::string path;        ///< as written
  std::string expression;  ///< "Parameters.parameter[2]", "[2]"
};

/// "operation 2 (replace Patient.birthDate): <why>".
Issue failure(IssueType code, Place const& place, std::string_view why);

/// Errors: too_costly, when a patch has more operations than `most`.
Result<void> check_count(std::size_t operations, std::size_t most = kOperationsMax);

/// The operations of a patch that is a list of trees, each read by `read_one(tree, index)`. Errors:
/// too_costly, and those of `read_one`.
template <class Operation, class Read>
Result<std::vector<Operation>> read_operations(json::Element const* list, Read const& read_one,
                                               std::size_t most = kOperationsMax) {
  std::vector<Operation> operations;
  if (list == nullptr) return operations;
  FHIR_CHECK(check_count(list->size(), most));
  operations.reserve(list->size());
  for (json::Element const& one : list->items()) {
    FHIR_TRY(Operation operation, read_one(one, operations.size()));
    operations.push_back(std::move(operation));
  }
  return operations;
}

/// Counts what an application copies and shifts, and how deep the result is.
class Budget {
 public:
  /// A copy of `value` to stand `depth` levels below the root. Errors: too_costly.
  Result<json::Element> copy(json::Arena& arena, json::Element const& value, std::size_t depth,
                             Place const& place);
  Result<void> spend(std::size_t values, Place const& place);
  /// Whether `value` may stand `depth` levels below the root. Errors: too_costly.
  Result<void> check_depth(json::Element const& value, std::size_t depth, Place const& place);

 private:
  std::size_t spent_ = 0;
};

/// Puts `value` at `index` of an array, which may be its end.
void insert_item(json::Arena& arena, json::Element& array, std::size_t index, json::Element value);
/// Takes the item `from` out and puts it in so that it stands at `to`.
void move_item(json::Element& array, std::size_t from, std::size_t to);

}  // namespace fhir::patch
