#include "mappings/hl7v2/image.hpp"

#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/split.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>

namespace mappings::hl7v2 {
namespace {

// Room for the fields of a new segment, so that it grows once: few segments that we write go further.
constexpr std::size_t kFieldsUsual = 24;

// Whether the text is its own escaped form, which nearly every text is.
bool is_plain(std::string_view text, Delimiters const& delimiters) {
  for (char const c : text) {
    bool const special = static_cast<unsigned char>(c) < 0x20 || c == delimiters.field ||
                         c == delimiters.component || c == delimiters.repetition || c == delimiters.escape ||
                         c == delimiters.subcomponent || c == delimiters.truncation;
    if (special) return false;
  }
  return true;
}

struct Part {
  std::size_t begin = 0;
  std::size_t length = 0;
};

// The place of part `number` of text[within], counted from the start of `text`; grows the text where it is
// missing.
Part grow_part(std::string& text, Part within, char delimiter, std::size_t number) {
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

Image::Image(Message const& message) : delimiters_(message.delimiters()) {
  segments_.reserve(message.segment_count());
  for (std::size_t at = 0; at < message.segment_count(); ++at) {
    SegmentImage segment{std::string(message.segment_id(at)), {}};
    auto const count = message.field_count(at);
    segment.fields.reserve(count);
    for (std::size_t number = 1; number <= count; ++number) {
      segment.fields.emplace_back(
          message.raw({static_cast<std::uint32_t>(at), static_cast<std::uint16_t>(number)}));
    }
    segments_.push_back(std::move(segment));
  }
}

std::string_view Image::segment_id(std::size_t segment) const { return segments_[segment].id; }

std::optional<std::size_t> Image::find_segment(std::string_view id, std::size_t from) const {
  for (std::size_t at = from; at < segments_.size(); ++at) {
    if (segments_[at].id == id) return at;
  }
  return std::nullopt;
}

void Image::write_header(SegmentImage& segment) const {
  if (segment.fields.size() < 2) segment.fields.resize(2);
  segment.fields[0].assign(1, delimiters_.field);
  segment.fields[1] = {delimiters_.component, delimiters_.repetition, delimiters_.escape};
  if (delimiters_.subcomponent != '\0') segment.fields[1] += delimiters_.subcomponent;
  if (delimiters_.truncation != '\0') segment.fields[1] += delimiters_.truncation;
}

std::size_t Image::insert_segment(std::size_t position, std::string_view id) {
  SegmentImage segment{std::string(id), {}};
  if (id == "MSH") write_header(segment);
  position = std::min(position, segments_.size());
  segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(position), std::move(segment));
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

std::size_t Image::field_count(std::size_t segment) const { return segments_[segment].fields.size(); }

std::string_view Image::field(std::size_t segment, std::size_t number) const {
  if (segment >= segments_.size() || number == 0 || number > segments_[segment].fields.size()) return {};
  return segments_[segment].fields[number - 1];
}

std::size_t Image::repetition_count(std::size_t segment, std::size_t number) const {
  auto const value = field(segment, number);
  if (segment < segments_.size() && is_header(segment) && number <= 2) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.repetition);
}

std::size_t Image::component_count(Address const& repetition) const {
  Address at = repetition;
  at.repetition = std::max<std::uint16_t>(at.repetition, 1);
  at.component = at.subcomponent = 0;
  auto const value = raw(at);
  if (at.segment < segments_.size() && is_header(at.segment) && at.field <= 2) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.component);
}

std::size_t Image::subcomponent_count(Address const& component) const {
  Address at = component;
  at.component = std::max<std::uint16_t>(at.component, 1);
  at.subcomponent = 0;
  auto const value = raw(at);
  if (at.segment < segments_.size() && is_header(at.segment) && at.field <= 2) return value.empty() ? 0 : 1;
  return part_count(value, delimiters_.subcomponent);
}

std::string_view Image::raw(Address const& address) const {
  auto const value = field(address.segment, address.field);
  if (address.segment < segments_.size() && is_header(address.segment) && address.field <= 2) {
    return descend_unsplit(value, address);
  }
  return descend(value, delimiters_, address);
}

std::string Image::text(Address const& address) const {
  if (is_header(address.segment) && address.field <= 2) return std::string(raw(address));
  return decode(raw(address), delimiters_);
}

void Image::check_address(Address const& address) const {
  if (address.segment >= segments_.size() || address.field == 0 ||
      (is_header(address.segment) && address.field <= 2)) {
    throw std::logic_error("Image::set: no field that can be set");
  }
  if (level_of(address) == 3 && delimiters_.subcomponent == '\0' && address.subcomponent > 1) {
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
  auto& fields = segments_[address.segment].fields;
  if (fields.capacity() < address.field) fields.reserve(std::max<std::size_t>(address.field, kFieldsUsual));
  if (fields.size() < address.field) fields.resize(address.field);
  std::string& text = fields[address.field - 1U];
  std::array<std::size_t, 4> const numbers{0, std::max<std::size_t>(address.repetition, 1),
                                           std::max<std::size_t>(address.component, 1),
                                           std::max<std::size_t>(address.subcomponent, 1)};
  Part parent{0, text.size()};
  Part part = parent;
  for (std::size_t depth = 1; depth <= level; ++depth) {
    auto const before = text.size();
    parent = part;
    part = grow_part(text, part, delimiter_at(depth, delimiters_), numbers[depth]);
    parent.length += text.size() - before;
  }
  text.replace(part.begin, part.length, raw);
  if (!raw.empty()) return;
  auto const parent_end = parent.begin + parent.length - part.length;
  if (level > 0 && part.begin == parent_end) {
    drop_trailing(text, parent.begin, parent_end, delimiter_at(level, delimiters_));
  }
  if (fields.size() != address.field) return;
  while (!fields.empty() && fields.back().empty()) fields.pop_back();
}

void Image::set_text(Address const& address, std::string_view text) {
  if (!is_plain(text, delimiters_)) return set(address, encode(text, delimiters_));
  check_address(address);
  put(address, text);
}

void Image::remove_repetition(std::size_t segment, std::size_t number, std::size_t repetition) {
  if (repetition == 0 || repetition > repetition_count(segment, number)) return;
  auto& text = segments_[segment].fields[number - 1];
  auto const part = grow_part(text, {0, text.size()}, delimiters_.repetition, repetition);
  if (part.begin + part.length < text.size()) {
    text.erase(part.begin, part.length + 1);
  } else {
    auto const begin = part.begin == 0 ? 0 : part.begin - 1;
    text.erase(begin);
  }
}

void Image::truncate_fields(std::size_t segment, std::size_t number) {
  auto& fields = segments_[segment].fields;
  if (fields.size() > number) fields.resize(number);
}

void Image::use_delimiters(Delimiters delimiters) {
  auto const old = delimiters_;
  delimiters_ = delimiters;
  for (auto& segment : segments_) {
    bool const header = segment.id == "MSH";
    for (std::size_t at = header ? 2 : 0; at < segment.fields.size(); ++at) {
      segment.fields[at] = re_encode(segment.fields[at], old, delimiters);
    }
    if (header) write_header(segment);
  }
}

std::string Image::bytes() const {
  std::string bytes;
  for (auto const& segment : segments_) {
    bytes += segment.id;
    // MSH-1 is the separator that stands before MSH-2 anyway.
    for (std::size_t at = segment.id == "MSH" ? 1 : 0; at < segment.fields.size(); ++at) {
      bytes += delimiters_.field;
      bytes += segment.fields[at];
    }
    bytes += '\r';
  }
  return bytes;
}

}  // namespace mappings::hl7v2
