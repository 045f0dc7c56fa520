#include "mappings/hl7v2/message.hpp"

#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/split.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

namespace mappings::hl7v2 {
namespace {

using fhir::IssueType;

constexpr char kVerticalTab = '\x0b';
constexpr std::string_view kVersionWhenMissing =
    "2.5.1";  // The version whose structures the maps are written in.

constexpr std::size_t kPartsMax = std::numeric_limits<std::uint16_t>::max();  // What Address can number.

bool is_alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_line_end(char c) { return c == '\r' || c == '\n'; }

std::string number(std::size_t value) { return std::to_string(value); }

/// "UNICODE UTF-16" or "UNICODE UTF-32" where the bytes are so, else "".
std::string_view wide_charset(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xff\xfe\0\0"sv) || bytes.starts_with("\0\0\xfe\xff"sv)) return "UNICODE UTF-32";
  if (bytes.starts_with("M\0\0\0"sv)) return "UTF-32LE";
  if (bytes.starts_with("\0\0\0M"sv)) return "UTF-32BE";
  if (bytes.starts_with("\xff\xfe"sv) || bytes.starts_with("\xfe\xff"sv)) return "UNICODE UTF-16";
  if (bytes.starts_with("M\0S\0"sv)) return "UTF-16LE";
  if (bytes.starts_with("\0M\0S"sv)) return "UTF-16BE";
  return {};
}

/// Takes away what stands around the message: a BOM, the frame's own VT and FS, blank lines.
std::string_view trim(std::string_view bytes, fhir::Issues& warnings) {
  auto const blank = [](char c) { return is_line_end(c) || c == ' ' || c == '\t'; };
  if (bytes.starts_with("\xef\xbb\xbf")) {
    bytes.remove_prefix(3);
    warnings.push_back(fhir::warning(IssueType::structure, "a byte order mark before MSH was left out"));
  }
  bool framed = false;
  bool padded = false;
  while (!bytes.empty() && (bytes.front() == kVerticalTab || blank(bytes.front()))) {
    (bytes.front() == kVerticalTab ? framed : padded) = true;
    bytes.remove_prefix(1);
  }
  // Only a control behind the last segment counts as the frame's; one inside a field is refused later.
  auto last = bytes.find_last_not_of("\r\n\t \x0b\x1c");
  last = last == std::string_view::npos ? 0 : last + 1;
  auto const tail = bytes.substr(last);
  if (tail.find_first_of("\x0b\x1c") != std::string_view::npos) {
    framed = true;
    bytes = bytes.substr(0, last + tail.find_first_of("\x0b\x1c"));
  }
  if (framed)
    warnings.push_back(fhir::warning(IssueType::structure, "framing bytes around the message were left out"));
  if (padded) warnings.push_back(fhir::warning(IssueType::structure, "blank bytes before MSH were left out"));
  return bytes;
}

bool is_usable(char c) { return c > ' ' && c < '\x7f' && !is_alphanumeric(c); }

/// Fills what MSH-2 does not give with the recommended character; none where that is taken.
void complete(Delimiters& delimiters, std::string_view given, fhir::Issues& warnings) {
  auto const taken = [&](char c) { return c == delimiters.field || given.find(c) != std::string_view::npos; };
  auto const recommended = [&](char c) { return taken(c) ? '\0' : c; };
  std::array<char, 5> characters{};
  constexpr std::string_view kRecommended = "^~\\&";
  for (std::size_t at = 0; at < characters.size(); ++at) {
    if (at < given.size()) {
      characters[at] = given[at];
    } else if (at < kRecommended.size()) {
      characters[at] = recommended(kRecommended[at]);
    }
  }
  delimiters.component = characters[0];
  delimiters.repetition = characters[1];
  delimiters.escape = characters[2];
  delimiters.subcomponent = characters[3];
  delimiters.truncation = characters[4];
  if (given.size() < 4) {
    warnings.push_back(fhir::warning(
        IssueType::structure, "MSH-2 has fewer than four characters; the recommended ones stand for the rest",
        "", "MSH-2"));
  }
}

/// Source: HL7 v2.5.1 section 2.5.4. `bytes` starts at MSH.
fhir::Result<Delimiters> read_delimiters(std::string_view bytes, fhir::Issues& warnings) {
  auto const line = bytes.substr(0, bytes.find_first_of("\r\n"));
  Delimiters delimiters;
  if (line.size() < 5) return fhir::error(IssueType::structure, "MSH ends before its delimiters", "", "MSH");
  delimiters.field = line[3];
  auto const end = line.find(delimiters.field, 4);
  if (end == std::string_view::npos) {
    return fhir::error(IssueType::structure, "MSH ends before its delimiters", "", "MSH-2");
  }
  auto const given = line.substr(4, end - 4);
  if (given.empty() || given.size() > 5) {
    return fhir::error(IssueType::structure, "MSH-2 must hold four encoding characters, or five from 2.7 on",
                       "", "MSH-2");
  }
  auto const all = std::string(1, delimiters.field) + std::string(given);
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (!is_usable(all[at])) {
      return fhir::error(IssueType::structure,
                         "a delimiter must be a printable ASCII character, no letter, digit or space", "",
                         at == 0 ? "MSH-1" : "MSH-2");
    }
    if (all.find(all[at], at + 1) != std::string::npos) {
      return fhir::error(IssueType::structure, "two of the delimiters in MSH-1 and MSH-2 are the same", "",
                         "MSH-2");
    }
  }
  // "^~&" and "^~&#" are the recommended characters after a program took the backslash for its own escape.
  if (delimiters.field == '|' && (given == "^~&" || given == "^~&#")) {
    complete(delimiters, given == "^~&" ? "^~\\&" : "^~\\&#", warnings);
    warnings.push_back(
        fhir::warning(IssueType::structure, "MSH-2 lost its escape character; read as ^~\\&", "", "MSH-2"));
    return delimiters;
  }
  complete(delimiters, given, warnings);
  if (delimiters.repetition == '\0' || delimiters.escape == '\0') {
    return fhir::error(IssueType::structure,
                       "MSH-2 gives no repetition or escape character, and the usual one is taken", "",
                       "MSH-2");
  }
  return delimiters;
}

/// MSH-18 before anything is split: its first repetition.
std::string_view declared_charset(std::string_view bytes, Delimiters const& delimiters) {
  auto const line = bytes.substr(0, bytes.find_first_of("\r\n"));
  auto field =
      nth_part(line, delimiters.field, 18).value_or(std::string_view{});  // Part 1 is "MSH", part 2 MSH-2.
  field = nth_part(field, delimiters.repetition, 1).value_or(std::string_view{});
  field = nth_part(field, delimiters.component, 1).value_or(std::string_view{});
  auto const begin = field.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return field.substr(begin, field.find_last_not_of(' ') - begin + 1);
}

bool is_seven_bit(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\x1b'; });
}

struct Text {
  std::string_view utf8;
  std::string charset;
};

/// The message as UTF-8; `owned` holds it where the bytes had to be converted.
fhir::Result<Text> to_text(std::string_view bytes, std::string_view declared, ParseOptions const& options,
                           std::string& owned, fhir::Issues& warnings) {
  std::string const charset(declared.empty() ? std::string_view(options.charset) : declared);
  if (options.bytes_are_utf8) {
    if (is_utf8(bytes)) return Text{bytes, charset.empty() ? "UNICODE UTF-8" : charset};
    return fhir::error(IssueType::value, "the bytes are not UTF-8");
  }
  if (is_seven_bit(bytes)) {
    if (!charset.empty() && to_converter_name(charset).empty()) {
      warnings.push_back(fhir::warning(
          IssueType::not_supported, "the character set is not of HL7 table 0211; the bytes are plain ASCII",
          "", "MSH-18"));
      return Text{bytes, "UNICODE UTF-8"};
    }
    return Text{bytes, charset.empty() ? "UNICODE UTF-8" : charset};
  }
  if (charset.empty()) {
    if (is_utf8(bytes)) return Text{bytes, "UNICODE UTF-8"};
    FHIR_TRY(owned, decode_charset(bytes, "8859/1"));
    warnings.push_back(fhir::warning(
        IssueType::value, "MSH-18 is empty and the bytes are not UTF-8; read as 8859/1", "", "MSH-18"));
    return Text{owned, "8859/1"};
  }
  auto const converter = to_converter_name(charset);
  if (converter == "UTF-8" && is_utf8(bytes)) return Text{bytes, charset};
  // Many senders declare ASCII and send UTF-8, HL7's own samples among them. Text in another set is not valid
  // UTF-8.
  if (converter == "US-ASCII" && is_utf8(bytes)) {
    warnings.push_back(fhir::warning(
        IssueType::value, "MSH-18 says ASCII and the bytes are UTF-8; read as UTF-8", "", "MSH-18"));
    return Text{bytes, "UNICODE UTF-8"};
  }
  FHIR_TRY(owned, decode_charset(bytes, charset));
  if (!owned.starts_with("MSH")) {
    return fhir::error(IssueType::value, "MSH-18 names a character set that its own header is not written in",
                       "", "MSH-18");
  }
  return Text{owned, charset};
}

/// Whether a line reads as a segment: three letters or digits, a letter first, then the field separator or
/// nothing.
bool looks_like_segment(std::string_view line, char field_separator) {
  if (line.size() < 3 || (line.size() > 3 && line[3] != field_separator)) return false;
  return std::all_of(line.begin(), line.begin() + 3, is_alphanumeric) && !(line[0] >= '0' && line[0] <= '9');
}

/// Whether a line behind a lone LF starts a segment rather than going on with a field's text; ids are upper
/// case there.
bool starts_segment(std::string_view line, char field_separator) {
  auto const is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return looks_like_segment(line, field_separator) && std::none_of(line.begin(), line.begin() + 3, is_lower);
}

/// Copies the text line by line so that each segment ends in one CR.
///
/// CR, LF and CRLF all end a segment. Where the segments end in CR, an LF followed by something that is no
/// segment is a line break inside a field: it becomes \.br\, so that the field keeps its text.
class LineWriter {
 public:
  LineWriter(Delimiters const& delimiters, bool ends_in_cr)
      : delimiters_(delimiters), ends_in_cr_(ends_in_cr) {}

