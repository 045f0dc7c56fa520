/// What R4 adds to FHIRPath, and the functions that need the world: time, references, terminology, profiles.
/// Source: R4 fhirpath.html#functions; FHIRPath N1 section 5.8.
#include "fhir/path/evaluation.hpp"
#include "fhir/path/functions.hpp"
#include "fhir/path/navigation.hpp"
#include "fhir/path/types.hpp"
#include "fhir/path/xhtml.hpp"

#include <algorithm>
#include <array>

namespace fhir::path {

namespace {

constexpr std::string_view kCoreProfiles = "http://hl7.org/fhir/StructureDefinition/";

Collection boolean(bool value) { return Collection(Item::of_boolean(value)); }

Result<Collection> extension(Call& call) {
  FHIR_TRY(auto const url, call.text_argument(0));
  Collection out;
  if (!url) return out;
  for (Item const& item : call.input) {
    Collection extensions;
    append_members(item, "extension", extensions);
    std::ranges::copy_if(extensions, std::back_inserter(out), [&](Item const& found) {
      return found.value != nullptr && found.value->text_at("url") == *url;
    });
  }
  return out;
}

/// Not in R4's list, but a SearchParameter of R4 (QuestionnaireResponse item-subject) is written with it.
Result<Collection> has_extension(Call& call) {
  FHIR_TRY(Collection const found, extension(call));
  return boolean(!found.empty());
}

bool has_primitive_value(Collection const& input) {
  return input.size() == 1 &&
         (!input[0].is_node() ||
          (input[0].value != nullptr && input[0].type != nullptr && input[0].type->is_primitive()));
}

Result<Collection> has_value(Call& call) { return boolean(has_primitive_value(call.input)); }

Result<Collection> get_value(Call& call) {
  auto const value = has_primitive_value(call.input) ? to_value(call.input[0]) : std::nullopt;
  return value ? Collection{*value} : Collection{};
}

Result<std::string_view> moment(Call& call) {
  std::string_view const now = call.evaluation.environment().now;
  if (now.size() < 20) return error(IssueType::not_supported, "the time is not told to this evaluation");
  return now;
}

Result<Collection> now(Call& call) {
  FHIR_TRY(std::string_view const text, moment(call));
  return Collection{Item::of_text(Item::Kind::date_time, text)};
}

Result<Collection> today(Call& call) {
  FHIR_TRY(std::string_view const text, moment(call));
  return Collection{Item::of_text(Item::Kind::date, text.substr(0, 10))};
}

Result<Collection> time_of_day(Call& call) {
  FHIR_TRY(std::string_view const text, moment(call));
  std::string_view const clock = text.substr(11);
  return Collection{Item::of_text(Item::Kind::time, clock.substr(0, clock.find_first_of("Z+-")))};
}

/// A resource of the Bundle by fullUrl, or by Type/id at the end of it.
json::Element const* find_in_bundle(json::Element const& bundle, std::string_view reference) {
  json::Element const* entries = bundle.find("entry");
  if (entries == nullptr) return nullptr;
  for (json::Element const& entry : entries->items()) {
    std::string_view const url = entry.text_at("fullUrl");
    bool const relative = url.size() > reference.size() && url.ends_with(reference) &&
                          url[url.size() - reference.size() - 1] == '/';
    if (!url.empty() && (url == reference || relative)) return entry.find("resource");
  }
  return nullptr;
}

json::Element const* find_contained(json::Element const* resource, std::string_view id) {
  json::Element const* contained = resource == nullptr ? nullptr : resource->find("contained");
  if (contained == nullptr) return nullptr;
  for (json::Element const& one : contained->items()) {
    if (one.text_at("id") == id) return &one;
  }
  return nullptr;
}

json::Element const* find_resource(Evaluation const& evaluation, std::string_view reference) {
  if (reference == "#") return evaluation.resource();
  if (reference.starts_with('#')) {
    json::Element const* found = find_contained(evaluation.resource(), reference.substr(1));
    return found != nullptr ? found : find_contained(evaluation.root_resource(), reference.substr(1));
  }
  json::Element const* root = evaluation.root_resource();
  if (root != nullptr && root->text_at("resourceType") == "Bundle") {
    if (json::Element const* found = find_in_bundle(*root, reference)) return found;
  }
  auto const& resolve = evaluation.services().resolve;
  return resolve ? resolve(reference) : nullptr;
}

Result<Collection> resolve(Call& call) {
  Collection out;
  for (Item const& item : call.input) {
    std::string_view reference;
    if (item.is_node() && item.value != nullptr && item.value->is_object()) {
      reference = item.value->text_at("reference");
    } else if (auto const value = to_value(item); value && value->kind == Item::Kind::string) {
      reference = value->text();
    }
    if (reference.empty()) continue;
    FHIR_CHECK(call.evaluation.spend(16));
    json::Element const* found = find_resource(call.evaluation, reference);
    if (found != nullptr) out.push_back(root_item(*found));
  }
  return out;
}

Result<Collection> conforms_to(Call& call) {
  FHIR_TRY(auto const profile, call.text_argument(0));
  FHIR_TRY(auto const item, single(call.node, call.input));
  if (!profile || !item) return Collection{};
  auto const& service = call.evaluation.services().conforms_to;
  if (service) {
    FHIR_TRY(bool const conforms, service(*profile, *item));
    return boolean(conforms);
  }
  // Without profiles only the base definitions are known: to be of the type is to conform.
  if (profile->starts_with(kCoreProfiles)) {
    std::string_view const type = profile->substr(kCoreProfiles.size());
    if (definitions::find_type(type) != nullptr) return boolean(is_of_type(*item, type));
  }
  return failure(call.node, "there is no such profile");
}

Result<Collection> member_of(Call& call) {
  FHIR_TRY(auto const value_set, call.text_argument(0));
  FHIR_TRY(auto const item, single(call.node, call.input));
  if (!value_set || !item) return Collection{};
  auto const& service = call.evaluation.services().member_of;
  if (!service) return error(IssueType::not_supported, "memberOf() needs a terminology service");
  FHIR_TRY(bool const member, service(*value_set, *item));
  return boolean(member);
}

Result<Collection> subsumption(Call& call, bool input_is_general) {
  FHIR_TRY(Collection const argument, call.argument(0));
  FHIR_TRY(auto const other, single(call.node, argument));
  FHIR_TRY(auto const item, single(call.node, call.input));
  if (!item || !other) return Collection{};
  auto const& service = call.evaluation.services().subsumes;
  if (!service) return error(IssueType::not_supported, "subsumes() needs a terminology service");
  FHIR_TRY(bool const subsumed, input_is_general ? service(*item, *other) : service(*other, *item));
  return boolean(subsumed);
}

Result<Collection> subsumes(Call& call) {
  return is_terminologies(call.input) ? subsumes_by_service(call) : subsumption(call, true);
}
Result<Collection> subsumed_by(Call& call) { return subsumption(call, false); }

Result<Collection> check_modifiers(Call& call) {
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    FHIR_TRY(auto const url, call.text_argument(i));
    if (url) known.push_back(*url);
  }
  for (Item const& item : call.input) {
    Collection extensions;
    append_members(item, "modifierExtension", extensions);
    for (Item const& found : extensions) {
      std::string_view const url = found.value == nullptr ? std::string_view{} : found.value->text_at("url");
      if (std::ranges::find(known, url) == known.end()) {
        return failure(call.node, "a modifier extension that is not understood");
      }
    }
  }
  return call.input;
}

Result<Collection> element_definition(Call& call) {
  static definitions::TypeDefinition const* const type = definitions::find_type("ElementDefinition");
  auto const& service = call.evaluation.services().element_definition;
  if (!service)
    return error(IssueType::not_supported, "elementDefinition() needs the definitions to be loaded");
  Collection out;
  for (Item const& item : call.input) {
    json::Element const* const found = service(item);
    if (found != nullptr) out.push_back(root_item(*found, *type));
  }
  return out;
}

Result<Collection> slice(Call& call) {
  FHIR_TRY(auto const profile, call.text_argument(0));
  FHIR_TRY(auto const name, call.text_argument(1));
  if (!profile || !name) return Collection{};
  auto const& service = call.evaluation.services().in_slice;
  if (!service) return error(IssueType::not_supported, "slice() needs the definitions to be loaded");
  Collection out;
  for (Item const& item : call.input) {
    FHIR_TRY(bool const belongs, service(*profile, *name, item));
    if (belongs) out.push_back(item);
  }
  return out;
}

/// Whether each node is XHTML as narrative.html allows it.
Result<Collection> html_checks(Call& call) {
  for (Item const& item : call.input) {
    FHIR_CHECK(call.evaluation.spend(item.value == nullptr ? 1 : 1 + item.value->text().size() / 16));
    bool const is_sound =
        item.is_node() && item.value != nullptr && find_html_problem(item.value->text()).empty();
    if (!is_sound) return boolean(false);
  }
  return call.input.empty() ? Collection{} : boolean(true);
}

using T = Takes;
using G = Gives;

constexpr std::array kFunctions = {
    FunctionDefinition{"extension", 1, 1, extension},
    FunctionDefinition{"hasExtension", 1, 1, has_extension, T::anything, G::one_boolean, true},
    FunctionDefinition{"hasValue", 0, 0, has_value, T::anything, G::one_boolean, true},
    FunctionDefinition{"getValue", 0, 0, get_value, T::anything, G::unknown, true},
    FunctionDefinition{"now", 0, 0, now, T::anything, G::unknown, true},
    FunctionDefinition{"today", 0, 0, today, T::anything, G::unknown, true},
    FunctionDefinition{"timeOfDay", 0, 0, time_of_day, T::anything, G::unknown, true},
    FunctionDefinition{"resolve", 0, 0, resolve},
    FunctionDefinition{"conformsTo", 1, 1, conforms_to, T::anything, G::one_boolean, true},
    FunctionDefinition{"memberOf", 1, 1, member_of, T::anything, G::one_boolean, true},
    FunctionDefinition{"subsumes", 1, 4, subsumes, T::anything, G::unknown, true},
    FunctionDefinition{"subsumedBy", 1, 1, subsumed_by, T::anything, G::one_boolean, true},
    FunctionDefinition{"elementDefinition", 0, 0, element_definition, T::nodes},
    FunctionDefinition{"slice", 2, 2, slice, T::nodes, G::input},
    FunctionDefinition{"htmlChecks", 0, 0, html_checks, T::nodes, G::one_boolean, true},
    FunctionDefinition{"checkModifiers", 0, 8, check_modifiers, T::nodes, G::input}};

}  // namespace

std::span<FunctionDefinition const> fhir_functions() { return kFunctions; }

}  // namespace fhir::path
