/// One operation at work: what it was asked, what it has found, what it has used up.
#pragma once

#include "fhir/terminology/language.hpp"
#include "fhir/terminology/parameters.hpp"
#include "fhir/terminology/terminology.hpp"
#include "fhir/terminology/text.hpp"

#include <list>
#include <map>
#include <set>
#include <shared_mutex>

namespace fhir::terminology {

class Terminology::Cache {
 public:
  std::shared_ptr<CodeSystem const> find_code_system(std::string const& key);
  std::shared_ptr<ValueSet const> find_value_set(std::string const& key);
  void keep(std::string const& key, std::shared_ptr<CodeSystem const> system);
  void keep(std::string const& key, std::shared_ptr<ValueSet const> value_set);

 private:
  /// Forgets everything when `codes` more would be too much: what is in use comes back.
  void make_room(std::size_t codes);

  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<CodeSystem const>> code_systems_;
  std::unordered_map<std::string, std::shared_ptr<ValueSet const>> value_sets_;
  std::size_t codes_ = 0;
};

/// Whether a code is in a value set, and what came up on the way.
struct Membership {
  bool in = false;
  bool inactive_left_out = false;         ///< It would be in, but only active codes are.
  std::string unknown_system;             ///< Cannot be told without this code system.
  json::Element const* listed = nullptr;  ///< The concept of the compose that names it.
  ValueSet const* listed_in = nullptr;
};

/// A code of an expansion.
struct ExpansionEntry {
  std::shared_ptr<CodeSystem const> system;
  std::optional<ConceptId> id;
  std::string system_url;
  std::string version;
  std::string code;
  json::Element const* listed = nullptr;  ///< The concept of the compose, or of a stored expansion.
  std::size_t include = 0;                ///< Which include brought it, counted over the whole run.
  bool nests = false;
  bool nests_in_search = false;
};

/// A concept's names: the base one, and all others.
struct Names {
  std::string base;
  std::string base_language;
  std::vector<Designation> others;
};

/// Which name is shown: `index` into others, -1 the base, -2 none.
struct Shown {
  std::string text;
  int index = -2;
};

Shown choose(Names const& names, Languages const& languages);

class Run {
 public:
  Run(Terminology const& terminology, Inputs const& inputs, std::string_view accept_language);

  Inputs const& inputs() const { return inputs_; }
  Languages const& languages() const { return languages_; }
  bool has_own_languages() const { return has_own_languages_; }
  void set_languages(std::string_view text) { languages_ = Languages(text); }
  bool active_only() const { return active_only_; }
  Limits const& limits() const { return terminology_.limits_; }
  Source const& source() const { return *terminology_.source_; }

  /// Checks the supplements asked for. Errors: not-found.
  Outcome<void> prepare();

  /// What `parameter` names: a resource given, or a canonical. Errors: not-found, vs-invalid.
  Outcome<std::shared_ptr<ValueSet const>> root_value_set();
  /// Errors: not-found.
  Outcome<std::shared_ptr<ValueSet const>> value_set(std::string_view canonical, ValueSet const* from);
  /// nullptr when it is not known. Errors: version checks.
  Outcome<std::shared_ptr<CodeSystem const>> code_system(std::string_view url, std::string_view version);
  std::optional<Found> find(std::string_view type, std::string_view url, std::string_view version) const;

  /// Errors: circular references.
  Outcome<void> check_cycles(ValueSet const& root);
  Outcome<Membership> member(ValueSet const& value_set, std::string_view system, std::string_view version,
                             std::string_view code);
  Outcome<std::vector<ExpansionEntry>> collect(ValueSet const& value_set);
  /// Every code system that the value set or one that it includes takes codes from.
  Outcome<void> add_systems(ValueSet const& value_set, std::set<std::string>& systems);

  Names names_of(CodeSystem const* system, std::optional<ConceptId> id, json::Element const* listed) const;
  Outcome<void> spend(std::size_t work);

  /// What was used, in the words of an expansion's parameters.
  std::set<std::string> used_code_systems;
  std::set<std::string> used_value_sets;
  std::set<std::string> used_supplements;
  std::set<std::string> used_fragments;
  /// "deprecated CodeSystem http://..." as (status, kind, canonical).
  std::set<std::array<std::string, 3>> status_notes;
  void note_status(std::string_view kind, std::string const& canonical, std::string_view status,
                   bool experimental, std::string_view standards_status, ValueSet const* root);

 private:
  Outcome<Membership> member_of_include(ValueSet const& value_set, Include const& include,
                                        std::string_view system, std::string_view version,
                                        std::string_view code);
  Outcome<void> collect_include(ValueSet const& value_set, Include const& include,
                                std::vector<ExpansionEntry>& into);
  Outcome<std::vector<ExpansionEntry>> collect_listed(Include const& include,
                                                      std::shared_ptr<CodeSystem const> const& system);
  Outcome<std::vector<ExpansionEntry>> collect_system(Include const& include,
                                                      std::shared_ptr<CodeSystem const> const& system);
  Outcome<void> check_cycles(ValueSet const& value_set, std::vector<std::string>& path,
                             std::set<std::string>& done);
  std::string version_for(std::string_view url, std::string_view version) const;
  void use(CodeSystem const& system);

  Terminology const& terminology_;
  Inputs const& inputs_;
  Languages languages_;
  bool has_own_languages_ = false;
  bool active_only_ = false;
  std::vector<SharedElement> supplements_;
  std::map<std::string, std::shared_ptr<ValueSet const>> value_sets_;
  std::map<std::string, std::shared_ptr<CodeSystem const>> code_systems_;
  ValueSet const* root_ = nullptr;
  std::size_t work_ = 0;
  std::size_t includes_ = 0;
  std::size_t depth_ = 0;
};

/// An OperationOutcome with one issue.
Answer refused(Failure const& failure);
/// An issue of it, appended to `list`.
void add_issue(json::Arena& arena, json::Element& list, Severity severity, Failure const& failure);

constexpr std::string_view kUnknownValueSet = "Unable_to_resolve_value_Set_";

}  // namespace fhir::terminology
