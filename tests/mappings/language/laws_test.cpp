/// The laws of design translation.md 3.5 over every message of the corpora whose structure has a table.
#include "corpus.hpp"
#include "fhir/json/writer.hpp"
#include "mappings/language/translator.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace mappings::language {
namespace {

using fhir::json::Arena;
using fhir::json::Element;

PartnerProfile partner() {
  PartnerProfile made;
  made.name = "site";
  return made;
}

/// A message, what it means, and the resources as a server would hold them.
struct Translated {
  hl7v2::Message message;
  Draft draft;
  Arena arena;
  std::vector<Element> resources;
  std::vector<std::string> references;

  Element const* find(std::string_view reference) const {
    for (std::size_t at = 0; at < references.size(); ++at) {
      if (references[at] == reference) return &resources[at];
    }
    return nullptr;
  }
};

std::unique_ptr<Translated> translate(hl7v2::Message message) {
  auto made = std::make_unique<Translated>(Translated{std::move(message), {}, {}, {}, {}});
  auto draft = forward(builtin(), made->message, partner());
  if (!draft) return nullptr;
  made->draft = std::move(*draft);
  for (std::size_t at = 0; at < made->draft.resources.size(); ++at)
    made->references.push_back(std::string(made->draft.resources[at].type) + "/" + std::to_string(at));
  for (std::size_t at = 0; at < made->draft.resources.size(); ++at) {
    Element resource = apply(made->draft, at, nullptr, made->arena);
    resolve_references(resource, made->references, made->arena);
    resource.set(made->arena, "id", Element::of_string(made->arena.copy(std::to_string(at))));
    made->resources.push_back(resource);
  }
  return made;
}

ReverseRequest request_of(Translated const& from) {
  ReverseRequest request;
  request.message_code = from.draft.message_code;
  request.trigger_event = from.draft.trigger_event;
  request.structure = from.draft.structure;
  for (std::size_t at = 0; at < from.draft.resources.size(); ++at) {
    if (!from.draft.resources[at].role.empty())
      request.resources.push_back({from.draft.resources[at].role, &from.resources[at], {}});
  }
  request.resolve = [&from](std::string_view reference) { return from.find(reference); };
  request.control_id = "X1";
  request.timestamp = "20250101000000+0000";
  return request;
}

TEST(Laws, WritingBackWhatWasReadChangesNoByteOfAnyCorpusMessage) {
  auto const samples = testing::corpus();
  if (samples.empty()) GTEST_SKIP() << "the corpora are not at " << HANDOFF_SHARED_DIR;
  std::size_t translated = 0;
  for (auto const& sample : samples) {
    auto message = testing::parse(sample.bytes);
    if (!message) continue;
    auto const from = translate(std::move(*message));
    if (!from) continue;
    ++translated;
    auto request = request_of(*from);
    request.seed = &from->message;
    request.keep_header = true;
    auto const back = reverse(builtin(), request, partner());
    ASSERT_TRUE(back) << sample.name << ": " << fhir::to_line(back.error());
    EXPECT_EQ(back->image.bytes(), hl7v2::Image(from->message).bytes()) << sample.name;
    EXPECT_EQ(back->image.bytes(), from->message.bytes()) << sample.name;
  }
  EXPECT_GE(translated, 200U);
}

TEST(Laws, EveryLeafOfEveryCorpusMessageIsMappedOrKeptOrDropped) {
  auto const samples = testing::corpus();
  if (samples.empty()) GTEST_SKIP() << "the corpora are not at " << HANDOFF_SHARED_DIR;
  std::size_t leaves = 0;
  std::size_t mapped = 0;
  std::map<std::string, std::size_t> unread;
  for (auto const& sample : samples) {
    auto message = testing::parse(sample.bytes);
    if (!message) continue;
    auto const from = translate(std::move(*message));
    if (!from) continue;
    Account const found = account(from->message, from->draft);
    EXPECT_EQ(found.leaves, found.mapped.size() + found.kept.size() + found.dropped.size()) << sample.name;
    std::set<hl7v2::Address> once(found.mapped.begin(), found.mapped.end());
    for (Loss const& loss : found.kept) EXPECT_TRUE(once.insert(loss.address).second) << sample.name;
    for (Loss const& loss : found.dropped)
      EXPECT_TRUE(once.insert(loss.address).second && !loss.reason.empty()) << sample.name;
    EXPECT_EQ(once.size(), found.leaves) << sample.name;
    leaves += found.leaves;
    mapped += found.mapped.size();
    for (Loss const& loss : found.kept)
      ++unread[std::string(from->message.segment_id(loss.address.segment)) + "-" +
               std::to_string(loss.address.field)];
  }
  EXPECT_GT(mapped * 5, leaves * 2) << "less than two fifths of the leaves are mapped";
  RecordProperty("leaves", static_cast<int>(leaves));
  RecordProperty("mapped", static_cast<int>(mapped));
}

TEST(Laws, TheSameBytesGiveTheSameKeysAndTheSameBundle) {
  auto const samples = testing::corpus();
  if (samples.empty()) GTEST_SKIP() << "the corpora are not at " << HANDOFF_SHARED_DIR;
  std::size_t compared = 0;
  for (auto const& sample : samples) {
    auto message = testing::parse(sample.bytes);
    if (!message) continue;
    auto first = forward(builtin(), *message, partner());
    auto second = forward(builtin(), *message, partner());
    if (!first || !second) continue;
    ++compared;
    std::set<std::string> keys;
    for (auto const& resource : first->resources)
      EXPECT_TRUE(keys.insert(resource.key).second) << sample.name << " " << resource.key;
    EXPECT_EQ(fhir::json::write(to_bundle(*first)), fhir::json::write(to_bundle(*second))) << sample.name;
  }
  EXPECT_GE(compared, 200U);
}

}  // namespace
}  // namespace mappings::language
