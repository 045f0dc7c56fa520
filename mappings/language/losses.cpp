/// Which elements of the resources a message could not carry.
#include "mappings/language/reversal.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

/// Gathers what writes the elements of one role.
class Covering {
 public:
  explicit Covering(std::vector<Cover>& covers) : covers_(covers) {}

  void whole(std::string_view name) { named(name, false).whole = true; }
  void row(Row const& row) {
    if (row.path.empty() || row.kind == Row::Kind::fact) return;
    Step const& first = row.path.steps[0];
    Cover& cover = named(first.name, first.choice);
    if (row.path.steps.size() == 1 && first.conditions.empty())
      cover.whole = true;
    else
      cover.parts.push_back(&row.path);
  }

 private:
  Cover& named(std::string_view name, bool choice) {
    for (Cover& cover : covers_) {
      if (cover.name == name && cover.choice == choice) return cover;
    }
    return covers_.emplace_back(Cover{std::string(name), choice, false, {}});
  }

  std::vector<Cover>& covers_;
};

bool covers_name(Cover const& cover, std::string_view name) {
  return cover.choice ? name.size() > cover.name.size() && name.starts_with(cover.name) : name == cover.name;
}

class Losses {
 public:
  explicit Losses(Reversal& reversal) : structure_(*reversal.structure), loss_(reversal.loss) {
    parts_.reserve(16);
  }

  void note(Node const& node, std::string_view name, Element const& value) {
    parts_.clear();
    for (Cover const& cover : structure_.covers[node.role]) {
      if (!covers_name(cover, name)) continue;
      if (cover.whole) return;
      parts_.insert(parts_.end(), cover.parts.begin(), cover.parts.end());
    }
    if (parts_.empty()) {
      lose(node, name, "", " has no field for it");
    } else if (value.is_array()) {
      for (std::size_t at = 0; at < value.size(); ++at) {
        bool const covered = std::ranges::any_of(
            parts_, [&](Path const* path) { return matches(value.items()[at], path->steps[0].conditions); });
        if (!covered) lose(node, name, "[" + std::to_string(at) + "]", " has no field for this item");
      }
    } else {
      for (auto const& inner : value.members()) {
        bool const covered = std::ranges::any_of(parts_, [&](Path const* path) {
          return path->steps.size() < 2 || path->steps[1].name == inner.name;
        });
        if (!covered) lose(node, name, "." + std::string(inner.name), " has no field for it");
      }
    }
  }

 private:
  void lose(Node const& node, std::string_view name, std::string_view part, std::string_view why) {
    std::string const& type = structure_.roles[node.role].type;
    loss_.push_back({type + "." + std::string(name) + std::string(part), structure_.name + std::string(why),
                     node.reference.empty() ? type : std::string(node.reference)});
  }

  Structure const& structure_;
  std::vector<LossNote>& loss_;
  std::vector<Path const*> parts_;  // reused
};

constexpr std::string_view kNotContent[] = {"resourceType",  "id",      "meta", "text",
                                            "implicitRules", "language"};

}  // namespace

std::vector<std::vector<Cover>> covers_of(Structure const& structure) {
  std::vector<std::vector<Cover>> all(structure.roles.size());
  for (Use const& use : structure.uses) {
    for (std::size_t target = 0; target < use.targets.size(); ++target) {
      Covering covering(all[use.targets[target].role]);
      Path const& base = use.targets[target].base;
      if (!base.empty()) covering.whole(base.steps[0].name);
      for (Row const* const row : use.rows) {
        if (base.empty() && row->target == target) covering.row(*row);
      }
    }
  }
  for (Link const& link : structure.links) Covering(all[link.source]).whole(link.path.steps[0].name);
  for (Default const& made : structure.defaults) Covering(all[made.role]).whole(made.path.steps[0].name);
  for (std::size_t role = 0; role < structure.roles.size(); ++role) {
    if (EventTable const* const events = structure.roles[role].events; events != nullptr)
      Covering(all[role]).whole(events->path.steps[0].name);
  }
  return all;
}

void note_losses(Reversal& reversal) {
  Losses losses(reversal);
  for (Node const& node : reversal.nodes->all()) {
    for (auto const& member : node.content->members()) {
      bool const is_about_value = member.name[0] == '_';  // told with its element, or why there is none
      if (!is_about_value && std::ranges::find(kNotContent, member.name) == std::end(kNotContent))
        losses.note(node, member.name, member.value);
    }
  }
}

}  // namespace mappings::language