  void write(std::string_view text) {
    bytes_.reserve(text.size() + 1);
    bool after_lone_lf = false;
    while (!text.empty()) {
      auto const end = text.find_first_of("\r\n");
      auto const line = text.substr(0, end);
      bool const crlf = end != std::string_view::npos && text.substr(end).starts_with("\r\n");
      bool const lf = end != std::string_view::npos && text[end] == '\n';
      append(line, after_lone_lf);
      foreign_ends_ += static_cast<std::size_t>(crlf || lf);
      after_lone_lf = lf && ends_in_cr_;
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + (crlf ? 2 : 1));
    }
  }

  void report(fhir::Issues& warnings) const {
    auto const warn = [&](std::size_t count, char const* what) {
      if (count > 0) warnings.push_back(fhir::warning(IssueType::structure, number(count) + what));
    };
    warn(foreign_ends_, " line ends were LF or CRLF and were read as CR");
    warn(blank_lines_, " blank lines were left out");
    warn(joined_, " line breaks inside a field were kept as \\.br\\");
  }

  std::vector<char>& bytes() { return bytes_; }

 private:
  void append(std::string_view line, bool after_lone_lf) {
    if (line.find_first_not_of(" \t") == std::string_view::npos) {
      ++blank_lines_;
      return;
    }
    if (after_lone_lf && !starts_segment(line, delimiters_.field) && !bytes_.empty()) {
      bytes_.pop_back();
      std::string const line_break = encode("\n", delimiters_);
      bytes_.insert(bytes_.end(), line_break.begin(), line_break.end());
      ++joined_;
    }
    bytes_.insert(bytes_.end(), line.begin(), line.end());
    bytes_.push_back('\r');
  }

