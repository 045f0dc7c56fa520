#include "mappings/hl7v2/escape.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace mappings::hl7v2 {
namespace {

Delimiters const kUsual{};
Delimiters const kWithTruncation{'|', '^', '~', '\\', '&', '#'};
Delimiters const kOther{'#', '*', '!', '?', '@'};

TEST(Escape, DecodesTheDelimitersOfTheMessage) {
  EXPECT_EQ(decode("O\\F\\B\\S\\A\\T\\B\\R\\C\\E\\D", kUsual), "O|B^A&B~C\\D");
  EXPECT_EQ(decode("a?F?b?E?", kOther), "a#b?");
  EXPECT_EQ(decode("a\\P\\", kWithTruncation), "a#");
  EXPECT_EQ(decode("a\\P\\", kUsual), "a\\P\\");
}

TEST(Escape, DecodesHexAndLineBreaks) {
  EXPECT_EQ(decode("a\\X0D\\b\\X0A\\c", kUsual), "a\rb\nc");
  EXPECT_EQ(decode("a\\.br\\b", kUsual), "a\nb");
  EXPECT_EQ(decode("\\X41424344\\", kUsual), "ABCD");
  EXPECT_EQ(decode("\\XC3A4\\", kUsual), "ä");
}

TEST(Escape, KeepsWhatHasNoOneMeaningAsTextVerbatim) {
  for (std::string_view const raw :
       {"\\H\\bold\\N\\", "\\Z99\\", "\\.sp3\\", "\\.in+2\\", "\\C2842\\", "\\M824041\\", "\\X07\\",
        "\\XFF\\", "\\X4\\", "\\X\\", "\\X00E0\\", "C:\\Temp\\new", "a\\", "\\", "\\\\", "\\f\\"}) {
    EXPECT_EQ(decode(raw, kUsual), raw);
  }
  EXPECT_EQ(decode("a\\b\\F\\c", kUsual), "a\\b|c");
}

TEST(Escape, NeverWritesARawTerminatorOrControl) {
  EXPECT_EQ(encode("a\rb\nc\td\x07", kUsual), "a\\X0D\\b\\.br\\c\td\\X07\\");
  EXPECT_EQ(encode("|^&~\\#", kUsual), "\\F\\\\S\\\\T\\\\R\\\\E\\#");
  EXPECT_EQ(encode("#", kWithTruncation), "\\P\\");
}

TEST(Escape, ReadingAndWritingAnInjectedTerminatorKeepsItEscaped) {
  std::string_view const raw = "SY\\X0D\\OBX";
  EXPECT_EQ(decode(raw, kUsual), "SY\rOBX");
  EXPECT_EQ(encode(decode(raw, kUsual), kUsual), raw);
}

TEST(Escape, ReEncodesForOtherDelimiters) {
  EXPECT_EQ(re_encode("a^b&c~d\\S\\#", kUsual, kOther), "a*b@c!d^?F?");
  EXPECT_EQ(re_encode("\\H\\x\\N\\\\.br\\\\X0D\\", kUsual, kOther), "?H?x?N??.br??X0D?");
  EXPECT_EQ(re_encode("C:\\new?", kUsual, kOther), "C:\\new?E?");
  EXPECT_EQ(re_encode("\\ZA*B\\", kUsual, kOther), "\\ZA?S?B\\");
}

// Any text that a FHIR string may hold.
rc::Gen<std::string> text() {
  return rc::gen::container<std::string>(
      rc::gen::weightedOneOf<char>({{3, rc::gen::elementOf(std::string("|^~\\&#*!?@FSTREXP.br0D12 \t\n\r"))},
                                    {1, rc::gen::inRange<char>(' ', '\x7f')}}));
}

rc::Gen<Delimiters> delimiters() { return rc::gen::element(kUsual, kWithTruncation, kOther); }

RC_GTEST_PROP(Escape, DecodingWhatWasEncodedGivesTheTextBack, ()) {
  auto const original = *text();
  auto const with = *delimiters();
  RC_ASSERT(decode(encode(original, with), with) == original);
}

RC_GTEST_PROP(Escape, EncodedTextHoldsNoDelimiterAndNoTerminator, ()) {
  auto const with = *delimiters();
  auto const raw = encode(*text(), with);
  RC_ASSERT(raw.find_first_of(std::string{with.field, with.component, with.repetition, with.subcomponent,
                                          '\r', '\n'}) == std::string::npos);
}

RC_GTEST_PROP(Escape, ReEncodedTextMeansTheSame, ()) {
  auto const original = *text();
  auto const from = *delimiters();
  auto const to = *delimiters();
  RC_ASSERT(decode(re_encode(encode(original, from), from, to), to) == original);
}

}  // namespace
}  // namespace mappings::hl7v2
