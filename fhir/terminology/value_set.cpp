#include "fhir/terminology/value_set.hpp"

#include "fhir/terminology/text.hpp"

#include <fmt/format.h>

namespace fhir::terminology {

namespace {

using json::Element;

Outcome<Filter> read_filter(Element const& element, std::string const& system, std::string const& place) {
  std::string_view const property = element.text_at("property");
  std::string_view const operation = element.text_at("op");
  std::string_view const value = element.text_at("value");
  if (value.empty()) {
    return fail(IssueType::invalid,
                fmt::format("The system {} filter with property = {}, op = {} has no value", system, property,
                            operation),
                "vs-invalid", "UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE", place);
  }
  auto filter = make_filter(property, operation, value);
  if (!filter) {
    Failure failure = filter.error();
    failure.issue.expression = place;
    return failure;
  }
  return filter;
}

Outcome<Include> read_include(Element const& element, std::string const& place) {
  Include include;
  include.system = element.text_at("system");
  include.version = element.text_at("version");
  if (Element const* const list = element.find("concept")) {
    for (Element const& listed : list->items()) {
      std::string const code(listed.text_at("code"));
      include.by_code.emplace(code, include.concepts.size());
      include.by_folded_code.emplace(folded(code), include.concepts.size());
      include.concepts.push_back(&listed);
    }
  }
  if (Element const* const list = element.find("filter")) {
    for (std::size_t i = 0; i < list->size(); ++i) {
      FHIR_TRY(Filter filter,
               read_filter(list->items()[i], include.system, fmt::format("{}.filter[{}]", place, i)));
      include.filters.push_back(std::move(filter));
    }
  }
  if (Element const* const list = element.find("valueSet")) {
    for (Element const& canonical : list->items()) include.value_sets.emplace_back(canonical.text());
  }
  return include;
}

Outcome<void> read_includes(Element const& compose, char const* name, std::vector<Include>& into) {
  Element const* const list = compose.find(name);
  if (list == nullptr) return {};
  for (std::size_t i = 0; i < list->size(); ++i) {
    FHIR_TRY(Include include,
             read_include(list->items()[i], fmt::format("ValueSet.compose.{}[{}]", name, i)));
    into.push_back(std::move(include));
  }
  return {};
}

void read_expanded(Element const& list, ValueSet& value_set) {
  for (Element const& contains : list.items()) {
    if (!contains.text_at("code").empty() && contains.text_at("abstract") != "true") {
      std::string const system(contains.text_at("system"));
      value_set.by_expanded.emplace(system + '|' + std::string(contains.text_at("code")),
                                    value_set.expanded.size());
      value_set.expanded.push_back({system, std::string(contains.text_at("version")), &contains});
    }
    if (Element const* const below = contains.find("contains")) read_expanded(*below, value_set);
  }
}

}  // namespace

Element const* Include::listed(std::string_view code, bool case_sensitive) const {
  auto const& index = case_sensitive ? by_code : by_folded_code;
  auto const found = index.find(case_sensitive ? std::string(code) : folded(code));
  return found == index.end() ? nullptr : concepts[found->second];
}

Outcome<std::shared_ptr<ValueSet const>> make_value_set(SharedElement resource) {
  auto value_set = std::make_shared<ValueSet>();
  Element const& root = *resource;
  value_set->url = root.text_at("url");
  value_set->version = root.text_at("version");
  value_set->language = root.text_at("language");
  value_set->status = root.text_at("status");
  value_set->experimental = root.text_at("experimental") == "true";
  if (Element const* const status = find_extension(
          root, "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"))
    value_set->standards_status = status->text_at("valueCode");
  if (Element const* const compose = root.find("compose")) {
    value_set->has_compose = true;
    value_set->takes_inactive = compose->text_at("inactive") != "false";
    FHIR_CHECK(read_includes(*compose, "include", value_set->includes));
    FHIR_CHECK(read_includes(*compose, "exclude", value_set->excludes));
  } else if (Element const* const list = root.at("expansion", "contains")) {
    read_expanded(*list, *value_set);
  }
  value_set->resource = std::move(resource);
  return std::shared_ptr<ValueSet const>(std::move(value_set));
}

}  // namespace fhir::terminology
