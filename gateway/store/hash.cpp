#include "gateway/store/hash.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace gateway::store {

namespace {

using Digest = std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

/// Fetched once: EVP_sha256() is looked up anew at each use, which costs more than hashing a short text.
EVP_MD const* sha256() {
  static Digest const digest(EVP_MD_fetch(nullptr, "SHA2-256", nullptr), &EVP_MD_free);
  return digest.get();
}

}  // namespace

std::string sha256_hex(std::initializer_list<std::string_view> parts) {
  thread_local Context const context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  bool good = context != nullptr && EVP_DigestInit_ex(context.get(), sha256(), nullptr) == 1;
  for (auto const part : parts) good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  good = good && EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  if (!good) throw std::runtime_error("SHA-256 is not available from OpenSSL");

  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(std::size_t{2} * size, '\0');
  for (unsigned at = 0; at < size; ++at) {
    hex[std::size_t{2} * at] = kDigits[digest[at] >> 4];
    hex[std::size_t{2} * at + 1] = kDigits[digest[at] & 0xF];
  }
  return hex;
}

std::string chain_hash(std::string_view previous_hash, std::string_view body) {
  return sha256_hex({previous_hash, body});
}

}  // namespace gateway::store
