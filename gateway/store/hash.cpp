#include "gateway/store/hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace gateway::store {

std::string sha256_hex(std::initializer_list<std::string_view> parts) {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  bool good = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  for (auto const part : parts) good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  good = good && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  if (!good) throw std::runtime_error("SHA-256 is not available from OpenSSL");

  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(std::size_t{2} * size);
  for (unsigned at = 0; at < size; ++at) {
    hex.push_back(kDigits[digest[at] >> 4]);
    hex.push_back(kDigits[digest[at] & 0xF]);
  }
  return hex;
}

std::string chain_hash(std::string_view previous_hash, std::string_view body) {
  return sha256_hex({previous_hash, body});
}

}  // namespace gateway::store
