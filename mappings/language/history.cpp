/// `end ITEM in ITEM at PATH` and `reopen`: an array item that is over stays in its array as a former one.
#include "mappings/language/engine.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

using Effect = EventRow::Effect;

Element* array_of(Element& resource, Path const& item) { return resource.find(item.steps[0].name); }

Element* first_item(Element& resource, Path const& path) {
  Element* const array = array_of(resource, path);
  if (array == nullptr) return nullptr;
  auto const items = array->items();
  auto const found = std::ranges::find_if(
      items, [&](Element const& item) { return matches(item, path.steps[0].conditions); });
  return found == items.end() ? nullptr : &*found;
}

void remove_item(Element& resource, Path const& path, Element const* item) {
  Element* const array = array_of(resource, path);
  array->remove_item(static_cast<std::size_t>(item - array->items().data()));
  if (array->empty()) resource.remove(path.steps[0].name);
}

std::string_view time_in(Element const* resource, Path const& at) {
  Element const* const time = resource == nullptr ? nullptr : find(*resource, at.steps);
  return time == nullptr ? std::string_view{} : time->text();
}

/// Its status and time are those of the other; what it says else is put into it.
void correct(Element& former, Element const& told, Effect const& effect, Arena& arena) {
  for (auto const& member : told.members()) {
    bool const is_mark = std::ranges::any_of(effect.from.steps[0].conditions, [&](Condition const& one) {
      return one.path.steps[0].name == member.name;
    });
    if (!is_mark && member.name != "period") former.set(arena, member.name, member.value);
  }
}

}  // namespace

void end_item(Element& resource, Effect const& effect, Element const* before, Ending how, Arena& arena) {
  bool const is_told = effect.at.empty();  // `until`: the resource has no time of its own for it
  Element* const open = first_item(resource, effect.from);
  Element* const former = first_item(resource, effect.path);
  bool const had_former = former != nullptr && former->find("period") != nullptr;
  // What ended once keeps its end: the message that tells more of it is no second end.
  bool const stays = is_told && how.was_over && had_former;
  std::string_view const was = stays ? former->text_of("period", "end") : time_in(before, effect.at);
  std::string_view const at = stays ? was : is_told ? how.until.text() : time_in(&resource, effect.at);
  bool const is_known =
      how.was_over && former != nullptr && !was.empty() && former->text_of("period", "end") == was;
  if (is_known) {
    if (how.is_gone) return remove_item(resource, effect.path, former);
    if (!at.empty()) former->set(arena, "period").set(arena, "end", Element::of_string(arena.copy(at)));
    if (open == nullptr) return;
    if (!how.is_late) correct(*former, *open, effect, arena);
    remove_item(resource, effect.from, open);
    return;
  }
  if (open == nullptr || at.empty()) return;
  satisfy(*open, effect.path.steps[0].conditions, arena);
  open->set(arena, "period").set(arena, "end", Element::of_string(arena.copy(at)));
  if (former != nullptr && former < open) std::rotate(former, open, open + 1);
}

void reopen_item(Element& resource, Effect const& effect, Element const& before, Arena& arena) {
  std::string_view const was = time_in(&before, effect.at);
  Element* const former = first_item(resource, effect.from);
  if (former == nullptr || was.empty() || former->text_of("period", "end") != was) return;
  Element* const told = first_item(resource, effect.path);
  std::span<Step const> const what = std::span(effect.from.steps).subspan(1);
  if (told != nullptr) {
    Element const* const here = find(*told, what);
    Element const* const there = find(*former, what);
    if (here == nullptr || there == nullptr || !contains(*here, *there)) return;
    if (Element const* const period = former->find("period")) told->set(arena, "period", *period);
  } else {
    satisfy(*former, effect.path.steps[0].conditions, arena);
  }
  Element& open = told == nullptr ? *former : *told;
  if (Element* const period = open.find("period")) {
    period->remove("end");
    if (period->members().empty()) open.remove("period");
  }
  if (told != nullptr) remove_item(resource, effect.from, former);
}

}  // namespace mappings::language
