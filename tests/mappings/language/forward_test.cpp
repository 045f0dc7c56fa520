#include "corpus.hpp"
#include "fhir/json/writer.hpp"
#include "mappings/language/translator.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mappings::language {
namespace {

using fhir::json::Arena;
using fhir::json::Element;

PartnerProfile partner() {
  PartnerProfile made;
  made.name = "hosp";
  made.utc_offset = "+01:00";
  made.authorities.push_back({"HOSP", "1.2.3", "ISO", "https://hosp.example/mrn"});
  return made;
}

std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  auto const at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

TEST(Forward, AnAdmissionIsAPatientAndAVisitThatReferToEachOther) {
  auto const message = testing::parse(testing::kAdmit);
  auto const draft = forward(builtin(), *message, partner());
  ASSERT_TRUE(draft) << fhir::to_line(draft.error());
  auto const* const patient = draft->find("patient");
  auto const* const visit = draft->find("visit");
  ASSERT_TRUE(patient != nullptr && visit != nullptr);
  EXPECT_EQ(patient->key, "Patient|https://hosp.example/mrn|4711");
  EXPECT_EQ(visit->key, "Encounter|https://hosp.example/mrn|V-9");
  EXPECT_EQ(patient->content.text_at("birthDate"), "1980-02-29");
  EXPECT_EQ(patient->content.text_of("name", 0, "given", 1), "B");
  EXPECT_EQ(visit->content.text_at("status"), "in-progress");
  EXPECT_EQ(visit->content.text_of("class", "code"), "IMP");
  EXPECT_EQ(visit->content.text_of("period", "start"), "2025-03-01T10:00:00+01:00");
  EXPECT_EQ(visit->content.text_of("subject", "reference"), "~0");
  EXPECT_EQ(draft->fact("event.occurred"), "2025-03-01T10:00:00+01:00");
  EXPECT_EQ(draft->fact("patient.account"), "ACC1");
  EXPECT_TRUE(draft->warnings.size() <= 1) << "only ZPI is out of place";
}

TEST(Forward, ProvenanceNamesFieldAndRowOfEachElement) {
  auto const message = testing::parse(testing::kAdmit);
  auto const draft = forward(builtin(), *message, partner());
  ASSERT_TRUE(draft);
  auto const all = provenance(*draft);
  auto const found = std::ranges::find(all, "Patient.identifier[1]", &Provenance::path);
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->v2, "PID-3(2)");
  EXPECT_EQ(found->row, "pid.3");
}

TEST(Forward, AnUnknownCodeIsAWarningAndStaysInTheComplement) {
  auto const message = testing::parse(with(testing::kAdmit, "|F|||Weg", "|Q|||Weg"));
  auto const draft = forward(builtin(), *message, partner());
  ASSERT_TRUE(draft);
  EXPECT_EQ(draft->find("patient")->content.find("gender"), nullptr);
  ASSERT_EQ(draft->unmapped.size(), 1U);
  EXPECT_EQ(draft->unmapped[0].vocabulary, "administrative-gender");
  EXPECT_EQ(draft->unmapped[0].code, "Q");
  EXPECT_EQ(to_string(*message, draft->unmapped[0].address), "PID-8");
  EXPECT_TRUE(
      std::ranges::any_of(draft->warnings, [](auto const& issue) { return issue.source == "PID-8"; }));
  Account const found = account(*message, *draft);
  EXPECT_TRUE(std::ranges::any_of(found.kept, [&](auto const& loss) {
    return loss.address.field == 8 && message->segment_id(loss.address.segment) == "PID";
  }));
}

TEST(Forward, ACodeOfThePartnersOwnMapIsNotUnmapped) {
  auto const message = testing::parse(with(testing::kAdmit, "|F|||Weg", "|Q|||Weg"));
  auto own = partner();
  own.codes.push_back({"administrative-gender", "q", "", "other"});
  auto const draft = forward(builtin(), *message, own);
  ASSERT_TRUE(draft);
  EXPECT_TRUE(draft->unmapped.empty());
  EXPECT_EQ(draft->find("patient")->content.text_at("gender"), "other");
}

