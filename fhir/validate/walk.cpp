#include "fhir/validate/walk.hpp"

#include "fhir/path/navigation.hpp"
#include "fhir/path/types.hpp"
#include "fhir/path/xhtml.hpp"
#include "fhir/validate/slicing.hpp"
#include "fhir/validate/structure.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace fhir::validate {

using definitions::TypeDefinition;
using json::Element;
using profiles::Constraint;

namespace {

constexpr std::uint64_t kLookEvery = 1024;
constexpr std::uint64_t kStepsMax = 2'000'000;  // of one invariant
constexpr std::size_t kDepthMax = 200;          // places on the stack; JSON itself ends at 64 levels

void append_to(std::string& out, Place const& place) {
  if (place.parent != nullptr) append_to(out, *place.parent);
  if (!place.name.empty()) {
    if (!out.empty()) out.push_back('.');
    out.append(place.name);
  }
  if (place.index >= 0) out.append("[").append(std::to_string(place.index)).append("]");
}

void add_once(Shapes& shapes, Shape const* shape) {
  if (shape != nullptr && std::ranges::find(shapes, shape) == shapes.end()) shapes.push_back(shape);
}

bool has_children(Shape const& shape) {
  return !shape.children.empty() || (shape.reference != nullptr && !shape.reference->children.empty());
}

/// What an invariant on XHTML does not say itself.
std::string reason_of(Constraint const& constraint, Item const& item) {
  bool const is_html = constraint.key.starts_with("txt-") && item.value != nullptr && item.value->is_string();
  return is_html ? path::find_html_problem(item.value->text()) : std::string();
}

bool is_false(Item const& item) {
  auto const value = path::to_value(item);
  return value && value->kind == Item::Kind::boolean && !value->boolean;
}

std::vector<std::unique_ptr<Shape>> const& children_of(Shape const& shape) {
  return shape.children.empty() && shape.reference != nullptr ? shape.reference->children : shape.children;
}

}  // namespace

std::string to_expression(Place const& place) {
  std::string text;
  append_to(text, place);
  return text;
}

Walk::Walk(profiles::Profiles const& profiles, Options const& options, Issues& issues)
    : profiles_(profiles), options_(options), issues_(issues), first_(issues.size()) {}

void Walk::report(Severity severity, IssueType code, Place const& place, std::string text) {
  if (is_over_) return;
  if (issues_.size() - first_ >= options_.issues_max && guesses_ == 0) {
    is_over_ = true;
    issues_.push_back(error(IssueType::too_costly, "more findings follow; correct these first"));
    return;
  }
  std::string expression = to_expression(place);
  for (std::size_t i = issues_.size(); i-- > first_ && issues_.size() - i < 40;) {
    Issue const& other = issues_[i];
    if (other.expression == expression && other.diagnostics == text && other.severity == severity) return;
  }
  issues_.push_back({severity, code, std::move(text), std::move(expression), {}});
}

bool Walk::spend(std::uint64_t work) {
  if (is_over_) return false;
  work_ += work;
  bool const too_much = work_ > options_.work_max;
  bool late = false;
  if (work_ >= next_look_) {
    next_look_ = work_ + kLookEvery;
    late = options_.out_of_time && options_.out_of_time();
  }
  if (!too_much && !late) return true;
  is_over_ = true;
  issues_.push_back(
      error(IssueType::too_costly, "the validation took too long; what was found so far stands here"));
  return false;
}

void Walk::run(Element const& resource) {
  Item const item = path::root_item(resource);
  if (item.type == nullptr || !item.type->is_resource()) return;
  Place const place{nullptr, item.type->name()};
  Shapes shapes;
  for (std::string const& profile : options_.profiles) add_profile(profile, item, shapes, place, true);
  visit(item, std::move(shapes), place, Surroundings{});
}

