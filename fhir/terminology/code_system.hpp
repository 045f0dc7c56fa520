/// A code system: its concepts by code, their hierarchy, and what filters ask of them.
/// Source: R4 codesystem.html, valueset-filter-operator.
///
/// Concepts are numbers below size(), good for one CodeSystem. The common ones stand in memory
/// (make_code_system); large ones of release files stand on disk (gateway/terminology). All are immutable and
/// may be shared by threads.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/terminology/failure.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace fhir::terminology {

using ConceptId = std::uint32_t;

struct Designation {
  std::string language;
  std::string value;
  std::string use_system;
  std::string use_code;
  std::string use_display;
  std::string source;  ///< The supplement that brings it, "url|version"; "" for the system itself.
  json::Element const* element = nullptr;  ///< As it stands in a resource; nullptr where it stands in none.

  /// Whether it is a name to show, not a description, an abbreviation or the like.
  bool is_display() const;
};

struct Property {
  std::string code;
  std::string type;  ///< Of the value: "valueCode", "valueBoolean", "valueCoding" ...
  std::string text;  ///< The value; the code of a Coding.
};

struct PropertyDefinition {
  std::string code;
  std::string uri;
};

enum class FilterOperator : std::uint8_t {
  equal,
  is_a,
  descendent_of,
  is_not_a,
  regex,
  in,
  not_in,
  generalizes,
  exists,
  child_of,         // of R5, which R4 value sets carry too
  descendent_leaf,  // of R5
};

/// "is-a" and the like; nullopt for what no version of FHIR has.
std::optional<FilterOperator> parse_filter_operator(std::string_view code);

struct Filter {
  std::string property;
  FilterOperator operation = FilterOperator::equal;
  std::string value;
  std::vector<std::string> values;        ///< in, not-in: the value's parts.
  std::shared_ptr<re2::RE2 const> regex;  ///< regex
};

/// Errors: vs-invalid (no such operator, a value that is no regular expression).
Outcome<Filter> make_filter(std::string_view property, std::string_view operation, std::string_view value);

struct CodeSystemFacts {
  std::string url;
  std::string version;
  std::string name;
  std::string language;
  bool case_sensitive = true;
  bool is_fragment = false;  ///< content is fragment or example: what it lacks may still be a code.
  std::string status;
  bool experimental = false;
  std::string standards_status;
  std::vector<std::string> supplements;  ///< "url|version" of those taken in.

  std::string canonical() const { return version.empty() ? url : url + '|' + version; }
};

class CodeSystem {
 public:
  virtual ~CodeSystem() = default;

  CodeSystemFacts const& facts() const { return facts_; }
  virtual std::size_t size() const = 0;
  /// By the system's own rule about case.
  virtual std::optional<ConceptId> find(std::string_view code) const = 0;
  virtual std::string code(ConceptId concept_id) const = 0;
  virtual std::string display(ConceptId concept_id) const = 0;
  virtual std::string definition(ConceptId concept_id) const = 0;
  virtual bool is_inactive(ConceptId concept_id) const = 0;
  virtual bool is_abstract(ConceptId concept_id) const = 0;
  /// "retired", "deprecated", "inactive" ...; "" when nothing is said.
  virtual std::string status(ConceptId concept_id) const = 0;
  virtual std::vector<Designation> designations(ConceptId concept_id) const = 0;
  virtual std::vector<Property> properties(ConceptId concept_id) const = 0;
  virtual std::vector<ConceptId> parents(ConceptId concept_id) const = 0;
  virtual std::vector<ConceptId> children(ConceptId concept_id) const = 0;
  /// Whether `specific` is `general` or below it.
  virtual bool is_a(ConceptId specific, ConceptId general) const = 0;
  /// Everything below, each once. Errors: too_costly (more than `count_max`).
  virtual Outcome<std::vector<ConceptId>> descendants(ConceptId general, std::size_t count_max) const;
  /// Extensions on the concept, those of supplements included.
  virtual std::vector<json::Element const*> extensions(ConceptId concept_id) const;
  virtual std::vector<PropertyDefinition> property_definitions() const = 0;

  /// Whether the concept passes. Errors: vs-invalid (a filter that this system does not know).
  virtual Outcome<bool> passes(Filter const& filter, ConceptId concept_id) const;
  /// All that pass every filter, in the system's order. Errors: too_costly, and as above.
  virtual Outcome<std::vector<ConceptId>> select(std::vector<Filter> const& filters,
                                                 std::size_t count_max) const;

 protected:
  explicit CodeSystem(CodeSystemFacts facts) : facts_(std::move(facts)) {}

 private:
  CodeSystemFacts facts_;
};

/// A CodeSystem resource, which may be shared; it and its supplements are kept alive.
using SharedElement = std::shared_ptr<json::Element const>;
std::shared_ptr<CodeSystem const> make_code_system(SharedElement resource,
                                                   std::vector<SharedElement> supplements = {});

/// The text of any value[x] of an element, and which it is ("valueCode"); a Coding's code.
struct AnyValue {
  std::string type;
  std::string text;
  json::Element const* element = nullptr;
};
AnyValue value_of(json::Element const& holder);

/// The extension of that url, or nullptr.
json::Element const* find_extension(json::Element const& element, std::string_view url);

}  // namespace fhir::terminology
