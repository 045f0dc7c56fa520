/// What was written lately, by a hash of its name: whether something read at an earlier commit may have
/// changed, without a look at the database.
///
/// A look that finds nothing is certain; one that finds something may be wrong (two names, one slot), and the
/// database is asked. The committer's thread alone uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace gateway::store::sqlite {

class RecentWrites {
 public:
  enum class Kind : std::uint8_t {
    resource,
    key,
    record,
    chain,
    peer,
    complement,
    journal,
    rewritten_journal
  };

  /// `commit_seq` is what is on disk when the store opens: nobody has read anything earlier.
  explicit RecentWrites(std::int64_t commit_seq) : slots_(kSlots, commit_seq) {}

  void note(Kind kind, std::initializer_list<std::string_view> name, std::int64_t commit_seq) {
    slots_[slot_of(kind, name)] = commit_seq;
  }
  bool may_have_changed(Kind kind, std::initializer_list<std::string_view> name, std::int64_t since) const {
    return slots_[slot_of(kind, name)] > since;
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 16;  // 512 KiB; a message writes some thirty names

  static std::size_t slot_of(Kind kind, std::initializer_list<std::string_view> name) {
    std::uint64_t hash = static_cast<std::uint64_t>(kind) + 1;
    for (auto const part : name) {
      hash = (hash ^ std::hash<std::string_view>{}(part)) * 0x9E3779B97F4A7C15U;  // 2^64 / golden ratio
      hash ^= hash >> 32;
    }
    return hash % kSlots;
  }

  std::vector<std::int64_t> slots_;
};

}  // namespace gateway::store::sqlite
