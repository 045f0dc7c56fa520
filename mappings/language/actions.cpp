#include "mappings/language/actions.hpp"

#include "mappings/language/tree.hpp"

#include <algorithm>
#include <vector>

namespace mappings::language {
namespace {

bool is_marked(Element const& item) {
  Element const* const extensions = item.find("extension");
  return extensions != nullptr && std::ranges::any_of(extensions->items(), [](Element const& one) {
           return one.text_at("url") == kSegmentAction;
         });
}

void mark(Element& item, std::string_view action, Arena& arena) {
  if (!item.is_object() || is_marked(item)) return;
  Element* const extensions = item.find("extension");
  Element& extension = (extensions != nullptr ? *extensions : item.set(arena, "extension")).push(arena);
  extension.set(arena, "url", Element::of_string(kSegmentAction));
  extension.set(arena, "valueCode", Element::of_string(action));
}

/// Items are told apart as the segments tell them; who an item refers to counts by the reference alone.
bool are_same(Element const& left, Element const& right, std::vector<Path> const& by) {
  return std::ranges::all_of(by, [&](Path const& path) {
    Element const* const one = find(left, path.steps);
    Element const* const other = find(right, path.steps);
    if (one == nullptr || other == nullptr) return one == other;
    std::string_view const reference = one->text_at("reference");
    return reference.empty() ? *one == *other : reference == other->text_at("reference");
  });
}

/// One list that segments with action codes stand for: the items of its discriminator.
class List {
 public:
  List(Use const& use, Element const& before, Element& after)
      : use_(use), step_(use.targets[0].base.steps.back()), before_(before), after_(after) {}

  bool holds(Element const& item) const {
    return step_.conditions.empty() || matches(item, step_.conditions);
  }
  bool stands_in(Element const& resource, Element const& item) const {
    Element const* const items = resource.find(step_.name);
    return items != nullptr && std::ranges::any_of(items->items(), [&](Element const& one) {
             return holds(one) && are_same(one, item, use_.by);
           });
  }

  bool add_what_is_gone(Arena& arena) {
    bool any = false;
    Element const* const items = before_.find(step_.name);
    for (std::size_t at = 0; items != nullptr && at < items->size(); ++at) {
      Element const& item = items->items()[at];
      if (!holds(item) || stands_in(after_, item)) continue;
      Element gone = fhir::json::deep_copy(arena, item);
      mark(gone, "delete", arena);
      Element* const list = after_.find(step_.name);
      (list != nullptr ? *list : after_.set(arena, arena.copy(step_.name))).push(arena, gone);
      any = true;
    }
    return any;
  }

  void mark_the_rest(Arena& arena) {
    Element* const items = after_.find(step_.name);
    for (std::size_t at = 0; items != nullptr && at < items->size(); ++at) {
      Element& item = items->items()[at];
      if (holds(item)) mark(item, stands_in(before_, item) ? "update" : "add", arena);
    }
  }

 private:
  Use const& use_;
  Step const& step_;
  Element const& before_;
  Element& after_;
};

}  // namespace

std::optional<Element> with_actions(Maps const& maps, std::string_view structure, std::string_view role,
                                    Element const& before, Element const& after, Arena& arena) {
  Structure const* const known = maps.program().find_structure(structure);
  std::size_t const index = known == nullptr ? SIZE_MAX : known->find_role(role);
  if (index == SIZE_MAX) return std::nullopt;
  Element marked = fhir::json::deep_copy(arena, after);
  std::vector<List> lists;
  for (Use const& use : known->uses) {
    if (!use.acts.empty() && use.targets[0].role == index && use.targets[0].base.steps.size() == 1)
      lists.emplace_back(use, before, marked);
  }
  bool any = false;
  for (List& list : lists) any = list.add_what_is_gone(arena) || any;
  if (!any) return std::nullopt;
  for (List& list : lists) list.mark_the_rest(arena);
  mark(marked, "update", arena);
  return marked;
}

}  // namespace mappings::language