TEST(Forward, AStructureWithoutATableIsRefusedByName) {
  auto const message = testing::parse("MSH|^~\\&|A|B|C|D|20250101||ZZZ^Z99|1|P|2.5\r");
  auto const draft = forward(builtin(), *message, partner());
  ASSERT_FALSE(draft);
  EXPECT_EQ(draft.error().code, fhir::IssueType::not_supported);
}

/// The resource of `role` after these messages in order, as the store would have it.
Element after(std::vector<std::string> const& messages, std::string_view role, Arena& arena) {
  Element current;
  for (auto const& bytes : messages) {
    auto const message = testing::parse(bytes);
    auto const draft = forward(builtin(), *message, partner());
    EXPECT_TRUE(draft);
    for (std::size_t at = 0; at < draft->resources.size(); ++at) {
      if (draft->resources[at].role == role)
        current = apply(*draft, at, current.is_null() ? nullptr : &current, arena);
    }
  }
  return current;
}

std::string event(std::string_view trigger, std::string_view structure,
                  std::string_view base = testing::kAdmit) {
  std::string text =
      with(base, "ADT^A01^ADT_A01", "ADT^" + std::string(trigger) + "^" + std::string(structure));
  return with(text, "EVN|A01", "EVN|" + std::string(trigger));
}

TEST(Apply, AbsentKeepsAndNullDeletes) {
  Arena arena;
  std::string const update = event("A08", "ADT_A01");
  Element const kept =
      after({std::string(testing::kAdmit), with(update, "|19800229|", "||")}, "patient", arena);
  EXPECT_EQ(kept.text_at("birthDate"), "1980-02-29");
  Element const deleted =
      after({std::string(testing::kAdmit), with(update, "|19800229|", "|\"\"|")}, "patient", arena);
  EXPECT_EQ(deleted.find("birthDate"), nullptr);
}

TEST(Apply, AListReplacesTheItemsOfItsRowAndKeepsTheOthers) {
  Arena arena;
  std::string const first = with(testing::kAdmit, "|+41 31 1^PRN^PH|", "|+41 31 1^PRN^PH|+41 31 9^WPN^PH");
  std::string const update = with(event("A08", "ADT_A01"), "+41 31 1^PRN^PH", "+41 31 2^PRN^PH");
  Element const patient = after({first, update}, "patient", arena);
  std::string const text = fhir::json::write(*patient.find("telecom"));
  EXPECT_EQ(text.find("+41 31 1"), std::string::npos) << text;
  EXPECT_NE(text.find("+41 31 2"), std::string::npos) << text;
  EXPECT_NE(text.find("+41 31 9"), std::string::npos) << text;
}

TEST(Apply, ALateAdmissionDoesNotReopenADischargedVisit) {
  Arena arena;
  std::string const discharge =
      with(event("A03", "ADT_A03"), "||||20250301100000\rPID", "||||20250305120000\rPID");
  Element const closed = after({std::string(testing::kAdmit), discharge}, "visit", arena);
  EXPECT_EQ(closed.text_at("status"), "finished");
  EXPECT_EQ(closed.text_of("period", "end"), "2025-03-05T12:00:00+01:00");
  Element const late =
      after({std::string(testing::kAdmit), discharge, std::string(testing::kAdmit)}, "visit", arena);
  EXPECT_EQ(late.text_at("status"), "finished");
  EXPECT_EQ(late.text_of("period", "end"), "2025-03-05T12:00:00+01:00");
  Element const undone =
      after({std::string(testing::kAdmit), discharge, event("A13", "ADT_A01")}, "visit", arena);
  EXPECT_EQ(undone.text_at("status"), "in-progress");
  EXPECT_EQ(undone.at("period", "end"), nullptr);
}

