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

/// The answers in the order they are sent: one in original mode (MSH-15 and MSH-16 empty); in enhanced mode a
/// commit answer, an application answer, both or none, as MSH-15 and MSH-16 say (AL, NE, ER, SU; anything
/// else counts as absent).
std::vector<std::string> answers(mappings::hl7v2::Message const& message, Verdict verdict,
                                 AckHeaders const& headers, fhir::Issues const& issues);

/// Answers as one text for the journal, and back.
std::string join_answers(std::vector<std::string> const& answers);
std::vector<std::string> split_answers(std::string_view joined);

}  // namespace gateway::intake
