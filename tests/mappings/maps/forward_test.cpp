/// The tables read our own messages and the public ones: what must come out, that it is valid R4, that
/// nothing is lost unsaid.
#include "fhir/validate/structure.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "own_corpus.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

namespace mappings::maps::test {
namespace {

TEST(OwnCorpus, HoldsEveryMessageThatItsSourcesDescribeAndNoOther) {
  std::set<std::string> found;
  for (OwnMessage const& message : own_messages()) found.insert(message.name);
  EXPECT_EQ(found, listed_messages()) << "run tests/corpora/v2/generate.py";
  EXPECT_GE(found.size(), 78U);
}

TEST(OwnCorpus, SpeaksEveryVersionFrom21To28AndSixSetsOfDelimiters) {
  std::set<std::string> versions;
  std::set<std::string> delimiters;
  for (OwnMessage const& own : own_messages()) {
    hl7v2::Message const message = parse(own.bytes);
    versions.emplace(message.version());
    delimiters.insert(own.bytes.substr(3, own.bytes.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3) - 3));
  }
  for (char const* const version :
       {"2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.2"})
    EXPECT_TRUE(versions.contains(version)) << version;
  EXPECT_GE(delimiters.size(), 6U);
}

TEST(OwnCorpus, EveryMessageIsReadByTheTableOfItsFolder) {
  for (OwnMessage const& own : own_messages()) {
    Translated const translated(own.bytes);
    EXPECT_EQ(translated.draft.structure, own.structure) << own.name;
  }
}

struct Expectation {
  std::string message, path, text;
};

std::vector<Expectation> expectations() {
  std::ifstream in(std::string(HANDOFF_SOURCE_DIR) + "/tests/mappings/maps/expectations.txt");
  std::vector<Expectation> all;
  std::string message;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line.ends_with(" =")) line += ' ';  // nothing stands there
    auto const equals = line.find(" = ");
    if (equals == std::string::npos)
      message = line;
    else
      all.push_back({message, line.substr(0, equals), line.substr(equals + 3)});
  }
  return all;
}

TEST(Expectations, EveryMessageSaysInFhirWhatItSaidInV2) {
  auto const all = expectations();
  EXPECT_GE(all.size(), 300U);
  std::map<std::string, std::set<std::string>> covered;
  for (Expectation const& one : all) {
    OwnMessage const& own = own_message(one.message);
    Translated const translated(own.bytes);
    EXPECT_EQ(text_at(translated.draft, one.path), one.text) << one.message << " " << one.path;
    covered[own.structure].insert(own.name);
  }
  EXPECT_GE(covered.size(), 15U) << "a structure has no expectation at all";
}

/// Structure and required bindings of every resource once it has a real id; "" when all is well.
std::string faults_of(language::Draft& draft) {
  std::string faults;
  std::vector<std::string> references;
  for (std::size_t at = 0; at < draft.resources.size(); ++at)
    references.push_back(std::string(draft.resources[at].type) + "/" + std::to_string(at));
  language::resolve_references(draft, references);
  for (auto const& resource : draft.resources) {
    fhir::Issues issues;
    fhir::validate::validate_structure(resource.content, issues);
    for (fhir::Issue const& issue : issues)
      faults += "  " + std::string(resource.role) + ": " + fhir::to_line(issue) + "\n";
  }
  return faults;
}

TEST(Validity, EveryResourceOfOurOwnMessagesIsValidR4) {
  for (OwnMessage const& own : own_messages()) {
    Translated translated(own.bytes);
    EXPECT_EQ(faults_of(translated.draft), "") << own.name;
  }
}

/// Resources that a public message leaves without what R4 insists on, because the message itself lacks it.
bool lacks_it_itself(std::string const& fault) {
  return fault.find("Coverage.payor") != std::string::npos;  // an IN1 without company id and name
}

