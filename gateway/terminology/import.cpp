#include "gateway/store/sqlite/database.hpp"
#include "gateway/terminology/index.hpp"
#include "gateway/terminology/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace gateway::terminology {

namespace fs = std::filesystem;

namespace {

using fhir::IssueType;
using fhir::Result;
using fhir::terminology::Release;
using fhir::terminology::ReleaseFile;
using store::sqlite::Database;

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::string_view kFullySpecified = "900000000000003001";
constexpr std::string_view kSynonym = "900000000000013009";

constexpr std::string_view kInsertConcept =
    "INSERT INTO concept(id, code, display, inactive) VALUES ($1, $2, $3, $4) ON CONFLICT(code) DO NOTHING";
constexpr std::string_view kInsertDesignation = R"(
  INSERT INTO designation(release_id, concept, language, use_code, value)
  SELECT $1, id, $3, $4, $5 FROM concept WHERE code = $2)";
constexpr std::string_view kPrefer = R"(
  UPDATE designation SET preferred = min(coalesce(preferred, $2), $2) WHERE release_id = $1)";
constexpr std::string_view kInsertParent = R"(
  INSERT OR IGNORE INTO edge(child, parent)
  SELECT below.id, above.id FROM concept below, concept above WHERE below.code = $1 AND above.code = $2)";
constexpr std::string_view kInsertProperty = R"(
  INSERT INTO property(concept, code, type, value) SELECT id, $2, $3, $4 FROM concept WHERE code = $1)";
constexpr std::string_view kInsertAbout = "INSERT OR REPLACE INTO about(name, value) VALUES ($1, $2)";
// The preferred synonym, of the best language; else any synonym; else the fully specified name.
constexpr std::string_view kNameConcepts = R"(
  UPDATE concept SET display = coalesce((
    SELECT value FROM designation WHERE concept = concept.id
    ORDER BY use_code <> $1, coalesce(preferred, 99), use_code <> $2, rowid LIMIT 1), '')
  WHERE display = '')";

class Importer : public fhir::terminology::ReleaseSink {
 public:
  explicit Importer(Database& database) : database_(database) {}

  Result<void> add_concept(std::string_view code, std::string_view display, bool inactive) override {
    auto insert = database_.prepare(kInsertConcept);
    insert.bind(1, report.concepts).bind(2, code).bind(3, display).bind(4, std::int64_t{inactive});
    FHIR_CHECK(insert.run());
    report.concepts += database_.rows_changed();
    return {};
  }
  Result<void> add_designation(std::string_view id, std::string_view concept_code, std::string_view language,
                               std::string_view use, std::string_view value) override {
    auto insert = database_.prepare(kInsertDesignation);
    insert.bind(1, id).bind(2, concept_code).bind(3, language).bind(4, use).bind(5, value);
    return count(insert, report.designations);
  }
  Result<void> prefer(std::string_view id, int rank) override {
    auto update = database_.prepare(kPrefer);
    update.bind(1, id).bind(2, std::int64_t{rank});
    std::int64_t preferred = 0;
    return count(update, preferred);
  }
  Result<void> add_parent(std::string_view child, std::string_view parent) override {
    auto insert = database_.prepare(kInsertParent);
    insert.bind(1, child).bind(2, parent);
    return count(insert, report.parents);
  }
  Result<void> add_property(std::string_view concept_code, std::string_view property, std::string_view type,
                            std::string_view value) override {
    auto insert = database_.prepare(kInsertProperty);
    insert.bind(1, concept_code).bind(2, property).bind(3, type).bind(4, value);
    return count(insert, report.properties);
  }
  void note_version(std::string_view version) override {
    if (is_newer(version, report.version)) report.version = version;
  }

  ImportReport report;

 private:
  Result<void> count(store::sqlite::Statement& statement, std::int64_t& rows) {
    FHIR_CHECK(statement.run());
    std::int64_t const changed = database_.rows_changed();
    rows += changed;
    if (changed == 0) ++report.unresolved;
    return {};
  }

  /// "2.100" is newer than "2.77"; dates in urls compare as text.
  static bool is_newer(std::string_view left, std::string_view right) {
    if (left.size() != right.size() && left.find('/') == std::string_view::npos)
      return left.size() > right.size();
    return left > right;
  }

