#include "mappings/language/layout.hpp"

#include <algorithm>
#include <span>

namespace mappings::language {

namespace {

constexpr std::uint32_t kLast = UINT32_MAX;
constexpr std::size_t kRoom = 32;  // for the groups and segments of most messages

std::uint32_t child_named(hl7v2::GrammarNode const* node, std::string_view name) {
  if (node == nullptr) return kLast;
  for (std::uint32_t at = 0; at < node->children.size(); ++at) {
    auto const& child = node->children[at];
    if (fhir::json::is_same(child.name, name)) return at;
    // A choice has no name of its own: its members stand at its place.
    bool const member = child.is_choice && std::ranges::any_of(child.children, [&](auto const& one) {
                          return one.name == name;
                        });
    if (member) return at;
  }
  return kLast;
}

/// The part of a group that is that segment and what belongs to it: ADDITIONAL_DEMOGRAPHICS, from 2.7 on, is
/// PD1 and its PRT.
std::uint32_t group_begun_by(hl7v2::GrammarNode const& node, std::string_view id) {
  for (std::uint32_t at = 0; at < node.children.size(); ++at) {
    auto const& child = node.children[at];
    if (child.is_group && child.max == 1 && !child.children.empty() && child.children.front().name == id)
      return at;
  }
  return kLast;
}

/// Whether the group holds the segment exactly where nothing may be left out; in groups that may repeat only
/// if `in_many`.
bool requires_in(hl7v2::GrammarNode const& group, std::string_view id, bool in_many) {
  return std::ranges::any_of(group.children, [&](hl7v2::GrammarNode const& child) {
    if (child.min == 0) return false;
    return child.is_group ? (in_many || child.max == 1) && requires_in(child, id, in_many) : child.name == id;
  });
}

}  // namespace

Layout::Layout(hl7v2::Image image, hl7v2::GrammarNode const* grammar, hl7v2::Grouping const* grouping)
    : image_(std::move(image)) {
  groups_.reserve(kRoom);
  entries_.reserve(kRoom);
  groups_.push_back({grammar, 0, 0, 1});
  if (grouping == nullptr) {
    for (std::size_t at = 0; at < image_.segment_count(); ++at)
      entries_.push_back({next_++, 0, child_of(0, image_.segment_id(at))});
    return;
  }
  for (std::size_t at = 1; at < grouping->groups.size(); ++at) {
    auto const& group = grouping->groups[at];
    auto const* const parent = groups_[group.parent].node;
    std::uint32_t const child = child_named(parent, group.name);
    groups_.push_back(
        {child == kLast ? nullptr : &parent->children[child], group.parent, child, group.ordinal});
  }
  for (std::size_t at = 0; at < image_.segment_count(); ++at) {
    Group const group = grouping->group_of_segment[at];
    entries_.push_back({next_++, group, child_of(group, image_.segment_id(at))});
  }
}

std::uint32_t Layout::child_of(Group group, std::string_view id) const {
  return child_named(groups_[group].node, id);
}

bool Layout::find_way(hl7v2::GrammarNode const* node, std::string_view id, std::string_view named,
                      Way& way) const {
  if (node == nullptr) return false;
  if (named.empty() || fhir::json::is_same(node->name, named)) {
    way.segment = child_named(node, id);
    if (way.segment != kLast) return true;
    std::uint32_t const own = named.empty() ? kLast : group_begun_by(*node, id);
    if (own != kLast && way.depth < kDepthMax) {
      way.groups[way.depth++] = own;
      way.segment = 0;
      return true;
    }
  }
  for (std::uint32_t at = 0; at < node->children.size(); ++at) {
    auto const& child = node->children[at];
    if (!child.is_group || child.name.empty()) continue;
    if (way.depth == kDepthMax) continue;
    way.groups[way.depth++] = at;
    if (find_way(&child, id, named, way)) return true;
    --way.depth;
  }
  return false;
}

Layout::Group Layout::below(Group parent, std::uint32_t child, bool own) {
  auto const* const node = &groups_[parent].node->children[child];
  std::uint32_t ordinal = 0;
  Group last = 0;
  for (Group at = 1; at < groups_.size(); ++at) {
    if (groups_[at].parent != parent || groups_[at].child != child) continue;
    if (groups_[at].ordinal > ordinal) last = at;
    ordinal = std::max(ordinal, groups_[at].ordinal);
  }
  if (last != 0 && !(own && node->max != 1)) return last;
  groups_.push_back({node, parent, child, ordinal + 1});
  return static_cast<Group>(groups_.size() - 1);
}

Layout::Group Layout::group_for(Group group, std::string_view id, bool own, std::string_view named) {
  if (named == "root") return 0;
  for (;;) {
    Way way;
    if (find_way(groups_[group].node, id, named, way)) {
      for (std::size_t at = 0; at < way.depth; ++at) {
        bool const last = at + 1 == way.depth;
        Group const inner = below(group, way.groups[at], false);
        // A segment that may stand only once in its group needs a new group for each of its own.
        bool const once = last && own && groups_[inner].node->children[way.segment].max == 1;
        Serial taken = 0;
        group = once && find(inner, id, taken) ? below(group, way.groups[at], true) : inner;
      }
      return group;
    }
    if (group == 0) return 0;
    group = groups_[group].parent;
  }
}

bool Layout::has_place(Group group, std::string_view id, std::string_view named) const {
  for (; named != "root"; group = groups_[group].parent) {
    Way way;
    if (find_way(groups_[group].node, id, named, way)) return true;
    if (group == 0) break;
  }
  return child_of(0, id) != kLast;
}

std::size_t Layout::count_places(hl7v2::GrammarNode const& node, std::string_view id) {
  std::size_t count = 0;
  for (auto const& child : node.children) count += (child.name == id ? 1U : 0U) + count_places(child, id);
  return count;
}

Layout::Group Layout::last_below(Group parent, std::uint32_t child) const {
  for (Group at = static_cast<Group>(groups_.size()); at-- > 1;) {
    if (groups_[at].parent == parent && groups_[at].child == child) return at;
  }
  return 0;
}

bool Layout::would_be_read_elsewhere(Group group, std::string_view id) const {
  if (groups_[0].node == nullptr || count_places(*groups_[0].node, id) < 2) return false;
  Way way;
  while (!find_way(groups_[group].node, id, {}, way)) {
    if (group == 0) return false;
    group = groups_[group].parent;
  }
  for (std::uint32_t const child : std::span(way.groups).first(way.depth)) {
    if (groups_[group].node->children[child].max != 1) return false;
    group = last_below(group, child);
    if (group == 0) return false;
  }
  Serial taken = 0;
  return groups_[group].node->children[way.segment].max == 1 && find(group, id, taken);
}

bool Layout::find(Group group, std::string_view id, Serial& found) const {
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    if (entries_[at].group != group || !fhir::json::is_same(image_.segment_id(at), id)) continue;
    found = entries_[at].serial;
    return true;
  }
  return false;
}

