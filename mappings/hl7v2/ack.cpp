#include "mappings/hl7v2/ack.hpp"

#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/image.hpp"
#include "mappings/hl7v2/split.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace mappings::hl7v2 {
namespace {

using fhir::Issue;
using fhir::IssueType;
using fhir::Severity;

/// Table 0357 with the issue types that it says; the first row of a type is used to write it.
struct ErrorCode {
  std::string_view code;
  std::string_view text;
  IssueType type;
};
constexpr std::array kErrorCodes{
    ErrorCode{"100", "Segment sequence error", IssueType::structure},
    ErrorCode{"100", "Segment sequence error", IssueType::invalid},
    ErrorCode{"101", "Required field missing", IssueType::required},
    ErrorCode{"101", "Required field missing", IssueType::incomplete},
    ErrorCode{"102", "Data type error", IssueType::value},
    ErrorCode{"102", "Data type error", IssueType::invariant},
    ErrorCode{"103", "Table value not found", IssueType::code_invalid},
    ErrorCode{"104", "Value too long", IssueType::too_long},
    ErrorCode{"200", "Unsupported message type", IssueType::not_supported},
    ErrorCode{"201", "Unsupported event code", IssueType::not_supported},
    ErrorCode{"202", "Unsupported processing id", IssueType::not_supported},
    ErrorCode{"203", "Unsupported version id", IssueType::not_supported},
    ErrorCode{"204", "Unknown key identifier", IssueType::not_found},
    ErrorCode{"204", "Unknown key identifier", IssueType::deleted},
    ErrorCode{"205", "Duplicate key identifier", IssueType::duplicate},
    ErrorCode{"205", "Duplicate key identifier", IssueType::conflict},
    ErrorCode{"205", "Duplicate key identifier", IssueType::multiple_matches},
    ErrorCode{"206", "Application record locked", IssueType::lock_error},
    ErrorCode{"207", "Application internal error", IssueType::exception},
};

ErrorCode const& row_of(std::string_view code) {
  auto const at = std::find_if(kErrorCodes.begin(), kErrorCodes.end(),
                               [&](ErrorCode const& row) { return row.code == code; });
  return at == kErrorCodes.end() ? kErrorCodes.back() : *at;
}

ErrorCode const& error_code(Issue const& issue, Version version) {
  if (issue.code == IssueType::not_supported) {
    if (issue.source.starts_with("MSH-9.2")) return row_of("201");
    if (issue.source.starts_with("MSH-9")) return row_of("200");
    if (issue.source.starts_with("MSH-11")) return row_of("202");
    if (issue.source.starts_with("MSH-12")) return row_of("203");
    return issue.source.empty() ? row_of("207") : row_of("102");
  }
  if (issue.code == IssueType::too_long && version < Version::v2_7) return row_of("102");
  auto const at = std::find_if(kErrorCodes.begin(), kErrorCodes.end(),
                               [&](ErrorCode const& row) { return row.type == issue.code; });
  return at == kErrorCodes.end() ? kErrorCodes.back() : *at;
}

/// "OBX[2]-5(3).4.1" in its parts, "" where a part is not given.
struct Location {
  std::string_view segment, occurrence, field, repetition, component, subcomponent;
};

std::string_view take_digits(std::string_view& text) {
  auto const end = std::min(text.find_first_not_of("0123456789"), text.size());
  auto const digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Location> parse_location(std::string_view source) {
  Location location;
  if (source.size() < 3) return std::nullopt;
  auto const is_id = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (!std::all_of(source.begin(), source.begin() + 3, is_id)) return std::nullopt;
  location.segment = source.substr(0, 3);
  source.remove_prefix(3);
  if (take(source, '[')) {
    location.occurrence = take_digits(source);
    if (!take(source, ']')) return std::nullopt;
  }
  if (take(source, '-')) location.field = take_digits(source);
  if (take(source, '(')) {
    location.repetition = take_digits(source);
    if (!take(source, ')')) return std::nullopt;
  }
  if (take(source, '.')) location.component = take_digits(source);
  if (take(source, '.')) location.subcomponent = take_digits(source);
  if (!source.empty()) return std::nullopt;
  return location;
}

/// Our own words are ASCII; anything else that slipped in must not make the answer unencodable.
std::string ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  }
  return out;
}

