/// Escape sequences of HL7 v2.5.1 section 2.7: \F\ \S\ \T\ \R\ \E\ \P\ (truncation, 2.7+), \X..\ as bytes of the message's
/// character set, \.br\ and the other formatting commands, \H\ \N\, \Cxxyy\ \Mxxyyzz\, \Z..\.
#pragma once

#include <string>
#include <string_view>

#include "mappings/hl7v2/message.hpp"

namespace mappings::hl7v2 {

/// Decodes what has one meaning as text: delimiters, \X..\ whose bytes are valid UTF-8 text without controls below 0x20
/// other than TAB, LF, CR; \.br\ becomes LF. Everything else stays verbatim, so that encode(decode(x)) can be compared.
std::string decode(std::string_view raw, Delimiters const& delimiters);

/// Encodes text for one leaf: delimiters, the escape character, CR and LF (as \X0D\, \.br\) and other controls.
/// decode(encode(t)) == t for every text without U+0000.
std::string encode(std::string_view text, Delimiters const& delimiters);

}  // namespace mappings::hl7v2
