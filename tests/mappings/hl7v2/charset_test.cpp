#include "mappings/hl7v2/charset.hpp"

#include "tests/mappings/hl7v2/corpus.hpp"

#include <gmock/gmock.h>

namespace mappings::hl7v2::test {
namespace {

using fhir::IssueType;

std::string header(std::string_view charset) {
  return "MSH|^~\\&|A||||||ADT^A01|1|P|2.5||||||" + std::string(charset) + "\r";
}

std::string name_read(std::string_view charset, std::string_view bytes, std::string_view profile = {}) {
  ParseOptions options;
  options.charset = profile;
  return parse_or_throw(header(charset) + "PID|1||||" + std::string(bytes) + "\r", options).text({1, 5});
}

struct Sample {
  char const* charset;
  char const* text;
};

TEST(Charset, EveryNameOfTable0211WritesAndReadsItsOwnLetters) {
  for (auto const& [charset, text] :
       {Sample{"8859/1", "ü"}, {"8859/2", "ł"},         {"8859/3", "ħ"},         {"8859/4", "ķ"},
        {"8859/5", "я"},       {"8859/6", "ب"},         {"8859/7", "α"},         {"8859/8", "א"},
        {"8859/9", "ş"},       {"8859/15", "€"},        {"ISO IR14", "ﾃ"},       {"ISO IR87", "山"},
        {"ISO IR159", "丂"},   {"GB 18030-2000", "㐀"}, {"KS X 1001", "한"},     {"CNS 11643-1992", "中"},
        {"BIG-5", "中"},       {"UNICODE", "山"},       {"UNICODE UTF-8", "山"}, {"windows-1252", "€"},
        {"utf8", "ü"},         {"ISO-8859-1", "ü"}}) {
    auto const encoded = encode_charset(text, charset);
    ASSERT_TRUE(encoded) << charset << ": " << encoded.error().diagnostics;
    auto const decoded = decode_charset(*encoded, charset);
    ASSERT_TRUE(decoded) << charset;
    EXPECT_EQ(*decoded, text) << charset;
  }
  EXPECT_FALSE(encode_charset("ü", "ASCII"));
  EXPECT_FALSE(encode_charset("ü", "ISO IR6"));
}

TEST(Charset, DecodesTheDeclaredSetOnce) {
  EXPECT_EQ(name_read("8859/1", "M\xfcller"), "Müller");
  EXPECT_EQ(name_read("8859/15", "\xa4"), "€");
  EXPECT_EQ(name_read("8859/2", "\xb3"), "ł");
  EXPECT_EQ(name_read("windows-1252", "\x80"), "€");
  EXPECT_EQ(name_read("UNICODE UTF-8", "Müller"), "Müller");
  EXPECT_EQ(name_read("UNICODE", "Müller"), "Müller");
  EXPECT_EQ(name_read("ISO IR87", "\x1b$B;3ED\x1b(B"), "山田");
}

// JIS text holds bytes that look like delimiters; they must be decoded before anything is split.
TEST(Charset, MultibyteTextIsDecodedBeforeItIsSplit) {
  auto const encoded = encode_charset("、|ー", "ISO IR87");
  ASSERT_TRUE(encoded);
  ASSERT_NE(encoded->find("\x1b$B!\""), std::string::npos);
  auto const message = parse_or_throw(header("ISO IR87") + "PID|1|" + *encoded + "\r");
  EXPECT_EQ(message.raw({1, 2}), "、");
  EXPECT_EQ(message.raw({1, 3}), "ー");
}

TEST(Charset, WithoutADeclarationTheProfileDecidesThenUtf8ThenLatin1) {
  EXPECT_EQ(name_read("", "\xa4", "8859/15"), "€");
  EXPECT_EQ(name_read("", "Müller"), "Müller");
  EXPECT_EQ(name_read("", "M\xfcller"), "Müller");
  fhir::Issues warnings;
  auto const message = Message::parse(header("") + "PID|1||||M\xfcller\r", {}, warnings);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->charset(), "8859/1");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].source, "MSH-18");
}

// Found by fuzzing: the canonical form is UTF-8 while MSH-18 still names what the sender used.
TEST(Charset, CanonicalBytesAreReadAgainAsUtf8WhateverMsh18Says) {
  auto const message = parse_or_throw(header("8859/1") + "PID|1||||M\xfcller\r");
  ParseOptions canonical;
  canonical.bytes_are_utf8 = true;
  auto const again = parse_or_throw(message.bytes(), canonical);
  EXPECT_EQ(again.bytes(), message.bytes());
  EXPECT_EQ(again.charset(), "8859/1");
}

TEST(Charset, RefusesBytesThatTheDeclaredSetDoesNotHave) {
  fhir::Issues warnings;
  auto const utf8 = Message::parse(header("UNICODE UTF-8") + "PID|1||||M\xfcller\r", {}, warnings);
  ASSERT_FALSE(utf8);
  EXPECT_EQ(utf8.error().code, IssueType::value);
  EXPECT_EQ(utf8.error().source, "PID-5");
  EXPECT_FALSE(Message::parse(header("ASCII") + "PID|1||||M\xfcller\r", {}, warnings));
  auto const unknown = Message::parse(header("MARTIAN") + "PID|1||||M\xfcller\r", {}, warnings);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, IssueType::not_supported);
}

TEST(Charset, Utf8UnderTheNameOfAsciiIsReadWithAWarning) {
  fhir::Issues warnings;
  auto const message = Message::parse(header("ASCII") + "PID|1||||Müller\r", {}, warnings);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text({1, 5}), "Müller");
  EXPECT_EQ(message->charset(), "UNICODE UTF-8");
  EXPECT_EQ(warnings.at(0).source, "MSH-18");
}

TEST(Charset, AnUnknownNameOverPlainAsciiIsForgiven) {
  fhir::Issues warnings;
  EXPECT_TRUE(Message::parse(header("MARTIAN") + "PID|1||||Roe\r", {}, warnings));
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(Charset, EncodesOnTheWayOutAndNamesTheFieldThatCannotBeEncoded) {
  std::string const text = header("8859/1") + "PID|1||||Müller\rNK1|1|山\r";
  auto const refused = encode_charset(text, "8859/1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, IssueType::value);
  EXPECT_EQ(refused.error().source, "NK1-2");
  EXPECT_EQ(refused.error().diagnostics.find("山"), std::string::npos);
  auto const encoded = encode_charset(text.substr(0, text.find("NK1")), "8859/1");
  ASSERT_TRUE(encoded);
  EXPECT_NE(encoded->find("M\xfcller"), std::string::npos);
}

TEST(Charset, EncodeThenDecodeGivesTheTextBack) {
  std::string const text = "Müller, Gruß";
  for (std::string_view const name :
       {"8859/1", "8859/15", "windows-1252", "UNICODE UTF-8", "", "UNICODE UTF-16"}) {
    auto const encoded = encode_charset(text, name);
    ASSERT_TRUE(encoded) << name;
    auto const decoded = decode_charset(*encoded, name);
    ASSERT_TRUE(decoded) << name;
    EXPECT_EQ(*decoded, text) << name;
  }
}

TEST(Charset, HexEscapesAreBytesOfTheMessagesOwnSet) {
  EXPECT_EQ(name_read("8859/1", "M\\XFC\\ller"), "Müller");
  EXPECT_EQ(name_read("UNICODE UTF-8", "M\\XC3BC\\ller"), "Müller");
  EXPECT_EQ(name_read("UNICODE UTF-8", "M\\XFC\\ller"), "M\\XFC\\ller");
}

}  // namespace
}  // namespace mappings::hl7v2::test
