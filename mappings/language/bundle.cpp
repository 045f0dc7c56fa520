/// Drafts as Bundles for use without a store, and Bundles as requests.
#include "mappings/language/digest.hpp"
#include "mappings/language/engine.hpp"
#include "mappings/language/flat_map.hpp"

#include <algorithm>
#include <memory>

namespace mappings::language {

Element to_bundle(Draft& draft) {
  Arena& arena = draft.arena;
  std::vector<std::string> urls;
  for (DraftResource const& resource : draft.resources) {
    Digest digest;
    digest.add(resource.type);
    digest.add(resource.key);
    urls.push_back("urn:uuid:" + digest.uuid());
  }
  resolve_references(draft, urls);
  Element bundle = Element::of_object();
  bundle.append_unchecked(arena, "resourceType", Element::of_string("Bundle"));
  bundle.append_unchecked(arena, "type", Element::of_string("collection"));
  Element entries;
  for (std::size_t at = 0; at < draft.resources.size(); ++at) {
    Element entry = Element::of_object();
    entry.append_unchecked(arena, "fullUrl", Element::of_string(arena.copy(urls[at])));
    entry.append_unchecked(arena, "resource", draft.resources[at].content);
    entries.push(arena, entry);
  }
  if (!entries.is_null()) bundle.append_unchecked(arena, "entry", entries);
  return bundle;
}

namespace {

struct Entry {
  std::string_view type, reference;
  Element const* resource = nullptr;
};

/// What a Bundle's references mean; shared by the request's callbacks. Views into the Bundle and the arena.
struct Index {
  Arena arena;
  std::vector<Entry> entries;
  FlatMap<std::string_view, Element const*> by_reference;
  FlatMap<Element const*, std::string_view> references;
};

std::shared_ptr<Index> index_of(Element const& bundle) {
  auto index = std::make_shared<Index>();
  Element const* const list = bundle.find("entry");
  if (list == nullptr) return index;
  index->entries.reserve(list->size());
  for (Element const& one : list->items()) {
    Element const* const resource = one.find("resource");
    if (resource == nullptr || !resource->is_object()) continue;
    std::string_view const type = resource->text_at("resourceType");
    std::string_view literal;
    if (auto const id = resource->text_at("id"); !id.empty())
      literal = index->arena.copy(std::string(type) + "/" + std::string(id));
    std::string_view const url = one.text_at("fullUrl");
    if (!literal.empty()) index->by_reference.try_emplace(literal, resource);
    if (!url.empty()) index->by_reference.try_emplace(url, resource);
    index->entries.push_back({type, url.empty() ? literal : url, resource});
    index->references.try_emplace(resource, index->entries.back().reference);
  }
  return index;
}

/// Whether `element` at a path of plain names refers to `target`, through arrays and however the reference is
/// written.
bool refers(Index const& index, Element const& element, std::string_view path, Element const* target) {
  if (element.is_array())
    return std::ranges::any_of(element.items(),
                               [&](Element const& item) { return refers(index, item, path, target); });
  if (path.empty()) {
    Element const* const* const found = index.by_reference.find(element.text_at("reference"));
    return found != nullptr && *found == target;
  }
  auto const dot = path.find('.');
  Element const* const next = element.find(path.substr(0, dot));
  return next != nullptr &&
         refers(index, *next, dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1),
                target);
}

/// A resource of the anchor's type that another one of them, or what belongs to the whole message, leads to
/// and so plays another role: the original prescription that an encoded one is based on, what a Task is based
/// on beside its focus.
bool follows_an_anchor(Index const& index, Structure const& structure, Entry const& entry) {
  std::string_view const type = structure.roles[structure.anchor].type;
  auto const leads_here = [&](Link const& link) {
    return std::ranges::any_of(index.entries, [&](Entry const& other) {
      return other.resource != entry.resource && other.type == structure.roles[link.source].type &&
             refers(index, *other.resource, link.names, entry.resource);
    });
  };
  bool follows = false;
  for (Link const& link : structure.links) {
    if (structure.roles[link.target].type != type) continue;
    bool const of_anchor = link.source == structure.anchor;
    bool const of_message = structure.roles[link.source].per == Role::Per::message;
    if (link.target == structure.anchor) {
      if (!of_anchor && of_message && leads_here(link)) return false;
    } else if ((of_anchor || of_message) && !follows) {
      follows = leads_here(link);
    }
  }
  return follows;
}

}  // namespace

fhir::Result<ReverseRequest> from_bundle(Maps const& maps, std::string_view name, Element const& bundle) {
  Structure const* const structure = maps.program().find_structure(name);
  if (structure == nullptr)
    return fhir::error(fhir::IssueType::not_supported,
                       "no table writes " + std::string(name) + "; add a structure section for it");
  auto const index = index_of(bundle);
  ReverseRequest request;
  request.structure = structure->name;
  request.resources.reserve(structure->roles.size());
  if (!structure->events.empty()) {
    request.message_code = structure->events[0].first;
    request.trigger_event = structure->events[0].second;
  }
  // The anchor first (each of them, where it has a group of its own: the orders of one OMG), then the other
  // roles of which a message has one.
  auto const add = [&](Role const& role) {
    for (Entry const& entry : index->entries) {
      if (entry.type != role.type) continue;
      if (&role == &structure->roles[structure->anchor] && follows_an_anchor(*index, *structure, entry))
        continue;
      request.resources.push_back({role.name, entry.resource, entry.reference});
      // A message of several patients (A17, A24, A40) starts from each of them.
      bool const is_person = role.type == "Patient" || role.type == "Encounter";
      if (role.per == Role::Per::message || (role.per != Role::Per::group && !is_person)) return;
    }
  };
  Role const& anchor = structure->roles[structure->anchor];
  add(anchor);
  for (Role const& role : structure->roles) {
    bool const alone = std::ranges::count(structure->roles, role.type, &Role::type) == 1;
    if (&role != &anchor && role.per == Role::Per::message && alone) add(role);
  }
  if (request.resources.empty())
    return fhir::error(
        fhir::IssueType::required,
        "the Bundle holds no " + anchor.type + ", from which " + structure->name + " starts; add one",
        "Bundle.entry");
  // The callbacks own the index, and so the texts of request.resources.
  request.resolve = [index](std::string_view reference) -> Element const* {
    Element const* const* const found = index->by_reference.find(reference);
    return found == nullptr ? nullptr : *found;
  };
  request.reference_of = [index](Element const& resource) -> std::string_view {
    std::string_view const* const found = index->references.find(&resource);
    return found == nullptr ? std::string_view{} : *found;
  };
  request.referring = [index](std::string_view type, std::string_view path, std::string_view reference) {
    std::vector<Element const*> found;
    Element const* const* const target = index->by_reference.find(reference);
    if (target == nullptr) return found;
    for (Entry const& entry : index->entries) {
      if (entry.type == type && refers(*index, *entry.resource, path, *target))
        found.push_back(entry.resource);
    }
    return found;
  };
  return request;
}

}  // namespace mappings::language
