#include "gateway/rest/operations/stored_terminology.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/search/query.hpp"

namespace gateway::rest {

using fhir::terminology::Found;

namespace {

/// search.html#escaping
std::string escaped(std::string_view value) {
  std::string out;
  for (char const c : value) {
    if (c == '\\' || c == ',' || c == '|' || c == '$') out += '\\';
    out += c;
  }
  return out;
}

constexpr std::uint32_t kVersionsMax = 100;  // of one canonical url
constexpr std::uint32_t kMapsMax = 1000;

}  // namespace

fhir::Result<Found> StoredTerminology::found(store::Version const& version) {
  FHIR_TRY(auto document, fhir::json::read_document(version.content));
  auto const shared = std::make_shared<fhir::json::Document const>(std::move(document));
  std::string key = "stored:" + version.type + '/' + version.id + '/' + std::to_string(version.version_id);
  return Found{fhir::terminology::SharedElement(shared, &shared->root), std::move(key)};
}

std::vector<store::Version> StoredTerminology::search(std::string_view type, std::string const& query) const {
  std::vector<store::Version> versions;
  auto parsed = fhir::search::parse_query(type, query, fhir::search::Handling::strict);
  if (!parsed) return versions;
  parsed->count = query.empty() ? kMapsMax : kVersionsMax;
  auto page = snapshot_.search(policy_, *parsed);
  if (!page) {
    failure_ = page.error();
    return versions;
  }
  for (auto& entry : page->entries) versions.push_back(std::move(entry.version));
  return versions;
}

std::optional<Found> StoredTerminology::find(std::string_view type, std::string_view url,
                                             std::string_view version) const {
  std::optional<Found> best;
  std::string query = "url=" + fhir::search::percent_encode(escaped(url));
  for (store::Version const& stored : search(type, query)) {
    auto candidate = found(stored);
    if (!candidate) continue;
    std::string_view const its_version = candidate->resource->text_at("version");
    if (!version.empty() && its_version != version) continue;
    if (best && !fhir::packages::is_older(best->resource->text_at("version"), its_version)) continue;
    best = *std::move(candidate);
  }
  return best ? best : library_.find(type, url, version);
}

std::shared_ptr<fhir::terminology::CodeSystem const> StoredTerminology::external(
    std::string_view url, std::string_view version) const {
  return releases_ == nullptr ? nullptr : releases_->find(url, version);
}

std::vector<Found> StoredTerminology::concept_maps() const {
  std::vector<Found> all;
  for (store::Version const& stored : search("ConceptMap", "")) {
    if (auto one = found(stored)) all.push_back(*std::move(one));
  }
  for (Found& one : library_.concept_maps()) all.push_back(std::move(one));
  return all;
}

}  // namespace gateway::rest
