/// Laws L8 and L12 of design translation.md 3.5: the same facts in another version, other delimiters, another
/// character set.
#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "tests/mappings/maps/own_corpus.hpp"
#include "world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mappings::laws {
namespace {

/// What `from` says when it is written for `partner`, without any complement, and read again; nullptr when it
/// cannot.
std::unique_ptr<Translated> by_way_of(Translated const& from, language::PartnerProfile const& partner,
                                      std::string& bytes) {
  auto const written = language::reverse(language::builtin(), request_of(from, false), partner);
  bytes = written ? written->image.bytes() : fhir::to_line(written.error());
  return written ? translate_utf8(bytes) : nullptr;
}

/// Fields that the lines came from, of which the version knows none, or a data type with fewer parts.
bool is_beyond(Translated const& from, std::string const& line, hl7v2::Version version) {
  for (auto const& one : language::provenance(from.draft)) {
    std::string const path =
        from.name_of(one.resource) + one.path.substr(std::min(one.path.size(), one.path.find('.')));
    if (!line.starts_with(path)) continue;
    std::string const id(from.message.segment_id(one.address.segment));
    auto const* const here = hl7v2::find_field(version, id, one.address.field);
    auto const* const newest = hl7v2::find_field(hl7v2::Version::v2_8, id, one.address.field);
    if (here == nullptr || (newest != nullptr && here->data_type != newest->data_type)) return true;
  }
  return false;
}

/// A version that lacks the message, or one of its segments, cannot say to what group the others belong.
bool lacks(hl7v2::Version version, Translated const& from) {
  if (!hl7v2::find_structure(version, from.draft.structure).exact) return true;
  for (std::size_t segment = 0; segment < from.message.segment_count(); ++segment) {
    std::string_view const id = from.message.segment_id(segment);
    if (id[0] != 'Z' && hl7v2::field_count(version, id) == 0) return true;
  }
  return false;
}

/// "" when `own`, written in that version and read again, says what it says by way of the newest version that
/// has the message.
std::string other_version(Translated const& from, Translated const& base, std::string const& version) {
  auto partner = site();
  partner.version = version;
  std::string bytes;
  auto const again = by_way_of(from, partner, bytes);
  // A field that this version requires and the newest does not: refused, naming it.
  if (again == nullptr) return bytes.find(" is required by HL7 v2") != std::string::npos ? "" : bytes;
  auto const number = *hl7v2::to_version(version);
  std::string const differs = difference(lines_of(base), lines_of(*again), [&](std::string const& line) {
    return !line.starts_with("@") && !is_beyond(base, line, number) && !is_beyond(*again, line, number);
  });
  return differs.empty() ? "" : differs + bytes;
}

/// Where the two versions cannot say the same, and why.
std::map<std::string, std::string> const& excuses() {
  static std::string const kNoGroup =
      "2.3 has no ROL, GT1 or NK1 in this structure, or PV1 has no such participant there";
  static std::map<std::string, std::string> const all = {
      {"ADT_A02/05-transfer-from-temporary-place in 2.3", kNoGroup},
      {"ADT_A05/09-new-person-netherlands in 2.3", "a surname of 2.3 has no parts"},
      {"ADT_A15/02-pending-transfer-care-team in 2.3", kNoGroup},
      {"ADT_A16/02-pending-discharge-guarantor in 2.3", kNoGroup}};
  return all;
}

/// The newest version that has the structure: 2.8 withdrew some (A18, ORM).
std::string newest_with(std::string_view structure) {
  for (char const* const version : {"2.8", "2.7.1", "2.7", "2.6", "2.5.1", "2.5", "2.4", "2.3.1"}) {
    if (hl7v2::find_structure(*hl7v2::to_version(version), structure).exact) return version;
  }
  return "2.8";
}

TEST(L8Version, WrittenInAnyVersionAndReadAgainItSaysTheSameButForWhatTheVersionLacks) {
  std::size_t compared = 0;
  for (auto const& own : maps::test::own_messages()) {
    auto const from = translate(own.bytes);
    if (from == nullptr) continue;
    auto newest = site();
    newest.version = newest_with(from->draft.structure);
    std::string bytes;
    auto const base = by_way_of(*from, newest, bytes);
    if (base == nullptr) continue;
    for (char const* const version : {"2.3", "2.5.1"}) {
      if (lacks(*hl7v2::to_version(version), *from)) continue;
      ++compared;
      std::string const broken = other_version(*from, *base, version);
      bool const excused = excuses().contains(own.name + " in " + version);
      EXPECT_EQ(broken.empty(), !excused) << own.name << " in " << version << "\n" << broken;
    }
  }
  EXPECT_GE(compared, 120U);
}

/// An OUL before 2.7 has no place for what was observed of the patient himself. Behind the last group it
/// would be a result of that one.
TEST(L8Version, WhatAVersionHasNoPlaceForIsLostByNameAndNotSaidOfAnother) {
  auto const from = translate(
      "MSH|^~\\&|A|B|C|D|20250301083000+0000||OUL^R22^OUL_R22|1|P|2.8\rPID|1||77120^^^B^MR||Abernathy^Ruth\r"
      "OBX|1|NM|8867-4^Heart rate^LN||60|/min|||||F\rSPM|1|||BLD\rOBR|1|||2823-3^Potassium^LN|||20250301\r"
      "OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F\r");
  ASSERT_NE(from, nullptr);
  struct Case {
    char const* version;
    std::size_t rates, losses;
  };
  for (Case const& one : {Case{"2.8", 1, 0}, Case{"2.5.1", 0, 1}}) {
    auto partner = site();
    partner.version = one.version;
    auto const written = language::reverse(language::builtin(), request_of(*from, false), partner);
    ASSERT_TRUE(written) << fhir::to_line(written.error());
    std::string const bytes = written->image.bytes();
    std::size_t rates = 0;
    for (auto at = bytes.find("8867-4"); at != std::string::npos; at = bytes.find("8867-4", at + 1)) ++rates;
    EXPECT_EQ(rates, one.rates) << bytes;
    EXPECT_EQ(bytes.find("60~60"), std::string::npos) << bytes;
    EXPECT_EQ(std::ranges::count(written->loss, std::string("OBX"), &language::LossNote::path),
              static_cast<std::ptrdiff_t>(one.losses));
  }
}

/// L12: what partner A said, partner B is told: read from A's message, written with B's delimiters, character
/// set and version.
TEST(L12Composition, APartnerIsToldWhatAnotherSaidWhateverTheirPunctuationAndCharacterSet) {
  std::size_t compared = 0;
  for (auto const& own : maps::test::own_messages()) {
    auto const from = translate(own.bytes);
    if (from == nullptr) continue;
    std::string plain_bytes;
    auto const plain = by_way_of(*from, site(), plain_bytes);
    if (plain == nullptr) continue;
    for (char const* const charset : {"", "8859/1"}) {
      auto partner = site();
      partner.delimiters = {'#', '!', '*', '%', '$', '\0'};
      partner.charset = charset;
      auto const written = language::reverse(language::builtin(), request_of(*from, false), partner);
      ASSERT_TRUE(written) << own.name;
      auto const wire = hl7v2::encode_charset(written->image.bytes(), charset);
      if (!wire) continue;  // a name that 8859/1 cannot write: the sender refuses it
      auto const again = translate(*wire);
      ASSERT_NE(again, nullptr) << own.name << "\n" << *wire;
      EXPECT_EQ(difference(lines_of(*plain), lines_of(*again), [](std::string const&) { return true; }), "")
          << own.name << " in " << charset << "\n"
          << *wire;
      ++compared;
    }
  }
  EXPECT_GE(compared, 120U);
}

}  // namespace
}  // namespace mappings::laws
