#include "fhir/profiles/snapshot.hpp"

#include "fhir/profiles/element_tree.hpp"

#include <algorithm>
#include <optional>

namespace fhir::profiles {

using json::Element;
using packages::Entry;

namespace {

constexpr std::string_view kStructureDefinition = "StructureDefinition";
constexpr std::string_view kCoreProfiles = "http://hl7.org/fhir/StructureDefinition/";
constexpr std::string_view kFhirType =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
constexpr std::size_t kElementsMax = 20'000;  // the largest R4 profile has under 800

Element const* elements_of(Element const& definition, char const* view) {
  Element const* const elements = definition.at(view, "element");
  return elements == nullptr || elements->empty() ? nullptr : elements;
}

Element const* only_type(Element const& definition) {
  Element const* const types = definition.find("type");
  return types != nullptr && types->size() == 1 ? &types->items()[0] : nullptr;
}

std::string_view only_profile(Element const& type) {
  Element const* const profiles = type.find("profile");
  return profiles != nullptr && profiles->size() == 1 ? profiles->items()[0].text() : std::string_view{};
}

std::string capitalised(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

}  // namespace

std::string definition_url(std::string_view type) {
  if (type.find(':') != std::string_view::npos) return std::string(type);
  return std::string(kCoreProfiles).append(type);
}

std::string_view type_code(Element const& type) {
  std::string_view const code = type.text_at("code");
  if (!code.starts_with("http://hl7.org/fhirpath/")) return code;
  if (Element const* const extensions = type.find("extension")) {
    for (Element const& extension : extensions->items()) {
      if (extension.text_at("url") != kFhirType) continue;
      std::string_view const url = extension.text_at("valueUrl");
      return url.empty() ? extension.text_at("valueUri") : url;
    }
  }
  return "string";
}

struct Snapshots::Kept {
  json::Arena arena;
  std::vector<Element> elements;
  std::optional<Issue> failed;
};

Snapshots::Snapshots(std::shared_ptr<packages::Library const> library, Prefer prefer)
    : library_(std::move(library)), prefer_(prefer) {}
Snapshots::~Snapshots() = default;

/// Makes one snapshot.
class Generator {
 public:
  Generator(Snapshots const& snapshots, Entry const& entry, json::Arena& arena)
      : snapshots_(snapshots), entry_(entry), structure_(snapshots.library().tree(entry)), arena_(arena) {}

  Result<std::vector<Element>> make() {
    std::string_view const base = structure_.text_at("baseDefinition");
    is_new_type_ = structure_.text_at("derivation") != "constraint";
    if (base.empty() && !is_new_type_)
      return error(IssueType::required, "a profile needs baseDefinition", {}, source());
    Node root;
    if (!base.empty()) {
      FHIR_TRY(root, tree_of(base));
    }
    root.name = structure_.text_at("type");
    if (std::size_t const slash = root.name.rfind('/'); slash != std::string_view::npos)
      root.name.remove_prefix(slash + 1);
    if (is_new_type_) root.definition = shallow_copy(arena_, root.definition);
    root_ = &root;
    if (Element const* const differential = elements_of(structure_, "differential")) {
      for (Element const& element : differential->items()) FHIR_CHECK(apply(element));
    }
    std::vector<Element> out;
    emit(root, {}, {}, out);
    if (out.size() > kElementsMax)
      return error(IssueType::too_costly, "the snapshot has too many elements", {}, source());
    return out;
  }

 private:
  std::string source() const { return std::string(entry_.url); }

  Issue failure(std::string text, Element const& element) const {
    std::string_view const id = element.text_at("id");
    return error(IssueType::processing, std::move(text),
                 std::string(id.empty() ? element.text_at("path") : id), source());
  }

  Result<Node> tree_of(std::string_view canonical) {
    Entry const* const found = snapshots_.library().find(kStructureDefinition, canonical, entry_.package);
    if (found == nullptr) {
      return error(IssueType::not_found, "the definition " + std::string(canonical) + " is not loaded", {},
                   source());
    }
    FHIR_TRY(ElementDefinitions const elements, snapshots_.of(*found));
    return to_tree(elements, arena_, found->url);
  }

  bool is_under_way(std::string_view canonical) const {
    Entry const* const found = snapshots_.library().find(kStructureDefinition, canonical, entry_.package);
    return std::ranges::find(snapshots_.under_way_, found) != snapshots_.under_way_.end();
  }

