// Which Subscriptions a change is queued for.
#include "gateway/delivery/subscriptions.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/identity/identity.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

#include <set>

namespace gateway::delivery {
namespace {

class SubscriptionsTest : public testing::Test {
 protected:
  SubscriptionsTest() {
    store_ = store::open_sqlite({.path = folder_.file("handoff.db")}, [] {
               return std::int64_t{1'740'830'400'000};
             }).value();
  }

  void commit(store::Compute const& compute) {
    auto const done = store_->commit_and_wait(compute);
    ASSERT_TRUE(done) << fhir::to_line(done.error());
  }
  static fhir::Result<void> put(store::Unit& unit, std::string const& json) {
    FHIR_TRY(auto const resource, fhir::json::read(json, unit.arena()));
    FHIR_CHECK(unit.put(resource, "test", "PUT"));
    return {};
  }
  static std::string subscription(std::string const& id, std::string const& criteria) {
    return R"({"resourceType":"Subscription","id":")" + id +
           R"(","status":"active","reason":"r","criteria":")" + criteria +
           R"(","channel":{"type":"rest-hook","endpoint":"https://pcp.example/hook"}})";
  }
  static std::string encounter(std::string const& patient) {
    return R"({"resourceType":"Encounter","id":"e","status":"in-progress","class":{"code":"IMP"},"subject":{"reference":"Patient/)" +
           patient + R"("}})";
  }
  /// The Subscriptions that are told of this change.
  std::set<std::string> told_of(std::string const& json) {
    EXPECT_TRUE(subscriptions_.reload(*store_));
    commit([&](store::Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(put(unit, json));
      return subscriptions_.notify(unit);
    });
    std::set<std::string> told;
    auto const snapshot = store_->snapshot().value();
    for (auto const& destination : snapshot->outbox_destinations().value())
      told.insert(destination.substr(kRestHookPrefix.size()));
    return told;
  }

  support::TempFolder folder_;
  std::unique_ptr<store::Store> store_;
  Subscriptions subscriptions_;
};

TEST_F(SubscriptionsTest, OneThatNamesAPatientIsToldOfTheWholePerson) {
  commit([](store::Unit& unit) -> fhir::Result<void> {
    unit.put_key(identity::kPersonSpace, "practice", "person-1");
    unit.put_key(identity::kPersonSpace, "hospital", "person-1");
    unit.put_key(identity::kPersonSpace, "other", "person-2");
    FHIR_CHECK(put(unit, subscription("mine", "Encounter?patient=Patient/practice")));
    FHIR_CHECK(put(unit, subscription("running", "Encounter?patient=practice&status=in-progress")));
    FHIR_CHECK(put(unit, subscription("over", "Encounter?patient=Patient/practice&status=finished")));
    return put(unit, subscription("not-mine", "Encounter?patient=Patient/other"));
  });
  EXPECT_EQ(told_of(encounter("hospital")), (std::set<std::string>{"mine", "running"}));
}

TEST_F(SubscriptionsTest, HoweverManyThereAreNoneIsLeftOut) {
  constexpr int kMany = 450;
  commit([](store::Unit& unit) -> fhir::Result<void> {
    for (int i = 0; i < kMany; ++i)
      FHIR_CHECK(put(unit, subscription("s" + std::to_string(i), "Encounter?status=in-progress")));
    return {};
  });
  EXPECT_EQ(told_of(encounter("hospital")).size(), static_cast<std::size_t>(kMany));
}

}  // namespace
}  // namespace gateway::delivery
