/// What a Draft answers, and its references made real.
#include "mappings/language/translator.hpp"

#include <algorithm>

namespace mappings::language {

using fhir::json::Arena;
using fhir::json::Element;

std::string_view Fact::text() const {
  if (!value.is_object()) return value.text();
  for (std::string_view const member : {"value", "code", "text", "display", "family", "start"}) {
    if (std::string_view const found = value.text_at(member); !found.empty()) return found;
  }
  return value.text_of("coding", 0, "code");
}

DraftResource const* Draft::find(std::string_view role, std::uint32_t instance) const {
  for (DraftResource const& resource : resources) {
    if (resource.role == role && resource.instance == instance) return &resource;
  }
  return nullptr;
}

Fact const* Draft::find_fact(std::string_view name) const {
  auto const found = std::ranges::find(facts, name, &Fact::name);
  return found == facts.end() ? nullptr : &*found;
}

std::string_view Draft::fact(std::string_view name) const {
  Fact const* const found = find_fact(name);
  return found == nullptr ? std::string_view{} : found->text();
}

namespace {

void resolve(Element& element, std::span<std::string const> references, Arena& arena) {
  for (Element& item : element.items()) resolve(item, references, arena);
  for (auto& member : element.members()) {
    if (member.name != "reference" || !member.value.text().starts_with('~')) {
      resolve(member.value, references, arena);
      continue;
    }
    std::size_t index = 0;
    for (char const c : member.value.text().substr(1)) index = index * 10 + static_cast<std::size_t>(c - '0');
    if (index < references.size()) member.value = Element::of_string(arena.copy(references[index]));
  }
}

}  // namespace

void resolve_references(Element& tree, std::span<std::string const> references, Arena& arena) {
  resolve(tree, references, arena);
}

void resolve_references(Draft& draft, std::span<std::string const> references) {
  for (DraftResource& resource : draft.resources) resolve(resource.content, references, draft.arena);
}

}  // namespace mappings::language
