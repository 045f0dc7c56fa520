/// A message's draft becomes resources in the Unit: recognised by key, merged by update mode, never another
/// source's. Source: architecture.md section 2 step 5 and section 3 ("One resource per source"), record.md
/// sections 1-2.
#pragma once

#include "fhir/result.hpp"
#include "gateway/intake/partners.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <string>
#include <vector>

namespace gateway::intake {

struct Reconciled {
  std::vector<std::string> references;  ///< "Type/id" of each draft resource.
  std::vector<std::string> patients;    ///< "Patient/x" the message names.
  std::vector<std::string> anchors;     ///< Resources of others that it speaks of and does not own.
  std::string complement_anchor;        ///< What a reply to this message starts from, "" for none.
};

/// Puts every draft resource: Patients first (linked to persons, merges carried out), then the rest. A
/// ServiceRequest that another party placed is recognised by its placer id together with the person and only
/// referred to; the fulfilment Task is shared, and owned by the organization that the site knows to serve
/// whom the message names. Errors: conflict (a merge that runs in a circle), or the store's.
fhir::Result<Reconciled> reconcile(store::Unit& unit, mappings::language::Draft const& draft,
                                   KnownPartner const& partner, Partners const& partners);

/// A message that was taken in before, translated anew: what the new draft (`after`) says otherwise than the
/// one it was taken in by (`before`) replaces what is stored where that still holds what `before` gave.
/// Nothing newer is overwritten and nothing is taken away twice. Resources that only `after` has are put.
fhir::Result<Reconciled> retranslate(store::Unit& unit, mappings::language::Draft const& before,
                                     mappings::language::Draft const& after, KnownPartner const& partner,
                                     Partners const& partners);

/// Makes findable what the Unit wrote: placer ids of ServiceRequests, the fulfilment Task of each.
/// `is_placer`: the writer placed these requests; else they are its view of somebody's, which gives way when
/// the placer's own arrives. Reconcile calls it for v2; a FHIR write calls it itself.
fhir::Result<void> register_keys(store::Unit& unit, bool is_placer);

}  // namespace gateway::intake
