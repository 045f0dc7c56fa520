#include "gateway/net/tls.hpp"

#include "gateway/net/http_client.hpp"
#include "gateway/net/http_listener.hpp"
#include "gateway/net/mllp_client.hpp"
#include "gateway/net/mllp_listener.hpp"
#include "tests/gateway/net/loopback.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>

namespace gateway::net {
namespace {

using fhir::IssueType;

std::string certificate(std::string const& name) { return Certificates::get().file(name + ".crt"); }
std::string key(std::string const& name) { return Certificates::get().file(name + ".key"); }

TlsServerOptions mutual() {
  return {certificate("good/server"), key("good/server"), certificate("good/ca"),
          Certificates::get().file("good/ca.crl")};
}

TlsClientOptions client_with(std::string const& name) {
  TlsClientOptions options;
  options.ca = certificate("good/ca");
  if (!name.empty()) {
    options.certificate = certificate(name);
    options.private_key = key(name);
  }
  return options;
}

std::shared_ptr<TlsContext> server(TlsServerOptions options) {
  auto made = TlsContext::server(std::move(options));
  EXPECT_TRUE(made) << made.error().diagnostics;
  return made ? *made : nullptr;
}

std::shared_ptr<TlsContext> client(TlsClientOptions options) {
  auto made = TlsContext::client(std::move(options));
  EXPECT_TRUE(made) << made.error().diagnostics;
  return made ? *made : nullptr;
}

class TlsTest : public Loopback {
 protected:
  /// Answers each message with an ACK of control id 1 that names the peer.
  MllpHandler name_peer() {
    return [this](MllpPeer peer, MllpFrame) -> asio::awaitable<MllpReply> {
      ++handled_;
      MllpReply reply;
      reply.frames.push_back("MSH|^~\\&|" + peer.certificate_name + "|" +
                             (peer.certificate_names.empty() ? "" : peer.certificate_names.front()) +
                             "\rMSA|AA|1\r");
      co_return reply;
    };
  }

  MllpListenerOptions over(std::shared_ptr<TlsContext> tls) {
    MllpListenerOptions options;
    options.tls = std::move(tls);
    options.limits.accept.close_linger = 50ms;
    return options;
  }

  fhir::Result<std::string> send(std::uint16_t port, std::shared_ptr<TlsContext> tls,
                                 std::string host = "127.0.0.1") {
    MllpClientOptions options;
    options.host = std::move(host);
    options.port = port;
    options.tls = std::move(tls);
    MllpClient sender(runtime_.executor(1), options);
    return wait(sender.send("MSH|m\r", "1", 5s));
  }

