/// A message being written: segments that can be added, moved and set leaf by leaf, then turned into bytes.
///
/// Leaves that are never set keep the very bytes they came with, so an Image of a Message that is not touched writes that
/// message back byte for byte, trailing separators included.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mappings/hl7v2/message.hpp"

namespace mappings::hl7v2 {

class Image {
 public:
  explicit Image(Delimiters delimiters) : delimiters_(delimiters) {}
  explicit Image(Message const& message);

  Delimiters const& delimiters() const { return delimiters_; }
  std::size_t segment_count() const { return segments_.size(); }
  std::string_view segment_id(std::size_t segment) const;
  /// Inserts an empty segment before `position` (segment_count() appends) and returns its index.
  std::size_t insert_segment(std::size_t position, std::string_view id);
  void remove_segment(std::size_t segment);

  std::size_t repetition_count(std::size_t segment, std::size_t field) const;
  std::string_view raw(Address const& address) const;
  /// Sets the leaf or whole at the address to escaped text, growing what is missing on the way. Setting "" empties it.
  /// Precondition: `raw` holds no delimiter above the addressed level (encode with escape.hpp first).
  void set(Address const& address, std::string_view raw);
  /// Removes one repetition; later ones move down.
  void remove_repetition(std::size_t segment, std::size_t field, std::size_t repetition);
  /// A new MSH with these delimiters; fields that stand already are re-encoded to them.
  void use_delimiters(Delimiters delimiters);

  std::string bytes() const;  ///< UTF-8; each segment ends in CR.

 private:
  struct SegmentImage {
    std::string id;
    std::vector<std::string> fields;  // [0] is field 1
  };
  std::vector<SegmentImage> segments_;
  Delimiters delimiters_;
};

}  // namespace mappings::hl7v2