void Walk::visit(Item const& item, Shapes shapes, Place const& place, Surroundings const& here) {
  if (!spend(1 + shapes.size()) || parents_.size() > kDepthMax) return;
  if (item.type == nullptr) return;
  bool const is_resource = item.type->is_resource() && item.value != nullptr;
  if (!is_resource) return visit_in(item, shapes, place, here);
  if (!item.value->is_object()) return;
  Surroundings inside;
  inside.resource = item.value;
  bool const is_contained = place.name == "contained" && here.resource != nullptr;
  inside.container = is_contained ? here.container : item.value;
  inside.outer = is_contained ? here.outer : (here.resource == nullptr ? nullptr : &here);
  inside.entry = is_contained ? here.entry : nullptr;
  if (!is_contained && !parents_.empty() && here.resource != nullptr) inside.entry = parents_.back()->value;
  inside.place = &place;
  if (Profile const* const own = profiles_.find_type(item.type->name()))
    shapes.insert(shapes.begin(), &own->root);
  // What is said of the element is said in the resource around it; what is said of the resource, within it.
  Shapes outer;
  for (Shape const* shape : shapes) {
    if (shape->id.find('.') != std::string_view::npos) outer.push_back(shape);
  }
  if (!outer.empty() && here.resource != nullptr) check_constraints(item, outer, place, here);
  add_claimed(item, shapes, place);
  visit_in(item, shapes, place, inside);
  if (guesses_ == 0) check_resource_rules(item, place, inside);
}

void Walk::visit_in(Item const& item, Shapes& shapes, Place const& place, Surroundings const& here) {
  add_of_types(item, shapes, place, here);
  bool const is_extension = item.type->name() == "Extension";
  if (is_extension && place.parent != nullptr) {
    check_extension(item, shapes, place, here, parents_.empty() ? nullptr : parents_.back(),
                    place.name == "modifierExtension");
  }
  check_values(item, shapes, place);
  check_bindings(item, shapes, place);
  std::string_view const type = item.type->name();
  if (type == "Coding" || path::is_below(*item.type, "Quantity")) check_coding(item, place);
  if (type == "Reference") check_reference(item, shapes, place, here);
  if (type == "Attachment") check_attachment(item, place);
  check_constraints(item, shapes, place, here);
  bool const has_members = item.extra != nullptr || (item.value != nullptr && item.value->is_object());
  if (!has_members) {
    // What a primitive must have below it is missing when there is nothing below it.
    for (Shape const* shape : shapes) {
      for (auto const& child : children_of(*shape)) {
        bool const is_value = child->name == "value";
        if (child->min > 0 && !is_value) count(*child, 0, place);
        for (auto const& slice : child->slices) {
          if (slice->min > 0) count(*slice, 0, place);
        }
      }
    }
    return;
  }
  parents_.push_back(&item);
  visit_children(item, shapes, place, here);
  parents_.pop_back();
}

void Walk::add_claimed(Item const& item, Shapes& shapes, Place const& place) {
  Element const* const claimed = item.value->at("meta", "profile");
  if (claimed == nullptr) return;
  for (Element const& profile : claimed->items()) add_profile(profile.text(), item, shapes, place, false);
}

void Walk::add_profile(std::string_view canonical, Item const& item, Shapes& shapes, Place const& place,
                       bool is_asked) {
  if (canonical.empty()) return;
  auto const profile = profiles_.find(canonical);
  if (!profile) {
    bool const is_unknown =
        profile.error().code == IssueType::not_found && profile.error().source == canonical;
    Severity const severity = is_asked || !is_unknown ? Severity::error : Severity::warning;
    if (!named_.insert(std::string(canonical)).second && !is_asked) return;
    std::string text =
        is_unknown
            ? "the profile " + std::string(canonical) + " is not loaded, so nothing was judged by it"
            : "the profile " + std::string(canonical) + " cannot be used: " + profile.error().diagnostics;
    return report(severity, is_unknown ? IssueType::not_found : IssueType::processing, place,
                  std::move(text));
  }
  std::string_view const type = (*profile)->type;
  if (!path::is_below(*item.type, type)) {
    return fail(IssueType::structure, place,
                "the profile " + std::string(canonical) + " is for " + std::string(type) + ", and this is " +
                    std::string(item.type->name()));
  }
  add_once(shapes, &(*profile)->root);
}

