/// Projected values into the fields of a message being written. Internal to this room.
#pragma once

#include "mappings/language/layout.hpp"
#include "mappings/language/projection.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace mappings::language {

class FieldWriter {
 public:
  using Address = hl7v2::Address;
  using Leaves = std::span<types::Leaf const>;

  FieldWriter(Layout& layout, PartnerProfile const& partner) : layout_(layout), partner_(partner) {
    parts_.reserve(types::kPartsMax);
  }

  /// One leaf of a value in its repetition; a field that says "" is wholly replaced.
  void set_leaf(Address const& repetition, Place const& place, types::Leaf const& leaf);
  /// A whole value in its repetition, over what stands there.
  void set_value(Address const& repetition, Place const& place, Leaves leaves);
  /// Writes only what differs; nothing left is a deletion, written as the partner wants it.
  void write_difference(Address const& repetition, Place const& place, Leaves old_leaves, Leaves new_leaves);
  /// Other fields of the segment that the value fills (OBX-2 of an OBX-5). `old` may be nullptr.
  void write_siblings(std::size_t segment, Item const* old, Item const& fresh);
  /// A new repetition behind those that stand.
  void append(std::size_t segment, Place const& place, Item const& item);
  void set_if_empty(std::size_t segment, Place const& place, std::string_view text);

  static Address address_of(Address repetition, Place const& place, types::Leaf const& leaf);

 private:
  Layout& layout_;
  PartnerProfile const& partner_;
  std::vector<hl7v2::Image::Part> parts_;  // reused
};

}  // namespace mappings::language
