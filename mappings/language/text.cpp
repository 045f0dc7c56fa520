#include "mappings/language/text.hpp"

#include <algorithm>
#include <charconv>

namespace mappings::language {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

/// A `#` at the start or after white space begins a comment, unless it stands in quotes.
std::string_view without_comment(std::string_view line) {
  char quote = '\0';
  for (std::size_t at = 0; at < line.size(); ++at) {
    char const c = line[at];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || (c == '\'' && (at == 0 || !is_letter(line[at - 1])))) {
      quote = line.find(c, at + 1) == std::string_view::npos ? '\0' : c;
    } else if (c == '#' && (at == 0 || is_space(line[at - 1]))) {
      return line.substr(0, at);
    }
  }
  return line;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool Line::is_row() const { return text.find(" |") != std::string_view::npos; }

std::vector<Line> split_lines(std::string_view file, std::string_view text) {
  std::vector<Line> lines;
  std::uint32_t number = 0;
  while (!text.empty()) {
    auto const end = text.find('\n');
    std::string_view const whole = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    std::string_view const kept = trim(without_comment(whole));
    if (!kept.empty())
      lines.push_back({file, number, kept, static_cast<std::uint32_t>(kept.data() - whole.data() + 1)});
  }
  return lines;
}

std::vector<Cell> split_at(Cell const& cell, std::string_view separator) {
  std::vector<Cell> cells;
  std::size_t begin = 0;
  for (;;) {
    auto const end = cell.text.find(separator, begin);
    std::string_view const raw = cell.text.substr(begin, end == std::string_view::npos ? end : end - begin);
    std::string_view const kept = trim(raw);
    auto const offset = kept.empty() ? begin : static_cast<std::size_t>(kept.data() - cell.text.data());
    cells.push_back({kept, cell.column + static_cast<std::uint32_t>(offset)});
    if (end == std::string_view::npos) return cells;
    begin = end + separator.size();
  }
}

std::vector<Cell> split_cells(Line const& line) { return split_at({line.text, line.column}, "|"); }

std::vector<Cell> split_words(Cell const& cell) {
  std::vector<Cell> words;
  std::string_view const text = cell.text;
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    std::size_t const begin = at;
    char closing = '\0';
    for (; at < text.size() && (closing != '\0' || !is_space(text[at])); ++at) {
      if (closing != '\0') {
        if (text[at] == closing) closing = '\0';
      } else if (text[at] == '{') {
        closing = '}';
      } else if (text[at] == '"' || text[at] == '\'') {
        closing = text[at];
      }
    }
    words.push_back({text.substr(begin, at - begin), cell.column + static_cast<std::uint32_t>(begin)});
  }
  return words;
}

namespace {

/// Reads a FHIR path from left to right.
class PathReader {
 public:
  PathReader(std::string_view text, Program const& program, Fault& fault)
      : text_(text), program_(program), fault_(fault) {}

  std::optional<Path> whole() {
    Path path;
    path.text = text_;
    do {
      Step step;
      if (!read_step(step, true)) return std::nullopt;
      path.steps.push_back(std::move(step));
    } while (skip('.'));
    if (at_ != text_.size()) return fail("a path goes on with '.', '*', '[0]' or '{...}'"), std::nullopt;
    return path;
  }

 private:
  bool fail(std::string what) {
    fault_ = {at_, std::move(what)};
    return false;
  }

  bool skip(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool read_name(std::string& name) {
    std::size_t const begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '_')) ++at_;
    name = text_.substr(begin, at_ - begin);
    return !name.empty() || fail("a FHIR element name is expected here");
  }

  bool read_index(Step& step) {
    std::size_t const begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    unsigned value = 0;
    auto const [end, error] = std::from_chars(text_.data() + begin, text_.data() + at_, value);
    if (error != std::errc{} || end == text_.data() + begin || value > 99)
      return fail("an array index is a number from 0 to 99, as in coding[0]");
    step.pick = Step::Pick::index;
    step.index = static_cast<std::uint16_t>(value);
    return skip(']') || fail("']' is missing after the index");
  }

