/// Releases of our own making (releases/), for the real ones are their owners'.
#include "gateway/terminology/index.hpp"

#include "fhir/terminology/terminology.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <stdlib.h>

namespace gateway::terminology {
namespace {

namespace fs = std::filesystem;
using fhir::terminology::Release;

fs::path releases() { return fs::path(HANDOFF_SOURCE_DIR) / "tests/gateway/terminology/releases"; }

class Indexes : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "handoff-index-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::shared_ptr<fhir::terminology::CodeSystem const> import(Release release, std::string const& name) {
    auto const report = import_release(release, releases() / name, folder_ / name);
    EXPECT_TRUE(report.has_value()) << fhir::to_line(report.error());
    if (report) report_ = *report;
    auto opened = open_index(folder_ / name);
    EXPECT_TRUE(opened.has_value()) << fhir::to_line(opened.error());
    return opened ? *opened : nullptr;
  }

  fs::path folder_;
  ImportReport report_;
};

/// What is external in a terminology of nothing else.
class OnlyExternal : public fhir::terminology::Source {
 public:
  explicit OnlyExternal(std::shared_ptr<fhir::terminology::CodeSystem const> system) {
    indexes_.add(std::move(system));
  }
  std::optional<fhir::terminology::Found> find(std::string_view, std::string_view,
                                               std::string_view) const override {
    return std::nullopt;
  }
  std::shared_ptr<fhir::terminology::CodeSystem const> external(std::string_view url,
                                                                std::string_view version) const override {
    return indexes_.find(url, version);
  }

 private:
  ReleaseIndexes indexes_;
};

std::string expanded(std::shared_ptr<fhir::terminology::CodeSystem const> system,
                     std::string const& filters) {
  fhir::terminology::Terminology const terminology(std::make_shared<OnlyExternal>(system));
  auto const body = fhir::test::read(
      R"({"resourceType":"Parameters","parameter":[{"name":"valueSet","resource":{"resourceType":"ValueSet","compose":{"include":[)"
      R"({"system":")" +
      system->facts().url + R"(","filter":[)" + filters +
      R"(]}]}}},{"name":"excludeNested","valueBoolean":true}]})");
  fhir::terminology::Request request;
  request.parameters = &body.root;
  auto const answer = terminology.expand(request);
  if (answer.failure) return fhir::to_line(*answer.failure);
  std::string out;
  auto const* const list = answer.document.root.at("expansion", "contains");
  if (list == nullptr) return out;
  for (auto const& one : list->items())
    out += std::string(one.text_at("code")) + " " + std::string(one.text_at("display")) + "\n";
  return out;
}

TEST_F(Indexes, AnswerForSnomedCt) {
  auto const system = import(Release::snomed_ct, "snomed");
  ASSERT_NE(system, nullptr);
  EXPECT_EQ(report_.files, 4);
  EXPECT_EQ(report_.concepts, 6);
  EXPECT_EQ(report_.parents, 4);
  EXPECT_EQ(report_.unresolved, 1) << "one parent is no concept of the release";
  EXPECT_EQ(system->facts().version, "http://snomed.info/sct/900000000000207008/version/20260101");
  auto const knee = system->find("1002");
  ASSERT_TRUE(knee);
  EXPECT_EQ(system->display(*knee), "Knee disorder, made up") << "preferred in US English";
  EXPECT_EQ(system->display(*system->find("1003")), "Made-up disorder of left knee (disorder)");
  EXPECT_TRUE(system->is_inactive(*system->find("1005")));
  EXPECT_FALSE(system->find("9999"));
  EXPECT_TRUE(system->is_a(*system->find("1003"), *system->find("1001")));
  EXPECT_FALSE(system->is_a(*system->find("1001"), *system->find("1003")));
  EXPECT_EQ(expanded(system, R"({"property":"concept","op":"is-a","value":"1002"})"),
            "1002 Knee disorder, made up\n1003 Made-up disorder of left knee (disorder)\n");
  EXPECT_EQ(expanded(system, R"({"property":"363698007","op":"=","value":"2001"})"),
            "1002 Knee disorder, made up\n");
  EXPECT_EQ(expanded(system, R"({"property":"concept","op":"child-of","value":"1001"})"),
            "1002 Knee disorder, made up\n1004 Made-up pain (finding)\n");
}

