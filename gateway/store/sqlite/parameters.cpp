#include "gateway/store/sqlite/parameters.hpp"

#include <algorithm>
#include <mutex>

namespace gateway::store::sqlite {

std::optional<std::int64_t> Parameters::find(std::string_view type, std::string_view code) const {
  std::shared_lock const lock(mutex_);
  auto const found = numbers_.find(std::pair(type, code));
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

void Parameters::add(std::string_view type, std::string_view code, std::int64_t number) {
  std::unique_lock const lock(mutex_);
  numbers_.emplace(Name(type, code), number);
  highest_ = std::max(highest_, number);
}

void Parameters::remove(std::string_view type, std::string_view code) {
  std::unique_lock const lock(mutex_);
  auto const found = numbers_.find(std::pair(type, code));
  if (found != numbers_.end()) numbers_.erase(found);
}

std::vector<std::pair<std::string, std::int64_t>> Parameters::of_type(std::string_view type) const {
  std::shared_lock const lock(mutex_);
  std::vector<std::pair<std::string, std::int64_t>> found;
  for (auto at = numbers_.lower_bound(std::pair(type, std::string_view())); at != numbers_.end(); ++at) {
    if (at->first.first != type) break;
    found.emplace_back(at->first.second, at->second);
  }
  return found;
}

std::int64_t Parameters::next() const {
  std::shared_lock const lock(mutex_);
  return highest_ + 1;
}

}  // namespace gateway::store::sqlite
