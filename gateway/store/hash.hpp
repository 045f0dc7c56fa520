/// SHA-256 in hex, by OpenSSL: hash chains and content hashes.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace gateway::store {

/// Of the parts, one after the other.
std::string sha256_hex(std::initializer_list<std::string_view> parts);

/// The hash of a record's event: over the previous event's hash ("" for the first) and the body (record.md
/// section 5).
std::string chain_hash(std::string_view previous_hash, std::string_view body);

}  // namespace gateway::store
