#include "mappings/language/field_writer.hpp"

#include <algorithm>
#include <utility>

namespace mappings::language {

namespace {

constexpr std::string_view kNull = "\"\"";

}  // namespace

hl7v2::Address FieldWriter::address_of(Address repetition, Place const& place, types::Leaf const& leaf) {
  if (repetition.repetition == 0) repetition.repetition = 1;
  if (place.component == 0) {
    repetition.component = leaf.part;
    repetition.subcomponent = leaf.sub;
  } else {
    repetition.component = place.component;
    repetition.subcomponent = place.subcomponent != 0 ? place.subcomponent : leaf.part;
  }
  return repetition;
}

void FieldWriter::set_leaf(Address const& repetition, Place const& place, types::Leaf const& leaf) {
  auto& image = layout_.image();
  if (image.raw(repetition) == kNull) image.set(repetition, "");
  image.set_text(address_of(repetition, place, leaf), leaf.text);
}

void FieldWriter::set_value(Address const& repetition, Place const& place, Leaves leaves) {
  if (leaves.empty()) return;
  parts_.clear();
  for (types::Leaf const& leaf : leaves) {
    Address const at = address_of(repetition, place, leaf);
    parts_.push_back({at.component, at.subcomponent, leaf.text});
  }
  auto const place_of = [](hl7v2::Image::Part const& part) {
    return std::pair(part.component, part.subcomponent);
  };
  if (!std::ranges::is_sorted(parts_, {}, place_of)) std::ranges::sort(parts_, {}, place_of);
  if (layout_.image().fill(repetition, parts_)) return;
  for (types::Leaf const& leaf : leaves) set_leaf(repetition, place, leaf);
}

void FieldWriter::write_difference(Address const& repetition, Place const& place, Leaves old_leaves,
                                   Leaves new_leaves) {
  if (new_leaves.empty() && place.component == 0) {
    layout_.image().set(repetition, partner_.honours_delete ? kNull : std::string_view{});
    return;
  }
  for (types::Leaf const& leaf : old_leaves) {
    bool const gone = std::ranges::none_of(
        new_leaves, [&](types::Leaf const& one) { return one.part == leaf.part && one.sub == leaf.sub; });
    if (gone) layout_.image().set(address_of(repetition, place, leaf), "");
  }
  for (types::Leaf const& leaf : new_leaves) {
    if (std::ranges::find(old_leaves, leaf) == old_leaves.end()) set_leaf(repetition, place, leaf);
  }
}

void FieldWriter::write_siblings(std::size_t segment, Item const* old, Item const& fresh) {
  auto& image = layout_.image();
  auto const at = [&](types::Out::Sibling const& one) {
    return Address{static_cast<std::uint32_t>(segment), one.field, 1, one.part, 1};
  };
  if (old != nullptr) {
    for (auto const& sibling : old->siblings) {
      bool const gone = std::ranges::none_of(fresh.siblings, [&](auto const& one) {
        return one.field == sibling.field && one.part == sibling.part;
      });
      if (gone) image.set(at(sibling), "");
    }
  }
  for (auto const& sibling : fresh.siblings) {
    bool const stands = old != nullptr && std::ranges::find(old->siblings, sibling) != old->siblings.end();
    if (!stands) image.set_text(at(sibling), sibling.text);
  }
}

void FieldWriter::append(std::size_t segment, Place const& place, Item const& item) {
  auto const& image = layout_.image();
  auto count = image.repetition_count(segment, place.field);
  Address address{static_cast<std::uint32_t>(segment), place.field, 1, 0, 0};
  if (count == 1 && image.raw(address) == kNull) count = 0;
  address.repetition = static_cast<std::uint16_t>(count + 1);
  set_value(address, place, item.leaves);
}

void FieldWriter::set_if_empty(std::size_t segment, Place const& place, std::string_view text) {
  auto& image = layout_.image();
  Address const address{static_cast<std::uint32_t>(segment), place.field, place.repetition,
                        std::max<std::uint16_t>(place.component, 1),
                        std::max<std::uint16_t>(place.subcomponent, 1)};
  if (!text.empty() && image.segment_id(segment) == place.segment && image.raw(address).empty())
    image.set_text(address, text);
}

}  // namespace mappings::language
