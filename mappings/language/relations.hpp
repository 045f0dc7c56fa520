/// What stands beside what in a message, and what follows from it: references between the resources of a
/// draft, and their keys. Internal to this room.
#pragma once

#include "mappings/language/engine.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::language {

/// The instances that something was written into, by role, and which count for which.
class Relations {
 public:
  explicit Relations(Internals const& keeps);
  std::span<Instance const* const> of_role(std::size_t role) const {
    return std::span(by_role_).subspan(begin_[role], begin_[role + 1] - begin_[role]);
  }
  /// Whether a group's content counts for a source's: it encloses it, stands within it, or in a group of
  /// which there is only one (PATIENT for each ORDER).
  bool belongs(std::uint32_t target, std::uint32_t source) const;

 private:
  hl7v2::Grouping const& grouping_;
  std::vector<Instance const*> by_role_;  // those of the first role, of the second ...
  std::vector<std::uint32_t> begin_;      // where each role's begin; one more than there are roles
  std::vector<bool> single_;              // groups of which their parent has one
};

/// "~3": a reference to a resource of the draft.
Element reference_to(Arena& arena, std::size_t resource);
/// The declared links of the structure.
void link_resources(Draft& draft, Internals const& keeps, Relations const& relations);
/// The key of a bed, whoever names it and however: PL in a visit, NPU-1.
std::string place_key(std::string_view site, Element const& location);
/// Identities by the declared keys; without one, by content. `site` parts what has no authority of its own.
void give_keys(Draft& draft, Internals const& keeps, Relations const& relations, std::string_view site);

}  // namespace mappings::language
