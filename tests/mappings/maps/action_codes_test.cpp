/// Action codes (HL7 tables 0206 and 0287) act on what is known already: one item at a time, the rest stays.
#include "fhir/json/writer.hpp"
#include "own_corpus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace mappings::maps::test {
namespace {

using fhir::json::Element;

/// Resources by their keys, as a server keeps them.
class Kept {
 public:
  void take(std::string const& bytes) {
    Translated const translated(bytes);
    auto const& resources = translated.draft.resources;
    std::vector<std::string> references;
    for (auto const& one : resources)
      references.push_back(std::string(one.type) + "/" + std::string(one.key));
    for (std::size_t at = 0; at < resources.size(); ++at) {
      auto const known = kept_.find(references[at]);
      Element const* const current = known == kept_.end() ? nullptr : &known->second;
      Element const after = language::apply(translated.draft, at, current, arena_, references);
      kept_[references[at]] = fhir::json::deep_copy(arena_, after);
    }
  }

  /// Of the only resource of that type: the text at `path` of each item of its array (of the first item of an
  /// inner array).
  std::set<std::string> items(std::string_view type, std::string_view array, std::string_view member,
                              std::string_view path) const {
    std::set<std::string> all;
    for (auto const& [reference, resource] : kept_) {
      if (!reference.starts_with(type) || resource.find(array) == nullptr) continue;
      for (Element const& item : resource.find(array)->items()) {
        Element const* const inner = item.at(member, 0);
        std::string text(inner == nullptr ? item.text_of(member, path) : inner->text_at(path));
        if (!text.empty()) all.insert(text.substr(text.rfind('|') + 1));
      }
    }
    return all;
  }

 private:
  fhir::json::Arena arena_;
  std::map<std::string, Element> kept_;
};

std::string siu(std::string const& trigger, std::string const& resources) {
  return "MSH|^~\\&|CARDSYS|HEART|HUB|HUB|20250304120000+0000||SIU^" + trigger +
         "^SIU_S12|S1|P|2.5.1\r"
         "SCH||A-5^CARD^1.2.9^ISO||||ROUTINE|CONS||30|MIN|^^^20250310093000+0000||||||||||||||Booked\r"
         "PID|1||77120^^^ELMST&1.2.3&ISO^MR||Abernathy^Ruth\r" +
         resources;
}
std::string person(std::string const& action, std::string const& number) {
  return "AIP|1|" + action + "|" + number + "^Doctor^" + number + "^^^^^^NPI&1.2.840&ISO\r";
}

std::set<std::string> doctors(Kept const& kept) {
  std::set<std::string> all;
  for (auto const& one : kept.items("Appointment", "participant", "actor", "reference"))
    if (one.starts_with("D")) all.insert(one);
  return all;
}

TEST(ActionCodes, AParticipantIsAddedChangedAndTakenOutAndTheOthersStay) {
  Kept kept;
  kept.take(siu("S12", "RGS|1|A\r" + person("A", "D1") + person("A", "D2")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D1", "D2"}));
  kept.take(siu("S14", "RGS|1|U\r" + person("A", "D3")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D1", "D2", "D3"}));
  kept.take(siu("S14", "RGS|1|U\r" + person("D", "D1")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D2", "D3"}));
  kept.take(siu("S14", "RGS|1|U\r" + person("D", "D1")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D2", "D3"})) << "a second time is none";
  kept.take(siu("S14", "RGS|1|U\r" + person("U", "D2")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D2", "D3"})) << "changed, not doubled";
}

TEST(ActionCodes, AGroupThatIsDeletedTakesItsResourcesOut) {
  Kept kept;
  kept.take(siu("S12", "RGS|1|A\r" + person("", "D1") + "RGS|2|A\r" + person("", "D2")));
  kept.take(siu("S14", "RGS|1|D\r" + person("", "D1")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D2"}));
}

TEST(ActionCodes, OneServiceOfSeveralIsTakenOut) {
  auto const service = [](std::string const& action, std::string const& code) {
    return "AIS|1|" + action + "|" + code + "^Service " + code + "^L\r";
  };
  Kept kept;
  kept.take(siu("S12", "RGS|1|A\r" + service("A", "ECHO") + service("A", "ECG")));
  auto const services = [&] { return kept.items("Appointment", "serviceType", "coding", "code"); };
  EXPECT_EQ(services(), (std::set<std::string>{"ECG", "ECHO"}));
  kept.take(siu("S14", "RGS|1|U\r" + service("D", "ECHO")));
  EXPECT_EQ(services(), (std::set<std::string>{"ECG"}));
  kept.take(siu("S14", "RGS|1|U\r" + service("A", "LAB")));
  EXPECT_EQ(services(), (std::set<std::string>{"ECG", "LAB"}));
}

TEST(ActionCodes, WithoutCodesTheSegmentsAreASnapshot) {
  Kept kept;
  kept.take(siu("S12", "RGS|1\r" + person("", "D1") + person("", "D2")));
  kept.take(siu("S14", "RGS|1\r" + person("", "D2")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D2"}));
}

TEST(ActionCodes, WhatComesDeletedIsNeverThere) {
  Kept kept;
  kept.take(siu("S12", "RGS|1|A\r" + person("A", "D1") + person("D", "D2")));
  EXPECT_EQ(doctors(kept), (std::set<std::string>{"D1"}));
}

TEST(ActionCodes, ADeletedRoleLeavesItsCareTeam) {
  auto const problem = [](std::string const& roles) {
    return "MSH|^~\\&|PCPEHR|ELMST|HUB|HUB|20250301083000+0000||PPR^PC2^PPR_PC1|P1|P|2.5.1\r"
           "PID|1||77120^^^ELMST&1.2.3&ISO^MR||Abernathy^Ruth\r"
           "PRB|UP|20250301|I50.9^Heart failure^I10C|PB-1^ELMST\r" +
           roles;
  };
  auto const role = [](std::string const& action, std::string const& number) {
    return "ROL|R-" + number + "^ELMST|" + action + "|CP^Consultant^HL70443|" + number + "^Doctor^" + number +
           "^^^^^^NPI&1.2.840&ISO\r";
  };
  Kept kept;
  kept.take(problem(role("AD", "D1") + role("AD", "D2")));
  auto const members = [&] { return kept.items("CareTeam", "participant", "member", "reference"); };
  EXPECT_EQ(members(), (std::set<std::string>{"D1", "D2"}));
  kept.take(problem(role("DE", "D1")));
  EXPECT_EQ(members(), (std::set<std::string>{"D2"}));
}

}  // namespace
}  // namespace mappings::maps::test
