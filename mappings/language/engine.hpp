/// What forward, apply, reverse and account share. Internal to this room.
#pragma once

#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/language/program.hpp"
#include "mappings/language/tree.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mappings::language {

constexpr std::uint32_t kNone = UINT32_MAX;
constexpr std::size_t kTargetsMax = 4;  // that one use writes to

/// One instance of a role and where it stands in the message.
struct Instance {
  std::uint32_t role = 0;
  std::uint32_t group = 0;        ///< Index into Grouping::groups; 0: the message.
  std::uint32_t segment = kNone;  ///< Of a per-segment role.
  std::uint32_t ordinal = 1;
  std::uint32_t resource = kNone;  ///< Index into Draft::resources, once something is written.
};

/// Which parts of one value a pair read: bit m-1 of parts[n-1] is subpart m of part n.
struct Claim {
  hl7v2::Address address;
  std::uint32_t begin = 0;  ///< Into Internals::parts
  std::uint32_t count = 0;
  std::uint32_t write = kNone;  ///< Into Draft::writes, where the value went into an element.
};

/// An effect value that an event row asks for, read from the message.
struct Pending {
  std::uint32_t resource = 0;
  EventRow const* row = nullptr;
  std::vector<Element> values;  ///< One per effect, null where the message has none.
};

/// Where a write's item stands among those of its use: needed to write it back.
struct Origin {
  std::uint32_t use = 0;
  std::uint32_t segment = 0;
  std::uint32_t base_index = kNone;
  Element value = {};        ///< What it wrote.
  bool overwritten = false;  ///< A later write put another value there.
  bool withdrawn = false;    ///< Its segment takes the item out (an action code): nothing is written.
  bool partial = false;      ///< It refers to a resource that an earlier value made, and that says less.
};

/// What an action code does to one item of a use's array.
struct Act {
  std::uint32_t use = 0;
  std::uint32_t resource = 0;
  Element item = {};  ///< The item that goes; null: its segment adds or changes one, as its rows say.
};

/// What a Draft keeps for this room.
struct Internals {
  Structure const* structure = nullptr;
  hl7v2::Grouping grouping;
  std::vector<Instance> instances;
  std::vector<Claim> claims;
  std::vector<std::uint32_t> parts;
  std::vector<Pending> pending;
  std::vector<Pending> endings;  ///< The rows of every message, by resource.
  std::vector<Origin> origins;   ///< One per Write
  std::vector<Act> acts;
  std::vector<hl7v2::Address> unreadable;  ///< What a row was to read and its pair could not.
};

inline Internals const& internals(Draft const& draft) {
  return *static_cast<Internals const*>(draft.keeps.get());
}

/// Steps of the use's base path and the row's own, in one span-able vector.
struct FullPath {
  std::vector<Step> const* base = nullptr;
  std::vector<Step> const* own = nullptr;
};

/// What the rows, links, defaults and events of a structure write, by role.
std::vector<std::vector<Cover>> covers_of(Structure const& structure);

/// The segment of that name that counts for a segment: itself, its group's, the nearest enclosing group's.
std::optional<std::uint32_t> segment_in_scope(hl7v2::Message const& message, hl7v2::Grouping const& grouping,
                                              std::string_view name, std::uint32_t segment);
bool is_within(hl7v2::Grouping const& grouping, std::uint32_t group, std::uint32_t ancestor);
/// Whether a use applies to a segment, its `at` alone.
bool stands_in(hl7v2::Grouping const& grouping, std::uint32_t group, std::string_view wanted);
/// v2 guards as seen from a segment.
bool holds(std::vector<Predicate> const& predicates, hl7v2::Message const& message,
           hl7v2::Grouping const& grouping, std::uint32_t segment);
/// How a message meets a resource that is over (`end`): it was over before, the message deletes the item, or
/// is older than what is known; and when it says it ended (`until`, null for a time that the resource itself
/// has).
struct Ending {
  bool was_over = false, is_gone = false, is_late = false;
  Element until = {};
};
void end_item(Element& resource, EventRow::Effect const& effect, Element const* before, Ending how,
              Arena& arena);
void reopen_item(Element& resource, EventRow::Effect const& effect, Element const& before, Arena& arena);
/// FHIR guards on a resource; `before` may be nullptr.
bool holds(Predicate const& predicate, Element const* before, Element const& after);
bool holds(std::vector<Predicate> const& predicates, Element const* before, Element const& after);

}  // namespace mappings::language
