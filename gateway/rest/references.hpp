/// References of what is written: those between the entries of a transaction, conditional ones, and whether
/// local ones lead anywhere. Source: R4 http.html#trules, bundle.html#references; record.md section 3
/// "Deletes".
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/result.hpp"
#include "gateway/store/store.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace gateway::rest {

/// "urn:uuid:..." or "Patient?identifier=..." -> "Patient/1".
using Rewrites = std::map<std::string, std::string, std::less<>>;

/// Replaces what stands in `rewrites` in every Reference.reference, uri, url, oid and uuid, and in href and
/// src of the narrative. `base` is the entry's own base ("http://a/fhir/"), against which relative references
/// are read, or "". `resource` is the caller's own copy.
void rewrite_references(fhir::json::Arena& arena, fhir::json::Element& resource, Rewrites const& rewrites,
                        std::string_view base);

/// The conditional references of a resource: "Patient?identifier=a|1" with its expression.
std::map<std::string, std::string> conditional_references(fhir::json::Element const& resource);

/// Every literal reference to this server ("Patient/1", "<base_url>/Patient/1") must lead to a current
/// resource. What stands inside a Bundle is its own world. `known` remembers what was found. Errors: value,
/// with the expression.
fhir::Result<void> check_references(store::Unit& unit, fhir::json::Element const& resource,
                                    std::string_view base_url, std::set<std::string>& known);

}  // namespace gateway::rest
