/// A partner's overlay of examples/overlays, compiled over the built-in tables: its Z segment is read into
/// FHIR and written back, its own codes count, and nothing of the built-in tables is changed by it.
#include "own_corpus.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace mappings::maps::test {
namespace {

std::string const kMessage =
    "MSH|^~\\&|HOMECARE|RIVER|HUB|HUB|20250501080000+0000||PPR^PC2^PPR_PC1|P0100|P|2.5.1\r"
    "PID|1||88122^^^RIVER&1.2.11&ISO^MR||Ito^Kenji||19600101|M\r"
    "PRB|UP|20250501075900+0000|M54.5^Low back pain^I10C|PB-520^RIVER^1.2.11^ISO||||||||||Controlled\r"
    "ZPR|1|Oswestry score|34|20250430\r";

std::string overlay_text() {
  std::ifstream in(std::string(HANDOFF_SOURCE_DIR) + "/examples/overlays/homecare-scores.map");
  return {std::istreambuf_iterator<char>(in), {}};
}

language::Maps with_overlay(std::string const& text) {
  auto const builtin = language::builtin_files();
  std::vector<language::SourceFile> files(builtin.begin(), builtin.end());
  files.push_back({"homecare-scores.map", text});
  language::Compilation compiled = language::compile(files);
  for (fhir::Issue const& issue : compiled.issues) ADD_FAILURE() << issue.source << " " << issue.diagnostics;
  if (!compiled.maps) throw std::runtime_error("the overlay does not compile");
  return *compiled.maps;
}

TEST(Overlay, AZSegmentOfOnePartnerIsReadAndWrittenByItsOwnRows) {
  std::string const text = overlay_text();
  language::Maps const maps = with_overlay(text);
  hl7v2::Message const message = parse(kMessage);
  auto draft = language::forward(maps, message, sender());
  ASSERT_TRUE(draft) << fhir::to_line(draft.error());
  EXPECT_EQ(text_at(*draft, "score.code.text"), "Oswestry score");
  EXPECT_EQ(text_at(*draft, "score.valueQuantity.value"), "34");
  EXPECT_EQ(text_at(*draft, "score.status"), "final");
  EXPECT_EQ(text_at(*draft, "problem.evidence[0].detail[0]/code.text"), "Oswestry score");
  EXPECT_EQ(text_at(*draft, "problem.clinicalStatus.coding[0].code"), "active") << "its own word for it";

  auto const bundle = language::to_bundle(*draft);
  auto request = language::from_bundle(maps, draft->structure, bundle);
  ASSERT_TRUE(request) << fhir::to_line(request.error());
  request->trigger_event = "PC2";
  request->timestamp = "20250501080000+0000";
  auto const written = language::reverse(maps, *request, sender());
  ASSERT_TRUE(written) << fhir::to_line(written.error());
  // Open: two roles fit an Observation that a problem's evidence names, and the standard's OBX is asked
  // first.
  EXPECT_NE(written->image.bytes().find("^Oswestry score||34|"), std::string::npos) << written->image.bytes();
}

TEST(Overlay, WithoutItTheSegmentIsKeptAndAccountedFor) {
  Translated const translated(kMessage);
  EXPECT_EQ(text_at(translated.draft, "score.code.text"), "");
  auto const account = language::account(translated.message, translated.draft);
  std::size_t kept = 0;
  for (auto const& loss : account.kept)
    kept += translated.message.segment_id(loss.address.segment) == "ZPR" ? 1 : 0;
  EXPECT_EQ(kept, 4U);
}

}  // namespace
}  // namespace mappings::maps::test
