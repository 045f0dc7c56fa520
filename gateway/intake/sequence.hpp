/// The sequence number protocol of a v2 link, as its receiver. Pure. Source: HL7 v2.5.1 2.10.1;
/// reliability.md R8.
///
/// MSH-13 counts the messages of one sender from 1. 0 asks which number comes next, -1 forgets the count; the
/// content of neither is taken in. A gap holds the message back until what is missing has come; one that is
/// longer than a queue can be is passed with an alert.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::intake {

inline constexpr std::int64_t kSequenceGapMax = 100;  // beyond it a counter was reset, not a message lost

struct SequenceStep {
  enum class Kind : unsigned char {
    next,     ///< In order: taken in, and its number stored with it.
    start,    ///< 0: the link begins; answered by what is expected.
    resync,   ///< -1: the stored number is forgotten.
    passed,   ///< In order after a gap too long to be one: taken in, and somebody is told.
    held,     ///< A gap: what is missing comes first.
    behind,   ///< A number that has been taken in before, under another control id.
    unusable  ///< No number, or none of these.
  };
  Kind kind = Kind::next;
  std::string expected;     ///< MSA-4.
  std::int64_t number = 0;  ///< To be stored, of next and passed.
};

/// `last` is the number last stored; nullopt on a fresh or forgotten link.
SequenceStep sequence_step(std::optional<std::int64_t> last, std::string_view msh_13);

}  // namespace gateway::intake
