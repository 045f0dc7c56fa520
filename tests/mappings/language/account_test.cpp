/// What the account says of leaves whose value did not stay where a row wrote it, and of messages without a
/// table.
#include "corpus.hpp"
#include "mappings/language/translator.hpp"
#include "samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mappings::language {
namespace {

PartnerProfile partner() {
  PartnerProfile made;
  made.name = "hosp";
  return made;
}

/// "mapped", or why it is kept or was dropped, of every leaf by its name.
struct Told {
  std::map<std::string, std::string> leaves;
  std::vector<std::string> provenance;  ///< The fields it names.

  explicit Told(std::string_view bytes) {
    auto const message = testing::parse(bytes);
    auto const draft = forward(builtin(), *message, partner());
    if (!draft) throw std::runtime_error(fhir::to_line(draft.error()));
    Account const found = account(*message, *draft);
    for (auto const& leaf : found.mapped) leaves[to_string(*message, leaf)] = "mapped";
    for (Loss const& loss : found.kept) leaves[to_string(*message, loss.address)] = loss.reason;
    for (Loss const& loss : found.dropped) leaves[to_string(*message, loss.address)] = loss.reason;
    EXPECT_EQ(leaves.size(), found.leaves);
    for (Provenance const& one : language::provenance(*draft)) provenance.push_back(one.v2);
  }
  bool names(std::string const& field) const {
    return std::ranges::find(provenance, field) != provenance.end();
  }
};

constexpr char const* kElsewhere = "another value of the message stands in its element";

std::string booking(std::string const& first_service, std::string const& second_service) {
  return "MSH|^~\\&|A|B|C|D|20250301||SIU^S12^SIU_S12|1|P|2.5.1\r"
         "SCH|P1^A|F1^B||||||||30|MIN^^UCUM|^^^20250310\r"
         "PID|1||4711^^^HOSP&1.2.3&ISO^MR||Muster^Anna\rRGS|1\r"
         "AIS|1||" +
         first_service + "\rAIS|2||" + second_service + "\r";
}

TEST(Account, EachServiceOfABookingIsMapped) {
  Told const told(booking("ECG^Electrocardiogram^L", "MRI^Magnetic resonance^L"));
  for (char const* const leaf : {"AIS-3.1.1", "AIS-3.2.1", "AIS[2]-3.1.1", "AIS[2]-3.2.1"})
    EXPECT_EQ(told.leaves.at(leaf), "mapped") << leaf;
  EXPECT_TRUE(told.names("AIS-3"));
  EXPECT_TRUE(told.names("AIS[2]-3"));
}

TEST(Account, TheSameValueTwiceIsMappedTwice) {
  Told const told(booking("ECG^Electrocardiogram^L", "ECG^Electrocardiogram^L"));
  EXPECT_EQ(told.leaves.at("AIS-3.1.1"), "mapped");
  EXPECT_EQ(told.leaves.at("AIS[2]-3.1.1"), "mapped");
}

TEST(Account, EachProcedureOfARequestIsMapped) {
  std::string const message =
      "MSH|^~\\&|A|B|C|D|20250301||REF^I12^REF_I12|1|P|2.5.1\r"
      "RF1|P|R|CAR|||R-1^A\rPRD|RP|Haus^Greg\rPRD|RT|Heart^Ann\r"
      "PID|1||4711^^^HOSP&1.2.3&ISO^MR||Muster^Anna\r"
      "PR1|1||93000^ECG^C4\rPR1|2||93306^Echo^C4\r";
  Told const told(message);
  for (char const* const field : {"PR1-3", "PR1[2]-3"}) {
    EXPECT_EQ(told.leaves.at(std::string(field) + ".1.1"), "mapped") << field;
    EXPECT_TRUE(told.names(field)) << field;
  }
}

TEST(Account, APersonWhoIsKnownByAnotherNameAlreadyIsNotMappedAgain) {
  std::string const message(testing::kAdmit);
  auto const with_admitter = [&](std::string const& admitter) {
    std::string changed = message;
    std::string const before = "|||MED||||7|||||V-9";
    auto const at = changed.find(before);
    EXPECT_NE(at, std::string::npos);
    return changed.replace(at, before.size(), "|||MED||||7|||" + admitter + "||V-9");
  };
  std::string const id = "123^";
  std::string const authority = "^^^Dr^^^NPI&2.16.840.1.113883.4.6&ISO";
  EXPECT_EQ(Told(with_admitter(id + "Haus^Greg" + authority)).leaves.at("PV1-17.2.1"), "mapped");
  EXPECT_EQ(Told(with_admitter(id + "House^Greg" + authority)).leaves.at("PV1-17.2.1"), kElsewhere);
}

TEST(Account, WithoutATableEveryLeafIsKeptForTheReasonGiven) {
  auto const message = testing::parse("MSH|^~\\&|A|||D||RDE^O11|1\rRXE|a&b^c~d|\"\"\rZZZ||x\r");
  Account const found = account(*message, "no table for RDE_O11");
  std::vector<std::string> names;
  for (Loss const& loss : found.kept) {
    EXPECT_EQ(loss.reason, "no table for RDE_O11");
    names.push_back(to_string(*message, loss.address));
  }
  std::vector<std::string> const expected = {
      "MSH-1.1.1", "MSH-2.1.1", "MSH-3.1.1", "MSH-6.1.1",    "MSH-8.1.1", "MSH-8.2.1", "MSH-9.1.1",
      "RXE-1.1.1", "RXE-1.1.2", "RXE-1.2.1", "RXE-1(2).1.1", "RXE-2.1.1", "ZZZ-2.1.1"};
  EXPECT_EQ(names, expected);
  EXPECT_EQ(found.leaves, expected.size());
  EXPECT_TRUE(found.mapped.empty() && found.dropped.empty());
}

}  // namespace
}  // namespace mappings::language
