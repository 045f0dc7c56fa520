/// Page tokens: what a "next" link carries, sealed so that nobody can read, change or borrow it.
/// Source: fhir.md section 4 ("A page token is AEAD over {query, S, last sort key, principal, expiry}"); RFC
/// 5116.
///
/// The server keeps nothing: a token holds all that the next page needs. Base64url of nonce, AES-256-GCM
/// ciphertext, tag.
#pragma once

#include "fhir/result.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gateway::rest {

struct Page {
  std::string path;    ///< "Patient", "Patient/1/_history": what it goes on with.
  std::string query;   ///< The raw query of the first page; strictly parsed the first time.
  std::string cursor;  ///< The store's.
  std::string principal;
  std::int64_t expires_ms = 0;
  bool lenient = false;
};

class PageTokens {
 public:
  using Key = std::array<unsigned char, 32>;
  explicit PageTokens(Key const& key) : key_(key) {}
  static Key random_key();

  std::string seal(Page const& page) const;
  /// Errors: value (forged, cut or of another key), deleted (expired), not_found (another principal's).
  fhir::Result<Page> open(std::string_view token, std::string_view principal, std::int64_t now_ms) const;

 private:
  Key key_;
};

}  // namespace gateway::rest
