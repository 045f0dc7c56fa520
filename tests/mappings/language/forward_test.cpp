#include "fhir/json/writer.hpp"
#include "mappings/language/translator.hpp"

#include <gtest/gtest.h>

namespace mappings::language {
namespace {

constexpr std::string_view kAdmit =
    "MSH|^~\\&|ADT|HOSP|GW|US|20250301101500||ADT^A01^ADT_A01|C1|P|2.5.1\r"
    "EVN|A01|20250301101400||||20250301100000\r"
    "PID|1||4711^^^HOSP&1.2.3&ISO^MR~99^^^SSA^SS||Muster^Anna^B^^Dr^^L||19800229|F|||Weg "
    "1^^Bern^BE^3000^CH^H||+41 31 1^PRN^PH||de|M||ACC1^^^HOSP\r"
    "PV1|1|I|W1^101^2^HOSP||||123^Haus^Greg^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO|||MED||||7|||||V-9^^^HOSP&1."
    "2.3&ISO^VN|||||||||||||||||||||||||20250301100000\r";

hl7v2::Message parse(std::string_view bytes) {
  fhir::Issues warnings;
  auto message = hl7v2::Message::parse(bytes, {}, warnings);
  EXPECT_TRUE(message) << (message ? "" : fhir::to_line(message.error()));
  return std::move(*message);
}

TEST(Forward, AnAdmissionIsAPatientAndAVisitThatReferToEachOther) {
  auto const message = parse(kAdmit);
  PartnerProfile partner;
  partner.name = "hosp";
  auto draft = forward(builtin(), message, partner);
  ASSERT_TRUE(draft) << fhir::to_line(draft.error());
  for (auto const& r : draft->resources)
    std::cout << r.role << " " << r.key << " " << fhir::json::write(r.content) << "\n";
  for (auto const& w : draft->warnings) std::cout << fhir::to_line(w) << "\n";
  for (auto const& w : draft->facts) std::cout << w.name << "=" << w.text() << "\n";
  for (auto const& w : provenance(*draft)) std::cout << w.path << " <- " << w.v2 << " " << w.row << "\n";
  auto const a = account(message, *draft);
  std::cout << a.leaves << " " << a.mapped.size() << " " << a.kept.size() << " " << a.dropped.size() << "\n";
  for (auto const& l : a.kept) std::cout << hl7v2::to_string(message, l.address) << " " << l.reason << "\n";
}

}  // namespace
}  // namespace mappings::language
