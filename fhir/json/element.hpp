/// A JSON value as FHIR needs it: exact digits, member order kept, no allocation per value.
///
/// An Element is a 16-byte handle into an Arena; copying one copies the handle, not the tree (see deep_copy).
/// Names and texts are views: into the arena, or into storage that outlives it (literals, the compiled
/// tables, a message buffer that the owner of the arena also keeps). Nothing here does I/O or throws on bad
/// input.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace fhir::json {

/// Memory for trees: handed out in order, freed all at once. Movable; addresses stay valid when it moves. Not
/// thread safe.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;
  Arena(Arena const&) = delete;
  Arena& operator=(Arena const&) = delete;
  ~Arena() = default;

  void* allocate(std::size_t bytes, std::size_t alignment) {
    std::size_t const padding = (alignment - reinterpret_cast<std::uintptr_t>(next_) % alignment) % alignment;
    if (static_cast<std::size_t>(end_ - next_) < bytes + padding) return allocate_block(bytes, alignment);
    std::byte* const place = next_ + padding;
    next_ = place + bytes;
    return place;
  }
  /// The text, copied so that it lives as long as the arena.
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    auto* const place = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(place, text.data(), text.size());
    return {place, text.size()};
  }
  /// Forgets every tree but keeps room for the next message.
  void reset();
  std::size_t bytes_used() const { return used_ + static_cast<std::size_t>(next_ - begin_); }

 private:
  void* allocate_block(std::size_t bytes, std::size_t alignment);

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* begin_ = nullptr;  // of the block in use
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t first_block_bytes_ = 0;
  std::size_t used_ = 0;  // in the blocks before
};

/// Whether two texts are the same; inline, because names are short and compared all day.
inline bool is_same(std::string_view left, std::string_view right) {
  std::size_t const size = left.size();
  if (size != right.size()) return false;
  // Two loads that overlap cover a text of up to twice their width.
  auto const differ = [&]<class Word>(Word) {
    Word heads[2], tails[2];
    std::memcpy(&heads[0], left.data(), sizeof(Word));
    std::memcpy(&heads[1], right.data(), sizeof(Word));
    std::memcpy(&tails[0], left.data() + size - sizeof(Word), sizeof(Word));
    std::memcpy(&tails[1], right.data() + size - sizeof(Word), sizeof(Word));
    return static_cast<Word>((heads[0] ^ heads[1]) | (tails[0] ^ tails[1])) != 0;
  };
  if (size > 16) return std::memcmp(left.data(), right.data(), size) == 0;
  if (size >= 8) return !differ(std::uint64_t{});
  if (size >= 4) return !differ(std::uint32_t{});
  if (size >= 2) return !differ(std::uint16_t{});
  return size == 0 || left.front() == right.front();
}

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

struct Member;