TEST(Validity, EveryResourceOfThePublicMessagesInScopeIsValidR4) {
  if (hl7v2::test::shared_directory().empty()) GTEST_SKIP() << "the shared corpora are absent";
  std::map<std::string, int> read;
  for (auto const& found : hl7v2::test::corpus_messages()) {
    fhir::Issues warnings;
    auto const message = hl7v2::Message::parse(found.bytes, {}, warnings);
    if (!message) continue;
    auto draft = language::forward(language::builtin(), *message, sender());
    if (!draft) {
      bool const is_of_two_people = draft.error().source == "PID[2]-3";
      EXPECT_TRUE(is_of_two_people || draft.error().code == fhir::IssueType::not_supported) << found.name;
      continue;
    }
    ++read[std::string(draft->structure)];
    std::string const faults = faults_of(*draft);
    if (!lacks_it_itself(faults)) EXPECT_EQ(faults, "") << found.name;
  }
  int total = 0;
  for (auto const& [structure, count] : read) {
    RecordProperty(structure, count);
    total += count;
  }
  EXPECT_GE(total, 200) << "most of the public messages are in scope";
  for (char const* const structure :
       {"ADT_A01", "ADT_A03", "REF_I12", "SIU_S12", "ORU_R01", "MDM_T02", "OMG_O19"})
    EXPECT_GT(read[structure], 0) << structure;
}

TEST(Accounting, EveryLeafIsMappedKeptOrDropped) {
  for (OwnMessage const& own : own_messages()) {
    Translated const translated(own.bytes);
    auto const account = language::account(translated.message, translated.draft);
    EXPECT_EQ(account.leaves, account.mapped.size() + account.kept.size() + account.dropped.size())
        << own.name;
    EXPECT_GT(account.mapped.size() * 10, account.leaves * 6)
        << own.name << ": under 60 % of the leaves are mapped";
    std::set<hl7v2::Address> once(account.mapped.begin(), account.mapped.end());
    for (auto const& loss : account.kept) EXPECT_TRUE(once.insert(loss.address).second) << own.name;
    for (auto const& loss : account.dropped) EXPECT_TRUE(once.insert(loss.address).second) << own.name;
    EXPECT_EQ(once.size(), account.leaves) << own.name;
  }
}

TEST(Identity, TheSameMessageGivesTheSameKeysAndNoTwoResourcesShareOne) {
  for (OwnMessage const& own : own_messages()) {
    Translated const first(own.bytes);
    Translated const again(own.bytes);
    ASSERT_EQ(first.draft.resources.size(), again.draft.resources.size()) << own.name;
    std::set<std::string> keys;
    for (std::size_t at = 0; at < first.draft.resources.size(); ++at) {
      auto const& resource = first.draft.resources[at];
      EXPECT_EQ(resource.key, again.draft.resources[at].key) << own.name;
      EXPECT_FALSE(resource.key.empty()) << own.name << " " << resource.role;
      // A person may be referring provider and primary care provider at once: one key, two views.
      if (!resource.key_is_identifier)
        EXPECT_TRUE(keys.insert(resource.key).second) << own.name << " " << resource.key;
    }
  }
}

TEST(Status, NoMessageOfTheFillerSetsTheStatusOfARequestOrATask) {
  for (OwnMessage const& own : own_messages()) {
    Translated const translated(own.bytes);
    for (auto const& resource : translated.draft.resources) {
      // An order that is no referral moves by its messages (events/order.map).
      if (resource.role == "order") continue;
      if (resource.type == "ServiceRequest")
        EXPECT_EQ(resource.content.text_at("status"), "active") << own.name;
      if (resource.type == "Task") EXPECT_EQ(resource.content.text_at("status"), "requested") << own.name;
      if (resource.type == "ServiceRequest" || resource.type == "Task")
        EXPECT_TRUE(resource.new_only_status) << own.name << ": the status must come from a default";
    }
  }
}

TEST(Merge, EveryRetiredNumberIsAFactOfItsOwnPatient) {
  Translated const translated(own_message("ADT_A39/02-two-merges").bytes);
  std::vector<std::pair<std::string, std::uint32_t>> retired;
  for (auto const& fact : translated.draft.facts) {
    if (fact.name == "merge.retired") retired.emplace_back(std::string(fact.text()), fact.instance);
  }
  std::vector<std::pair<std::string, std::uint32_t>> const expected = {{"9002", 1}, {"9003", 1}, {"9004", 2}};
  EXPECT_EQ(retired, expected);
}

}  // namespace
}  // namespace mappings::maps::test
