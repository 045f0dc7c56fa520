#include "gateway/store/secret.hpp"

#include "gateway/store/sqlite/database.hpp"

#include <openssl/rand.h>

#include <algorithm>

namespace gateway::store {

namespace {

constexpr std::size_t kCacheMib = 1;
constexpr std::string_view kInsertSecret =
    "INSERT INTO secret (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
constexpr std::string_view kSelectSecret = "SELECT bytes FROM secret WHERE name = $1";

}  // namespace

fhir::Result<Secret> load_secret(std::string const& path, std::string_view name) {
  FHIR_TRY(auto database, sqlite::Database::open(path, true, kCacheMib));
  Secret fresh;
  if (RAND_bytes(fresh.data(), static_cast<int>(fresh.size())) != 1)
    return fhir::error(fhir::IssueType::exception, "OpenSSL has no random bytes.");
  {
    auto insert = database.prepare(kInsertSecret);
    insert.bind(1, name).bind_blob(2, {reinterpret_cast<char const*>(fresh.data()), fresh.size()});
    FHIR_CHECK(insert.run());
  }
  auto select = database.prepare(kSelectSecret);
  select.bind(1, name);
  FHIR_TRY(bool const found, select.step());
  Secret kept;
  if (!found || select.text(0).size() != kept.size())
    return fhir::error(fhir::IssueType::exception, "The database's secret is not what was stored.");
  std::ranges::copy(select.text(0), kept.begin());
  return kept;
}

}  // namespace gateway::store