  Database& database_;
};

struct Opened {
  fs::path path;
  std::unique_ptr<ReleaseFile> reader;
};

Result<std::vector<Opened>> open_files(Release release, fs::path const& folder, Importer& importer) {
  std::vector<fs::path> candidates;
  std::error_code failed;
  if (fs::is_regular_file(folder, failed)) {
    candidates.push_back(folder);
  } else {
    for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed)) {
      if (at->is_regular_file()) candidates.push_back(at->path());
    }
  }
  if (failed)
    return fhir::error(IssueType::not_found, "The folder of the release cannot be read", {}, folder.string());
  std::ranges::sort(candidates);
  std::vector<Opened> files;
  for (fs::path const& path : candidates) {
    auto reader = fhir::terminology::open_release_file(release, path.filename().string(), importer);
    if (reader) files.push_back({path, std::move(reader)});
  }
  std::ranges::stable_sort(files, {}, [](Opened const& file) { return file.reader->order(); });
  if (files.empty() || files.front().reader->order() != 0) {
    return fhir::error(IssueType::not_found, "There is no file with the concepts of that release", {},
                       folder.string());
  }
  return files;
}

Result<void> read_file(Opened& file) {
  std::ifstream in(file.path, std::ios::binary);
  std::string piece(kPieceBytes, '\0');
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    FHIR_CHECK(file.reader->feed(std::string_view(piece).substr(0, static_cast<std::size_t>(in.gcount()))));
  }
  if (in.bad()) return fhir::error(IssueType::exception, "The file cannot be read", {}, file.path.string());
  return file.reader->finish();
}

Result<void> write_about(Database& database, std::string_view name, std::string_view value) {
  auto insert = database.prepare(kInsertAbout);
  insert.bind(1, name).bind(2, value);
  return insert.run();
}

Result<ImportReport> fill(Release release, fs::path const& folder, Database& database,
                          std::string_view version) {
  FHIR_CHECK(database.execute("PRAGMA synchronous = OFF"));  // the file is given up when anything fails
  FHIR_CHECK(database.execute("BEGIN"));
  FHIR_CHECK(database.execute(kSchema));
  Importer importer(database);
  FHIR_TRY(auto files, open_files(release, folder, importer));
  for (Opened& file : files) {
    FHIR_CHECK(read_file(file));
    ++importer.report.files;
  }
  auto name = database.prepare(kNameConcepts);
  name.bind(1, kSynonym).bind(2, kFullySpecified);
  FHIR_CHECK(name.run());
  if (!version.empty()) importer.report.version = version;
  importer.report.url = fhir::terminology::url_of(release);
  FHIR_CHECK(write_about(database, "form", kForm));
  FHIR_CHECK(write_about(database, "url", importer.report.url));
  FHIR_CHECK(write_about(database, "version", importer.report.version));
  FHIR_CHECK(database.execute(kIndexes));
  FHIR_CHECK(database.execute("COMMIT"));
  return std::move(importer.report);
}

void remove_database(fs::path const& path) {
  std::error_code ignored;
  for (char const* const tail : {"", "-wal", "-shm", "-journal"}) fs::remove(path.string() + tail, ignored);
}

}  // namespace

Result<ImportReport> import_release(Release release, fs::path const& folder, fs::path const& index,
                                    std::string_view version) {
  fs::path const part = index.string() + ".part";
  remove_database(part);
  Result<ImportReport> report = [&]() -> Result<ImportReport> {
    FHIR_TRY(Database database, Database::open(part.string(), true, 64));
    FHIR_CHECK(database.execute("PRAGMA journal_mode = DELETE"));
    FHIR_CHECK(database.execute(
        "PRAGMA temp_store = FILE"));  // sorting a whole release needs more than memory should give
    return fill(release, folder, database, version);
  }();
  if (!report) {
    remove_database(part);
    return report;
  }
  std::error_code failed;
  fs::rename(part, index, failed);
  if (failed)
    return fhir::error(IssueType::exception, "The index cannot be put in place: " + failed.message(), {},
                       index.string());
  return report;
}

}  // namespace gateway::terminology
