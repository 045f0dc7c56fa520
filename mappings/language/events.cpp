/// The event tables backwards: which message tells of a change.
#include "mappings/language/engine.hpp"

#include <algorithm>

namespace mappings::language {

namespace {

std::string_view status_of(EventTable const& table, Element const* resource) {
  Element const* const found = resource == nullptr ? nullptr : find(*resource, table.path.steps);
  return found == nullptr ? std::string_view{} : found->text();
}

bool fits(EventTable const& table, EventRow const& row, Element const* before, Element const& after) {
  if (row.after == "told") {
    bool const wanted = std::ranges::count(row.before, before == nullptr ? "none" : "any") != 0;
    return wanted && holds(row.when, before, after);
  }
  std::string_view const from = status_of(table, before);
  std::string_view const to = status_of(table, &after);
  // A resource that is there without a status (a Patient's active) is not none.
  bool const only_any = before != nullptr && from.empty();
  if (only_any ? std::ranges::count(row.before, "any") == 0
               : !row.holds_before(before == nullptr ? std::string_view{} : from))
    return false;
  if (row.after == "same") {
    if (before == nullptr || from != to) return false;
  } else if (row.after == "any") {
    if (before == nullptr && !row.when.empty()) return false;
  } else if (row.after != to || (row.when.empty() && before != nullptr && from == to)) {
    return false;
  }
  return holds(row.when, before, after);
}

/// `ORC-1 = HD` of the row as the fact that the structure reads from that field.
std::vector<FactValue> facts_of(EventRow const& row, Structure const& structure) {
  std::vector<FactValue> facts;
  for (Predicate const& guard : row.v2_when) {
    if (guard.test != Predicate::Test::equals) continue;
    for (Use const& use : structure.uses) {
      for (Row const* const one : use.rows) {
        bool const reads = one->kind == Row::Kind::fact && one->places[0].segment == guard.place.segment &&
                           one->places[0].field == guard.place.field;
        if (reads && std::ranges::find(facts, one->fact, &FactValue::name) == facts.end())
          facts.push_back({one->fact, guard.values[0]});
      }
    }
  }
  return facts;
}

bool subscribes(PartnerProfile const& partner, std::string_view code, std::string_view trigger) {
  return partner.events.empty() || std::ranges::any_of(partner.events, [&](std::string const& event) {
           auto const caret = event.find('^');
           return caret != std::string::npos && event.substr(0, caret) == code &&
                  event.substr(caret + 1) == trigger;
         });
}

/// The role of a type in a structure, what the message is about first; "" when it has none.
std::string_view role_of_type(Structure const& structure, std::string_view type) {
  if (structure.roles[structure.anchor].type == type) return structure.roles[structure.anchor].name;
  auto const found = std::ranges::find(structure.roles, type, &Role::type);
  return found == structure.roles.end() ? std::string_view{} : std::string_view(found->name);
}

bool is_event(std::string_view name, std::string_view code, std::string_view trigger) {
  return name.size() == code.size() + 1 + trigger.size() && name.starts_with(code) &&
         name[code.size()] == '^' && name.ends_with(trigger);
}

/// The first event that fits; with `only` that one or none.
std::optional<EventChoice> choose(Program const& program, Element const* before, Element const& after,
                                  PartnerProfile const& destination, std::string_view only) {
  for (EventTable const& table : program.events) {
    if (table.type != after.text_at("resourceType")) continue;
    for (EventRow const& row : table.rows) {
      if (row.events.empty() || !fits(table, row, before, after)) continue;
      for (auto const& [code, trigger] : row.events) {
        if (!only.empty() && !is_event(only, code, trigger)) continue;
        Structure const* const structure = program.find_structure_for(code, trigger);
        if (structure == nullptr || !subscribes(destination, code, trigger)) continue;
        std::string_view const role = role_of_type(*structure, table.type);
        if (!role.empty())
          return EventChoice{code, trigger, structure->name, role, row.id, facts_of(row, *structure)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<EventChoice> choose_event(Maps const& maps, Element const* before, Element const& after,
                                        PartnerProfile const& destination, std::string_view told_by) {
  if (!told_by.empty()) {
    if (auto as_told = choose(maps.program(), before, after, destination, told_by)) return as_told;
  }
  return choose(maps.program(), before, after, destination, {});
}

}  // namespace mappings::language
