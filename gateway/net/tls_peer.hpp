/// Reads the verified certificate of the other side out of OpenSSL. Internal to net/.
#pragma once

#include "gateway/net/tls.hpp"

#include <openssl/types.h>

namespace gateway::net {

PeerCertificate read_peer_certificate(SSL* session);

}  // namespace gateway::net
