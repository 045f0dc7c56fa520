/// Durable creates through the store against SQLite group commits of the very same rows (design
/// performance.md section 2).
///
/// The ceiling has everything ready: bytes, checksums and index rows, sorted; one thread inserts them by the
/// same statements in groups as large as the number of clients. The store begins with the parsed resource.
/// Prints the median of alternating runs, and the ratio. Usage: store_bench [DIRECTORY]
#include "fhir/json/canonical.hpp"
#include "fhir/json/reader.hpp"
#include "gateway/store/index_rows.hpp"
#include "gateway/store/instant.hpp"
#include "gateway/store/sqlite/index_tables.hpp"
#include "gateway/store/sqlite/reader.hpp"
#include "gateway/store/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <semaphore>
#include <string>
#include <vector>

namespace {

using namespace gateway::store;
using Clock = std::chrono::steady_clock;

constexpr int kRuns = 3;
constexpr std::int64_t kNow = 1'700'000'000'000;

/// About 1.5 kB, with the index rows of an ordinary laboratory result.
std::string resource(int number, std::string const& id) {
  return fmt::format(
      R"({{"resourceType":"Observation","id":"{0}","status":"final","category":[{{"coding":[{{"system":)"
      R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],)"
      R"("identifier":[{{"system":"urn:oid:1.2.3.4","value":"R{1}"}}],"code":{{"coding":[{{"system":"http://loinc.org",)"
      R"("code":"{2}-7","display":"Analyte {2}"}}]}},"subject":{{"reference":"Patient/p{3}"}},"encounter":)"
      R"({{"reference":"Encounter/e{3}"}},"effectiveDateTime":"2024-03-{4:02}T10:00:00Z","valueQuantity":{{"value":{5}.4,)"
      R"("unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}},"note":[{{"text":"{6}"}}]}})",
      id, number, number % 300, number % 1000, 1 + number % 28, number % 50, std::string(850, 'n'));
}

std::vector<std::string> resources(int count) {
  auto const next_id = random_ids();
  std::vector<std::string> all;
  for (int number = 0; number < count; ++number) all.push_back(resource(number, next_id()));
  return all;
}

double per_second(int count, Clock::time_point start) {
  return count / std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void stop(fhir::Issue const& issue) {
  fmt::print(stderr, "{}\n", fhir::to_line(issue));
  std::exit(1);
}

template <class T>
T must(fhir::Result<T> result) {
  if (!result) stop(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::unique_ptr<Store> fresh_store(std::string const& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  SqliteOptions options;
  options.path = directory + "/bench.db";
  return must(open_sqlite(options, [] { return kNow; }));
}

double run_store(std::string const& directory, std::vector<std::string> const& all, int clients) {
  auto const store = fresh_store(directory);
  std::counting_semaphore<> free(clients);
  auto const start = Clock::now();
  for (auto const& json : all) {
    free.acquire();
    store->commit(
        [&json](Unit& unit) -> fhir::Result<void> {
          FHIR_TRY(auto const parsed, fhir::json::read(json, unit.arena()));
          FHIR_CHECK(unit.put(parsed, "bench", "POST"));
          return {};
        },
        [&free](fhir::Result<Receipt> receipt) {
          if (!receipt) stop(receipt.error());
          free.release();
        });
  }
  for (int client = 0; client < clients; ++client) free.acquire();
  return per_second(static_cast<int>(all.size()), start);
}

struct ReadyRow {
  std::string id, content;
  std::uint32_t crc = 0;
  std::vector<IndexRow> values;
  std::vector<sqlite::NewRow> index;  // of `values`
};

constexpr std::string_view kInsertResource = "INSERT INTO resource (type, id) VALUES ('Observation', $1)";
constexpr std::string_view kInsertVersion = R"(
  INSERT INTO resource_version (resource_key, version_id, type, last_updated, commit_seq, deleted, source,
                                interaction, crc32c, content)
  VALUES ($1, 1, 'Observation', $2, $3, 0, 'bench', 'POST', $4, $5))";
constexpr std::string_view kUpdateState =
    "UPDATE store_state SET commit_seq = $1, last_updated = $2 WHERE one = 1";

std::vector<ReadyRow> make_ready(std::vector<std::string> const& all) {
  std::map<std::string, std::int64_t> numbers;
  std::vector<ReadyRow> ready;
  for (auto const& json : all) {
    auto const document = must(fhir::json::read_document(json));
    auto& row = ready.emplace_back();
    row.id = document.root.text_at("id");
    row.content = fhir::json::with_version(fhir::json::to_canonical(document.root), "1", to_instant(kNow));
    row.crc = sqlite::crc_of("Observation", row.id, 1, row.content);
    row.values = to_index_rows(document.root);
    auto& updated = row.values.emplace_back();
    updated.table = IndexTable::date;
    updated.code = "_lastUpdated";
    updated.low_ms = kNow;
    updated.high_ms = kNow + 1;
    for (auto const& one : row.values) {
      auto const number =
          numbers.try_emplace(one.code, static_cast<std::int64_t>(numbers.size()) + 1).first->second;
      row.index.push_back({number, static_cast<std::int64_t>(ready.size()), &one});
    }
  }
  return ready;
}

double run_ceiling(std::string const& directory, std::vector<ReadyRow> const& ready, int group) {
  fresh_store(directory).reset();  // the same schema
  auto database = must(sqlite::Database::open(directory + "/bench.db", true, 64));
  must(database.execute("PRAGMA synchronous = FULL"));
  std::int64_t seq = 0;
  auto const start = Clock::now();
  for (std::size_t at = 0; at < ready.size();) {
    must(database.execute("BEGIN IMMEDIATE"));
    ++seq;
    std::vector<sqlite::NewRow> rows;
    for (auto const end = std::min(ready.size(), at + static_cast<std::size_t>(group)); at < end; ++at) {
      auto const& row = ready[at];
      must(database.prepare(kInsertResource).bind(1, std::string_view(row.id)).run());
      must(database.prepare(kInsertVersion)
               .bind(1, database.last_insert_key())
               .bind(2, kNow)
               .bind(3, seq)
               .bind(4, std::int64_t{row.crc})
               .bind(5, std::string_view(row.content))
               .run());
      rows.insert(rows.end(), row.index.begin(), row.index.end());
    }
    std::sort(rows.begin(), rows.end(), sqlite::in_key_order);
    for (auto const& one : rows) must(sqlite::insert_row(database, one, seq));
    must(database.prepare(kUpdateState).bind(1, seq).bind(2, kNow).run());
    must(database.execute("COMMIT"));
  }
  return per_second(static_cast<int>(ready.size()), start);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::string const directory = std::string(argc > 1 ? argv[1] : "/tmp") + "/handoff-store-bench";
  fmt::print("{:>8} {:>14} {:>14} {:>6}\n", "clients", "store/s", "ceiling/s", "ratio");
  for (int const clients : {1, 16, 64}) {
    auto const all = resources(clients == 1 ? 1000 : 6000);
    auto const ready = make_ready(all);
    std::vector<double> store, ceiling;
    for (int run = 0; run < kRuns; ++run) {
      store.push_back(run_store(directory, all, clients));
      ceiling.push_back(run_ceiling(directory, ready, clients));
    }
    fmt::print("{:>8} {:>14.0f} {:>14.0f} {:>6.2f}   ({} index rows, {} bytes each)\n", clients,
               median(store), median(ceiling), median(store) / median(ceiling), ready[0].index.size(),
               ready[0].content.size());
  }
  std::filesystem::remove_all(directory);
}
