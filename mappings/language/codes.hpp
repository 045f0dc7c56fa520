/// What follows from codes that no table has.
#pragma once

#include "mappings/language/translator.hpp"

namespace mappings::language {

/// One Issue (code_invalid) for each element that R4 requires and that has no value because the code sent for
/// it is in no table: source names segment, field, repetition and component ("PV1-2.1"), expression the
/// element, diagnostics the table; never the code, which may be anything.
fhir::Issues lacking_codes(Draft const& draft);

/// The vocabularies that a name means: itself, or every one of an HL7 table ("0001", "HL70001"). Empty: none.
std::vector<std::string> vocabularies_of(Maps const& maps, std::string_view name);

}  // namespace mappings::language
