/// `handoff maps check`: the tables of the program hold, and a partner's rows that do not are named with the
/// way out.
#include "program.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace gateway::command::test {
namespace {

TEST(MapsCheck, PassesForTheBuiltInTablesAndCountsTheirClasses) {
  Ran const ran = run({"maps", "check"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (char const* const name : {" structures, ", " iso\n", " iso with complement\n", " discriminated\n",
                                 " guarded\n", " one-way, with a reason\n"})
    EXPECT_NE(ran.out.find(name), std::string::npos) << name << " in " << ran.out;
}

struct BadOverlay {
  std::string text;
  std::vector<std::string> said;  ///< Place, row, what is wrong, the way out.
};

TEST(MapsCheck, NamesFileLineRowAndRemedyOfAnOverlaysBadRow) {
  support::TempFolder const folder;
  std::string const file = folder.file("site.map");
  std::vector<BadOverlay> const cases = {
      {"overlay site\nsegment PID -> Patient\npid.5 | PID-5* | name* | XPN~HumanNam\n",
       {":3:", " pid.5: there is no type pair 'XPN~HumanNam'", "see the list in"}},
      {"overlay site\nsegment PID -> Patient\n\npid.8 | PID-8 | gender | IS~code | no-such-words\n",
       {":4:", " pid.8: there is no vocabulary 'no-such-words'", "declare it, or name a code system"}},
      {"overlay site\nsegment PID -> Patient\nsite.1 | PID-5* | nickname* | XPN~HumanName\n",
       {":3:", " site.1: Patient has no element 'nickname'"}}};
  for (BadOverlay const& bad : cases) {
    std::ofstream(file, std::ios::binary) << bad.text;
    Ran const ran = run({"maps", "check", "--overlay", file});
    EXPECT_EQ(ran.code, 1) << bad.text;
    EXPECT_NE(ran.err.find(file), std::string::npos) << ran.err;
    for (std::string const& part : bad.said)
      EXPECT_NE(ran.err.find(part), std::string::npos) << part << " in " << ran.err;
  }
}

TEST(MapsCheck, PassesWithAnOverlayThatHolds) {
  support::TempFolder const folder;
  std::ofstream(folder.file("site.map")) << "overlay site\ndisable pid.8\n";
  EXPECT_EQ(run({"maps", "check", "--overlay", folder.file("site.map")}).code, 0);
}

TEST(MapsCheck, RefusesAnOverlayThatIsNotThere) {
  Ran const ran = run({"maps", "check", "--overlay", "/nowhere/site.map"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("/nowhere/site.map"), std::string::npos) << ran.err;
}

TEST(MapsCoverage, RefusesAFolderWithoutPublishedSheets) {
  support::TempFolder const folder;
  Ran const empty = run({"maps", "coverage", "--official", folder.file("")});
  EXPECT_EQ(empty.code, 1);
  EXPECT_NE(empty.err.find("no sheets of the v2-to-FHIR IG"), std::string::npos) << empty.err;
  Ran const absent = run({"maps", "coverage", "--official", "/nowhere"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_NE(absent.err.find("/nowhere"), std::string::npos) << absent.err;
}

TEST(MapsCoverage, ExitsWithOneWhileARowIsMissingAndNamesIt) {
  support::TempFolder const folder;
  std::filesystem::create_directory(folder.file("segments"));
  std::ofstream(folder.file("segments/HL7 Segment - FHIR R4_ PID[Patient] - PID.csv"), std::ios::binary)
      << "HL7 v2\nSort Order\n8,PID-8,Sex,CWE,0,1,,,,gender\n99,PID-99,None,ST,0,1,,,,nickname\n";
  Ran const ran = run({"maps", "coverage", "--missing", "--official", folder.file("")});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("missing | segment PID[Patient] | PID-99 | nickname"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find("missing | segment PID[Patient] | PID-8"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace gateway::command::test
