#include "gateway/rest/page_token.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>

namespace gateway::rest {

namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kTokenCharsMax =
    64 * 1024;  // a head is shorter than that; nothing longer is worth decoding

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
unsigned char const* bytes_of(std::string_view text) {
  return reinterpret_cast<unsigned char const*>(text.data());
}

void check(int status) {
  if (status != 1) throw std::runtime_error("OpenSSL refused an AES-256-GCM operation.");
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string to_base64url(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 4 / 3 + 4);
  unsigned bits = 0;
  int held = 0;
  for (char const c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kAlphabet[(bits >> (held - 6)) & 0x3F];
  }
  if (held > 0) out += kAlphabet[(bits << (6 - held)) & 0x3F];
  return out;
}

/// Empty for anything that to_base64url does not write: one spelling per token.
std::string from_base64url(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  int held = 0;
  for (char const c : text) {
    auto const digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return {};
    bits = (bits << 6) | static_cast<unsigned>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFF);
    }
  }
  return held < 6 && (bits & ((1U << held) - 1U)) == 0 ? out : std::string{};
}

void append(std::string& out, std::string_view text) {
  auto const size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<char const*>(&size), sizeof size);
  out.append(text);
}

class Fields {
 public:
  explicit Fields(std::string_view rest) : rest_(rest) {}

  template <class Number>
  Number number() {
    Number value{};
    if (rest_.size() < sizeof value) {
      whole_ = false;
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    std::size_t const size = number<std::uint32_t>();
    if (!whole_ || rest_.size() < size) {
      whole_ = false;
      return {};
    }
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }
  bool whole() const { return whole_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool whole_ = true;
};

std::string to_bytes(Page const& page) {
  std::string out;
  append(out, page.path);
  append(out, page.query);
  append(out, page.cursor);
  append(out, page.principal);
  out.append(reinterpret_cast<char const*>(&page.expires_ms), sizeof page.expires_ms);
  out += page.lenient ? '\1' : '\0';
  return out;
}

std::optional<Page> from_bytes(std::string_view bytes) {
  Fields fields(bytes);
  Page page;
  page.path = fields.text();
  page.query = fields.text();
  page.cursor = fields.text();
  page.principal = fields.text();
  page.expires_ms = fields.number<std::int64_t>();
  page.lenient = fields.number<char>() != '\0';
  if (!fields.whole()) return std::nullopt;
  return page;
}

/// The plain bytes, or nothing when the tag does not fit.
std::optional<std::string> decrypt(PageTokens::Key const& key, std::string_view sealed) {
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  std::string_view const nonce = sealed.substr(0, kNonceBytes);
  std::string_view const cipher = sealed.substr(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  Context const context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string plain(cipher.size(), '\0');
  int written = 0;
  check(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes_of(nonce)));
  check(EVP_DecryptUpdate(context.get(), bytes_of(plain), &written, bytes_of(cipher),
                          static_cast<int>(cipher.size())));
  check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()));
  std::array<unsigned char, kTagBytes> end{};
  if (EVP_DecryptFinal_ex(context.get(), end.data(), &written) != 1) return std::nullopt;
  return plain;
}

}  // namespace

PageTokens::Key PageTokens::random_key() {
  Key key;
  check(RAND_bytes(key.data(), static_cast<int>(key.size())));
  return key;
}

std::string PageTokens::seal(Page const& page) const {
  std::string const plain = to_bytes(page);
  std::string sealed(kNonceBytes + plain.size() + kTagBytes, '\0');
  check(RAND_bytes(bytes_of(sealed), kNonceBytes));
  Context const context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  unsigned char* const cipher = bytes_of(sealed) + kNonceBytes;
  int written = 0;
  check(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), bytes_of(sealed)));
  check(EVP_EncryptUpdate(context.get(), cipher, &written, bytes_of(plain), static_cast<int>(plain.size())));
  check(EVP_EncryptFinal_ex(context.get(), cipher + written, &written));
  check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, cipher + plain.size()));
  return to_base64url(sealed);
}

fhir::Result<Page> PageTokens::open(std::string_view token, std::string_view principal,
                                    std::int64_t now_ms) const {
  auto const refuse = [](fhir::IssueType code, char const* why) {
    return fhir::error(code, why, {}, "_page");
  };
  if (token.size() > kTokenCharsMax)
    return refuse(fhir::IssueType::value, "This is no page link of this server.");
  auto const plain = decrypt(key_, from_base64url(token));
  auto page = plain ? from_bytes(*plain) : std::nullopt;
  if (!page) return refuse(fhir::IssueType::value, "This is no page link of this server.");
  if (page->principal != principal) return refuse(fhir::IssueType::not_found, "There is no such page.");
  if (page->expires_ms <= now_ms) {
    return refuse(fhir::IssueType::deleted, "This page link has expired; start the search again.");
  }
  return *std::move(page);
}

}  // namespace gateway::rest
