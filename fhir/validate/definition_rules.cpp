/// A StructureDefinition must be one that profiles can be judged by. Source: R4 structuredefinition.html,
/// profiling.html.
#include "fhir/json/writer.hpp"
#include "fhir/validate/walk.hpp"

#include <algorithm>
#include <charconv>

namespace fhir::validate {

using json::Element;

namespace {

/// Whether the path of a discriminator exists on a type, as far as it goes by names.
bool has_path(std::string_view type_name, std::string_view path) {
  auto const* type = definitions::find_type(type_name);
  if (type == nullptr || path.find('(') != std::string_view::npos) return true;
  while (!path.empty()) {
    std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name == "$this") continue;
    auto const elements = definitions::find_by_path_name(*type, name);
    if (elements.empty()) return false;
    if (elements.size() > 1) return true;
    type = &elements.front().type();
    if (type->is_abstract() && type->is_resource()) return true;
  }
  return true;
}

Element const* fixed_of(Element const& element) {
  for (json::Member const& member : element.members()) {
    if (member.name.starts_with("fixed")) return &member.value;
  }
  return nullptr;
}

class DefinitionRules {
 public:
  DefinitionRules(Walk& walk, Element const& definition, Place const& place)
      : walk_(walk), definition_(definition), place_(place) {}

  void check() {
    std::string_view const type = definition_.text_at("type");
    bool const is_new = definition_.text_at("derivation") != "constraint";
    if (is_new && !type.empty() && type.find(':') == std::string_view::npos &&
        definitions::find_type(type) == nullptr) {
      Place const at{&place_, "type"};
      walk_.fail(IssueType::invalid, at, "a type that FHIR does not define needs a url for its name");
    }
    Element const* const elements = definition_.at("differential", "element");
    if (elements == nullptr || is_new) return;
    check_snapshot();
    check_elements(*elements);
  }

  /// The differential against the base alone.
  void check_narrowing() {
    Element const* const elements = definition_.at("differential", "element");
    auto const base = walk_.profiles().find(definition_.text_at("baseDefinition"));
    if (elements == nullptr || !base || definition_.text_at("derivation") != "constraint") return;
    base_ = *base;
    check_elements(*elements);
  }

 private:
  void check_elements(Element const& elements) {
    int index = 0;
    Place const differential{&place_, "differential"};
    for (Element const& element : elements.items()) {
      Place const at{&differential, "element", index++};
      check_element(element, at);
    }
  }

  void check_snapshot() {
    std::string_view const base = definition_.text_at("baseDefinition");
    auto const base_profile = walk_.profiles().find(base);
    if (!base_profile) {
      Place const at{&place_, "baseDefinition"};
      return walk_.report(Severity::warning, IssueType::not_found, at,
                          "the base definition is not loaded, so no snapshot was made");
    }
    base_ = *base_profile;
    // The definition is tried in a library of its own, above what is loaded.
    std::shared_ptr<packages::Library const> const below(std::shared_ptr<void>(),
                                                         &walk_.profiles().library());
    auto const library = std::make_shared<packages::Library>(below);
    auto package = packages::make_package("judged", "1", {json::write(definition_)});
    if (!package || !library->add(std::move(*package))) return;
    auto const entries = library->list("StructureDefinition");
    auto const own = std::ranges::find_if(
        entries, [](packages::Entry const* entry) { return entry->package->name == "judged"; });
    if (own == entries.end()) return;
    profiles::Snapshots const snapshots(library, profiles::Snapshots::Prefer::generated);
    if (auto const made = snapshots.of(**own); !made)
      walk_.fail(IssueType::processing, place_,
                 "no snapshot can be made: " + made.error().diagnostics + ", at " + made.error().expression);
  }