/// What the types of the definitions add: profiles on types, and the type's own definition where no other
/// goes into it.
void Walk::add_of_types(Item const& item, Shapes& shapes, Place const& place, Surroundings const& here) {
  std::string_view const type = item.type->name();
  bool const is_backbone = item.type->kind() == definitions::TypeKind::backbone;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    Shape const& shape = *shapes[i];
    if (shape.types.empty() || is_backbone) continue;
    TypeRule const* rule = nullptr;
    std::string allowed;
    for (TypeRule const& one : shape.types) {
      if (path::is_below(*item.type, one.code) || one.code == "*")
        rule = rule == nullptr || rule->profiles.empty() ? &one : rule;
      allowed.append(allowed.empty() ? "" : ", ").append(one.code);
    }
    if (rule == nullptr) {
      bool const is_root = shape.id.find('.') == std::string_view::npos;
      if (!is_root && shape.profile->is_constraint) {
        fail(IssueType::structure, place,
             "the type " + std::string(type) + " is not allowed here by " + shape.profile->name() +
                 "; allowed: " + allowed);
      }
      continue;
    }
    if (rule->profiles.empty() || type == "Extension") {
      if (type == "Extension") {
        for (std::string_view const canonical : rule->profiles)
          add_profile(canonical, item, shapes, place, false);
      }
      continue;
    }
    std::string names;
    bool fits = false;
    for (std::string_view const canonical : rule->profiles) {
      auto const found = profiles_.find_shape(canonical, shape.profile->entry->package);
      names.append(names.empty() ? "" : ", ").append(canonical);
      bool const is_part = canonical.find('#') != std::string_view::npos;
      if (rule->profiles.size() == 1 && found && is_part) {
        fits = true;
        add_once(shapes, *found);
      } else if (rule->profiles.size() == 1) {
        fits = true;
        add_profile(canonical, item, shapes, place, false);
      } else {
        fits = fits || !found || conforms(item, **found, place, here);
      }
    }
    if (!fits) fail(IssueType::structure, place, "none of the profiles that may be used here fits: " + names);
  }
  bool const has_own = std::ranges::any_of(shapes, [](Shape const* shape) { return has_children(*shape); });
  bool const is_bare = item.type->is_primitive() && item.extra == nullptr;
  if (has_own || is_bare || is_backbone) return;
  if (Profile const* const own = profiles_.find_type(type)) add_once(shapes, &own->root);
}

void Walk::count(Shape const& shape, std::size_t found, Place const& place) {
  if (!shape.profile->is_constraint) return;  // The structure was judged by R4's own already.
  std::string_view const id = shape.id;
  if (found < shape.min) {
    fail(IssueType::required, place,
         std::string(id) + " is needed at least " + std::to_string(shape.min) + " times, and stands here " +
             std::to_string(found) + " times (" + shape.profile->name() + ")");
  }
  if (found > shape.max) {
    fail(IssueType::structure, place,
         std::string(id) + " is allowed at most " + std::to_string(shape.max) + " times, and stands here " +
             std::to_string(found) + " times (" + shape.profile->name() + ")");
  }
}

void Walk::visit_children(Item const& item, Shapes const& shapes, Place const& place,
                          Surroundings const& here) {
  path::Collection children;
  path::append_children(item, children);
  if (!spend(children.size())) return;
  std::vector<Shapes> of_child(children.size());
  std::vector<std::size_t> found;
  for (Shape const* shape : shapes) {
    if (!spend(1)) return;
    for (auto const& child : children_of(*shape)) {
      found.clear();
      for (std::size_t i = 0; i < children.size(); ++i) {
        if (children[i].definition != nullptr && children[i].definition->path_name() == child->name)
          found.push_back(i);
      }
      if (item.type->is_primitive() && child->name == "value") continue;
      count(*child, found.size(), place);
      for (std::size_t const i : found) of_child[i].push_back(child.get());
      if (!child->slices.empty() ||
          (child->slicing && child->slicing->rules == profiles::Slicing::Rules::closed)) {
        Slicer(*this, *child, place, here).assign(children, found, of_child);
      }
    }
  }
  std::string_view last_name;
  int index = 0;
  for (std::size_t i = 0; i < children.size(); ++i) {
    Item const& child = children[i];
    if (child.definition == nullptr) continue;
    std::string_view const name = child.definition->path_name();
    index = name == last_name ? index + 1 : 0;
    last_name = name;
    Place const below{&place, name, child.definition->repeats() ? index : -1};
    visit(child, std::move(of_child[i]), below, here);
    if (is_over_) return;
  }
}

