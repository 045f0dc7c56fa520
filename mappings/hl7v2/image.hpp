/// A message being written: segments that can be added, moved and set leaf by leaf, then turned into bytes.
///
/// Leaves that are never set keep the very bytes they came with, so an Image of a Message that is not touched
/// writes that message back byte for byte, trailing separators included.
#pragma once

#include "mappings/hl7v2/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::hl7v2 {

class Image {
 public:
  explicit Image(Delimiters delimiters) : delimiters_(delimiters) {}
  explicit Image(Message const& message);

  Delimiters const& delimiters() const { return delimiters_; }
  std::size_t segment_count() const { return segments_.size(); }
  std::string_view segment_id(std::size_t segment) const;
  /// The first segment of that id at or after `from`.
  std::optional<std::size_t> find_segment(std::string_view id, std::size_t from = 0) const;
  /// Inserts an empty segment before `position` (segment_count() appends) and returns its index. MSH gets
  /// MSH-1 and -2.
  std::size_t insert_segment(std::size_t position, std::string_view id);
  void remove_segment(std::size_t segment);
  /// Moves a segment so that it stands at index `position` afterwards.
  void move_segment(std::size_t segment, std::size_t position);

  std::size_t field_count(std::size_t segment) const;  ///< Highest field number present.
  std::size_t repetition_count(std::size_t segment, std::size_t field) const;
  std::size_t component_count(Address const& repetition) const;
  std::size_t subcomponent_count(Address const& component) const;
  /// The escaped text at the address, as Message::raw reads it. Valid until the segment is changed.
  std::string_view raw(Address const& address) const;
  /// The text with its escapes decoded; the image is UTF-8, so \X..\ is read as UTF-8.
  std::string text(Address const& address) const;

  /// Sets the leaf or whole at the address to escaped text, growing what is missing on the way. Setting ""
  /// empties it, and drops the separators behind it where nothing else follows at that level. All other
  /// leaves keep their values. Precondition: `raw` holds no delimiter above the addressed level and no CR or
  /// LF (encode with escape.hpp first), and the address is not MSH-1 or MSH-2 (use_delimiters):
  /// std::logic_error, since it would write another message.
  void set(Address const& address, std::string_view raw);
  /// Sets the leaf or whole at the address to text, which is encoded first.
  void set_text(Address const& address, std::string_view text);
  /// Removes one repetition; later ones move down.
  void remove_repetition(std::size_t segment, std::size_t field, std::size_t repetition);
  /// Drops every field of the segment behind `field`.
  void truncate_fields(std::size_t segment, std::size_t field);
  /// A new MSH with these delimiters; fields that stand already are re-encoded to them.
  void use_delimiters(Delimiters delimiters);

  std::string bytes() const;  ///< UTF-8; each segment ends in CR.

 private:
  struct SegmentImage {
    std::string id;
    std::vector<std::string> fields;  // [0] is field 1
  };

  bool is_header(std::size_t segment) const { return segments_[segment].id == "MSH"; }
  std::string_view field(std::size_t segment, std::size_t number) const;
  void check_address(Address const& address) const;
  void put(Address const& address, std::string_view raw);
  void write_header(SegmentImage& segment) const;

  std::vector<SegmentImage> segments_;
  Delimiters delimiters_;
};

}  // namespace mappings::hl7v2