  // Finding the place of a differential element

  struct Step {
    std::string_view name;
    std::string_view slice;
  };

  /// The way of an element: by its id when that goes with the path, else by path, staying within the slices
  /// that the element before stood in.
  std::vector<Step> way_of(Element const& element) {
    std::string_view const path = element.text_at("path");
    std::vector<Step> way;
    for (std::string_view const name : split(path, '.')) way.push_back({name, {}});
    auto const parts = split_id(element.text_at("id"));
    bool const has_id = parts.size() == way.size() && way.size() > 1;
    if (has_id) {
      for (std::size_t i = 1; i < way.size(); ++i) {
        std::string_view const part = parts[i];
        std::size_t const colon = part.find(':');
        if (colon != std::string_view::npos) way[i].slice = part.substr(colon + 1);
      }
    } else {
      for (std::size_t i = 1; i + 1 < way.size() && i < last_way_.size() && last_way_[i].name == way[i].name;
           ++i)
        way[i].slice = last_way_[i].slice;
    }
    // The name that the element gives itself is the better one.
    if (way.size() > 1 && element.find("sliceName") != nullptr)
      way.back().slice = element.text_at("sliceName");
    last_way_ = way;
    return way;
  }

  Result<void> apply(Element const& element) {
    std::vector<Step> way = way_of(element);
    if (way.empty()) return failure("an element of the differential needs a path", element);
    Node* here = root_;
    in_slice_ = false;
    for (std::size_t i = 1; i < way.size(); ++i) {
      if (is_new_type_ && i + 1 == way.size() && find_child(*here, way[i].name) == nullptr) {
        here->children.push_back(std::make_unique<Node>());
        here->children.back()->name = way[i].name;
        here->children.back()->definition = Element::of_object();
        here = here->children.back().get();
        break;
      }
      FHIR_TRY(here, step(*here, way[i], element));
    }
    return merge(*here, element);
  }

  Result<Node*> step(Node& parent, Step const& wanted, Element const& element) {
    FHIR_CHECK(unfold(parent, element));
    in_slice_ = !parent.is_unfolded && (in_slice_ || !parent.slice.empty());
    Node* child = find_child(parent, wanted.name);
    std::string_view slice = wanted.slice;
    if (child == nullptr) {
      child = find_choice(parent, wanted.name);
      if (child == nullptr)
        return failure("the base definition has no element " + std::string(wanted.name) + " here", element);
      if (slice.empty()) {
        Node* const narrowed = narrow_choice(*child, wanted.name, element);
        if (narrowed != nullptr) return narrowed;
        slice = wanted.name;
      }
    }
    remember(*child);
    if (slice.empty()) return child;
    for (auto const& one : child->slices) {
      if (one->slice == slice) return one.get();
    }
    return add_slice(*child, slice);
  }

  /// "valueQuantity" for "value[x]" leaves the choice that one type. Within a slice, or where one type is
  /// left, that is all; elsewhere it is a slice of its own, and the answer nullptr.
  Node* narrow_choice(Node& choice, std::string_view name, Element const& element) {
    remember(choice);
    Element types = Element::of_array();
    types.push(arena_, type_of_choice(choice, name));
    bool const is_given =
        std::ranges::any_of(choice.slices, [&](auto const& one) { return one->slice == name; });
    bool const several = choice.slices.size() > (is_given ? 1U : 0U) || choices_given(choice, element) > 1;
    if (several) return nullptr;
    if (in_slice_) {
      choice.definition.set(arena_, "type", types);
      return &choice;
    }
    bool const is_the_choice = element.text_at("min") == "1" && element.text_at("path").ends_with(name);
    if (!is_the_choice) return nullptr;
    choice.definition.set(arena_, "type", types);
    choice.definition.set(arena_, "min", *element.find("min"));
    Element slicing = default_slicing(choice, true);
    slicing.set(arena_, "rules", Element::of_string("closed"));
    choice.definition.set(arena_, "slicing", slicing);
    return nullptr;
  }