  void check_element(Element const& element, Place const& at) {
    Shape const* const base = base_of(element.text_at("path"));
    if (element.text_at("path").find('.') == std::string_view::npos && element.find("slicing") != nullptr)
      walk_.fail(IssueType::invalid, at, "the root of a profile cannot be sliced");
    check_profiles(element, at);
    if (base == nullptr) return;
    Element const* const fixed = fixed_of(element);
    if (fixed != nullptr && base->fixed != nullptr && !(*fixed == *base->fixed))
      walk_.fail(IssueType::value, at, "the base fixes another value, which a profile cannot change");
    check_cardinality(element, *base, at);
    Element const* const discriminators = element.at("slicing", "discriminator");
    if (discriminators == nullptr || base->types.size() != 1) return;
    int index = 0;
    Place const slicing{&at, "slicing"};
    for (Element const& one : discriminators->items()) {
      Place const below{&slicing, "discriminator", index++};
      bool const is_backbone = !base->children.empty();
      bool const exists = is_backbone || has_path(base->types.front().code, one.text_at("path"));
      if (!exists)
        walk_.fail(IssueType::invalid, below,
                   "the element that is sliced has nothing at the discriminator's path");
    }
  }

  /// profiling.html#cardinality: a profile may only narrow. Slices may be fewer than the whole.
  void check_cardinality(Element const& element, Shape const& base, Place const& at) {
    bool const is_slice =
        element.find("sliceName") != nullptr || element.text_at("id").find(':') != std::string_view::npos;
    auto const number = [](std::string_view text, std::uint32_t otherwise) {
      if (text == "*") return UINT32_MAX;
      std::uint32_t value = otherwise;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return value;
    };
    if (number(element.text_at("min"), base.min) < base.min && !is_slice)
      walk_.fail(IssueType::business_rule, at, "the base needs the element more often than this min says");
    if (number(element.text_at("max"), base.max) > base.max)
      walk_.fail(IssueType::business_rule, at, "the base allows the element less often than this max says");
  }

  void check_profiles(Element const& element, Place const& at) {
    Element const* const types = element.find("type");
    if (types == nullptr) return;
    int number = 0;
    for (Element const& type : types->items()) {
      Place const of_type{&at, "type", number++};
      Element const* const canonicals = type.find("profile");
      if (canonicals == nullptr) continue;
      auto const* const own = definitions::find_type(type.text_at("code"));
      int index = 0;
      for (Element const& one : canonicals->items()) {
        Place const below{&of_type, "profile", index++};
        auto const profile = walk_.profiles().find(one.text());
        auto const* const other = profile ? definitions::find_type((*profile)->type) : nullptr;
        if (own == nullptr || other == nullptr) continue;
        bool const fits = is_below(*other, *own);
        if (!fits)
          walk_.fail(IssueType::exception, below,
                     "the profile is for " + std::string((*profile)->type) + ", and the element is " +
                         std::string(own->name()));
      }
    }
  }

  /// A resource's profile may be for a resource below it; a data type's is for that type.
  static bool is_below(definitions::TypeDefinition const& type, definitions::TypeDefinition const& wanted) {
    if (!wanted.is_resource()) return &type == &wanted || wanted.is_abstract();
    for (auto const* at = &type; at != nullptr; at = at->base()) {
      if (at == &wanted) return true;
    }
    return false;
  }

  Shape const* base_of(std::string_view path) const {
    if (base_ == nullptr) return nullptr;
    Shape const* shape = &base_->root;
    for (std::size_t at = path.find('.'); at != std::string_view::npos && shape != nullptr;
         at = path.find('.', at + 1)) {
      std::string_view name = path.substr(at + 1, path.find('.', at + 1) - at - 1);
      if (name.ends_with("[x]")) name.remove_suffix(3);
      shape = shape->child(name);
    }
    return shape;
  }

  Walk& walk_;
  Element const& definition_;
  Place const& place_;
  Profile const* base_ = nullptr;
};

}  // namespace

void check_structure_definition(Walk& walk, Element const& definition, Place const& place) {
  DefinitionRules(walk, definition, place).check();
}

void check_definition(profiles::Profiles const& profiles, Element const& definition, Issues& issues) {
  Options const options;
  Walk walk(profiles, options, issues);
  Place const place{nullptr, "StructureDefinition"};
  DefinitionRules(walk, definition, place).check_narrowing();
}

}  // namespace fhir::validate
