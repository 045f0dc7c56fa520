#include "fhir/packages/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace fhir::packages {

namespace {

constexpr int kGzipWindow = 15 + 16;  // The largest window, gzip header wanted.
constexpr std::size_t kChunk = 256 * 1024;

struct Inflater {
  z_stream stream{};
  bool ready = inflateInit2(&stream, kGzipWindow) == Z_OK;
  Inflater() = default;
  Inflater(Inflater const&) = delete;
  Inflater& operator=(Inflater const&) = delete;
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};

}  // namespace

Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max) {
  Inflater inflater;
  if (!inflater.ready) return error(IssueType::exception, "no memory to unpack gzip");
  z_stream& stream = inflater.stream;
  // zlib reads through a pointer to non-const and does not write there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  std::size_t left = bytes.size();
  std::string out;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min<std::size_t>(left, 1U << 30));
      left -= stream.avail_in;
    }
    std::size_t const before = out.size();
    out.resize(before + kChunk);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(kChunk);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(before + kChunk - stream.avail_out);
    if (out.size() > bytes_max)
      return error(IssueType::too_costly, "unpacks to more than " + std::to_string(bytes_max) + " bytes");
    if (state == Z_BUF_ERROR && stream.avail_in == 0 && left == 0)
      return error(IssueType::structure, "the gzip data is cut off");
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
      return error(IssueType::structure, "the bytes are no gzip data, or damaged");
  }
  return out;
}

}  // namespace fhir::packages