  Delimiters delimiters_;
  bool ends_in_cr_;
  std::vector<char> bytes_;
  std::size_t foreign_ends_ = 0;
  std::size_t blank_lines_ = 0;
  std::size_t joined_ = 0;
};

std::vector<char> to_canonical(std::string_view text, Delimiters const& delimiters, fhir::Issues& warnings) {
  bool const has_blank_line = text.find("\r\r") != std::string_view::npos ||
                              text.find("\r ") != std::string_view::npos ||
                              text.find("\r\t") != std::string_view::npos;
  if (!has_blank_line && text.find('\n') == std::string_view::npos) {
    std::vector<char> bytes;
    bytes.reserve(text.size() + 1);
    bytes.assign(text.begin(), text.end());
    if (bytes.back() != '\r') bytes.push_back('\r');
    return bytes;
  }
  auto const first_end = text.find_first_of("\r\n");
  bool const ends_in_cr = first_end != std::string_view::npos && text[first_end] == '\r' &&
                          !text.substr(first_end).starts_with("\r\n");
  LineWriter writer(delimiters, ends_in_cr);
  writer.write(text);
  writer.report(warnings);
  return std::move(writer.bytes());
}

fhir::Issue control_character(unsigned char byte, std::string place) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return fhir::error(IssueType::value,
                     std::string("a field holds the control character 0x") + kDigits[byte >> 4U] +
                         kDigits[byte & 15U] + "; it must be escaped as \\X..\\ or left out",
                     "", std::move(place));
}

}  // namespace

