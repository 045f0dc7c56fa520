/// Answers to v2 messages: MSH, MSA and ERR, in the asker's delimiters and version.
/// Source: HL7 v2.5.1 2.9 (acknowledgment), tables 0008, 0357, 0516, 0533. Contract: reliability.md R1-R10.
#pragma once

#include "fhir/result.hpp"
#include "mappings/hl7v2/message.hpp"

#include <string>
#include <string_view>

namespace mappings::hl7v2 {

/// What the ACK says of itself; time and control id are passed in so that any test can own them.
struct AckHeader {
  std::string control_id;  ///< MSH-10 of the answer.
  std::string timestamp;   ///< MSH-7 of the answer, a DTM.
};

/// `code`: AA AE AR CA CE CR. Echoes MSH-10 byte for byte into MSA-2, swaps sender and receiver, keeps
/// version and delimiters; each Issue becomes an ERR segment (ERR-2..-8 from 2.5 on, ERR-1 before), never
/// with a patient's data.
std::string make_ack(Message const& asked, std::string_view code, AckHeader const& header,
                     fhir::Issues const& issues);

/// The answer to bytes that are no message: MSA-2 is what could be found as MSH-10, or empty (R3, R4). Always
/// AR.
std::string make_nak(std::string_view bytes, AckHeader const& header, fhir::Issues const& issues);

}  // namespace mappings::hl7v2
