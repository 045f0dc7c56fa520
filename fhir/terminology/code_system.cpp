#include "fhir/terminology/code_system.hpp"

#include "fhir/terminology/text.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace fhir::terminology {

void throw_exception_from_error(Failure const& failure, boost::source_location const&) {
  throw std::logic_error("a value was expected: " + to_line(failure.issue));
}

namespace {

using json::Element;

constexpr std::string_view kStandardsStatus =
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status";

struct OperatorName {
  std::string_view code;
  FilterOperator operation;
};

constexpr std::array<OperatorName, 11> kOperators{{{"=", FilterOperator::equal},
                                                   {"is-a", FilterOperator::is_a},
                                                   {"descendent-of", FilterOperator::descendent_of},
                                                   {"is-not-a", FilterOperator::is_not_a},
                                                   {"regex", FilterOperator::regex},
                                                   {"in", FilterOperator::in},
                                                   {"not-in", FilterOperator::not_in},
                                                   {"generalizes", FilterOperator::generalizes},
                                                   {"exists", FilterOperator::exists},
                                                   {"child-of", FilterOperator::child_of},
                                                   {"descendent-leaf", FilterOperator::descendent_leaf}}};

// What a designation may be used as and still be a name of the concept.
constexpr std::array<std::string_view, 5> kDisplayUses{
    "preferredForLanguage", "display", "consumer",
    "900000000000003001",   // SNOMED CT: fully specified name
    "900000000000013009"};  // SNOMED CT: synonym

bool is_concept_property(std::string_view name) { return name == "concept" || name == "code"; }

bool names_hierarchy(FilterOperator operation) {
  switch (operation) {
    case FilterOperator::is_a:
    case FilterOperator::descendent_of:
    case FilterOperator::is_not_a:
    case FilterOperator::generalizes:
    case FilterOperator::child_of:
    case FilterOperator::descendent_leaf:
      return true;
    default:
      return false;
  }
}

bool contains(std::vector<std::string> const& all, std::string_view one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

std::optional<FilterOperator> parse_filter_operator(std::string_view code) {
  auto const found = std::ranges::find(kOperators, code, &OperatorName::code);
  return found == kOperators.end() ? std::nullopt : std::optional(found->operation);
}

bool Designation::is_display() const {
  return use_code.empty() || std::ranges::find(kDisplayUses, use_code) != kDisplayUses.end();
}

Outcome<Filter> make_filter(std::string_view property, std::string_view operation, std::string_view value) {
  auto const known = parse_filter_operator(operation);
  if (!known) {
    return fail(IssueType::invalid, "There is no filter operator '" + std::string(operation) + "'",
                "vs-invalid");
  }
  Filter filter{std::string(property), *known, std::string(value), {}, {}};
  if (filter.operation == FilterOperator::in || filter.operation == FilterOperator::not_in) {
    for (std::string_view const part : split(value, ',')) filter.values.emplace_back(trimmed(part));
  }
  if (filter.operation == FilterOperator::regex) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    auto regex = std::make_shared<re2::RE2>(re2::StringPiece(value.data(), value.size()), options);
    if (!regex->ok()) {
      return fail(IssueType::invalid, "The regular expression of a filter cannot be read: " + regex->error(),
                  "vs-invalid");
    }
    filter.regex = std::move(regex);
  }
  return filter;
}

std::vector<Element const*> CodeSystem::extensions(ConceptId) const { return {}; }

Outcome<std::vector<ConceptId>> CodeSystem::descendants(ConceptId general, std::size_t count_max) const {
  std::vector<ConceptId> found = children(general);
  std::unordered_set<ConceptId> seen(found.begin(), found.end());
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (ConceptId const child : children(found[i])) {
      if (seen.insert(child).second) found.push_back(child);
    }
    if (found.size() > count_max)
      return fail(IssueType::too_costly, "The concepts below are too many", "too-costly",
                  "VALUESET_TOO_COSTLY");
  }
  return found;
}

