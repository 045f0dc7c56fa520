/// A SQLite VFS over the default one that fails on command: the n-th write, the n-th sync, or all from the
/// n-th on.
///
/// "sqlite3_vfs" of sqlite.org/vfs.html; files are the default VFS's own, with their methods wrapped.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstring>
#include <string>

namespace gateway::store {

/// What goes wrong and when; shared by all connections of the process.
struct DiskFaults {
  std::atomic<long> until_failure{-1};  ///< Calls that still succeed; -1: no failure planned.
  std::atomic<bool> for_ever{false};    ///< All calls after the first failing one fail too.
  std::atomic<int> code{SQLITE_IOERR_FSYNC};
  std::atomic<bool> on_sync{true};
  std::atomic<bool> on_write{true};
  std::atomic<long> calls{0};

  void plan(long successes, int failure, bool sticky) {
    code = failure;
    for_ever = sticky;
    until_failure = successes;
  }
  void heal() {
    until_failure = -1;
    for_ever = false;
  }
  /// SQLITE_OK, or the code that this call is to fail with.
  int next() {
    ++calls;
    long left = until_failure.load();
    while (left >= 0) {
      if (left == 0) {
        if (!for_ever) until_failure = -1;
        return code;
      }
      if (until_failure.compare_exchange_weak(left, left - 1)) return SQLITE_OK;
    }
    return SQLITE_OK;
  }
};

inline DiskFaults& disk_faults() {
  static DiskFaults faults;
  return faults;
}

namespace failing_vfs {

/// The default VFS's file follows this one in memory.
struct File {
  sqlite3_file base;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

inline sqlite3_vfs* real_vfs() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}
inline sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real(); }

inline int write(sqlite3_file* file, void const* data, int count, sqlite3_int64 at) {
  if (disk_faults().on_write) {
    if (int const code = disk_faults().next(); code != SQLITE_OK)
      return code == SQLITE_FULL ? code : SQLITE_IOERR_WRITE;
  }
  return real(file)->pMethods->xWrite(real(file), data, count, at);
}

inline int sync(sqlite3_file* file, int flags) {
  if (disk_faults().on_sync) {
    if (int const code = disk_faults().next(); code != SQLITE_OK) return code;
  }
  return real(file)->pMethods->xSync(real(file), flags);
}

inline sqlite3_io_methods const* methods() {
  static sqlite3_io_methods const all = [] {
    sqlite3_io_methods io{};
    io.iVersion = 3;
    io.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
    io.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, n, at);
    };
    io.xWrite = write;
    io.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      return real(f)->pMethods->xTruncate(real(f), size);
    };
    io.xSync = sync;
    io.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return real(f)->pMethods->xFileSize(real(f), size);
    };
    io.xLock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); };
    io.xUnlock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); };
    io.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return real(f)->pMethods->xCheckReservedLock(real(f), out);
    };
    io.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return real(f)->pMethods->xFileControl(real(f), op, arg);
    };
    io.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
    io.xDeviceCharacteristics = [](sqlite3_file* f) {
      return real(f)->pMethods->xDeviceCharacteristics(real(f));
    };
    io.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, to);
    };
    io.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    };
    io.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    io.xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); };
    io.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int n, void** to) {
      return real(f)->pMethods->xFetch(real(f), at, n, to);
    };
    io.xUnfetch = [](sqlite3_file* f, sqlite3_int64 at, void* from) {
      return real(f)->pMethods->xUnfetch(real(f), at, from);
    };
    return io;
  }();
  return &all;
}

inline int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  int const code = real_vfs()->xOpen(real_vfs(), name, real(file), flags, out_flags);
  if (real(file)->pMethods != nullptr) file->pMethods = methods();
  return code;
}

}  // namespace failing_vfs

/// Makes the failing VFS the process's default, once.
inline void install_failing_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs copy = *failing_vfs::real_vfs();
    copy.zName = "failing";
    copy.szOsFile += static_cast<int>(sizeof(failing_vfs::File));
    copy.xOpen = failing_vfs::open;
    return copy;
  }();
  static int const registered = sqlite3_vfs_register(&vfs, 1);
  (void)registered;
}

}  // namespace gateway::store
