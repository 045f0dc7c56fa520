/// Laws L1, L3 and L5 of design translation.md 3.5: what holds of one message by itself.
#include "fhir/json/writer.hpp"
#include "tests/mappings/hl7v2/corpus.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

namespace mappings::laws {
namespace {

void expect_enough(Tally const& tally) {
  if (!hl7v2::test::shared_directory().empty()) EXPECT_GE(tally.public_messages, 200U);
  EXPECT_GE(tally.own, 70U);
  EXPECT_EQ(tally.kept, kept_cases().size());
  EXPECT_GE(tally.generated, 80U);
}

bool every_line(std::string const& /*line*/) { return true; }

/// GetPut: rev(fwd(v), v) = v, byte for byte.
std::string written_over_itself(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  auto const back = language::reverse(language::builtin(), request_of(*from, true), site());
  if (!back) return fhir::to_line(back.error());
  std::string const again = back->image.bytes();
  if (again == from->message.bytes()) return {};
  return "written: " + again + "\nread:    " + std::string(from->message.bytes());
}

TEST(L1GetPut, AMessageWrittenOverItselfIsTheSameBytes) { expect_enough(prove(written_over_itself)); }

/// leaves = mapped + kept + dropped, each leaf once, each drop with a reason.
std::string accounted(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr) return std::string(kDoesNotApply);
  auto const account = language::account(from->message, from->draft);
  std::set<hl7v2::Address> once(account.mapped.begin(), account.mapped.end());
  std::size_t const sum = account.mapped.size() + account.kept.size() + account.dropped.size();
  for (auto const* const list : {&account.kept, &account.dropped}) {
    for (auto const& loss : *list) {
      if (!once.insert(loss.address).second) return "twice: " + hl7v2::to_string(from->message, loss.address);
      if (loss.reason.empty()) return "no reason: " + hl7v2::to_string(from->message, loss.address);
    }
  }
  if (sum == account.leaves && once.size() == sum) return {};
  return "leaves " + std::to_string(account.leaves) + ", accounted for " + std::to_string(once.size());
}

TEST(L3Stateless, EveryLeafIsMappedOrKeptOrDroppedWithAReason) { expect_enough(prove(accounted)); }

/// The same bytes twice: the same keys, no key twice, the same Bundle.
std::string repeatable(std::string_view bytes) {
  auto const first = translate(bytes);
  auto const second = translate(bytes);
  if (first == nullptr) return std::string(kDoesNotApply);
  std::set<std::string> keys;
  for (std::size_t at = 0; at < first->draft.resources.size(); ++at) {
    std::string const& key = first->draft.resources[at].key;
    if (!keys.insert(key).second) return "two resources have one key";
    if (key != second->draft.resources[at].key) return "another key";
  }
  if (fhir::json::write(language::to_bundle(first->draft)) !=
      fhir::json::write(language::to_bundle(second->draft)))
    return "another Bundle";
  return {};
}

TEST(L5Determinism, TheSameBytesGiveTheSameKeysAndTheSameBundle) { expect_enough(prove(repeatable)); }

/// Applied twice it is as applied once.
std::string idempotent(std::string_view bytes) {
  auto const from = translate(bytes);
  if (from == nullptr || is_query(*from)) return std::string(kDoesNotApply);
  for (std::size_t at = 0; at < from->resources.size(); ++at) {
    Element const again =
        language::apply(from->draft, at, &from->resources[at], from->arena, from->references);
    if (!(again == from->resources[at]))
      return difference(lines_of(*from, at, from->resources[at]), lines_of(*from, at, again), every_line);
  }
  return {};
}

TEST(L5Determinism, AMessageAppliedTwiceIsAsAppliedOnce) { expect_enough(prove(idempotent)); }

}  // namespace
}  // namespace mappings::laws
