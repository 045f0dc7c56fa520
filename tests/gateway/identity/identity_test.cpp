#include "gateway/identity/identity.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/identity/ids.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace gateway::identity {
namespace {

constexpr char kClinic[] = "urn:oid:1.3.6.1.4.1.32473.20";
constexpr char kPractice[] = "urn:oid:1.3.6.1.4.1.32473.10";
constexpr char kNational[] = "urn:oid:1.3.6.1.4.1.32473.1";

/// A store in a folder of its own, and a trust table with a practice and a clinic that both may speak for
/// national ids.
class Identity : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        testing::TempDir() + "identity-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto opened =
        store::open_sqlite({.path = folder_ + "/handoff.db"}, [] { return std::int64_t{1'740'000'000'000}; });
    ASSERT_TRUE(opened) << to_line(opened.error());
    store_ = std::move(*opened);
    trust_.sources.push_back({"practice", {kPractice}, {kNational}});
    trust_.sources.push_back({"clinic", {kClinic}, {kNational}});
    trust_.sources.push_back({"stranger", {}, {}});
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void put(std::string const& id, std::string const& source, std::string const& identifiers,
           std::string const& family = "Mason", std::string const& birth_date = "1957-03-12") {
    std::string const json = R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[)" +
                             identifiers + R"(],"name":[{"family":")" + family +
                             R"(","given":["Walter"]}],"birthDate":")" + birth_date + R"("})";
    auto const done = store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      FHIR_TRY(auto const patient, fhir::json::read(json, unit.arena()));
      FHIR_CHECK(unit.put(patient, source, "PUT"));
      return link_patients(unit, trust_);
    });
    ASSERT_TRUE(done) << to_line(done.error());
  }

  static std::string id(std::string const& system, std::string const& value) {
    return R"({"system":")" + system + R"(","value":")" + value + R"("})";
  }

  std::string person(std::string const& patient) {
    auto const snapshot = store_->snapshot();
    auto const found = (*snapshot)->find_key(kPersonSpace, patient);
    return found && *found ? **found : "";
  }

  std::size_t links_of(std::string const& person_id) {
    auto const snapshot = store_->snapshot();
    auto const version = (*snapshot)->find(store::AccessPolicy::all(), "Person", person_id);
    auto const document = fhir::json::read_document((*version)->content);
    auto const* const links = document->root.find("link");
    return links == nullptr ? 0 : links->size();
  }

  fhir::Result<store::Receipt> merge_patients(std::string const& survivor, std::string const& retired) {
    return store_->commit_and_wait([&](store::Unit& unit) {
      return merge(unit, {.source = "clinic",
                          .survivor_patient = "p-" + survivor,
                          .retired_patient = "p-" + retired,
                          .survivor_key = std::string(kClinic) + "|" + survivor,
                          .retired_key = std::string(kClinic) + "|" + retired});
    });
  }

  std::string survivor_of(std::string const& value) {
    std::string survivor;
    auto const done = store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      FHIR_TRY(survivor, resolve_alias(unit, "clinic", std::string(kClinic) + "|" + value));
      return {};
    });
    return done ? survivor : to_line(done.error());
  }

  std::string folder_;
  std::unique_ptr<store::Store> store_;
  Trust trust_;
};

TEST_F(Identity, ATrustedIdWithNameAndBirthDateMakesOnePerson) {
  put("a", "practice", id(kPractice, "1") + "," + id(kNational, "900"));
  put("b", "clinic", id(kClinic, "7") + "," + id(kNational, "900"), "MASON");
  EXPECT_FALSE(person("a").empty());
  EXPECT_EQ(person("a"), person("b"));
  EXPECT_EQ(links_of(person("a")), 2U);
}

TEST_F(Identity, ATrustedIdWithAnotherBirthDateDoesNot) {
  put("a", "practice", id(kNational, "900"));
  put("b", "clinic", id(kNational, "900"), "Mason", "1958-03-12");
  EXPECT_NE(person("a"), person("b"));
}

TEST_F(Identity, AnEchoedNumberIsBelievedOnlyWithNameAndBirthDate) {
  put("a", "practice", id(kPractice, "1"));
  put("b", "clinic", id(kClinic, "7") + "," + id(kPractice, "1"));
  EXPECT_EQ(person("a"), person("b"));
  put("c", "clinic", id(kClinic, "8") + "," + id(kPractice, "1"), "Somebody");
  EXPECT_NE(person("a"), person("c"));
}

