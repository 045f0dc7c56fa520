/// What every interaction works with. One per Api; shared by all threads, so everything here is thread-safe.
#pragma once

#include "gateway/conformance/judge.hpp"
#include "gateway/intake/tables.hpp"
#include "gateway/intake/writer.hpp"
#include "gateway/net/asio.hpp"
#include "gateway/rest/page_token.hpp"
#include "gateway/store/store.hpp"
#include "gateway/terminology/index.hpp"
#include "gateway/terminology/remote.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace gateway::rest {

using conformance::Judge;
using conformance::Judging;

/// Runs a job where it may take its time and resumes the caller at home (style.md section 6, "run_on").
using RunOnPool = std::function<net::asio::awaitable<void>(std::function<void()>)>;

struct Settings {
  std::string base_url = "http://127.0.0.1:8080/fhir";  ///< As clients see it, without a slash at the end.
  std::string base_path = "/fhir";                      ///< What a request's path starts with.
  std::uint32_t page_entries = 50;                      // a screen or two; clients ask for more by _count
  std::uint32_t page_entries_max = 1000;                // about 2 MB of resources in one answer
  std::uint32_t bundle_entries_max = 10'000;            // the largest Synthea patient has half of that
  std::int64_t page_life_ms = 3'600'000;  // as long as the store keeps what an old page needs (SqliteOptions)
  std::string software_version = "0.1.0";
};

/// The CapabilityStatement, made when it is first asked for.
struct CapabilityCache {
  std::mutex mutex;
  std::string bytes;
};

struct Context {
  store::Store& store;
  intake::Writer& writer;
  store::ClockMs clock;
  store::IdSource ids;
  RunOnPool run_on_pool;
  Settings settings;
  PageTokens tokens;
  std::int64_t started_ms;
  std::shared_ptr<CapabilityCache> capabilities;
  std::shared_ptr<intake::LiveTables> tables = {};     ///< For $provenance; null: it is not served.
  std::shared_ptr<intake::TableArchive> archive = {};  ///< With tables.
  std::shared_ptr<conformance::Definitions const> definitions = {};  ///< Never empty in an Api.
  Judging judging = Judging::structure;  ///< Of what is written by those whom nothing else is said of.
  std::shared_ptr<terminology::ReleaseIndexes const> releases = {};  ///< SNOMED CT and the like; null: none.
  std::shared_ptr<terminology::RemoteServer> remote =
      {};  ///< Asked for what is not known here; null: nobody.

  /// How what that principal writes is judged.
  Judge judge_of(intake::Principal const& principal) const {
    return {principal.judging.value_or(judging), definitions};
  }
};

}  // namespace gateway::rest
