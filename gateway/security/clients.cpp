#include "gateway/security/clients.hpp"

#include "gateway/store/hash.hpp"

#include <openssl/crypto.h>

namespace gateway::security {

namespace {

constexpr std::string_view kScheme = "bearer ";

bool starts_with_scheme(std::string_view authorization) {
  if (authorization.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    char const c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != kScheme[i]) return false;
  }
  return true;
}

}  // namespace

Clients::Clients(std::vector<config::FhirClient> clients, bool anonymous)
    : clients_(std::move(clients)), anonymous_(anonymous) {}

fhir::Result<config::FhirClient const*> Clients::identify(std::string_view authorization) const {
  if (authorization.empty()) {
    if (anonymous_) return static_cast<config::FhirClient const*>(nullptr);
    return fhir::error(fhir::IssueType::security, "a bearer token is needed");
  }
  if (!starts_with_scheme(authorization))
    return fhir::error(fhir::IssueType::security, "only bearer tokens are taken");
  std::string const digest = store::sha256_hex({authorization.substr(kScheme.size())});
  for (config::FhirClient const& client : clients_) {
    if (CRYPTO_memcmp(client.bearer_sha256.data(), digest.data(), digest.size()) == 0) return &client;
  }
  return fhir::error(fhir::IssueType::security, "this token is not known");
}

}  // namespace gateway::security