Outcome<bool> CodeSystem::passes(Filter const& filter, ConceptId concept_id) const {
  if (names_hierarchy(filter.operation)) {
    if (!is_concept_property(filter.property))
      return fail(IssueType::not_supported,
                  "The filter operator needs the property concept, not '" + filter.property + "'",
                  "vs-invalid");
    auto const anchor = find(filter.value);
    if (!anchor) return filter.operation == FilterOperator::is_not_a;
    switch (filter.operation) {
      case FilterOperator::is_a:
        return is_a(concept_id, *anchor);
      case FilterOperator::is_not_a:
        return !is_a(concept_id, *anchor);
      case FilterOperator::descendent_of:
        return concept_id != *anchor && is_a(concept_id, *anchor);
      case FilterOperator::generalizes:
        return is_a(*anchor, concept_id);
      case FilterOperator::descendent_leaf:
        return concept_id != *anchor && is_a(concept_id, *anchor) && children(concept_id).empty();
      default: {
        auto const above = parents(concept_id);
        return std::ranges::find(above, *anchor) != above.end();
      }
    }
  }
  std::vector<std::string> values;
  if (is_concept_property(filter.property)) {
    values.push_back(code(concept_id));
  } else if (filter.property == "display") {
    values.push_back(display(concept_id));
  } else if (filter.property == "parent" || filter.property == "child") {
    for (ConceptId const other : filter.property == "parent" ? parents(concept_id) : children(concept_id))
      values.push_back(code(other));
  } else {
    for (Property const& property : properties(concept_id)) {
      if (property.code == filter.property) values.push_back(property.text);
    }
    if (filter.property == "inactive" && values.empty())
      values.emplace_back(is_inactive(concept_id) ? "true" : "false");
    if (filter.property == "notSelectable" && values.empty() && !is_abstract(concept_id))
      values.emplace_back("false");
  }
  switch (filter.operation) {
    case FilterOperator::equal:
      return contains(values, filter.value);
    case FilterOperator::in:
      return std::ranges::any_of(values, [&](auto const& value) { return contains(filter.values, value); });
    case FilterOperator::not_in:
      return std::ranges::none_of(values, [&](auto const& value) { return contains(filter.values, value); });
    case FilterOperator::exists:
      return values.empty() == (filter.value == "false");
    default:
      return std::ranges::any_of(
          values, [&](auto const& value) { return re2::RE2::FullMatch(value, *filter.regex); });
  }
}

Outcome<std::vector<ConceptId>> CodeSystem::select(std::vector<Filter> const& filters,
                                                   std::size_t count_max) const {
  // The hierarchy narrows what is looked at; the rest is asked of each concept.
  auto const narrowing = std::ranges::find_if(filters, [](Filter const& filter) {
    return filter.operation == FilterOperator::is_a || filter.operation == FilterOperator::descendent_of ||
           filter.operation == FilterOperator::child_of ||
           filter.operation == FilterOperator::descendent_leaf;
  });
  std::vector<ConceptId> candidates;
  if (narrowing != filters.end() && is_concept_property(narrowing->property)) {
    auto const anchor = find(narrowing->value);
    if (!anchor) return candidates;
    FHIR_TRY(candidates, descendants(*anchor, count_max));
    candidates.push_back(*anchor);
    std::ranges::sort(candidates);  // the anchor may stand below itself, where properties say so
    candidates.erase(std::ranges::unique(candidates).begin(), candidates.end());
  } else {
    candidates.resize(size());
    for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i] = static_cast<ConceptId>(i);
  }
  std::vector<ConceptId> passing;
  for (ConceptId const candidate : candidates) {
    bool all = true;
    for (Filter const& filter : filters) {
      FHIR_TRY(bool const one, passes(filter, candidate));
      all = all && one;
      if (!all) break;
    }
    if (!all) continue;
    passing.push_back(candidate);
    if (passing.size() > count_max)
      return fail(IssueType::too_costly, "The code system has too many concepts", "too-costly",
                  "VALUESET_TOO_COSTLY");
  }
  return passing;
}

AnyValue value_of(Element const& holder) {
  for (json::Member const& member : holder.members()) {
    if (!member.name.starts_with("value")) continue;
    if (member.name == "valueCoding")
      return {std::string(member.name), std::string(member.value.text_at("code")), &member.value};
    return {std::string(member.name), std::string(member.value.text()), &member.value};
  }
  return {};
}

Element const* find_extension(Element const& element, std::string_view url) {
  Element const* const list = element.find("extension");
  if (list == nullptr) return nullptr;
  for (Element const& extension : list->items()) {
    if (extension.text_at("url") == url) return &extension;
  }
  return nullptr;
}

namespace {

struct Row {
  Element const* element = nullptr;
  ConceptId subtree_end = 0;  // one past the last concept nested in this one
  std::optional<ConceptId> nested_in;
  std::vector<std::pair<Element const*, std::string>> supplements;  // the concept there, and "url|version"
};

class MemoryCodeSystem : public CodeSystem {
 public:
  MemoryCodeSystem(CodeSystemFacts facts, SharedElement resource, std::vector<SharedElement> supplements)
      : CodeSystem(std::move(facts)), resource_(std::move(resource)), supplements_(std::move(supplements)) {
    read_property_names();
    if (Element const* const list = resource_->find("concept")) add(*list, std::nullopt);
    link();
    for (SharedElement const& supplement : supplements_) add_supplement(*supplement);
  }

