#include "gateway/intake/sequence.hpp"

#include <charconv>

namespace gateway::intake {

SequenceStep sequence_step(std::optional<std::int64_t> last, std::string_view msh_13) {
  using Kind = SequenceStep::Kind;
  std::string const expected = std::to_string(last ? *last + 1 : -1);
  std::int64_t number = 0;
  auto const [end, error] = std::from_chars(msh_13.data(), msh_13.data() + msh_13.size(), number);
  bool const is_number = error == std::errc{} && end == msh_13.data() + msh_13.size();
  if (!is_number || number < -1) return {Kind::unusable, expected, 0};
  if (number == 0) return {Kind::start, expected, 0};
  if (number == -1) return {Kind::resync, "-1", 0};
  std::string const echo = std::to_string(number);
  if (!last || number == *last + 1) return {Kind::next, echo, number};
  if (number <= *last) return {Kind::behind, expected, 0};
  if (number - *last - 1 > kSequenceGapMax) return {Kind::passed, echo, number};
  return {Kind::held, expected, 0};
}

}  // namespace gateway::intake
