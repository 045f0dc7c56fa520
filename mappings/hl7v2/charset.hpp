/// Character sets of HL7 table 0211 (MSH-18), read into UTF-8 and written from it. Conversion itself is
/// ICU's, strict: a byte or character without an equivalent is an error, never a question mark.
#pragma once

#include "fhir/result.hpp"

#include <string>
#include <string_view>

namespace mappings::hl7v2 {

/// The ICU converter for a table 0211 name ("8859/1", "UNICODE UTF-8", "ISO IR87") or a common spelling such
/// as "windows-1252", "ISO-8859-15" or "utf8"; "" when there is none. "UNICODE" is read as UTF-8, as its
/// senders mean it.
std::string to_converter_name(std::string_view charset);

bool is_utf8(std::string_view bytes);

/// Error value: bytes that the character set does not have. Error not_supported: an unknown character set.
fhir::Result<std::string> decode_charset(std::string_view bytes, std::string_view charset);

/// A message's UTF-8 bytes in the partner's character set. "" means UTF-8; UTF-16 and UTF-32 without a byte
/// order in their name are little-endian after a byte order mark, as nearly all files are. Errors as above; a
/// character that the set lacks is named by its segment and field, never shown.
fhir::Result<std::string> encode_charset(std::string_view utf8, std::string_view charset);

}  // namespace mappings::hl7v2
