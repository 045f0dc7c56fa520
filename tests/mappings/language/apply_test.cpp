/// What apply() returns lies in the caller's arena: it must read the same when message, draft, the version
/// before and its arena are gone. (Names and texts of copied path steps once dangled in it; run under ASan,
/// this reads them all.)
#include "corpus.hpp"
#include "fhir/json/writer.hpp"
#include "mappings/language/translator.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

namespace mappings::language {
namespace {

using fhir::json::Arena;
using fhir::json::Element;

/// A version of a resource in an arena of its own, and how it read when it was made.
struct Version {
  std::unique_ptr<Arena> arena = std::make_unique<Arena>();
  Element resource;
  std::string text;
};

/// Every resource of the message after it, over what `before` says of them. Message and draft die with the
/// call.
std::vector<Version> take(std::string_view bytes, std::vector<Version> const& before) {
  PartnerProfile partner;
  partner.name = "site";
  auto const copy = std::make_unique<std::string>(bytes);
  auto const message = testing::parse(*copy);
  auto const draft = forward(builtin(), *message, partner);
  if (!draft) throw std::runtime_error(fhir::to_line(draft.error()));
  std::vector<Version> after(draft->resources.size());
  for (std::size_t at = 0; at < after.size(); ++at) {
    Element const* const current = at < before.size() ? &before[at].resource : nullptr;
    after[at].resource = apply(*draft, at, current, *after[at].arena);
    after[at].text = fhir::json::write(after[at].resource);
  }
  return after;
}

/// Resources of the same types of which nothing is known but an id: everything the draft says is built anew.
std::vector<Version> bare(std::vector<Version> const& like) {
  std::vector<Version> made(like.size());
  for (std::size_t at = 0; at < like.size(); ++at) {
    Arena& arena = *made[at].arena;
    made[at].resource = Element::of_object();
    made[at].resource.set(arena, "resourceType",
                          Element::of_string(arena.copy(like[at].resource.text_at("resourceType"))));
    made[at].resource.set(arena, "id", Element::of_string("1"));
  }
  return made;
}

void expect_readable(std::vector<Version> const& versions, std::string const& name) {
  for (Version const& version : versions)
    EXPECT_EQ(fhir::json::write(version.resource), version.text) << name;
}

/// New, over itself, and over bare resources twice; every earlier version is gone when the last one is read.
void expect_lives_on(std::string_view bytes, std::string const& name) {
  auto versions = take(bytes, {});
  expect_readable(versions, name);
  auto bare_versions = bare(versions);
  versions = take(bytes, versions);
  expect_readable(versions, name);
  bare_versions = take(bytes, bare_versions);
  expect_readable(bare_versions, name);
  bare_versions = take(bytes, bare_versions);
  expect_readable(bare_versions, name);
}

TEST(Apply, ListsAndDiscriminatedItemsLiveOnWhenDraftAndMessageAreGone) {
  auto versions = bare(take(testing::kAdmit, {}));
  versions = take(testing::kAdmit, versions);
  versions = take(testing::kAdmit, versions);
  Element const& patient = versions.at(0).resource;
  ASSERT_EQ(patient.text_at("resourceType"), "Patient");
  EXPECT_EQ(patient.text_of("identifier", 0, "value"), "4711");
  EXPECT_EQ(patient.find("identifier")->size(), 2U);
  EXPECT_EQ(patient.text_of("name", 0, "family"), "Muster");
  EXPECT_EQ(patient.text_of("telecom", 0, "value"), "+41 31 1");
  std::string all;
  for (auto const& version : versions) all += fhir::json::write(version.resource);
  EXPECT_NE(all.find("ATND"), std::string::npos) << "the visit's attending is an item picked by its type";
  expect_lives_on(testing::kAdmit, "the admission");
}

TEST(Apply, WhatItReturnsForOurOwnMessagesLivesOn) {
  std::size_t seen = 0;
  auto const root = std::filesystem::path(HANDOFF_SOURCE_DIR) / "tests/corpora/v2";
  for (auto const& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".hl7") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    expect_lives_on(std::string{std::istreambuf_iterator<char>(file), {}}, entry.path().filename().string());
    ++seen;
  }
  EXPECT_GE(seen, 78U);
}

std::string booking(std::string const& trigger, std::string const& sch) {
  return "MSH|^~\\&|A|B|C|D|20250301||SIU^" + trigger + "|1|P|2.5.1\rSCH|P1^A|F1^A" + sch +
         "\rPID|1||4711^^^H&1.2.3&ISO^MR\r";
}

/// R4 wants start and end together (app-2, app-3): one that nobody told says that nobody told it.
TEST(Apply, ATimeThatNobodyToldSaysSoUntilAMessageTellsIt) {
  auto first = take(booking("S12", "|||||||||^^^20250310093000+0000"), {});
  EXPECT_EQ(first[0].resource.text_at("start"), "2025-03-10T09:30:00+00:00");
  EXPECT_EQ(first[0].resource.text_of("_end", "extension", 0, "valueCode"), "unknown");
  auto told = take(booking("S14", "|||||||||^^^^20250310100000+0000"), first);
  EXPECT_EQ(told[0].resource.text_at("start"), "2025-03-10T09:30:00+00:00");
  EXPECT_EQ(told[0].resource.text_at("end"), "2025-03-10T10:00:00+00:00");
  EXPECT_EQ(told[0].resource.find("_end"), nullptr) << told[0].text;
  auto const silent = take(booking("S14", ""), told);
  EXPECT_EQ(silent[0].resource.text_at("end"), "2025-03-10T10:00:00+00:00") << "absent keeps";
  EXPECT_EQ(silent[0].resource.find("_end"), nullptr) << silent[0].text;
}

}  // namespace
}  // namespace mappings::language