  std::size_t size() const override { return rows_.size(); }

  std::optional<ConceptId> find(std::string_view code) const override {
    auto const found = by_code_.find(this->facts().case_sensitive ? std::string(code) : folded(code));
    return found == by_code_.end() ? std::nullopt : std::optional(found->second);
  }
  std::string code(ConceptId id) const override { return std::string(rows_[id].element->text_at("code")); }
  std::string display(ConceptId id) const override {
    return std::string(rows_[id].element->text_at("display"));
  }
  std::string definition(ConceptId id) const override {
    return std::string(rows_[id].element->text_at("definition"));
  }

  bool is_inactive(ConceptId id) const override {
    std::string const status = property_text(id, status_property_);
    return property_text(id, inactive_property_) == "true" || status == "retired" || status == "inactive";
  }
  bool is_abstract(ConceptId id) const override { return property_text(id, abstract_property_) == "true"; }
  std::string status(ConceptId id) const override {
    std::string const said = property_text(id, status_property_);
    if (!said.empty()) return said;
    for (Element const* const extension : extensions(id)) {
      if (extension->text_at("url") == kStandardsStatus) return std::string(extension->text_at("valueCode"));
    }
    return {};
  }

  std::vector<Designation> designations(ConceptId id) const override {
    std::vector<Designation> all;
    add_designations(*rows_[id].element, {}, all);
    for (auto const& [element, source] : rows_[id].supplements) add_designations(*element, source, all);
    return all;
  }

  std::vector<Property> properties(ConceptId id) const override {
    std::vector<Property> all;
    for_each_part(id, "property", [&](Element const& property) {
      AnyValue value = value_of(property);
      all.push_back({std::string(property.text_at("code")), std::move(value.type), std::move(value.text)});
    });
    return all;
  }

  std::vector<ConceptId> parents(ConceptId id) const override {
    auto const found = parents_.find(id);
    std::vector<ConceptId> all = found == parents_.end() ? std::vector<ConceptId>{} : found->second;
    if (rows_[id].nested_in && std::ranges::find(all, *rows_[id].nested_in) == all.end())
      all.insert(all.begin(), *rows_[id].nested_in);
    return all;
  }

  std::vector<ConceptId> children(ConceptId id) const override {
    std::vector<ConceptId> all;
    for (ConceptId child = id + 1; child < rows_[id].subtree_end; child = rows_[child].subtree_end)
      all.push_back(child);
    auto const found = children_.find(id);
    if (found == children_.end()) return all;
    for (ConceptId const child : found->second) {
      if (std::ranges::find(all, child) == all.end()) all.push_back(child);
    }
    return all;
  }

  bool is_a(ConceptId specific, ConceptId general) const override {
    if (specific >= general && specific < rows_[general].subtree_end) return true;
    if (parents_.empty()) return false;
    std::vector<ConceptId> above{specific};
    std::unordered_set<ConceptId> seen{specific};
    for (std::size_t i = 0; i < above.size(); ++i) {
      if (above[i] == general) return true;
      for (ConceptId const parent : parents(above[i])) {
        if (seen.insert(parent).second) above.push_back(parent);
      }
    }
    return false;
  }

  std::vector<Element const*> extensions(ConceptId id) const override {
    std::vector<Element const*> all;
    for_each_part(id, "extension", [&](Element const& extension) { all.push_back(&extension); });
    return all;
  }

  std::vector<PropertyDefinition> property_definitions() const override {
    std::vector<PropertyDefinition> all;
    auto const add_from = [&](Element const& resource) {
      Element const* const list = resource.find("property");
      if (list == nullptr) return;
      for (Element const& property : list->items())
        all.push_back({std::string(property.text_at("code")), std::string(property.text_at("uri"))});
    };
    add_from(*resource_);
    for (SharedElement const& supplement : supplements_) add_from(*supplement);
    return all;
  }

 private:
  template <class Visit>
  void for_each_part(ConceptId id, std::string_view name, Visit visit) const {
    auto const visit_list = [&](Element const& concept_element) {
      Element const* const list = concept_element.find(name);
      if (list == nullptr) return;
      for (Element const& part : list->items()) visit(part);
    };
    visit_list(*rows_[id].element);
    for (auto const& [element, source] : rows_[id].supplements) visit_list(*element);
  }

  std::string property_text(ConceptId id, std::string const& name) const {
    std::string text;
    for_each_part(id, "property", [&](Element const& property) {
      if (text.empty() && property.text_at("code") == name) text = value_of(property).text;
    });
    return text;
  }

