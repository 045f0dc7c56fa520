/// Extensions: known, of one kind, where they may stand. Source: R4 extensibility.html,
/// defining-extensions.html#context.
#include "fhir/path/types.hpp"
#include "fhir/validate/walk.hpp"

#include <algorithm>

namespace fhir::validate {

using json::Element;

namespace {

// HL7's extensions are published apart from R4 and go on after it: one that is not loaded is no error.
// "http://hl7.org/fhir/5.0/StructureDefinition/" begins those for elements of other FHIR versions.
constexpr std::string_view kOfficial[] = {
    "http://hl7.org/fhir/StructureDefinition/", "http://hl7.org/fhir/3.0/StructureDefinition/",
    "http://hl7.org/fhir/4.3/StructureDefinition/", "http://hl7.org/fhir/5.0/StructureDefinition/"};

/// The definition names ElementDefinition.type.code; R4's own definitions carry it on ElementDefinition.type.
constexpr std::string_view kFhirType =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/// Whether the element is, or is below, what a context of kind element names: "Patient.name", "HumanName",
/// "Element".
bool is_element(Item const& parent, Surroundings const& here, Place const& place, std::string_view wanted) {
  if (wanted == "Element" || wanted == "*") return true;
  if (parent.type != nullptr && path::is_below(*parent.type, wanted)) return true;
  // The path from the resource, or from a data type on the way, without indexes.
  std::string path;
  std::vector<std::string_view> names;
  for (Place const* at = &place; at != nullptr; at = at->parent) {
    names.push_back(at->name);
    if (here.place == at) break;
  }
  std::ranges::reverse(names);
  if (!names.empty() && here.resource != nullptr) names.front() = here.resource->text_at("resourceType");
  for (std::string_view const name : names) path.append(path.empty() ? "" : ".").append(name);
  std::string plain(wanted);
  for (std::size_t at = plain.find("[x]"); at != std::string::npos; at = plain.find("[x]"))
    plain.erase(at, 3);
  if (path == plain) return true;
  // The same by the types of the elements above: "ElementDefinition.type" within a StructureDefinition.
  definitions::TypeDefinition const* type =
      here.resource == nullptr ? nullptr : definitions::find_type(here.resource->text_at("resourceType"));
  for (std::size_t i = 1; i < names.size() && type != nullptr; ++i) {
    std::string rest(type->name());
    for (std::size_t j = i; j < names.size(); ++j) rest.append(".").append(names[j]);
    for (auto const* base = type; base != nullptr; base = base->base()) {
      std::string of_base(base->name());
      of_base.append(rest.substr(type->name().size()));
      if (of_base == plain) return true;
    }
    auto const elements = definitions::find_by_path_name(*type, names[i]);
    if (elements.empty()) return false;
    type = &elements.front().type();
    if (elements.size() > 1 && i + 1 == names.size()) return false;
  }
  return false;
}

}  // namespace

void Walk::check_extension(Item const& item, Shapes& shapes, Place const& place, Surroundings const& here,
                           Item const* parent, bool is_modifier) {
  if (item.value == nullptr || !item.value->is_object()) return;
  Element const& extension = *item.value;
  std::string_view const url = extension.text_at("url");
  bool has_value = false;
  for (json::Member const& member : extension.members()) {
    has_value = has_value || member.name.starts_with("value") || member.name.starts_with("_value");
  }
  if ((extension.find("extension") != nullptr) == has_value) {
    fail(IssueType::invariant, place,
         "the invariant does not hold: ext-1: Must have either extensions or value[x], not both");
  }
  if (url.empty()) return;
  // Parts of a complex extension have relative urls, which the extension around them defines.
  bool const is_part = url.find(':') == std::string_view::npos;
  if (is_part) {
    bool const is_inside =
        parent != nullptr && parent->type != nullptr && parent->type->name() == "Extension";
    if (!is_inside) return fail(IssueType::extension, place, "the url of an extension must be absolute");
    bool const is_defined =
        std::ranges::any_of(shapes, [](Shape const* shape) { return !shape->slice.empty(); });
    bool const is_parent_known =
        std::ranges::any_of(shapes, [](Shape const* shape) { return shape->profile->is_constraint; });
    if (is_parent_known && !is_defined)
      fail(IssueType::extension, place, "the extension around this one defines no part of that url");
    return;
  }
  if (url.find('|') != std::string_view::npos)
    fail(IssueType::extension, place, "the url of an extension has no version: it is a uri, not a canonical");
  auto const profile = profiles_.find(url);
  if (!profile) {
    bool const is_unknown = profile.error().code == IssueType::not_found;
    if (!is_unknown) {
      return report(Severity::warning, IssueType::processing, place,
                    "the definition of this extension cannot be used: " + profile.error().diagnostics);
    }
    auto const begins = [&](std::string_view begin) { return url.starts_with(begin); };
    bool const is_allowed =
        std::ranges::any_of(kOfficial, begins) || std::ranges::any_of(options_.extension_domains, begins);
    bool const is_refused =
        !is_allowed && (is_modifier || options_.unknown_extensions == UnknownExtensions::refused);
    return report(is_refused ? Severity::error : Severity::warning, IssueType::extension, place,
                  std::string("the definition of the ") + (is_modifier ? "modifier " : "") + "extension " +
                      std::string(url) + " is not loaded");
  }
  if ((*profile)->type != "Extension") {
    return fail(
        IssueType::extension, place,
        "the url " + std::string(url) + " is that of a definition for " + std::string((*profile)->type));
  }
  if (std::ranges::find(shapes, &(*profile)->root) == shapes.end()) shapes.push_back(&(*profile)->root);
  bool const is_defined_modifier = (*profile)->root.definition->text_at("isModifier") == "true";
  if (is_defined_modifier != is_modifier) {
    fail(IssueType::extension, place,
         is_modifier ? "this extension is no modifier: it stands in extension"
                     : "this extension is a modifier: it stands in modifierExtension");
  }
  if (parent != nullptr) check_context(**profile, place, here, *parent);
}

void Walk::check_context(Profile const& profile, Place const& place, Surroundings const& here,
                         Item const& parent) {
  Element const* const contexts = profile.structure->find("context");
  if (contexts == nullptr || contexts->empty() || place.parent == nullptr) return;
  std::string allowed;
  for (Element const& context : contexts->items()) {
    std::string_view const kind = context.text_at("type");
    std::string_view const expression = context.text_at("expression");
    allowed.append(allowed.empty() ? "" : ", ").append(expression);
    if (kind == "element") {
      std::string_view const wanted =
          expression.substr(expression.find('#') == std::string_view::npos ? 0 : expression.find('#') + 1);
      if (is_element(parent, here, *place.parent, wanted)) return;
      if (profile.url == kFhirType && is_element(parent, here, *place.parent, "ElementDefinition.type"))
        return;
      if (expression.find("StructureDefinition/") != std::string_view::npos) {
        std::string_view const name = expression.substr(expression.rfind('/') + 1);
        if (parent.type != nullptr && path::is_below(*parent.type, name)) return;
      }
    } else if (kind == "extension") {
      if (parent.value != nullptr && parent.value->is_object() && parent.value->text_at("url") == expression)
        return;
    } else {
      auto const compiled = path::Expression::compile(expression);
      if (!compiled || here.resource == nullptr) return;
      auto const found = compiled->evaluate(path::root_item(*here.resource), {}, arena_);
      if (!found) return;
      bool const is_there = std::ranges::any_of(*found, [&](Item const& one) {
        return one.is_node() && ((one.value != nullptr && one.value == parent.value) ||
                                 (one.extra != nullptr && one.extra == parent.extra));
      });
      if (is_there) return;
    }
  }
  fail(IssueType::extension, *place.parent,
       "the extension " + std::string(profile.url) + " may not stand here; it may stand in " + allowed);
}

}  // namespace fhir::validate
