/// Which referral a view belongs to (record.md section 2): by key and person, else by person, provider and
/// window.
///
/// Internal to this room. A key alone never links across persons, and a view that names no patient never
/// links by itself.
#pragma once

#include "gateway/record/context.hpp"
#include "gateway/record/referral.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gateway::record {

/// The business keys that a resource carries: "plac|system|value", "fill|..", "group|..", "appt|..",
/// "visit|..", "auth|..".
std::vector<std::string> keys_of(fhir::json::Element const& resource);

/// Resources that it refers to as the order, visit or appointment it belongs to.
std::vector<Reference> parents_of(fhir::json::Element const& resource);

/// "Patient/x" that the resource is about; "" when it names none.
std::string patient_of(fhir::json::Element const& resource);

/// Section 3, "Which ServiceRequests are referrals". `task` is a fulfilment Task on it in the same Unit, or
/// nullptr.
bool is_referral(fhir::json::Element const& request, fhir::json::Element const* task, Site const& site,
                 std::string_view message);

enum class TaskRole : unsigned char {
  fulfil,
  abort,
  review,
  consultant_report,
  transition,
  obligation,
  work_item,
  other
};
TaskRole role_of(fhir::json::Element const& task);

struct Link {
  std::string record;  ///< "" when none was found.
  std::string tier;    ///< "reference", "T1" ... "T4"
  bool ambiguous = false;
};

/// By explicit reference, else T1 and T2 by key with person, else T1 by value alone among the person's own
/// open referrals.
fhir::Result<Link> link_by_key(Context& context, fhir::json::Element const& resource,
                               std::string const& person);

/// The clinical specialties that a resource names, as "system|code": performerType, serviceType, specialty,
/// practiceSetting, and those of the PractitionerRole or HealthcareService it refers to.
fhir::Result<std::vector<std::string>> specialties_of(Context& context, fhir::json::Element const& resource);

/// T3: an open referral of this person, waiting for this provider, alone in its window. Where no referral
/// waits for the provider, T4: one of this specialty, alone in its window.
struct Sighting {
  std::string person;
  std::vector<std::string> providers;    ///< References of who acted.
  std::vector<std::string> specialties;  ///< "system|code" of what was done.
  std::int64_t at = 0;
  int rank_min = 1;
  int rank_max = 5;
};
fhir::Result<Link> link_by_person(Context& context, Sighting const& sighting);

/// Remembers that these keys and views lead to the record.
fhir::Result<void> remember(Context& context, std::string const& record, std::string const& person,
                            std::vector<std::string> const& keys, std::vector<std::string> const& views);

}  // namespace gateway::record
