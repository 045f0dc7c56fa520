#include "fhir/profiles/profile.hpp"

#include "fhir/profiles/element_tree.hpp"

#include <algorithm>
#include <charconv>

namespace fhir::profiles {

using json::Element;
using packages::Entry;

namespace {

constexpr std::string_view kMaxValueSet =
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet";

/// Invariants of R4 4.0.1 that do not say what they mean, and what they mean.
struct Correction {
  std::string_view key, written, meant;
};
constexpr Correction kCorrections[] = {
    // An answer is FHIR's boolean; Boolean is FHIRPath's own type, which no element has.
    {"que-7", "operator = 'exists' implies (answer is Boolean)",
     "operator = 'exists' implies (answer is boolean)"}};

std::string_view corrected(std::string_view key, std::string_view expression) {
  for (Correction const& one : kCorrections) {
    if (one.key == key && one.written == expression) return one.meant;
  }
  return expression;
}

std::uint32_t number_of(std::string_view text, std::uint32_t otherwise) {
  std::uint32_t value = otherwise;
  if (text == "*") return UINT32_MAX;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::string_view> texts_of(Element const& object, char const* name) {
  std::vector<std::string_view> texts;
  if (Element const* const list = object.find(name)) {
    for (Element const& one : list->items()) {
      if (!one.text().empty()) texts.push_back(one.text());
    }
  }
  return texts;
}

Strength strength_of(std::string_view code) {
  if (code == "required") return Strength::required;
  if (code == "extensible") return Strength::extensible;
  return code == "preferred" ? Strength::preferred : Strength::example;
}

DiscriminatorKind kind_of(std::string_view code) {
  if (code == "exists") return DiscriminatorKind::exists;
  if (code == "pattern") return DiscriminatorKind::pattern;
  if (code == "type") return DiscriminatorKind::type;
  return code == "profile" ? DiscriminatorKind::profile : DiscriminatorKind::value;
}

/// The member whose name begins so and goes on with a type: fixedUri, patternCodeableConcept.
Element const* member_with_prefix(Element const& definition, std::string_view prefix) {
  for (json::Member const& member : definition.members()) {
    bool const fits = member.name.starts_with(prefix) && member.name.size() > prefix.size() &&
                      member.name[prefix.size()] >= 'A' && member.name[prefix.size()] <= 'Z';
    if (fits) return &member.value;
  }
  return nullptr;
}

constexpr std::string_view kProfileElement =
    "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element";

/// The element of the profile number `index` that is meant; "" for all of it.
std::string_view element_of_profile(Element const& type, std::size_t index) {
  Element const* const extras = type.find("_profile");
  if (extras == nullptr || index >= extras->items().size()) return {};
  Element const* const extensions = extras->items()[index].find("extension");
  if (extensions == nullptr) return {};
  for (Element const& one : extensions->items()) {
    if (one.text_at("url") == kProfileElement) return one.text_at("valueString");
  }
  return {};
}

Shape const* find_id(Shape const& shape, std::string_view id) {
  if (shape.id == id) return &shape;
  for (auto const* list : {&shape.children, &shape.slices}) {
    for (auto const& one : *list) {
      if (Shape const* const found = find_id(*one, id)) return found;
    }
  }
  return nullptr;
}

TypeRule type_rule_of(Element const& type, std::deque<std::string>& texts) {
  TypeRule rule;
  rule.code = type_code(type);
  rule.profiles = texts_of(type, "profile");
  for (std::size_t i = 0; i < rule.profiles.size(); ++i) {
    std::string_view const part = element_of_profile(type, i);
    if (!part.empty())
      rule.profiles[i] = texts.emplace_back(std::string(rule.profiles[i]).append("#").append(part));
  }
  rule.targets = texts_of(type, "targetProfile");
  rule.aggregation = texts_of(type, "aggregation");
  rule.versioning = type.text_at("versioning");
  return rule;
}

Binding binding_of(Element const& element) {
  Binding binding;
  binding.strength = strength_of(element.text_at("strength"));
  binding.value_set = element.text_at("valueSet");
  if (Element const* const extensions = element.find("extension")) {
    for (Element const& one : extensions->items()) {
      if (one.text_at("url") == kMaxValueSet) binding.max_value_set = one.text_at("valueCanonical");
    }
  }
  return binding;
}

Slicing slicing_of(Element const& element) {
  Slicing slicing;
  slicing.ordered = element.text_at("ordered") == "true";
  std::string_view const rules = element.text_at("rules");
  if (rules == "closed") slicing.rules = Slicing::Rules::closed;
  if (rules == "openAtEnd") slicing.rules = Slicing::Rules::open_at_end;
  if (Element const* const discriminators = element.find("discriminator")) {
    for (Element const& one : discriminators->items())
      slicing.discriminators.push_back({kind_of(one.text_at("type")), one.text_at("path")});
  }
  return slicing;
}

}  // namespace

Shape const* Shape::child(std::string_view child_name) const {
  auto const& all = children.empty() && reference != nullptr ? reference->children : children;
  for (auto const& one : all) {
    if (one->name == child_name) return one.get();
  }
  return nullptr;
}

std::string Profile::name() const {
  std::string text(url);
  if (!version.empty()) text.append("|").append(version);
  return text;
}

/// Makes the tree of Shapes out of a snapshot.
class Compiler {
 public:
  Compiler(Profiles const& profiles, Profile& profile) : profiles_(profiles), profile_(profile) {}

