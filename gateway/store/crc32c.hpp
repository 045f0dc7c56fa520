/// CRC32C (Castagnoli polynomial), as iSCSI (RFC 3720 section 12.1) and storage systems use it.
#pragma once

#include <cstdint>
#include <string_view>

namespace gateway::store {

/// Of `bytes`, continued from `before` (0 at the start); by the processor's own instruction where there is
/// one.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

/// The portable way, for other processors and to check the fast one against.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0);

}  // namespace gateway::store
