/// What does not depend on a message: who belongs to whom among the declarations of one structure.
#include "mappings/language/program.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mappings::language {

namespace {

/// `telecom{use=work}*` claims items of the `telecom*` that another row takes.
bool is_rival(Row const& row, Row const& other) {
  if (&other == &row || other.kind != Row::Kind::path || other.target != row.target ||
      other.path.steps.empty())
    return false;
  Step const& step = other.path.steps[0];
  return step.name == row.path.steps[0].name && !step.conditions.empty();
}

std::vector<Row const*> rivals_of(Use const& use, Row const& row) {
  std::vector<Row const*> rivals;
  if (row.path.steps.size() != 1 || row.path.steps[0].pick != Step::Pick::each) return rivals;
  std::ranges::copy_if(use.rows, std::back_inserter(rivals),
                       [&](Row const* other) { return is_rival(row, *other); });
  return rivals;
}

bool are_twins(Use const& one, Use const& other) {
  return &one != &other && one.segment == other.segment && one.variant == other.variant &&
         one.targets[0].role == other.targets[0].role;
}

bool are_twins(Structure const& structure, Link const& one, Link const& other) {
  return one.source == other.source && one.target != other.target && one.path.text == other.path.text &&
         structure.roles[one.target].type == structure.roles[other.target].type;
}

bool is_narrow(Structure const& structure, std::size_t role) {
  return structure.roles[role].per != Role::Per::message;
}

std::vector<bool> roles_near_anchor(Structure const& structure) {
  std::vector<bool> near(structure.roles.size(), false);
  if (near.empty() || !is_narrow(structure, structure.anchor)) return near;
  near[structure.anchor] = true;
  for (bool grew = true; grew;) {
    grew = false;
    for (Link const& link : structure.links) {
      if (near[link.source] == near[link.target] || !is_narrow(structure, link.source) ||
          !is_narrow(structure, link.target))
        continue;
      near[link.source] = near[link.target] = grew = true;
    }
  }
  return near;
}

}  // namespace

void index_structure(Structure& structure) {
  structure.uses_of_role.assign(structure.roles.size(), {});
  structure.links_from.assign(structure.roles.size(), {});
  structure.links_to.assign(structure.roles.size(), {});
  for (std::uint32_t at = 0; at < structure.uses.size(); ++at) {
    Use& use = structure.uses[at];
    auto const known = std::ranges::find(structure.uses_of_segment, use.segment,
                                         &std::pair<std::string, std::vector<std::uint32_t>>::first);
    if (known == structure.uses_of_segment.end())
      structure.uses_of_segment.push_back({use.segment, {at}});
    else
      known->second.push_back(at);
    for (Use::Target const& target : use.targets) {
      auto& uses = structure.uses_of_role[target.role];
      if (uses.empty() || uses.back() != at) uses.push_back(at);
    }
    for (std::uint32_t other = 0; other < structure.uses.size(); ++other) {
      if (are_twins(use, structure.uses[other])) use.twins.push_back(other);
    }
    for (Row const* const row : use.reverse_rows) use.rivals.push_back(rivals_of(use, *row));
    auto const is_literal = [](Row const* row) { return row->kind == Row::Kind::literal_out; };
    use.has_literals = std::ranges::any_of(use.rows, is_literal);
    use.only_literals = std::ranges::all_of(use.rows, is_literal);
    use.has_facts = std::ranges::any_of(
        use.rows, [](Row const* row) { return row->kind == Row::Kind::fact && row->reverse; });
  }
  structure.near_anchor = roles_near_anchor(structure);
  for (std::uint32_t at = 0; at < structure.links.size(); ++at) {
    Link& link = structure.links[at];
    structure.links_from[link.source].push_back(at);
    structure.links_to[link.target].push_back(at);
    link.has_twin = structure.roles[link.target].per == Role::Per::segment &&
                    std::ranges::any_of(structure.links,
                                        [&](Link const& other) { return are_twins(structure, link, other); });
  }
}

}  // namespace mappings::language
