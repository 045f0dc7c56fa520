/// Queries that come as messages, answered from the store: patient demographics (QBP^Q22, IHE PDQ) and
/// identifier cross-reference (QBP^Q23, IHE PIX). Source: HL7 v2.5.1 3.3.56 to 3.3.59, 5.3 and 5.6.3.
///
/// A demographics query is the FHIR search that its table says it is (mappings/maps/v2/messages/QBP_Q21.map):
/// both doors find the same Patients. Deterministic only: what the search finds, and whom identity has
/// linked.
#pragma once

#include "gateway/intake/partners.hpp"
#include "gateway/intake/tables.hpp"
#include "gateway/store/store.hpp"
#include "mappings/hl7v2/ack.hpp"

#include <string>

namespace gateway::intake {

struct QueryAnswer {
  std::string bytes;    ///< RSP^K22 or RSP^K23, in the asker's delimiters, version and character set.
  fhir::Issues issues;  ///< Why it is answered AE; no error among them: AA.
};

/// Whether the message asks what this room answers.
bool is_answered_query(mappings::language::Draft const& draft);

/// MSA, ERR and QAK (OK, NF, AE), the query as it came, and a PID for each Patient found: at most as many as
/// RCP-2 asks for, then a DSC whose pointer continues the answer when it comes back in a DSC of the same
/// query. A retired number answers with its survivor. Errors: those of the store; what is wrong with the
/// question is in the answer.
fhir::Result<QueryAnswer> answer_query(store::Snapshot& snapshot, Tables const& tables,
                                       KnownPartner const& partner, mappings::hl7v2::Message const& message,
                                       mappings::language::Draft const& draft,
                                       mappings::hl7v2::AckHeader const& header);

}  // namespace gateway::intake
