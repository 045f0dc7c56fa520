/// The last commit_seq, kept outside the database and synced once a second (design reliability.md, F38).
///
/// A WAL that lost its end opens cleanly with commits gone; a number beside it that is higher tells. The file
/// also carries the lock that keeps a second process away from the database.
#pragma once

#include "fhir/result.hpp"

#include <cstdint>
#include <string>

namespace gateway::store::sqlite {

class SideFile {
 public:
  /// Opens or creates `path` and locks it. Errors: lock_error (another process has it), exception.
  static fhir::Result<SideFile> open(std::string const& path);
  SideFile(SideFile&& other) noexcept;
  SideFile& operator=(SideFile&&) = delete;
  SideFile(SideFile const&) = delete;
  SideFile& operator=(SideFile const&) = delete;
  ~SideFile();

  std::int64_t commit_seq() const { return commit_seq_; }  ///< As last written; 0 in a new file.
  /// Writes and syncs. Two slots take turns, so that a torn write leaves the other.
  fhir::Result<void> write(std::int64_t commit_seq);

 private:
  explicit SideFile(int descriptor) : descriptor_(descriptor) {}
  void read_slots();

  int descriptor_ = -1;
  int next_slot_ = 0;
  std::int64_t commit_seq_ = 0;
};

}  // namespace gateway::store::sqlite
