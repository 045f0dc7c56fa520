/// What is done to the single items of a list whose segments have action codes (HL7 tables 0206 and 0287): a
/// message that leaves an item out says nothing of it, so what a resource has no more must be named to be
/// taken out.
#pragma once

#include "mappings/language/translator.hpp"

#include <optional>
#include <string_view>

namespace mappings::language {

/// An extension with this url on an item holds what is done to it: `add`, `update` or `delete`. On the
/// resource itself: `update`. Rows write it, none reads it, and no resource is kept with it.
inline constexpr std::string_view kSegmentAction =
    "https://handoff.example/fhir/StructureDefinition/segment-action";

/// `after` with what `before`, an earlier version, had in such a list of that structure and it has no more,
/// every item marked. nullopt: nothing is gone. The result lies in `arena`.
std::optional<fhir::json::Element> with_actions(Maps const& maps, std::string_view structure,
                                                std::string_view role, fhir::json::Element const& before,
                                                fhir::json::Element const& after, fhir::json::Arena& arena);

}  // namespace mappings::language
