/// Which segment counts for which, and whether guards hold: on a message, on a resource.
#include "mappings/language/engine.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

constexpr std::string_view kNull = "\"\"";

/// Whether the group stands in `ancestor`, in groups of which each is the only one of its name there.
bool is_part_of(hl7v2::Grouping const& grouping, std::uint32_t group, std::uint32_t ancestor) {
  if (group == ancestor || !is_within(grouping, group, ancestor)) return false;
  auto const& groups = grouping.groups;
  for (; group != ancestor; group = groups[group].parent) {
    auto const twins = std::ranges::count_if(groups, [&](auto const& other) {
      return other.parent == groups[group].parent && other.name == groups[group].name;
    });
    if (twins != 1) return false;
  }
  return true;
}

}  // namespace

std::optional<std::uint32_t> segment_in_scope(hl7v2::Message const& message, hl7v2::Grouping const& grouping,
                                              std::string_view name, std::uint32_t segment) {
  if (message.segment_id(segment) == name) return segment;
  std::uint32_t group = grouping.group_of_segment[segment];
  for (;;) {
    // The nearest one before it, else the first after it, in the same group instance.
    for (std::uint32_t at = segment; at-- > 0;) {
      if (grouping.group_of_segment[at] == group && message.segment_id(at) == name) return at;
    }
    for (std::uint32_t at = segment + 1; at < message.segment_count(); ++at) {
      if (grouping.group_of_segment[at] == group && message.segment_id(at) == name) return at;
    }
    if (group == 0) return std::nullopt;
    // Else in the group's own parts: the OBR of the ORC's ORDER, which stands in OBSERVATION_REQUEST.
    for (std::uint32_t at = 0; at < message.segment_count(); ++at) {
      if (message.segment_id(at) == name && is_part_of(grouping, grouping.group_of_segment[at], group))
        return at;
    }
    group = grouping.groups[group].parent;
  }
}

bool is_within(hl7v2::Grouping const& grouping, std::uint32_t group, std::uint32_t ancestor) {
  while (group != ancestor && group != 0) group = grouping.groups[group].parent;
  return group == ancestor;
}

bool stands_in(hl7v2::Grouping const& grouping, std::uint32_t group, std::string_view wanted) {
  if (wanted.empty() || grouping.by_order) return true;
  return wanted == "root" ? group == 0 : grouping.groups[group].name == wanted;
}

namespace {

/// Whether the segment of that name that counts for `segment` stands behind another of its name.
bool is_further(hl7v2::Message const& message, hl7v2::Grouping const& grouping, std::string_view name,
                std::uint32_t segment) {
  auto const found = segment_in_scope(message, grouping, name, segment);
  return found && message.find_segment(name) < found;
}

}  // namespace

bool holds(std::vector<Predicate> const& predicates, hl7v2::Message const& message,
           hl7v2::Grouping const& grouping, std::uint32_t segment) {
  return std::ranges::all_of(predicates, [&](Predicate const& predicate) {
    Place const& place = predicate.place;
    if (predicate.test == Predicate::Test::first || predicate.test == Predicate::Test::further)
      return is_further(message, grouping, place.segment, segment) ==
             (predicate.test == Predicate::Test::further);
    std::string_view value;
    if (auto const found = segment_in_scope(message, grouping, place.segment, segment)) {
      bool const leaf =
          predicate.test == Predicate::Test::equals || predicate.test == Predicate::Test::differs;
      std::uint16_t const component = leaf && place.component == 0 ? std::uint16_t{1} : place.component;
      std::uint16_t const subcomponent =
          leaf && place.subcomponent == 0 ? std::uint16_t{1} : place.subcomponent;
      value = message.raw({*found, place.field, place.repetition, component, subcomponent});
      if (value == kNull) value = {};
    }
    auto const listed = [&] { return std::ranges::find(predicate.values, value) != predicate.values.end(); };
    switch (predicate.test) {
      case Predicate::Test::equals:
        return listed();
      case Predicate::Test::differs:
        return !listed();
      case Predicate::Test::valued:
        return !value.empty();
      case Predicate::Test::empty:
        return value.empty();
      default:
        break;
    }
    return false;
  });
}

namespace {

bool is_listed(Element const* value, std::vector<std::string> const& values) {
  return value != nullptr &&
         std::ranges::any_of(values, [&](std::string const& one) { return value->text() == one; });
}

}  // namespace

bool holds(Predicate const& predicate, Element const* before, Element const& after) {
  auto const is_same = [](Element const* one, Element const* other) {
    return one == nullptr || other == nullptr ? one == other : *one == *other;
  };
  Element const* const now = find(after, predicate.path.steps);
  Element const* const then = before == nullptr ? nullptr : find(*before, predicate.path.steps);
  switch (predicate.test) {
    case Predicate::Test::equals:
      return is_listed(now, predicate.values);
    case Predicate::Test::differs:
      return !is_listed(now, predicate.values);
    case Predicate::Test::valued:
      return now != nullptr;
    case Predicate::Test::empty:
      return now == nullptr;
    case Predicate::Test::was:
      return is_listed(then, predicate.values);
    case Predicate::Test::changed:
      return !is_same(now, then);
    case Predicate::Test::same:
      return is_same(now, find(after, predicate.other.steps));
    case Predicate::Test::first:
    case Predicate::Test::further:
      break;  // of segments
  }
  return false;
}

bool holds(std::vector<Predicate> const& predicates, Element const* before, Element const& after) {
  return std::ranges::all_of(predicates,
                             [&](Predicate const& predicate) { return holds(predicate, before, after); });
}

}  // namespace mappings::language
