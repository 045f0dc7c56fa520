/// What the trigger events A18 to A51 do to identities, beyond the resources of their message: merges, links,
/// moves and changes of number. Source: HL7 v2.8 sections 3.3.18 to 3.3.51 and 3.6; record.md section 1.
#pragma once

#include "gateway/identity/identity.hpp"
#include "mappings/language/translator.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::intake {

/// The number ("system|value") that a draft resource is known by, "" when it is known by something else. A
/// number without an authority is the sender's own.
std::string number_of(mappings::language::DraftResource const& resource);

class IdentityActs {
 public:
  IdentityActs(store::Unit& unit, mappings::language::Draft const& draft, std::string source,
               identity::Trust const& trust);

  /// What decides which resources the numbers of this message mean: A37 parts, A47 to A50 and A45 rename.
  fhir::Result<void> before_targets();
  /// What is done to Patients once those of the message are put, before they are matched to persons: merges
  /// (A18 A30 A34 A36 A39 A40), a link (A24).
  fhir::Result<void> with_patients();
  /// What hangs on a Patient, a visit or an account goes with it: A35 A36 A41 (accounts), A42 (visits), A43
  /// (all of a Patient's), A44 (an account's), A45 (a visit's).
  fhir::Result<void> with_persons();

 private:
  using Fact = mappings::language::Fact;
  using DraftResource = mappings::language::DraftResource;

  bool is(std::string_view triggers) const;
  std::string number_of_fact(Fact const& fact) const;
  std::vector<std::string> numbers(std::string_view fact, std::size_t resource) const;
  std::string number(std::string_view fact, std::size_t resource) const;
  std::vector<std::size_t> of_type(std::string_view type) const;
  std::size_t patient_of(std::size_t visit) const;
  fhir::Result<std::string> id(std::string_view type, std::string const& number);

  fhir::Result<void> part(std::string const& first, std::string const& second);
  fhir::Result<void> give_back(std::string const& survivor, std::string const& retired);
  fhir::Result<std::set<std::string>> meaning(std::string const& number);
  fhir::Result<bool> is_told_by(store::Version const& version, std::set<std::string> const& numbers,
                                std::set<std::string> const& others);
  fhir::Result<void> rename_patients();
  fhir::Result<void> rename_visits();
  fhir::Result<void> merge_patient(std::size_t patient);
  fhir::Result<void> merge_accounts(std::size_t patient);
  fhir::Result<void> merge_visits();
  fhir::Result<void> move_all(std::size_t patient);
  fhir::Result<void> move_account(std::size_t patient);
  fhir::Result<void> move_visits();
  /// The visit and what was told of it.
  fhir::Result<void> move_visit(std::string const& visit, std::string const& from, std::string const& to);
  fhir::Result<void> end(std::string_view type, std::string const& id, std::string_view status,
                         std::string const& survivor);

  store::Unit& unit_;
  mappings::language::Draft const& draft_;
  std::string source_;
  identity::Trust const& trust_;
  std::vector<bool> renamed_;  ///< Patients whose number changed: no merge any more.
};

}  // namespace gateway::intake
