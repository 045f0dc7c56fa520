#include "gateway/store/sqlite/side_file.hpp"

#include "gateway/store/crc32c.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace gateway::store::sqlite {
namespace {

constexpr int kSlots = 2;
constexpr off_t kSlotBytes = 512;  // one disk sector each
constexpr std::string_view kFormat = "handoff-seq";

/// "handoff-seq 42 crc32c-of-what-precedes\n"
std::string slot_line(std::int64_t commit_seq) {
  auto const head = fmt::format("{} {}", kFormat, commit_seq);
  return fmt::format("{} {}\n", head, crc32c(head));
}

/// The number in a slot; -1 where it is torn, empty or something else.
std::int64_t parse_slot(std::string_view bytes) {
  bytes = bytes.substr(0, bytes.find('\n'));
  auto const second = bytes.rfind(' ');
  auto const first = bytes.find(' ');
  if (first == std::string_view::npos || first == second || bytes.substr(0, first) != kFormat) return -1;
  std::int64_t commit_seq = -1;
  auto const digits = bytes.substr(first + 1, second - first - 1);
  auto const parsed = std::from_chars(digits.data(), digits.data() + digits.size(), commit_seq);
  if (parsed.ec != std::errc{} || slot_line(commit_seq) != std::string(bytes) + '\n') return -1;
  return commit_seq;
}

}  // namespace

fhir::Result<SideFile> SideFile::open(std::string const& path) {
  int const descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fhir::error(fhir::IssueType::exception,
                       fmt::format("Cannot open {}: {}.", path, std::strerror(errno)));
  SideFile file(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    return fhir::error(fhir::IssueType::lock_error, fmt::format("{} is in use by another process.", path));
  file.read_slots();
  return file;
}

SideFile::SideFile(SideFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      next_slot_(other.next_slot_),
      commit_seq_(other.commit_seq_) {}

SideFile::~SideFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SideFile::read_slots() {
  for (int slot = 0; slot < kSlots; ++slot) {
    std::array<char, kSlotBytes> bytes{};
    auto const count = ::pread(descriptor_, bytes.data(), bytes.size(), slot * kSlotBytes);
    if (count <= 0) continue;
    auto const commit_seq = parse_slot({bytes.data(), static_cast<std::size_t>(count)});
    if (commit_seq < commit_seq_) continue;
    commit_seq_ = commit_seq;
    next_slot_ = (slot + 1) % kSlots;
  }
}

fhir::Result<void> SideFile::write(std::int64_t commit_seq) {
  auto const line = slot_line(commit_seq);
  auto const written = ::pwrite(descriptor_, line.data(), line.size(), next_slot_ * kSlotBytes);
  if (written != static_cast<ssize_t>(line.size()) || ::fdatasync(descriptor_) != 0)
    return fhir::error(fhir::IssueType::no_store,
                       fmt::format("The commit number: {}.", std::strerror(errno)));
  next_slot_ = (next_slot_ + 1) % kSlots;
  commit_seq_ = commit_seq;
  return {};
}

}  // namespace gateway::store::sqlite
