// However the bytes are cut, the framer says the same; what it delivers holds no framing byte and is within
// its limit.
#include "gateway/net/mllp_framer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace gateway::net;

constexpr std::size_t kFrameBytes = 300;

FramerOptions to_options(std::uint8_t mode) {
  FramerOptions options;
  options.framing = (mode & 1) != 0 ? Framing::strict : Framing::lenient;
  options.accept_unframed = (mode & 2) != 0;
  options.frame_bytes = kFrameBytes;
  options.junk_bytes = 200;
  options.junk_bytes_kept = 50;
  return options;
}

std::string take(MllpFramer& framer) {
  std::string seen;
  while (auto const event = framer.next()) {
    if (event->kind == FramerEvent::Kind::frame && !fits_mllp_frame(event->bytes)) std::abort();
    if (event->bytes.size() > kFrameBytes) std::abort();
    seen += "FDJL"[static_cast<int>(event->kind)] + event->bytes + std::to_string(event->bytes_total);
    for (auto const& issue : event->issues) seen += issue.diagnostics;
  }
  return seen;
}

std::string run(FramerOptions options, std::string_view bytes, std::size_t piece) {
  MllpFramer framer(options);
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    framer.feed(bytes.substr(at, piece));
    seen += take(framer);
  }
  framer.finish();
  return seen + take(framer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2) return 0;
  auto const options = to_options(data[0]);
  std::string_view const bytes(reinterpret_cast<char const*>(data) + 2, size - 2);
  auto const whole = run(options, bytes, std::max<std::size_t>(bytes.size(), 1));
  if (run(options, bytes, 1) != whole) std::abort();
  if (run(options, bytes, 1U + data[1] % 64U) != whole) std::abort();
  return 0;
}
