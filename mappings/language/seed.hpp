/// The partner's last message as reverse needs it: read forward, with every segment beside the resources that
/// its rows made. Internal to this room.
#pragma once

#include "mappings/language/projection.hpp"

#include <vector>

namespace mappings::language {

/// One segment of the seed as one use reads it.
struct Frame {
  Use const* use = nullptr;
  std::uint32_t segment = 0;
  std::uint32_t instance[4] = {kNone, kNone, kNone, kNone};
  std::uint32_t base_index = kNone;  ///< Which item of the use's array it made.
};

/// References of a draft ("~3") lead to its resources.
class Seed final : public References {
 public:
  /// Views into `draft`, whose message must live as long.
  explicit Seed(Draft draft);

  Element const* resolve(std::string_view reference) const override;

  Draft const& draft() const { return draft_; }
  hl7v2::Message const& message() const { return *draft_.message; }
  Internals const& keeps() const { return internals(draft_); }
  Structure const& structure() const { return *keeps().structure; }
  std::vector<Frame> const& frames() const { return frames_; }
  /// What an instance of a role said; nullptr when nothing was written into it.
  Element const* content(std::uint32_t instance) const;
  /// Which repetition of its field an item came from, by the write log; 0 when none.
  std::uint16_t repetition_of(Row const& row, std::uint32_t segment, Item const& item) const;

 private:
  void read_frames();
  std::uint32_t instance_at(std::size_t role, std::uint32_t segment) const;

  Draft draft_;
  std::vector<Frame> frames_;
};

}  // namespace mappings::language
