/// Bytes looked at sixteen at a time: for what writes JSON. Internal to this folder.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fhir::json {

constexpr std::size_t kBytesAtOnce = 16;

namespace detail {

static_assert(std::endian::native == std::endian::little, "the first byte of a word is its lowest");

template <class Byte>
using Bytes __attribute__((vector_size(kBytesAtOnce))) = Byte;

/// The index of the first byte whose bits are set; kBytesAtOnce: none.
template <class Mask>
std::size_t first_set(Mask const& mask) {
  std::uint64_t halves[2];
  static_assert(sizeof(mask) == sizeof(halves));
  std::memcpy(halves, &mask, sizeof(halves));
  if (halves[0] != 0) return static_cast<std::size_t>(std::countr_zero(halves[0])) / 8;
  if (halves[1] != 0) return 8 + static_cast<std::size_t>(std::countr_zero(halves[1])) / 8;
  return kBytesAtOnce;
}

}  // namespace detail

/// The index of the first of sixteen bytes that JSON wants escaped: a control character, `"` or `\`.
inline std::size_t first_escaped(char const* bytes) {
  detail::Bytes<unsigned char> all;
  std::memcpy(&all, bytes, kBytesAtOnce);
  return detail::first_set((all < 0x20) | (all == '"') | (all == '\\'));
}

}  // namespace fhir::json
