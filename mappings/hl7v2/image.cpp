#include "mappings/hl7v2/image.hpp"

#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/split.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

namespace mappings::hl7v2 {
namespace {

// Room for what most messages that we write have, so that it grows once.
constexpr std::size_t kFieldsUsual = 24;
constexpr std::size_t kSegmentsUsual = 32;

struct Stretch {
  std::size_t begin = 0;
  std::size_t length = 0;
};

// The place of part `number` of text[within], counted from the start of `text`; grows the text where it is
// missing.
Stretch grow_part(std::string& text, Stretch within, char delimiter, std::size_t number) {
  std::size_t begin = within.begin;
  std::size_t end = within.begin + within.length;
  for (std::size_t at = 1; at < number; ++at) {
    auto const next = text.find(delimiter, begin);
    if (next == std::string::npos || next >= end) {
      auto const missing = number - at;
      text.insert(end, missing, delimiter);
      return {end + missing, 0};
    }
    begin = next + 1;
  }
  auto const next = text.find(delimiter, begin);
  if (next != std::string::npos && next < end) end = next;
  return {begin, end - begin};
}

// Where an emptied part was the last of its level, its separators go too: "a^^" with component 3 emptied is
// "a".
void drop_trailing(std::string& text, std::size_t level_begin, std::size_t level_end, char delimiter) {
  auto end = level_end;
  while (end > level_begin && text[end - 1] == delimiter) --end;
  text.erase(end, level_end - end);
}

std::size_t level_of(Address const& address) {
  if (address.subcomponent > 0) return 3;
  if (address.component > 0) return 2;
  return address.repetition > 0 ? 1 : 0;
}

bool is_above(char c, Delimiters const& delimiters, std::size_t level) {
  if (c == '\r' || c == '\n' || c == delimiters.field) return true;
  if (level >= 1 && c == delimiters.repetition) return true;
  if (level >= 2 && c == delimiters.component) return true;
  return level >= 3 && c == delimiters.subcomponent && c != '\0';
}

char delimiter_at(std::size_t level, Delimiters const& delimiters) {
  if (level == 1) return delimiters.repetition;
  return level == 2 ? delimiters.component : delimiters.subcomponent;
}

}  // namespace

Image::Image(Delimiters delimiters) : delimiters_(delimiters) { mark_special(); }

Image::Image(Message const& message) : Image(message.delimiters()) {
  segments_.reserve(message.segment_count());
  for (std::size_t at = 0; at < message.segment_count(); ++at) {
    SegmentImage segment{arena_.copy(message.segment_id(at))};
    resize(segment, message.field_count(at));
    for (std::size_t number = 1; number <= segment.size; ++number) {
      segment.fields[number - 1] =
          arena_.copy(message.raw({static_cast<std::uint32_t>(at), static_cast<std::uint16_t>(number)}));
    }
    segments_.push_back(segment);
  }
}

void Image::resize(SegmentImage& segment, std::size_t fields) {
  if (fields > segment.capacity) {
    std::size_t const wanted = std::max({fields, kFieldsUsual, std::size_t{2} * segment.capacity});
    auto* const grown = static_cast<std::string_view*>(
        arena_.allocate(wanted * sizeof(std::string_view), alignof(std::string_view)));
    std::uninitialized_value_construct_n(grown, wanted);
    std::copy_n(segment.fields, segment.size, grown);
    segment.fields = grown;
    segment.capacity = static_cast<std::uint32_t>(wanted);
  }
  // What is taken off is empty when it comes back.
  for (std::size_t at = fields; at < segment.size; ++at) segment.fields[at] = {};
  segment.size = static_cast<std::uint32_t>(fields);
}

void Image::mark_special() {
  special_.fill(false);
  std::fill_n(special_.begin(), 0x20, true);
  auto const& d = delimiters_;
  for (char const c : {d.field, d.component, d.repetition, d.escape, d.subcomponent, d.truncation})
    special_[static_cast<unsigned char>(c)] = true;
}

/// Whether the text is its own escaped form, which nearly every text is.
bool Image::is_plain(std::string_view text) const {
  return std::ranges::none_of(text, [&](char c) { return special_[static_cast<unsigned char>(c)]; });
}

std::string_view Image::segment_id(std::size_t segment) const { return segments_[segment].id; }

std::optional<std::size_t> Image::find_segment(std::string_view id, std::size_t from) const {
  for (std::size_t at = from; at < segments_.size(); ++at) {
    if (segments_[at].id == id) return at;
  }
  return std::nullopt;
}

void Image::write_header(SegmentImage& segment) {
  if (segment.size < 2) resize(segment, 2);
  auto const& d = delimiters_;
  std::string encoding{d.component, d.repetition, d.escape};
  if (d.subcomponent != '\0') encoding += d.subcomponent;
  if (d.truncation != '\0') encoding += d.truncation;
  segment.fields[0] = arena_.copy({&d.field, 1});
  segment.fields[1] = arena_.copy(encoding);
}

std::size_t Image::insert_segment(std::size_t position, std::string_view id) {
  if (segments_.capacity() == 0) segments_.reserve(kSegmentsUsual);
  SegmentImage segment{arena_.copy(id)};
  if (id == "MSH") write_header(segment);
  position = std::min(position, segments_.size());
  segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(position), segment);
  return position;
}