  void compile(ElementDefinitions elements) {
    std::vector<Shape*> way;
    for (Element const& element : elements) {
      std::string_view const path = element.text_at("path");
      auto const depth = static_cast<std::size_t>(std::ranges::count(path, '.'));
      if (depth == 0) {
        fill(profile_.root, element, path);
        way = {&profile_.root};
        continue;
      }
      if (depth > way.size()) continue;
      way.resize(depth);
      std::string_view const last = path.substr(path.rfind('.') + 1);
      auto shape = std::make_unique<Shape>();
      fill(*shape, element, last);
      auto& siblings = way.back()->children;
      auto const sliced =
          std::ranges::find_if(siblings, [&](auto const& other) { return other->name == shape->name; });
      Shape* const kept = shape.get();
      if (sliced != siblings.end() && !shape->slice.empty()) {
        (*sliced)->slices.push_back(std::move(shape));
      } else {
        siblings.push_back(std::move(shape));
      }
      way.push_back(kept);
    }
    resolve(profile_.root);
  }

 private:
  void fill(Shape& shape, Element const& element, std::string_view name) {
    shape.profile = &profile_;
    shape.definition = &element;
    shape.id = element.text_at("id").empty() ? element.text_at("path") : element.text_at("id");
    shape.is_choice = name.ends_with("[x]");
    shape.name = shape.is_choice ? name.substr(0, name.size() - 3) : name;
    shape.slice = element.text_at("sliceName");
    shape.min = number_of(element.text_at("min"), 0);
    shape.max = number_of(element.text_at("max"), UINT32_MAX);
    shape.max_length = number_of(element.text_at("maxLength"), 0);
    if (Element const* const types = element.find("type")) {
      for (Element const& type : types->items()) shape.types.push_back(type_rule_of(type, profile_.texts));
    }
    if (Element const* const binding = element.find("binding")) shape.binding = binding_of(*binding);
    if (Element const* const slicing = element.find("slicing")) shape.slicing = slicing_of(*slicing);
    if (Element const* const constraints = element.find("constraint")) {
      for (Element const& one : constraints->items()) {
        Constraint const* const constraint = profiles_.intern(one);
        if (!constraint->is_structural) shape.constraints.push_back(constraint);
      }
    }
    shape.fixed = member_with_prefix(element, "fixed");
    shape.pattern = member_with_prefix(element, "pattern");
    shape.min_value = member_with_prefix(element, "minValue");
    shape.max_value = member_with_prefix(element, "maxValue");
    std::string_view const reference = element.text_at("contentReference");
    shape.content_reference =
        reference.substr(reference.find('#') == std::string_view::npos ? 0 : reference.find('#') + 1);
  }

