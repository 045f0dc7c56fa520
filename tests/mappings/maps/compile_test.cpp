/// The built-in tables compile, and what the compiler cannot know alone holds as well.
#include "mappings/language/translator.hpp"

#include <gtest/gtest.h>

namespace mappings::language {
namespace {

TEST(BuiltinMaps, CompileWithoutAnyError) {
  Compilation const compilation = compile(builtin_files());
  for (fhir::Issue const& issue : compilation.issues)
    ADD_FAILURE() << issue.source << ": " << issue.diagnostics;
  ASSERT_TRUE(compilation.maps.has_value());
  EXPECT_GE(builtin_files().size(), 48U);
}

TEST(BuiltinMaps, PassTheCheckOfPathsPairsBindingsAndRequiredElements) {
  std::size_t kept = 0;
  for (fhir::Issue const& issue : check(builtin())) {
    if (issue.severity == fhir::Severity::information)
      ++kept;
    else
      ADD_FAILURE() << fhir::to_line(issue);
  }
  EXPECT_GT(kept, 0U) << "fields without a row are listed as information";
}

TEST(BuiltinMaps, HaveEveryStructureInScope) {
  for (char const* const structure :
       {"ADT_A01", "ADT_A02", "ADT_A03", "ADT_A05", "ADT_A09", "ADT_A39", "REF_I12", "RRI_I12", "SIU_S12",
        "ORU_R01", "MDM_T02", "OMG_O19", "OSU_O51", "ACK"})
    EXPECT_TRUE(builtin().has_structure(structure)) << structure;
}

TEST(BuiltinMaps, GiveAReasonForEveryOneWayRow) {
  std::size_t one_way = 0;
  auto const all = rows(builtin());
  for (RowReport const& row : all) {
    if (row.row_class != 'O') continue;
    ++one_way;
    EXPECT_FALSE(row.reason.empty()) << row.file << ":" << row.line << " " << row.id;
  }
  EXPECT_GT(all.size(), 250U);
  EXPECT_LT(one_way * 4, all.size()) << "more than a quarter of the rows cannot run both ways";
}

}  // namespace
}  // namespace mappings::language
