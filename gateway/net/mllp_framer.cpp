#include "gateway/net/mllp_framer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace gateway::net {
namespace {

using fhir::IssueType;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kWordBytes = 8;  // the longest method below

bool is_padding(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\0';
}

bool is_message_start(std::string_view word) { return word == "MSH" || word == "FHS" || word == "BHS"; }

bool is_http_start(std::string_view word) {
  constexpr std::array<std::string_view, 9> kMethods{"GET ",   "PUT ",    "HEAD ",    "POST ",   "PRI * ",
                                                     "PATCH ", "DELETE ", "OPTIONS ", "CONNECT "};
  return std::any_of(kMethods.begin(), kMethods.end(),
                     [&](std::string_view method) { return word == method.substr(0, kWordBytes); });
}

/// A message in UTF-16 begins with a byte order mark, or has a zero byte beside its first letter.
bool is_utf16(std::string_view payload) {
  if (payload.size() < 2) return false;
  auto const first = payload[0];
  auto const second = payload[1];
  if ((first == '\xff' && second == '\xfe') || (first == '\xfe' && second == '\xff')) return true;
  auto const starts = [](char letter) { return letter == 'M' || letter == 'F' || letter == 'B'; };
  return (starts(first) && second == '\0') || (first == '\0' && starts(second));
}

}  // namespace

MllpFramer::MllpFramer(FramerOptions options) : options_(options) {}

void MllpFramer::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::outside:
        bytes = feed_outside(bytes);
        break;
      case State::frame:
        bytes = feed_frame(bytes);
        break;
      case State::after_end_block:
        bytes = feed_after_end_block(bytes);
        break;
      case State::lost:
        return;
    }
  }
}

std::string_view MllpFramer::feed_outside(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char const byte = bytes[i];
    if (byte == kStartBlock) {
      emit_junk();
      start_frame();
      return bytes.substr(i + 1);
    }
    if (junk_.size() < options_.junk_bytes_kept) junk_ += byte;
    ++junk_total_;
    if (options_.framing == Framing::strict) {
      lose(byte == '\x16' ? "TLS spoken to a plain MLLP port" : "a byte outside a frame");
      return {};
    }
    recognise_stray(byte);
    if (state_ != State::outside) return bytes.substr(i + 1);
    if (junk_total_ > options_.junk_bytes) {
      lose("no start block within the bytes allowed outside a frame");
      return {};
    }
  }
  return {};
}

// Names what talks to us instead of waiting for 4 KiB of it.
void MllpFramer::recognise_stray(char byte) {
  if (word_.size() >= kWordBytes || (word_.empty() && (is_padding(byte) || byte == kEndBlock))) return;
  word_ += byte;
  if (is_message_start(word_)) {
    if (!options_.accept_unframed) return lose("a message without a start block");
    auto word = std::exchange(word_, {});
    junk_total_ -= word.size();
    junk_.resize(std::min(junk_.size(), junk_total_));
    emit_junk();
    start_frame();
    unframed_ = true;
    warn("a message without a start block");
    return append(word);
  }
  if (!at_start_) return;
  if (word_ == std::string_view("\x16\x03", 2)) return lose("TLS spoken to a plain MLLP port");
  if (is_http_start(word_)) lose("HTTP spoken to an MLLP port");
}

std::string_view MllpFramer::feed_frame(std::string_view bytes) {
  auto const end = std::min(bytes.find(kEndBlock), bytes.size());
  auto const start = bytes.substr(0, end).find(kStartBlock);
  if (start != std::string_view::npos) {
    append(bytes.substr(0, start));
    if (state_ == State::lost) return {};
    if (payload_.empty() && !damaged_ && options_.framing == Framing::lenient) {
      warn("more than one start block");
    } else {
      damage("a start block inside a frame: what came before it was cut off");
      append(bytes.substr(start, 1));
    }
    return state_ == State::lost ? std::string_view{} : bytes.substr(start + 1);
  }
  append(bytes.substr(0, end));
  if (state_ == State::lost || end == bytes.size()) return {};
  state_ = State::after_end_block;
  return bytes.substr(end + 1);
}

std::string_view MllpFramer::feed_after_end_block(std::string_view bytes) {
  char const byte = bytes.front();
  if (byte == '\r') {
    emit_frame();
    return bytes.substr(1);
  }
  if (options_.framing == Framing::lenient && byte == '\n') {
    warn("LF instead of CR after the end block");
    emit_frame();
    return bytes.substr(1);
  }
  if (options_.framing == Framing::lenient && byte == kStartBlock) {
    warn("no CR after the end block");
    emit_frame();
    return bytes;
  }
  // Either the FS belongs to the text or the next message lost its VT: nobody can tell.
  damage("an end block that CR does not follow");
  if (state_ == State::lost) return {};
  state_ = State::frame;
  append(std::string_view(&kEndBlock, 1));
  return state_ == State::lost ? std::string_view{} : bytes;
}

