#include "mappings/language/program.hpp"

#include <algorithm>

namespace mappings::language {

std::string Place::text() const {
  std::string text = segment + "-" + std::to_string(field);
  if (each) text += '*';
  if (repetition > 1) text += "(" + std::to_string(repetition) + ")";
  if (component != 0) text += "." + std::to_string(component);
  if (subcomponent != 0) text += "." + std::to_string(subcomponent);
  return text;
}

bool EventRow::holds_before(std::string_view status) const {
  std::string_view const wanted = status.empty() ? std::string_view("none") : status;
  return std::ranges::any_of(before, [&](std::string const& one) { return one == wanted || one == "any"; });
}

std::size_t Structure::find_role(std::string_view wanted) const {
  auto const found = std::ranges::find(roles, wanted, &Role::name);
  return found == roles.end() ? SIZE_MAX : static_cast<std::size_t>(found - roles.begin());
}

std::span<std::uint32_t const> Structure::uses_of(std::string_view segment) const {
  for (auto const& [id, all] : uses_of_segment) {
    if (fhir::json::is_same(id, segment)) return all;
  }
  return {};
}

Structure const* Program::find_structure(std::string_view name) const {
  auto const found = std::ranges::find(structures, name, &Structure::name);
  return found == structures.end() ? nullptr : &*found;
}

Structure const* Program::find_structure_for(std::string_view code, std::string_view trigger) const {
  for (Structure const& structure : structures) {
    for (auto const& [event_code, event_trigger] : structure.events) {
      if (event_code == code && event_trigger == trigger) return &structure;
    }
  }
  return nullptr;
}

types::Vocabulary const* Program::find_vocabulary(std::string_view name) const {
  auto const found = std::ranges::find(vocabularies, name, &types::Vocabulary::name);
  return found == vocabularies.end() ? nullptr : &*found;
}

Constant const* Program::find_constant(std::string_view name) const {
  auto const found = std::ranges::find(constants, name, &Constant::name);
  return found == constants.end() ? nullptr : &*found;
}

EventTable const* Program::find_events(std::string_view type, std::string_view role) const {
  EventTable const* general = nullptr;
  for (EventTable const& table : events) {
    if (table.type != type) continue;
    if (table.role == role) return &table;
    if (table.role.empty()) general = &table;
  }
  return general;
}

void Program::add_kept(Kept line) {
  auto const after = std::ranges::upper_bound(kept, line.segment, {}, &Kept::segment);
  kept.insert(after, std::move(line));
}

std::string_view Program::why_kept(std::string_view segment, std::uint16_t field) const {
  std::string_view of_segment;
  for (Kept const& one : std::ranges::equal_range(kept, segment, {}, &Kept::segment)) {
    if (one.first <= field && field <= one.last) return one.reason;
    if (one.first == 0) of_segment = one.reason;
  }
  return of_segment;
}

std::string_view Maps::hash() const { return program_->hash; }
std::string_view Maps::version() const { return program_->version; }
bool Maps::has_structure(std::string_view structure) const {
  return program_->find_structure(structure) != nullptr;
}

std::vector<std::string_view> Maps::structures() const {
  std::vector<std::string_view> names;
  for (Structure const& structure : program_->structures) names.push_back(structure.name);
  return names;
}

}  // namespace mappings::language