char to_0516(Severity severity) {
  if (severity == Severity::warning) return 'W';
  return severity == Severity::information ? 'I' : 'E';
}

/// ERR of 2.5 and later: one segment per Issue.
void write_err(Image& image, Issue const& issue, Version version) {
  auto const err = static_cast<std::uint32_t>(image.insert_segment(image.segment_count(), "ERR"));
  auto const& row = error_code(issue, version);
  std::string place;
  if (auto const location = parse_location(issue.source)) {
    place = issue.source;
    auto const put = [&](std::uint16_t component, std::string_view value) {
      image.set_text({err, 2, 1, component}, value);
    };
    put(1, location->segment);
    put(2, location->occurrence.empty() ? "1" : location->occurrence);
    put(3, location->field);
    if (!location->field.empty()) put(4, location->repetition.empty() ? "1" : location->repetition);
    put(5, location->component);
    put(6, location->subcomponent);
  }
  image.set_text({err, 3, 1, 1}, row.code);
  image.set_text({err, 3, 1, 2}, row.text);
  image.set_text({err, 3, 1, 3}, "HL70357");
  image.set_text({err, 4}, std::string(1, to_0516(issue.severity)));
  if (row.code == "207") {
    image.set_text({err, 5, 1, 1}, to_code(issue.code));
    image.set_text({err, 5, 1, 3}, "HL70533");
  }
  auto diagnostics = ascii(issue.diagnostics);
  if (!issue.expression.empty()) diagnostics += " (" + ascii(issue.expression) + ")";
  image.set_text({err, 7}, diagnostics);
  image.set_text({err, 8}, std::string(row.text) + (place.empty() ? "" : " at " + place));
}

/// ERR-1 of 2.4 and earlier: segment, its occurrence, field, and the code; one repetition per Issue.
void write_err_1(Image& image, fhir::Issues const& issues, Version version) {
  auto const err = static_cast<std::uint32_t>(image.insert_segment(image.segment_count(), "ERR"));
  std::uint16_t repetition = 0;
  for (auto const& issue : issues) {
    ++repetition;
    auto const& row = error_code(issue, version);
    if (auto const location = parse_location(issue.source)) {
      image.set_text({err, 1, repetition, 1}, location->segment);
      image.set_text({err, 1, repetition, 2}, location->occurrence.empty() ? "1" : location->occurrence);
      image.set_text({err, 1, repetition, 3}, location->field);
    }
    image.set_text({err, 1, repetition, 4, 1}, row.code);
    if (image.delimiters().subcomponent == '\0') continue;
    image.set_text({err, 1, repetition, 4, 2}, row.text);
    image.set_text({err, 1, repetition, 4, 3}, "HL70357");
  }
}

constexpr std::size_t kIssuesMax =
    100;  // What one answer says; a message with more wrong is not helped by more.

/// What the answer takes from the header of the asker, escaped as it came.
struct Asked {
  Delimiters delimiters;
  std::string_view application, facility, receiving_application, receiving_facility;
  std::string_view event, control_id, processing_id, version, charset;
};

std::string write_answer(Asked const& asked, std::string_view code, AckHeader const& header,
                         fhir::Issues const& all) {
  auto const version = to_version(nth_part(asked.version, asked.delimiters.component, 1).value_or(""))
                           .value_or(Version::v2_5_1);
  fhir::Issues issues = all;
  std::ranges::stable_sort(issues, {}, &fhir::Issue::severity);  // what refused it, before what was forgiven
  if (issues.size() > kIssuesMax) issues.resize(kIssuesMax);
  Image image(asked.delimiters);
  image.insert_segment(0, "MSH");
  image.set({0, 3}, asked.receiving_application);
  image.set({0, 4}, asked.receiving_facility);
  image.set({0, 5}, asked.application);
  image.set({0, 6}, asked.facility);
  image.set_text({0, 7}, header.timestamp);
  // Our own words go through the escapes: the asker's delimiters may be any punctuation, '.' of a version
  // too.
  image.set_text({0, 9, 1, 1}, "ACK");
  if (version >= Version::v2_3) image.set({0, 9, 1, 2}, asked.event);
  if (version >= Version::v2_3_1) image.set_text({0, 9, 1, 3}, "ACK");
  image.set_text({0, 10}, header.control_id);
  if (asked.processing_id.empty()) {
    image.set_text({0, 11}, "P");
  } else {
    image.set({0, 11}, asked.processing_id);
  }
  if (asked.version.empty()) {
    image.set_text({0, 12}, "2.5.1");
  } else {
    image.set({0, 12}, asked.version);
  }
  if (!header.accept_ack.empty()) {
    image.set_text({0, 15}, header.accept_ack);
    image.set_text({0, 16}, "NE");
  }
  // A name that nobody can read by is not handed on.
  if (!to_converter_name(asked.charset).empty()) image.set({0, 18}, asked.charset);
  image.insert_segment(1, "MSA");
  image.set_text({1, 1}, code);
  image.set({1, 2}, asked.control_id);
  if (!header.expected_sequence.empty()) image.set_text({1, 4}, header.expected_sequence);
  if (version >= Version::v2_5) {
    for (auto const& issue : issues) write_err(image, issue, version);
  } else if (!issues.empty()) {
    image.set_text({1, 3}, ascii(issues.front().diagnostics).substr(0, 80));
    // ERR-1 has no severity: beside an AA it would be read as an error.
    std::erase_if(issues, [](fhir::Issue const& one) { return one.severity > Severity::error; });
    if (!issues.empty()) write_err_1(image, issues, version);
  }
  return image.bytes();
}

