/// gateway/rest: the FHIR R4 REST API over HTTP.
///
/// What is served stands in one table (router.cpp); each interaction is a file in interactions/, each
/// operation one in operations/. Reads answer from a store Snapshot, with the principal's access policy, and
/// serve stored bytes unparsed. Writes are planned here (parsed, validated) and go through intake::Writer, so
/// that persons, records and deliveries see them like any other message; the answer leaves only when they are
/// on disk. Every refusal is an OperationOutcome; the status is decided in status.cpp alone. May call: fhir,
/// store, record (to show records), intake::Writer, net's message types. Never another door. Sources: R4
/// http.html, search.html; fhir.md sections 1, 2 and 4; architecture.md section 3.
#pragma once

#include "gateway/intake/writer.hpp"
#include "gateway/net/http.hpp"
#include "gateway/rest/context.hpp"

#include <memory>
#include <optional>

namespace gateway::rest {

struct ApiOptions {
  store::Store& store;
  intake::Writer& writer;
  store::ClockMs clock;
  store::IdSource ids = store::random_ids();
  RunOnPool run_on_pool = {};  ///< Empty: everything runs where the request arrived.
  Settings settings = {};
  /// Seals page links; the same one after a restart keeps them good. Unset: a random one.
  std::optional<PageTokens::Key> page_key = {};
  /// By what $provenance explains.
  std::shared_ptr<intake::LiveTables> tables = {};
  std::shared_ptr<intake::TableArchive> archive = {};
  std::shared_ptr<terminology::ReleaseIndexes const> releases = {};  ///< Code systems of release files.
  std::shared_ptr<terminology::RemoteServer> remote = {};  ///< Asked for terminology that is not known here.
  std::shared_ptr<conformance::Definitions const> definitions = {};  ///< Empty: R4 alone.
  Judging judging = Judging::structure;  ///< Of what is written by those whom nothing else is said of.
};

/// Thread-safe; one for all connections. Outlives the requests it handles.
class Api {
 public:
  explicit Api(ApiOptions options);
  ~Api();
  Api(Api const&) = delete;
  Api& operator=(Api const&) = delete;

  /// Whether a request's path is the API's: "/fhir", "/fhir/...".
  bool serves(std::string_view path) const;

  /// Answers one request of an authenticated principal. Never throws for what a client sends.
  net::asio::awaitable<net::HttpResponse> handle(net::HttpRequest request, intake::Principal principal);

 private:
  std::unique_ptr<Context const> context_;
};

}  // namespace gateway::rest
