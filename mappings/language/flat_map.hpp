/// A hash map in one piece of memory, for the few keys of one message. Nothing is ever taken out of it.
/// Internal to this room.
#pragma once

#include "fhir/json/element.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace mappings::language {

template <class Key, class Value>
class FlatMap {
 public:
  /// nullptr when the key is unknown. Good until the next key is added.
  Value const* find(Key const& key) const {
    if (slots_.empty()) return nullptr;
    Slot const& slot = slots_[place_of(key)];
    return slot.taken ? &slot.value : nullptr;
  }
  Value* find(Key const& key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

  /// The value of the key, which is `value` if the key is new; and whether it was.
  std::pair<Value*, bool> try_emplace(Key const& key, Value value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Slot& slot = slots_[place_of(key)];
    if (slot.taken) return {&slot.value, false};
    slot = {key, value, true};
    ++size_;
    return {&slot.value, true};
  }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool taken = false;
  };
  static constexpr std::size_t kSlotsMin = 64;  // powers of two

  std::size_t place_of(Key const& key) const {
    std::size_t at = static_cast<std::size_t>(hash_of(key) >> 32U) & (slots_.size() - 1);
    while (slots_[at].taken && !is_equal(slots_[at].key, key)) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  static constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15U;
  // The high half of a product depends on every bit.
  static std::uint64_t hash_of(void const* key) { return reinterpret_cast<std::uintptr_t>(key) * kFactor; }
  static std::uint64_t hash_of(std::string_view key) {
    std::uint64_t hash = key.size();
    auto const mix = [&](std::uint64_t word) {
      hash = (hash ^ word) * kFactor;
      hash ^= hash >> 29U;
    };
    auto const word_at = [&](std::size_t at) {
      std::uint64_t word;
      std::memcpy(&word, key.data() + at, sizeof(word));
      return word;
    };
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    if (key.size() < kWord) {
      for (char const c : key) mix(static_cast<unsigned char>(c));
    } else {
      for (std::size_t at = 0; at + kWord < key.size(); at += kWord) mix(word_at(at));
      mix(word_at(key.size() - kWord));
    }
    return hash * kFactor;
  }
  static bool is_equal(void const* left, void const* right) { return left == right; }
  static bool is_equal(std::string_view left, std::string_view right) {
    return fhir::json::is_same(left, right);
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? kSlotsMin : 2 * slots_.size());
    old.swap(slots_);
    for (Slot const& slot : old) {
      if (slot.taken) slots_[place_of(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace mappings::language
