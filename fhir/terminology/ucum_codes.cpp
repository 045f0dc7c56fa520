#include "fhir/terminology/ucum_codes.hpp"

#include "fhir/ucum/ucum.hpp"

#include <algorithm>
#include <mutex>

namespace fhir::terminology {

namespace {

constexpr std::string_view kVersion = "2.0.1";  // of the essence file that fhir/ucum is made from

CodeSystemFacts facts_of_ucum() {
  CodeSystemFacts facts;
  facts.url = kUcum;
  facts.version = kVersion;
  facts.name = "UCUM";
  facts.status = "active";
  return facts;
}

class UcumCodes : public CodeSystem {
 public:
  UcumCodes() : CodeSystem(facts_of_ucum()) {}

  std::size_t size() const override { return 0; }
  std::optional<ConceptId> find(std::string_view code) const override {
    auto const unit = ucum::parse(code);
    if (!unit) return std::nullopt;
    std::lock_guard const lock(mutex_);
    auto const known = std::ranges::find(asked_, code, &Asked::code);
    if (known != asked_.end()) return static_cast<ConceptId>(known - asked_.begin());
    asked_.push_back({std::string(code), *unit});
    return static_cast<ConceptId>(asked_.size() - 1);
  }
  std::string code(ConceptId id) const override { return asked(id).code; }
  std::string display(ConceptId) const override { return {}; }
  std::string definition(ConceptId) const override { return {}; }
  bool is_inactive(ConceptId) const override { return false; }
  bool is_abstract(ConceptId) const override { return false; }
  std::string status(ConceptId) const override { return {}; }
  std::vector<Designation> designations(ConceptId) const override { return {}; }
  std::vector<Property> properties(ConceptId id) const override {
    return {{"canonical", "valueCode", ucum::canonical_code(asked(id).unit)}};
  }
  std::vector<ConceptId> parents(ConceptId) const override { return {}; }
  std::vector<ConceptId> children(ConceptId) const override { return {}; }
  bool is_a(ConceptId specific, ConceptId general) const override { return specific == general; }
  std::vector<PropertyDefinition> property_definitions() const override {
    return {{"canonical", "http://unitsofmeasure.org#canonical"}};
  }

  /// "canonical = m": whatever measures what the value does. R4's all-time-units names "a", which is no base
  /// unit.
  Outcome<bool> passes(Filter const& filter, ConceptId id) const override {
    if (filter.property != "canonical" || filter.operation != FilterOperator::equal)
      return CodeSystem::passes(filter, id);
    auto const wanted = ucum::parse(filter.value);
    if (!wanted)
      return fail(IssueType::invalid, "The filter's value '" + filter.value + "' is no unit of UCUM",
                  "vs-invalid");
    return comparable(asked(id).unit, *wanted);
  }
  Outcome<std::vector<ConceptId>> select(std::vector<Filter> const&, std::size_t) const override {
    return fail(IssueType::too_costly, "UCUM is a grammar: its codes cannot be listed", "too-costly",
                "VALUESET_TOO_COSTLY");
  }

 private:
  struct Asked {
    std::string code;
    ucum::Unit unit;
  };
  Asked asked(ConceptId id) const {
    std::lock_guard const lock(mutex_);
    return asked_.at(id);
  }

  mutable std::mutex mutex_;
  mutable std::vector<Asked> asked_;
};

}  // namespace

std::shared_ptr<CodeSystem const> make_ucum() { return std::make_shared<UcumCodes>(); }

}  // namespace fhir::terminology
