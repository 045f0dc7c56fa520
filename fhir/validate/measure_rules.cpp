/// A MeasureReport against its Measure: every population and stratifier that it reports is one of the
/// measure's. Source: R4 measurereport.html (group, population).
#include "fhir/validate/walk.hpp"

#include <algorithm>

namespace fhir::validate {

using json::Element;

namespace {

std::span<Element const> items_of(Element const& holder, char const* name) {
  Element const* const list = holder.find(name);
  return list == nullptr ? std::span<Element const>{} : list->items();
}

/// Whether two CodeableConcepts share a coding, or where neither has one, their text.
bool is_same_concept(Element const* left, Element const* right) {
  if (left == nullptr || right == nullptr) return left == right;
  auto const codings = items_of(*left, "coding");
  auto const others = items_of(*right, "coding");
  if (codings.empty() || others.empty()) return left->text_at("text") == right->text_at("text");
  return std::ranges::any_of(codings, [&](Element const& one) {
    return std::ranges::any_of(others, [&](Element const& other) {
      return one.text_at("system") == other.text_at("system") && one.text_at("code") == other.text_at("code");
    });
  });
}

Element const* find_group(Element const& measure, Element const& group) {
  auto const groups = items_of(measure, "group");
  if (groups.size() == 1 && group.find("code") == nullptr) return &groups.front();
  auto const found = std::ranges::find_if(
      groups, [&](Element const& one) { return is_same_concept(one.find("code"), group.find("code")); });
  return found == groups.end() ? nullptr : &*found;
}

}  // namespace

void check_measure_report(Walk& walk, Element const& report, Place const& place) {
  std::string_view const canonical = report.text_at("measure");
  Element const* measure = walk.options().resolve ? walk.options().resolve(canonical) : nullptr;
  packages::Library const& library = walk.profiles().library();
  packages::Entry const* const entry = measure == nullptr ? library.find("Measure", canonical) : nullptr;
  if (entry != nullptr) measure = &library.tree(*entry);
  if (measure == nullptr || measure->text_at("resourceType") != "Measure") return;
  int number = 0;
  for (Element const& group : items_of(report, "group")) {
    Place const at{&place, "group", number++};
    Element const* const defined = find_group(*measure, group);
    if (defined == nullptr) {
      walk.fail(IssueType::business_rule, at, "the measure has no group of this code");
      continue;
    }
    int index = 0;
    for (Element const& population : items_of(group, "population")) {
      Place const below{&at, "population", index++};
      bool const is_known = std::ranges::any_of(items_of(*defined, "population"), [&](Element const& one) {
        return is_same_concept(one.find("code"), population.find("code"));
      });
      if (!is_known)
        walk.fail(IssueType::business_rule, below, "the measure's group has no population of this code");
      if (population.find("subjectResults") != nullptr && report.text_at("type") != "subject-list")
        walk.fail(IssueType::business_rule, below, "only a report of type subject-list lists its subjects");
    }
  }
}

}  // namespace fhir::validate