bool MllpFramer::ends_on_idle() const {
  if (options_.framing == Framing::strict) return false;
  return state_ == State::after_end_block || (state_ == State::frame && unframed_);
}

void MllpFramer::on_idle() {
  if (!ends_on_idle()) return;
  warn(state_ == State::after_end_block ? "no CR after the end block" : "no end block");
  emit_frame();
}

void MllpFramer::finish() {
  if (state_ == State::lost) return;
  on_idle();
  if (inside_frame()) return lose("the connection ended inside a frame");
  emit_junk();
}

std::optional<FramerEvent> MllpFramer::next() {
  if (events_.empty()) return std::nullopt;
  std::optional<FramerEvent> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

void MllpFramer::start_frame() {
  state_ = State::frame;
  at_start_ = false;
  unframed_ = false;
  damaged_ = false;
  payload_.clear();
  word_.clear();
  issues_.clear();
}

void MllpFramer::append(std::string_view bytes) {
  if (state_ == State::lost) return;
  std::size_t const room = options_.frame_bytes - payload_.size();
  payload_.append(
      bytes.substr(0, room));  // what fits also when it is too much: the bytes kept depend on no chunking
  if (bytes.size() > room) lose("a frame longer than allowed");
}

void MllpFramer::warn(std::string text) {
  issues_.push_back(fhir::warning(IssueType::structure, "MLLP: " + std::move(text)));
}

// Strict: the stream is lost. Lenient: the frame is, and its first fault is the one to name.
void MllpFramer::damage(std::string text) {
  if (options_.framing == Framing::strict) return lose(std::move(text));
  if (damaged_) return;
  damaged_ = true;
  issues_.push_back(fhir::error(IssueType::structure, "MLLP: " + std::move(text)));
}

void MllpFramer::lose(std::string text) {
  FramerEvent event;
  event.kind = FramerEvent::Kind::lost;
  event.bytes = junk_.empty() ? payload_.substr(0, options_.junk_bytes_kept) : std::exchange(junk_, {});
  event.bytes_total = std::exchange(junk_total_, 0);
  event.issues = std::exchange(issues_, {});
  event.issues.push_back(fhir::error(IssueType::structure, "MLLP: " + std::move(text)));
  events_.push_back(std::move(event));
  payload_ = {};
  state_ = State::lost;
}

void MllpFramer::emit_frame() {
  state_ = State::outside;
  if (payload_.empty()) {
    if (options_.framing == Framing::strict) return lose("an empty frame");
    FramerEvent event;
    event.kind = FramerEvent::Kind::junk;
    warn("an empty frame");
    event.issues = std::exchange(issues_, {});
    events_.push_back(std::move(event));
    return;
  }
  if (payload_.starts_with(kByteOrderMark)) {
    payload_.erase(0, kByteOrderMark.size());
    warn("a byte order mark before the message was taken off");
  }
  if (is_utf16(payload_) && !damaged_) {
    damaged_ = true;  // its characters may hold VT, FS and CR bytes, so its frame proves nothing
    issues_.push_back(fhir::error(IssueType::structure, "MLLP: UTF-16 cannot be framed"));
  }
  FramerEvent event;
  event.kind = damaged_ ? FramerEvent::Kind::damaged : FramerEvent::Kind::frame;
  event.bytes = std::exchange(payload_, {});
  event.issues = std::exchange(issues_, {});
  // The error that says why goes last, after any warning that came later.
  std::stable_partition(event.issues.begin(), event.issues.end(),
                        [](fhir::Issue const& issue) { return issue.severity != fhir::Severity::error; });
  events_.push_back(std::move(event));
}

void MllpFramer::emit_junk() {
  word_.clear();
  if (junk_total_ == 0) return;
  FramerEvent event;
  event.kind = FramerEvent::Kind::junk;
  event.bytes = std::exchange(junk_, {});
  event.bytes_total = std::exchange(junk_total_, 0);
  event.issues.push_back(fhir::warning(IssueType::structure, "MLLP: bytes outside a frame"));
  events_.push_back(std::move(event));
}

std::string to_mllp_frame(std::string_view payload) {
  std::string frame;
  frame.reserve(payload.size() + 3);
  frame += kStartBlock;
  frame += payload;
  frame += kEndBlock;
  frame += '\r';
  return frame;
}

bool fits_mllp_frame(std::string_view payload) {
  return payload.find(kStartBlock) == std::string_view::npos &&
         payload.find(kEndBlock) == std::string_view::npos;
}

}  // namespace gateway::net