bool Layout::find_around(Group group, std::string_view id, Serial& found) const {
  for (;; group = groups_[group].parent) {
    if (find(group, id, found)) return true;
    if (group == 0) return false;
  }
}

std::size_t Layout::depth_of(Group group) const {
  std::size_t depth = 0;
  for (; group != 0; group = groups_[group].parent) ++depth;
  return depth;
}

/// By their places from the message down to where the two part: the position among the children of one group
/// instance, then which repetition of it.
bool Layout::stands_behind(Entry const& left, Entry const& right) const {
  struct Step {
    std::uint32_t child, ordinal;
    auto operator<=>(Step const&) const = default;
  };
  Step one{left.child, 0}, other{right.child, 0};
  Group here = left.group, there = right.group;
  std::size_t depth = depth_of(here), other_depth = depth_of(there);
  auto const climb = [this](Group& group, Step& step) {
    step = {groups_[group].child, groups_[group].ordinal};
    group = groups_[group].parent;
  };
  while (here != there) {
    bool const deeper = depth > other_depth;
    bool const level = depth == other_depth;
    if (deeper || level) {
      climb(here, one);
      --depth;
    }
    if (!deeper) {
      climb(there, other);
      --other_depth;
    }
  }
  return one > other;
}

Layout::Serial Layout::insert(Group group, std::string_view id) {
  Entry const entry{next_, group, child_of(group, id)};
  std::size_t position = entries_.size();
  // After the last that must not stand behind it; never before MSH.
  while (position > 1 && stands_behind(entries_[position - 1], entry)) --position;
  image_.insert_segment(position, id);
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(position), entry);
  return next_++;
}

std::size_t Layout::index_of(Serial segment) const {
  auto const found = std::ranges::find(entries_, segment, &Entry::serial);
  return static_cast<std::size_t>(found - entries_.begin());
}

Layout::Group Layout::group_of(Serial segment) const { return entries_[index_of(segment)].group; }

