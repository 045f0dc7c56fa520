#include "gateway/intake/fitness.hpp"

#include <algorithm>
#include <array>

namespace gateway::intake {

namespace {

using mappings::hl7v2::Message;

/// Messages and the segment without which they say nothing of what they are for.
struct Subject {
  std::string_view message, segment;
  std::string_view triggers = {};  ///< Empty: all of them.
};
constexpr std::array kSubjects{
    Subject{
        "ADT", "PID",
        "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 A15 A16 A17 A18 A21 A22 A23 A24 A25 A26 A27 "
        "A28 A29 A30 A31 A32 A33 A34 A35 A36 A37 A38 A39 A40 A41 A42 A43 A44 A45 A46 A47 A48 A49 A50 A51 "
        "A52 A53 A54 A55 A60 A61 A62"},
    Subject{
        "ADT", "PV1",
        "A01 A02 A03 A04 A05 A06 A07 A09 A10 A11 A12 A13 A14 A15 A16 A17 A21 A22 A23 A25 A26 A27 A32 A33 A38 "
        "A52 A53"},
    Subject{"ADT", "MRG", "A18 A30 A34 A35 A36 A39 A40 A41 A42 A43 A44 A45 A46 A47 A48 A49 A50 A51"},
    Subject{"CCM", "PID"},
    Subject{"MDM", "PID"},
    Subject{"MDM", "TXA"},
    Subject{"ORU", "PID"},
    Subject{"PGL", "PID"},
    Subject{"PGL", "GOL"},
    Subject{"PPP", "PID"},
    Subject{"PPP", "PTH"},
    Subject{"PPR", "PID"},
    Subject{"PPR", "PRB"},
    Subject{"REF", "PID"},
    Subject{"REF", "RF1"},
    Subject{"SIU", "SCH"},
    Subject{"SRM", "ARQ"},
    Subject{"VXU", "PID"},
    Subject{"VXU", "RXA"}};

bool is_about(Subject const& subject, Message const& message) {
  auto const trigger = message.trigger_event();
  return subject.message == message.message_code() &&
         (subject.triggers.empty() ||
          (trigger.size() == 3 && subject.triggers.find(trigger) != std::string_view::npos));
}

/// A sender that pads an unused field with blanks says nothing in it.
bool is_blank(std::string_view text) { return text.find_first_not_of(' ') == std::string_view::npos; }

/// Where MSH-14 or a DSC say that this is not all of it; "" where nothing does.
std::string_view continued_at(Message const& message) {
  if (!is_blank(message.raw({0, 14}))) return "MSH-14";
  if (message.message_code() == "QBP" || message.message_code() == "RSP") return {};
  auto const dsc = message.find_segment("DSC");
  return dsc && !is_blank(message.raw({static_cast<std::uint32_t>(*dsc), 1})) ? "DSC-1" : "";
}

}  // namespace

std::optional<Unfit> find_unfit(Message const& message, KnownPartner const& partner, bool is_configured) {
  auto const purpose = message.raw({0, 11, 1, 1});
  if (is_configured && !purpose.empty() && purpose != partner.settings.processing_id) {
    return Unfit{fhir::error(fhir::IssueType::not_supported,
                             "MSH-11 is not the processing_id of this partner's profile", {}, "MSH-11"),
                 Verdict::refused};
  }
  if (auto const place = continued_at(message); !place.empty()) {
    return Unfit{fhir::error(fhir::IssueType::structure, "this is a part of a message: send it whole", {},
                             std::string(place)),
                 Verdict::refused};
  }
  for (Subject const& subject : kSubjects) {
    if (!is_about(subject, message) || message.find_segment(subject.segment)) continue;
    return Unfit{fhir::error(fhir::IssueType::structure,
                             "the segment that this event is about is missing; nothing was done", {},
                             std::string(subject.segment)),
                 Verdict::error};
  }
  return std::nullopt;
}

}  // namespace gateway::intake