/// Field n of a header line that could not be parsed; "" when it holds what may not be echoed.
std::string_view loose_field(std::string_view line, char separator, std::size_t number) {
  constexpr std::size_t kEchoMax = 999;
  auto const value = nth_part(line, separator, number).value_or(std::string_view{});
  auto const is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
  return value.size() > kEchoMax || std::any_of(value.begin(), value.end(), is_control) ? std::string_view{}
                                                                                        : value;
}

/// The delimiters of a header line, as far as they can be used; the usual ones otherwise.
Delimiters loose_delimiters(std::string_view line) {
  fhir::Issues ignored;
  // A message of this header alone has the delimiters of the whole, where they are usable at all.
  auto const cut = nth_part(line, line[3], 2).value_or(std::string_view{});
  auto const head = "MSH" + std::string(1, line[3]) + std::string(cut) + line[3] + "\r";
  auto const parsed = Message::parse(head, {}, ignored);
  return parsed ? parsed->delimiters() : Delimiters{};
}

std::optional<AckCondition> parse_condition(std::string_view code) {
  if (code == "AL") return AckCondition::always;
  if (code == "NE") return AckCondition::never;
  if (code == "ER") return AckCondition::on_error;
  if (code == "SU") return AckCondition::on_success;
  return std::nullopt;
}

Issue read_err(Message const& message, std::uint32_t err) {
  Issue issue;
  auto const severity = message.raw({err, 4, 1, 1});
  issue.severity = severity == "W"   ? Severity::warning
                   : severity == "I" ? Severity::information
                                     : Severity::error;
  bool const is_old = message.raw({err, 3}).empty();
  auto const code = is_old ? message.raw({err, 1, 1, 4, 1}) : message.raw({err, 3, 1, 1});
  issue.code = code.empty() ? IssueType::processing : row_of(code).type;
  for (Address const at :
       {Address{err, 8}, Address{err, 7}, Address{err, 3, 1, 2}, Address{err, 1, 1, 4, 2}}) {
    if (issue.diagnostics.empty()) issue.diagnostics = message.text(at);
  }
  std::uint16_t const place = is_old ? 1 : 2;
  auto const part = [&](std::uint16_t component) {
    return std::string(message.raw({err, place, 1, component}));
  };
  issue.source = part(1);
  if (part(2).size() > 0 && part(2) != "1") issue.source += "[" + part(2) + "]";
  if (!part(3).empty()) issue.source += "-" + part(3);
  if (is_old) return issue;
  if (!part(4).empty() && part(4) != "1") issue.source += "(" + part(4) + ")";
  if (!part(5).empty()) issue.source += "." + part(5);
  if (!part(6).empty()) issue.source += "." + part(6);
  return issue;
}

}  // namespace

std::string make_ack(Message const& asked, std::string_view code, AckHeader const& header,
                     fhir::Issues const& issues) {
  auto const field = [&](std::uint16_t number) { return asked.raw({0, number}); };
  auto answer = write_answer({asked.delimiters(), field(3), field(4), field(5), field(6),
                              asked.trigger_event(), asked.control_id(), field(11), field(12), field(18)},
                             code, header, issues);
  // All that is not ASCII in it came in this character set, so it goes back in it.
  auto encoded = encode_charset(answer, asked.answer_charset());
  return encoded ? std::move(*encoded) : answer;
}

