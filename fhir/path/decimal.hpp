/// Exact decimal numbers with their digits kept: 1.50 is 150 at scale 2, equal to 1.5 and written "1.50".
/// Source: FHIRPath N1 section 4.1 (Decimal: at least 28 digits before and 8 after the point).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fhir::path {

__extension__ using Int128 = __int128;
__extension__ using UnsignedInt128 = unsigned __int128;

/// unscaled / 10^scale. Thirty-six digits in all; what would need more is cut after the point, or absent.
struct Decimal {
  Int128 unscaled = 0;
  int scale = 0;  ///< digits after the point, 0 to kScaleMax

  static constexpr int kScaleMax = 31;

  static Decimal of(std::int64_t value) { return {value, 0}; }
  /// [+-]digits[.digits][e[+-]digits]; nullopt when it is none or has too many digits.
  static std::optional<Decimal> parse(std::string_view text);
  /// The nearest decimal of fifteen significant digits; nullopt for infinities and NaN.
  static std::optional<Decimal> of_double(double value);

  bool is_zero() const { return unscaled == 0; }
  bool is_negative() const { return unscaled < 0; }
  Decimal negated() const { return {-unscaled, scale}; }
  double to_double() const;
  std::string to_string() const;
  /// Without zeros at the end of the fraction.
  Decimal normalised() const;
  /// Towards zero, keeping `digits` after the point (zeros are added when there are fewer).
  std::optional<Decimal> truncated(int digits) const;
  /// Half away from zero.
  std::optional<Decimal> rounded(int digits) const;
  /// The integer not above / not below it, if it fits.
  std::optional<std::int64_t> floor() const;
  std::optional<std::int64_t> ceiling() const;

  friend std::strong_ordering operator<=>(Decimal const& left, Decimal const& right);
  friend bool operator==(Decimal const& left, Decimal const& right) { return (left <=> right) == 0; }
};

/// nullopt: the result does not fit (or divides by zero).
std::optional<Decimal> add(Decimal const& left, Decimal const& right);
std::optional<Decimal> multiply(Decimal const& left, Decimal const& right);
std::optional<Decimal> divide(Decimal const& left, Decimal const& right);
/// The whole part of the quotient, towards zero.
std::optional<Decimal> divide_whole(Decimal const& left, Decimal const& right);
/// left - right * divide_whole(left, right)
std::optional<Decimal> remainder(Decimal const& left, Decimal const& right);

}  // namespace fhir::path
