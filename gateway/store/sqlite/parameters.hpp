/// Search parameters by number: index rows name theirs in one or two bytes instead of "Observation" and
/// "category".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::store::sqlite {

/// The numbers known to be on disk. Thread-safe; only the committer adds.
class Parameters {
 public:
  /// The number of one type's parameter; nothing when no row was ever written for it.
  std::optional<std::int64_t> find(std::string_view type, std::string_view code) const;
  void add(std::string_view type, std::string_view code, std::int64_t number);
  /// Takes back a number whose transaction was rolled back.
  void remove(std::string_view type, std::string_view code);
  /// Every code of a type, and its number.
  std::vector<std::pair<std::string, std::int64_t>> of_type(std::string_view type) const;
  std::int64_t next() const;  ///< One more than the highest.

 private:
  using Name = std::pair<std::string, std::string>;
  struct Less {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(A const& a, B const& b) const {
      return std::pair<std::string_view, std::string_view>(a) <
             std::pair<std::string_view, std::string_view>(b);
    }
  };

  mutable std::shared_mutex mutex_;
  std::map<Name, std::int64_t, Less> numbers_;
  std::int64_t highest_ = 0;
};

}  // namespace gateway::store::sqlite
