/// How values are compared and calculated with. Source: FHIRPath N1 sections 6.1, 6.2, 6.6.
#pragma once

#include "fhir/path/path.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

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

/// Items by what they equal ("=", where it can be told), found without looking at every one.
class ItemSet {
 public:
  ItemSet() = default;
  ItemSet(ItemSet const&) = delete;
  ItemSet& operator=(ItemSet const&) = delete;
  bool contains(Item const& item) const;
  /// Whether it is new: nothing that it equals was there.
  bool insert(Item const& item);
  /// Comparisons that have been made, for the budget.
  std::size_t work() const { return work_; }

 private:
  bool find(Item const& item, std::size_t hash) const;
  void place(std::size_t hash, std::uint32_t index);

  std::vector<Item> items_;
  std::vector<std::size_t> hashes_;
  std::vector<std::uint32_t> slots_;  ///< Open addressing by hash: index + 1, 0 is free.
  mutable std::size_t work_ = 0;
};

}  // namespace fhir::path