  std::atomic<int> handled_{0};
};

TEST_F(TlsTest, MutualTlsTellsTheHandlerWhoItIs) {
  MllpListener listener(runtime_, over(server(mutual())), name_peer());
  auto const answer = send(listener.port(), client(client_with("good/client")));
  ASSERT_TRUE(answer) << answer.error().diagnostics;
  EXPECT_EQ(*answer, "MSH|^~\\&|client|client\rMSA|AA|1\r");
  EXPECT_TRUE(send(listener.port(), client(client_with("good/client")), "localhost"))
      << "the host name counts as well";
}

TEST_F(TlsTest, ClientsThatCannotProveThemselvesAreRefused) {
  MllpListener listener(runtime_, over(server(mutual())), name_peer());
  for (auto const* name : {"", "other/stranger", "good/old", "good/revoked"}) {
    // TLS 1.3: the client learns of the refusal only when it reads, so its error may be either.
    EXPECT_FALSE(send(listener.port(), client(client_with(name)))) << name;
  }
  EXPECT_EQ(handled_, 0);
  EXPECT_TRUE(eventually([&] { return listener.counters().tls_failed == 4U; }));
  EXPECT_TRUE(send(listener.port(), client(client_with("good/late")))) << "others are served";
}

TEST_F(TlsTest, AClientRefusesServersThatCannotProveThemselves) {
  auto const code = [&](TlsServerOptions options, TlsClientOptions asking) {
    MllpListener listener(runtime_, over(server(std::move(options))), name_peer());
    auto const answer = send(listener.port(), client(std::move(asking)));
    return answer ? "success" : std::string(fhir::to_code(answer.error().code));
  };
  auto const plain_tls = [](std::string const& name) {
    return TlsServerOptions{certificate(name), key(name), "", ""};
  };
  EXPECT_EQ(code(plain_tls("good/server"), client_with("")), "success");
  EXPECT_EQ(code(plain_tls("other/server"), client_with("")), "security") << "another CA";
  EXPECT_EQ(code(plain_tls("good/old"), client_with("")), "security") << "expired";
  auto pinned = client_with("");
  pinned.expected_name = "server2";
  EXPECT_EQ(code(plain_tls("good/server"), pinned), "security") << "another name";
  EXPECT_EQ(code(plain_tls("good/server2"), pinned), "success");
  auto checking = client_with("");
  checking.crl = Certificates::get().file("good/ca.crl");
  EXPECT_EQ(code(plain_tls("good/revoked"), checking), "security");
  EXPECT_EQ(code(plain_tls("good/server"), checking), "success");
}

/// What OpenSSL agrees on with the listener when it is told to offer this; "" when the handshake fails.
std::string handshake(std::uint16_t port, int version_min, int version_max, char const* ciphers) {
  auto* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);  // else OpenSSL itself would refuse to try
  SSL_CTX_set_min_proto_version(context, version_min);
  SSL_CTX_set_max_proto_version(context, version_max);
  if (ciphers != nullptr) EXPECT_EQ(SSL_CTX_set_cipher_list(context, ciphers), 1) << ciphers;
  auto* const connection = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(connection, ("127.0.0.1:" + std::to_string(port)).c_str());
  std::string agreed;
  if (BIO_do_connect(connection) == 1 && BIO_do_handshake(connection) == 1) {
    SSL* session = nullptr;
    BIO_get_ssl(connection, &session);
    agreed = SSL_get_version(session);
  }
  BIO_free_all(connection);
  SSL_CTX_free(context);
  ERR_clear_error();
  return agreed;
}

TEST_F(TlsTest, SpeaksOnlyWhatBcp195Allows) {
  TlsServerOptions const options{certificate("good/server"), key("good/server"), "", ""};
  MllpListener listener(runtime_, over(server(options)), name_peer());
  auto const port = listener.port();
  EXPECT_EQ(handshake(port, TLS1_2_VERSION, TLS1_3_VERSION, nullptr), "TLSv1.3") << "preferred";
  EXPECT_EQ(handshake(port, TLS1_2_VERSION, TLS1_2_VERSION, nullptr), "TLSv1.2") << "the floor";
  EXPECT_EQ(handshake(port, TLS1_1_VERSION, TLS1_1_VERSION, nullptr), "");
  EXPECT_EQ(handshake(port, TLS1_VERSION, TLS1_VERSION, nullptr), "");
  for (auto const* weak :
       {"ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA", "AES256-GCM-SHA384", "AES128-SHA",
        "DHE-RSA-AES256-GCM-SHA384", "NULL-SHA256", "ECDHE-ECDSA-AES256-CCM"}) {
    EXPECT_EQ(handshake(port, TLS1_2_VERSION, TLS1_2_VERSION, weak), "") << weak;
  }
  EXPECT_EQ(handshake(port, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"), "TLSv1.2");
}

TEST_F(TlsTest, PlainBytesOnATlsPortAreClosedAndNeverHandled) {
  MllpListener listener(runtime_, over(server(mutual())), name_peer());
  RawClient plain(listener.port());
  plain.send("\x0bMSH|1\r\x1c\r");
  plain.read_to_end();  // an alert, perhaps
  EXPECT_EQ(handled_, 0);
}

TEST_F(TlsTest, ASilentHandshakeEndsAtItsLimit) {
  auto options = over(server(mutual()));
  options.limits.accept.tls_handshake = 50ms;
  MllpListener listener(runtime_, options, name_peer());
  RawClient silent(listener.port());
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(listener.counters().tls_failed, 1U);
}

TEST_F(TlsTest, ReloadGivesNewConnectionsTheNewCertificateAndKeepsTheOpenOnes) {
  auto const folder = Certificates::get().file("good");
  std::filesystem::copy_file(folder + "/server.crt", folder + "/live.crt");
  std::filesystem::copy_file(folder + "/server.key", folder + "/live.key");
  auto const context = server({folder + "/live.crt", folder + "/live.key", "", ""});
  MllpListener listener(runtime_, over(context), name_peer());
  auto expecting = [&](std::string const& name) {
    auto options = client_with("");
    options.expected_name = name;
    return client(options);
  };
  MllpClientOptions options;
  options.host = "127.0.0.1";
  options.port = listener.port();
  options.tls = expecting("server");
  MllpClient open_one(runtime_.executor(1), options);
  ASSERT_TRUE(wait(open_one.send("MSH|m\r", "1")));

  std::filesystem::rename(folder + "/server2.crt", folder + "/live.crt");
  auto const half = context->reload();
  ASSERT_FALSE(half) << "a key that does not fit is refused";
  EXPECT_EQ(half.error().code, IssueType::value);
  EXPECT_TRUE(send(listener.port(), expecting("server"))) << "and the old certificate stays";

  std::filesystem::rename(folder + "/server2.key", folder + "/live.key");
  ASSERT_TRUE(context->reload());
  EXPECT_TRUE(send(listener.port(), expecting("server2")));
  EXPECT_FALSE(send(listener.port(), expecting("server")));
  EXPECT_TRUE(wait(open_one.send("MSH|m\r", "1")));
  EXPECT_EQ(open_one.counters().connects, 1U);
}

TEST_F(TlsTest, BadFilesAreNamed) {
  auto const missing = TlsContext::server({"/nonexistent.crt", "/nonexistent.key", "", ""});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, IssueType::not_found);
  EXPECT_NE(missing.error().diagnostics.find("/nonexistent.crt"), std::string::npos);
  auto const not_pem = TlsContext::client({.ca = key("good/server")});
  ASSERT_FALSE(not_pem);
  EXPECT_EQ(not_pem.error().code, IssueType::value);
  EXPECT_FALSE(TlsContext::server({certificate("good/server"), key("good/client"), "", ""}));
  EXPECT_FALSE(
      TlsContext::server({certificate("good/server"), key("good/server"), "", certificate("good/ca")}));
}

TEST_F(TlsTest, HttpOverMutualTls) {
  auto const handler = [](HttpRequest request) -> asio::awaitable<HttpResponse> {
    HttpResponse response;
    response.body = (request.tls ? "tls " : "plain ") + request.tls_peer_name + std::string(300'000, 'b');
    co_return response;
  };
  HttpListenerOptions options;
  options.tls = server(mutual());
  HttpListener listener(runtime_, options, handler);
  HttpClientOptions asking;
  asking.tls = client(client_with("good/client"));
  HttpClient http(runtime_.executor(1), asking);
  HttpRequest request;
  request.method = "GET";
  request.target = "/";
  Origin const origin{"https", "localhost", listener.port()};
  for (int i = 0; i < 3; ++i) {
    auto const response = wait(http.request(origin, request, 5s));
    ASSERT_TRUE(response) << response.error().diagnostics;
    EXPECT_EQ(response->body.substr(0, 11), "tls clientb");
    EXPECT_EQ(response->body.size(), 300'010U);
  }
  EXPECT_EQ(listener.counters().accepted, 1U) << "kept alive";
}

}  // namespace
}  // namespace gateway::net
