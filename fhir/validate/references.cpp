/// Where references lead, and whether they may lead there. Source: R4 references.html,
/// bundle.html#references.
#include "fhir/path/types.hpp"
#include "fhir/validate/walk.hpp"

#include <algorithm>

namespace fhir::validate {

using json::Element;

namespace {

constexpr std::string_view kCoreProfiles = "http://hl7.org/fhir/StructureDefinition/";

/// "http://server/fhir/" of "http://server/fhir/Patient/1"; "" when it is no RESTful url.
std::string_view base_of(std::string_view url) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) return {};
  std::size_t const id = url.rfind('/');
  if (id == std::string_view::npos || id == 0) return {};
  std::size_t const type = url.rfind('/', id - 1);
  if (type == std::string_view::npos || !definitions::is_resource_type(url.substr(type + 1, id - type - 1)))
    return {};
  return url.substr(0, type + 1);
}

std::string_view without_version(std::string_view reference) {
  return reference.substr(0, reference.find("/_history/"));
}

std::string_view version_in(std::string_view reference) {
  std::size_t const at = reference.find("/_history/");
  return at == std::string_view::npos ? std::string_view{} : reference.substr(at + 10);
}

Element const* contained_in(Element const& resource, std::string_view id) {
  Element const* const contained = resource.find("contained");
  if (contained == nullptr) return nullptr;
  for (Element const& one : contained->items()) {
    if (one.text_at("id") == id) return &one;
  }
  return nullptr;
}

/// "Patient" of "Patient/1" or "http://x/Patient/1".
std::string_view type_in(std::string_view reference) {
  reference = without_version(reference);
  std::size_t const id = reference.rfind('/');
  if (id == std::string_view::npos || id == 0) return {};
  std::size_t const before = reference.rfind('/', id - 1);
  std::string_view const type = reference.substr(before == std::string_view::npos ? 0 : before + 1,
                                                 id - (before == std::string_view::npos ? 0 : before + 1));
  return definitions::is_resource_type(type) ? type : std::string_view{};
}

}  // namespace

/// Made once per Bundle: a reference costs one look, however many entries there are.
Walk::EntryIndex const& Walk::index_of(Element const& bundle) const {
  auto const [at, is_new] = indexes_.try_emplace(&bundle);
  Element const* const entries = bundle.find("entry");
  if (!is_new || entries == nullptr) return at->second;
  for (Element const& entry : entries->items()) {
    Element const* const resource = entry.find("resource");
    std::string_view const url = entry.text_at("fullUrl");
    if (resource == nullptr) continue;
    if (!url.empty()) {
      at->second.by_url.emplace(url, &entry);
    } else {
      at->second.by_name.emplace(
          std::string(resource->text_at("resourceType")).append("/").append(resource->text_at("id")), &entry);
    }
  }
  return at->second;
}

Walk::Target Walk::find_target(std::string_view reference, Surroundings const& here) const {
  Target target;
  if (reference.starts_with('#')) {
    if (here.container == nullptr) return target;
    target.resource = reference == "#" ? here.container : contained_in(*here.container, reference.substr(1));
    if (target.resource != nullptr) target.where = Target::Where::contained;
    target.around = &here;
    return target;
  }
  std::string_view const plain = without_version(reference);
  std::string_view const version = version_in(reference);
  bool const is_absolute = plain.find(':') != std::string_view::npos;
  for (Surroundings const* around = &here; around != nullptr; around = around->outer) {
    Surroundings const* const bundle = around->outer;
    if (bundle == nullptr || bundle->resource->text_at("resourceType") != "Bundle") continue;
    Element const* const entries = bundle->resource->find("entry");
    if (entries == nullptr) continue;
    std::string_view const own_url =
        around->entry == nullptr ? std::string_view{} : around->entry->text_at("fullUrl");
    std::string const absolute =
        is_absolute ? std::string(plain) : std::string(base_of(own_url)).append(plain);
    auto const take = [&](Element const& entry) {
      Element const* const resource = entry.find("resource");
      if (resource == nullptr) return;
      std::string_view const own_version =
          resource->find("meta") == nullptr ? "" : resource->find("meta")->text_at("versionId");
      if (!version.empty() && !own_version.empty() && own_version != version) return;
      ++target.matches;
      if (target.resource != nullptr) return;
      target.resource = resource;
      target.where = Target::Where::bundled;
      target.around = bundle;
      target.entry = &entry;
    };
    EntryIndex const& index = index_of(*bundle->resource);
    auto const [first, last] = index.by_url.equal_range(absolute);
    for (auto at = first; at != last; ++at) take(*at->second);
    if (target.resource != nullptr) return target;
    // An entry without fullUrl can only be told by the type and id of its resource.
    if (is_absolute) continue;
    auto const [named, end] = index.by_name.equal_range(std::string(plain));
    for (auto at = named; at != end; ++at) take(*at->second);
    if (target.resource != nullptr) return target;
  }
  if (options_.resolve) {
    target.resource = options_.resolve(reference);
    if (target.resource != nullptr) target.where = Target::Where::outside;
  }
  return target;
}

