/// The message being written: an Image whose segments know the group they stand in, so that new ones go where
/// the grammar wants them. Internal to this room.
#pragma once

#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/image.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mappings::language {

class Layout {
 public:
  /// An empty message, or the seed's with its grouping.
  Layout(hl7v2::Image image, hl7v2::GrammarNode const* grammar, hl7v2::Grouping const* grouping);

  hl7v2::Image& image() { return image_; }
  hl7v2::Image const& image() const { return image_; }

  /// A group instance; 0 is the message.
  using Group = std::uint32_t;
  /// A segment by a number that stays when others come and go.
  using Serial = std::uint32_t;

  /// The group instance below `group` (or an enclosing one) in which segment `id` stands, made where it is
  /// missing. With `own`, an instance of its own where the grammar has the group repeat and not the segment.
  Group group_for(Group group, std::string_view id, bool own, std::string_view named);
  /// Whether the grammar has the segment where group_for() would put it.
  bool has_place(Group group, std::string_view id, std::string_view named) const;
  /// There is one place for such a segment, which is taken, and another one further on: the next would be
  /// read as that of something else.
  bool would_be_read_elsewhere(Group group, std::string_view id) const;
  /// The names of the groups from the message down to segment `id` (in group `named`, where one is given), or
  /// to group `named` itself when `id` is empty.
  std::vector<std::string_view> way_to(std::string_view id, std::string_view named) const;
  /// The segment of that id in that very group instance.
  bool find(Group group, std::string_view id, Serial& found) const;
  /// The segment of that id in that group instance or the nearest enclosing one.
  bool find_around(Group group, std::string_view id, Serial& found) const;
  Serial insert(Group group, std::string_view id);
  void remove(Serial segment);
  std::size_t index_of(Serial segment) const;
  Serial serial_of(std::size_t index) const { return entries_[index].serial; }
  Group group_of(Serial segment) const;
  /// Whether two segments stand in one group instance, or in two repetitions of one group.
  bool are_siblings(Serial left, Serial right) const;
  std::string_view name_of(Group group) const {
    return groups_[group].node == nullptr ? "" : groups_[group].node->name;
  }
  bool has_grammar() const { return groups_[0].node != nullptr; }
  /// Whether the grammar has this segment in a group of that name (or in the message itself: "root").
  bool knows(std::string_view id, std::string_view group) const;
  enum class Room : std::uint8_t { none, one, many };
  /// How many of this segment the message itself may hold, or a group of which there is one; `none`: it
  /// stands in groups that repeat, or nowhere.
  Room room_of(std::string_view id) const;
  /// The segments that the groups around one must hold and do not, outermost first.
  std::vector<std::pair<Group, std::string_view>> missing_above(Serial segment) const;
  /// A segment that must be there and is not.
  struct Missing {
    Group group = 0;         ///< The group instance that lacks it.
    std::string_view named;  ///< The group below that one in which it stands, "" for that one itself.
    std::string_view segment;
    hl7v2::GrammarNode const* choice = nullptr;  ///< Where any one of several would do, and no `segment`.
  };
  /// What the message, and the groups that it has, must hold and do not. A group that must be there and is
  /// not counts by what it must hold itself.
  std::vector<Missing> missing() const;
  /// Whether no message may be without this segment; `in_many`: in groups that may repeat as well.
  bool requires_segment(std::string_view id, bool in_many = false) const;

 private:
  struct Instance {
    hl7v2::GrammarNode const* node = nullptr;
    Group parent = 0;
    std::uint32_t child = 0;  // position of the group among its parent's children
    std::uint32_t ordinal = 1;
  };
  struct Entry {
    Serial serial = 0;
    Group group = 0;
    std::uint32_t child = 0;
  };
  static constexpr std::size_t kDepthMax = 16;  // no grammar of HL7's nests half as deep
  struct Way {
    std::array<std::uint32_t, kDepthMax> groups{};  // child positions from a group down to the segment's own
    std::size_t depth = 0;
    std::uint32_t segment = 0;
  };

  bool find_way(hl7v2::GrammarNode const* node, std::string_view id, std::string_view named, Way& way) const;
  std::uint32_t child_of(Group group, std::string_view id) const;
  bool is_filled(Group group) const;
  static std::size_t count_places(hl7v2::GrammarNode const& node, std::string_view id);
  /// The newest instance of that group of `parent`, 0 where there is none.
  Group last_below(Group parent, std::uint32_t child) const;
  bool has_group(Group group, std::uint32_t child) const;
  bool stands_in(Group group, std::uint32_t child) const;
  Group below(Group parent, std::uint32_t child, bool own);
  std::size_t depth_of(Group group) const;
  bool stands_behind(Entry const& left, Entry const& right) const;

  hl7v2::Image image_;
  std::vector<Instance> groups_;
  std::vector<Entry> entries_;
  Serial next_ = 0;
};

}  // namespace mappings::language
