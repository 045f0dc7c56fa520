/// The end of a string that JSON is written to. Internal to this folder.
#pragma once

#include "fhir/json/bytes.hpp"
#include "fhir/json/element.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace fhir::json {

/// Keeps more room at the end of the string than is written yet, and gives back what is not used when it
/// goes: while it stands the string's own size says nothing.
class Sink {
 public:
  explicit Sink(std::string& out) : out_(out), begin_(out.size()) { grow(out.size(), 1); }
  ~Sink() { out_.resize(size()); }
  Sink(Sink const&) = delete;
  Sink& operator=(Sink const&) = delete;

  std::size_t size() const { return static_cast<std::size_t>(at_ - out_.data()); }
  char& operator[](std::size_t at) { return out_[at]; }
  void truncate(std::size_t size) { at_ = out_.data() + size; }

  void put(char c) {
    make_room(1);
    *at_++ = c;
  }
  void put(std::string_view text) {
    make_room(text.size());
    copy(at_, text);
    at_ += text.size();
  }
  /// With its quotes, escaped where JSON wants it.
  void put_string(std::string_view text) {
    make_room(text.size() + kBytesAtOnce + 2);
    *at_ = '"';
    std::size_t const plain = copy_plain(at_ + 1, text);
    if (plain != text.size()) return put_escaped(text, plain);
    at_ += text.size() + 2;
    at_[-1] = '"';
  }

 private:
  static constexpr std::size_t kRoomMin = 1024;

  void make_room(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) grow(size(), bytes);
  }
  void grow(std::size_t size, std::size_t bytes);

  static void copy(char* to, std::string_view text) {
    std::size_t const size = text.size();
    // Two moves that overlap cover a text of up to twice their width.
    auto const both = [&]<std::size_t width>(std::integral_constant<std::size_t, width>) {
      char head[width], tail[width];
      std::memcpy(head, text.data(), width);
      std::memcpy(tail, text.data() + size - width, width);
      std::memcpy(to, head, width);
      std::memcpy(to + size - width, tail, width);
    };
    if (size > 32) {
      std::memcpy(to, text.data(), size);
    } else if (size >= 16) {
      both(std::integral_constant<std::size_t, 16>{});
    } else if (size >= 8) {
      both(std::integral_constant<std::size_t, 8>{});
    } else if (size >= 4) {
      both(std::integral_constant<std::size_t, 4>{});
    } else if (size >= 2) {
      both(std::integral_constant<std::size_t, 2>{});
    } else if (size == 1) {
      *to = text.front();
    }
  }

  /// Copies the text and says how much of it may stand as it is. There is room for kBytesAtOnce more.
  static std::size_t copy_plain(char* to, std::string_view text) {
    copy(to, text);
    for (std::size_t at = 0; at < text.size(); at += kBytesAtOnce) {
      std::size_t const plain = first_escaped(to + at);
      if (plain != kBytesAtOnce) return std::min(at + plain, text.size());
    }
    return text.size();
  }

  void put_escaped(std::string_view text, std::size_t plain);

  std::string& out_;
  std::size_t begin_;
  char* at_ = nullptr;   // where the next byte goes
  char* end_ = nullptr;  // of the room
};

/// An element as it stands.
void write(Element const& element, Sink& sink);

}  // namespace fhir::json
