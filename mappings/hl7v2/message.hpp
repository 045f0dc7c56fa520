/// An HL7 v2 message as it stands: segments, fields, repetitions, components and subcomponents as views over
/// its bytes. Source: HL7 v2.5.1 chapter 2 (2.5 message construction, 2.7 escape sequences).
///
/// Parsing is lenient and says what it forgave: any delimiters, LF or CRLF for CR, a BOM, unknown segments,
/// missing trailing fields, versions 2.1-2.8. The bytes inside are UTF-8 and CR-terminated (the declared
/// canonical form): what MSH-18 or the partner's profile named is decoded once on the way in and encoded once
/// on the way out.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::hl7v2 {

struct Delimiters {
  char field = '|';
  char component = '^';
  char repetition = '~';
  char escape = '\\';
  char subcomponent = '&';
  char truncation = '\0';  ///< 2.7 and later; '\0' where MSH-2 has four characters.
  friend bool operator==(Delimiters const&, Delimiters const&) = default;
};

/// Where a value stands. `segment` counts from 0 in message order; all else counts from 1 as the standard
/// does, and 0 means "the whole of it": {s, 3} is all of field 3, {s, 3, 1} its first repetition, {s, 3, 1,
/// 4, 2} is PID-3(1).4.2. MSH-1 is the field separator and MSH-2 the encoding characters, never split.
struct Address {
  std::uint32_t segment = 0;
  std::uint16_t field = 0;
  std::uint16_t repetition = 0;
  std::uint16_t component = 0;
  std::uint16_t subcomponent = 0;
  friend auto operator<=>(Address const&, Address const&) = default;
};

struct ParseOptions {
  std::string charset;  ///< Used when MSH-18 is empty; "" means UTF-8, falling back to ISO-8859-1.
  bool bytes_are_utf8 =
      false;  ///< The bytes are Message::bytes() or Image::bytes(): UTF-8 whatever MSH-18 says.
  bool allow_utf16 =
      false;  ///< Files may be UTF-16 or UTF-32; in a stream such bytes collide with the framing.
  std::size_t segments_max = 100'000;
  std::size_t fields_max = 2'000'000;
};

/// An immutable parsed message. Copying copies its bytes; moving keeps every view valid.
class Message {
 public:
  /// `bytes`: one message from MSH on. Errors: structure (no MSH, unusable delimiters, UTF-16), value (two
  /// MSH, bytes that are not valid in the declared character set, control characters other than TAB),
  /// not_supported (an unknown character set), too_costly (a limit). `warnings` receives what was forgiven: a
  /// BOM, framing bytes around the message, line ends other than CR, blank lines, MSH-2 with too few
  /// characters, a guessed character set, segment ids that are not three letters or digits, a line break
  /// inside a field (kept as \.br\), no MSH-12.
  static fhir::Result<Message> parse(std::string_view bytes, ParseOptions const& options,
                                     fhir::Issues& warnings);

  Delimiters const& delimiters() const { return delimiters_; }
  std::string_view bytes() const {
    return {bytes_.data(), bytes_.size()};
  }  ///< Canonical: UTF-8, each segment ends in CR.
  /// The bytes' own, by MSH-18's name: "UNICODE UTF-8".
  std::string_view charset() const { return charset_; }
  /// What an answer to it is written in: charset(), or UTF-8 where that is a wide one, which no frame
  /// carries.
  std::string_view answer_charset() const { return narrow_charset_; }

  std::size_t segment_count() const { return segments_.size(); }
  std::string_view segment_id(std::size_t segment) const;   ///< "PID"
  std::string_view segment_raw(std::size_t segment) const;  ///< Without its CR.
  /// The first segment of that id at or after `from`.
  std::optional<std::size_t> find_segment(std::string_view id, std::size_t from = 0) const;

  std::size_t field_count(std::size_t segment) const;  ///< Highest field number present.
  std::size_t repetition_count(std::size_t segment,
                               std::size_t field) const;  ///< 0 when the field is empty or absent.
  std::size_t component_count(Address const& repetition) const;
  std::size_t subcomponent_count(Address const& component) const;

  /// The escaped text at the address; "" when absent. A level below what is split yields the value itself for
  /// number 1
  /// ("PID-8.1" of "F" is "F") and "" for higher numbers. 0 above a level that is addressed counts as 1.
  std::string_view raw(Address const& address) const;
  /// The text with its escapes decoded (see escape.hpp); unknown escapes stay as they are.
  std::string text(Address const& address) const;

  std::string_view control_id() const;     ///< MSH-10, byte for byte.
  std::string_view version() const;        ///< MSH-12.1, "2.5" also for 2.5^FRA; "2.5.1" when it is empty.
  std::string_view message_code() const;   ///< MSH-9.1
  std::string_view trigger_event() const;  ///< MSH-9.2
  std::string_view sending_application() const;  ///< MSH-3.1
  std::string_view sending_facility() const;     ///< MSH-4.1

 private:
  struct SegmentSpan {
    std::uint32_t begin = 0;  // offset of the id
    std::uint32_t end = 0;    // offset of the CR
    std::uint32_t first_field =
        0;  // index into fields_; field n of segment s is fields_[first_field + n - 1]
    std::uint32_t field_count = 0;
  };
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  fhir::Result<void> split(ParseOptions const& options);
  bool is_addressable(std::string_view segment) const;
  fhir::Result<void> check_segments(fhir::Issues& warnings) const;
  std::string_view field(std::size_t segment, std::size_t field) const;
  std::string_view view(Span span) const { return {bytes_.data() + span.begin, span.end - span.begin}; }

  std::vector<char> bytes_;  // a vector, so that moving never moves the characters
  std::vector<SegmentSpan> segments_;
  std::vector<Span> fields_;
  Delimiters delimiters_;
  std::string charset_;
  std::string narrow_charset_;  // also of hexadecimal escapes
};

/// Reliability rule R4: what cannot be correlated is never answered AA. Error required: MSH-9.1 or MSH-10
/// is empty.
fhir::Result<void> check_identifiable(Message const& message);

/// "PID-3(2).4.1" for people and Issues; the segment's occurrence is added from the second on: "OBX[2]-5".
std::string to_string(Message const& message, Address const& address);

}  // namespace mappings::hl7v2
