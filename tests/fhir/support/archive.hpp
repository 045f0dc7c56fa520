/// Packages as bytes for tests: a ustar archive written file by file, and gzip around it.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace fhir::test {

/// One ustar entry: header and padded body. `type` '0' is a file.
inline std::string tar_entry(std::string_view path, std::string_view bytes, char type = '0') {
  std::string header(512, '\0');
  header.replace(0, path.size(), path);
  header.replace(100, 7, "0000644");
  std::array<char, 12> size{};
  std::snprintf(size.data(), size.size(), "%011zo", bytes.size());
  header.replace(124, 11, size.data(), 11);
  header.replace(148, 8, "        ");
  header[156] = type;
  header.replace(257, 5, "ustar");
  unsigned sum = 0;
  for (char const c : header) sum += static_cast<unsigned char>(c);
  std::array<char, 8> checksum{};
  std::snprintf(checksum.data(), checksum.size(), "%06o", sum);
  header.replace(148, 7, checksum.data(), 7);
  std::string entry = header.append(bytes);
  entry.resize((entry.size() + 511) / 512 * 512, '\0');
  return entry;
}

inline std::string gzip(std::string_view bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

inline std::string tgz(std::string_view entries) { return gzip(std::string(entries).append(1024, '\0')); }

}  // namespace fhir::test
