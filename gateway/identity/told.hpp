/// Ids of what has no number of its own, an allergy or a guarantor: they follow from the patient's number,
/// and while two numbers mean one patient (A40) from the number that survives. Here stands what was told
/// under which number, so that an unlink (A37) gives each patient its own, and where the ids lead after that.
/// References are "Type/id". Source: record.md section 1.
#pragma once

#include "fhir/result.hpp"
#include "gateway/store/store.hpp"

#include <set>
#include <string>
#include <string_view>

namespace gateway::identity {

/// Whether a Patient was ever told of under several numbers: only then does the rest here matter to it.
fhir::Result<bool> is_shared(store::Unit& unit, std::string_view patient_id);
void share(store::Unit& unit, std::string_view patient_id);

/// The id that stands for an id which follows from a number.
fhir::Result<std::string> standing_id(store::Unit& unit, std::string_view type, std::string_view id);

/// What a message with `number` told.
struct Telling {
  std::string number;
  std::string own;       ///< The reference that follows from this number alone.
  std::string resource;  ///< What it stands in.
};
fhir::Result<void> note(store::Unit& unit, Telling const& telling);

/// The references of what is noted so.
fhir::Result<std::set<std::string>> told_under(store::Unit& unit, std::string const& number);

/// Whether nothing is known of it that was told under any other number.
fhir::Result<bool> is_told_only_under(store::Unit& unit, std::string const& resource,
                                      std::set<std::string> const& numbers);

/// From now on the numbers that told it find it, and no other.
fhir::Result<void> keep_for_its_tellers(store::Unit& unit, std::string const& resource);

}  // namespace gateway::identity
