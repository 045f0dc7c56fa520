/// The vector of Items that every step of an expression takes and gives. Nearly all hold one item or none, so
/// that one stands in the collection itself; more stand in one block, which moves by its address.
#pragma once

#include "fhir/path/item.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <new>
#include <type_traits>
#include <utility>

namespace fhir::path {

class Collection {
 public:
  using value_type = Item;
  using iterator = Item*;
  using const_iterator = Item const*;

  Collection() noexcept = default;
  explicit Collection(Item const& item) noexcept : size_(1) { new (&first_) Item(item); }
  Collection(Item const* begin, Item const* end) { append(begin, end); }
  Collection(Collection const& other) : Collection(other.begin(), other.end()) {}
  Collection(Collection&& other) noexcept { take(other); }
  Collection& operator=(Collection const& other) {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  Collection& operator=(Collection&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~Collection() { release(); }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return block_ == nullptr ? 1 : capacity_; }
  Item* data() { return block_ == nullptr ? std::launder(reinterpret_cast<Item*>(&first_)) : block_; }
  Item const* data() const { return const_cast<Collection*>(this)->data(); }
  Item* begin() { return data(); }
  Item* end() { return data() + size_; }
  Item const* begin() const { return data(); }
  Item const* end() const { return data() + size_; }
  Item& operator[](std::size_t index) { return data()[index]; }
  Item const& operator[](std::size_t index) const { return data()[index]; }
  Item& front() { return *data(); }
  Item const& front() const { return *data(); }
  Item const& back() const { return data()[size_ - 1]; }

  void clear() { size_ = 0; }
  void reserve(std::size_t size) {
    if (size > capacity()) grow(size);
  }
  /// A node of nothing, to be filled where it stands.
  Item& emplace_back() {
    if (size_ == capacity()) grow(std::max(kBlockMin, capacity() * 2));
    return *new (data() + size_++) Item;
  }
  void push_back(Item const& item) {
    Item const copy = item;  // it may stand in this very collection
    if (size_ == capacity()) grow(std::max(kBlockMin, capacity() * 2));
    new (data() + size_++) Item(copy);
  }
  /// Room for so many more at the end; the caller makes them there and truncates where it made fewer.
  Item* extend(std::size_t count) {
    if (size_ + count > capacity()) grow(std::max(size_ + count, capacity() * 2));
    Item* const place = end();
    size_ += static_cast<std::uint32_t>(count);
    return place;
  }
  void append(Item const* begin, Item const* end) {  ///< Not of this collection.
    auto const count = static_cast<std::size_t>(end - begin);
    if (count != 0) std::memcpy(static_cast<void*>(extend(count)), begin, count * sizeof(Item));
  }
  void append(Collection const& other) { append(other.begin(), other.end()); }
  /// Only the items from `begin` to `end`, of this collection or of another.
  void assign(Item const* begin, Item const* end) {
    Collection items(begin, end);
    *this = std::move(items);
  }
  /// All from this item on go.
  void truncate(Item const* end) { size_ = static_cast<std::uint32_t>(end - data()); }
  /// The items that are so go.
  template <class Predicate>
  void erase_if(Predicate predicate) {
    truncate(std::remove_if(begin(), end(), predicate));
  }

 private:
  static_assert(std::is_trivially_copyable_v<Item> && std::is_trivially_destructible_v<Item>);
  static constexpr std::size_t kBlockMin = 4;

  void take(Collection& other) noexcept {
    block_ = other.block_;
    size_ = other.size_;
    capacity_ = other.capacity_;
    if (block_ == nullptr && size_ != 0) first_ = other.first_;
    other.block_ = nullptr;
    other.size_ = 0;
  }
  void release() noexcept {
    if (block_ != nullptr) ::operator delete(block_);
  }
  void grow(std::size_t capacity);

  struct alignas(Item) Place {
    std::byte bytes[sizeof(Item)];
  };

  Item* block_ = nullptr;  // nullptr: the one item stands in first_
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  Place first_;
};

}  // namespace fhir::path
