#include "gateway/net/tls.hpp"

#include "gateway/net/tls_peer.hpp"

#include <boost/asio/ssl/context.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <fstream>
#include <utility>

namespace gateway::net {
namespace {

namespace ssl = boost::asio::ssl;
using fhir::IssueType;
using fhir::Result;

// RFC 9325 section 4.2 without its DHE suites; the 1.3 suites are AEAD by nature.
constexpr char kCiphersTls12[] =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";

std::string last_openssl_reason() {
  auto const code = ERR_get_error();
  ERR_clear_error();
  auto const* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "refused by OpenSSL" : reason;
}

fhir::Issue bad_file(std::string const& file, std::string const& what) {
  if (!std::ifstream(file)) return fhir::error(IssueType::not_found, "TLS: " + file + " cannot be read");
  return fhir::error(IssueType::value, "TLS: " + file + ": " + what + " (" + last_openssl_reason() + ")");
}

Result<void> set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // an idle connection holds no 34 kB of buffers
  if (SSL_CTX_set_cipher_list(context, kCiphersTls12) != 1) {
    return fhir::error(IssueType::not_supported, "TLS: OpenSSL knows none of our cipher suites");
  }
  return {};
}

Result<void> use_identity(SSL_CTX* context, std::string const& certificate, std::string const& key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return bad_file(certificate, "no certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad_file(key, "no private key that fits the certificate");
  }
  return {};
}

Result<void> use_crl(SSL_CTX* context, std::string const& crl) {
  if (crl.empty()) return {};
  auto* const store = SSL_CTX_get_cert_store(context);
  if (X509_load_crl_file(X509_STORE_add_lookup(store, X509_LOOKUP_file()), crl.c_str(), X509_FILETYPE_PEM) <
      1) {
    return bad_file(crl, "no revocation list");
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

Result<void> load_server(SSL_CTX* context, TlsServerOptions const& options) {
  FHIR_CHECK(use_identity(context, options.certificate, options.private_key));
  constexpr std::array<unsigned char, 7> kSessionContext{'h', 'a', 'n', 'd', 'o', 'f', 'f'};
  SSL_CTX_set_session_id_context(context, kSessionContext.data(), kSessionContext.size());
  if (options.client_ca.empty()) return {};
  if (SSL_CTX_load_verify_locations(context, options.client_ca.c_str(), nullptr) != 1) {
    return bad_file(options.client_ca, "no CA certificate");
  }
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.client_ca.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return use_crl(context, options.crl);
}

Result<void> load_client(SSL_CTX* context, TlsClientOptions const& options) {
  if (!options.certificate.empty()) {
    FHIR_CHECK(use_identity(context, options.certificate, options.private_key));
  }
  if (options.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, options.ca.c_str(), nullptr) != 1) {
    return bad_file(options.ca, "no CA certificate");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
  return use_crl(context, options.crl);
}

std::string to_string(ASN1_STRING const* text) {
  unsigned char* utf8 = nullptr;
  auto const size = text == nullptr ? -1 : ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) return {};
  std::string value(reinterpret_cast<char const*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return value;
}

std::string read_common_name(X509 const* certificate) {
  auto const* const subject = X509_get_subject_name(certificate);
  auto const index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  return to_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

std::string to_name(GENERAL_NAME const* name) {
  switch (name->type) {
    case GEN_DNS:
      return to_string(name->d.dNSName);
    case GEN_URI:
      return to_string(name->d.uniformResourceIdentifier);
    case GEN_EMAIL:
      return to_string(name->d.rfc822Name);
    case GEN_IPADD: {
      auto* const text = i2s_ASN1_OCTET_STRING(nullptr, name->d.iPAddress);
      std::string value(text == nullptr ? "" : text);  // "7F:00:00:01"
      OPENSSL_free(text);
      return value;
    }
    default:
      return {};
  }
}

std::vector<std::string> read_alternative_names(X509 const* certificate) {
  std::vector<std::string> names;
  auto* const all =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    auto name = to_name(sk_GENERAL_NAME_value(all, i));
    if (!name.empty()) names.push_back(std::move(name));
  }
  GENERAL_NAMES_free(all);
  return names;
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::server(TlsServerOptions options) {
  if (!options.crl.empty() && options.client_ca.empty()) {
    return fhir::error(IssueType::value, "TLS: a revocation list without a client CA has nothing to revoke");
  }
  std::shared_ptr<TlsContext> made(new TlsContext);
  made->is_server_ = true;
  made->server_ = std::move(options);
  FHIR_CHECK(made->reload());
  return made;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(TlsClientOptions options) {
  std::shared_ptr<TlsContext> made(new TlsContext);
  made->client_ = std::move(options);
  FHIR_CHECK(made->reload());
  return made;
}

Result<std::shared_ptr<ssl::context>> TlsContext::load() const {
  ERR_clear_error();
  auto context =
      std::make_shared<ssl::context>(is_server_ ? ssl::context::tls_server : ssl::context::tls_client);
  auto* const native = context->native_handle();
  FHIR_CHECK(set_common(native));
  FHIR_CHECK(is_server_ ? load_server(native, server_) : load_client(native, client_));
  return context;
}

Result<void> TlsContext::reload() {
  FHIR_TRY(auto fresh, load());
  std::lock_guard const lock(mutex_);
  context_ = std::move(fresh);
  return {};
}

std::shared_ptr<ssl::context> TlsContext::current() const {
  std::lock_guard const lock(mutex_);
  return context_;
}

PeerCertificate read_peer_certificate(SSL* session) {
  PeerCertificate peer;
  auto* const certificate = SSL_get1_peer_certificate(session);
  if (certificate == nullptr) return peer;
  if (SSL_get_verify_result(session) == X509_V_OK) {
    peer.common_name = read_common_name(certificate);
    peer.names = read_alternative_names(certificate);
  }
  X509_free(certificate);
  return peer;
}

}  // namespace gateway::net
