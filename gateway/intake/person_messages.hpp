/// A change of a Patient as an ADT message to the partners that subscribe to it: A28, A31, A40, A24, A37, by
/// the event table (mappings/maps/v2/events/patient.map). Source: translation.md section 3.3.
#pragma once

#include "fhir/result.hpp"
#include "gateway/intake/partners.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <string_view>

namespace gateway::intake {

/// One outbox row for each Patient that the Unit changed and each partner whose profile lists the event.
/// Nobody is told what came from it; a Patient that has no number yet tells nobody.
fhir::Result<void> tell_of_persons(store::Unit& unit, mappings::language::Maps const& maps,
                                   Partners const& partners, std::string_view origin);

}  // namespace gateway::intake
