/// DTM, TS, DT, TM and FHIR dateTime, date, instant, time; DR and Period.
/// Source: HL7 v2.5.1 2.A.22 (DTM), FHIR R4 datatypes.html#dateTime. The sender's precision is kept ("1980"
/// stays "1980"); a time to the hour or minute gets the seconds FHIR asks for, and DTM precision is the
/// complement's.
#include "mappings/types/families.hpp"

#include <array>
#include <charconv>

namespace mappings::types {

namespace {

int number(std::string_view digits) {
  int value = 0;
  for (char const c : digits) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_in(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

struct Parts {
  std::string_view year, month, day, hour, minute, second, fraction;
  std::string_view offset;  // "+0100"
};

/// YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]
bool split(std::string_view dtm, Parts& parts) {
  while (!dtm.empty() && dtm.back() == ' ') dtm.remove_suffix(1);
  auto const sign = dtm.find_first_of("+-");
  if (sign != std::string_view::npos) {
    parts.offset = dtm.substr(sign);
    dtm = dtm.substr(0, sign);
    if (parts.offset.size() != 5 || number(parts.offset.substr(1)) < 0) return false;
    if (number(parts.offset.substr(1, 2)) > 14 || number(parts.offset.substr(3, 2)) > 59) return false;
  }
  auto const point = dtm.find('.');
  if (point != std::string_view::npos) {
    parts.fraction = dtm.substr(point + 1);
    dtm = dtm.substr(0, point);
    if (dtm.size() != 14 || parts.fraction.empty() || number(parts.fraction.substr(0, 9)) < 0) return false;
  }
  if (dtm.size() < 4 || dtm.size() > 14 || dtm.size() % 2 != 0) return false;
  std::string_view* const fields[] = {&parts.month, &parts.day, &parts.hour, &parts.minute, &parts.second};
  parts.year = dtm.substr(0, 4);
  for (std::size_t at = 4, field = 0; at < dtm.size(); at += 2, ++field) *fields[field] = dtm.substr(at, 2);
  int const year = number(parts.year);
  if (year <= 0) return false;
  if (!parts.month.empty() && (number(parts.month) < 1 || number(parts.month) > 12)) return false;
  if (!parts.day.empty() && (number(parts.day) < 1 || number(parts.day) > days_in(year, number(parts.month))))
    return false;
  if (!parts.hour.empty() && (number(parts.hour) < 0 || number(parts.hour) > 23)) return false;
  if (!parts.minute.empty() && (number(parts.minute) < 0 || number(parts.minute) > 59)) return false;
  if (!parts.second.empty() && (number(parts.second) < 0 || number(parts.second) > 59)) return false;
  return true;
}

struct Text {
  char bytes[40];
  std::size_t size = 0;
  void add(char c) { bytes[size++] = c; }
  /// All parts together are shorter than the room.
  void add(std::string_view text) { size += text.copy(bytes + size, sizeof bytes - size); }
  std::string_view view() const { return {bytes, size}; }
};

void add_time(Parts const& parts, Text& text) {
  text.add(parts.hour);
  text.add(':');
  text.add(parts.minute.empty() ? "00" : parts.minute);
  text.add(':');
  text.add(parts.second.empty() ? "00" : parts.second);
  if (!parts.fraction.empty()) {
    text.add('.');
    text.add(parts.fraction.substr(0, 9));
  }
}

}  // namespace

std::string_view date_time_text(std::string_view dtm, std::string_view offset, Arena& arena) {
  Parts parts;
  if (dtm.empty() || !split(dtm, parts)) return {};
  Text text;
  text.add(parts.year);
  if (!parts.month.empty()) {
    text.add('-');
    text.add(parts.month);
  }
  if (!parts.day.empty()) {
    text.add('-');
    text.add(parts.day);
  }
  if (!parts.hour.empty()) {
    text.add('T');
    add_time(parts, text);
    if (!parts.offset.empty()) {
      text.add(parts.offset.substr(0, 3));
      text.add(':');
      text.add(parts.offset.substr(3));
    } else {
      text.add(offset.empty() ? std::string_view("+00:00") : offset);
    }
  }
  return arena.copy(text.view());
}

/// 2024-05-01T10:11:12.5+01:00 -> 20240501101112.5+0100
std::string_view dtm_text(std::string_view date_time, Arena& arena) {
  if (date_time.empty()) return {};
  constexpr std::string_view kUtc = "+0000";
  constexpr std::size_t kFractionMax = 4;  // digits that v2 allows
  auto* const dtm = static_cast<char*>(arena.allocate(date_time.size() + kUtc.size(), 1));
  std::size_t size = 0;
  std::size_t fraction = SIZE_MAX;  // digits of it so far, once there is one
  bool in_offset = false;
  for (std::size_t at = 0; at < date_time.size(); ++at) {
    char const c = date_time[at];
    if (c == 'T' || c == ':' || (c == '-' && at < 10)) continue;
    if (c == 'Z') {
      size += kUtc.copy(dtm + size, kUtc.size());
      break;
    }
    if (c == '+' || c == '-') in_offset = true;
    if (!in_offset && c != '.' && (c < '0' || c > '9')) return {};
    if (!in_offset && fraction != SIZE_MAX && ++fraction > kFractionMax) continue;
    if (c == '.' && fraction == SIZE_MAX) fraction = 0;
    dtm[size++] = c;
  }
  return {dtm, size};
}

namespace {

bool read_date_time(In& in, Element& out) {
  std::string_view const text = date_time_text(in.part(1), in.context().partner->utc_offset, in.arena());
  if (text.empty()) return false;
  out = Element::of_string(text);
  return true;
}

bool write_date_time(Element const& value, Out& out) {
  out.set(1, dtm_text(value.text(), *out.context->arena));
  return !out.empty();
}

bool read_date(In& in, Element& out) {
  std::string_view const sent = in.part(1);
  // The time of a date is left to the complement.
  std::string_view const text =
      date_time_text(sent.substr(0, sent.find_first_of("+-")).substr(0, 8), {}, in.arena());
  if (text.empty() || (sent.size() > 8 && date_time_text(sent, {}, in.arena()).empty())) return false;
  out = Element::of_string(text);
  return true;
}

bool write_date(Element const& value, Out& out) {
  out.set(1, dtm_text(value.text().substr(0, 10), *out.context->arena));
  return !out.empty();
}

/// A time of birth that says more than the date: the value of the extension patient-birthTime.
bool read_birth_time(In& in, Element& out) {
  if (in.peek(1).size() <= 8) return false;
  return read_date_time(in, out);
}

bool read_instant(In& in, Element& out) { return read_date_time(in, out) && out.text().size() > 10; }

bool read_time(In& in, Element& out) {
  std::string_view const sent = in.part(1);
  std::string_view const text = date_time_text(joined(in.arena(), {"20000101", sent}), {}, in.arena());
  if (sent.empty() || text.size() < 25) return false;
  std::string_view const clock = text.substr(11);
  out = Element::of_string(clock.substr(0, clock.find_first_of("+-")));
  return true;
}

bool write_time(Element const& value, Out& out) {
  // Behind a day, for a colon and a point mean something there.
  Arena& arena = *out.context->arena;
  std::string_view const text = dtm_text(joined(arena, {"2000-01-01T", value.text()}), arena);
  if (text.size() > 8) out.set(1, text.substr(8));
  return !out.empty();
}

bool read_period(In& in, Element& out) {
  Arena& arena = in.arena();
  std::string_view const offset = in.context().partner->utc_offset;
  std::string_view const start = date_time_text(in.part(1), offset, arena);
  std::string_view const end = date_time_text(in.part(2), offset, arena);
  if (!start.empty()) out.set(arena, "start", Element::of_string(start));
  if (!end.empty()) out.set(arena, "end", Element::of_string(end));
  return !out.is_null();
}

bool write_period(Element const& value, Out& out) {
  out.set(1, dtm_text(value.text_at("start"), *out.context->arena));
  out.set(2, dtm_text(value.text_at("end"), *out.context->arena));
  return !out.empty();
}

constexpr std::array kPairs = {
    Pair{.name = "DTM~dateTime", .forward = read_date_time, .reverse = write_date_time},
    Pair{.name = "DTM~date", .forward = read_date, .reverse = write_date},
    Pair{.name = "DTM~birthTime", .forward = read_birth_time, .reverse = write_date_time, .declines = true},
    Pair{.name = "DTM~instant", .forward = read_instant, .reverse = write_date_time},
    Pair{.name = "TM~time", .forward = read_time, .reverse = write_time},
    Pair{.name = "DR~Period", .forward = read_period, .reverse = write_period},
};

}  // namespace

std::span<Pair const> time_pairs() { return kPairs; }

}  // namespace mappings::types
