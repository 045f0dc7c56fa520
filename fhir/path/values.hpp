/// How values are compared and calculated with. Source: FHIRPath N1 sections 6.1, 6.2, 6.6.
#pragma once

#include "fhir/path/path.hpp"

#include <optional>

namespace fhir::path {

/// "=": nullopt where it cannot be told (dates of other precision, quantities of calendar and of UCUM
/// months).
std::optional<bool> equal(Item const& left, Item const& right);
/// In order; nullopt when either is empty or a pair cannot be told.
std::optional<bool> equal(Collection const& left, Collection const& right);
bool equivalent(Item const& left, Item const& right);  ///< "~"
bool equivalent(Collection const& left, Collection const& right);
bool contains(Collection const& items, Item const& item);

/// What "<" knows: smaller, same, larger, or that it cannot be told. Errors: processing, when the two have no
/// order.
struct Ordering {
  bool known = false;
  int sign = 0;
};
Result<Ordering> order(Item const& left, Item const& right);

/// "+", "-", "*", "/", "div", "mod" on two values; nullopt is empty (a division by zero, an overflow). Texts
/// go to `arena`.
Result<std::optional<Item>> calculate(char operation, Item const& left, Item const& right,
                                      json::Arena& arena);

/// Whether two units measure the same; false when either is none.
bool comparable_units(Item const& left, Item const& right);

/// Items without those that equal an earlier one.
Collection distinct(Collection const& items);

}  // namespace fhir::path
