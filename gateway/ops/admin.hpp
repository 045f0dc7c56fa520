/// The admin API, /admin/... on a port of its own (architecture.md section 5): worklist, journal, tables.
///
/// For operators alone: loopback, a bearer token of the configuration (or the one-time token printed at the
/// start), no cookies, no CORS, nothing for a browser that another site drives (security.md section 4, O4).
/// What changes something, and what shows a patient's data, is written to the store as an operator's act
/// before it is answered; an act that cannot be written is not done. Answers are JSON; refusals are an
/// OperationOutcome. May call: store, intake, record (work items), conformance, config, net's message types.
///
///   GET  /admin/work[?kind=unmapped-code][&count=100][&after=KIND/ID]
///                                                what is open, with counts and times; `more` names the kinds
///                                                that have more, to be asked for after their last item
///   GET  /admin/work/KIND/ID                     one, with its messages
///   POST /admin/work/KIND/ID/answer              {"code": "male", "system": "", "reason": "..."}
///   POST /admin/work/KIND/ID/dismiss             {"reason": "..."}
///   POST /admin/reload                           tables, overlays, profiles, packages; whole or not at all
///   GET  /admin/tables                           which set is in force
///   GET  /admin/packages                         which FHIR packages are, where from, what they depend on
///   POST /admin/packages                         the .tgz as body: loaded whole or not at all, and kept
///   POST /admin/packages/NAME/VERSION/remove     one that was loaded so
///   GET  /admin/journal[?outcome=error&before=N&count=50]
///   GET  /admin/journal/N[?raw=true | ?field=PID-5]
///   GET  /admin/journal/N/diff                   what the tables in force would change; writes nothing
///   POST /admin/journal/N/replay
///   GET  /admin/acts[?before=N]
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/intake/intake.hpp"
#include "gateway/intake/trace.hpp"
#include "gateway/net/http.hpp"
#include "gateway/ops/packages.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gateway::ops {

struct AdminOptions {
  store::Store& store;
  intake::Intake& intake;
  std::shared_ptr<intake::LiveTables> tables;
  std::shared_ptr<intake::TableArchive> archive;
  std::vector<config::Operator> operators;
  /// Reads configuration, tables, answers and packages anew and puts them in force. Errors: what refused
  /// them; the old sets then stand.
  std::function<fhir::Result<void>()> reload;
  /// The tables and answers alone: after an answer that an operator gave.
  std::function<fhir::Result<void>()> reload_tables;
  std::shared_ptr<Packages> packages = {};  ///< Null: /admin/packages is not there.
  /// Runs a job that may take its time away from the io threads, one after the other.
  std::function<net::asio::awaitable<void>(std::function<void()>)> run;
  store::ClockMs clock;
};

struct AdminCounters {
  std::atomic<std::uint64_t> requests{0}, unauthorised{0};
};

class Admin {
 public:
  explicit Admin(AdminOptions options) : options_(std::move(options)) {}
  net::asio::awaitable<net::HttpResponse> handle(net::HttpRequest request);
  AdminCounters const& counters() const { return counters_; }

 private:
  struct Call;
  net::HttpResponse answer(net::HttpRequest const& request, std::string const& operator_name);
  fhir::Result<std::string> dispatch(Call const& call);
  fhir::Result<std::string> work(Call const& call);
  fhir::Result<std::string> settle(Call const& call, std::string const& id, bool answers);
  fhir::Result<std::string> journal(Call const& call);
  fhir::Result<std::string> journal_row(Call const& call, store::JournalRow const& row);
  fhir::Result<std::string> acts(Call const& call);
  fhir::Result<std::string> packages(Call const& call);
  fhir::Result<void> note(Call const& call, std::string_view action, std::string_view object,
                          std::string_view outcome);
  config::Operator const* operator_of(std::string_view authorization) const;
  bool is_locked(std::int64_t now_ms);
  void note_failure(std::int64_t now_ms);

  AdminOptions options_;
  AdminCounters counters_;
  std::atomic<std::int64_t> failures_since_ms_{0};
  std::atomic<int> failures_{0};
};

}  // namespace gateway::ops
