#include "fhir/validate/primitive.hpp"

#include "fhir/date_time.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>

namespace fhir::validate {

namespace {

using definitions::Primitive;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool has_space(std::string_view text) { return std::ranges::any_of(text, is_space); }

bool is_id(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return is_letter(c) || is_digit(c) || c == '-' || c == '.';
         });
}

/// No space at either end and single spaces within.
bool is_code(std::string_view text) {
  if (is_space(text.front()) || is_space(text.back())) return false;
  return std::ranges::adjacent_find(text, [](char a, char b) { return is_space(a) && is_space(b); }) ==
         text.end();
}

bool is_integer(std::string_view text, std::int64_t min) {
  std::string_view const digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || !std::ranges::all_of(digits, is_digit) ||
      (digits.size() > 1 && digits.front() == '0'))
    return false;
  std::int64_t value = 0;
  auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && value >= min &&
         value <= std::numeric_limits<std::int32_t>::max();
}

std::size_t count_digits(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
}

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  std::size_t const whole = count_digits(text);
  if (whole == 0 || (whole > 1 && text.front() == '0')) return false;
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    std::size_t const fraction = count_digits(text.substr(1));
    if (fraction == 0) return false;
    text.remove_prefix(1 + fraction);
  }
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && count_digits(text) == text.size();
}

/// Groups of four with `=` only at the very end; white space anywhere.
bool is_base64(std::string_view text) {
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (char const c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
    } else if (padding != 0 || !(is_letter(c) || is_digit(c) || c == '+' || c == '/')) {
      return false;
    } else {
      ++digits;
    }
  }
  return digits != 0 && padding <= 2 && (digits + padding) % 4 == 0;
}

bool is_oid(std::string_view text) {
  constexpr std::string_view kScheme = "urn:oid:";
  if (!text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  if (text.size() < 3 || text.front() < '0' || text.front() > '2') return false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text.front() != '.') return false;
    std::size_t const digits = count_digits(text.substr(1));
    if (digits == 0 || (digits > 1 && text[1] == '0')) return false;
    text.remove_prefix(1 + digits);
  }
  return true;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kPattern = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kPattern, [](char c, char expected) {
    return expected == 'x' ? is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') : c == expected;
  });
}

bool is_date(std::string_view text) {
  auto const value = parse_date_time(text);
  return value && value->precision <= DatePrecision::day;
}

bool is_date_time(std::string_view text) {
  auto const value = parse_date_time(text);
  return value && (value->precision <= DatePrecision::day ||
                   (value->precision >= DatePrecision::second && value->has_zone));
}

bool is_instant(std::string_view text) {
  auto const value = parse_date_time(text);
  return value && value->precision >= DatePrecision::second && value->has_zone;
}

}  // namespace

bool is_primitive_value(Primitive type, std::string_view text) {
  if (text.empty()) return false;
  switch (type) {
    case Primitive::none:
      return false;
    case Primitive::boolean:
      return text == "true" || text == "false";
    case Primitive::integer:
      return is_integer(text, std::numeric_limits<std::int32_t>::min());
    case Primitive::unsigned_int:
      return is_integer(text, 0);
    case Primitive::positive_int:
      return is_integer(text, 1);
    case Primitive::decimal:
      return is_decimal(text);
    case Primitive::string:
    case Primitive::markdown:
      return true;
    case Primitive::code:
      return is_code(text);
    case Primitive::id:
      return is_id(text);
    case Primitive::uri:
    case Primitive::url:
    case Primitive::canonical:
      return !has_space(text);
    case Primitive::oid:
      return is_oid(text);
    case Primitive::uuid:
      return is_uuid(text);
    case Primitive::base64_binary:
      return is_base64(text);
    case Primitive::date:
      return is_date(text);
    case Primitive::date_time:
      return is_date_time(text);
    case Primitive::instant:
      return is_instant(text);
    case Primitive::time:
      return is_time(text);
    case Primitive::xhtml:
      return text.starts_with("<div") && text.ends_with('>');
  }
  return false;
}

std::string_view describe(Primitive type) {
  switch (type) {
    case Primitive::none:
      return "an object";
    case Primitive::boolean:
      return "a boolean: true or false";
    case Primitive::integer:
      return "an integer from -2147483648 to 2147483647";
    case Primitive::unsigned_int:
      return "an integer from 0 to 2147483647";
    case Primitive::positive_int:
      return "an integer from 1 to 2147483647";
    case Primitive::decimal:
      return "a decimal number";
    case Primitive::string:
    case Primitive::markdown:
      return "a string that is not empty";
    case Primitive::code:
      return "a code: no white space at its ends, single spaces within";
    case Primitive::id:
      return "an id: 1 to 64 of A-Z a-z 0-9 - .";
    case Primitive::uri:
    case Primitive::url:
    case Primitive::canonical:
      return "a URI without white space";
    case Primitive::oid:
      return "an OID: urn:oid:1.2.3";
    case Primitive::uuid:
      return "a UUID: urn:uuid: and 32 hexadecimal digits with hyphens";
    case Primitive::base64_binary:
      return "base64: groups of four of A-Z a-z 0-9 + / with = at the end only";
    case Primitive::date:
      return "a date: YYYY, YYYY-MM or YYYY-MM-DD";
    case Primitive::date_time:
      return "a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or +hh:mm";
    case Primitive::instant:
      return "an instant: YYYY-MM-DDThh:mm:ss with Z or +hh:mm";
    case Primitive::time:
      return "a time: hh:mm:ss";
    case Primitive::xhtml:
      return "XHTML: one div element";
  }
  return "a value";
}

}  // namespace fhir::validate