namespace {

/// The slice of that name, and the element that it is a slice of, of a node that the element may be.
std::pair<Shape const*, Shape const*> find_slice(Shape const& shape, std::string_view name,
                                                 Item const& node) {
  std::string_view const element =
      node.definition == nullptr ? std::string_view{} : node.definition->path_name();
  for (auto const& slice : shape.slices) {
    if (slice->slice == name && shape.name == element) return {&shape, slice.get()};
  }
  for (auto const* list : {&shape.children, &shape.slices}) {
    for (auto const& one : *list) {
      if (auto const found = find_slice(*one, name, node); found.second != nullptr) return found;
    }
  }
  return {nullptr, nullptr};
}

/// The type whose element a node is; nullptr for a root.
TypeDefinition const* owner_of(Item const& node) {
  for (TypeDefinition const& type : definitions::types()) {
    auto const elements = type.elements();
    if (node.definition != nullptr && !elements.empty() && node.definition >= &elements.front() &&
        node.definition <= &elements.back())
      return &type;
  }
  return nullptr;
}

}  // namespace

Element const* Walk::element_definition_of(Item const& node) const {
  TypeDefinition const* const owner = owner_of(node);
  std::string_view const name = owner != nullptr       ? owner->name()
                                : node.type == nullptr ? ""
                                                       : node.type->name();
  Profile const* const profile = profiles_.find_type(name.substr(0, name.find('.')));
  if (profile == nullptr) return nullptr;
  Shape const* shape = &profile->root;
  for (std::size_t at = name.find('.'); at != std::string_view::npos && shape != nullptr;
       at = name.find('.', at + 1))
    shape = shape->child(name.substr(at + 1, name.find('.', at + 1) - at - 1));
  if (owner != nullptr && shape != nullptr) shape = shape->child(node.definition->path_name());
  return shape == nullptr ? nullptr : shape->definition;
}

path::Services Walk::services_at(Place const& place, Surroundings const& here,
                                 packages::Loaded const* const& from) {
  path::Services services;
  services.resolve = [this, &here](std::string_view reference) {
    return find_target(reference, here).resource;
  };
  services.conforms_to = [this, &place, &here, &from](std::string_view profile,
                                                      Item const& node) -> Result<bool> {
    FHIR_TRY(Profile const* const found, profiles_.find(profile, from));
    // A resource that is wrong by its structure conforms to nothing; the walk is silent about it.
    if (node.type != nullptr && node.type->is_resource() && node.value != nullptr) {
      Issues wrong;
      validate_structure(*node.value, wrong);
      if (has_error(wrong)) return false;
    }
    return conforms(node, found->root, place, here);
  };
  services.element_definition = [this](Item const& node) { return element_definition_of(node); };
  services.in_slice = [this, &place, &here, &from](std::string_view canonical, std::string_view name,
                                                   Item const& node) -> Result<bool> {
    FHIR_TRY(Profile const* const profile, profiles_.find(canonical, from));
    auto const [sliced, slice] = find_slice(profile->root, name, node);
    if (slice == nullptr)
      return error(IssueType::not_found,
                   "the profile has no slice " + std::string(name) + " of such an element");
    return Slicer(*this, *sliced, place, here).belongs(node, *slice, place);
  };
  if (options_.codes != nullptr) {
    services.member_of = [this](std::string_view value_set, Item const& coded) -> Result<bool> {
      auto const codes = codes_of(coded);
      if (!codes) return false;
      return std::ranges::any_of(*codes, [&](CodedValue const& code) {
        return options_.codes->check_in_value_set(value_set, code).membership != Membership::not_in;
      });
    };
  }
  return services;
}

