/// `handoff validate` on v2 messages: what the dictionary of their version says.
#include "program.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace gateway::command::test {
namespace {

std::string const kAdmission =
    "MSH|^~\\&|A|B|C|D|20250301120000||ADT^A01^ADT_A01|1|P|2.5.1\rEVN||20250301120000\r";

std::string written(support::TempFolder const& folder, std::string const& name, std::string const& bytes) {
  std::ofstream(folder.file(name), std::ios::binary) << bytes;
  return folder.file(name);
}

TEST(ValidateV2, AValidMessageHasNoErrors) {
  support::TempFolder const folder;
  Ran const ran =
      run({"validate", written(folder, "a.hl7", kAdmission + "PID|1||4711^^^H^MR||Muster^Anna\rPV1|1|I\r")});
  EXPECT_EQ(ran.code, 0) << ran.out;
  EXPECT_EQ(ran.out.find("\"error\""), std::string::npos) << ran.out;
}

TEST(ValidateV2, AFindingNamesMessageAndPlace) {
  support::TempFolder const folder;
  std::string const good = kAdmission + "PID|1||4711^^^H^MR||Muster^Anna\rPV1|1|I\r";
  std::string const bad = kAdmission + "PID|1||4711^^^H^MR||Muster^Anna||19801340\rPV1|1|I\r";
  Ran const ran = run({"validate", written(folder, "two.hl7", good + bad)});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("#2 PID-7.1"), std::string::npos) << ran.out;
  EXPECT_EQ(ran.out.find("19801340"), std::string::npos) << "a patient's data in a finding";
}

}  // namespace
}  // namespace gateway::command::test
