/// Identities: the same whenever the same thing is sent, never the message control id.
#include "mappings/language/digest.hpp"
#include "mappings/language/flat_map.hpp"
#include "mappings/language/relations.hpp"

#include <algorithm>
#include <unordered_map>

namespace mappings::language {

namespace {

void add_content(Digest& digest, Element const& element) {
  digest.add(element.text());
  for (Element const& item : element.items()) add_content(digest, item);
  for (auto const& member : element.members()) {
    if (member.name == "reference") continue;
    digest.add(member.name);
    add_content(digest, member.value);
  }
}

class Keys {
 public:
  Keys(Draft& draft, Internals const& keeps, Relations const& relations, std::string_view site)
      : draft_(draft), keeps_(keeps), structure_(*keeps.structure), relations_(relations), site_(site) {}

  void run() {
    for (Instance const& instance : keeps_.instances) {
      if (instance.resource != kNone) key_of(instance.resource, instance, 0);
    }
    part_twins();
    for (DraftResource& resource : draft_.resources) list_identifiers(resource);
  }

 private:
  Instance const* instance_of_role(std::size_t role, std::uint32_t group) const {
    for (Instance const* const instance : relations_.of_role(role)) {
      if (relations_.belongs(instance->group, group)) return instance;
    }
    return nullptr;
  }

  void key_of(std::uint32_t index, Instance const& instance, int depth) {
    DraftResource& resource = draft_.resources[index];
    if (!resource.key.empty() || depth > 8) return;
    auto const declared = std::ranges::find(structure_.keys, instance.role, &Key::role);
    if (declared != structure_.keys.end()) {
      for (Key::Alternative const& alternative : declared->alternatives) {
        if (alternative.within ? key_within(resource, instance, alternative, depth)
                               : key_by_identifier(resource, alternative))
          return;
      }
    }
    if (resource.type == "Location" && resource.content.find("identifier") != nullptr) {
      resource.key = place_key(site_, resource.content);
      return;
    }
    Digest digest;
    digest.add(site_);
    add_content(digest, resource.content);
    resource.key = concatenated({resource.type, "|", resource.role, "|", digest.hex()});
  }

  bool key_by_identifier(DraftResource& resource, Key::Alternative const& alternative) {
    found_.clear();
    collect(resource.content, alternative.identifier.steps, found_);
    for (Element const* const one : found_) {
      std::string_view const value = one->text_at("value");
      if (value.empty()) continue;
      std::string_view const system = one->text_at("system");
      resource.key = system.empty() ? concatenated({resource.type, "|urn:site:", site_, "|", value})
                                    : concatenated({resource.type, "|", system, "|", value});
      resource.key_is_identifier = !system.empty();
      return true;
    }
    return false;
  }

  bool key_within(DraftResource& resource, Instance const& instance, Key::Alternative const& alternative,
                  int depth) {
    Instance const* const parent = instance_of_role(alternative.parent, instance.group);
    if (parent == nullptr) return false;
    key_of(parent->resource, *parent, depth + 1);
    Digest digest;
    digest.add(draft_.resources[parent->resource].key);
    digest.add(resource.role);
    bool by_content = false;
    for (Path const& path : alternative.by) {
      Element const* const found = find(resource.content, path.steps);
      digest.add(path.text);
      if (found == nullptr) continue;
      by_content = true;
      add_content(digest, *found);
    }
    if (!by_content) digest.add(std::to_string(instance.ordinal));
    resource.key = concatenated({resource.type, "|", digest.hex()});
    return true;
  }

  /// Two parts of one message with the same key (the same identifier twice, or nothing that tells them apart)
  /// are two drafts: the later ones are told apart by their order, which is the same whenever the message is.
  void part_twins() {
    FlatMap<std::string_view, bool> keys;
    for (DraftResource& resource : draft_.resources) {
      if (keys.try_emplace(resource.key, true).second) continue;
      std::string const stem = resource.key;
      std::size_t& number = twins_[stem];
      do {
        resource.key = stem + "|" + std::to_string(++number + 1);
      } while (!keys.try_emplace(resource.key, true).second);
      resource.key_is_identifier = false;
    }
  }

  void list_identifiers(DraftResource& resource) {
    if (resource.role.empty()) return;
    Element const* const list = resource.content.find("identifier");
    if (list == nullptr) return;
    auto const note = [&](Element const& one) {
      if (one.text_at("system").empty() || one.text_at("value").empty()) return;
      std::string text = concatenated({one.text_at("system"), "|", one.text_at("value")});
      bool const is_key =
          resource.key.size() == resource.type.size() + 1 + text.size() && resource.key.ends_with(text);
      resource.identifiers.insert(is_key ? resource.identifiers.begin() : resource.identifiers.end(),
                                  std::move(text));
    };
    if (list->is_object()) note(*list);
    for (Element const& one : list->items()) note(one);
  }

  Draft& draft_;
  Internals const& keeps_;
  Structure const& structure_;
  Relations const& relations_;
  std::string_view site_;
  std::unordered_map<std::string, std::size_t> twins_;
  std::vector<Element const*> found_;  // reused
};

}  // namespace

std::string place_key(std::string_view site, Element const& location) {
  Digest digest;
  digest.add(site);
  add_content(digest, *location.find("identifier"));
  return concatenated({"Location|", digest.hex()});
}

void give_keys(Draft& draft, Internals const& keeps, Relations const& relations, std::string_view site) {
  Keys(draft, keeps, relations, site).run();
}

std::vector<std::string> keys_when_renamed(Draft const& draft, std::string_view site,
                                           std::map<std::size_t, std::string> const& names) {
  Internals const& keeps = internals(draft);
  Draft renamed;
  renamed.resources = draft.resources;
  for (Instance const& instance : keeps.instances) {
    if (instance.resource != kNone) renamed.resources[instance.resource].key.clear();
  }
  for (auto const& [resource, name] : names) renamed.resources[resource].key = name;
  Keys(renamed, keeps, Relations(keeps), site).run();
  std::vector<std::string> keys;
  for (DraftResource& resource : renamed.resources) keys.push_back(std::move(resource.key));
  return keys;
}

}  // namespace mappings::language