TEST_F(Indexes, AnswerForImplicitValueSets) {
  auto const system = import(Release::snomed_ct, "snomed");
  ASSERT_NE(system, nullptr);
  fhir::terminology::Terminology const terminology(std::make_shared<OnlyExternal>(system));
  std::string const below = "http://snomed.info/sct?fhir_vs=isa/1002";
  using fhir::terminology::Verdict;
  EXPECT_EQ(terminology.check(below, "http://snomed.info/sct", "1003").verdict, Verdict::in);
  EXPECT_EQ(terminology.check(below, "http://snomed.info/sct", "1004").verdict, Verdict::not_in);
  EXPECT_EQ(terminology.check("http://snomed.info/sct?fhir_vs", "http://snomed.info/sct", "1004").verdict,
            Verdict::in);
  EXPECT_EQ(terminology.check("http://snomed.info/sct?fhir_vs=ecl/x", "http://snomed.info/sct", "1").verdict,
            Verdict::unknown);
}

TEST_F(Indexes, AnswerForLoinc) {
  auto const system = import(Release::loinc, "loinc");
  ASSERT_NE(system, nullptr);
  EXPECT_EQ(system->facts().version, "2.77");
  EXPECT_EQ(system->display(*system->find("90001-1")), "Made-up [Mass/volume] in Serum, \"quoted\"");
  EXPECT_TRUE(system->is_inactive(*system->find("90002-9")));
  EXPECT_EQ(expanded(system, R"({"property":"STATUS","op":"=","value":"ACTIVE"})"),
            "90001-1 Made-up [Mass/volume] in Serum, \"quoted\"\n");
}

TEST_F(Indexes, AnswerForRxNorm) {
  auto const system = import(Release::rxnorm, "rxnorm");
  ASSERT_NE(system, nullptr);
  EXPECT_EQ(report_.concepts, 3);
  EXPECT_EQ(system->display(*system->find("502")), "madeupine 5 MG Oral Tablet");
  EXPECT_EQ(system->designations(*system->find("502")).size(), 1U);
  EXPECT_TRUE(system->is_inactive(*system->find("503")));
  EXPECT_FALSE(system->find("504")) << "of another source";
  EXPECT_EQ(expanded(system, R"({"property":"TTY","op":"=","value":"SCD"})"),
            "502 madeupine 5 MG Oral Tablet\n");
  EXPECT_TRUE(system->is_a(*system->find("502"), *system->find("501")));
}

TEST_F(Indexes, KeepTheOldOneWhenAnImportFails) {
  ASSERT_NE(import(Release::loinc, "loinc"), nullptr);
  fs::create_directory(folder_ / "broken");
  std::ofstream(folder_ / "broken/Loinc.csv") << "LOINC_NUM,STATUS\n1,ACTIVE\n";
  auto const broken = import_release(Release::loinc, folder_ / "broken", folder_ / "loinc");
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(fhir::to_line(broken.error()),
            "error structure Loinc.csv line 1: the file has no column LONG_COMMON_NAME");
  EXPECT_TRUE(open_index(folder_ / "loinc").has_value());
  EXPECT_FALSE(fs::exists(folder_ / "loinc.part"));
  EXPECT_FALSE(import_release(Release::snomed_ct, folder_ / "broken", folder_ / "x").has_value());
  EXPECT_FALSE(open_index(folder_ / "broken/Loinc.csv").has_value());
  EXPECT_FALSE(open_index(folder_ / "nothing").has_value());
}

}  // namespace
}  // namespace gateway::terminology
