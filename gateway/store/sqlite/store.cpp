// The Store on SQLite: connections, migrations, the side file, and the full check.
#include "gateway/store/hash.hpp"
#include "gateway/store/migrations.hpp"
#include "gateway/store/sqlite/committer.hpp"
#include "gateway/store/sqlite/side_file.hpp"
#include "gateway/store/sqlite/unit.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace gateway::store::sqlite {
namespace {

constexpr std::size_t kIdleReadersMax = 16;
constexpr std::size_t kReaderCacheMib = 8;
constexpr std::chrono::seconds kSideFileEvery{1};

constexpr std::string_view kBegin = "BEGIN";
constexpr std::string_view kRollback = "ROLLBACK";
constexpr char const* kCreateMigrations =
    "CREATE TABLE IF NOT EXISTS schema_migration (name TEXT NOT NULL PRIMARY KEY)";
constexpr std::string_view kSelectMigrations = "SELECT name FROM schema_migration ORDER BY name";
constexpr std::string_view kInsertMigration = "INSERT INTO schema_migration (name) VALUES ($1)";
constexpr std::string_view kSelectParameters = "SELECT param, type, code FROM search_param";

constexpr std::string_view kIntegrityCheck = "PRAGMA integrity_check";
constexpr std::string_view kSelectEveryVersion = R"(
  SELECT v.type, r.id, v.version_id, v.last_updated, v.commit_seq, v.deleted, v.source, v.interaction, v.crc32c,
         v.content, v.journal_id
  FROM resource_version v LEFT JOIN resource r ON r.resource_key = v.resource_key
  ORDER BY v.version_key)";
constexpr std::string_view kSelectEveryEvent =
    "SELECT record_id, seq, body, hash FROM record_event ORDER BY record_id, seq";

/// A reading connection and the view that its open transaction has.
struct View {
  Database database;
  StoreState state;
};

/// Reading connections between uses. Each keeps its view open, for whoever comes before the next commit: to
/// begin one costs locks and a look at the WAL's index. Open views hold back a checkpoint, so that while one
/// runs none is kept.
class ReadPool {
 public:
  ReadPool(std::string path, Shared& shared) : path_(std::move(path)), shared_(shared) {}

  /// A view of commit `newest` or later.
  fhir::Result<View> take(std::int64_t newest) {
    for (;;) {
      auto view = take_idle();
      if (!view) break;
      if (view->state.commit_seq >= newest) return std::move(*view);
      if (end_view(view->database)) return begin(std::move(view->database));
    }
    FHIR_TRY(auto database, Database::open(path_, false, kReaderCacheMib));
    return begin(std::move(database));
  }

  void give_back(View view) {
    if (shared_.failed.load(std::memory_order_acquire)) view.database.keep_wal();
    if (!view.database.in_transaction()) return;  // an error ended it: not fit to be used again
    std::lock_guard const lock(mutex_);
    if (checkpointing_) {
      if (!end_view(view.database)) return;
      view.state = {kNoView, 0, 0};
    }
    if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(view));
  }

  void checkpoint(bool begins) {
    std::lock_guard const lock(mutex_);
    checkpointing_ = begins;
    if (!begins) return;
    std::vector<View> ended;
    for (auto& view : idle_) {
      if (end_view(view.database)) ended.push_back({std::move(view.database), {kNoView, 0, 0}});
    }
    idle_ = std::move(ended);
  }

  /// None of them checkpoints when it closes.
  void keep_wal() {
    std::lock_guard const lock(mutex_);
    for (auto& view : idle_) view.database.keep_wal();
  }

 private:
  static constexpr std::int64_t kNoView = -1;

  std::optional<View> take_idle() {
    std::lock_guard const lock(mutex_);
    if (idle_.empty()) return std::nullopt;
    std::optional<View> view(std::move(idle_.back()));
    idle_.pop_back();
    return view;
  }

  static fhir::Result<View> begin(Database database) {
    FHIR_CHECK(database.prepare(kBegin).run());
    FHIR_TRY(auto const state, read_state(database));
    return View{std::move(database), state};
  }

  static bool end_view(Database& database) {
    return !database.in_transaction() || database.prepare(kRollback).run().has_value();
  }

  std::string const path_;
  Shared& shared_;
  std::mutex mutex_;
  std::vector<View> idle_;
  bool checkpointing_ = false;
};

/// A connection for as long as this lives; then it goes back.
struct Lease {
  Lease(std::shared_ptr<ReadPool> from, View taken) : pool(std::move(from)), view(std::move(taken)) {}
  Lease(Lease const&) = delete;
  Lease& operator=(Lease const&) = delete;
  ~Lease() { pool->give_back(std::move(view)); }

  std::shared_ptr<ReadPool> pool;
  View view;
};

/// Holds the connection that the Reader beside it in PooledSnapshot refers to.
struct LeaseHolder {
  std::unique_ptr<Lease> lease;
};