  /// How many types of the choice the differential names in this way, at the place of `element`.
  std::size_t choices_given(Node const& choice, Element const& element) const {
    char const* const place = element.find("id") == nullptr ? "path" : "id";
    std::string_view const path = element.text_at(place);
    std::string_view const stem = choice.name.substr(0, choice.name.size() - 3);
    std::size_t const at = path.rfind("." + std::string(stem));
    if (at == std::string_view::npos) return 1;
    std::string_view const prefix = path.substr(0, at + 1 + stem.size());
    std::vector<std::string_view> names;
    for (Element const& other : structure_.at("differential", "element")->items()) {
      std::string_view const other_path = other.text_at(place);
      if (!other_path.starts_with(prefix) || other_path.size() == prefix.size()) continue;
      std::string_view rest = other_path.substr(at + 1);
      rest = rest.substr(0, rest.find('.'));
      if (type_of_choice(choice, rest).is_null()) continue;
      if (std::ranges::find(names, rest) == names.end()) names.push_back(rest);
    }
    return names.size();
  }

  /// Keeps what an element was in the base: its slices begin as that.
  void remember(Node& node) {
    if (node.original == nullptr) node.original = std::make_shared<Node>(clone(node, arena_));
  }

  static Node* find_child(Node& parent, std::string_view name) {
    for (auto const& child : parent.children) {
      if (child->name == name) return child.get();
    }
    return nullptr;
  }

  static Node* find_choice(Node& parent, std::string_view name) {
    for (auto const& child : parent.children) {
      if (!child->name.ends_with("[x]")) continue;
      std::string_view const stem = child->name.substr(0, child->name.size() - 3);
      if (name.starts_with(stem) && name.size() > stem.size() && !type_of_choice(*child, name).is_null())
        return child.get();
    }
    return nullptr;
  }

  /// The type of a choice that "valueQuantity" names; null when none.
  static Element type_of_choice(Node const& choice, std::string_view name) {
    std::string_view const stem = choice.name.substr(0, choice.name.size() - 3);
    Element const* const types = choice.definition.find("type");
    if (types == nullptr || !name.starts_with(stem)) return {};
    for (Element const& type : types->items()) {
      if (capitalised(type_code(type)) == name.substr(stem.size())) return type;
    }
    return {};
  }

  Node* add_slice(Node& sliced, std::string_view name) {
    auto slice = std::make_unique<Node>(clone(*sliced.original, arena_));
    slice->slices.clear();
    slice->slice = name;
    slice->definition.remove("slicing");
    slice->definition.remove("sliceName");
    slice->definition.set(arena_, "min", Element::of_number("0"));
    bool const is_choice = sliced.name.ends_with("[x]");
    if (is_choice) {
      if (Element const type = type_of_choice(sliced, name); !type.is_null()) {
        Element types = Element::of_array();
        types.push(arena_, type);
        slice->definition.set(arena_, "type", types);
        if (only_type(sliced.definition) == nullptr) slice->children.clear();
      }
    }
    if (sliced.definition.find("slicing") == nullptr && !sliced.is_slicing_given)
      sliced.definition.set(arena_, "slicing", default_slicing(sliced, is_choice));
    // "a/b" slices the slice a again and begins as that.
    if (std::size_t const bar = name.rfind('/'); bar != std::string_view::npos) {
      for (auto const& other : sliced.slices) {
        if (other->slice != name.substr(0, bar)) continue;
        *slice = clone(*other, arena_);
        slice->slice = name;
      }
    }
    return sliced.slices.emplace_back(std::move(slice)).get();
  }

  /// What profiling.html allows to leave out: extensions are told apart by url, types of a choice by
  /// themselves.
  Element default_slicing(Node const& sliced, bool is_choice) {
    Element slicing = Element::of_object();
    bool const is_extension = sliced.name == "extension" || sliced.name == "modifierExtension";
    if (is_extension || is_choice) {
      Element discriminator = Element::of_object();
      discriminator.set(arena_, "type", Element::of_string(is_choice ? "type" : "value"));
      discriminator.set(arena_, "path", Element::of_string(is_choice ? "$this" : "url"));
      slicing.set(arena_, "discriminator").push(arena_, discriminator);
    }
    slicing.set(arena_, "ordered", Element::of_boolean(false));
    slicing.set(arena_, "rules", Element::of_string("open"));
    return slicing;
  }

  // Unfolding

