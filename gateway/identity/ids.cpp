#include "gateway/identity/ids.hpp"

#include <openssl/sha.h>

#include <array>

namespace gateway::identity {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), digest.data());
  static constexpr char kHex[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(digest.size() * 2);
  for (unsigned char const byte : digest) {
    hex.push_back(kHex[byte >> 4]);
    hex.push_back(kHex[byte & 15]);
  }
  return hex;
}

std::string derived_id(std::string_view source, std::string_view key) {
  std::string seed(source);
  seed.append("\n").append(key);  // no partner name holds a line end
  return sha256_hex(seed).substr(0, 32);
}

}  // namespace gateway::identity
