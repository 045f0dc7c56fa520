/// Memory is asked for per message and per resource, never per field (issue: no allocation per field in
/// steady state). How often is a property of the code alone, so a test may hold it.
#include "corpus.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "mappings/language/translator.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

namespace mappings::language {
namespace {

/// One patient, said with few fields or with many; neither makes another resource.
std::string message(std::string_view pid) {
  return "MSH|^~\\&|ADT|HOSP|GW|US|20250301101500||ADT^A01^ADT_A01|C1|P|2.5.1\rEVN|A01|20250301101400\rPID|1|"
         "|" +
         std::string(pid) + "\rPV1|1|I\r";
}

constexpr std::string_view kFew = "4711^^^HOSP&1.2.3&ISO^MR||Muster^Anna";
constexpr std::string_view kMany =
    "4711^^^HOSP&1.2.3&ISO^MR||Muster^Anna^Beatrice Clementine^Junior^Doctor^^L|Mothers-Maiden-Name^Berta|"
    "19800229101112.123+0100|F|Muster-Alias^Anna|2106-3^White^HL70005|Lange Strasse der Freundschaft "
    "1^Hinterhaus^Bern^"
    "BE^3000^CH^H||+41 31 555 01 60^PRN^PH^^41^31^5550160|+41 31 555 01 "
    "61^WPN^PH|de^German^HL70296|M^Married^HL70002|"
    "CHR^Christian^HL70006||123-45-6789|||H^Hispanic^HL70189|Bern Inselspital|N|1";

std::size_t count(std::function<void()> const& work) {
  work();  // what is made once
  std::size_t const before = support::allocations();
  work();
  return support::allocations() - before;
}

std::size_t forward_allocations(std::string const& bytes) {
  std::string out;
  out.reserve(1 << 16U);
  return count([&] {
    out.clear();
    auto const parsed = *testing::parse(bytes);
    auto const draft = forward(builtin(), parsed, {});
    ASSERT_TRUE(draft);
    for (DraftResource const& resource : draft->resources) fhir::json::write(resource.content, out);
  });
}

std::string bundle_of(std::string const& bytes) {
  auto const parsed = *testing::parse(bytes);
  auto draft = forward(builtin(), parsed, {});
  return fhir::json::write(to_bundle(*draft));
}

std::size_t reverse_allocations(std::string const& bundle) {
  fhir::json::Arena arena;
  return count([&] {
    arena.reset();
    auto const read = fhir::json::read(bundle, arena);
    ASSERT_TRUE(read);
    auto request = from_bundle(builtin(), "ADT_A01", *read);
    ASSERT_TRUE(request);
    request->control_id = "C1";
    request->timestamp = "20250301101500";
    auto const written = reverse(builtin(), *request, {});
    ASSERT_TRUE(written) << fhir::to_line(written.error());
  });
}

std::size_t values_in(std::string_view pid) {
  return static_cast<std::size_t>(
      std::ranges::count_if(pid, [](char c) { return c == '|' || c == '^' || c == '&'; }));
}

// Twice the values: a list that doubles, an arena that takes another block, and the loss notes and texts of
// one or two values that no field of the other side can hold.
constexpr std::size_t kGrowth = 12;

TEST(Allocations, OfAMessageDoNotGrowWithItsFields) {
  ASSERT_GT(values_in(kMany), values_in(kFew) + 50);
  EXPECT_LE(forward_allocations(message(kMany)), forward_allocations(message(kFew)) + kGrowth);
  EXPECT_LE(forward_allocations(message(kMany)), 80U);
}

TEST(Allocations, OfAMessageWrittenDoNotGrowWithItsFields) {
  std::size_t const few = reverse_allocations(bundle_of(message(kFew)));
  std::size_t const many = reverse_allocations(bundle_of(message(kMany)));
  EXPECT_LE(many, few + kGrowth);
  EXPECT_LE(many, 80U);
}

}  // namespace
}  // namespace mappings::language
