#include "fhir/validate/primitive.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fhir::validate {
namespace {

using definitions::Primitive;

struct Case {
  Primitive type;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

TEST(Primitive, FollowsTheLexicalRulesOfTheSpecification) {
  Case const cases[] = {
      {Primitive::boolean, {"true", "false"}, {"", "TRUE", "1", "yes"}},
      {Primitive::integer,
       {"0", "-1", "2147483647", "-2147483648"},
       {"", "-", "01", "-01", "+1", "1.0", "1e3", "2147483648", "-2147483649", "99999999999999999999"}},
      {Primitive::unsigned_int, {"0", "2147483647"}, {"-1", "2147483648", "00"}},
      {Primitive::positive_int, {"1", "2147483647"}, {"0", "-1", "2147483648"}},
      {Primitive::decimal,
       {"0", "-0.0", "1.10", "123456789.123456789", "1e5", "1E-5", "1.5e+10"},
       {"", "-", ".5", "5.", "01", "1e", "1e+", "NaN", "1,5", "0x1", "+1"}},
      {Primitive::string, {" ", "x", "two words"}, {""}},
      {Primitive::code, {"a", "two words", "A-1.b"}, {"", " a", "a ", "a  b", "a\tb ", "a \nb"}},
      {Primitive::id,
       {"a", "A-1.b", std::string(64, 'x')},
       {"", "a_b", "a b", std::string(65, 'x'), "\xC3\xA9", "a/b"}},
      {Primitive::uri, {"urn:x", "http://a/b?c#d", "relative", "#x"}, {"", "a b", "a\n", " a"}},
      {Primitive::canonical, {"http://a|1.0"}, {"http://a |1"}},
      {Primitive::oid,
       {"urn:oid:1.2.3", "urn:oid:2.16.840.1.113883", "urn:oid:0.0"},
       {"", "1.2.3", "urn:oid:", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.", "urn:oid:1..2", "urn:oid:1.02",
        "urn:oid:1.2x"}},
      {Primitive::uuid,
       {"urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"},
       {"", "c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:c757873d-ec9a-4326-a141-556f4323952",
        "urn:uuid:c757873dxec9a-4326-a141-556f43239520", "urn:uuid:g757873d-ec9a-4326-a141-556f43239520",
        "urn:uuid:c757873d-ec9a-4326-a141-556f43239520x"}},
      {Primitive::base64_binary,
       {"QQ==", "QUI=", "QUJD", "QU\nJD", " QUJD "},
       {"", " ", "Q", "QQ", "QQ=", "QQ===", "====", "QQ==QUJD", "Q-==", "QUJ\x01"}},
      {Primitive::date,
       {"1970", "1970-01", "2000-02-29"},
       {"", "70", "1970-13", "1970-02-30", "1970-01-01T00:00:00Z"}},
      {Primitive::date_time,
       {"1970", "1970-01", "1970-01-01", "1970-01-01T10:00:00Z", "1970-01-01T10:00:00.123456+05:30"},
       {"", "1970-01-01T10:00Z", "1970-01-01T10:00:00", "1970-01-01T25:00:00Z"}},
      {Primitive::instant,
       {"1970-01-01T10:00:00Z", "1970-01-01T10:00:00.1-05:00"},
       {"1970", "1970-01-01", "1970-01-01T10:00:00"}},
      {Primitive::time, {"10:00:00", "10:00:00.5"}, {"10:00", "24:00:00", "10:00:00Z"}},
      {Primitive::xhtml, {"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}, {"", "text", "<p>x</p>"}},
  };
  for (Case const& one : cases) {
    for (std::string const& text : one.good)
      EXPECT_TRUE(is_primitive_value(one.type, text)) << describe(one.type) << ": " << text;
    for (std::string const& text : one.bad)
      EXPECT_FALSE(is_primitive_value(one.type, text)) << describe(one.type) << ": " << text;
  }
}

TEST(Primitive, NoneIsNeverAPrimitive) { EXPECT_FALSE(is_primitive_value(Primitive::none, "x")); }

}  // namespace
}  // namespace fhir::validate
