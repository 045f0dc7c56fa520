/// A moment as v2 writes it now: the DTM of MSH-7, to the second, in UTC with its offset. Source: HL7
/// v2.5.1 2.A.22.
#pragma once

#include <cstdint>
#include <string>

namespace mappings::hl7v2 {

/// 1740830400000 is "20250301120000+0000". The calendar is that of UTC; nothing of the machine's time zone
/// enters.
std::string to_dtm(std::int64_t ms_since_1970);

}  // namespace mappings::hl7v2
