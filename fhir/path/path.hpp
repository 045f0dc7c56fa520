/// FHIRPath: compiled once, evaluated over parsed resources, without exceptions and within a budget.
/// Source: FHIRPath N1 (http://hl7.org/fhirpath/N1) with the R4 supplements (R4 fhirpath.html).
///
/// An Expression is immutable and may be shared by threads. Results point into the resource, the arena that
/// was given, and the expression; they live as long as all three. Order of work: parser.cpp makes nodes,
/// check.cpp finds what cannot be meant on a type, evaluator.cpp runs them; functions_*.cpp hold one function
/// of the language each.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/element.hpp"
#include "fhir/path/collection.hpp"
#include "fhir/path/item.hpp"
#include "fhir/result.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace fhir::path {

/// A resource or element as the root to evaluate on. The type is read from resourceType, or given.
Item root_item(json::Element const& resource);
Item root_item(json::Element const& element, definitions::TypeDefinition const& type);

/// What an evaluation may ask of the world outside the resource. Every member may be left empty: the
/// functions that need it then fail with not_supported, except resolve(), which gives nothing.
struct Services {
  /// A resource by reference text ("Patient/1", "urn:uuid:..."); nullptr when unknown. Contained resources
  /// and Bundle entries are found without it.
  std::function<json::Element const*(std::string_view reference)> resolve;
  /// Whether the code, Coding or CodeableConcept is in the value set. Errors: not_found (no such value set).
  std::function<Result<bool>(std::string_view value_set, Item const& coded)> member_of;
  /// Whether system|code `general` subsumes `specific`.
  std::function<Result<bool>(Item const& general, Item const& specific)> subsumes;
  /// %terminologies: an operation by its FHIRPath name ("expand", "validateVS" ...) on a Parameters resource;
  /// what it gives lies in the arena. nullptr: it has no answer (unknown value set, code system or code).
  std::function<Result<json::Element const*>(std::string_view operation, json::Element const& parameters,
                                             json::Arena& arena)>
      terminology;
  /// Whether the node is valid against a profile. Errors: not_found (no such profile).
  std::function<Result<bool>(std::string_view profile, Item const& node)> conforms_to;
  /// The ElementDefinition that R4 has for the node; nullptr: there is none.
  std::function<json::Element const*(Item const& node)> element_definition;
  /// Whether the node belongs to a slice of a profile. Errors: not_found (no such profile or slice).
  std::function<Result<bool>(std::string_view profile, std::string_view slice, Item const& node)> in_slice;
  /// What trace() is told: the name, and how many items; values are the caller's own to see.
  std::function<void(std::string_view name, Collection const& items)> trace;
};

struct Environment {
  json::Element const* resource = nullptr;       ///< %resource; the root item's own when nullptr
  json::Element const* root_resource = nullptr;  ///< %rootResource; %resource when nullptr
  std::string_view now;  ///< "2026-01-31T10:00:00.000Z"; now(), today(), timeOfDay() need it
  Services const* services = nullptr;
  /// as() over several items gives those of the type, as `as` does. N1 calls it an error; R4's own invariants
  /// are written so (dom-3: `descendants().as(uri)`).
  bool casts_many = false;
  std::uint64_t step_max = 10'000'000;     ///< Items touched before too_costly.
  std::size_t collection_max = 1'000'000;  ///< Items in one collection before too_costly.
  /// Asked every few thousand steps; true ends the evaluation with too_costly.
  std::function<bool()> out_of_time;
};

struct Program;

class Expression {
 public:
  /// Errors: invalid, naming the character; not_found for an unknown function or a wrong number of arguments;
  /// too_costly for more than 64 KiB or 128 levels.
  static Result<Expression> compile(std::string_view text);

  /// Evaluates on one item; see the class comment for lifetimes. Errors: processing (what the language calls
  /// an error: a wrong type, several items where one is needed), too_costly, not_supported.
  Result<Collection> evaluate(Item const& focus, Environment const& environment, json::Arena& arena) const;
  /// The same as a condition: empty is false; one item that is no boolean is true. Errors: as above, and
  /// several items.
  Result<bool> holds(Item const& focus, Environment const& environment, json::Arena& arena) const;

  /// What cannot be meant when the focus is of this type: an element that it has not, an operator or function
  /// on types that it does not take, order asked of what has none. Errors only; empty when all is well.
  Issues check(definitions::TypeDefinition const& focus) const;

  std::string_view text() const;

 private:
  explicit Expression(std::shared_ptr<Program const> program) : program_(std::move(program)) {}
  std::shared_ptr<Program const> program_;
};

/// The name of an item's type as FHIRPath tells it: "FHIR.Patient", "System.Boolean".
std::string type_name(Item const& item);
/// An item as JSON text: a node's own, else a number, a boolean or a string; quantities as
/// {"value":..,"unit":..}.
std::string to_json(Item const& item);
/// An item as toString() gives it; nullopt for nodes that are no primitives.
std::optional<std::string> to_text(Item const& item);

}  // namespace fhir::path
