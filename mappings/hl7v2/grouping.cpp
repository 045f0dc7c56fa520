// Which group instance each segment belongs to. A grammar here is a guide, not a gate: real feeds leave out
// segments that the standard requires and put others late, and no segment may be lost for it.
#include "fhir/json/element.hpp"
#include "mappings/hl7v2/dictionary.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace mappings::hl7v2 {
namespace {

using fhir::IssueType;

constexpr std::size_t kWarningsMax = 20;  // One message's worth for a person to read; the rest is counted.

/// How far a group may be entered by a segment that is not its first.
enum class Entry : std::uint8_t {
  by_first,     // Only by its first segment, or the first of its first group.
  by_nullable,  // Also by one behind optional ones.
  by_a_first,   // By the first segment of any group inside it, required ones before it missing.
  by_any        // By any segment inside it.
};

bool is_segment(GrammarNode const& node, std::string_view id) {
  if (node.is_group) return false;
  if (!node.is_choice) return fhir::json::is_same(node.name, id);
  return std::any_of(node.children.begin(), node.children.end(),
                     [&](GrammarNode const& one) { return fhir::json::is_same(one.name, id); });
}

/// The child numbers that lead from a group to the segment; empty when the group cannot be entered so.
class Path {
 public:
  Path() = default;
  explicit Path(std::size_t first) { push_back(first); }
  /// False where no more fits: no grammar of HL7's nests half as deep.
  bool push_back(std::size_t number) {
    if (size_ == numbers_.size()) return false;
    numbers_[size_++] = number;
    return true;
  }
  void pop_back() { --size_; }
  std::size_t size() const { return size_; }
  std::size_t operator[](std::size_t at) const { return numbers_[at]; }

 private:
  std::array<std::size_t, 16> numbers_;
  std::size_t size_ = 0;
};

/// Appends the path below `group` to `path`.
bool enter(GrammarNode const& group, std::string_view id, Entry entry, Path& path) {
  for (std::size_t at = 0; at < group.children.size(); ++at) {
    auto const& child = group.children[at];
    if (!path.push_back(at)) return false;
    bool const is_first_of_group = at == 0;
    if (is_segment(child, id) && (entry != Entry::by_a_first || is_first_of_group)) return true;
    if (child.is_group && enter(child, id, entry, path)) return true;
    path.pop_back();
    if (entry == Entry::by_first) return false;
    if (entry == Entry::by_nullable && child.min > 0) return false;
  }
  return false;
}

bool holds(GrammarNode const& group, std::string_view id) {
  Path path;
  return enter(group, id, Entry::by_any, path);
}

class Grouper {
 public:
  Grouper(Message const& message, GrammarNode const& root, fhir::Issues& warnings)
      : message_(message), warnings_(warnings) {
    grouping_.groups.reserve(8);
    grouping_.groups.push_back({});
    grouping_.group_of_segment.reserve(message.segment_count());
    open_.reserve(8);
    open_.push_back({&root, 0, 0, false, {}});
  }

  Grouping run() {
    for (std::size_t at = 0; at < message_.segment_count(); ++at) {
      place(at);
      grouping_.group_of_segment.push_back(current_);
    }
    if (warned_ > kWarningsMax) {
      warnings_.push_back(fhir::warning(
          IssueType::structure,
          std::to_string(warned_ - kWarningsMax) + " more segments stand where the structure has none"));
    }
    return std::move(grouping_);
  }

 private:
  /// A group instance that is still open, and the child that was matched last in it.
  struct Open {
    GrammarNode const* group;
    std::uint32_t instance;
    std::size_t position;
    bool started;
    std::vector<std::pair<std::string_view, std::uint32_t>> counts;  // Instances by name so far.
  };

  void place(std::size_t segment) {
    auto const id = message_.segment_id(segment);
    at_ = segment;
    if (id.starts_with('Z')) return;
    if (!holds(*open_.front().group, id))
      return warn(segment, "the structure has no such segment; kept with the one before");
    if (forward(id, Entry::by_first) || again(id) || forward(id, Entry::by_nullable)) return;
    if (forward(id, Entry::by_a_first)) return;
    if (backward(id)) return warn(segment, "the segment stands later than the structure has it");
    if (forward(id, Entry::by_any)) return;
    warn(segment, "the structure has no place for the segment here; kept with the one before");
  }

  /// The first place at or behind the position of the innermost group that has one.
  bool forward(std::string_view id, Entry entry) {
    for (std::size_t depth = open_.size(); depth-- > 0;) {
      auto const& open = open_[depth];
      auto const& children = open.group->children;
      auto at = open.position;
      if (open.started && at < children.size() && children[at].max == 1) ++at;
      for (; at < children.size(); ++at) {
        Path path(at);
        if (is_segment(children[at], id) || (children[at].is_group && enter(children[at], id, entry, path))) {
          if (belongs_behind(depth, id)) break;
          move_to(depth, path);
          return true;
        }
      }
    }
    return false;
  }