  static void add_designations(Element const& concept_element, std::string const& source,
                               std::vector<Designation>& all) {
    Element const* const list = concept_element.find("designation");
    if (list == nullptr) return;
    for (Element const& one : list->items()) {
      all.push_back({std::string(one.text_at("language")), std::string(one.text_at("value")),
                     std::string(one.text_of("use", "system")), std::string(one.text_of("use", "code")),
                     std::string(one.text_of("use", "display")), source, &one});
    }
  }

  /// A system may name the standard properties as it likes and tell them by uri.
  void read_property_names() {
    for (PropertyDefinition const& property : property_definitions()) {
      constexpr std::string_view kPrefix = "http://hl7.org/fhir/concept-properties#";
      if (!property.uri.starts_with(kPrefix)) continue;
      std::string_view const meaning = std::string_view(property.uri).substr(kPrefix.size());
      if (meaning == "status") status_property_ = property.code;
      if (meaning == "inactive") inactive_property_ = property.code;
      if (meaning == "notSelectable") abstract_property_ = property.code;
    }
  }

  void add(Element const& list, std::optional<ConceptId> nested_in) {
    for (Element const& element : list.items()) {
      auto const id = static_cast<ConceptId>(rows_.size());
      rows_.push_back({&element, 0, nested_in, {}});
      std::string_view const code = element.text_at("code");
      by_code_.emplace(facts().case_sensitive ? std::string(code) : folded(code), id);
      if (Element const* const below = element.find("concept")) add(*below, id);
      rows_[id].subtree_end = static_cast<ConceptId>(rows_.size());
    }
  }

  /// Parents and children told by properties instead of nesting.
  void link() {
    for (ConceptId id = 0; id < rows_.size(); ++id) {
      for_each_part(id, "property", [&](Element const& property) {
        std::string_view const name = property.text_at("code");
        bool const is_parent = name == "parent" || name == "subsumedBy";
        if (!is_parent && name != "child") return;
        auto const other = find(value_of(property).text);
        if (!other || *other == id) return;
        link(is_parent ? id : *other, is_parent ? *other : id);
      });
    }
  }

  void link(ConceptId child, ConceptId parent) {
    if (rows_[child].nested_in == parent) return;
    auto& above = parents_[child];
    if (std::ranges::find(above, parent) != above.end()) return;
    above.push_back(parent);
    children_[parent].push_back(child);
  }

  void add_supplement(Element const& supplement) {
    Canonical const canonical{std::string(supplement.text_at("url")),
                              std::string(supplement.text_at("version"))};
    if (Element const* const list = supplement.find("concept"))
      add_supplement_concepts(*list, canonical.text());
  }

  void add_supplement_concepts(Element const& list, std::string const& source) {
    for (Element const& element : list.items()) {
      if (auto const id = find(element.text_at("code")))
        rows_[*id].supplements.emplace_back(&element, source);
      if (Element const* const below = element.find("concept")) add_supplement_concepts(*below, source);
    }
  }

  SharedElement resource_;
  std::vector<SharedElement> supplements_;
  std::vector<Row> rows_;
  std::unordered_map<std::string, ConceptId> by_code_;
  std::unordered_map<ConceptId, std::vector<ConceptId>> parents_;
  std::unordered_map<ConceptId, std::vector<ConceptId>> children_;
  std::string status_property_ = "status";
  std::string inactive_property_ = "inactive";
  std::string abstract_property_ = "notSelectable";
};

}  // namespace

std::shared_ptr<CodeSystem const> make_code_system(SharedElement resource,
                                                   std::vector<SharedElement> supplements) {
  CodeSystemFacts facts;
  facts.url = resource->text_at("url");
  facts.version = resource->text_at("version");
  facts.name = resource->text_at("name");
  facts.language = resource->text_at("language");
  facts.case_sensitive = resource->text_at("caseSensitive") != "false";
  std::string_view const content = resource->text_at("content");
  facts.is_fragment = content == "fragment" || content == "example";
  facts.status = resource->text_at("status");
  facts.experimental = resource->text_at("experimental") == "true";
  if (Element const* const status = find_extension(*resource, kStandardsStatus))
    facts.standards_status = status->text_at("valueCode");
  for (SharedElement const& supplement : supplements) {
    facts.supplements.push_back(
        Canonical{std::string(supplement->text_at("url")), std::string(supplement->text_at("version"))}
            .text());
  }
  return std::make_shared<MemoryCodeSystem>(std::move(facts), std::move(resource), std::move(supplements));
}

}  // namespace fhir::terminology