class Element {
 public:
  constexpr Element() noexcept : text_(nullptr) {}  ///< JSON null.
  static Element of_string(std::string_view text) {
    assert(text.size() <= UINT32_MAX);
    Element element(Kind::string);
    element.text_ = text.data();
    element.size_ = static_cast<std::uint32_t>(text.size());
    return element;
  }
  /// `digits` is written as it stands: "1.10" stays "1.10".
  static Element of_number(std::string_view digits) {
    Element element = of_string(digits);
    element.kind_ = Kind::number;
    return element;
  }
  static Element of_boolean(bool value) {
    Element element(Kind::boolean);
    element.size_ = value ? 1 : 0;
    return element;
  }
  static Element of_array() { return Element(Kind::array); }
  static Element of_object() { return Element(Kind::object); }
  /// An array of these items, an object of these members (whose names are all different), copied into the
  /// arena at once and without room to spare.
  static Element of_items(Arena& arena, std::span<Element const> items);
  static Element of_members(Arena& arena, std::span<Member const> members);

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_object() const { return kind_ == Kind::object; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_string() const { return kind_ == Kind::string; }

  /// A string's text, a number's digits, "true" or "false"; "" for null, array and object.
  std::string_view text() const {
    if (kind_ == Kind::string || kind_ == Kind::number) return {text_, size_};
    if (kind_ != Kind::boolean) return {};
    return size_ != 0 ? "true" : "false";
  }
  bool boolean() const { return kind_ == Kind::boolean && size_ != 0; }
  /// Items of an array or members of an object; 0 for everything else.
  std::size_t size() const { return kind_ == Kind::array || kind_ == Kind::object ? size_ : 0; }
  bool empty() const { return size() == 0; }

  /// An array's items; empty for any other kind.
  std::span<Element> items() {
    return kind_ == Kind::array ? std::span<Element>(items_, size_) : std::span<Element>();
  }
  std::span<Element const> items() const { return const_cast<Element*>(this)->items(); }
  /// An object's members in order; empty for any other kind.
  inline std::span<Member> members();
  inline std::span<Member const> members() const;

  /// The member of that name, or nullptr (also when this is no object).
  inline Element* find(std::string_view name);
  inline Element const* find(std::string_view name) const;
  /// The text of the member of that name, or "".
  inline std::string_view text_at(std::string_view name) const;
  /// Walks names and array indexes: at("name", 0, "family"); nullptr where the way ends.
  template <class... Steps>
  Element const* at(Steps... steps) const {
    Element const* here = this;
    ((here = here == nullptr ? nullptr : here->step(steps)), ...);
    return here;
  }
  template <class... Steps>
  std::string_view text_of(Steps... steps) const {
    Element const* found = at(steps...);
    return found == nullptr ? std::string_view{} : found->text();
  }

  /// The member of that name, added as null when absent; null becomes an object. `name` must outlive the
  /// arena. The reference is good until the next member is added to this object.
  Element& set(Arena& arena, std::string_view name);
  Element& set(Arena& arena, std::string_view name, Element value) { return set(arena, name) = value; }
  /// A new last member whose name the caller knows to be new; saves the look for it.
  inline void append_unchecked(Arena& arena, std::string_view name, Element value);
  /// A new last item; null becomes an array. The reference is good until the next push.
  Element& push(Arena& arena, Element value) {
    if (kind_ == Kind::null) *this = of_array();
    assert(kind_ == Kind::array);
    if (is_full()) grow(arena);
    items_[size_] = value;
    return items_[size_++];
  }
  Element& push(Arena& arena) { return push(arena, Element{}); }
  void remove(std::string_view name);
  void remove_item(std::size_t index);

  friend bool operator==(Element const& left, Element const& right);  ///< Deep; member order does not matter.

 private:
  explicit constexpr Element(Kind kind) noexcept : text_(nullptr), kind_(kind) {}
  // capacity_log2_ may say less than there is room for, never more.
  bool is_full() const { return capacity_log2_ == 0 || size_ >= std::uint32_t{1} << capacity_log2_; }
  void grow(Arena& arena);

  Element const* step(std::string_view name) const { return find(name); }
  Element const* step(char const* name) const { return find(name); }
  Element const* step(int index) const {
    auto const all = items();
    return index >= 0 && static_cast<std::size_t>(index) < all.size() ? &all[static_cast<std::size_t>(index)]
                                                                      : nullptr;
  }

  union {
    char const* text_;
    Element* items_;
    Member* members_;
  };
  std::uint32_t size_ = 0;  // bytes, items, members, or the boolean
  Kind kind_ = Kind::null;
  std::uint8_t capacity_log2_ = 0;  // of items_ or members_; 0 means none yet
};

struct Member {
  std::string_view name;
  Element value;
};

std::span<Member> Element::members() {
  return kind_ == Kind::object ? std::span<Member>(members_, size_) : std::span<Member>();
}

std::span<Member const> Element::members() const { return const_cast<Element*>(this)->members(); }

Element* Element::find(std::string_view name) {
  for (Member& member : members()) {
    if (is_same(member.name, name)) return &member.value;
  }
  return nullptr;
}

Element const* Element::find(std::string_view name) const { return const_cast<Element*>(this)->find(name); }

std::string_view Element::text_at(std::string_view name) const {
  Element const* const found = find(name);
  return found == nullptr ? std::string_view{} : found->text();
}

void Element::append_unchecked(Arena& arena, std::string_view name, Element value) {
  if (is_full()) grow(arena);
  members_[size_++] = {name, value};
}

/// A copy that shares nothing with `from`: every name and text lies in `arena`.
Element deep_copy(Arena& arena, Element const& from);

/// A tree and the memory it stands in.
struct Document {
  Arena arena;
  Element root;
};

}  // namespace fhir::json
