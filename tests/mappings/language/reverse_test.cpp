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
  return made;
}

/// A message as a Bundle of its own arena, to be edited and written back.
struct Case {
  explicit Case(std::string_view bytes)
      : message(*testing::parse(bytes)), draft(forward(builtin(), message, partner()).value()) {
    structure = draft.structure;
    bundle = to_bundle(draft);
  }

  Element& resource(std::string_view type) {
    for (Element& entry : bundle.find("entry")->items()) {
      if (entry.find("resource")->text_at("resourceType") == type) return *entry.find("resource");
    }
    throw std::logic_error("no such resource");
  }

  std::string write(hl7v2::Message const* seed) {
    auto request = from_bundle(builtin(), structure, bundle);
    EXPECT_TRUE(request) << fhir::to_line(request.error());
    request->message_code = draft.message_code;
    request->trigger_event = draft.trigger_event;
    request->control_id = "OUT1";
    request->timestamp = "20250302000000+0000";
    request->seed = seed;
    request->keep_header = seed != nullptr;
    auto written = reverse(builtin(), *request, partner());
    EXPECT_TRUE(written) << fhir::to_line(written.error());
    if (!written) return {};
    loss = std::move(written->loss);
    return written->image.bytes();
  }

  hl7v2::Message message;
  Draft draft;
  std::string structure;
  Element bundle;
  std::vector<LossNote> loss;
};

std::string with(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  auto const at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

TEST(Reverse, OverTheSeedNothingChangesWhenNothingChanged) {
  Case one(testing::kAdmit);
  EXPECT_EQ(one.write(&one.message), testing::kAdmit);
}

TEST(Reverse, OneChangedElementChangesOneLeafAndKeepsOwnSegments) {
  Case one(testing::kAdmit);
  one.resource("Patient").set(one.draft.arena, "birthDate", Element::of_string("1980-03-01"));
  EXPECT_EQ(one.write(&one.message), with(testing::kAdmit, "19800229", "19800301"));
}

TEST(Reverse, ARemovedElementBecomesANull) {
  Case one(testing::kAdmit);
  one.resource("Patient").remove("birthDate");
  EXPECT_EQ(one.write(&one.message), with(testing::kAdmit, "|19800229|", "|\"\"|"));
}

TEST(Reverse, AnAddedItemBecomesARepetitionAndARemovedOneGoes) {
  Case one(testing::kAdmit);
  Arena& arena = one.draft.arena;
  Element phone = Element::of_object();
  phone.set(arena, "system", Element::of_string("phone"));
  phone.set(arena, "value", Element::of_string("+41 31 7"));
  phone.set(arena, "use", Element::of_string("home"));
  one.resource("Patient").find("telecom")->push(arena, phone);
  EXPECT_EQ(one.write(&one.message), with(testing::kAdmit, "1^PRN^PH", "1^PRN^PH~+41 31 7^PRN^PH"));

  Case other(testing::kAdmit);
  other.resource("Patient").find("identifier")->remove_item(1);
  EXPECT_EQ(other.write(&other.message), with(testing::kAdmit, "~99^^^SSA^SS", ""));
}

TEST(Reverse, DelimitersInAValueAreEscaped) {
  Case one(testing::kAdmit);
  one.resource("Patient").find("name")->items()[0].set(one.draft.arena, "family",
                                                       Element::of_string("A|B^C&D"));
  EXPECT_EQ(one.write(&one.message), with(testing::kAdmit, "Muster", "A\\F\\B\\S\\C\\T\\D"));
}

TEST(Reverse, WithoutASeedReadingBackGivesTheSameResources) {
  Case one(testing::kAdmit);
  std::string const bytes = one.write(nullptr);
  EXPECT_EQ(bytes.find("ZPI"), std::string::npos);
  Case again(bytes);
  EXPECT_EQ(fhir::json::write(one.resource("Patient")), fhir::json::write(again.resource("Patient")));
  EXPECT_EQ(fhir::json::write(one.resource("Practitioner")),
            fhir::json::write(again.resource("Practitioner")));
}

TEST(Reverse, WhatTheMessageCannotCarryIsALossNote) {
  Case one(testing::kAdmit);
  Element photo = Element::of_array();
  photo.push(one.draft.arena, Element::of_object());
  one.resource("Patient").set(one.draft.arena, "photo", photo);
  one.write(&one.message);
  ASSERT_TRUE(
      std::ranges::any_of(one.loss, [](LossNote const& note) { return note.path == "Patient.photo"; }));
}

TEST(Reverse, ARequiredFieldWithoutASourceIsRefusedByName) {
  Case one(testing::kAdmit);
  one.resource("Patient").remove("name");
  auto request = from_bundle(builtin(), one.structure, one.bundle);
  ASSERT_TRUE(request);
  request->control_id = "OUT1";
  request->timestamp = "20250302000000+0000";
  auto const written = reverse(builtin(), *request, partner());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, fhir::IssueType::required);
  EXPECT_EQ(written.error().source, "PID-5");
}

