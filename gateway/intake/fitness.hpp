/// What must hold of a message before anything of it is translated: it is meant for real patients, it is
/// whole, and it has the segment that its event is about. An AA to what says nothing would be a discharge, a
/// merge or a result that got lost with the sender's knowledge that it arrived.
#pragma once

#include "gateway/intake/acknowledge.hpp"
#include "gateway/intake/partners.hpp"

#include <optional>

namespace gateway::intake {

struct Unfit {
  fhir::Issue issue;
  Verdict verdict;
};

/// HL7 v2.5.1 2.9.2.2 (MSH-11 is judged first), 2.10.2 (MSH-14 and DSC-1 tell of a message in parts; a query
/// and its answer page by DSC), chapter 3 to 12 (segments). `is_configured`: the partner has a profile of its
/// own, whose processing_id counts.
std::optional<Unfit> find_unfit(mappings::hl7v2::Message const& message, KnownPartner const& partner,
                                bool is_configured);

}  // namespace gateway::intake
