#include "fhir/json/writer.hpp"

#include "tests/fhir/support/examples.hpp"

#include <gtest/gtest.h>

namespace fhir::json {
namespace {

TEST(Writer, UsesTheShortestEscapes) {
  std::string out;
  write_string("\"\\/\t\n\r\b\f\x01\x1f\x7f\u00e9", out);
  EXPECT_EQ(out, "\"\\\"\\\\/\\t\\n\\r\\b\\f\\u0001\\u001f\x7f\u00e9\"");
}

TEST(Writer, WritesWithoutWhiteSpaceInTheOrderOfMembers) {
  auto const document = test::read(" { \"b\" : [ 1.50 , null , true ] , \"a\" : { } , \"c\" : [ ] } ");
  EXPECT_EQ(write(document.root), R"({"b":[1.50,null,true],"a":{},"c":[]})");
}

TEST(Writer, EscapesWhereverItIsNeeded) {
  for (std::size_t size = 0; size <= 50; ++size) {
    std::string const plain(size, 'x');
    EXPECT_EQ(write(Element::of_string(plain)), "\"" + plain + "\"");
    for (std::size_t at = 0; at < size; ++at) {
      std::string text = plain;
      text[at] = '"';
      EXPECT_EQ(write(Element::of_string(text)),
                "\"" + plain.substr(0, at) + "\\\"" + plain.substr(at + 1) + "\"");
      text[at] = '\x1F';
      EXPECT_EQ(write(Element::of_string(text)),
                "\"" + plain.substr(0, at) + "\\u001f" + plain.substr(at + 1) + "\"");
      text[at] = '\xFF';
      EXPECT_EQ(write(Element::of_string(text)), "\"" + text + "\"");
    }
  }
}

TEST(Writer, AppendsToWhatIsThere) {
  std::string out = "x";
  write(Element::of_boolean(false), out);
  EXPECT_EQ(out, "xfalse");
}

TEST(Writer, WritesWhatTheReaderReadsBack) {
  std::string text;
  for (int c = 1; c < 0x250; ++c) {
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') continue;
    if (c < 0x80) {
      text.push_back(static_cast<char>(c));
    } else {
      text.push_back(static_cast<char>(0xC0 | (c >> 6)));
      text.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
  }
  EXPECT_EQ(test::read(write(Element::of_string(text))).root.text(), text);
}

}  // namespace
}  // namespace fhir::json