void Walk::check_constraints(Item const& item, Shapes const& shapes, Place const& place,
                             Surroundings const& here) {
  std::vector<Constraint const*> judged;
  bool const is_within = here.resource != nullptr && here.resource == item.value;
  packages::Loaded const* from = nullptr;
  std::optional<path::Services> services;
  for (Shape const* shape : shapes) {
    if (is_within && shape->id.find('.') != std::string_view::npos) continue;
    from = shape->profile->entry->package;
    for (Constraint const* constraint : shape->constraints) {
      if (std::ranges::find(judged, constraint) != judged.end()) continue;
      judged.push_back(constraint);
      if (!spend(4)) return;
      if (!services) services = services_at(place, here, from);
      check_constraint(*constraint, item, place, here, *services);
    }
  }
}

void Walk::check_constraint(Constraint const& constraint, Item const& item, Place const& place,
                            Surroundings const& here, path::Services const& services) {
  std::string_view const key = constraint.key;
  if (!constraint.expression) {
    return report(Severity::warning, IssueType::not_supported, place,
                  "the invariant " + std::string(key) +
                      " could not be read, so it was not judged: " + constraint.broken);
  }
  path::Environment environment;
  environment.resource = here.resource;
  environment.root_resource = here.container;
  environment.now = options_.now;
  environment.services = &services;
  environment.casts_many = true;
  environment.step_max = kStepsMax;
  environment.out_of_time = options_.out_of_time;
  // Nothing at all is no contradiction: ref-1 of a reference that has only a display.
  auto const found = constraint.expression->evaluate(item, environment, arena_);
  if (!found) {
    bool const is_costly = found.error().code == IssueType::too_costly;
    return report(is_costly ? Severity::error : Severity::warning, found.error().code, place,
                  "the invariant " + std::string(key) + " could not be judged: " + found.error().diagnostics);
  }
  if (found->size() != 1 || !is_false(found->front())) return;
  std::string text = "the invariant does not hold: ";
  text.append(key).append(": ").append(constraint.human);
  if (std::string const why = reason_of(constraint, item); !why.empty()) text.append(": ").append(why);
  report(constraint.severity, IssueType::invariant, place, std::move(text));
}

bool Walk::conforms(Item const& item, Shape const& shape, Place const& place, Surroundings const& here) {
  void const* const what = item.value != nullptr ? item.value : item.extra;
  auto const key = std::pair<void const*, void const*>(what, &shape);
  auto const [known, is_new] = known_.try_emplace(key, 0);
  if (!is_new) return known->second != 2;  // What is under way is taken to hold: profiles may go in circles.
  std::size_t const before = issues_.size();
  ++guesses_;
  visit(item, Shapes{&shape}, place, here);
  --guesses_;
  bool const is_sound = std::ranges::none_of(
      issues_.begin() + static_cast<std::ptrdiff_t>(std::min(before, issues_.size())), issues_.end(),
      [](Issue const& issue) { return issue.severity <= Severity::error; });
  if (!is_over_) issues_.resize(before);
  known_[key] = is_sound ? 1 : 2;
  return is_sound;
}

void Walk::check_resource_rules(Item const& item, Place const& place, Surroundings const& here) {
  std::string_view const type = item.type->name();
  check_identities(*this, *item.value, place);
  if (type == "Bundle") check_bundle(*this, *item.value, place, here);
  if (type == "MeasureReport") check_measure_report(*this, *item.value, place);
  if (type == "StructureDefinition") check_structure_definition(*this, *item.value, place);
  if (type == "QuestionnaireResponse") check_questionnaire_response(*this, *item.value, place, here);
}

void Validator::validate(Element const& resource, Options const& options, Issues& issues) const {
  std::size_t const first = issues.size();
  validate_structure(resource, issues);
  bool const is_no_resource =
      issues.size() > first && definitions::find_type(resource.text_at("resourceType")) == nullptr;
  if (is_no_resource) return;
  Walk(*profiles_, options, issues).run(resource);
}

bool has_error(Issues const& issues) {
  return std::ranges::any_of(issues, [](Issue const& issue) { return issue.severity <= Severity::error; });
}

}  // namespace fhir::validate
