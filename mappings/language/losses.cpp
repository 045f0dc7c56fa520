/// Which elements of the resources a message could not carry.
#include "mappings/language/reversal.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

class Losses {
 public:
  explicit Losses(Reversal& reversal) : structure_(*reversal.structure), loss_(reversal.loss) {}

  void note(Node const& node, std::string_view name, Element const& value) {
    covers_.clear();
    if (is_covered(node.role, name)) return;
    std::string const element = structure_.roles[node.role].type + "." + std::string(name);
    if (covers_.empty()) {
      lose(node, element, " has no field for it");
    } else if (value.is_array()) {
      for (std::size_t at = 0; at < value.size(); ++at) {
        bool const covered = std::ranges::any_of(
            covers_, [&](Path const* path) { return matches(value.items()[at], path->steps[0].conditions); });
        if (!covered) lose(node, element + "[" + std::to_string(at) + "]", " has no field for this item");
      }
    } else if (value.is_object()) {
      for (auto const& inner : value.members()) {
        bool const covered = std::ranges::any_of(covers_, [&](Path const* path) {
          return path->steps.size() < 2 || path->steps[1].name == inner.name;
        });
        if (!covered) lose(node, element + "." + std::string(inner.name), " has no field for it");
      }
    }
  }

 private:
  /// Whether something writes all of the element; rows that write part of it are left in covers_.
  bool is_covered(std::size_t role, std::string_view name) {
    for (Use const& use : structure_.uses) {
      for (std::size_t target = 0; target < use.targets.size(); ++target) {
        if (use.targets[target].role == role && is_covered_by(use, target, name)) return true;
      }
    }
    for (Link const& link : structure_.links) {
      if (link.source == role && link.path.steps[0].name == name) return true;
    }
    EventTable const* const events = structure_.roles[role].events;
    if (events != nullptr && events->path.steps[0].name == name) return true;
    return std::ranges::any_of(structure_.defaults, [&](Default const& made) {
      return made.role == role && made.path.steps[0].name == name;
    });
  }

  bool is_covered_by(Use const& use, std::size_t target, std::string_view name) {
    Path const& base = use.targets[target].base;
    if (!base.empty()) return base.steps[0].name == name;
    for (Row const* const row : use.rows) {
      if (row->target != target || row->path.empty() || row->kind == Row::Kind::fact) continue;
      Step const& first = row->path.steps[0];
      bool const choice = first.choice && name.starts_with(first.name) && name.size() > first.name.size();
      if (first.name != name && !choice) continue;
      if (row->path.steps.size() == 1 && first.conditions.empty()) return true;
      covers_.push_back(&row->path);
    }
    return false;
  }

  void lose(Node const& node, std::string path, std::string_view why) {
    std::string_view const kept =
        node.reference.empty() ? std::string_view(structure_.roles[node.role].type) : node.reference;
    loss_.push_back({std::move(path), structure_.name + std::string(why), std::string(kept)});
  }

  Structure const& structure_;
  std::vector<LossNote>& loss_;
  std::vector<Path const*> covers_;  // reused
};

constexpr std::string_view kNotContent[] = {"resourceType",  "id",      "meta", "text",
                                            "implicitRules", "language"};

}  // namespace

void note_losses(Reversal& reversal) {
  Losses losses(reversal);
  for (Node const& node : reversal.nodes->all()) {
    for (auto const& member : node.content->members()) {
      if (std::ranges::find(kNotContent, member.name) == std::end(kNotContent))
        losses.note(node, member.name, member.value);
    }
  }
}

}  // namespace mappings::language