fhir::Result<Message> Message::parse(std::string_view bytes, ParseOptions const& options,
                                     fhir::Issues& warnings) {
  std::string narrow;
  auto const wide = wide_charset(bytes);
  if (!wide.empty()) {
    if (!options.allow_utf16) {
      return fhir::error(IssueType::structure,
                         "the message is UTF-16 or UTF-32, which cannot travel in a frame");
    }
    FHIR_TRY(narrow, decode_charset(bytes, wide));
    bytes = narrow;
  }
  bytes = trim(bytes, warnings);
  if (!bytes.starts_with("MSH")) {
    return fhir::error(IssueType::structure, bytes.starts_with("FHS") || bytes.starts_with("BHS")
                                                 ? "this is a batch, not one message"
                                                 : "the message does not start with MSH");
  }
  Message message;
  FHIR_TRY(message.delimiters_, read_delimiters(bytes, warnings));
  auto const declared =
      wide.empty() ? declared_charset(bytes, message.delimiters_) : std::string_view("UNICODE UTF-8");
  std::string owned;
  FHIR_TRY(auto text, to_text(bytes, declared, options, owned, warnings));
  message.charset_ = wide.empty() ? text.charset : wide;
  message.narrow_charset_ = std::move(text.charset);
  message.bytes_ = to_canonical(text.utf8, message.delimiters_, warnings);
  if (message.bytes_.size() > std::numeric_limits<std::uint32_t>::max()) {
    return fhir::error(IssueType::too_costly, "the message is longer than 4 GiB");
  }
  FHIR_CHECK(message.split(options));
  FHIR_CHECK(message.check_segments(warnings));
  return message;
}

/// Whether every part of the segment has a number that an Address can hold.
bool Message::is_addressable(std::string_view segment) const {
  for (char const delimiter : {delimiters_.repetition, delimiters_.component, delimiters_.subcomponent}) {
    if (part_count(segment, delimiter) > kPartsMax) return false;
  }
  return true;
}

