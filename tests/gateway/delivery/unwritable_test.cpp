// What cannot be written to its partner's structure, from the outbox row to the Task of its owner.
#include "gateway/delivery/unwritable.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/delivery/render.hpp"
#include "gateway/record/work_item.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace gateway::delivery {
namespace {

class Unwritable : public testing::Test {
 protected:
  Unwritable() {
    folder_ =
        testing::TempDir() + "unwritable-" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = store::open_sqlite({.path = folder_ + "/handoff.db"}, [] { return 1'740'830'400'000; }).value();
    row_.id = 7;
    row_.destination = "clinic";
    row_.kind = "hl7v2:ADT^A01";
    row_.request =
        R"({"message":"ADT^A01","structure":"ADT_A01","anchors":{"visit":"Encounter/v/_history/1"}})";
    profile_.name = "clinic";
    profile_.required_fields = {"PID-5", "PV1-14"};
  }
  ~Unwritable() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void put(std::string const& text) {
    ASSERT_TRUE(store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      FHIR_TRY(auto const document, fhir::json::read_document(text));
      FHIR_CHECK(unit.put(document.root, "ward", "POST"));
      return {};
    }));
  }

  void put_visit() {
    put(R"({"resourceType":"Encounter","id":"v","status":"in-progress","class":{"code":"IMP"},)"
        R"("subject":{"reference":"Patient/p"}})");
  }

  fhir::Result<Rendered> write(fhir::Issues& refusals) {
    auto const snapshot = store_->snapshot().value();
    return render(*snapshot, mappings::language::builtin(), profile_, row_, "HO7", "20250301120000",
                  &refusals);
  }

  std::unique_ptr<store::Store> store_;
  std::string folder_;
  store::OutboxRow row_;
  mappings::language::PartnerProfile profile_;
};

TEST_F(Unwritable, EveryElementAndReasonStandsInTheTaskOfItsOwner) {
  put(R"({"resourceType":"Patient","id":"p","identifier":[{"system":"urn:oid:1.2","value":"1"}]})");
  put_visit();
  fhir::Issues refusals;
  ASSERT_FALSE(write(refusals));
  ASSERT_EQ(refusals.size(), 2U);
  std::string id;
  ASSERT_TRUE(store_->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    FHIR_CHECK(open_unwritable(unit, row_, refusals, record::Site{}));
    return {};
  }));
  auto const snapshot = store_->snapshot().value();
  auto const items = snapshot->list_records(record::work::unwritable, "", "", 10).value();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_TRUE(items[0].open);
  auto const item = fhir::json::read_document(items[0].body).value();
  EXPECT_EQ(item.root.text_at("destination"), "clinic");
  ASSERT_NE(item.root.find("element"), nullptr);
  EXPECT_EQ(item.root.find("element")->size(), 2U);
  EXPECT_EQ(item.root.find("outcome")->size(), 2U);

  std::string_view const reference = item.root.text_at("task");
  ASSERT_TRUE(reference.starts_with("Task/")) << items[0].body;
  auto const version = snapshot->find(store::AccessPolicy::all(), "Task", reference.substr(5)).value();
  ASSERT_TRUE(version);
  auto const task = fhir::json::read_document(version->content).value();
  EXPECT_EQ(task.root.at("output", 0)->text_of("valueReference", "reference"), "#outcome");
  auto const* const outcome = task.root.at("contained", 0);
  ASSERT_NE(outcome, nullptr);
  EXPECT_EQ(outcome->text_at("resourceType"), "OperationOutcome");
  std::set<std::string> named;
  for (auto const& issue : outcome->find("issue")->items())
    named.insert(std::string(issue.text_of("expression", 0)) + " " +
                 std::string(issue.text_of("location", 0)));
  EXPECT_EQ(named,
            (std::set<std::string>{"Patient.name PID-5", "Encounter.hospitalization.admitSource PV1-14"}));
}

TEST_F(Unwritable, WhatLacksNothingIsWritten) {
  put(R"({"resourceType":"Patient","id":"p","identifier":[{"system":"urn:oid:1.2","value":"1"}],)"
      R"("name":[{"family":"Reed"}]})");
  put_visit();
  profile_.required_fields = {"PID-5"};
  fhir::Issues refusals;
  auto const written = write(refusals);
  ASSERT_TRUE(written) << fhir::to_line(written.error());
  EXPECT_TRUE(refusals.empty());
  EXPECT_NE(written->bytes.find("|Reed"), std::string::npos);
}

}  // namespace
}  // namespace gateway::delivery
