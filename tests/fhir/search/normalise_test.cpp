#include "fhir/search/values.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace fhir::search {
namespace {

TEST(Normalise, FoldsCaseAndAccentsAndSpace) {
  std::pair<std::string_view, std::string_view> const cases[] = {
      {"", ""},
      {"  ", ""},
      {"Smith", "smith"},
      {" Anna \t Maria\n", "anna maria"},
      {"M\u00fcller", "muller"},
      {"Mu\u0308ller", "muller"},  // decomposed
      {"\u00c9LODIE", "elodie"},
      {"Stra\u00dfe", "strasse"},
      {"\u0141\u00f3d\u017a", "lodz"},
      {"S\u00f8ren \u00c6r\u00f8", "soren aero"},
      {"Nguy\u1ec5n", "nguyen"},
      {"\u0391\u03a3", "\u03b1\u03c3"},
      {"\u03ac\u03c2", "\u03b1\u03c3"},  // final sigma
      {"\u0418\u0412\u0410\u041d", "\u0438\u0432\u0430\u043d"},
      {"a\u00a0b", "a b"},
      {"\u5c71\u7530", "\u5c71\u7530"},
      {"\U0001F600", "\U0001F600"},
      {"O'Neil-3", "o'neil-3"},
  };
  for (auto const& [text, expected] : cases) {
    EXPECT_EQ(normalise(text), expected) << text;
    EXPECT_EQ(normalise(normalise(text)), expected) << text;
  }
}

TEST(Normalise, SurvivesBrokenUtf8) {
  for (std::string_view const text : {"\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xFF\xFE", "\x80"}) {
    EXPECT_EQ(normalise(text), text);
  }
}

}  // namespace
}  // namespace fhir::search
