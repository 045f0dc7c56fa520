/// Messages written for these tests.
#pragma once

#include <string_view>

namespace mappings::language::testing {

constexpr std::string_view kAdmit =
    "MSH|^~\\&|ADT|HOSP|GW|US|20250301101500||ADT^A01^ADT_A01|C1|P|2.5.1\r"
    "EVN|A01|20250301101400||||20250301100000\r"
    "PID|1||4711^^^HOSP&1.2.3&ISO^MR~99^^^SSA^SS||Muster^Anna^B^^Dr^^L||19800229|F|||Weg "
    "1^^Bern^BE^3000^CH^H||+41 31 "
    "1^PRN^PH||de|M||ACC1^^^HOSP|||||||||||||||||||||ZZ\r"
    "ZPI|own|data^kept\r"
    "PV1|1|I|W1^101^2^HOSP||||123^Haus^Greg^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO|||MED||||7|||||V-9^^^HOSP&1."
    "2.3&ISO^VN"
    "|||||||||||||||||||||||||20250301100000\r";

}  // namespace mappings::language::testing
