/// Gathers what SQLite appends to its write-ahead log into few large writes.
///
/// SQLite writes each page of a commit by two calls, the head of its frame and its bytes: some three thousand
/// for a group of sixty messages. Nobody reads them before the sync that follows, since the index of the log
/// names them only then (sqlite.org/walformat.html, section 2), so they may as well wait for it in memory.
/// For connections with synchronous=FULL: with less, a commit is not synced.
#pragma once

namespace gateway::store::sqlite {

/// The name of a VFS ("The OS Interface", sqlite.org/vfs.html) like the default one, whose write-ahead logs
/// are gathered until they are synced, read or cut. nullptr, the default one, where SQLite has none to build
/// on.
char const* gathering_vfs();

}  // namespace gateway::store::sqlite
