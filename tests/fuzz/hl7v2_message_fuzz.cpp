// Everything the codec does with bytes from outside: parse, group, judge, write back, decode, answer, cut
// batches, read answers.
#include "mappings/hl7v2/ack.hpp"
#include "mappings/hl7v2/batch.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/image.hpp"
#include "mappings/hl7v2/validate.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace mappings::hl7v2;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Reads every leaf; text that is escaped again must decode to itself.
void walk(Message const& message) {
  for (std::uint32_t segment = 0; segment < message.segment_count(); ++segment) {
    for (std::uint16_t field = 1; field <= message.field_count(segment) && field < 100; ++field) {
      for (std::uint16_t repetition = 1;
           repetition <= message.repetition_count(segment, field) && repetition < 20; ++repetition) {
        Address at{segment, field, repetition, 1, 1};
        auto const text = message.text(at);
        require(decode(encode(text, message.delimiters()), message.delimiters()) == text);
        static_cast<void>(message.component_count(at));
        static_cast<void>(message.subcomponent_count(at));
      }
    }
  }
}

void check_message(Message const& message) {
  require(Image(message).bytes() == message.bytes());
  fhir::Issues warnings;
  ParseOptions canonical;
  canonical.bytes_are_utf8 = true;
  auto const again = Message::parse(message.bytes(), canonical, warnings);
  require(again && again->bytes() == message.bytes());
  walk(message);
  auto const version = to_version(message.version()).value_or(Version::v2_5_1);
  auto const grouping =
      group_segments(message, find_structure(version, structure_of(message)).root, warnings);
  require(grouping.group_of_segment.size() == message.segment_count());
  for (auto const group : grouping.group_of_segment) require(group < grouping.groups.size());
  require(validate(message).size() <= kFindingsMax + 1);
  auto const ack =
      make_ack(message, "AE", {"1", "2024"}, {fhir::error(fhir::IssueType::value, "x", "", "PID-3(2).4")});
  if (!message.control_id().empty()) {
    auto const read = parse_ack(ack);
    require(read && read->code == "AE");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const bytes(reinterpret_cast<char const*>(data), size);
  ParseOptions options;
  options.segments_max = 1000;
  options.fields_max = 10'000;
  options.allow_utf16 = size % 2 == 0;
  fhir::Issues warnings;
  if (auto const message = Message::parse(bytes, options, warnings)) check_message(*message);
  require(Message::parse(make_nak(bytes, {"1", "2024"}, {}), {}, warnings).has_value());
  static_cast<void>(split_batch(bytes, warnings));
  static_cast<void>(parse_ack(bytes));
  return 0;
}
