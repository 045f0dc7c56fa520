/// A 128-bit fingerprint for keys and versions: FNV-1a twice with different bases. Not for security.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace mappings::language {

class Digest {
 public:
  /// Texts are kept apart: add("ab"), add("c") differs from add("a"), add("bc").
  void add(std::string_view text) {
    for (char const c : text) byte(static_cast<unsigned char>(c));
    byte(0);
  }

  std::string hex() const {
    std::string out(32, '0');
    std::size_t at = 0;
    for (std::uint64_t const half : {mix(low_), mix(high_)}) {
      for (int shift = 60; shift >= 0; shift -= 4) out[at++] = "0123456789abcdef"[half >> shift & 15];
    }
    return out;
  }

  /// RFC 9562 version 8 (custom), variant 10.
  std::string uuid() const {
    std::string h = hex();
    h[12] = '8';
    h[16] = "89ab"[(h[16] >= 'a' ? h[16] - 'a' + 10 : h[16] - '0') & 3];
    return h.substr(0, 8) + "-" + h.substr(8, 4) + "-" + h.substr(12, 4) + "-" + h.substr(16, 4) + "-" +
           h.substr(20);
  }

 private:
  void byte(unsigned char value) {
    constexpr std::uint64_t kPrime = 1099511628211U;
    low_ = (low_ ^ value) * kPrime;
    high_ = (high_ ^ (value + 0x9eU)) * kPrime;
  }
  static std::uint64_t mix(std::uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9U;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebU;
    return x ^ x >> 31;
  }

  std::uint64_t low_ = 14695981039346656037U;
  std::uint64_t high_ = 0x84222325cbf29ce4U;
};

/// The texts one behind the other, in one allocation.
inline std::string concatenated(std::initializer_list<std::string_view> texts) {
  std::size_t size = 0;
  for (std::string_view const text : texts) size += text.size();
  std::string whole;
  whole.reserve(size);
  for (std::string_view const text : texts) whole.append(text);
  return whole;
}

}  // namespace mappings::language
