/// Answers to v2 messages: MSH, MSA and ERR, in the asker's delimiters and version; and answers that our own
/// client gets. Source: HL7 v2.5.1 2.9 (acknowledgment), tables 0008, 0155, 0357, 0516, 0533. Contract:
/// reliability.md R1-R10.
#pragma once

#include "fhir/result.hpp"
#include "mappings/hl7v2/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace mappings::hl7v2 {

/// What the ACK says of itself; time and control id are passed in so that any test can own them.
struct AckHeader {
  std::string control_id;  ///< MSH-10 of the answer.
  std::string timestamp;   ///< MSH-7 of the answer, a DTM.
  std::string accept_ack =
      {};  ///< MSH-15, "" for none: an answer that is sent as a message asks to be confirmed.
  std::string expected_sequence = {};  ///< MSA-4, "" for none: the sequence number protocol (2.10.1).
};

/// `code`: AA AE AR CA CE CR. Echoes MSH-10 byte for byte into MSA-2, swaps sender and receiver, keeps
/// version, delimiters and character set; each Issue becomes an ERR segment (ERR-2..-8 from 2.5 on, a
/// repetition of ERR-1 before), never with a patient's data. The bytes are in the asker's character set,
/// ready for the wire.
std::string make_ack(Message const& asked, std::string_view code, AckHeader const& header,
                     fhir::Issues const& issues);

/// The answer to bytes that are no message: MSA-2 is what could be found as MSH-10, or empty (R3, R4). AR,
/// unless a message that is kept for an operator (a control character, wrong bytes for its character set) is
/// to be answered AE.
std::string make_nak(std::string_view bytes, AckHeader const& header, fhir::Issues const& issues,
                     std::string_view code = "AR");

/// When a sender wants an answer, table 0155.
enum class AckCondition : std::uint8_t { always, never, on_error, on_success };

/// MSH-15 and MSH-16. In original mode (`enhanced` false) there is one application answer to every message.
struct AckRequest {
  bool enhanced = false;
  AckCondition accept = AckCondition::never;        ///< CA CE CR, after the commit.
  AckCondition application = AckCondition::always;  ///< AA AE AR
};

/// A code outside table 0155 counts as absent, with a warning; in enhanced mode an absent one means never.
AckRequest ack_request(Message const& message, fhir::Issues& warnings);
bool is_wanted(AckCondition condition, bool success);

/// An answer as our client reads it.
struct Ack {
  std::string code;        ///< MSA-1: AA AE AR CA CE CR.
  std::string control_id;  ///< MSA-2, byte for byte: compare with MSH-10 of what was sent (S3).
  std::string text;        ///< MSA-3.
  fhir::Issues
      issues;  ///< From ERR; the partner's own words, which may hold a patient's data: never log them.
  bool has_application_content = false;  ///< Not an ACK only, but a message of its own, like RRI^I12 (R7).
  bool is_positive() const { return code == "AA" || code == "CA"; }
};

/// Errors: structure (no MSH, no MSA), required (no MSA-1 or MSA-2), code_invalid (MSA-1 outside table 0008).
/// None of them is a success.
fhir::Result<Ack> parse_ack(std::string_view bytes);

}  // namespace mappings::hl7v2
