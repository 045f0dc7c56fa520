/// Splitting a value at one delimiter without allocating; shared by Message and Image.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace mappings::hl7v2 {

/// The part with `number` (from 1) of `text` cut at `delimiter`; nullopt past the last. '\0' never cuts.
inline std::optional<std::string_view> nth_part(std::string_view text, char delimiter, std::size_t number) {
  std::size_t begin = 0;
  for (std::size_t at = 1;; ++at) {
    auto const end = delimiter == '\0' ? std::string_view::npos : text.find(delimiter, begin);
    if (at == number) return text.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (end == std::string_view::npos) return std::nullopt;
    begin = end + 1;
  }
}

/// Calls `visit(number, part)` for each part of `text`, numbered from 1; an empty text is one empty part.
template <class Visit>
void each_part(std::string_view text, char delimiter, Visit const& visit) {
  for (std::uint16_t number = 1;; ++number) {
    auto const end = delimiter == '\0' ? std::string_view::npos : text.find(delimiter);
    visit(number, text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

/// How many parts `text` has: 0 when it is empty.
inline std::size_t part_count(std::string_view text, char delimiter) {
  if (text.empty()) return 0;
  std::size_t count = 1;
  if (delimiter == '\0') return count;
  for (char const c : text) count += static_cast<std::size_t>(c == delimiter);
  return count;
}

/// Walks from a whole field down to the addressed level; "" when absent.
/// A number above an addressed level that is 0 counts as 1: {s, 5, 0, 1} is the first component of the first
/// repetition.
inline std::string_view descend(std::string_view field, Delimiters const& delimiters,
                                Address const& address) {
  auto const level = [](std::size_t number) { return number == 0 ? std::size_t{1} : number; };
  if (address.repetition == 0 && address.component == 0 && address.subcomponent == 0) return field;
  auto part = nth_part(field, delimiters.repetition, level(address.repetition));
  if (!part || (address.component == 0 && address.subcomponent == 0))
    return part.value_or(std::string_view{});
  part = nth_part(*part, delimiters.component, level(address.component));
  if (!part || address.subcomponent == 0) return part.value_or(std::string_view{});
  return nth_part(*part, delimiters.subcomponent, address.subcomponent).value_or(std::string_view{});
}

/// The same for MSH-1 and MSH-2, which are never split: number 1 is the whole, all else is absent.
inline std::string_view descend_unsplit(std::string_view field, Address const& address) {
  return address.repetition <= 1 && address.component <= 1 && address.subcomponent <= 1 ? field
                                                                                        : std::string_view{};
}

}  // namespace mappings::hl7v2