bool Walk::fits_target(Target const& target, std::vector<std::string_view> const& canonicals,
                       Place const& place) {
  Item const item = path::root_item(*target.resource);
  if (item.type == nullptr) return true;
  for (std::string_view const canonical : canonicals) {
    auto const profile = profiles_.find(canonical);
    if (!profile) return true;
    if (!path::is_below(*item.type, (*profile)->type)) continue;
    if (!(*profile)->is_constraint) return true;
    Surroundings around;
    Surroundings const* const outer = target.around;
    Item entry;
    entry.value = target.entry;
    if (target.where == Target::Where::contained && outer != nullptr) {
      Place const below{&place, "contained"};
      if (conforms(item, (*profile)->root, below, *outer)) return true;
      continue;
    }
    if (target.where == Target::Where::bundled && outer != nullptr) {
      parents_.push_back(&entry);
      bool const fits = conforms(item, (*profile)->root, place, *outer);
      parents_.pop_back();
      if (fits) return true;
      continue;
    }
    if (conforms(item, (*profile)->root, place, around)) return true;
  }
  return false;
}

void Walk::check_reference(Item const& item, Shapes const& shapes, Place const& place,
                           Surroundings const& here) {
  if (item.value == nullptr || !item.value->is_object()) return;
  std::string_view const reference = item.value->text_at("reference");
  std::string_view const stated = item.value->text_at("type");
  Target const target = reference.empty() ? Target{} : find_target(reference, here);
  std::string_view type =
      target.resource != nullptr ? target.resource->text_at("resourceType") : type_in(reference);
  if (reference.starts_with('#') && target.resource == nullptr) {
    fail(IssueType::structure, place, "the reference leads to no contained resource of that id");
  }
  if (target.resource != nullptr && target.where == Target::Where::bundled && !type_in(reference).empty() &&
      type_in(reference) != type) {
    fail(IssueType::required, place,
         "the reference says " + std::string(type_in(reference)) + ", and what it leads to is " +
             std::string(type));
  }
  if (!stated.empty() && !type.empty() && stated != type) {
    fail(IssueType::invalid, place,
         "the stated type " + std::string(stated) + " is not that of what the reference leads to, " +
             std::string(type));
  }
  if (type.empty()) type = stated;
  for (Shape const* shape : shapes) {
    for (TypeRule const& rule : shape->types) {
      if (rule.code != "Reference" && rule.code != "canonical") continue;
      if (!rule.aggregation.empty() && !reference.empty()) {
        std::string_view const way = reference.starts_with('#')               ? "contained"
                                     : target.where == Target::Where::bundled ? "bundled"
                                                                              : "referenced";
        if (std::ranges::find(rule.aggregation, way) == rule.aggregation.end()) {
          fail(IssueType::structure, place,
               "the reference is " + std::string(way) + ", which " + std::string(shape->id) +
                   " does not allow (" + shape->profile->name() + ")");
        }
      }
      if (rule.targets.empty() || type.empty()) continue;
      auto const* const definition = definitions::find_type(type);
      if (definition == nullptr) continue;
      bool is_type = false, is_profiled = false;
      std::string names;
      for (std::string_view const canonical : rule.targets) {
        names.append(names.empty() ? "" : ", ").append(canonical);
        if (canonical.starts_with(kCoreProfiles) &&
            definitions::find_type(canonical.substr(kCoreProfiles.size())) != nullptr) {
          is_type = is_type || path::is_below(*definition, canonical.substr(kCoreProfiles.size()));
          continue;
        }
        auto const profile = profiles_.find(canonical, shape->profile->entry->package);
        is_profiled = true;
        is_type = is_type || !profile || path::is_below(*definition, (*profile)->type);
      }
      if (!is_type && shape->profile->is_constraint) {
        fail(IssueType::structure, place,
             "a reference to " + std::string(type) + " is not allowed here; allowed: " + names);
      } else if (!is_type) {
        // The structure said so where the reference is relative; elsewhere it is said here.
        bool const was_said = !reference.empty() && reference.find(':') == std::string_view::npos &&
                              !reference.starts_with('#');
        if (!was_said)
          fail(IssueType::structure, place,
               "a reference to " + std::string(type) + " is not allowed here; allowed: " + names);
      } else if (is_profiled && target.resource != nullptr && guesses_ < 4 &&
                 !fits_target(target, rule.targets, place)) {
        fail(IssueType::structure, place,
             "what the reference leads to fits none of the profiles that are allowed: " + names);
      }
    }
  }
}

}  // namespace fhir::validate
