/// Escape sequences of HL7 v2.5.1 section 2.7: \F\ \S\ \T\ \R\ \E\ \P\ (truncation, 2.7+), \X..\ as bytes of
/// the message's character set, \.br\ and the other formatting commands, \H\ \N\, \Cxxyy\ \Mxxyyzz\, \Z..\.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <string>
#include <string_view>

namespace mappings::hl7v2 {

/// Decodes what has one meaning as text: delimiters, \X..\ whose bytes are valid text in `charset` ("" =
/// UTF-8) without controls below 0x20 other than TAB, LF, CR; \.br\ becomes LF. Everything else stays
/// verbatim, so that encode(decode(x)) can be compared.
std::string decode(std::string_view raw, Delimiters const& delimiters, std::string_view charset = {});

/// Encodes text for one leaf: delimiters, the escape character, CR and LF (as \X0D\, \.br\) and other
/// controls. decode(encode(t)) == t for every text that FHIR's string can hold (no control below 0x20 but
/// TAB, LF, CR). Any other control becomes \X..\ and stays so when decoded: it never enters a message or a
/// resource as a raw byte.
std::string encode(std::string_view text, Delimiters const& delimiters);

/// How many characters (code points, an escape sequence counted as written) the escaped text has.
std::size_t character_count(std::string_view raw);
/// Cuts an escaped leaf to at most that many, never inside a character or an escape sequence. False: nothing
/// to cut.
bool cut_text(std::string& raw, std::size_t characters, char escape);

/// An escaped leaf, field or segment of a message with delimiters `from`, as a message with `to` spells it.
std::string re_encode(std::string_view raw, Delimiters const& from, Delimiters const& to);

}  // namespace mappings::hl7v2