class PooledSnapshot final : private LeaseHolder, public Reader {
 public:
  PooledSnapshot(std::unique_ptr<Lease> taken, Shared& shared)
      : LeaseHolder{std::move(taken)},
        Reader(lease->view.database, shared, lease->view.state.commit_seq, lease->view.state.purged_seq) {}
};

fhir::Result<std::int64_t> migrate(Database& database) {
  FHIR_CHECK(database.execute(kCreateMigrations));
  std::set<std::string, std::less<>> done;
  {
    auto statement = database.prepare(kSelectMigrations);
    for (;;) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) break;
      done.emplace(statement.text(0));
    }
  }
  std::int64_t run = 0;
  for (auto const& migration : migrations()) {
    if (auto const known = done.find(migration.name); known != done.end()) {
      done.erase(known);
      continue;
    }
    FHIR_CHECK(database.execute("BEGIN IMMEDIATE"));
    FHIR_CHECK(database.execute(std::string(migration.sql).c_str()));
    {
      auto statement = database.prepare(kInsertMigration);
      statement.bind(1, migration.name);
      FHIR_CHECK(statement.run());
    }
    FHIR_CHECK(database.execute("COMMIT"));
    ++run;
  }
  if (!done.empty())
    return fhir::error(fhir::IssueType::exception,
                       fmt::format("The database has the schema of a newer version ({}).", *done.begin()));
  return run;
}

fhir::Result<void> use_wal(Database& database) {
  auto statement = database.prepare("PRAGMA journal_mode = WAL");
  FHIR_TRY(bool const answered, statement.step());
  if (!answered || statement.text(0) != "wal")
    return fhir::error(fhir::IssueType::exception,
                       "The database file cannot be used with a write-ahead log.");
  return {};
}

fhir::Result<void> load_parameters(Database& database, Parameters& parameters) {
  auto statement = database.prepare(kSelectParameters);
  for (;;) {
    FHIR_TRY(bool const more, statement.step());
    if (!more) return {};
    parameters.add(statement.text(1), statement.text(2), statement.integer(0));
  }
}

class SqliteStore final : public Store {
 public:
  SqliteStore(SideFile side_file, Database writer, IndexWriter index, std::unique_ptr<Shared> shared,
              SqliteOptions const& options, ClockMs clock, StoreState const& state)
      : side_file_(std::move(side_file)),
        shared_(std::move(shared)),
        pool_(std::make_shared<ReadPool>(options.path, *shared_)),
        clock_(clock),
        committer_(std::move(writer), index, *shared_, options, std::move(clock), state),
        side_file_thread_([this] { keep_side_file(); }) {
    committer_.on_checkpoint([pool = pool_](bool begins) { pool->checkpoint(begins); });
  }

  ~SqliteStore() override {
    {
      std::lock_guard const lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_one();
    side_file_thread_.join();
    committer_.stop();
    if (shared_->failed.load(std::memory_order_acquire)) pool_->keep_wal();
    write_side_file(committer_.last_commit_seq());
  }

  fhir::Result<std::unique_ptr<Snapshot>> snapshot() override {
    FHIR_TRY(auto reader, read_view());
    return std::unique_ptr<Snapshot>(std::move(reader));
  }

  void commit(Compute compute, Committed done) override {
    if (!accepts_writes()) {
      done(fhir::error(fhir::IssueType::no_store, "The store is read only until it is restarted."));
      return;
    }
    auto set = compute_on_snapshot(compute);
    if (!set) {
      done(std::move(set).error());
    } else if (!set->writes()) {
      done(unchanged_receipt(*set));
    } else {
      Job job{std::move(compute), std::move(done), std::move(*set)};
      if (!committer_.enqueue(job))
        job.done(fhir::error(fhir::IssueType::throttled,
                             "Too many changes wait to be stored; try again shortly."));
    }
  }

  void on_commit(std::function<void(std::int64_t)> listener) override {
    committer_.on_commit(std::move(listener));
  }

  void wait_until_idle() override { committer_.wait_until_idle(); }
  StoreStats stats() const override { return committer_.stats(); }
  bool accepts_writes() const override { return committer_.accepts_writes(); }

  fhir::Issues check() override {
    fhir::Issues issues;
    auto view = read_view();
    if (!view) return {std::move(view).error()};
    auto& database = (*view)->database();
    for (auto const step : {&SqliteStore::check_integrity, &SqliteStore::check_chains}) {
      if (auto done = (this->*step)(database, issues); !done) issues.push_back(std::move(done).error());
    }
    if (auto done = check_versions(**view, issues); !done) issues.push_back(std::move(done).error());
    return issues;
  }

 private:
  fhir::Result<std::unique_ptr<Reader>> read_view() {
    FHIR_TRY(auto taken, pool_->take(committer_.last_commit_seq()));
    auto lease = std::make_unique<Lease>(pool_, std::move(taken));
    return std::unique_ptr<Reader>(std::make_unique<PooledSnapshot>(std::move(lease), *shared_));
  }

  fhir::Result<ChangeSet> compute_on_snapshot(Compute const& compute) {
    FHIR_TRY(auto reader, read_view());
    return compute_unit(*reader, clock_(), compute);
  }

  fhir::Result<void> check_integrity(Database& database, fhir::Issues& issues) {
    auto statement = database.prepare(kIntegrityCheck);
    for (;;) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) return {};
      if (statement.text(0) != "ok")
        issues.push_back(fhir::error(fhir::IssueType::exception, std::string(statement.text(0))));
    }
  }

  fhir::Result<void> check_versions(Reader& reader, fhir::Issues& issues) {
    auto statement = reader.database().prepare(kSelectEveryVersion);
    for (;;) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) return {};
      if (auto version = reader.version_in(statement); !version) issues.push_back(std::move(version).error());
    }
  }

  /// Each record's events count from 1 without gaps, and each hash is over the one before.
  fhir::Result<void> check_chains(Database& database, fhir::Issues& issues) {
    auto statement = database.prepare(kSelectEveryEvent);
    EventRow last;
    for (;;) {
      FHIR_TRY(bool const more, statement.step());
      if (!more) return {};
      if (statement.text(0) != last.record_id) last = EventRow{std::string(statement.text(0)), 0, {}, {}, 0};
      auto const hash = chain_hash(last.hash, statement.text(2));
      if (statement.integer(1) != last.seq + 1 || statement.text(3) != hash)
        issues.push_back(fhir::error(
            fhir::IssueType::exception,
            fmt::format("The chain of record {} breaks at event {}.", last.record_id, statement.integer(1))));
      last.seq = statement.integer(1);
      last.hash = statement.text(3);
    }
  }

  /// Once a second while there is something new. A failed write leaves the older number: the next start then
  /// expects less than it could, and never refuses wrongly.
  void keep_side_file() {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, kSideFileEvery, [&] { return stopping_; })) {
      auto const last = committer_.last_commit_seq();
      lock.unlock();
      write_side_file(last);
      lock.lock();
    }
  }

  void write_side_file(std::int64_t commit_seq) {
    if (commit_seq > side_file_.commit_seq()) (void)side_file_.write(commit_seq);
  }

  SideFile side_file_;
  std::unique_ptr<Shared> shared_;
  std::shared_ptr<ReadPool> pool_;
  ClockMs const clock_;
  Committer committer_;

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread side_file_thread_;
};