/// One pass over the bytes: every separator and CR is found by a table of 256 kinds, nothing else is looked
/// at.
fhir::Result<void> Message::split(ParseOptions const& options) {
  enum Kind : unsigned char { ordinary, separator, segment_end, control };
  std::array<Kind, 256> kinds{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) kinds[byte] = control;
  kinds['\t'] = ordinary;
  kinds['\r'] = segment_end;
  kinds[static_cast<unsigned char>(delimiters_.field)] = separator;

  fields_.reserve(bytes_.size() / 6);
  segments_.reserve(bytes_.size() / 64 + 1);
  auto const size = static_cast<std::uint32_t>(bytes_.size());
  std::uint32_t segment_begin = 0;
  std::uint32_t part_begin = 0;
  std::uint32_t first_field = 0;
  bool in_id = true;
  for (std::uint32_t at = 0; at < size; ++at) {
    auto const byte = static_cast<unsigned char>(bytes_[at]);
    auto const kind = kinds[byte];
    if (kind == ordinary) [[likely]]
      continue;
    if (kind == control) {
      if (in_id) segments_.push_back({segment_begin, at, first_field, 0});
      segments_.back().end = at;
      segments_.back().field_count = static_cast<std::uint32_t>(fields_.size()) - first_field;
      Address place{static_cast<std::uint32_t>(segments_.size() - 1)};
      place.field = static_cast<std::uint16_t>(fields_.size() - first_field + (in_id ? 0 : 1));
      return control_character(byte, to_string(*this, place));
    }
    if (in_id) {
      segments_.push_back({segment_begin, at, first_field, 0});
      // MSH-1 is the separator itself: the first field of the message.
      if (segment_begin == 0) fields_.push_back({at, at + 1});
    } else {
      fields_.push_back({part_begin, at});
    }
    in_id = false;
    part_begin = at + 1;
    if (kind == separator) continue;
    auto& segment = segments_.back();
    segment.end = at;
    segment.field_count = static_cast<std::uint32_t>(fields_.size()) - first_field;
    if (segments_.size() > options.segments_max || fields_.size() > options.fields_max) {
      return fhir::error(IssueType::too_costly, "the message has more segments or fields than are allowed");
    }
    if (segment.field_count > kPartsMax ||
        (at - segment_begin > kPartsMax && !is_addressable(segment_raw(segments_.size() - 1)))) {
      return fhir::error(IssueType::too_costly,
                         "segment " + number(segments_.size()) + " has more than 65535 parts of a kind");
    }
    segment_begin = at + 1;
    first_field = static_cast<std::uint32_t>(fields_.size());
    in_id = true;
  }
  return {};
}

fhir::Result<void> Message::check_segments(fhir::Issues& warnings) const {
  std::size_t odd = 0;
  for (std::size_t at = 1; at < segments_.size(); ++at) {
    auto const raw = segment_raw(at);
    if (raw.starts_with("MSH") && (raw.size() == 3 || !is_alphanumeric(raw[3]))) {
      return fhir::error(IssueType::value, "two MSH segments in one message", "", "MSH[2]");
    }
    if (looks_like_segment(raw, delimiters_.field)) continue;
    if (++odd == 1) {
      warnings.push_back(fhir::warning(
          IssueType::structure,
          "segment " + number(at + 1) +
              " has no id of three letters or digits; it and others like it are kept as they are"));
    }
  }
  if (raw({0, 12}).empty()) {
    warnings.push_back(
        fhir::warning(IssueType::required, "MSH-12 is empty; read as version 2.5.1", "", "MSH-12"));
  }
  return {};
}

std::string_view Message::segment_id(std::size_t segment) const {
  auto const& span = segments_[segment];
  auto const raw = segment_raw(segment);
  if (span.field_count == 0) return raw;
  // Field 1 of MSH is the separator behind the id; every other field 1 starts one byte behind it.
  auto const first = fields_[span.first_field].begin;
  return raw.substr(0, first - span.begin - (segment == 0 ? 0 : 1));
}

