/// Which answers a v2 message asks for and gets. Source: HL7 v2.5.1 2.9 (original and enhanced mode), table
/// 0155; reliability.md R1-R7.
#pragma once

#include "fhir/result.hpp"
#include "mappings/hl7v2/ack.hpp"
#include "mappings/hl7v2/message.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::intake {

/// accepted: AA/CA. error: AE/CE, the sender may send it again. refused: AR/CR, sending it again will not
/// help.
enum class Verdict : unsigned char { accepted, error, refused };

std::string_view to_text(Verdict verdict);  ///< "accepted", "error", "refused": the journal's words.

/// A fresh header for each answer: control id and time.
using AckHeaders = std::function<mappings::hl7v2::AckHeader()>;

/// What is due to a message; "" for what is not.
struct DueAnswers {
  std::string commit;       ///< CA, CE, CR
  std::string application;  ///< AA, AE, AR; the only answer of the original mode
  bool enhanced = false;    ///< MSH-15 or MSH-16 were there
};
/// As answers(). An acknowledgment is never acknowledged but by the commit answer that its MSH-15 asks for:
/// else two systems would thank each other for ever.
/// `confirm`: MSH-15 of the application answer, for one that is sent as a message of its own.
DueAnswers due_answers(mappings::hl7v2::Message const& message, Verdict verdict, AckHeaders const& headers,
                       fhir::Issues const& issues, std::string_view confirm = {});

/// The positive application answer to a REF of a partner with `ref_reply: rri`: RRI^I12 with RF1-1 P, MSA-1
/// AA, and the referral's own RF1, PRD and PID. Source: HL7 v2.5.1 11.5.2; reliability.md R7.
std::string make_receipt(mappings::hl7v2::Message const& referral, mappings::hl7v2::AckHeader const& header);

/// The answers in the order they are sent: one in original mode (MSH-15 and MSH-16 empty); in enhanced mode a
/// commit answer, an application answer, both or none, as MSH-15 and MSH-16 say (AL, NE, ER, SU; anything
/// else counts as absent).
std::vector<std::string> answers(mappings::hl7v2::Message const& message, Verdict verdict,
                                 AckHeaders const& headers, fhir::Issues const& issues);

/// Answers as one text for the journal, and back.
std::string join_answers(std::vector<std::string> const& answers);
std::vector<std::string> split_answers(std::string_view joined);

}  // namespace gateway::intake