void Image::remove_segment(std::size_t segment) {
  segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(segment));
}

void Image::move_segment(std::size_t segment, std::size_t position) {
  auto const at = [this](std::size_t index) {
    return segments_.begin() + static_cast<std::ptrdiff_t>(index);
  };
  if (segment < position) std::rotate(at(segment), at(segment + 1), at(position + 1));
  if (position < segment) std::rotate(at(position), at(segment), at(segment + 1));
}

std::size_t Image::field_count(std::size_t segment) const { return segments_[segment].size; }

std::size_t Image::repetition_count(std::size_t segment, std::size_t number) const {
  auto const value = field(segment, number);
  if (is_unsplit({static_cast<std::uint32_t>(segment), static_cast<std::uint16_t>(number)})) {
    return value.empty() ? 0 : 1;
  }
  return part_count(value, delimiters_.repetition);
}

std::size_t Image::component_count(Address const& repetition) const {
  Address at = repetition;
  at.repetition = std::max<std::uint16_t>(at.repetition, 1);
  at.component = at.subcomponent = 0;
  auto const value = raw(at);
  if (is_unsplit(at)) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.component);
}

std::size_t Image::subcomponent_count(Address const& component) const {
  Address at = component;
  at.component = std::max<std::uint16_t>(at.component, 1);
  at.subcomponent = 0;
  auto const value = raw(at);
  if (is_unsplit(at)) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.subcomponent);
}

std::string_view Image::raw(Address const& address) const {
  auto const value = field(address.segment, address.field);
  if (value.empty()) return {};
  return is_unsplit(address) ? descend_unsplit(value, address) : descend(value, delimiters_, address);
}

std::string Image::text(Address const& address) const {
  if (is_unsplit(address)) return std::string(raw(address));
  return decode(raw(address), delimiters_);
}

void Image::check_address(Address const& address) const {
  if (address.segment >= segments_.size() || address.field == 0 || is_unsplit(address)) {
    throw std::logic_error("Image::set: no field that can be set");
  }
  if (delimiters_.subcomponent == '\0' && address.subcomponent > 1) {
    throw std::logic_error("Image::set: the message has no subcomponent delimiter");
  }
}

void Image::set(Address const& address, std::string_view raw) {
  check_address(address);
  auto const level = level_of(address);
  if (std::any_of(raw.begin(), raw.end(), [&](char c) { return is_above(c, delimiters_, level); })) {
    throw std::logic_error("Image::set: the text holds a delimiter above its level");
  }
  put(address, raw);
}

void Image::put(Address const& address, std::string_view raw) {
  // What is absent is empty already; growing separators for it would only leave noise behind.
  if (raw.empty() && this->raw(address).empty()) return;

  auto const level = level_of(address);
  auto& segment = segments_[address.segment];
  std::string& text = edited_;
  text.assign(field(address.segment, address.field));
  std::array<std::size_t, 4> const numbers{0, std::max<std::size_t>(address.repetition, 1),
                                           std::max<std::size_t>(address.component, 1),
                                           std::max<std::size_t>(address.subcomponent, 1)};
  Stretch parent{0, text.size()};
  Stretch part = parent;
  for (std::size_t depth = 1; depth <= level; ++depth) {
    auto const before = text.size();
    parent = part;
    part = grow_part(text, part, delimiter_at(depth, delimiters_), numbers[depth]);
    parent.length += text.size() - before;
  }
  text.replace(part.begin, part.length, raw);
  auto const parent_end = parent.begin + parent.length - part.length;
  if (raw.empty() && level > 0 && part.begin == parent_end) {
    drop_trailing(text, parent.begin, parent_end, delimiter_at(level, delimiters_));
  }
  put_field(segment, address.field, text);
}

