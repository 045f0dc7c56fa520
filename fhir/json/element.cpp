#include "fhir/json/element.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>
#include <utility>

namespace fhir::json {

namespace {

constexpr std::size_t kBlockBytesMin = 8 * 1024;
constexpr std::uint8_t kFirstCapacityLog2 = 2;

}  // namespace

Arena::Arena(Arena&& other) noexcept
    : blocks_(std::move(other.blocks_)),
      next_(std::exchange(other.next_, nullptr)),
      end_(std::exchange(other.end_, nullptr)),
      first_block_bytes_(std::exchange(other.first_block_bytes_, 0)),
      used_(std::exchange(other.used_, 0)) {
  other.blocks_.clear();
}

Arena& Arena::operator=(Arena&& other) noexcept {
  blocks_ = std::move(other.blocks_);
  other.blocks_.clear();
  next_ = std::exchange(other.next_, nullptr);
  end_ = std::exchange(other.end_, nullptr);
  first_block_bytes_ = std::exchange(other.first_block_bytes_, 0);
  used_ = std::exchange(other.used_, 0);
  return *this;
}

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  auto const at = reinterpret_cast<std::uintptr_t>(next_);
  std::size_t const padding = (alignment - at % alignment) % alignment;
  if (next_ == nullptr || static_cast<std::size_t>(end_ - next_) < bytes + padding) {
    // Doubling keeps the number of blocks logarithmic for large documents.
    std::size_t const wanted = std::max({kBlockBytesMin, bytes + alignment, used_});
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(wanted));
    if (blocks_.size() == 1) first_block_bytes_ = wanted;
    next_ = blocks_.back().get();
    end_ = next_ + wanted;
    return allocate(bytes, alignment);
  }
  void* const place = next_ + padding;
  next_ += bytes + padding;
  used_ += bytes + padding;
  return place;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  auto* const place = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

void Arena::reset() {
  used_ = 0;
  if (blocks_.empty()) return;
  blocks_.resize(1);
  next_ = blocks_.front().get();
  end_ = next_ + first_block_bytes_;
}

std::size_t Arena::bytes_used() const { return used_; }

Element Element::of_string(std::string_view text) {
  assert(text.size() <= UINT32_MAX);
  Element element;
  element.kind_ = Kind::string;
  element.text_ = text.data();
  element.size_ = static_cast<std::uint32_t>(text.size());
  return element;
}

Element Element::of_number(std::string_view digits) {
  Element element = of_string(digits);
  element.kind_ = Kind::number;
  return element;
}

Element Element::of_boolean(bool value) {
  Element element;
  element.kind_ = Kind::boolean;
  element.size_ = value ? 1 : 0;
  return element;
}

Element Element::of_array() {
  Element element;
  element.kind_ = Kind::array;
  return element;
}

Element Element::of_object() {
  Element element;
  element.kind_ = Kind::object;
  return element;
}

std::string_view Element::text() const {
  switch (kind_) {
    case Kind::string:
    case Kind::number:
      return {text_, size_};
    case Kind::boolean:
      return size_ != 0 ? "true" : "false";
    case Kind::null:
    case Kind::array:
    case Kind::object:
      break;
  }
  return {};
}

std::span<Element> Element::items() {
  return kind_ == Kind::array ? std::span<Element>(items_, size_) : std::span<Element>();
}

std::span<Element const> Element::items() const {
  return kind_ == Kind::array ? std::span<Element const>(items_, size_) : std::span<Element const>();
}

std::span<Member> Element::members() {
  return kind_ == Kind::object ? std::span<Member>(members_, size_) : std::span<Member>();
}

std::span<Member const> Element::members() const {
  return kind_ == Kind::object ? std::span<Member const>(members_, size_) : std::span<Member const>();
}

Element* Element::find(std::string_view name) {
  for (Member& member : members()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Element const* Element::find(std::string_view name) const { return const_cast<Element*>(this)->find(name); }

std::string_view Element::text_at(std::string_view name) const {
  Element const* const found = find(name);
  return found == nullptr ? std::string_view{} : found->text();
}

namespace {

/// Room for one more in an arena array that grows by doubling; the old place is left to the arena.
template <class T>
T* with_room(Arena& arena, T* data, std::uint32_t size, std::uint8_t& capacity_log2) {
  if (capacity_log2 != 0 && size < (std::uint32_t{1} << capacity_log2)) return data;
  capacity_log2 = capacity_log2 == 0 ? kFirstCapacityLog2 : static_cast<std::uint8_t>(capacity_log2 + 1);
  auto* const grown =
      static_cast<T*>(arena.allocate(sizeof(T) * (std::size_t{1} << capacity_log2), alignof(T)));
  std::uninitialized_copy_n(data, size, grown);
  return grown;
}

}  // namespace

Element& Element::set(Arena& arena, std::string_view name) {
  if (kind_ == Kind::null) *this = of_object();
  assert(kind_ == Kind::object);
  if (Element* const found = find(name)) return *found;
  append_unchecked(arena, name, Element{});
  return members_[size_ - 1].value;
}

void Element::append_unchecked(Arena& arena, std::string_view name, Element value) {
  members_ = with_room(arena, members_, size_, capacity_log2_);
  std::construct_at(members_ + size_++, Member{name, value});
}

Element& Element::push(Arena& arena, Element value) {
  if (kind_ == Kind::null) *this = of_array();
  assert(kind_ == Kind::array);
  items_ = with_room(arena, items_, size_, capacity_log2_);
  return *std::construct_at(items_ + size_++, value);
}

void Element::remove(std::string_view name) {
  auto const all = members();
  auto const found =
      std::find_if(all.begin(), all.end(), [&](Member const& member) { return member.name == name; });
  if (found == all.end()) return;
  std::move(found + 1, all.end(), found);
  --size_;
}

void Element::remove_item(std::size_t index) {
  auto const all = items();
  assert(index < all.size());
  std::move(all.begin() + static_cast<std::ptrdiff_t>(index) + 1, all.end(),
            all.begin() + static_cast<std::ptrdiff_t>(index));
  --size_;
}

bool operator==(Element const& left, Element const& right) {
  if (left.kind_ != right.kind_) return false;
  switch (left.kind_) {
    case Kind::null:
      return true;
    case Kind::boolean:
      return left.size_ == right.size_;
    case Kind::number:
    case Kind::string:
      return left.text() == right.text();
    case Kind::array:
      return std::ranges::equal(left.items(), right.items());
    case Kind::object:
      return left.size_ == right.size_ && std::ranges::all_of(left.members(), [&](Member const& member) {
               Element const* const other = right.find(member.name);
               return other != nullptr && member.value == *other;
             });
  }
  return false;
}

Element deep_copy(Arena& arena, Element const& from) {
  switch (from.kind()) {
    case Kind::null:
    case Kind::boolean:
      return from;
    case Kind::number:
      return Element::of_number(arena.copy(from.text()));
    case Kind::string:
      return Element::of_string(arena.copy(from.text()));
    case Kind::array: {
      Element copy = Element::of_array();
      for (Element const& item : from.items()) copy.push(arena, deep_copy(arena, item));
      return copy;
    }
    case Kind::object: {
      Element copy = Element::of_object();
      for (Member const& member : from.members()) {
        Element value = deep_copy(arena, member.value);
        copy.append_unchecked(arena, arena.copy(member.name), value);
      }
      return copy;
    }
  }
  return {};
}

}  // namespace fhir::json
