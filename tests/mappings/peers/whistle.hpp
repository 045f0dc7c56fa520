/// Google's unit tests of whistle 2 hold v2 already parsed: objects whose names are field, component and
/// subcomponent numbers, segments by id, groups by name. Here they become the bytes that they were parsed
/// from.
#pragma once

#include "fhir/json/element.hpp"

#include <string>
#include <string_view>

namespace mappings::peers {

/// One repetition of a field: "998874^PARSONS^PATRICIA".
std::string to_repetition(fhir::json::Element const& value);
/// "PRB|AD|19950501|...", without its CR.
std::string to_segment(std::string_view id, fhir::json::Element const& fields);
/// A whole message, its segments in the order of the structure's grammar ("" when there is none).
std::string to_message(std::string_view structure, fhir::json::Element const& message);

}  // namespace mappings::peers