  bool read_sharing(Step& step) {
    if (!skip('*')) return true;
    if (step.index != 0) return fail("only the first item can be shared: [0]*");
    step.pick = Step::Pick::each;
    step.shares_first = true;
    return true;
  }

  bool read_step(Step& step, bool discriminators) {
    if (!read_name(step.name)) return false;
    if (text_.substr(at_).starts_with("[x]")) {
      at_ += 3;
      step.choice = true;
      return true;
    }
    if (skip('[')) return read_index(step) && (!discriminators || read_sharing(step));
    if (discriminators && skip('{')) {
      step.pick = Step::Pick::match;
      do {
        if (!read_condition(step.conditions.emplace_back())) return false;
      } while (skip(','));
      if (!skip('}')) return fail("'}' is missing after the discriminator");
      if (skip('*')) step.pick = Step::Pick::match_each;
      return true;
    }
    if (discriminators && skip('*')) step.pick = Step::Pick::each;
    return true;
  }

  bool read_condition(Condition& condition) {
    while (skip(' ')) {
    }
    std::size_t const begin = at_;
    do {
      Step step;
      if (!read_step(step, false)) return false;
      condition.path.steps.push_back(std::move(step));
    } while (skip('.'));
    condition.path.text = text_.substr(begin, at_ - begin);
    if (text_.substr(at_).starts_with("->")) {
      at_ += 2;
      condition.creates = false;
      if (!read_name(condition.target)) return false;
    } else if (!read_value(condition)) {
      return false;
    }
    if (!text_.substr(at_).starts_with(kOr)) return true;
    at_ += kOr.size();
    return read_condition(condition.alternatives.emplace_back());
  }

  bool read_value(Condition& condition) {
    if (skip('?')) condition.creates = false;
    if (!skip('='))
      return fail("a discriminator is written {element=value}, {element?=value} or {element->Type}");
    if (skip('"')) {
      auto const end = text_.find('"', at_);
      if (end == std::string_view::npos) return fail("the closing quote is missing");
      condition.text = text_.substr(at_, end - at_);
      at_ = end + 1;
      return true;
    }
    auto const end = std::min({text_.find_first_of(",}", at_), text_.find(kOr, at_), text_.size()});
    std::string_view const value = trim(text_.substr(at_, end - at_));
    if (value.empty()) return fail("a value is missing after '='");
    if (value.front() == '$') {
      condition.constant = program_.find_constant(value.substr(1));
      if (condition.constant == nullptr)
        return fail("there is no constant '" + std::string(value.substr(1)) + "'; declare it: constant " +
                    std::string(value.substr(1)) + " CodeableConcept <system> <code>");
    } else {
      condition.text = value;
    }
    at_ = end;
    return true;
  }

  static constexpr std::string_view kOr = " or ";

  std::string_view text_;
  Program const& program_;
  Fault& fault_;
  std::size_t at_ = 0;
};

bool read_number(std::string_view text, std::size_t& at, std::uint16_t& number, std::uint16_t max) {
  unsigned value = 0;
  auto const [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  auto const length = static_cast<std::size_t>(end - (text.data() + at));
  if (error != std::errc{} || length == 0 || value == 0 || value > max) return false;
  number = static_cast<std::uint16_t>(value);
  at += length;
  return true;
}

}  // namespace

std::optional<Path> read_path(std::string_view text, Program const& program, Fault& fault) {
  if (text == ".") return Path{".", {}};  // the item that the use's own path names
  return PathReader(text, program, fault).whole();
}

