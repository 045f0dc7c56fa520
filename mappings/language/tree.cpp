#include "mappings/language/tree.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

bool is_coding(Element const& coding, Constant const& constant) {
  return coding.text_at("code") == constant.code && coding.text_at("system") == constant.system;
}

/// By what the reference says, else by what it leads to.
bool refers_to(Element const& value, std::string_view type, References const* references) {
  std::string_view const reference = value.text_at("reference");
  if (value.text_at("type") == type) return true;
  auto const slash = reference.rfind('/');
  if (slash != std::string_view::npos && slash > 0) {
    std::string_view const before = reference.substr(0, slash);
    auto const start = before.rfind('/');
    return before.substr(start == std::string_view::npos ? 0 : start + 1) == type;
  }
  Element const* const target = references == nullptr ? nullptr : references->resolve(reference);
  return target != nullptr && target->text_at("resourceType") == type;
}

bool holds(Element const& value, Condition const& condition, References const* references) {
  if (value.is_array())
    return std::ranges::any_of(value.items(),
                               [&](Element const& item) { return holds(item, condition, references); });
  if (value.kind() == fhir::json::Kind::boolean)
    return condition.text == (value.boolean() ? "true" : "false");
  if (!condition.target.empty()) return refers_to(value, condition.target, references);
  if (condition.constant == nullptr) return !value.is_null() && value.text() == condition.text;
  if (!condition.constant->is_concept) return is_coding(value, *condition.constant);
  Element const* const codings = value.find("coding");
  return codings != nullptr && std::ranges::any_of(codings->items(), [&](Element const& coding) {
           return is_coding(coding, *condition.constant);
         });
}

bool holds_below(Element const& here, std::span<Step const> steps, Condition const& condition,
                 References const* references) {
  if (here.is_array())
    return std::ranges::any_of(
        here.items(), [&](Element const& item) { return holds_below(item, steps, condition, references); });
  if (steps.empty()) return holds(here, condition, references);
  Element const* const next = here.find(steps[0].name);
  return next != nullptr && holds_below(*next, steps.subspan(1), condition, references);
}

bool holds_of(Element const& item, Condition const& condition, References const* references) {
  return holds_below(item, condition.path.steps, condition, references) ||
         std::ranges::any_of(condition.alternatives,
                             [&](Condition const& other) { return holds_of(item, other, references); });
}

}  // namespace

bool matches(Element const& item, std::span<Condition const> conditions, References const* references) {
  return std::ranges::all_of(
      conditions, [&](Condition const& condition) { return holds_of(item, condition, references); });
}

Element constant_element(Constant const& constant, Arena& arena) {
  Element coding = Element::of_object();
  coding.append_unchecked(arena, "system", Element::of_string(constant.system));
  coding.append_unchecked(arena, "code", Element::of_string(constant.code));
  if (!constant.display.empty())
    coding.append_unchecked(arena, "display", Element::of_string(constant.display));
  if (!constant.is_concept) return coding;
  Element codings;
  codings.push(arena, coding);
  Element made = Element::of_object();
  made.append_unchecked(arena, "coding", codings);
  return made;
}

void satisfy(Element& item, std::span<Condition const> conditions, Arena& arena) {
  for (Condition const& condition : conditions) {
    if (!condition.creates || holds_of(item, condition, nullptr)) continue;
    Trail trail;
    Element& place = reach(item, condition.path.steps, arena, trail);
    if (condition.constant != nullptr)
      place = constant_element(*condition.constant, arena);
    else if (condition.text == "true" || condition.text == "false")
      place = Element::of_boolean(condition.text == "true");
    else
      place = Element::of_string(arena.copy(condition.text));
  }
}

namespace {

Element& array_item(Element& array, Step const& step, Arena& arena, Trail& trail, int fixed) {
  auto const add = [&]() -> Element& {
    trail.add(array.size());
    Element& item = array.push(arena);
    if (!step.conditions.empty()) {
      item = Element::of_object();
      satisfy(item, step.conditions, arena);
    }
    return item;
  };
  bool const each = step.pick == Step::Pick::each || step.pick == Step::Pick::match_each;
  if (each && fixed < 0) return add();
  if (each || step.pick == Step::Pick::index) {
    auto const wanted = each ? static_cast<std::size_t>(fixed) : step.index;
    if (wanted >= array.size()) return add();
    trail.add(wanted);
    return array.items()[wanted];
  }
  auto const items = array.items();
  for (std::size_t at = 0; at < items.size(); ++at) {
    if (!matches(items[at], step.conditions)) continue;
    trail.add(at);
    return items[at];
  }
  return add();
}

}  // namespace

Element& reach(Element& root, std::span<Step const> steps, Arena& arena, Trail& trail, int fixed) {
  Element* here = &root;
  for (Step const& step : steps) {
    if (step.choice) break;
    if (!here->is_object()) *here = Element::of_object();
    // A step may be a copy that dies before the tree (apply's full paths), so a new member's name is the
    // arena's own.
    Element* const known = here->find(step.name);
    Element& next = known != nullptr ? *known : here->set(arena, arena.copy(step.name));
    if (!step.is_array()) {
      here = &next;
      continue;
    }
    if (!next.is_array()) next = Element::of_array();
    here = &array_item(next, step, arena, trail, fixed);
  }
  return *here;
}

