/// UTF-8 by code points, as FHIRPath's string functions count.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace fhir::path {

inline void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
    return;
  }
  int const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out.push_back(static_cast<char>(kLead[more] | (code >> (6 * more))));
  for (int i = more - 1; i >= 0; --i) out.push_back(static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F)));
}

/// Bytes of the code point that starts with this byte; 1 for one that starts none.
inline std::size_t utf8_length(char lead) {
  auto const byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Code points in the text.
inline std::size_t utf8_count(std::string_view text) {
  std::size_t count = 0;
  for (char const c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// The byte at which the n-th code point starts; the size when there are fewer.
inline std::size_t utf8_offset(std::string_view text, std::size_t n) {
  std::size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += utf8_length(text[at]);
  return at < text.size() ? at : text.size();
}

}  // namespace fhir::path