/// "active W1 -2025..; ": status, how the bed is called, and its end.
std::string places(Element const& visit) {
  std::string text;
  Element const* const all = visit.find("location");
  for (std::size_t at = 0; all != nullptr && at < all->size(); ++at) {
    Element const& one = all->items()[at];
    text += std::string(one.text_at("status")) + " " + std::string(one.text_of("location", "reference")) +
            " -" + std::string(one.text_of("period", "end")) + "; ";
  }
  return text;
}

TEST(Forward, ThePatientOnceMoreIsAWarningThatNamesTheSegment) {
  std::string twice(testing::kAdmit);
  auto const at = twice.find("PID|");
  std::string const pid = twice.substr(at, twice.find('\r', at) + 1 - at);
  twice.insert(at, pid);
  auto const message = testing::parse(twice);
  auto const draft = forward(builtin(), *message, {});
  ASSERT_TRUE(draft);
  auto const warned = std::ranges::find(draft->warnings, fhir::IssueType::duplicate, &fhir::Issue::code);
  ASSERT_NE(warned, draft->warnings.end());
  EXPECT_EQ(warned->source, "PID[2]");
  EXPECT_EQ(warned->diagnostics.find("Muster"), std::string::npos) << "no PHI";
}

TEST(Apply, AVisitThatIsCalledOffOrAMistakeLeavesItsPlace) {
  Arena arena;
  std::string const admit(testing::kAdmit);
  for (auto const& [trigger, structure] : {std::pair{"A11", "ADT_A09"}, std::pair{"A23", "ADT_A21"}}) {
    std::string const off = event(trigger, structure);
    std::string const ended = places(after({admit, off}, "visit", arena));
    EXPECT_TRUE(ended.starts_with("completed ")) << trigger << " " << ended;
    EXPECT_EQ(ended.find(" -;"), std::string::npos) << trigger << " has an end: " << ended;
    EXPECT_EQ(places(after({admit, off, off}, "visit", arena)), ended) << trigger;
    EXPECT_EQ(places(after({off}, "visit", arena)), ended) << trigger;
  }
}

TEST(Apply, ADischargeEndsThePlaceAndItsCancellationOpensItAgain) {
  Arena arena;
  std::string const admit(testing::kAdmit);
  std::string const discharge =
      with(event("A03", "ADT_A03"), "||||20250301100000\rPID", "||||20250305120000\rPID");
  std::string const open = places(after({admit}, "visit", arena));
  ASSERT_TRUE(open.starts_with("active ")) << open;
  std::string const bed = open.substr(7, open.find(" -") - 7);
  std::string const ended = "completed " + bed + " -2025-03-05T12:00:00+01:00; ";
  EXPECT_EQ(places(after({discharge}, "visit", arena)), ended);
  EXPECT_EQ(places(after({admit, discharge}, "visit", arena)), ended);
  EXPECT_EQ(places(after({admit, discharge, discharge}, "visit", arena)), ended);
  EXPECT_EQ(places(after({admit, discharge, event("A08", "ADT_A01")}, "visit", arena)), ended);
  EXPECT_EQ(places(after({admit, discharge, event("A13", "ADT_A01")}, "visit", arena)), open);
  std::string const no_bed = with(event("A13", "ADT_A01"), "W1^101^2", "");
  EXPECT_EQ(places(after({admit, discharge, no_bed}, "visit", arena)), open);
}

TEST(TwoPatients, AreNotMergedWhereTheStructureHasOne) {
  std::string const admit(testing::kAdmit);
  auto const with_second = [&](std::string const& pid) {
    return testing::parse(with(admit, "PV1|1|", pid + "\rPV1|1|"));
  };
  auto const refused = forward(builtin(), *with_second("PID|2||4712^^^HOSP^MR||Other^Person"), partner());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, fhir::IssueType::structure);
  EXPECT_EQ(refused.error().source, "PID[2]-3");
  std::size_t const begin = admit.find("PID|");
  std::string const again = admit.substr(begin, admit.find('\r', begin) - begin);
  EXPECT_TRUE(forward(builtin(), *with_second(again), partner())) << "one person told twice";
}

