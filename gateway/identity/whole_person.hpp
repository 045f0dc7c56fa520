/// A query that names one Patient, asked of the whole person (design architecture.md section 3).
#pragma once

#include "fhir/search/query.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::identity {

/// Every Patient id of the person that a Patient is, itself included or not.
using SamePerson = std::function<fhir::Result<std::vector<std::string>>(std::string_view patient_id)>;

/// Puts the other Patients of the person beside each Patient that a reference parameter names. The resource
/// that is named by itself (`Patient?_id`, `?identifier`) and the links of persons are left alone. True: more
/// is asked for than before.
fhir::Result<bool> widen_to_persons(fhir::search::Query& query, SamePerson const& same_person);

/// The Patients that a query names so.
std::vector<std::string_view> patients_named(fhir::search::Query const& query);

}  // namespace gateway::identity
