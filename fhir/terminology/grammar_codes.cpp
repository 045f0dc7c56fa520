#include "fhir/terminology/grammar_codes.hpp"

#include "fhir/ucum/ucum.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <mutex>

namespace fhir::terminology {

namespace {

constexpr std::string_view kUcum = "http://unitsofmeasure.org";
constexpr std::string_view kMediaTypes = "urn:ietf:bcp:13";
constexpr std::string_view kLanguages = "urn:ietf:bcp:47";

/// Also the short words that R4's CapabilityStatement.format takes for formats.
bool is_media_type(std::string_view code) {
  static re2::RE2 const pattern(
      R"re((?i)[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9*][a-z0-9!#$&^_.+-]*)re"
      R"re(( ?; ?[a-z0-9!#$%&'*+.^_`|~-]+=([a-z0-9!#$%&'*+.^_`|~:/-]+|"[^"]*"))*|xml|json|ttl|html)re");
  return re2::RE2::FullMatch(code, pattern);
}

/// Well formed, and with a language subtag as the registry has them: of two or three letters.
bool is_language(std::string_view code) {
  static re2::RE2 const pattern(
      R"re((?i)[a-z]{2,3}(-[a-z]{3}){0,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?)re"
      R"re((-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(-[0-9a-wy-z](-[a-z0-9]{2,8})+)*(-x(-[a-z0-9]{1,8})+)?)re"
      R"re(|x(-[a-z0-9]{1,8})+|i-[a-z]+)re");
  return re2::RE2::FullMatch(code, pattern);
}

bool is_unit(std::string_view code) { return ucum::parse(code).has_value(); }

CodeSystemFacts facts_of(std::string_view url, std::string_view version, std::string_view name) {
  CodeSystemFacts facts;
  facts.url = url;
  facts.version = version;
  facts.name = name;
  facts.status = "active";
  return facts;
}

class GrammarCodes : public CodeSystem {
 public:
  GrammarCodes(CodeSystemFacts facts, bool (*is_code)(std::string_view))
      : CodeSystem(std::move(facts)), is_code_(is_code) {}

  std::size_t size() const override { return 0; }
  std::optional<ConceptId> find(std::string_view code) const override {
    if (!is_code_(code)) return std::nullopt;
    std::lock_guard const lock(mutex_);
    auto const known = std::ranges::find(asked_, code);
    if (known != asked_.end()) return static_cast<ConceptId>(known - asked_.begin());
    asked_.emplace_back(code);
    return static_cast<ConceptId>(asked_.size() - 1);
  }
  std::string code(ConceptId id) const override {
    std::lock_guard const lock(mutex_);
    return asked_.at(id);
  }
  std::string display(ConceptId) const override { return {}; }
  std::string definition(ConceptId) const override { return {}; }
  bool is_inactive(ConceptId) const override { return false; }
  bool is_abstract(ConceptId) const override { return false; }
  std::string status(ConceptId) const override { return {}; }
  std::vector<Designation> designations(ConceptId) const override { return {}; }
  std::vector<Property> properties(ConceptId) const override { return {}; }
  std::vector<ConceptId> parents(ConceptId) const override { return {}; }
  std::vector<ConceptId> children(ConceptId) const override { return {}; }
  bool is_a(ConceptId specific, ConceptId general) const override { return specific == general; }
  std::vector<PropertyDefinition> property_definitions() const override { return {}; }
  Outcome<std::vector<ConceptId>> select(std::vector<Filter> const&, std::size_t) const override {
    return fail(IssueType::too_costly,
                "The code system '" + facts().url + "' is a grammar: its codes cannot be listed",
                "too-costly", "VALUESET_TOO_COSTLY");
  }

 private:
  bool (*is_code_)(std::string_view);
  mutable std::mutex mutex_;
  mutable std::vector<std::string> asked_;
};

class UcumCodes : public GrammarCodes {
 public:
  // The version is that of the essence file that fhir/ucum is made from.
  UcumCodes() : GrammarCodes(facts_of(kUcum, "2.0.1", "UCUM"), is_unit) {}

  std::vector<Property> properties(ConceptId id) const override {
    auto const unit = ucum::parse(code(id));
    if (!unit) return {};
    return {{"canonical", "valueCode", ucum::canonical_code(*unit)}};
  }
  std::vector<PropertyDefinition> property_definitions() const override {
    return {{"canonical", "http://unitsofmeasure.org#canonical"}};
  }

  /// "canonical = m": whatever measures what the value does. R4's all-time-units names "a", no base unit.
  Outcome<bool> passes(Filter const& filter, ConceptId id) const override {
    if (filter.property != "canonical" || filter.operation != FilterOperator::equal)
      return CodeSystem::passes(filter, id);
    auto const wanted = ucum::parse(filter.value);
    auto const unit = ucum::parse(code(id));
    if (!wanted)
      return fail(IssueType::invalid, "The filter's value '" + filter.value + "' is no unit of UCUM",
                  "vs-invalid");
    return unit && comparable(*unit, *wanted);
  }
};

}  // namespace

std::shared_ptr<CodeSystem const> make_grammar(std::string_view url) {
  if (url == kUcum) return std::make_shared<UcumCodes>();
  if (url == kMediaTypes)
    return std::make_shared<GrammarCodes>(facts_of(url, {}, "MediaTypes"), is_media_type);
  if (url == kLanguages) return std::make_shared<GrammarCodes>(facts_of(url, {}, "Languages"), is_language);
  return nullptr;
}

}  // namespace fhir::terminology
