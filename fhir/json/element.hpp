/// A JSON value as FHIR needs it: exact digits, member order kept, no allocation per value.
///
/// An Element is a 16-byte handle into an Arena; copying one copies the handle, not the tree (see deep_copy).
/// Names and texts are views: into the arena, or into storage that outlives it (literals, the compiled
/// tables, a message buffer that the owner of the arena also keeps). Nothing here does I/O or throws on bad
/// input.
#pragma once

#include <cstddef>
#include <cstdint>
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

  void* allocate(std::size_t bytes, std::size_t alignment);
  /// The text, copied so that it lives as long as the arena.
  std::string_view copy(std::string_view text);
  /// Forgets every tree but keeps the first block, for the next message.
  void reset();
  std::size_t bytes_used() const;

 private:
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t first_block_bytes_ = 0;
  std::size_t used_ = 0;
};

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

struct Member;

class Element {
 public:
  constexpr Element() noexcept : text_(nullptr) {}  ///< JSON null.
  static Element of_string(std::string_view text);
  static Element of_number(
      std::string_view digits);  ///< `digits` is written as it stands: "1.10" stays "1.10".
  static Element of_boolean(bool value);
  static Element of_array();
  static Element of_object();

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_object() const { return kind_ == Kind::object; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_string() const { return kind_ == Kind::string; }

  /// A string's text, a number's digits, "true" or "false"; "" for null, array and object.
  std::string_view text() const;
  bool boolean() const { return kind_ == Kind::boolean && size_ != 0; }
  /// Items of an array or members of an object; 0 for everything else.
  std::size_t size() const { return kind_ == Kind::array || kind_ == Kind::object ? size_ : 0; }
  bool empty() const { return size() == 0; }

  std::span<Element> items();  ///< An array's items; empty for any other kind.
  std::span<Element const> items() const;
  std::span<Member> members();  ///< An object's members in order; empty for any other kind.
  std::span<Member const> members() const;

  /// The member of that name, or nullptr (also when this is no object).
  Element* find(std::string_view name);
  Element const* find(std::string_view name) const;
  /// The text of the member of that name, or "".
  std::string_view text_at(std::string_view name) const;
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
  void append_unchecked(Arena& arena, std::string_view name, Element value);
  /// A new last item; null becomes an array. The reference is good until the next push.
  Element& push(Arena& arena, Element value);
  Element& push(Arena& arena) { return push(arena, Element{}); }
  void remove(std::string_view name);
  void remove_item(std::size_t index);

  friend bool operator==(Element const& left, Element const& right);  ///< Deep; member order does not matter.

 private:
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

/// A copy that shares nothing with `from`: every name and text lies in `arena`.
Element deep_copy(Arena& arena, Element const& from);

/// A tree and the memory it stands in.
struct Document {
  Arena arena;
  Element root;
};

}  // namespace fhir::json
