/// TLS contexts for listeners and clients, and who the other side proved to be.
/// Source: RFC 9325 (BCP 195): TLS 1.2 floor, 1.3 preferred, ECDHE with AEAD only; RFC 8996; IHE ATNA ITI-19
/// for MLLP.
///
/// No renegotiation, no compression. Where client certificates are asked for there is no session resumption
/// either, so that a certificate is checked, also against the CRL, at each connection.
#pragma once

#include "fhir/result.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace gateway::net {

/// PEM files. Whole chain in `certificate`, leaf first.
struct TlsServerOptions {
  std::string certificate;
  std::string private_key;
  std::string client_ca;  ///< Not empty: mutual TLS, a client without a certificate of this CA is refused.
  std::string crl;        ///< Not empty: revoked client certificates are refused. Needs client_ca.
};

struct TlsClientOptions {
  std::string ca;  ///< PEM of the CA that the server's certificate must lead to; empty: the system's store.
  std::string certificate;  ///< Our own, for servers that ask; with private_key.
  std::string private_key;
  std::string crl;  ///< Not empty: revoked server certificates are refused.
  std::string
      expected_name;  ///< The name (SAN) the server's certificate must carry; empty: the host connected to.
};

/// The verified certificate of the other side; empty when it showed none.
struct PeerCertificate {
  std::string common_name;  ///< Subject CN.
  std::vector<std::string>
      names;  ///< Subject alternative names: DNS, URI, IP and e-mail, in the certificate's order.
  /// What configuration binds a partner to: the CN, or else the first alternative name.
  std::string name() const { return !common_name.empty() || names.empty() ? common_name : names.front(); }
};

/// Shared by all threads; the files are read again by reload() and new connections use them, open ones keep
/// theirs.
class TlsContext {
 public:
  /// Errors: not_found (a file cannot be read), value (its content is not what it should be, or key and
  /// certificate do not belong together); diagnostics name the file.
  static fhir::Result<std::shared_ptr<TlsContext>> server(TlsServerOptions options);
  static fhir::Result<std::shared_ptr<TlsContext>> client(TlsClientOptions options);

  /// On error the old context stays in use.
  fhir::Result<void> reload();

  std::shared_ptr<boost::asio::ssl::context> current() const;
  bool is_server() const { return is_server_; }
  std::string const& expected_name() const { return client_.expected_name; }

 private:
  TlsContext() = default;
  fhir::Result<std::shared_ptr<boost::asio::ssl::context>> load() const;

  bool is_server_ = false;
  TlsServerOptions server_;
  TlsClientOptions client_;
  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
};

}  // namespace gateway::net