TEST(Reverse, EverythingThatStandsInTheWayIsNamedAtOnce) {
  Case one(testing::kAdmit);
  one.resource("Patient").remove("name");
  auto request = from_bundle(builtin(), one.structure, one.bundle);
  ASSERT_TRUE(request);
  auto to = partner();
  request->timestamp = "20250302000000+0000";
  to.required_fields = {"PID-5", "PID-24", "PV1-13"};
  fhir::Issues refusals;
  auto const written = reverse(builtin(), *request, to, &refusals);
  ASSERT_FALSE(written);
  std::vector<std::string> places;
  for (auto const& issue : refusals) places.push_back(issue.expression + " " + issue.source);
  EXPECT_EQ(places, (std::vector<std::string>{"Patient.name PID-5", "Patient.multipleBirthBoolean PID-24",
                                              "Encounter.hospitalization.reAdmission PV1-13"}));
  EXPECT_EQ(written.error().source, refusals.front().source);
}

TEST(Reverse, TheHeaderIsThePartnersWhenItIsNotKept) {
  Case one(testing::kAdmit);
  auto request = from_bundle(builtin(), one.structure, one.bundle);
  ASSERT_TRUE(request);
  request->control_id = "OUT1";
  request->timestamp = "20250302000000+0000";
  PartnerProfile to = partner();
  to.version = "2.3.1";
  to.delimiters.component = '$';
  to.their_application = {"LAB", "", ""};
  auto const written = reverse(builtin(), *request, to);
  ASSERT_TRUE(written) << fhir::to_line(written.error());
  EXPECT_TRUE(written->image.bytes().starts_with(
      "MSH|$~\\&|||LAB||20250302000000+0000||ADT$A01$ADT_A01|OUT1|P|2.3.1\r"))
      << written->image.bytes();
}

/// L4: change one mapped leaf of the message; only elements of the rows that read it may differ.
TEST(Laws, ChangingOneLeafChangesOnlyWhatItsRowsWrite) {
  auto const message = testing::parse(testing::kAdmit);
  auto base = forward(builtin(), *message, partner());
  ASSERT_TRUE(base);
  std::vector<std::string> before;
  for (auto const& resource : base->resources) before.push_back(fhir::json::write(resource.content));
  Account const found = account(*message, *base);
  std::size_t changed = 0;
  for (auto const& leaf : found.kept) {
    hl7v2::Image image(*message);
    if (message->segment_id(leaf.address.segment) == "MSH") continue;
    image.set(leaf.address, "Q");
    auto const edited = testing::parse(image.bytes());
    auto const draft = forward(builtin(), *edited, partner());
    ASSERT_TRUE(draft);
    ASSERT_EQ(draft->resources.size(), before.size());
    for (std::size_t at = 0; at < before.size(); ++at)
      EXPECT_EQ(fhir::json::write(draft->resources[at].content), before[at])
          << hl7v2::to_string(*message, leaf.address) << " is kept and must change nothing";
    ++changed;
  }
  EXPECT_GE(changed, 4U);
}

}  // namespace
}  // namespace mappings::language
