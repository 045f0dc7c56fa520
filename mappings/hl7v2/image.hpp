/// A message being written: segments that can be added, moved and set leaf by leaf, then turned into bytes.
///
/// Leaves that are never set keep the very bytes they came with, so an Image of a Message that is not touched
/// writes that message back byte for byte, trailing separators included. The texts of all fields lie in one
/// arena: writing a field allocates nothing of its own.
#pragma once

#include "fhir/json/element.hpp"
#include "mappings/hl7v2/message.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mappings::hl7v2 {

class Image {
 public:
  explicit Image(Delimiters delimiters);
  explicit Image(Message const& message);
  Image(Image&&) = default;
  Image& operator=(Image&&) = default;

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
  /// The escaped text at the address, as Message::raw reads it. Valid as long as the image.
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
  /// One leaf of a value to fill(): numbers from 1, its text not escaped yet.
  struct Part {
    std::uint16_t component = 1, subcomponent = 1;
    std::string_view text;
  };
  /// Writes a whole value into a repetition that stands behind all others of its field, in one go: as
  /// set_text of each part would. The parts come in ascending order. False, with nothing written: the
  /// repetition is there already.
  bool fill(Address const& repetition, std::span<Part const> parts);
  /// Removes one repetition; later ones move down.
  void remove_repetition(std::size_t segment, std::size_t field, std::size_t repetition);
  /// Drops every field of the segment behind `field`.
  void truncate_fields(std::size_t segment, std::size_t field);
  /// A new MSH with these delimiters; fields that stand already are re-encoded to them.
  void use_delimiters(Delimiters delimiters);

  std::string bytes() const;  ///< UTF-8; each segment ends in CR.

 private:
  struct SegmentImage {
    std::string_view id;
    std::string_view* fields = nullptr;  // [0] is field 1
    std::uint32_t size = 0, capacity = 0;
  };

  bool is_header(std::size_t segment) const { return segments_[segment].id == "MSH"; }
  bool is_unsplit(Address const& address) const {
    return address.field <= 2 && address.segment < segments_.size() && is_header(address.segment);
  }
  std::string_view field(std::size_t segment, std::size_t number) const {
    if (segment >= segments_.size() || number == 0 || number > segments_[segment].size) return {};
    return segments_[segment].fields[number - 1];
  }
  void mark_special();
  bool is_plain(std::string_view text) const;
  void check_address(Address const& address) const;
  void put(Address const& address, std::string_view raw);
  void put_field(SegmentImage& segment, std::uint16_t number, std::string_view text);
  void resize(SegmentImage& segment, std::size_t fields);
  void append_encoded(std::string& to, std::string_view text) const;
  void write_header(SegmentImage& segment);

  fhir::json::Arena arena_;
  std::vector<SegmentImage> segments_;
  Delimiters delimiters_;
  std::array<bool, 256> special_{};  // bytes that stand escaped
  std::string edited_;               // reused: a field while it is being changed
};

}  // namespace mappings::hl7v2