void Image::put_field(SegmentImage& segment, std::uint16_t number, std::string_view text) {
  if (segment.size < number) resize(segment, number);
  segment.fields[number - 1U] = arena_.copy(text);
  if (!text.empty() || segment.size != number) return;
  std::size_t used = segment.size;
  while (used > 0 && segment.fields[used - 1].empty()) --used;
  segment.size = static_cast<std::uint32_t>(used);
}

bool Image::fill(Address const& repetition, std::span<Part const> parts) {
  auto const now = field(repetition.segment, repetition.field);
  std::size_t const there = part_count(now, delimiters_.repetition);
  std::size_t const wanted = std::max<std::size_t>(repetition.repetition, 1);
  if (wanted <= there) return false;
  edited_.assign(now);
  edited_.append(wanted - std::max<std::size_t>(there, 1), delimiters_.repetition);
  std::size_t component = 1, subcomponent = 1;
  for (Part const& part : parts) {
    check_address({repetition.segment, repetition.field, 1, part.component, part.subcomponent});
    if (part.text.empty()) continue;
    if (part.component != component) {
      edited_.append(part.component - component, delimiters_.component);
      component = part.component;
      subcomponent = 1;
    }
    edited_.append(part.subcomponent - subcomponent, delimiters_.subcomponent);
    subcomponent = part.subcomponent;
    append_encoded(edited_, part.text);
  }
  put_field(segments_[repetition.segment], repetition.field, edited_);
  return true;
}

void Image::append_encoded(std::string& to, std::string_view text) const {
  if (is_plain(text)) {
    to.append(text);
  } else {
    to.append(encode(text, delimiters_));
  }
}

void Image::set_text(Address const& address, std::string_view text) {
  if (!is_plain(text)) return set(address, encode(text, delimiters_));
  check_address(address);
  put(address, text);
}

void Image::remove_repetition(std::size_t segment, std::size_t number, std::size_t repetition) {
  if (repetition == 0 || repetition > repetition_count(segment, number)) return;
  std::string& text = edited_;
  text.assign(field(segment, number));
  auto const part = grow_part(text, {0, text.size()}, delimiters_.repetition, repetition);
  if (part.begin + part.length < text.size()) {
    text.erase(part.begin, part.length + 1);
  } else {
    auto const begin = part.begin == 0 ? 0 : part.begin - 1;
    text.erase(begin);
  }
  segments_[segment].fields[number - 1] = arena_.copy(text);
}

void Image::truncate_fields(std::size_t segment, std::size_t number) {
  if (segments_[segment].size > number) resize(segments_[segment], number);
}

void Image::use_delimiters(Delimiters delimiters) {
  auto const old = delimiters_;
  delimiters_ = delimiters;
  mark_special();
  for (auto& segment : segments_) {
    bool const header = segment.id == "MSH";
    for (std::size_t at = header ? 2 : 0; at < segment.size; ++at) {
      segment.fields[at] = arena_.copy(re_encode(segment.fields[at], old, delimiters));
    }
    if (header) write_header(segment);
  }
}

std::string Image::bytes() const {
  std::size_t size = 0;
  for (auto const& segment : segments_) {
    size += segment.id.size() + 1 + segment.size;
    for (std::size_t at = 0; at < segment.size; ++at) size += segment.fields[at].size();
  }
  std::string bytes;
  bytes.reserve(size);
  for (auto const& segment : segments_) {
    bytes += segment.id;
    // MSH-1 is the separator that stands before MSH-2 anyway.
    for (std::size_t at = segment.id == "MSH" ? 1 : 0; at < segment.size; ++at) {
      bytes += delimiters_.field;
      bytes += segment.fields[at];
    }
    bytes += '\r';
  }
  return bytes;
}

}  // namespace mappings::hl7v2
