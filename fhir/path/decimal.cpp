#include "fhir/path/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fhir::path {

namespace {

constexpr int kDigitsMax = 38;       // 10^38 is the largest power of ten below 2^127.
constexpr int kQuotientDigits = 16;  // Digits after the point of an inexact quotient; N1 asks for at least 8.

constexpr std::array<Int128, kDigitsMax + 1> kPowers = [] {
  std::array<Int128, kDigitsMax + 1> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

Int128 power_of_ten(int exponent) { return kPowers[static_cast<std::size_t>(exponent)]; }

/// Nearly all numbers are short, and the machine's own arithmetic is many times faster than that of 128 bits.
bool is_short(Int128 value) { return value == static_cast<std::int64_t>(value); }

std::optional<Int128> times(Int128 left, Int128 right) {
  if (is_short(left) && is_short(right))
    return static_cast<Int128>(static_cast<std::int64_t>(left)) * static_cast<std::int64_t>(right);
  Int128 product = 0;
  if (__builtin_mul_overflow(left, right, &product)) return std::nullopt;
  return product;
}

/// The unscaled value at a larger scale.
std::optional<Int128> widened(Decimal const& value, int scale) {
  if (scale == value.scale) return value.unscaled;
  if (scale - value.scale > kDigitsMax) return std::nullopt;
  return times(value.unscaled, power_of_ten(scale - value.scale));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal value;
  std::size_t at = 0;
  bool const negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) ++at;
  std::size_t digits = 0;
  bool in_fraction = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !in_fraction && digits > 0 && at + 1 < text.size() && is_digit(text[at + 1])) {
      in_fraction = true;
      continue;
    }
    if (!is_digit(text[at])) break;
    auto const shifted = times(value.unscaled, 10);
    if (!shifted || __builtin_add_overflow(*shifted, text[at] - '0', &value.unscaled)) return std::nullopt;
    if (in_fraction) ++value.scale;
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && text[at] == '+') ++at;
    int exponent = 0;
    auto const [end, failed] = std::from_chars(text.data() + at, text.data() + text.size(), exponent);
    if (failed != std::errc{} || end != text.data() + text.size() || std::abs(exponent) > kDigitsMax) {
      return std::nullopt;
    }
    at = text.size();
    value.scale -= exponent;
    if (value.scale < 0) {
      if (-value.scale > kDigitsMax) return std::nullopt;
      auto const shifted = times(value.unscaled, power_of_ten(-value.scale));
      if (!shifted) return std::nullopt;
      value = {*shifted, 0};
    }
  }
  if (at != text.size() || value.scale > kDigitsMax) return std::nullopt;
  if (negative) value.unscaled = -value.unscaled;
  return value;
}

std::optional<Decimal> Decimal::of_double(double value) {
  if (!std::isfinite(value)) return std::nullopt;
  auto const parsed = parse(fmt::format("{:.15g}", value));
  return parsed ? std::optional(parsed->normalised()) : std::nullopt;
}

double Decimal::to_double() const {
  return static_cast<double>(static_cast<long double>(unscaled) /
                             static_cast<long double>(power_of_ten(scale)));
}

std::string Decimal::to_string() const {
  if (scale == 0 && is_short(unscaled)) return fmt::format_int(static_cast<std::int64_t>(unscaled)).str();
  std::string digits;
  for (Int128 rest = unscaled < 0 ? -unscaled : unscaled; rest != 0; rest /= 10) {
    digits.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
  }
  while (digits.size() <= static_cast<std::size_t>(scale)) digits.push_back('0');
  std::ranges::reverse(digits);
  if (scale > 0) digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
  return unscaled < 0 ? "-" + digits : digits;
}

Decimal Decimal::normalised() const {
  Decimal value = *this;
  while (value.scale > 0 && value.unscaled % 10 == 0) {
    value.unscaled /= 10;
    --value.scale;
  }
  return value;
}

std::optional<Decimal> Decimal::truncated(int digits) const {
  if (digits >= scale) {
    auto const wide = widened(*this, digits);
    return wide ? std::optional(Decimal{*wide, digits}) : std::nullopt;
  }
  return Decimal{unscaled / power_of_ten(scale - digits), digits};
}