std::optional<Place> read_place(std::string_view text, Fault& fault) {
  auto const fail = [&](std::size_t at, std::string what) {
    fault = {at, std::move(what)};
    return std::nullopt;
  };
  constexpr std::string_view kForm = "a v2 place is written PID-5, PID-5*, PID-3(2).4.1";
  Place place;
  bool const named =
      text.size() > 4 && is_upper(text[0]) && text[3] == '-' &&
      std::ranges::all_of(text.substr(0, 3), [](char c) { return is_upper(c) || is_digit(c); });
  if (!named) return fail(0, std::string(kForm));
  place.segment = text.substr(0, 3);
  std::size_t at = 4;
  if (!read_number(text, at, place.field, 999))
    return fail(at, "a field number from 1 is expected after '-'");
  if (at < text.size() && text[at] == '*') {
    place.each = true;
    ++at;
  } else if (at < text.size() && text[at] == '(') {
    ++at;
    if (!read_number(text, at, place.repetition, 999) || at >= text.size() || text[at] != ')')
      return fail(at, "a repetition is written (1)");
    ++at;
  }
  for (std::uint16_t* level : {&place.component, &place.subcomponent}) {
    if (at >= text.size() || text[at] != '.') break;
    ++at;
    if (!read_number(text, at, *level, 99))
      return fail(at, "a component number from 1 is expected after '.'");
  }
  if (at != text.size()) return fail(at, std::string(kForm));
  return place;
}

std::optional<Predicate> read_predicate(std::string_view text, bool fhir_side, Program const& program,
                                        Fault& fault) {
  auto const words = split_words({text, 0});
  Predicate predicate;
  predicate.is_fhir = fhir_side;
  std::size_t at = 0;
  auto const fail = [&](std::string what) {
    fault = {at < words.size() ? words[at].column : text.size(), std::move(what)};
    return std::nullopt;
  };
  if (words.empty()) return fail("a predicate is missing");
  bool const prefixed = words[0].text == "changed" || words[0].text == "was";
  if (prefixed) {
    predicate.test = words[0].text == "was" ? Predicate::Test::was : Predicate::Test::changed;
    ++at;
    if (words.size() < 2) return fail("an element is expected after 'changed' or 'was'");
  }
  if (fhir_side) {
    auto path = read_path(words[at].text, program, fault);
    if (!path) return std::nullopt;
    predicate.path = std::move(*path);
  } else {
    auto place = read_place(words[at].text, fault);
    if (!place) return std::nullopt;
    predicate.place = std::move(*place);
  }
  ++at;
  if (predicate.test == Predicate::Test::changed) {
    if (at != words.size()) return fail("nothing is expected after 'changed ELEMENT'");
    return predicate;
  }
  if (at >= words.size()) return fail("'valued', 'empty', '= values' or '!= values' is expected");
  std::string_view const test = words[at].text;
  bool const is_of_segment = !fhir_side && (test == "first" || test == "further");
  if (!prefixed && (test == "valued" || test == "empty" || is_of_segment)) {
    predicate.test = test == "valued"  ? Predicate::Test::valued
                     : test == "empty" ? Predicate::Test::empty
                     : test == "first" ? Predicate::Test::first
                                       : Predicate::Test::further;
    if (at + 1 != words.size())
      return fail("nothing is expected after '" + std::string(test) + "'; join predicates with 'and'");
    return predicate;
  }
  if (!prefixed && fhir_side && test == "same") {
    predicate.test = Predicate::Test::same;
    if (at + 2 != words.size()) return fail("one element is expected after 'same'");
    auto other = read_path(words[at + 1].text, program, fault);
    if (!other) return std::nullopt;
    predicate.other = std::move(*other);
    return predicate;
  }
  if (test != "=" && !(test == "!=" && !prefixed))
    return fail("'valued', 'empty', '= values' or '!= values' is expected");
  if (!prefixed) predicate.test = test == "=" ? Predicate::Test::equals : Predicate::Test::differs;
  for (++at; at < words.size(); ++at) {
    std::string_view value = words[at].text;
    if (value.size() >= 2 && (value.front() == '\'' || value.front() == '"') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    predicate.values.emplace_back(value);
  }
  if (predicate.values.empty()) return fail("a value is missing after '" + std::string(test) + "'");
  return predicate;
}

}  // namespace mappings::language
