/// An outbox row into the v2 message that says it: the maps in reverse over the exact resource versions the
/// row names. Source: translation.md 3.1 ("Which complement, which image"), 3.3; architecture.md section 2
/// ("Outbox rows").
#pragma once

#include "fhir/result.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace gateway::delivery {

struct Rendered {
  std::string bytes;  ///< In the destination's character set.
  fhir::Issues warnings;
  std::vector<mappings::language::LossNote> loss;  ///< What the message could not carry.
};

/// `row.request` is JSON: {"message":"REF^I12", "structure":"REF_I12" (left out: the standard's),
/// "facts":{name: text}, "anchors":{role: "Type/id/_history/n"}}. Where the person has a Patient of the
/// destination's own, PID is that one: a partner is spoken to in its own ids. Errors: those of
/// mappings::language::reverse, all of which `refusals` gets; not_found (a version that is gone).
/// `others`: the partners whose messages may lend what no row reads (`forward_unmapped`).
fhir::Result<Rendered> render(store::Snapshot& snapshot, mappings::language::Maps const& maps,
                              mappings::language::PartnerProfile const& destination,
                              store::OutboxRow const& row, std::string_view control_id,
                              std::string_view timestamp, fhir::Issues* refusals = nullptr,
                              std::vector<mappings::language::PartnerProfile const*> const& others = {});

}  // namespace gateway::delivery
