/// `handoff validate` on FHIR resources: one OperationOutcome per file, with line and column.
#include "program.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gateway::command::test {
namespace {

std::string write_file(std::string const& name, std::string_view text) {
  auto const path = std::filesystem::path(::testing::TempDir()) / name;
  std::ofstream(path, std::ios::binary) << text;
  return path.string();
}

TEST(ValidateFhir, NamesWhatIsWrongAndWhere) {
  std::string const file = write_file(
      "validate-patient.json", "{\"resourceType\":\"Patient\",\n \"contact\":[{\"gender\":\"male\"}]}");
  Ran const ran = run({"validate", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("pat-1"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("line 2 column 13"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("Patient.contact[0]"), std::string::npos) << ran.out;
}

TEST(ValidateFhir, ReadsXmlAndProfiles) {
  std::string const file = write_file(
      "validate-observation.xml",
      R"(<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="x"/></code></Observation>)");
  EXPECT_EQ(run({"validate", file}).code, 0);
  Ran const ran = run({"validate", "--profile", "http://hl7.org/fhir/StructureDefinition/bodyweight", file});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.out.find("Observation.category"), std::string::npos) << ran.out;
}

TEST(ValidateFhir, ABadPackageIsRefusedWithItsName) {
  std::string const package = write_file("validate-bad.tgz", "no package");
  Ran const ran = run({"validate", "--package", package, package});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.out, "");
  EXPECT_NE(ran.err.find("validate-bad.tgz"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace gateway::command::test