TEST_F(Identity, TheEchoMayComeBeforeTheAuthorityItself) {
  put("b", "clinic", id(kClinic, "7") + "," + id(kPractice, "1"));
  put("a", "practice", id(kPractice, "1"));
  EXPECT_EQ(person("a"), person("b"));
}

TEST_F(Identity, AnUntrustedSourceLinksByNoNationalId) {
  put("a", "practice", id(kNational, "900"));
  put("b", "stranger", id(kNational, "900"));
  EXPECT_NE(person("a"), person("b"));
}

TEST_F(Identity, EvidenceThatComesLaterJoinsTwoPersons) {
  put("a", "practice", id(kPractice, "1"));
  put("b", "clinic", id(kClinic, "7"));
  ASSERT_NE(person("a"), person("b"));
  put("b", "clinic", id(kClinic, "7") + "," + id(kPractice, "1"));
  EXPECT_EQ(person("a"), person("b"));
}

TEST_F(Identity, EvidenceThatIsTakenBackUnlinks) {
  put("a", "practice", id(kPractice, "1"));
  put("b", "clinic", id(kClinic, "7") + "," + id(kPractice, "1"));
  ASSERT_EQ(person("a"), person("b"));
  put("b", "clinic", id(kClinic, "7"));
  EXPECT_NE(person("a"), person("b"));
  EXPECT_EQ(links_of(person("a")), 1U);
}

TEST_F(Identity, AMergeJoinsPersonsAndRetiresTheNumber) {
  put("p-7", "clinic", id(kClinic, "7"));
  put("p-8", "clinic", id(kClinic, "8"));
  ASSERT_NE(person("p-7"), person("p-8"));
  ASSERT_TRUE(merge_patients("7", "8"));
  EXPECT_EQ(person("p-7"), person("p-8"));
  EXPECT_EQ(survivor_of("8"), std::string(kClinic) + "|7");
  auto const snapshot = store_->snapshot();
  auto const retired = (*snapshot)->find(store::AccessPolicy::all(), "Patient", "p-8");
  EXPECT_NE((*retired)->content.find("replaced-by"), std::string::npos);
  EXPECT_NE((*retired)->content.find(R"("active":false)"), std::string::npos);
}

TEST_F(Identity, AChainOfMergesIsOneLookUp) {
  for (char const* value : {"1", "2", "3"}) put(std::string("p-") + value, "clinic", id(kClinic, value));
  ASSERT_TRUE(merge_patients("2", "1"));
  ASSERT_TRUE(merge_patients("3", "2"));
  EXPECT_EQ(survivor_of("1"), std::string(kClinic) + "|3");
  auto const snapshot = store_->snapshot();
  auto const alias = (*snapshot)->find_key(kAliasSpace, std::string("clinic|") + kClinic + "|1");
  ASSERT_TRUE(alias && *alias);
  EXPECT_EQ(**alias, std::string(kClinic) + "|3");
}

TEST_F(Identity, ACircleIsRefusedAndChangesNothing) {
  for (char const* value : {"1", "2"}) put(std::string("p-") + value, "clinic", id(kClinic, value));
  ASSERT_TRUE(merge_patients("2", "1"));
  auto const circle = merge_patients("1", "2");
  ASSERT_FALSE(circle);
  EXPECT_EQ(circle.error().code, fhir::IssueType::conflict);
  EXPECT_EQ(survivor_of("1"), std::string(kClinic) + "|2");
}

TEST_F(Identity, ANumberNeverSeenCanBeRetired) {
  put("p-7", "clinic", id(kClinic, "7"));
  ASSERT_TRUE(merge_patients("7", "99"));
  EXPECT_EQ(survivor_of("99"), std::string(kClinic) + "|7");
  EXPECT_EQ(person("p-99"), person("p-7"));
}

TEST(DerivedIds, DependOnSourceAndKeyAlone) {
  EXPECT_EQ(derived_id("a", "b"), derived_id("a", "b"));
  EXPECT_NE(derived_id("a", "b"), derived_id("ab", ""));
  EXPECT_EQ(derived_id("a", "b").size(), 32U);
}

}  // namespace
}  // namespace gateway::identity
