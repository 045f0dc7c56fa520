#include "fhir/json/reader.hpp"

#include "fhir/json/writer.hpp"
#include "tests/fhir/support/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fhir::json {
namespace {

using ::testing::HasSubstr;

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out.append(text);
  return out;
}

struct Refusal {
  std::string why;
  std::string bytes;
  std::string source;  ///< where it must be said to lie; "" to leave open
  IssueType code = IssueType::structure;
};

TEST(Reader, RefusesWhatJsonOrFhirForbidsAndSaysWhere) {
  Refusal const refusals[] = {
      {"nothing", "", "line 1 column 1"},
      {"white space only", " \n ", ""},
      {"anything after the value", "{} {}", "line 1 column 4"},
      {"two values", "1 2", ""},
      {"trailing comma in an object", R"({"a":1,})", ""},
      {"trailing comma in an array", "[1,]", ""},
      {"missing comma", R"({"a":1 "b":2})", "line 1 column 8"},
      {"missing colon", R"({"a" 1})", ""},
      {"name without quotes", "{a:1}", ""},
      {"single quotes", "{'a':1}", ""},
      {"comment", "{/*x*/}", ""},
      {"unclosed object", R"({"a":1)", ""},
      {"unclosed string", R"({"a":"x)", ""},
      {"NaN", R"({"a":NaN})", ""},
      {"Infinity", R"([Infinity])", ""},
      {"leading zero", "[01]", ""},
      {"leading plus", "[+1]", ""},
      {"point without digits", "[1.]", ""},
      {"point first", "[.5]", ""},
      {"exponent without digits", "[1e]", ""},
      {"bare minus", "[-]", ""},
      {"hexadecimal", "[0x10]", ""},
      {"misspelt literal", "[tru]", ""},
      {"byte order mark", "\xEF\xBB\xBF{}", "line 1 column 1"},
      {"duplicate name", R"({"a":1,"a":2})", ""},
      {"duplicate name below", "{\"x\":[{\"a\":1,\n\"a\":2}]}", "line 2 column 6"},
      {"duplicate name by escape", R"({"a":1,"\u0061":2})", ""},
      {"invalid UTF-8: lone continuation", "[\"\x80\"]", ""},
      {"invalid UTF-8: overlong slash", "[\"\xC0\xAF\"]", ""},
      {"invalid UTF-8: cut short", "[\"\xE2\x82\"]", ""},
      {"invalid UTF-8: surrogate", "[\"\xED\xA0\x80\"]", ""},
      {"invalid UTF-8: above U+10FFFF", "[\"\xF4\x90\x80\x80\"]", ""},
      {"invalid UTF-8 in a name", "{\"\xFF\":1}", ""},
      {"lone high surrogate", R"(["\uD800"])", ""},
      {"lone low surrogate", R"(["\uDC00"])", ""},
      {"low surrogate before a high one", R"(["\uDC00\uD800"])", ""},
      {"lone low surrogate in a name", R"({"\uDFFF":1})", ""},
      {"a number beyond a double", "[1e400]", ""},
      {"a number of a megabyte", repeat("1234567890", 100'000), ""},
      {"high surrogate before another character", R"(["\uD800x"])", ""},
      {"NUL by escape", R"(["\u0000"])", ""},
      {"control by escape", R"(["\u0001"])", ""},
      {"backspace by escape", R"(["\b"])", ""},
      {"form feed by escape", R"(["\f"])", ""},
      {"control in a name", R"({"a\u0002":1})", ""},
      {"raw control", std::string("[\"\x01\"]"), ""},
      {"raw NUL", std::string("[\"\0\"]", 5), ""},
      {"raw line feed in a string", "[\"\n\"]", ""},
      {"unknown escape", R"(["\x41"])", ""},
      {"too deep by one", repeat("[", 65) + repeat("]", 65), "", IssueType::too_costly},
      {"a million brackets", repeat("[", 1'000'000), "", IssueType::too_costly},
      {"a million objects", repeat("{\"a\":", 1'000'000), "", IssueType::too_costly},
  };
  for (Refusal const& refusal : refusals) {
    auto const read = read_document(refusal.bytes);
    ASSERT_FALSE(read) << refusal.why;
    EXPECT_EQ(to_code(read.error().code), to_code(refusal.code)) << refusal.why;
    EXPECT_FALSE(read.error().diagnostics.empty()) << refusal.why;
    EXPECT_THAT(read.error().source, HasSubstr("line ")) << refusal.why;
    if (!refusal.source.empty()) EXPECT_EQ(read.error().source, refusal.source) << refusal.why;
  }
}

TEST(Reader, RefusesDuplicateNamesAmongMany) {
  std::string bytes = "{";
  for (int i = 0; i < 1000; ++i) bytes.append("\"n").append(std::to_string(i)).append("\":1,");
  EXPECT_TRUE(read_document(bytes + "\"last\":1}"));
  EXPECT_FALSE(read_document(bytes + "\"n0\":1}"));
  EXPECT_FALSE(read_document(bytes + "\"n999\":1}"));
}

TEST(Reader, KeepsTheDigitsOfNumbers) {
  for (std::string_view const digits :
       {"1.10", "1.0", "0.00", "-0", "1E5", "1e+300", "100000000000000000000000000",
        "0.1234567890123456789012345678901234567890"}) {
    std::string const bytes = "[" + std::string(digits) + "]";
    auto const document = read_document(bytes);
    ASSERT_TRUE(document) << digits;
    EXPECT_EQ(document->root.items()[0].kind(), Kind::number);
    EXPECT_EQ(document->root.items()[0].text(), digits);
    EXPECT_EQ(write(document->root), bytes);
  }
}

TEST(Reader, KeepsAFractionOfAMegabyte) {
  std::string const digits = "0." + repeat("1234567890", 100'000);
  auto const document = read_document(digits);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root.text(), digits);
}

TEST(Reader, SeesEveryByteOfAStringWhereverItStands) {
  for (std::size_t size = 0; size <= 50; ++size) {
    std::string const plain(size, 'x');
    EXPECT_EQ(read_document("\"" + plain + "\"")->root.text(), plain);
    for (std::size_t at = 0; at < size; ++at) {
      auto const with = [&](std::string_view one) {
        return "\"" + plain.substr(0, at) + std::string(one) + plain.substr(at) + "\"";
      };
      EXPECT_EQ(read_document(with("\\n"))->root.text(), plain.substr(0, at) + "\n" + plain.substr(at));
      EXPECT_EQ(read_document(with("\u00e9"))->root.text(),
                plain.substr(0, at) + "\u00e9" + plain.substr(at));
      EXPECT_EQ(read_document(with("\x7F"))->root.text(), plain.substr(0, at) + "\x7F" + plain.substr(at));
      for (std::string_view const bad : {"\x1F", "\xFF", "\"", "\\x", "\xC3"})
        EXPECT_FALSE(read_document(with(bad))) << size << " " << at;
      EXPECT_FALSE(read_document("\"" + plain.substr(0, at)));
    }
  }
}

TEST(Reader, HoldsMoreOpenValuesThanItHasRoomForAtFirst) {
  std::string items = "[";
  std::string members = "{";
  for (int i = 0; i < 5000; ++i) {
    std::string const number = std::to_string(i);
    items += (i == 0 ? "" : ",") + number;
    members += (i == 0 ? "\"n" : ",\"n") + number + "\":[" + number + "]";
  }
  items += ']';
  members += '}';
  for (std::string const& bytes : {items, members, "{\"a\":" + items + ",\"b\":" + members + "}"})
    EXPECT_EQ(write(read_document(bytes)->root), bytes);
}

TEST(Reader, WhatWasReadMayGrow) {
  for (int size = 0; size < 20; ++size) {
    std::string bytes = "[";
    for (int i = 0; i < size; ++i) bytes += std::string(i == 0 ? "" : ",") + "{\"a\":1,\"b\":2,\"c\":3}";
    auto document = read_document(bytes + "]");
    ASSERT_TRUE(document);
    for (Element& item : document->root.items()) {
      item.set(document->arena, "d", Element::of_string("4"));
      item.remove("a");
      item.set(document->arena, "e", Element::of_string("5"));
    }
    for (int i = 0; i < 9; ++i) document->root.push(document->arena, Element::of_number("7"));
    std::string wanted = "[";
    for (int i = 0; i < size; ++i) wanted += "{\"b\":2,\"c\":3,\"d\":\"4\",\"e\":\"5\"},";
    EXPECT_EQ(write(document->root), wanted + "7,7,7,7,7,7,7,7,7]");
  }
}

TEST(Reader, AcceptsEveryDepthUpToItsLimit) {
  EXPECT_TRUE(read_document(repeat("[", kDepthMax) + repeat("]", kDepthMax)));
}

TEST(Reader, AcceptsTabAndLineEndsByEscape) {
  EXPECT_EQ(read_document(R"(["a\tb\nc\rd"])")->root.items()[0].text(), "a\tb\nc\rd");
}

TEST(Reader, DecodesEscapesIntoUtf8) {
  EXPECT_EQ(read_document(R"(["\u00e9\u20AC\uD83D\uDE00\/\"\\"])")->root.items()[0].text(),
            "\u00e9\u20ac\U0001F600/\"\\");
}

TEST(Reader, KeepsOrderOfMembersAndKindsOfValues) {
  auto const document = test::read(R"({"z":null,"a":true,"m":false,"b":"","c":[],"d":{}})");
  std::string order;
  for (Member const& member : document.root.members()) order.append(member.name);
  EXPECT_EQ(order, "zambcd");
  EXPECT_TRUE(document.root.find("z")->is_null());
  EXPECT_TRUE(document.root.find("a")->boolean());
  EXPECT_EQ(document.root.find("m")->text(), "false");
  EXPECT_EQ(document.root.find("b")->kind(), Kind::string);
  EXPECT_EQ(document.root.find("c")->kind(), Kind::array);
  EXPECT_EQ(document.root.find("d")->kind(), Kind::object);
}

TEST(Reader, CopiesItsTextsSoThatTheBytesMayGo) {
  std::string bytes = R"({"name":"value","number":12})";
  auto const document = test::read(bytes);
  bytes.assign(bytes.size(), 'x');
  EXPECT_EQ(write(document.root), R"({"name":"value","number":12})");
}

TEST(Reader, WritesBackEveryOfficialExampleAsItReadsIt) {
  SKIP_WITHOUT_SHARED();
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  for (auto const& example : examples) {
    auto const document = read_document(example.bytes);
    ASSERT_TRUE(document) << example.name << ": " << to_line(document.error());
    std::string const bytes = write(document->root);
    auto const again = read_document(bytes);
    ASSERT_TRUE(again) << example.name;
    EXPECT_EQ(again->root, document->root) << example.name;
    EXPECT_EQ(write(again->root), bytes) << example.name;
  }
}

TEST(Reader, NeverCrashesOnCutOrChangedExamples) {
  SKIP_WITHOUT_SHARED();
  auto const examples = test::load_examples();
  ASSERT_EQ(examples.size(), test::kOfficialExamples);
  unsigned seed = 7;
  for (std::size_t i = 0; i < examples.size(); i += 5) {
    std::string bytes = examples[i].bytes.substr(0, 4000);
    for (int change = 0; change < 20; ++change) {
      seed = seed * 1664525U + 1013904223U;
      bytes[seed % bytes.size()] = static_cast<char>(seed >> 24U);
      auto const document = read_document(bytes);
      if (!document) EXPECT_FALSE(document.error().source.empty());
    }
  }
}

}  // namespace
}  // namespace fhir::json