  /// OUL_R24 has the results of an order behind its specimens, which may have observations of their own. An
  /// OBX is the specimen's only where that specimen or another goes on behind it: a result must not be
  /// missing from its report.
  bool belongs_behind(std::size_t depth, std::string_view id) {
    if (id != "OBX" || depth == 0 || open_[depth].group->name != "SPECIMEN") return false;
    auto const behind = open_[depth - 1].group->children.subspan(open_[depth - 1].position + 1);
    auto const behind_has = [&](std::string_view wanted, Entry entry) {
      Path path;
      return std::ranges::any_of(behind, [&](GrammarNode const& one) {
        return is_segment(one, wanted) || (one.is_group && enter(one, wanted, entry, path));
      });
    };
    if (!behind_has(id, Entry::by_first)) return false;
    if (at_ < run_end_) return run_is_behind_;
    for (run_end_ = at_ + 1; run_end_ < message_.segment_count(); ++run_end_) {
      auto const follows = message_.segment_id(run_end_);
      if (!follows.starts_with('Z') && !behind_has(follows, Entry::by_any)) break;
    }
    bool const is_last = run_end_ == message_.segment_count();
    return run_is_behind_ = is_last || !holds(*open_[depth].group, message_.segment_id(run_end_));
  }

  /// A segment that an open group can hold once, and holds: the innermost group around it that repeats starts
  /// again.
  bool again(std::string_view id) {
    for (std::size_t depth = open_.size(); depth-- > 1;) {
      auto const& open = open_[depth];
      auto const& children = open.group->children;
      for (std::size_t at = 0; at <= open.position && at < children.size(); ++at) {
        if (children[at].max != 1 || !is_segment(children[at], id)) continue;
        auto repeating = depth;
        while (repeating > 0 && open_[repeating].group->max == 1) --repeating;
        if (repeating == 0) break;
        Path path;
        for (std::size_t level = repeating; level <= depth; ++level)
          path.push_back(open_[level - 1].position);
        path.push_back(at);
        move_to(repeating - 1, path);
        return true;
      }
    }
    return false;
  }

  /// A segment that an open group has at an earlier place. One of the group's own joins it; the first of a
  /// group inside starts that group once more.
  bool backward(std::string_view id) {
    for (std::size_t depth = open_.size(); depth-- > 0;) {
      auto const& open = open_[depth];
      auto const& children = open.group->children;
      for (std::size_t at = 0; at <= open.position && at < children.size(); ++at) {
        bool const is_start =
            depth > 0 && at == 0;  // A second first segment is a second group: see the level above.
        if (!is_start && is_segment(children[at], id)) {
          current_ = open.instance;
          return true;
        }
        Path path(at);
        if (children[at].is_group && enter(children[at], id, Entry::by_first, path)) {
          move_to(depth, path);
          return true;
        }
      }
    }
    return false;
  }

  /// Closes what is open below `depth` and opens the groups along the path; its last number is the segment.
  void move_to(std::size_t depth, Path const& path) {
    open_.resize(depth + 1);
    for (std::size_t step = 0; step < path.size(); ++step) {
      auto& open = open_.back();
      open.position = path[step];
      open.started = true;
      auto const& child = open.group->children[path[step]];
      if (step + 1 == path.size()) break;
      auto const instance = static_cast<std::uint32_t>(grouping_.groups.size());
      grouping_.groups.push_back({child.name, open.instance, next_ordinal(open, child.name)});
      open_.push_back({&child, instance, 0, false, {}});
    }
    current_ = open_.back().instance;
  }

  static std::uint32_t next_ordinal(Open& open, std::string_view name) {
    for (auto& [counted, count] : open.counts) {
      if (counted == name) return ++count;
    }
    open.counts.emplace_back(name, 1);
    return 1;
  }

  void warn(std::size_t segment, std::string_view what) {
    if (++warned_ > kWarningsMax) return;
    warnings_.push_back(fhir::warning(IssueType::structure, std::string(what), "",
                                      to_string(message_, {static_cast<std::uint32_t>(segment)})));
  }

  Message const& message_;
  fhir::Issues& warnings_;
  Grouping grouping_;
  std::vector<Open> open_;
  std::uint32_t current_ = 0;
  std::size_t at_ = 0;       // The segment that is being placed.
  std::size_t run_end_ = 0;  // What was decided of an OBX holds for those up to here.
  bool run_is_behind_ = false;
  std::size_t warned_ = 0;
};

}  // namespace

Grouping group_segments(Message const& message, GrammarNode const* structure, fhir::Issues& warnings) {
  if (structure != nullptr) return Grouper(message, *structure, warnings).run();
  warnings.push_back(
      fhir::warning(IssueType::structure,
                    "no version of HL7 v2 has this message's structure; its segments count in the "
                    "order in which they stand",
                    "", "MSH-9"));
  Grouping grouping;
  grouping.groups.push_back({});
  grouping.group_of_segment.assign(message.segment_count(), 0);
  grouping.by_order = true;
  return grouping;
}

}  // namespace mappings::hl7v2
