#include "fhir/ucum/ucum.hpp"

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

namespace fhir::ucum {
namespace {

struct Conversion {
  long double value;
  char const* from;
  char const* to;
  long double expected;
};

// Figures of NIST SP 811, of CODATA and of the definitions in the essence file, calculated by hand; not taken
// from this code.
constexpr Conversion kConversions[] = {{1, "g", "mg", 1000},
                                       {1, "kg", "g", 1000},
                                       {1, "ug", "ng", 1000},
                                       {1, "[lb_av]", "g", 453.59237L},
                                       {1, "[oz_av]", "g", 28.349523125L},
                                       {1, "[gr]", "mg", 64.79891L},
                                       {1, "t", "kg", 1000},
                                       {1, "m", "cm", 100},
                                       {1, "[in_i]", "cm", 2.54L},
                                       {1, "[ft_i]", "[in_i]", 12},
                                       {1, "[mi_i]", "m", 1609.344L},
                                       {1, "[yd_i]", "[ft_i]", 3},
                                       {1, "km", "m", 1000},
                                       {1, "L", "mL", 1000},
                                       {1, "l", "dm3", 1},
                                       {1, "dL", "mL", 100},
                                       {1, "uL", "mm3", 1},
                                       {1, "[gal_us]", "[qt_us]", 4},
                                       {1, "[pt_us]", "[cup_us]", 2},
                                       {1, "[tsp_us]", "mL", 4.92892159375L},
                                       {1, "h", "min", 60},
                                       {1, "d", "h", 24},
                                       {1, "wk", "d", 7},
                                       {1, "a", "d", 365.25L},
                                       {1, "min", "s", 60},
                                       {1, "ms", "us", 1000},
                                       {1, "mm[Hg]", "Pa", 133.322L},
                                       {1, "bar", "kPa", 100},
                                       {1, "atm", "Pa", 101325},
                                       {1, "N", "g.m/s2", 1000},
                                       {1, "J", "N.m", 1},
                                       {1, "cal", "J", 4.184L},
                                       {1, "[Cal]", "kcal_th", 1},
                                       {1, "W", "J/s", 1},
                                       {1, "V", "J/C", 1},
                                       {1, "Ohm", "V/A", 1},
                                       {1, "Hz", "/s", 1},
                                       {1, "Bq", "s-1", 1},
                                       {1, "mol/L", "mmol/L", 1000},
                                       {1, "mmol/L", "umol/mL", 1},
                                       {1, "mg/dL", "g/L", 0.01L},
                                       {1, "g/L", "mg/mL", 1},
                                       {1, "ng/mL", "ug/L", 1},
                                       {1, "10*3/uL", "10*9/L", 1},
                                       {1, "10*6/uL", "10*12/L", 1},
                                       {1, "10^3", "1000", 1},
                                       {1, "%", "1", 0.01L},
                                       {1, "[ppm]", "%", 0.0001L},
                                       {1, "kg/m2", "g/cm2", 0.1L},
                                       {1, "m2", "cm2", 10000},
                                       {1, "{beats}/min", "/min", 1},
                                       {1, "/min", "Hz", 1.0L / 60},
                                       {1, "meq/L", "mmol/L", 1},
                                       {1, "U", "umol/min", 1},
                                       {1, "kat", "mol/s", 1},
                                       {1, "[iU]/mL", "[iU]/L", 1000},
                                       {0, "Cel", "K", 273.15L},
                                       {37, "Cel", "[degF]", 98.6L},
                                       {32, "[degF]", "Cel", 0},
                                       {98.6L, "[degF]", "Cel", 37},
                                       {80, "[degRe]", "Cel", 100},
                                       {7, "[pH]", "mol/l", 1e-7L},
                                       {1, "B", "1", 10},
                                       {10, "dB", "1", 10},
                                       {1, "bit_s", "1", 2},
                                       {100, "%[slope]", "deg", 45},
                                       {1, "Gy", "RAD", 100},
                                       {1, "deg", "rad", 3.14159265358979L / 180},
                                       {1, "(g.m)/(s2)", "mN", 1},
                                       {1, "m/s/s", "m/s2", 1},
                                       {1, "/(m.s)", "m-1.s-1", 1},
                                       {1, "2.m", "m", 2}};

TEST(Ucum, ConvertsBetweenUnitsOfTheSameKind) {
  int converted = 0;
  for (Conversion const& row : kConversions) {
    auto const from = parse(row.from);
    auto const to = parse(row.to);
    ASSERT_TRUE(from) << row.from << ": " << from.error().diagnostics;
    ASSERT_TRUE(to) << row.to << ": " << to.error().diagnostics;
    auto const value = convert(row.value, *from, *to);
    ASSERT_TRUE(value) << row.from << " to " << row.to;
    EXPECT_NEAR(static_cast<double>(*value), static_cast<double>(row.expected),
                std::abs(static_cast<double>(row.expected)) * 1e-12 + 1e-12)
        << row.value << " " << row.from << " to " << row.to;
    auto const back = convert(*value, *to, *from);
    ASSERT_TRUE(back);
    EXPECT_NEAR(static_cast<double>(*back), static_cast<double>(row.value), 1e-9)
        << row.to << " to " << row.from;
    ++converted;
  }
  EXPECT_EQ(converted, 72);
}

TEST(Ucum, EveryUnitIsWhatTheEssenceFileDefinesItToBe) {
  auto const file = std::filesystem::path(HANDOFF_SHARED_DIR) / "reference/ucum/ucum-essence.xml";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "../shared is absent";
  pugi::xml_document essence;
  ASSERT_TRUE(essence.load_file(file.c_str()));
  int ratios = 0;
  int special = 0;
  for (pugi::xml_node const row : essence.document_element().children("unit")) {
    std::string const code = row.attribute("Code").value();
    auto const unit = parse(code);
    ASSERT_TRUE(unit) << code << ": " << unit.error().diagnostics;
    pugi::xml_node const value = row.child("value");
    if (pugi::xml_node const function = value.child("function")) {
      auto const proper = parse(function.attribute("Unit").value());
      ASSERT_TRUE(proper) << code;
      EXPECT_TRUE(comparable(*unit, *proper)) << code;
      EXPECT_TRUE(unit->is_special()) << code;
      ++special;
      continue;
    }
    auto const defined = parse(value.attribute("Unit").value());
    ASSERT_TRUE(defined) << code << " as " << value.attribute("Unit").value() << ": "
                         << defined.error().diagnostics;
    auto const converted = convert(1, *unit, *defined);
    ASSERT_TRUE(converted) << code;
    double const expected = std::strtod(value.attribute("value").value(), nullptr);
    EXPECT_NEAR(static_cast<double>(*converted) / expected, 1, 1e-14) << code;
    ++ratios;
  }
  std::cout << ratios << " units by their definitions, " << special << " special ones by their dimension\n";
  EXPECT_EQ(ratios, 282);
  EXPECT_EQ(special, 21);
}

TEST(Ucum, RefusesWhatIsNoUnitAndNamesTheCharacter) {
  for (auto const* code : {"", "foo", "m..s", "m/", "(m", "m)", "m^2", "mg dL", "{open", "Cel.m", "Cel2", "0",
                           "m2-", "kk", "[s]", "m999", "\xC2\xB5g"}) {
    auto const unit = parse(code);
    ASSERT_FALSE(unit) << code;
    EXPECT_EQ(unit.error().code, IssueType::code_invalid);
    EXPECT_NE(unit.error().diagnostics.find("at character "), std::string::npos) << code;
  }
  std::string deep(40, '(');
  EXPECT_FALSE(parse(deep + "m" + std::string(40, ')')));
}

TEST(Ucum, DifferentKindsDoNotConvert) {
  EXPECT_FALSE(convert(1, parse("g").value(), parse("m").value()));
  EXPECT_FALSE(convert(-1, parse("mol/l").value(), parse("[pH]").value())) << "there is no logarithm of it";
}

TEST(Ucum, CanonicalUnitsAreBaseUnits) {
  EXPECT_EQ(canonical_code(parse("N").value()), "m.s-2.g");
  EXPECT_EQ(canonical_code(parse("%").value()), "1");
  EXPECT_NEAR(static_cast<double>(canonical_value(1, parse("mg/dL").value())), 10.0, 1e-12);
}

}  // namespace
}  // namespace fhir::ucum
