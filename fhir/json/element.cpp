#include "fhir/json/element.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <memory>
#include <utility>

namespace fhir::json {

namespace {

constexpr std::size_t kBlockBytesMin = 8 * 1024;
constexpr std::size_t kKeptBytesMax = 256 * 1024;  // by reset()
constexpr std::uint8_t kFirstCapacityLog2 = 2;

}  // namespace

Arena::Arena(Arena&& other) noexcept
    : blocks_(std::move(other.blocks_)),
      begin_(std::exchange(other.begin_, nullptr)),
      next_(std::exchange(other.next_, nullptr)),
      end_(std::exchange(other.end_, nullptr)),
      first_block_bytes_(std::exchange(other.first_block_bytes_, 0)),
      used_(std::exchange(other.used_, 0)) {
  other.blocks_.clear();
}

Arena& Arena::operator=(Arena&& other) noexcept {
  blocks_ = std::move(other.blocks_);
  other.blocks_.clear();
  begin_ = std::exchange(other.begin_, nullptr);
  next_ = std::exchange(other.next_, nullptr);
  end_ = std::exchange(other.end_, nullptr);
  first_block_bytes_ = std::exchange(other.first_block_bytes_, 0);
  used_ = std::exchange(other.used_, 0);
  return *this;
}

void* Arena::allocate_block(std::size_t bytes, std::size_t alignment) {
  // Doubling keeps the number of blocks logarithmic for large documents.
  used_ = bytes_used();
  std::size_t const wanted = std::max({kBlockBytesMin, bytes + alignment, used_});
  blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(wanted));
  if (blocks_.size() == 1) first_block_bytes_ = wanted;
  begin_ = next_ = blocks_.back().get();
  end_ = begin_ + wanted;
  return allocate(bytes, alignment);
}

void Arena::reset() {
  if (blocks_.empty()) return;
  if (std::size_t const used = bytes_used(); blocks_.size() > 1 && used <= kKeptBytesMax) {
    // What took several blocks has room in one from now on.
    blocks_.clear();
    begin_ = next_ = end_ = nullptr;
    used_ = 0;
    allocate_block(2 * used, 1);
  }
  blocks_.resize(1);
  begin_ = next_ = blocks_.front().get();
  end_ = begin_ + first_block_bytes_;
  used_ = 0;
}

Element Element::of_items(Arena& arena, std::span<Element const> items) {
  Element element(Kind::array);
  if (items.empty()) return element;
  element.items_ = static_cast<Element*>(arena.allocate(items.size_bytes(), alignof(Element)));
  std::uninitialized_copy(items.begin(), items.end(), element.items_);
  element.size_ = static_cast<std::uint32_t>(items.size());
  element.capacity_log2_ = static_cast<std::uint8_t>(std::bit_width(items.size()) - 1);
  return element;
}

Element Element::of_members(Arena& arena, std::span<Member const> members) {
  Element element(Kind::object);
  if (members.empty()) return element;
  element.members_ = static_cast<Member*>(arena.allocate(members.size_bytes(), alignof(Member)));
  std::uninitialized_copy(members.begin(), members.end(), element.members_);
  element.size_ = static_cast<std::uint32_t>(members.size());
  element.capacity_log2_ = static_cast<std::uint8_t>(std::bit_width(members.size()) - 1);
  return element;
}

/// Room for twice as many; the old place is left to the arena.
void Element::grow(Arena& arena) {
  capacity_log2_ = capacity_log2_ == 0 ? kFirstCapacityLog2 : static_cast<std::uint8_t>(capacity_log2_ + 1);
  std::size_t const room = std::size_t{1} << capacity_log2_;
  if (kind_ == Kind::array) {
    auto* const grown = static_cast<Element*>(arena.allocate(sizeof(Element) * room, alignof(Element)));
    std::uninitialized_copy_n(items_, size_, grown);
    items_ = grown;
  } else {
    auto* const grown = static_cast<Member*>(arena.allocate(sizeof(Member) * room, alignof(Member)));
    std::uninitialized_copy_n(members_, size_, grown);
    members_ = grown;
  }
}

Element& Element::set(Arena& arena, std::string_view name) {
  if (kind_ == Kind::null) *this = of_object();
  assert(kind_ == Kind::object);
  if (Element* const found = find(name)) return *found;
  append_unchecked(arena, name, Element{});
  return members_[size_ - 1].value;
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