Element const* find(Element const& root, std::span<Step const> steps) {
  Element const* here = &root;
  for (std::size_t at = 0; at < steps.size(); ++at) {
    Step const& step = steps[at];
    if (step.choice) return here;
    here = here->find(step.name);
    if (here == nullptr) return nullptr;
    if (!step.is_array()) {
      if (!here->is_array()) continue;
      // Written without a mark, but an array: the first.
      if (here->empty()) return nullptr;
      here = &here->items()[0];
      continue;
    }
    auto const items = here->items();
    if (step.pick == Step::Pick::index) {
      if (step.index >= items.size()) return nullptr;
      here = &items[step.index];
      continue;
    }
    for (Element const& item : items) {
      if (!matches(item, step.conditions)) continue;
      if (Element const* const found = find(item, steps.subspan(at + 1))) return found;
    }
    return nullptr;
  }
  return here;
}

void collect(Element const& root, std::span<Step const> steps, std::vector<Element const*>& found,
             References const* references) {
  if (steps.empty() || steps[0].choice) {
    if (root.is_array()) {
      for (Element const& item : root.items()) found.push_back(&item);
    } else {
      found.push_back(&root);
    }
    return;
  }
  Step const& step = steps[0];
  Element const* const next = root.find(step.name);
  if (next == nullptr) return;
  if (!next->is_array()) return collect(*next, steps.subspan(1), found, references);
  auto const items = next->items();
  if (step.pick == Step::Pick::index) {
    if (step.index < items.size()) collect(items[step.index], steps.subspan(1), found, references);
    return;
  }
  for (Element const& item : items) {
    if (matches(item, step.conditions, references)) collect(item, steps.subspan(1), found, references);
  }
}

Element* follow(Element& root, std::span<Step const> steps, std::span<std::uint16_t const> indexes) {
  Element* here = &root;
  std::size_t next_index = 0;
  for (Step const& step : steps) {
    if (step.choice) return here;
    here = here->find(step.name);
    if (here == nullptr) return nullptr;
    if (!step.is_array()) continue;
    auto const items = here->items();
    if (next_index >= indexes.size() || indexes[next_index] >= items.size()) return nullptr;
    here = &items[indexes[next_index++]];
  }
  return here;
}

Element const* follow(Element const& root, std::span<Step const> steps,
                      std::span<std::uint16_t const> indexes) {
  return follow(const_cast<Element&>(root), steps, indexes);  // it only walks
}

std::string render(std::span<Step const> steps, std::uint16_t const*& index) {
  std::string text;
  for (Step const& step : steps) {
    if (!text.empty()) text += '.';
    text += step.name;
    if (step.choice) text += "[x]";
    if (step.is_array()) text += "[" + std::to_string(*index++) + "]";
  }
  return text;
}

bool contains(Element const& whole, Element const& part) {
  if (part.is_object()) {
    return whole.is_object() && std::ranges::all_of(part.members(), [&](auto const& member) {
             Element const* const found = whole.find(member.name);
             return found != nullptr && contains(*found, member.value);
           });
  }
  if (!part.is_array()) return whole == part;
  if (!whole.is_array() || whole.size() < part.size()) return false;
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (!contains(whole.items()[at], part.items()[at])) return false;
  }
  return true;
}

void merge(Element& target, Element const& value, Arena& arena) {
  if (!value.is_object() || !target.is_object()) {
    target = value;
    return;
  }
  for (auto const& member : value.members()) target.set(arena, member.name, member.value);
}

namespace {

// Source: FHIR R4 extension-data-absent-reason.
constexpr std::string_view kAbsentUrl = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

bool is_absent_reason(Element const& value) {
  Element const* const extension = value.at("extension", 0);
  return extension != nullptr && extension->text_at("url") == kAbsentUrl;
}

}  // namespace

Element absent_reason(Arena& arena) {
  Element extension = Element::of_object();
  extension.set(arena, "url", Element::of_string(kAbsentUrl));
  extension.set(arena, "valueCode", Element::of_string("unknown"));
  Element extensions = Element::of_array();
  extensions.push(arena, extension);
  Element reason = Element::of_object();
  reason.set(arena, "extension", extensions);
  return reason;
}

std::vector<std::string_view> displaced_by(Element const& resource, std::string_view name) {
  // FHIR R4 choices of which our tables write more than one type.
  static constexpr std::string_view kStems[] = {"deceased",   "multipleBirth", "onset",     "effective",
                                                "occurrence", "value",         "performed", "medication"};
  auto const is_type_of = [](std::string_view member, std::string_view stem) {
    return member.size() > stem.size() && member.starts_with(stem) && member[stem.size()] >= 'A' &&
           member[stem.size()] <= 'Z';
  };
  std::vector<std::string_view> others;
  for (auto const& member : resource.members()) {
    bool const is_reason = member.name[0] == '_';
    std::string_view const of = member.name.substr(is_reason ? 1 : 0);
    bool const is_other = of != name && std::ranges::any_of(kStems, [&](std::string_view stem) {
                            return is_type_of(name, stem) && is_type_of(of, stem);
                          });
    if (is_other || (is_reason && of == name && is_absent_reason(member.value)))
      others.push_back(member.name);
  }
  return others;
}

}  // namespace mappings::language