TEST(Apply, AnUpdateNeverSetsAStatus) {
  Arena arena;
  EXPECT_EQ(after({event("A08", "ADT_A01")}, "visit", arena).text_at("status"), "unknown");
  EXPECT_EQ(after({std::string(testing::kAdmit), event("A08", "ADT_A01")}, "visit", arena).text_at("status"),
            "in-progress");
}

TEST(Apply, TheSameMessageTwiceIsTheSameResource) {
  Arena arena;
  std::string const admit(testing::kAdmit);
  for (std::string_view const role : {"patient", "visit"}) {
    Element const once = after({admit}, role, arena);
    Element const twice = after({admit, admit}, role, arena);
    EXPECT_TRUE(once == twice) << fhir::json::write(once) << "\n" << fhir::json::write(twice);
  }
}

TEST(Events, TheChangeOfAVisitChoosesTheMessageThatTellsIt) {
  Arena arena;
  std::string const admit(testing::kAdmit);
  Element const open = after({admit}, "visit", arena);
  Element const closed = after({admit, event("A03", "ADT_A03")}, "visit", arena);
  auto const choose = [&](Element const* before, Element const& now) {
    auto const choice = choose_event(builtin(), before, now, partner());
    return choice ? std::string(choice->trigger_event) : std::string("none");
  };
  EXPECT_EQ(choose(nullptr, open), "A01");
  EXPECT_EQ(choose(&open, closed), "A03");
  EXPECT_EQ(choose(&closed, open), "A13");
  Element const moved = after({admit, with(event("A02", "ADT_A02"), "W1^101^2", "W2^7^1")}, "visit", arena);
  EXPECT_EQ(moved.text_at("status"), "in-progress");
}

/// convert --bundle message: MSH is the header of a FHIR message.
TEST(MessageBundle, ItsHeaderSaysWhatMshSays) {
  std::string const bytes =
      "MSH|^~\\&|ADT^1.2.3^ISO|HOSP|HUB|CLINIC|20250301083000+0000||ADT^A01^ADT_A01|M77|P|2.5.1\r"
      "EVN||20250301083000+0000\rPID|1||4711^^^H&1.2.4&ISO^MR||Muster^Anna||19800101\rPV1|1|I\r";
  PartnerProfile sender;
  sender.name = "site";
  auto const message = testing::parse(bytes);
  auto draft = forward(builtin(), *message, sender).value();
  for (auto const& warning : draft.warnings) ADD_FAILURE() << fhir::to_line(warning);
  Element const bundle = to_message_bundle(draft, *message, sender);
  EXPECT_EQ(bundle.text_at("type"), "message");
  EXPECT_EQ(bundle.text_at("timestamp"), "2025-03-01T08:30:00+00:00");
  EXPECT_EQ(bundle.text_of("identifier", "value"), "M77");
  Element const& header = *bundle.at("entry", 0)->find("resource");
  EXPECT_EQ(header.text_at("resourceType"), "MessageHeader");
  EXPECT_EQ(header.text_of("eventCoding", "code"), "A01");
  EXPECT_EQ(header.text_of("eventCoding", "display"), "ADT^A01^ADT_A01");
  EXPECT_EQ(header.text_of("source", "name"), "ADT");
  EXPECT_EQ(header.text_of("source", "endpoint"), "urn:oid:1.2.3");
  EXPECT_EQ(header.text_of("sender", "display"), "HOSP");
  EXPECT_EQ(header.text_of("destination", 0, "name"), "HUB");
  EXPECT_EQ(header.text_of("destination", 0, "_endpoint", "extension", 0, "valueCode"), "unknown");
  EXPECT_EQ(header.text_of("destination", 0, "receiver", "display"), "CLINIC");
  ASSERT_EQ(header.find("focus")->size(), 1U);
  std::string_view const focus = header.text_of("focus", 0, "reference");
  for (Element const& entry : bundle.find("entry")->items())
    if (entry.text_at("fullUrl") == focus) EXPECT_EQ(entry.text_of("resource", "resourceType"), "Encounter");
}

}  // namespace
}  // namespace mappings::language