std::string make_nak(std::string_view bytes, AckHeader const& header, fhir::Issues const& issues,
                     std::string_view code) {
  auto const begin = bytes.substr(0, 16).find("MSH");  // Behind a byte order mark or blanks at most.
  auto line = begin == std::string_view::npos ? std::string_view{} : bytes.substr(begin);
  line = line.substr(0, line.find_first_of("\r\n"));
  if (line.size() < 5) return write_answer({}, code, header, issues);
  Asked asked;
  asked.delimiters = loose_delimiters(line);
  // Fields are cut where the sender cut them; they are echoed only if our own separator says the same.
  if (asked.delimiters.field != line[3]) return write_answer({}, code, header, issues);
  auto const field = [&](std::size_t number) { return loose_field(line, line[3], number); };
  asked.application = field(3);
  asked.facility = field(4);
  asked.receiving_application = field(5);
  asked.receiving_facility = field(6);
  asked.event =
      nth_part(nth_part(field(9), asked.delimiters.repetition, 1).value_or(""), asked.delimiters.component, 2)
          .value_or("");
  asked.control_id = field(10);
  asked.processing_id = field(11);
  asked.version = field(12);
  asked.charset = field(18);
  // The header may hold bytes that its own character set lacks: say less rather than answer with no message.
  for (Asked const& said :
       {asked, Asked{asked.delimiters, {}, {}, {}, {}, {}, asked.control_id, {}, {}, {}}}) {
    auto answer = write_answer(said, code, header, issues);
    fhir::Issues ignored;
    if (Message::parse(answer, {}, ignored)) return answer;
  }
  return write_answer({}, code, header, issues);
}

AckRequest ack_request(Message const& message, fhir::Issues& warnings) {
  auto const read = [&](std::uint16_t field) -> std::optional<AckCondition> {
    auto const code = message.raw({0, field});
    auto const condition = parse_condition(code);
    if (!condition && !code.empty()) {
      warnings.push_back(fhir::warning(IssueType::code_invalid,
                                       "the code is not in table 0155 and counts as absent", "",
                                       "MSH-" + std::to_string(field)));
    }
    return condition;
  };
  auto const accept = read(15);
  auto const application = read(16);
  if (!accept && !application) return {};
  return {true, accept.value_or(AckCondition::never), application.value_or(AckCondition::never)};
}

bool is_wanted(AckCondition condition, bool success) {
  switch (condition) {
    case AckCondition::always:
      return true;
    case AckCondition::never:
      return false;
    case AckCondition::on_error:
      return !success;
    case AckCondition::on_success:
      return success;
  }
  return true;
}

fhir::Result<Ack> parse_ack(std::string_view bytes) {
  fhir::Issues warnings;
  FHIR_TRY(auto message, Message::parse(bytes, {}, warnings));
  auto const found = message.find_segment("MSA");
  if (!found) return fhir::error(IssueType::structure, "the answer has no MSA segment", "", "MSA");
  auto const msa = static_cast<std::uint32_t>(*found);
  Ack ack;
  ack.code = message.raw({msa, 1});
  if (ack.code.empty())
    return fhir::error(IssueType::required, "the answer has no acknowledgment code", "", "MSA-1");
  constexpr std::array<std::string_view, 6> kCodes{"AA", "AE", "AR", "CA", "CE", "CR"};
  if (std::find(kCodes.begin(), kCodes.end(), ack.code) == kCodes.end()) {
    return fhir::error(IssueType::code_invalid, "the acknowledgment code is not in table 0008", "", "MSA-1");
  }
  ack.control_id = message.raw({msa, 2});
  if (ack.control_id.empty())
    return fhir::error(IssueType::required, "the answer names no message", "", "MSA-2");
  ack.text = message.text({msa, 3});
  for (auto at = message.find_segment("ERR"); at; at = message.find_segment("ERR", *at + 1)) {
    ack.issues.push_back(read_err(message, static_cast<std::uint32_t>(*at)));
  }
  ack.has_application_content = message.message_code() != "ACK" && message.message_code() != "MCF";
  return ack;
}

}  // namespace mappings::hl7v2
