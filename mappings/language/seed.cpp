#include "mappings/language/seed.hpp"

#include <map>
#include <tuple>

namespace mappings::language {

Seed::Seed(Draft draft) : draft_(std::move(draft)) { read_frames(); }

Element const* Seed::resolve(std::string_view reference) const {
  if (!reference.starts_with('~')) return nullptr;
  std::size_t index = 0;
  for (char const c : reference.substr(1)) index = index * 10 + static_cast<std::size_t>(c - '0');
  return index < draft_.resources.size() ? &draft_.resources[index].content : nullptr;
}

Element const* Seed::content(std::uint32_t instance) const {
  if (instance == kNone) return nullptr;
  std::uint32_t const resource = keeps().instances[instance].resource;
  return resource == kNone ? nullptr : &draft_.resources[resource].content;
}

/// The seed's segments as forward saw them. The same role names may stand at other places in the seed's
/// structure (A01 seeds A08): uses are its own.
void Seed::read_frames() {
  auto const& grouping = keeps().grouping;
  std::map<std::tuple<std::size_t, std::uint32_t, std::uint32_t>, std::uint32_t> bases;
  for (std::size_t w = 0; w < draft_.writes.size(); ++w) {
    Origin const& origin = keeps().origins[w];
    if (origin.base_index != kNone)
      bases[{origin.use, origin.segment, draft_.writes[w].resource}] = origin.base_index;
  }
  for (std::uint32_t segment = 0; segment < message().segment_count(); ++segment) {
    for (std::size_t at = 0; at < structure().uses.size(); ++at) {
      Use const& use = structure().uses[at];
      if (use.segment != message().segment_id(segment)) continue;
      if (!stands_in(grouping, grouping.group_of_segment[segment], use.group)) continue;
      if (!holds(use.when, message(), grouping, segment)) continue;
      Frame frame{&use, segment, {kNone, kNone, kNone, kNone}, kNone};
      for (std::size_t target = 0; target < use.targets.size() && target < kTargetsMax; ++target)
        frame.instance[target] = instance_at(use.targets[target].role, segment);
      if (frame.instance[0] == kNone) continue;
      auto const base = bases.find({at, segment, keeps().instances[frame.instance[0]].resource});
      if (base != bases.end()) frame.base_index = base->second;
      frames_.push_back(frame);
    }
  }
}

std::uint32_t Seed::instance_at(std::size_t role_index, std::uint32_t segment) const {
  Internals const& keep = keeps();
  Role const& role = structure().roles[role_index];
  std::uint32_t const here = keep.grouping.group_of_segment[segment];
  bool const own = role.per == Role::Per::segment && role.per_name == message().segment_id(segment) &&
                   stands_in(keep.grouping, here, role.at);
  std::uint32_t best = kNone;
  for (std::uint32_t at = 0; at < keep.instances.size(); ++at) {
    Instance const& instance = keep.instances[at];
    if (instance.role != role_index) continue;
    if (role.per == Role::Per::segment) {
      if (own ? instance.segment == segment
              : instance.segment <= segment && is_within(keep.grouping, here, instance.group))
        best = at;
    } else if (is_within(keep.grouping, here, instance.group)) {
      best = at;
    }
  }
  return best;
}

std::uint16_t Seed::repetition_of(Row const& row, std::uint32_t segment, Item const& item) const {
  for (std::size_t at = 0; at < draft_.writes.size(); ++at) {
    Write const& write = draft_.writes[at];
    Origin const& origin = keeps().origins[at];
    if (write.row != &row || write.deletes || origin.segment != segment) continue;
    auto steps = structure().uses[origin.use].targets[row.target].base.steps;
    steps.insert(steps.end(), row.path.steps.begin(), row.path.steps.end());
    if (language::follow(draft_.resources[write.resource].content, steps, write.indexes) == item.source)
      return write.address.repetition;
  }
  return 0;
}

}  // namespace mappings::language
