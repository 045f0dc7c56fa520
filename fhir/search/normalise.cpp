#include "fhir/search/values.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace fhir::search {

namespace {

/// What a code point becomes: `size` bytes of kFoldedPool; none where it is a mark that is dropped.
struct Folding {
  std::uint32_t point;
  std::uint16_t offset;
  std::uint16_t size;
};

#include "fhir/search/folding.inc"

constexpr std::uint32_t kNoBreakSpace = 0xA0;

/// The code point at the front of valid UTF-8 and its length; a broken sequence counts as one byte that folds
/// to itself.
std::uint32_t decode(std::string_view text, std::size_t& size) {
  auto const byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  std::uint32_t const lead = byte(0);
  size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (size == 1 || text.size() < size) {
    size = 1;
    return 0;
  }
  std::uint32_t point = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) point = (point << 6U) | (byte(i) & 0x3FU);
  return point;
}

class Normaliser {
 public:
  explicit Normaliser(std::string& out) : out_(out), start_(out.size()) {}

  void add(std::string_view text) {
    while (!text.empty()) {
      auto const c = static_cast<unsigned char>(text.front());
      if (c < 0x80) {
        add_ascii(static_cast<char>(c));
        text.remove_prefix(1);
      } else {
        text.remove_prefix(add_other(text));
      }
    }
  }

 private:
  void add_ascii(char c) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      pending_space_ = out_.size() > start_;
      return;
    }
    flush_space();
    out_.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c);
  }

  std::size_t add_other(std::string_view text) {
    std::size_t size = 0;
    std::uint32_t const point = decode(text, size);
    if (point == kNoBreakSpace) {
      pending_space_ = out_.size() > start_;
      return size;
    }
    auto const* const found = std::ranges::lower_bound(kFoldings, point, {}, &Folding::point);
    if (found == std::end(kFoldings) || found->point != point) {
      flush_space();
      out_.append(text.substr(0, size));
    } else if (found->size != 0) {
      flush_space();
      out_.append(kFoldedPool + found->offset, kFoldedPool + found->offset + found->size);
    }
    return size;
  }

  void flush_space() {
    if (pending_space_) out_.push_back(' ');
    pending_space_ = false;
  }

  std::string& out_;
  std::size_t start_;
  bool pending_space_ = false;
};

}  // namespace

void normalise(std::string_view text, std::string& out) { Normaliser(out).add(text); }

std::string normalise(std::string_view text) {
  std::string out;
  normalise(text, out);
  return out;
}

}  // namespace fhir::search