std::string_view Message::segment_raw(std::size_t segment) const {
  return view({segments_[segment].begin, segments_[segment].end});
}

std::optional<std::size_t> Message::find_segment(std::string_view id, std::size_t from) const {
  for (std::size_t at = from; at < segments_.size(); ++at) {
    if (segment_id(at) == id) return at;
  }
  return std::nullopt;
}

std::size_t Message::field_count(std::size_t segment) const { return segments_[segment].field_count; }

std::string_view Message::field(std::size_t segment, std::size_t field) const {
  if (segment >= segments_.size() || field == 0 || field > segments_[segment].field_count) return {};
  return view(fields_[segments_[segment].first_field + field - 1]);
}

std::size_t Message::repetition_count(std::size_t segment, std::size_t number_of_field) const {
  auto const value = field(segment, number_of_field);
  if (segment == 0 && number_of_field <= 2) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.repetition);
}

std::size_t Message::component_count(Address const& repetition) const {
  auto const value =
      raw({repetition.segment, repetition.field, std::max<std::uint16_t>(repetition.repetition, 1)});
  if (repetition.segment == 0 && repetition.field <= 2) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.component);
}

std::size_t Message::subcomponent_count(Address const& component) const {
  auto const value = raw({component.segment, component.field, component.repetition,
                          std::max<std::uint16_t>(component.component, 1)});
  if (component.segment == 0 && component.field <= 2) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.subcomponent);
}

std::string_view Message::raw(Address const& address) const {
  if (address.field == 0)
    return address.segment < segments_.size() ? segment_raw(address.segment) : std::string_view{};
  auto const value = field(address.segment, address.field);
  if (address.segment == 0 && address.field <= 2) return descend_unsplit(value, address);
  return descend(value, delimiters_, address);
}

std::string Message::text(Address const& address) const {
  auto const escaped = raw(address);
  if (address.segment == 0 && address.field <= 2) return std::string(escaped);
  return decode(escaped, delimiters_, narrow_charset_);
}

std::string_view Message::control_id() const { return raw({0, 10}); }

std::string_view Message::version() const {
  auto const version = raw({0, 12, 1, 1});
  return version.empty() ? kVersionWhenMissing : version;
}

std::string_view Message::message_code() const { return raw({0, 9, 1, 1}); }
std::string_view Message::trigger_event() const { return raw({0, 9, 1, 2}); }
std::string_view Message::sending_application() const { return raw({0, 3, 1, 1}); }
std::string_view Message::sending_facility() const { return raw({0, 4, 1, 1}); }

fhir::Result<void> check_identifiable(Message const& message) {
  if (message.message_code().empty()) {
    return fhir::error(IssueType::required, "MSH-9 must name the kind of message", "", "MSH-9");
  }
  if (message.control_id().empty()) {
    return fhir::error(IssueType::required, "MSH-10 must hold a control id, which the answer echoes", "",
                       "MSH-10");
  }
  return {};
}

std::string to_string(Message const& message, Address const& address) {
  if (address.segment >= message.segment_count()) return {};
  auto const id = message.segment_id(address.segment);
  std::size_t occurrence = 1;
  for (std::size_t at = 0; at < address.segment; ++at)
    occurrence += static_cast<std::size_t>(message.segment_id(at) == id);
  std::string text(looks_like_segment(id, '\0') ? id : "segment " + number(address.segment + 1U));
  if (occurrence > 1) text += "[" + number(occurrence) + "]";
  if (address.field == 0) return text;
  text += "-" + number(address.field);
  if (address.repetition > 1) text += "(" + number(address.repetition) + ")";
  if (address.component > 0) text += "." + number(address.component);
  if (address.subcomponent > 0) text += "." + number(address.subcomponent);
  return text;
}

}  // namespace mappings::hl7v2