std::optional<Decimal> Decimal::rounded(int digits) const {
  if (digits >= scale) return truncated(digits);
  Int128 const unit = power_of_ten(scale - digits);
  Int128 const rest = unscaled % unit;
  Int128 const away =
      (rest < 0 ? -rest : rest) >= unit - (rest < 0 ? -rest : rest) ? (unscaled < 0 ? -1 : 1) : 0;
  return Decimal{unscaled / unit + away, digits};
}

std::optional<std::int64_t> Decimal::floor() const {
  if (scale == 0 && is_short(unscaled)) return static_cast<std::int64_t>(unscaled);
  Int128 const unit = power_of_ten(scale);
  Int128 const whole = unscaled / unit - (unscaled % unit < 0 ? 1 : 0);
  if (whole < INT64_MIN || whole > INT64_MAX) return std::nullopt;
  return static_cast<std::int64_t>(whole);
}

std::optional<std::int64_t> Decimal::ceiling() const {
  auto const whole = negated().floor();
  if (!whole || *whole == INT64_MIN) return std::nullopt;
  return -*whole;
}

std::strong_ordering operator<=>(Decimal const& left, Decimal const& right) {
  if (left.scale == right.scale) return left.unscaled <=> right.unscaled;
  if (left.scale > right.scale) return 0 <=> (right <=> left);
  auto const wide = widened(left, right.scale);
  // A value that overflows when its scale grows is larger in size than any that fits.
  if (!wide) return left.unscaled < 0 ? std::strong_ordering::less : std::strong_ordering::greater;
  return *wide <=> right.unscaled;
}

std::optional<Decimal> add(Decimal const& left, Decimal const& right) {
  int const scale = std::max(left.scale, right.scale);
  auto const a = widened(left, scale);
  auto const b = widened(right, scale);
  Decimal sum{0, scale};
  if (!a || !b || __builtin_add_overflow(*a, *b, &sum.unscaled)) return std::nullopt;
  return sum;
}

std::optional<Decimal> multiply(Decimal const& left, Decimal const& right) {
  auto product = times(left.unscaled, right.unscaled);
  if (!product) {
    Decimal const a = left.normalised();
    Decimal const b = right.normalised();
    product = times(a.unscaled, b.unscaled);
    if (!product) return std::nullopt;
    Decimal const exact{*product, a.scale + b.scale};
    return exact.scale > kDigitsMax ? std::nullopt : std::optional(exact);
  }
  Decimal const exact{*product, left.scale + right.scale};
  if (exact.scale <= kDigitsMax) return exact;
  Decimal const shorter = exact.normalised();
  return shorter.scale > kDigitsMax ? std::nullopt : std::optional(shorter);
}

std::optional<Decimal> divide(Decimal const& left, Decimal const& right) {
  if (right.is_zero()) return std::nullopt;
  Decimal const a = left.normalised();
  Decimal const b = right.normalised();
  // a / b at kQuotientDigits: (a.unscaled * 10^(digits + b.scale - a.scale)) / b.unscaled; fewer where that
  // overflows.
  for (int digits = kQuotientDigits; digits >= 0; --digits) {
    int const shift = digits + b.scale - a.scale;
    auto const dividend =
        shift >= 0 && shift <= kDigitsMax ? times(a.unscaled, power_of_ten(shift)) : std::nullopt;
    auto const divisor = shift < 0 && -shift <= kDigitsMax ? times(b.unscaled, power_of_ten(-shift))
                                                           : std::optional(b.unscaled);
    if (shift >= 0 && !dividend) continue;
    if (!divisor) continue;
    return Decimal{(shift >= 0 ? *dividend : a.unscaled) / *divisor, digits}.normalised();
  }
  return std::nullopt;
}

std::optional<Decimal> divide_whole(Decimal const& left, Decimal const& right) {
  if (right.is_zero()) return std::nullopt;
  int const scale = std::max(left.scale, right.scale);
  auto const a = widened(left, scale);
  auto const b = widened(right, scale);
  if (!a || !b) return std::nullopt;
  if (is_short(*a) && is_short(*b) && *b != -1)  // the least number by -1 is not short
    return Decimal{static_cast<std::int64_t>(*a) / static_cast<std::int64_t>(*b), 0};
  return Decimal{*a / *b, 0};
}

std::optional<Decimal> remainder(Decimal const& left, Decimal const& right) {
  auto const whole = divide_whole(left, right);
  if (!whole) return std::nullopt;
  auto const product = multiply(*whole, right);
  return product ? add(left, product->negated()) : std::nullopt;
}

}  // namespace fhir::path
