/// Who a FHIR request comes from: a static bearer token of the configuration, or nobody in particular.
/// Tokens are compared by their SHA-256, in constant time. SMART Backend Services take this place later.
#pragma once

#include "fhir/result.hpp"
#include "gateway/config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::security {

class Clients {
 public:
  Clients(std::vector<config::FhirClient> clients, bool anonymous);

  /// The client of an Authorization field; nullptr for an anonymous one. Errors: security (no token where one
  /// is needed, an unknown token, another scheme); the token never appears in them.
  fhir::Result<config::FhirClient const*> identify(std::string_view authorization) const;

 private:
  std::vector<config::FhirClient> clients_;
  bool anonymous_;
};

}  // namespace gateway::security
