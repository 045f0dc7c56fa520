#include "gateway/store/sqlite/wal_buffer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace gateway::store::sqlite {
namespace {

constexpr std::size_t kGathered = std::size_t{1} << 20;
constexpr std::size_t kWritten = std::size_t{1} << 16;  // at once: SQLite's own files take less than 128 KiB

/// A write-ahead log with the end that is not written yet.
struct Log {
  sqlite3_file base{};
  sqlite3_file* file = nullptr;  // behind this struct, as the default VFS made it
  std::vector<char> waiting;
  sqlite3_int64 begin = 0;  // of what waits

  sqlite3_int64 end() const { return begin + static_cast<sqlite3_int64>(waiting.size()); }

  /// What cannot be written is forgotten: the commit it belongs to fails and is never named by the index.
  int write_out() {
    int code = SQLITE_OK;
    for (std::size_t at = 0; at < waiting.size() && code == SQLITE_OK; at += kWritten) {
      auto const size = static_cast<int>(std::min(kWritten, waiting.size() - at));
      code = file->pMethods->xWrite(file, waiting.data() + at, size, begin + static_cast<sqlite3_int64>(at));
    }
    waiting.clear();
    return code;
  }
};

Log& log_of(sqlite3_file* file) { return *reinterpret_cast<Log*>(file); }

int close(sqlite3_file* file) {
  Log& log = log_of(file);
  int const written = log.write_out();
  int const closed = log.file->pMethods->xClose(log.file);
  log.~Log();
  return written != SQLITE_OK ? written : closed;
}

int read(sqlite3_file* file, void* into, int size, sqlite3_int64 from) {
  Log& log = log_of(file);
  if (from < log.end() && from + size > log.begin) {
    if (int const code = log.write_out(); code != SQLITE_OK) return code;
  }
  return log.file->pMethods->xRead(log.file, into, size, from);
}

int write(sqlite3_file* file, void const* bytes, int size, sqlite3_int64 at) {
  Log& log = log_of(file);
  auto const count = static_cast<std::size_t>(size);
  if (at != log.end() || log.waiting.size() + count > kGathered) {
    if (int const code = log.write_out(); code != SQLITE_OK) return code;
    log.begin = at;
  }
  auto const* const first = static_cast<char const*>(bytes);
  try {
    log.waiting.insert(log.waiting.end(), first, first + count);
  } catch (std::bad_alloc const&) {
    return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_OK;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (int const code = log_of(file).write_out(); code != SQLITE_OK) return code;
  return log_of(file).file->pMethods->xTruncate(log_of(file).file, size);
}

int sync(sqlite3_file* file, int flags) {
  if (int const code = log_of(file).write_out(); code != SQLITE_OK) return code;
  return log_of(file).file->pMethods->xSync(log_of(file).file, flags);
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  Log& log = log_of(file);
  int const code = log.file->pMethods->xFileSize(log.file, size);
  if (!log.waiting.empty()) *size = std::max(*size, log.end());
  return code;
}

int lock(sqlite3_file* file, int level) {
  return log_of(file).file->pMethods->xLock(log_of(file).file, level);
}
int unlock(sqlite3_file* file, int level) {
  return log_of(file).file->pMethods->xUnlock(log_of(file).file, level);
}
int is_reserved(sqlite3_file* file, int* answer) {
  return log_of(file).file->pMethods->xCheckReservedLock(log_of(file).file, answer);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return log_of(file).file->pMethods->xFileControl(log_of(file).file, operation, argument);
}
int sector_size(sqlite3_file* file) { return log_of(file).file->pMethods->xSectorSize(log_of(file).file); }
int characteristics(sqlite3_file* file) {
  return log_of(file).file->pMethods->xDeviceCharacteristics(log_of(file).file);
}

// Version 1: a log is neither mapped nor has it shared memory of its own.
constexpr sqlite3_io_methods kMethods = [] {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;
  methods.xClose = close;
  methods.xRead = read;
  methods.xWrite = write;
  methods.xTruncate = truncate;
  methods.xSync = sync;
  methods.xFileSize = file_size;
  methods.xLock = lock;
  methods.xUnlock = unlock;
  methods.xCheckReservedLock = is_reserved;
  methods.xFileControl = control;
  methods.xSectorSize = sector_size;
  methods.xDeviceCharacteristics = characteristics;
  return methods;
}();

sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

int open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out_flags) {
  if ((flags & SQLITE_OPEN_WAL) == 0) return below(vfs)->xOpen(below(vfs), name, file, flags, out_flags);
  auto* const log = new (file) Log;
  log->file = reinterpret_cast<sqlite3_file*>(log + 1);
  std::memset(log->file, 0, static_cast<std::size_t>(below(vfs)->szOsFile));
  int const code = below(vfs)->xOpen(below(vfs), name, log->file, flags, out_flags);
  if (code == SQLITE_OK) {
    log->base.pMethods = &kMethods;
  } else {
    log->~Log();
    file->pMethods = nullptr;
  }
  return code;
}

}  // namespace

char const* gathering_vfs() {
  struct Named {
    std::string name;
    sqlite3_vfs vfs;
  };
  // One upon each VFS that was the default at some time.
  static std::mutex mutex;
  static std::map<sqlite3_vfs*, Named> made;
  std::lock_guard const lock(mutex);
  sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
  if (system == nullptr) return nullptr;
  auto const [entry, is_new] = made.try_emplace(system);
  auto& [name, vfs] = entry->second;
  if (is_new) {
    name = std::string("gathering-") + system->zName;
    vfs = *system;
    vfs.zName = name.c_str();
    vfs.pAppData = system;
    vfs.szOsFile = static_cast<int>(sizeof(Log)) + system->szOsFile;
    vfs.xOpen = open;
  }
  return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? name.c_str() : nullptr;
}

}  // namespace gateway::store::sqlite
