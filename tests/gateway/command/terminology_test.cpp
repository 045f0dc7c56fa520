/// `handoff terminology import`: releases of our own making, for the real ones are their owners'.
#include "program.hpp"

#include <gtest/gtest.h>

#include <stdlib.h>

namespace gateway::command::test {
namespace {

namespace fs = std::filesystem;

TEST(TerminologyImport, MakesAnIndexOrSaysWhyNot) {
  std::string folder = (fs::temp_directory_path() / "handoff-import-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::string const index = folder + "/loinc.db";
  std::string const releases = HANDOFF_SOURCE_DIR "/tests/gateway/terminology/releases";
  Ran const good = run({"terminology", "import", "loinc", releases + "/loinc", "--index", index});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_EQ(good.out,
            "http://loinc.org|2.77\n1 files, 2 concepts, 1 other names, 14 properties, 0 parents, 0 records "
            "about what is not there\n");
  EXPECT_TRUE(fs::exists(index));
  Ran const none =
      run({"terminology", "import", "snomed", releases + "/loinc", "--index", folder + "/snomed.db"});
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("There is no file with the concepts of that release"), std::string::npos)
      << none.err;
  EXPECT_FALSE(fs::exists(folder + "/snomed.db"));
  EXPECT_EQ(run({"terminology", "import", "icd", releases, "--index", index}).code, 2);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace gateway::command::test