/// A view with a connection of its own, beside whichever process has the store open.
struct OwnConnection {
  explicit OwnConnection(Database opened) : database(std::move(opened)) {}
  Database database;
  Shared shared;
};
class StandaloneSnapshot final : private std::unique_ptr<OwnConnection>, public Reader {
 public:
  StandaloneSnapshot(std::unique_ptr<OwnConnection> own, StoreState const& state)
      : std::unique_ptr<OwnConnection>(std::move(own)),
        Reader(connection().database, connection().shared, state.commit_seq, state.purged_seq) {}

 private:
  OwnConnection& connection() { return **static_cast<std::unique_ptr<OwnConnection>*>(this); }
};

}  // namespace
}  // namespace gateway::store::sqlite

namespace gateway::store {

fhir::Result<std::unique_ptr<Snapshot>> open_sqlite_view(SqliteOptions const& options) {
  using namespace sqlite;
  FHIR_TRY(auto database, Database::open(options.path, false, options.page_cache_mib));
  auto own = std::make_unique<OwnConnection>(std::move(database));
  FHIR_CHECK(own->database.execute("BEGIN"));
  FHIR_TRY(auto const state, read_state(own->database));
  FHIR_CHECK(load_parameters(own->database, own->shared.parameters));
  return std::unique_ptr<Snapshot>(std::make_unique<StandaloneSnapshot>(std::move(own), state));
}

fhir::Result<std::unique_ptr<Store>> open_sqlite(SqliteOptions const& options, ClockMs clock) {
  using namespace sqlite;
  FHIR_TRY(auto side_file, SideFile::open(options.path + ".seq"));
  FHIR_TRY(auto writer, Database::open(options.path, true, options.page_cache_mib));
  FHIR_CHECK(use_wal(writer));
  FHIR_CHECK(writer.execute("PRAGMA synchronous = FULL"));
  FHIR_CHECK(migrate(writer));
  FHIR_TRY(auto const state, read_state(writer));
  if (state.commit_seq < side_file.commit_seq()) {
    writer.keep_wal();
    return fhir::error(
        fhir::IssueType::exception,
        fmt::format(
            "The database {} ends at commit {}, but commit {} was on disk: commits are lost. Restore it, or "
            "delete {}.seq to accept the loss.",
            options.path, state.commit_seq, side_file.commit_seq(), options.path));
  }
  auto shared = std::make_unique<Shared>();
  FHIR_CHECK(load_parameters(writer, shared->parameters));
  FHIR_TRY(auto const index, IndexWriter::make(writer));
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(
      std::move(side_file), std::move(writer), index, std::move(shared), options, std::move(clock), state));
}

}  // namespace gateway::store