bool Layout::are_siblings(Serial left, Serial right) const {
  Group const one = group_of(left);
  Group const other = group_of(right);
  return one == other || (one != 0 && other != 0 && groups_[one].parent == groups_[other].parent &&
                          groups_[one].child == groups_[other].child);
}

void Layout::remove(Serial segment) {
  std::size_t const at = index_of(segment);
  image_.remove_segment(at);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
}

bool Layout::knows(std::string_view id, std::string_view group) const {
  Way way;
  if (group == "root") return child_of(0, id) != kLast;
  return find_way(groups_[0].node, id, group, way);
}

Layout::Room Layout::room_of(std::string_view id) const {
  Way way;
  hl7v2::GrammarNode const* node = groups_[0].node;
  if (!find_way(node, id, {}, way)) return Room::none;
  for (std::uint32_t const child : std::span(way.groups).first(way.depth)) {
    node = &node->children[child];
    if (node->max != 1) return Room::none;
  }
  return node->children[way.segment].max == 1 ? Room::one : Room::many;
}

std::vector<std::string_view> Layout::way_to(std::string_view id, std::string_view named) const {
  std::vector<std::string_view> names;
  auto const search = [&](auto const& self, hl7v2::GrammarNode const* node) -> bool {
    if (node == nullptr) return false;
    bool const here = named.empty() || node->name == named;
    if (here && (id.empty() ? !named.empty() : child_named(node, id) != kLast)) return true;
    for (auto const& child : node->children) {
      if (!child.is_group || child.name.empty()) continue;
      names.push_back(child.name);
      if (self(self, &child)) return true;
      names.pop_back();
    }
    return false;
  };
  search(search, groups_[0].node);
  return names;
}

std::vector<std::pair<Layout::Group, std::string_view>> Layout::missing_above(Serial segment) const {
  std::vector<std::pair<Group, std::string_view>> missing;
  for (Group group = group_of(segment); group != 0; group = groups_[group].parent) {
    if (groups_[group].node == nullptr) continue;
    for (auto const& child : groups_[group].node->children) {
      Serial found = 0;
      if (child.min > 0 && !child.is_group && !child.is_choice && !find(group, child.name, found))
        missing.emplace_back(group, child.name);
    }
  }
  std::ranges::reverse(missing);
  return missing;
}

bool Layout::is_filled(Group group) const {
  return std::ranges::any_of(entries_, [&](Entry const& entry) {
    Group at = entry.group;
    while (at != group && at != 0) at = groups_[at].parent;
    return at == group;
  });
}

std::vector<Layout::Missing> Layout::missing() const {
  std::vector<Missing> all;
  auto const note = [&](auto const& self, Missing in, hl7v2::GrammarNode const& absent) -> void {
    if (absent.min == 0) return;
    if (absent.is_choice) {
      in.choice = &absent;
      return all.push_back(in);
    }
    (absent.is_group ? in.named : in.segment) = absent.name;
    if (!absent.is_group) all.push_back(in);
    for (auto const& child : absent.children) self(self, in, child);
  };
  for (Group group = 0; group < groups_.size(); ++group) {
    if (groups_[group].node == nullptr || !is_filled(group)) continue;
    auto const& children = groups_[group].node->children;
    for (std::uint32_t at = 0; at < children.size(); ++at) {
      if (children[at].min == 0) continue;
      if (!stands_in(group, at)) note(note, {group, {}, {}, nullptr}, children[at]);
    }
  }
  return all;
}

/// Whether a group holds what its grammar has at that place, of a choice any member.
bool Layout::stands_in(Group group, std::uint32_t child) const {
  auto const& node = groups_[group].node->children[child];
  Serial found = 0;
  if (node.is_choice && std::ranges::any_of(node.children, [&](auto const& one) {
        return !one.is_group && find(group, one.name, found);
      }))
    return true;
  return node.is_group || node.is_choice ? has_group(group, child) : find(group, node.name, found);
}

/// Whether a group holds a filled one at that place of its grammar.
bool Layout::has_group(Group group, std::uint32_t child) const {
  for (Group at = 1; at < groups_.size(); ++at) {
    if (groups_[at].parent == group && groups_[at].child == child && is_filled(at)) return true;
  }
  return false;
}

bool Layout::requires_segment(std::string_view id, bool in_many) const {
  return groups_[0].node != nullptr && requires_in(*groups_[0].node, id, in_many);
}

}  // namespace mappings::language
