/// A snapshot made ready to judge by: a tree of Shapes, its invariants compiled once for all profiles.
/// Source: R4 elementdefinition.html, profiling.html.
#pragma once

#include "fhir/path/path.hpp"
#include "fhir/profiles/snapshot.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fhir::profiles {

/// One invariant. The same key and expression in several profiles is one Constraint, so that it is judged
/// once.
struct Constraint {
  std::string_view key;
  std::string_view human;
  Severity severity = Severity::error;
  std::optional<path::Expression> expression;
  std::string broken;          ///< Why there is no expression: it could not be compiled.
  bool is_structural = false;  ///< Said of every element and judged by the structure itself: ele-1, ext-1.
};

enum class Strength : std::uint8_t { example, preferred, extensible, required };

struct Binding {
  Strength strength = Strength::example;
  std::string_view value_set;
  std::string_view max_value_set;  ///< Of the extension elementdefinition-maxValueSet, "".
};

struct TypeRule {
  std::string_view code;                      ///< "Reference", "string"
  std::vector<std::string_view> profiles;     ///< "url", or "url#element.id" where only a part is meant
  std::vector<std::string_view> targets;      ///< targetProfile
  std::vector<std::string_view> aggregation;  ///< "contained", "referenced", "bundled"
  std::string_view versioning;
};

enum class DiscriminatorKind : std::uint8_t { value, exists, pattern, type, profile };

struct Discriminator {
  DiscriminatorKind kind = DiscriminatorKind::value;
  std::string_view path;
};

struct Slicing {
  std::vector<Discriminator> discriminators;
  bool ordered = false;
  enum class Rules : std::uint8_t { open, closed, open_at_end } rules = Rules::open;
};

struct Profile;

/// One ElementDefinition.
struct Shape {
  std::string_view id;
  std::string_view name;   ///< FHIRPath name: "value" for value[x].
  std::string_view slice;  ///< "" when it is none.
  Profile const* profile = nullptr;
  json::Element const* definition = nullptr;
  bool is_choice = false;
  std::uint32_t min = 0;
  std::uint32_t max = UINT32_MAX;
  std::vector<TypeRule> types;
  std::optional<Binding> binding;
  std::vector<Constraint const*> constraints;
  json::Element const* fixed = nullptr;
  json::Element const* pattern = nullptr;
  json::Element const* min_value = nullptr;
  json::Element const* max_value = nullptr;
  std::uint32_t max_length = 0;  ///< 0: none
  std::optional<Slicing> slicing;
  std::string_view content_reference;            ///< "Questionnaire.item"
  std::vector<std::unique_ptr<Shape>> children;  ///< Empty: what the type says.
  std::vector<std::unique_ptr<Shape>> slices;
  Shape const* reference = nullptr;  ///< Where content_reference leads.

  Shape const* child(std::string_view child_name) const;
};

struct Profile {
  packages::Entry const* entry = nullptr;
  json::Element const* structure = nullptr;
  std::string_view url, version, type, kind;
  bool is_constraint = false;
  Shape root;
  std::deque<std::string> texts;  ///< What the shapes view into and stands nowhere else.
  /// "url|version", as it is named to a person.
  std::string name() const;
};

class Profiles {
 public:
  explicit Profiles(std::shared_ptr<packages::Library const> library);
  Profiles(Profiles const&) = delete;
  Profiles& operator=(Profiles const&) = delete;
  ~Profiles();

  packages::Library const& library() const { return snapshots_.library(); }
  Snapshots const& snapshots() const { return snapshots_; }

  /// Ready to judge by; made when first asked for, by any thread. Errors: not_found, and those of Snapshots.
  Result<Profile const*> find(std::string_view canonical, packages::Loaded const* from = nullptr) const;
  /// What a type rule's profile means: its root, or the element that "url#element.id" names.
  Result<Shape const*> find_shape(std::string_view canonical, packages::Loaded const* from = nullptr) const;
  /// R4's own definition of a type; nullptr when there is none.
  Profile const* find_type(std::string_view type) const;

 private:
  friend class Compiler;
  Constraint const* intern(json::Element const& constraint) const;
  Result<Profile const*> compile(packages::Entry const& entry) const;

  Snapshots snapshots_;
  mutable std::recursive_mutex mutex_;
  mutable std::unordered_map<packages::Entry const*, std::unique_ptr<Profile>> profiles_;
  mutable std::unordered_map<packages::Entry const*, Issue> failed_;
  mutable std::unordered_map<std::string, Profile const*> types_;
  mutable std::unordered_map<std::string, std::unique_ptr<Constraint>> constraints_;
};

}  // namespace fhir::profiles