  void resolve(Shape& shape) {
    if (!shape.content_reference.empty()) {
      Shape const* target = &profile_.root;
      bool first = true;
      for (std::string_view const part : split(shape.content_reference, '.')) {
        if (!std::exchange(first, false) && target != nullptr)
          target = target->child(part.substr(0, part.find(':')));
      }
      shape.reference = target;
    }
    for (auto const& child : shape.children) resolve(*child);
    for (auto const& slice : shape.slices) resolve(*slice);
  }

  Profiles const& profiles_;
  Profile& profile_;
};

Profiles::Profiles(std::shared_ptr<packages::Library const> library) : snapshots_(std::move(library)) {}
Profiles::~Profiles() = default;

Constraint const* Profiles::intern(Element const& element) const {
  std::string_view const key = element.text_at("key");
  std::string_view const text = element.text_at("expression");
  std::string name =
      std::string(key).append("\n").append(text).append("\n").append(element.text_at("severity"));
  auto& kept = constraints_[std::move(name)];
  if (kept != nullptr) return kept.get();
  kept = std::make_unique<Constraint>();
  kept->key = key;
  kept->human = element.text_at("human");
  kept->severity = element.text_at("severity") == "warning" ? Severity::warning : Severity::error;
  kept->is_structural = key == "ele-1" || key == "ext-1" || text.empty();
  if (kept->is_structural) return kept.get();
  auto compiled = path::Expression::compile(corrected(key, text));
  if (compiled) {
    kept->expression = std::move(*compiled);
  } else {
    kept->broken = compiled.error().diagnostics;
  }
  return kept.get();
}

Result<Profile const*> Profiles::find(std::string_view canonical, packages::Loaded const* from) const {
  Entry const* const entry = library().find("StructureDefinition", canonical, from);
  if (entry == nullptr) {
    return error(IssueType::not_found, "no StructureDefinition " + std::string(canonical) + " is loaded", {},
                 std::string(canonical));
  }
  std::lock_guard const lock(mutex_);
  if (auto const kept = profiles_.find(entry); kept != profiles_.end()) return kept->second.get();
  if (auto const failed = failed_.find(entry); failed != failed_.end()) return failed->second;
  auto made = compile(*entry);
  if (!made) failed_.emplace(entry, made.error());
  return made;
}

Result<Shape const*> Profiles::find_shape(std::string_view canonical, packages::Loaded const* from) const {
  FHIR_TRY(Profile const* const profile, find(canonical, from));
  std::size_t const at = canonical.find('#');
  if (at == std::string_view::npos) return &profile->root;
  std::string_view const id = canonical.substr(at + 1);
  Shape const* found = find_id(profile->root, id);
  if (found == nullptr)
    return error(IssueType::not_found, "the profile has no element " + std::string(id), {},
                 std::string(canonical));
  return found;
}

Result<Profile const*> Profiles::compile(Entry const& entry) const {
  FHIR_TRY(ElementDefinitions const elements, snapshots_.of(entry));
  if (elements.empty())
    return error(IssueType::processing, "the definition has no elements", {}, std::string(entry.url));
  auto profile = std::make_unique<Profile>();
  Element const& structure = library().tree(entry);
  profile->entry = &entry;
  profile->structure = &structure;
  profile->url = entry.url;
  profile->version = entry.version;
  profile->type = structure.text_at("type");
  profile->kind = structure.text_at("kind");
  profile->is_constraint = structure.text_at("derivation") == "constraint";
  Compiler(*this, *profile).compile(elements);
  return (profiles_[&entry] = std::move(profile)).get();
}

Profile const* Profiles::find_type(std::string_view type) const {
  std::lock_guard const lock(mutex_);
  auto const [at, added] = types_.try_emplace(std::string(type), nullptr);
  if (added) {
    // R4's own, whatever newer definition of the type a package brings.
    auto found = find(definition_url(type) + "|4.0.1");
    if (!found) found = find(definition_url(type));
    at->second = found ? *found : nullptr;
  }
  return at->second;
}

}  // namespace fhir::profiles