  /// Gives a node the children of its type, profile or content reference, when it has none yet.
  Result<void> unfold(Node& node, Element const& element) {
    if (!node.children.empty()) return {};
    if (std::string_view const reference = node.definition.text_at("contentReference"); !reference.empty())
      return unfold_reference(node, reference, element);
    Element const* const type = only_type(node.definition);
    if (type == nullptr) {
      Element const* const types = node.definition.find("type");
      if (is_new_type_ && (types == nullptr || types->empty())) return {};
      // Whatever its type is, it has what every element has.
      FHIR_TRY(Node tree, tree_of(definition_url("Element")));
      node.children = std::move(tree.children);
      node.is_unfolded = true;
      return {};
    }
    std::string_view const profile = only_profile(*type);
    std::string const of_type = definition_url(type_code(*type));
    bool const by_profile =
        !profile.empty() && !is_under_way(profile) &&
        snapshots_.library().find(kStructureDefinition, profile, entry_.package) != nullptr;
    FHIR_TRY(Node tree, tree_of(by_profile ? profile : std::string_view(of_type)));
    node.children = std::move(tree.children);
    node.is_unfolded = true;
    return {};
  }

  Result<void> unfold_reference(Node& node, std::string_view reference, Element const& element) {
    std::string_view const id = reference.substr(reference.find('#') + 1);
    Node* target = root_;
    bool first = true;
    for (std::string_view const name : split(id, '.')) {
      if (!std::exchange(first, false) && target != nullptr) target = find_child(*target, name);
    }
    if (target == nullptr)
      return failure("the content reference " + std::string(reference) + " leads nowhere", element);
    Node const copy = clone(*target, arena_);
    for (auto const& child : copy.children)
      node.children.push_back(std::make_unique<Node>(clone(*child, arena_)));
    node.definition.remove("contentReference");
    node.definition.set(arena_, "type", *target->definition.find("type"));
    return {};
  }

  // Merging

  Result<void> merge(Node& node, Element const& element) {
    FHIR_CHECK(take_profile(node, element));
    Element& definition = node.definition;
    for (json::Member const& member : element.members()) {
      std::string_view const name = member.name;
      if (name == "id" || name == "path" || name == "base") continue;
      if (name == "constraint") {
        definition.set(arena_, name, with_constraints(definition.find(name), member.value));
      } else if (name == "binding") {
        definition.set(arena_, name, merged(definition.find(name), member.value));
      } else if (name == "condition" || name == "mapping" || name == "alias" || name == "example") {
        definition.set(arena_, name, joined(definition.find(name), member.value));
      } else {
        if (name == "slicing") node.is_slicing_given = true;
        if (name == "type" && !is_same_type(definition, member.value)) drop_children(node);
        if (name == "sliceName" && node.slice.empty()) continue;
        definition.set(arena_, name, member.value);
      }
    }
    return {};
  }

  static bool is_same_type(Element const& definition, Element const& types) {
    Element const* const own = definition.find("type");
    if (own == nullptr || own->size() != 1 || types.size() != 1) return false;
    return type_code(own->items()[0]) == type_code(types.items()[0]);
  }

  /// Children of a type that is no longer the element's are none of its own.
  static void drop_children(Node& node) {
    Element const* const own = node.definition.find("type");
    if (own != nullptr && own->size() == 1) node.children.clear();
  }

  /// Where the differential gives an element one profile, that profile's root says what the element is.
  Result<void> take_profile(Node& node, Element const& element) {
    Element const* const type = only_type(element);
    if (type == nullptr) return {};
    std::string_view const profile = only_profile(*type);
    Entry const* const found =
        profile.empty() ? nullptr : snapshots_.library().find(kStructureDefinition, profile, entry_.package);
    if (found == nullptr || is_under_way(profile)) return {};
    FHIR_TRY(ElementDefinitions const elements, snapshots_.of(*found));
    Element const& root = elements[0];
    bool const is_extension = type->text_at("code") == "Extension";
    for (json::Member const& member : root.members()) {
      std::string_view const name = member.name;
      if (name == "constraint") {
        node.definition.set(arena_, name, with_constraints(node.definition.find(name), member.value));
      } else if (is_extension &&
                 (name == "min" || name == "max" || name == "isModifier" || name == "condition")) {
        node.definition.set(arena_, name, member.value);
      }
    }
    node.children.clear();
    return {};
  }

