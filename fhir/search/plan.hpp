/// The expressions of one resource type's search parameters, merged into one tree that a single walk follows.
/// A specialisation of fhir/path for one task: all parameters of a type in one walk, without a collection per
/// step. A test holds it against that engine, expression by expression, on every official example
/// (tests/fhir/path/search_parameters_test.cpp); validate_bench shows what it saves. Used by values.cpp;
/// compiled from definitions.hpp once, at first use, and constant from then on.
#pragma once

#include "fhir/definitions/definitions.hpp"
#include "fhir/search/expression.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace fhir::search {

/// What must hold of an item for a branch to be followed.
struct Condition {
  enum class Kind : std::uint8_t { none, equals, resolves, first_item };
  Kind kind = Kind::none;
  std::string_view name;
  std::string_view text;

  friend bool operator==(Condition const&, Condition const&) = default;
};

struct Plan {
  /// What to do with a value that was reached.
  struct Action {
    definitions::SearchParameter const* parameter;
    bool only_existence;  ///< index whether the value is there and not false
    // Of the plan that the index is made by; see sources.hpp. What these name is kept under other parameters.
    std::string_view kept_target = {};              ///< references that name this type
    std::vector<std::string_view> kept_parts = {};  ///< parts of a name or an address

    friend bool operator==(Action const&, Action const&) = default;
  };
  struct Branch {
    definitions::ElementDefinition const* element;
    Condition condition;
    std::uint32_t node;
  };
  /// A place in the resource: what is found there and where it goes on, branches sorted by element.
  struct Node {
    definitions::TypeDefinition const* type;
    std::vector<Action> actions;
    std::vector<Branch> branches;
  };
  /// One component of a composite: paths relative to the composing element, or from the resource.
  struct Component {
    definitions::SearchParameter const* parameter;
    std::vector<PathExpression> paths;
  };

  std::vector<Node> nodes;  ///< nodes[0] is the resource.
  /// Parameters whose absence means false, as Patient.deceased.
  std::vector<definitions::SearchParameter const*> existence;
};

/// The plan of a resource type; nullptr when there is no such type.
Plan const* find_plan(std::string_view resource_type);

/// The types that a reference parameter of a resource type can lead to: what its elements and `resolve() is`
/// allow, which is less than SearchParameter.targets says where one definition serves many types. All types
/// where any may be.
std::vector<definitions::TypeDefinition const*> targets_of(std::string_view resource_type,
                                                           definitions::SearchParameter const& parameter);

/// The components of a composite parameter, parsed.
std::vector<Plan::Component> const& components_of(definitions::SearchParameter const& composite);

/// Whether the type is what an `as` names: same name but for the case of the first letter (R4 has "as
/// DateTime").
bool is_named(definitions::TypeDefinition const& type, std::string_view name);

}  // namespace fhir::search
