#include "gateway/identity/ids.hpp"

#include "gateway/store/hash.hpp"

namespace gateway::identity {

std::string derived_id(std::string_view source, std::string_view key) {
  // No partner name holds a line end.
  return store::sha256_hex({source, "\n", key}).substr(0, 32);
}

}  // namespace gateway::identity