  Element with_constraints(Element const* own, Element const& added) {
    Element all = Element::of_array();
    if (own != nullptr) {
      for (Element const& one : own->items()) all.push(arena_, one);
    }
    for (Element const& one : added.items()) {
      std::string_view const key = one.text_at("key");
      bool const known = own != nullptr && std::ranges::any_of(own->items(), [&](Element const& other) {
                           return other.text_at("key") == key;
                         });
      if (!known) all.push(arena_, one);
    }
    return all;
  }

  /// A binding may give its strength alone and keep the value set.
  Element merged(Element const* own, Element const& given) {
    if (own == nullptr || given.find("valueSet") != nullptr) return given;
    Element all = shallow_copy(arena_, *own);
    for (json::Member const& member : given.members()) all.set(arena_, member.name, member.value);
    return all;
  }

  Element joined(Element const* own, Element const& added) {
    Element all = Element::of_array();
    if (own != nullptr) {
      for (Element const& one : own->items()) all.push(arena_, one);
    }
    for (Element const& one : added.items()) {
      if (std::ranges::find(all.items(), one) == all.items().end()) all.push(arena_, one);
    }
    return all;
  }

  // Writing

  void emit(Node const& node, std::string_view parent_path, std::string_view parent_id,
            std::vector<Element>& out) {
    auto const joined_name = [](std::string_view parent, std::string_view name) {
      return parent.empty() ? std::string(name) : std::string(parent).append(".").append(name);
    };
    std::string const path = joined_name(parent_path, node.name);
    std::string id = joined_name(parent_id, node.name);
    if (!node.slice.empty()) id.append(":").append(node.slice);
    Element element = Element::of_object();
    element.set(arena_, "id", Element::of_string(arena_.copy(id)));
    element.set(arena_, "path", Element::of_string(arena_.copy(path)));
    if (!node.slice.empty()) element.set(arena_, "sliceName", Element::of_string(node.slice));
    for (json::Member const& member : node.definition.members()) {
      if (member.name != "id" && member.name != "path" && member.name != "sliceName")
        element.append_unchecked(arena_, member.name, member.value);
    }
    if (element.find("base") == nullptr) {
      Element base = Element::of_object();
      base.set(arena_, "path", *element.find("path"));
      if (Element const* min = element.find("min")) base.set(arena_, "min", *min);
      if (Element const* max = element.find("max")) base.set(arena_, "max", *max);
      element.set(arena_, "base", base);
    }
    out.push_back(element);
    for (auto const& child : node.children) emit(*child, path, id, out);
    for (auto const& slice : node.slices) emit(*slice, parent_path, parent_id, out);
  }

  Snapshots const& snapshots_;
  Entry const& entry_;
  Element const& structure_;
  json::Arena& arena_;
  Node* root_ = nullptr;
  bool is_new_type_ = false;
  bool in_slice_ = false;  // of the element that is being placed
  std::vector<Step> last_way_;
};

Result<ElementDefinitions> Snapshots::of(Entry const& entry) const {
  std::lock_guard const lock(mutex_);
  if (auto const kept = kept_.find(&entry); kept != kept_.end()) {
    if (kept->second->failed) return *kept->second->failed;
    return ElementDefinitions(kept->second->elements);
  }
  if (std::ranges::find(under_way_, &entry) != under_way_.end()) {
    return error(IssueType::processing, "the definition rests on itself", {}, std::string(entry.url));
  }
  return find_or_make(entry);
}

Result<ElementDefinitions> Snapshots::find_or_make(Entry const& entry) const {
  Element const& structure = library_->tree(entry);
  Element const* const published = elements_of(structure, "snapshot");
  bool const may_use = prefer_ == Prefer::published || structure.text_at("derivation") != "constraint" ||
                       elements_of(structure, "differential") == nullptr;
  auto kept = std::make_unique<Kept>();
  if (published != nullptr && may_use) {
    kept->elements.assign(published->items().begin(), published->items().end());
  } else {
    under_way_.push_back(&entry);
    auto made = Generator(*this, entry, kept->arena).make();
    under_way_.pop_back();
    if (!made) {
      // What failed because something else was under way may succeed when asked for by itself.
      if (under_way_.empty()) {
        kept->failed = made.error();
        kept_[&entry] = std::move(kept);
      }
      return made.error();
    }
    kept->elements = std::move(*made);
  }
  return ElementDefinitions((kept_[&entry] = std::move(kept))->elements);
}

}  // namespace fhir::profiles
