/// The translation's half of law L10 of design translation.md 3.5 (A40, then the old id means the new one):
/// the number that a merge retires is told as the very identifier by which a message with that number knows
/// its Patient. The other half, what identity makes of it, is proved by
/// tests/gateway/intake/message_laws_test.cpp.
#include "fhir/json/writer.hpp"
#include "mappings/hl7v2/image.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mappings::laws {
namespace {

/// A31 of a patient with this number, from the same sender in the same version and punctuation.
std::string update_of(hl7v2::Message const& merge, std::string_view number) {
  hl7v2::Image image(merge);
  while (image.segment_count() > 1) image.remove_segment(1);
  image.set({0, 9, 0, 0, 0}, "");
  image.set_text({0, 9, 1, 1, 1}, "ADT");
  image.set_text({0, 9, 1, 2, 1}, "A31");
  image.insert_segment(1, "EVN");
  image.insert_segment(2, "PID");
  image.set({2, 3, 1, 0, 0}, number);
  image.set_text({2, 5, 1, 1, 1}, "Muster");
  return image.bytes();
}

bool is_retired(Element const& patient, std::set<std::string> const& retired) {
  Element const* const identifiers = patient.find("identifier");
  return identifiers != nullptr && std::ranges::any_of(identifiers->items(), [&](Element const& one) {
           return retired.contains(std::string(one.text_at("system")) + "|" +
                                   std::string(one.text_at("value")));
         });
}

std::string retired_is_known(std::string_view bytes) {
  auto const from = translate(bytes);
  // A06 and A07 name the account that a visit had before; nobody is retired.
  bool const is_merge =
      from != nullptr && from->message.find_segment("PID") && from->draft.structure != "ADT_A06";
  if (!is_merge) return std::string(kDoesNotApply);
  std::set<std::string> retired;
  for (auto const& fact : from->draft.facts) {
    if (fact.name == "merge.retired")
      retired.insert(std::string(fact.value.text_at("system")) + "|" +
                     std::string(fact.value.text_at("value")));
  }
  std::size_t numbers = 0;
  std::string broken;
  for (std::uint32_t segment = 0; segment < from->message.segment_count(); ++segment) {
    if (from->message.segment_id(segment) != "MRG") continue;
    for (std::uint16_t item = 1; item <= from->message.repetition_count(segment, 1); ++item) {
      std::string_view const number = from->message.raw({segment, 1, item, 0, 0});
      if (from->message.raw({segment, 1, item, 1, 1}).empty() || number == "\"\"") continue;
      ++numbers;
      auto const update = translate_utf8(update_of(from->message, number));
      if (update == nullptr) return "an update with the old number is not read";
      auto const patient =
          std::ranges::find(update->draft.resources, "Patient", &language::DraftResource::type);
      if (patient == update->draft.resources.end())
        return "an update with the old number tells of no Patient";
      if (!is_retired(patient->content, retired)) broken += fhir::json::write(patient->content) + "\n";
    }
  }
  for (auto const& one : retired) broken += broken.empty() ? "" : "retired: " + one + "\n";
  return numbers == 0 ? std::string(kDoesNotApply) : broken;
}

TEST(L10Merge, TheNumberThatAMergeRetiresIsTheOneByWhichItsPatientIsKnown) {
  Tally const tally = prove(retired_is_known);
  if (!hl7v2::test::shared_directory().empty()) EXPECT_GE(tally.public_messages, 8U);
  EXPECT_GE(tally.own, 8U);
  EXPECT_GE(tally.generated, 8U);
}

}  // namespace
}  // namespace mappings::laws
