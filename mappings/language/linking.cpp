#include "mappings/language/relations.hpp"

#include <algorithm>
#include <charconv>

namespace mappings::language {

Relations::Relations(Internals const& keeps) : grouping_(keeps.grouping) {
  begin_.assign(keeps.structure->roles.size() + 2, 0);
  for (Instance const& instance : keeps.instances) {
    if (instance.resource != kNone) ++begin_[instance.role + 2];
  }
  for (std::size_t role = 2; role < begin_.size(); ++role) begin_[role] += begin_[role - 1];
  by_role_.resize(begin_.back());
  // begin_[role + 1] moves from where the role's begin to where they end.
  for (Instance const& instance : keeps.instances) {
    if (instance.resource != kNone) by_role_[begin_[instance.role + 1]++] = &instance;
  }
  // A second group of a name in its parent stands behind the first, and a third behind the second.
  auto const& groups = grouping_.groups;
  single_.assign(groups.size(), true);
  for (std::size_t at = 0; at < groups.size(); ++at) {
    if (groups[at].ordinal == 1) continue;
    single_[at] = false;
    if (groups[at].ordinal != 2) continue;
    std::size_t first = at - 1;
    while (first > 0 && (groups[first].parent != groups[at].parent || groups[first].name != groups[at].name))
      --first;
    single_[first] = false;
  }
}

bool Relations::belongs(std::uint32_t target, std::uint32_t source) const {
  if (is_within(grouping_, target, source)) return true;
  for (; !is_within(grouping_, source, target); target = grouping_.groups[target].parent) {
    if (!single_[target]) return false;
  }
  return true;
}

Element reference_to(Arena& arena, std::size_t resource) {
  char text[24] = {'~'};
  auto const [end, error] = std::to_chars(text + 1, text + sizeof text, resource);
  (void)error;  // a number always fits
  Element reference = Element::of_object();
  reference.append_unchecked(arena, "reference",
                             Element::of_string(arena.copy({text, static_cast<std::size_t>(end - text)})));
  return reference;
}

namespace {

class Linker {
 public:
  Linker(Draft& draft, Internals const& keeps, Relations const& relations)
      : draft_(draft),
        keeps_(keeps),
        structure_(*keeps.structure),
        groups_(keeps.grouping.groups),
        relations_(relations) {}

  void run() {
    for (Link const& one : structure_.links) {
      if (relations_.of_role(one.source).empty() || relations_.of_role(one.target).empty()) continue;
      bool const many = std::ranges::any_of(one.path.steps, [](Step const& step) {
        return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
      });
      for (Instance const* const source : relations_.of_role(one.source)) link_one(one, *source, many);
    }
  }

 private:
  /// A single reference goes to the nearest target: of the same segment, of the same group, of an enclosing
  /// one. Where both have an instance per segment of one name, only those of the same segment belong
  /// together.
  void link_one(Link const& one, Instance const& source, bool many) {
    Role const& from = structure_.roles[one.source];
    Role const& to = structure_.roles[one.target];
    bool const paired =
        from.per == Role::Per::segment && to.per == Role::Per::segment && from.per_name == to.per_name;
    std::uint32_t const scope = scope_of(one, source.group);
    Instance const* nearest = nullptr;
    int nearness = 0;
    for (Instance const* const target : relations_.of_role(one.target)) {
      if (target->resource == source.resource || (paired && target->segment != source.segment)) continue;
      if (!relations_.belongs(target->group, scope)) continue;
      if (many) {
        refer_to(one, source, *target);
        continue;
      }
      int const near = target->group == source.group ? 2 : 1;
      if (near > nearness) {
        nearest = target;
        nearness = near;
      }
    }
    if (nearest != nullptr) refer_to(one, source, *nearest);
  }

  /// `within PROBLEM`: a pathway speaks for all that stands in its problem's group; `within root`: for all of
  /// the message.
  std::uint32_t scope_of(Link const& one, std::uint32_t group) const {
    if (one.within.empty()) return group;
    if (one.within == "root") return 0;
    for (std::uint32_t at = group; at != 0; at = groups_[at].parent) {
      if (groups_[at].name == one.within) return at;
    }
    return group;
  }

  /// The item that the target's own segment has in the array of the source; -1 where it has none.
  int item_of(Link const& one, std::uint32_t resource, std::uint32_t segment) const {
    bool const is_of_an_item = one.path.steps.size() > 1 && segment != kNone;
    for (std::size_t at = 0; at < draft_.writes.size() && is_of_an_item; ++at) {
      Origin const& origin = keeps_.origins[at];
      if (draft_.writes[at].resource != resource || origin.segment != segment || origin.base_index == kNone)
        continue;
      auto const& base = structure_.uses[origin.use].targets[draft_.writes[at].row->target].base.steps;
      if (base.size() == 1 && base[0].name == one.path.steps[0].name)
        return static_cast<int>(origin.base_index);
    }
    return -1;
  }

  void refer_to(Link const& one, Instance const& source, Instance const& target) {
    bool const many = std::ranges::any_of(one.path.steps, [](Step const& step) {
      return step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
    });
    Element& content = draft_.resources[source.resource].content;
    for (std::string_view const other : displaced_by(content, one.path.steps[0].name)) content.remove(other);
    Trail trail;
    int const item = many ? item_of(one, source.resource, target.segment) : -1;
    Element& place = reach(content, one.path.steps, draft_.arena, trail, item);
    if ((!many || item >= 0) && place.find("reference") != nullptr) return;
    merge_reference(place, target.resource, one.path.steps.back());
  }

  void merge_reference(Element& place, std::uint32_t resource, Step const& last) {
    Element const reference = reference_to(draft_.arena, resource);
    if (last.conditions.empty() || !place.is_object())
      place = reference;
    else
      merge(place, reference, draft_.arena);
  }

  Draft& draft_;
  Internals const& keeps_;
  Structure const& structure_;
  std::vector<hl7v2::Grouping::Group> const& groups_;
  Relations const& relations_;
};

}  // namespace

void link_resources(Draft& draft, Internals const& keeps, Relations const& relations) {
  Linker(draft, keeps, relations).run();
}

}  // namespace mappings::language
