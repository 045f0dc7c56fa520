/// One validation under way: where it stands, what it has found. Parts in walk.cpp (the elements),
/// slicing.cpp, values.cpp (fixed, pattern, bindings), references.cpp, extensions.cpp; rules of single
/// resources in bundle_rules.cpp, questionnaire_rules.cpp and the like.
#pragma once

#include "fhir/path/path.hpp"
#include "fhir/validate/validator.hpp"

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace fhir::validate {

using path::Item;
using profiles::Profile;
using profiles::Shape;
using profiles::TypeRule;

/// Where the walk stands; a chain on the call stack, spelled out only when something is wrong.
struct Place {
  Place const* parent = nullptr;
  std::string_view name;
  int index = -1;
};

std::string to_expression(Place const& place);

/// The resource that the walk is in, and those around it.
struct Surroundings {
  json::Element const* resource = nullptr;
  json::Element const* container =
      nullptr;                           ///< Of a contained resource the one that contains it, else itself.
  Surroundings const* outer = nullptr;   ///< The Bundle or Parameters around it.
  json::Element const* entry = nullptr;  ///< The Bundle entry or Parameters part it stands in.
  Place const* place = nullptr;
};

using Shapes = std::vector<Shape const*>;

class Walk {
 public:
  Walk(profiles::Profiles const& profiles, Options const& options, Issues& issues);

  void run(json::Element const& resource);

  // What the parts of the walk share.
  void report(Severity severity, IssueType code, Place const& place, std::string text);
  void fail(IssueType code, Place const& place, std::string text) {
    report(Severity::error, code, place, std::move(text));
  }
  bool spend(std::uint64_t work);
  profiles::Profiles const& profiles() const { return profiles_; }
  Options const& options() const { return options_; }

  /// What a reference leads to, from where the walk is.
  struct Target {
    json::Element const* resource = nullptr;
    enum class Where : unsigned char { nowhere, contained, bundled, outside } where = Where::nowhere;
    Surroundings const* around = nullptr;  ///< Of what is bundled: the Bundle's.
    json::Element const* entry = nullptr;
    std::size_t matches = 0;
  };
  Target find_target(std::string_view reference, Surroundings const& here) const;

  /// Whether the item is valid against a profile; what is found on the way is forgotten.
  bool conforms(Item const& item, Shape const& shape, Place const& place, Surroundings const& here);

  /// What expressions may ask from where the walk is; valid as long as all that is given.
  path::Services services_at(Place const& place, Surroundings const& here,
                             packages::Loaded const* const& from);

 private:
  friend class Slicer;

  /// The entries of a Bundle by fullUrl; those without one by "Type/id".
  struct EntryIndex {
    std::multimap<std::string, json::Element const*> by_url;
    std::multimap<std::string, json::Element const*> by_name;
  };
  EntryIndex const& index_of(json::Element const& bundle) const;

  void visit(Item const& item, Shapes shapes, Place const& place, Surroundings const& here);
  void visit_in(Item const& item, Shapes& shapes, Place const& place, Surroundings const& here);
  void add_claimed(Item const& item, Shapes& shapes, Place const& place);
  void add_profile(std::string_view canonical, Item const& item, Shapes& shapes, Place const& place,
                   bool is_asked);
  void add_of_types(Item const& item, Shapes& shapes, Place const& place, Surroundings const& here);
  void visit_children(Item const& item, Shapes const& shapes, Place const& place, Surroundings const& here);
  void count(Shape const& shape, std::size_t found, Place const& place);

  // Constraints
  void check_constraints(Item const& item, Shapes const& shapes, Place const& place,
                         Surroundings const& here);
  void check_constraint(profiles::Constraint const& constraint, Item const& item, Place const& place,
                        Surroundings const& here, path::Services const& services);
  json::Element const* element_definition_of(Item const& node) const;
  // values.cpp
  void check_values(Item const& item, Shapes const& shapes, Place const& place);
  void check_bindings(Item const& item, Shapes const& shapes, Place const& place);
  void check_binding(Item const& item, Shape const& shape, Place const& place);
  void check_coding(Item const& item, Place const& place);
  void check_attachment(Item const& item, Place const& place);
  // references.cpp
  void check_reference(Item const& item, Shapes const& shapes, Place const& place, Surroundings const& here);
  bool fits_target(Target const& target, std::vector<std::string_view> const& profiles, Place const& place);
  // extensions.cpp
  void check_extension(Item const& item, Shapes& shapes, Place const& place, Surroundings const& here,
                       Item const* parent, bool is_modifier);
  void check_context(Profile const& profile, Place const& place, Surroundings const& here,
                     Item const& parent);
  // rules of single resources
  void check_resource_rules(Item const& item, Place const& place, Surroundings const& here);

  profiles::Profiles const& profiles_;
  Options const& options_;
  Issues& issues_;
  std::size_t first_;
  std::uint64_t work_ = 0;
  std::uint64_t next_look_ = 0;
  bool is_over_ = false;
  unsigned guesses_ = 0;  // speculative walks on the stack
  json::Arena arena_;
  mutable std::map<json::Element const*, EntryIndex> indexes_;
  std::map<std::pair<void const*, void const*>, int> known_;  // conforms(): 0 under way, 1 yes, 2 no
  std::set<std::string> named_;                               // profiles that were said to be unknown
  std::vector<Item const*> parents_;                          // of the element that is visited
};

/// The codes that an element of a bindable type has; nullopt when the type is none.
std::optional<std::vector<CodedValue>> codes_of(Item const& item);
/// Whether `value` has everything that `pattern` has.
bool matches_pattern(json::Element const& value, json::Element const& pattern);
bool equals_fixed(json::Element const& value, json::Element const& fixed);

/// Rules of single resources.
void check_bundle(Walk& walk, json::Element const& bundle, Place const& place, Surroundings const& here);
void check_identities(Walk& walk, json::Element const& resource, Place const& place);
void check_measure_report(Walk& walk, json::Element const& report, Place const& place);
void check_structure_definition(Walk& walk, json::Element const& definition, Place const& place);
void check_questionnaire_response(Walk& walk, json::Element const& response, Place const& place,
                                  Surroundings const& here);

}  // namespace fhir::validate
