#include "gateway/store/sqlite/database.hpp"

#include "gateway/store/sqlite/row_lists.hpp"
#include "gateway/store/sqlite/wal_buffer.hpp"

#include <fmt/format.h>

#include <mutex>
#include <utility>

namespace gateway::store::sqlite {
namespace {

constexpr std::size_t kComposedMax = 256;  // shapes of searches kept prepared per connection

// Stands in for a statement that could not be prepared; `code` says why.
constexpr int kNoPosition = 0;

/// Memory statistics take a lock of the whole process at each allocation, and nobody reads them. Has no
/// effect where somebody else in the process began with SQLite first.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

}  // namespace

fhir::Issue issue_of(int code, std::string_view doing) {
  // The WAL's index is memory that happens to be a file: without room for it nothing is lost either.
  auto const primary = code == SQLITE_IOERR_SHMSIZE ? SQLITE_FULL : code & 0xFF;
  auto text = fmt::format("The database answered \"{}\" ({}) while {}.", sqlite3_errstr(code), code, doing);
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
      return fhir::error(fhir::IssueType::transient, std::move(text));
    case SQLITE_FULL:
      return fhir::error(fhir::IssueType::no_store, std::move(text));
    case SQLITE_CONSTRAINT:
      return fhir::error(fhir::IssueType::conflict, std::move(text));
    default:
      return fhir::error(fhir::IssueType::exception, std::move(text));
  }
}

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), prepared_(std::exchange(other.prepared_, nullptr)), code_(other.code_) {}

Statement::~Statement() {
  if (prepared_ == nullptr) return;
  reset();
  prepared_->in_use = false;
}

void Statement::reset() {
  if (prepared_ != nullptr) sqlite3_reset(prepared_->handle);
}

int Statement::position(int number) {
  if (prepared_ == nullptr || number < 1 || static_cast<std::size_t>(number) > prepared_->positions.size()) {
    note(SQLITE_RANGE);
    return kNoPosition;
  }
  return prepared_->positions[static_cast<std::size_t>(number) - 1];
}

void Statement::note(int code) {
  if (code_ == SQLITE_OK) code_ = code;
}

Statement& Statement::bind(int number, std::int64_t value) {
  if (int const at = position(number); at != kNoPosition)
    note(sqlite3_bind_int64(prepared_->handle, at, value));
  return *this;
}

Statement& Statement::bind(int number, double value) {
  if (int const at = position(number); at != kNoPosition)
    note(sqlite3_bind_double(prepared_->handle, at, value));
  return *this;
}

Statement& Statement::bind(int number, std::string_view value) {
  // A null pointer would bind NULL; an empty text is a text.
  char const* data = value.data() == nullptr ? "" : value.data();
  if (int const at = position(number); at != kNoPosition)
    note(sqlite3_bind_text64(prepared_->handle, at, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int number, std::string_view value) {
  char const* data = value.data() == nullptr ? "" : value.data();
  if (int const at = position(number); at != kNoPosition)
    note(sqlite3_bind_blob64(prepared_->handle, at, data, value.size(), SQLITE_STATIC));
  return *this;
}

fhir::Result<bool> Statement::step() {
  if (code_ != SQLITE_OK) return issue_of(code_, "preparing a statement");
  int const code = sqlite3_step(prepared_->handle);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return issue_of(sqlite3_extended_errcode(database_), "running a statement");
}

fhir::Result<void> Statement::run() {
  auto const stepped = step();
  reset();
  if (!stepped) return stepped.error();
  return {};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(prepared_->handle, column); }

double Statement::real(int column) const { return sqlite3_column_double(prepared_->handle, column); }

std::string_view Statement::text(int column) const {
  auto const* data = static_cast<char const*>(sqlite3_column_blob(prepared_->handle, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(prepared_->handle, column))};
}

std::variant<std::monostate, std::int64_t, double, std::string> Statement::value(int column) const {
  switch (sqlite3_column_type(prepared_->handle, column)) {
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return real(column);
    case SQLITE_NULL:
      return std::monostate{};
    default:
      return std::string(text(column));
  }
}

fhir::Result<Database> Database::open(std::string const& path, bool writable, std::size_t cache_mib) {
  configure_once();
  sqlite3* handle = nullptr;
  int const flags =
      (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX;
  int const code = sqlite3_open_v2(path.c_str(), &handle, flags, writable ? gathering_vfs() : nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return issue_of(code, "opening " + path);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  // Checkpoints are the committer's business; an automatic one would swallow a failed sync.
  FHIR_CHECK(database.execute("PRAGMA wal_autocheckpoint = 0"));
  FHIR_CHECK(database.execute(fmt::format("PRAGMA cache_size = -{}", cache_mib * 1024).c_str()));
  FHIR_CHECK(database.execute("PRAGMA cell_size_check = ON"));
  FHIR_CHECK(database.execute("PRAGMA temp_store = MEMORY"));
  if (!writable) FHIR_CHECK(database.execute("PRAGMA query_only = ON"));
  FHIR_CHECK(register_row_lists(database));
  return database;
}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      constants_(std::move(other.constants_)),
      composed_(std::move(other.composed_)) {}

Database::~Database() {
  if (handle_ == nullptr) return;
  for (auto& [key, prepared] : constants_) sqlite3_finalize(prepared.handle);
  for (auto& [key, prepared] : composed_) sqlite3_finalize(prepared.handle);
  sqlite3_close(handle_);
}

int Database::compile(std::string_view sql, Statement::Prepared& prepared) {
  int const code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared.handle, nullptr);
  if (code != SQLITE_OK) return sqlite3_extended_errcode(handle_);
  int const count = sqlite3_bind_parameter_count(prepared.handle);
  for (int number = 1; number <= count; ++number) {
    auto const name = fmt::format("${}", number);
    prepared.positions.push_back(sqlite3_bind_parameter_index(prepared.handle, name.c_str()));
  }
  return SQLITE_OK;
}

Statement Database::prepare(std::string_view constant) {
  auto& prepared = constants_[constant.data()];
  if (prepared.handle == nullptr) {
    if (int const code = compile(constant, prepared); code != SQLITE_OK) return {handle_, nullptr, code};
  }
  if (prepared.in_use) return {handle_, nullptr, SQLITE_MISUSE};
  prepared.in_use = true;
  return {handle_, &prepared, SQLITE_OK};
}

Statement Database::prepare_composed(std::string const& sql) {
  if (composed_.size() >= kComposedMax && !composed_.contains(sql)) {
    std::erase_if(composed_, [](auto& entry) {
      if (entry.second.in_use) return false;
      sqlite3_finalize(entry.second.handle);
      return true;
    });
  }
  auto& prepared = composed_[sql];
  if (prepared.handle == nullptr) {
    if (int const code = compile(sql, prepared); code != SQLITE_OK) return {handle_, nullptr, code};
  }
  if (prepared.in_use) return {handle_, nullptr, SQLITE_MISUSE};
  prepared.in_use = true;
  return {handle_, &prepared, SQLITE_OK};
}

fhir::Result<void> Database::execute(char const* sql) {
  int const code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return issue_of(sqlite3_extended_errcode(handle_), "running a statement");
  return {};
}

}  // namespace gateway::store::sqlite
