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

}  // namespace

std::optional<EventChoice> choose_event(Maps const& maps, Element const* before, Element const& after,
                                        PartnerProfile const& destination) {
  Program const& program = maps.program();
  for (EventTable const& table : program.events) {
    if (table.type != after.text_at("resourceType")) continue;
    for (EventRow const& row : table.rows) {
      if (row.events.empty() || !fits(table, row, before, after)) continue;
      for (auto const& [code, trigger] : row.events) {
        Structure const* const structure = program.find_structure_for(code, trigger);
        if (structure == nullptr || !subscribes(destination, code, trigger)) continue;
        return EventChoice{code, trigger, structure->name, row.id, facts_of(row, *structure)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace mappings::language
