/// Moments as HTTP and FHIR write them. Source: RFC 9110 section 5.6.7; R4 datatypes.html#instant.
#pragma once

#include <cstdint>
#include <string>

namespace gateway::rest {

std::string to_http_date(std::int64_t ms);  ///< "Sun, 06 Nov 1994 08:49:37 GMT": whole seconds, rounded down.
std::string to_instant(std::int64_t ms);    ///< "1994-11-06T08:49:37.000Z"

}  // namespace gateway::rest
