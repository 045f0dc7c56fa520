/// MLLP framing as a pure state machine: bytes in, events out, no I/O and no clock.
/// Source: MLLP Release 1 (HL7 v2 Implementation Guide, appendix C): <VT> payload <FS> <CR>; reliability.md
/// R9, R10.
///
/// Where real senders bend the rule, Framing::lenient accepts what is unambiguous and warns, and
/// Framing::strict loses the connection. Neither ever delivers a payload of which a byte is in doubt: such a
/// frame is `damaged`. However the bytes are cut into calls of feed(), the events are the same.
#pragma once

#include "fhir/result.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::net {

inline constexpr char kStartBlock = '\x0b';  // VT
inline constexpr char kEndBlock = '\x1c';    // FS

enum class Framing : unsigned char { lenient, strict };

struct FramerOptions {
  Framing framing = Framing::lenient;
  std::size_t frame_bytes = 16 * 1024 * 1024;
  std::size_t junk_bytes = 4 * 1024;
  std::size_t junk_bytes_kept = 256;
  bool accept_unframed = false;  ///< Opt-in per peer: a message that starts with MSH, FHS or BHS without VT.
};

struct FramerEvent {
  enum class Kind : unsigned char {
    frame,    ///< `bytes` is a payload to be answered.
    damaged,  ///< `bytes` is what stood between VT and FS CR, but not one whole message: answer a NAK, never
              ///< AA.
    junk,     ///< `bytes` are the first bytes found outside a frame (or an empty frame); the stream goes on.
    lost      ///< The stream cannot be followed any more: close it. Nothing comes after this event.
  };
  Kind kind = Kind::frame;
  std::string bytes;
  std::size_t bytes_total = 0;  ///< Of junk: how many there were, of which `bytes` keeps the first.
  fhir::Issues issues;  ///< Why: warnings for frame and junk; the last one is an error for damaged and lost.
};

class MllpFramer {
 public:
  explicit MllpFramer(FramerOptions options = {});

  void feed(std::string_view bytes);
  /// The peer has been silent for MllpLimits::after_end_block: a frame that only lacks its last CR is
  /// complete.
  void on_idle();
  /// The peer has closed. Emits a frame that only lacks its CR, pending junk, and `lost` for an open frame.
  void finish();

  /// The oldest event not yet taken.
  std::optional<FramerEvent> next();

  /// Between VT and the end: the short read timeout applies.
  bool inside_frame() const { return state_ == State::frame || state_ == State::after_end_block; }
  /// Complete but for its CR, or unframed by opt-in: silence means the end, see on_idle().
  bool ends_on_idle() const;
  bool lost() const { return state_ == State::lost; }

 private:
  enum class State : unsigned char { outside, frame, after_end_block, lost };

  std::string_view feed_outside(std::string_view bytes);
  std::string_view feed_frame(std::string_view bytes);
  std::string_view feed_after_end_block(std::string_view bytes);
  void recognise_stray(char byte);
  void start_frame();
  void append(std::string_view bytes);
  void warn(std::string text);
  void damage(std::string text);
  void lose(std::string text);
  void emit_frame();
  void emit_junk();

  FramerOptions options_;
  State state_ = State::outside;
  bool unframed_ = false;  // this frame began with MSH and no VT
  bool damaged_ = false;   // this frame can no longer be delivered
  bool at_start_ = true;   // no frame has begun on this connection
  std::string payload_;
  std::string junk_;  // first junk_bytes_kept of the run outside a frame
  std::size_t junk_total_ = 0;
  std::string word_;     // first bytes of the run that are not padding: to recognise HTTP, TLS, MSH
  fhir::Issues issues_;  // of the frame or run in progress
  std::deque<FramerEvent> events_;
};

/// VT payload FS CR.
std::string to_mllp_frame(std::string_view payload);

/// False when the payload holds VT or FS, which would break the frame it is put in.
bool fits_mllp_frame(std::string_view payload);

}  // namespace gateway::net
