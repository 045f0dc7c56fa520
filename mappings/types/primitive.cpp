/// Primitive v2 types: text, boolean, numbers.
#include "mappings/types/families.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mappings::types {

namespace {

bool read_string(In& in, Element& out) {
  std::string_view const text = in.part(1);
  if (text.empty()) return false;
  out = Element::of_string(text);
  return true;
}

bool write_string(Element const& value, Out& out) {
  out.set(1, value.text());
  return !out.empty();
}

/// All repetitions, one below the other.
bool read_lines(In& in, Element& out) {
  std::string_view const text = in.lines();
  if (text.empty()) return false;
  out = Element::of_string(text);
  return true;
}

bool write_lines(Element const& value, Out& out) {
  out.whole_field = true;
  return write_string(value, out);
}

bool read_markdown(In& in, Element& out) { return read_string(in, out); }

bool read_boolean(In& in, Element& out) {
  std::string_view const text = in.part(1);
  if (text != "Y" && text != "N" && text != "y" && text != "n") return false;
  out = Element::of_boolean(text == "Y" || text == "y");
  return true;
}

bool write_boolean(Element const& value, Out& out) {
  if (value.kind() != fhir::json::Kind::boolean) return false;
  out.set(1, value.boolean() ? "Y" : "N");
  return true;
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

/// An NM as a JSON number: "+1", "01" and ".5" are v2 but not JSON.
std::string_view json_number(std::string_view nm, Arena& arena) {
  while (!nm.empty() && nm.front() == ' ') nm.remove_prefix(1);
  while (!nm.empty() && nm.back() == ' ') nm.remove_suffix(1);
  std::string_view const sent = nm;
  bool const negative = !nm.empty() && nm.front() == '-';
  if (!nm.empty() && (nm.front() == '-' || nm.front() == '+')) nm.remove_prefix(1);
  auto const point = nm.find('.');
  std::string_view whole = nm.substr(0, point);
  std::string_view const fraction =
      point == std::string_view::npos ? std::string_view{} : nm.substr(point + 1);
  if ((whole.empty() && fraction.empty()) || (!whole.empty() && !is_digits(whole)) ||
      (!fraction.empty() && !is_digits(fraction)))
    return {};
  if (point != std::string_view::npos && fraction.empty())
    return {};  // "5." says a precision nobody can keep
  std::string_view trimmed = whole;
  while (trimmed.size() > 1 && trimmed.front() == '0') trimmed.remove_prefix(1);
  if (!whole.empty() && trimmed.size() == whole.size() && sent.front() != '+') return sent;
  std::string text = negative ? "-" : "";
  text += trimmed.empty() ? std::string_view("0") : trimmed;
  if (!fraction.empty()) text.append(".").append(fraction);
  return arena.copy(text);
}

namespace {

bool read_decimal(In& in, Element& out) {
  std::string_view const digits = json_number(in.part(1), in.arena());
  if (digits.empty()) return false;
  out = Element::of_number(digits);
  return true;
}

bool read_integer(In& in, Element& out) {
  return read_decimal(in, out) && out.text().find('.') == std::string_view::npos && out.text().size() <= 9;
}

bool read_positive(In& in, Element& out) {
  return read_integer(in, out) && out.text().front() != '-' && out.text() != "0";
}

bool read_unsigned(In& in, Element& out) { return read_integer(in, out) && out.text().front() != '-'; }

bool write_number(Element const& value, Out& out) {
  if (value.kind() != fhir::json::Kind::number || value.text().find_first_of("eE") != std::string_view::npos)
    return false;
  out.set(1, value.text());
  return true;
}

bool read_annotation(In& in, Element& out) {
  std::string_view const text = in.part(1);
  if (text.empty()) return false;
  out.set(in.arena(), "text", Element::of_string(text));
  return true;
}

bool write_annotation(Element const& value, Out& out) {
  out.set(1, value.text_at("text"));
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "ST~string", .forward = read_string, .reverse = write_string, .iso = true},
    Pair{.name = "ST~lines", .forward = read_lines, .reverse = write_lines},
    Pair{.name = "ST~markdown", .forward = read_markdown, .reverse = write_string, .iso = true},
    Pair{.name = "ST~uri", .forward = read_string, .reverse = write_string, .iso = true},
    Pair{.name = "CWE~boolean", .forward = read_boolean, .reverse = write_boolean},
    Pair{.name = "NM~decimal", .forward = read_decimal, .reverse = write_number},
    Pair{.name = "NM~integer", .forward = read_integer, .reverse = write_number},
    Pair{.name = "NM~positiveInt", .forward = read_positive, .reverse = write_number},
    Pair{.name = "NM~unsignedInt", .forward = read_unsigned, .reverse = write_number},
    Pair{.name = "ST~positiveInt", .forward = read_positive, .reverse = write_number},
    Pair{.name = "ST~Annotation", .forward = read_annotation, .reverse = write_annotation, .iso = true},
};

}  // namespace

std::span<Pair const> primitive_pairs() { return kPairs; }

}  // namespace mappings::types
