#include "gateway/command/commands.hpp"
#include "gateway/command/setup.hpp"
#include "gateway/conformance/conformance.hpp"
#include "gateway/delivery/delivery.hpp"
#include "gateway/feeds/mllp_feed.hpp"
#include "gateway/intake/intake.hpp"
#include "gateway/net/http_listener.hpp"
#include "gateway/net/runtime.hpp"
#include "gateway/net/worker_pool.hpp"
#include "gateway/ops/admin.hpp"
#include "gateway/ops/log.hpp"
#include "gateway/ops/metrics.hpp"
#include "gateway/ops/packages.hpp"
#include "gateway/rest/api.hpp"
#include "gateway/security/clients.hpp"
#include "gateway/store/hash.hpp"
#include "gateway/store/secret.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <iostream>
#include <map>

namespace gateway::command {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr net::Duration kStopDeadline = 10s;                // reliability.md F36
constexpr std::size_t kPackageBytesMax = 64 * 1024 * 1024;  // the largest .tgz an operator sends has 20 MB
constexpr auto kTickEvery = 60s;                            // clocks of the record
constexpr auto kLookAtOutboxEvery = 1s;  // another process may have queued something (journal replay)

/// All rooms of a running gateway, built from the ground floor up and torn down the other way.
class Gateway {
 public:
  Gateway(Setup setup, std::string config)
      : setup_(std::move(setup)),
        config_(std::move(config)),
        runtime_({.threads = static_cast<unsigned>(setup_.settings.threads),
                  .log = [](fhir::Issue const& issue) { ops::log_issue("net", issue); }}),
        clients_(setup_.settings.clients, setup_.settings.http.anonymous),
        intake_({.store = *setup_.store,
                 .tables = setup_.tables,
                 .clock = setup_.clock,
                 .subscriptions = subscriptions_,
                 .loopback_hooks = setup_.settings.loopback_hooks,
                 .judging = judging_of_feeds(setup_.settings),
                 .definitions = definitions_,
                 .log = [](fhir::Issue const& issue) { ops::log_issue("intake", issue); },
                 .workers = [this] { return workers_.executor(); }}) {}

  fhir::Result<void> open() {
    FHIR_CHECK(intake_.prepare());
    FHIR_CHECK(subscriptions_.reload(*setup_.store));
    delivery_ = std::make_unique<delivery::Delivery>(delivery_options());
    FHIR_CHECK(open_definitions());
    FHIR_CHECK(open_http());
    FHIR_CHECK(open_admin());
    for (config::MllpListenerSettings const& settings : setup_.settings.mllp) {
      FHIR_TRY(auto feed, feeds::MllpFeed::open(runtime_, settings, intake_));
      feeds_.push_back(std::move(feed));
    }
    add_samplers();
    setup_.store->on_commit([this](std::int64_t) { delivery_->wake(); });
    return delivery_->start();
  }

  /// Returns when a signal has stopped everything.
  void run() {
    runtime_.handle_signals({.on_stop = [this] { return stop(); }, .on_reload = [this] { reload(); }});
    runtime_.spawn(runtime_.executor(0), repeat(this, kTickEvery, &Gateway::tick));
    runtime_.spawn(runtime_.executor(0), repeat(this, kLookAtOutboxEvery, &Gateway::look_at_outbox));
    runtime_.start();
    tick();
    announce();
    runtime_.join();
    office_.join();
    // A commit may still be on its way, and its callbacks reach for delivery and the runtime, which end
    // before the store.
    setup_.store->on_commit({});
    setup_.store->wait_until_idle();
  }

 private:
  static std::map<std::string, conformance::Judging> judging_of_feeds(config::Settings const& settings) {
    std::map<std::string, conformance::Judging> all;
    for (config::MllpListenerSettings const& feed : settings.mllp) {
      if (auto const judging = conformance::to_judging(feed.validation))
        all.emplace(feeds::feed_name(feed), *judging);
    }
    return all;
  }

  /// Release files, and the packages of the configuration and of operators.
  fhir::Result<void> open_definitions() {
    FHIR_TRY(releases_, load_releases(setup_.settings.terminology_indexes));
    packages_ = std::make_shared<ops::Packages>(*setup_.store, definitions_, releases_, setup_.clock);
    FHIR_TRY(auto prepared, packages_->prepare(setup_.settings.packages));
    print(prepared.warnings);
    packages_->put_in_force(std::move(prepared));
    return {};
  }

  delivery::DeliveryOptions delivery_options() {
    delivery::DeliveryOptions options{
        .runtime = runtime_,
        .store = *setup_.store,
        .outward = to_outward(*setup_.tables->current()),
        .subscriptions = subscriptions_,
        .clock = setup_.clock,
        .loopback_hooks = setup_.settings.loopback_hooks,
        .on_answer = {},
        .log = [](fhir::Issue const& issue) { ops::log_issue("delivery", issue); }};
    options.on_answer = [this](std::string partner, std::string bytes) {
      return intake_.accept_answer(std::move(partner), std::move(bytes));
    };
    return options;
  }

  static std::shared_ptr<delivery::Outward const> to_outward(intake::Tables const& tables) {
    std::vector<delivery::Destination> destinations;
    for (intake::KnownPartner const& partner : tables.partners->all())
      destinations.push_back({partner.settings, partner.profile});
    return std::make_shared<delivery::Outward const>(
        delivery::Outward{tables.maps, std::move(destinations), tables.partners->site()});
  }

  /// Tables, overlays, profiles and operators' answers anew, in force together or not at all. What is under
  /// way ends with the old ones. Blocks; on the office's thread alone, so one at a time.
  fhir::Result<void> reload_tables() {
    FHIR_TRY(auto const settings, load_settings(config_));
    return reload_tables(settings);
  }

  fhir::Result<void> reload_tables(config::Settings const& settings) {
    std::vector<store::PartnerCode> codes;
    {
      FHIR_TRY(auto const snapshot, setup_.store->snapshot());
      FHIR_TRY(codes, snapshot->partner_codes());
    }
    FHIR_TRY(auto tables, load_tables(settings, codes));
    // Before a journal row names them they can be found.
    FHIR_CHECK(setup_.store->commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      unit.put_table_set({.hash = tables->hash, .content = tables->content});
      return {};
    }));
    delivery_->replace(to_outward(*tables));
    setup_.tables->replace(tables);
    ops::log_info("reloaded", "tables " + tables->hash);
    return {};
  }

  /// Tables as reload_tables() has them, and packages: what is wrong with one leaves both as they are.
  fhir::Result<void> reload_all() {
    FHIR_TRY(auto const settings, load_settings(config_));
    FHIR_TRY(auto prepared, packages_->prepare(settings.packages));
    FHIR_CHECK(reload_tables(settings));
    for (fhir::Issue const& issue : prepared.warnings) ops::log_issue("packages", issue);
    packages_->put_in_force(std::move(prepared));
    return {};
  }

  /// Takes in again what waits for an answer that the tables now have.
  void requeue() {
    auto const taken = intake_.requeue();
    if (!taken) ops::log_issue("requeue", taken.error());
    if (taken && *taken != 0) ops::log_info("requeued", std::to_string(*taken) + " messages");
  }

  /// Runs what may take its time, and what an operator does, on the one thread for that.
  static asio::awaitable<void> run_in_office(Gateway* self, std::function<void()> job) {
    co_await asio::co_spawn(self->office_, run_job(std::move(job)), asio::use_awaitable);
  }
  static asio::awaitable<void> run_job(std::function<void()> job) {
    job();
    co_return;
  }

  fhir::Result<void> open_admin() {
    config::AdminSettings const& settings = setup_.settings.admin;
    if (!settings.served) return {};
    auto operators = settings.operators;
    if (operators.empty()) {
      one_time_token_ = store::random_ids()();
      operators.push_back({"one-time", store::sha256_hex({one_time_token_})});
    }
    auto run = [this](std::function<void()> job) { return run_in_office(this, std::move(job)); };
    admin_ =
        std::make_unique<ops::Admin>(ops::AdminOptions{.store = *setup_.store,
                                                       .intake = intake_,
                                                       .tables = setup_.tables,
                                                       .archive = archive_,
                                                       .operators = std::move(operators),
                                                       .reload = [this] { return reload_all(); },
                                                       .reload_tables = [this] { return reload_tables(); },
                                                       .packages = packages_,
                                                       .run = std::move(run),
                                                       .clock = setup_.clock});
    net::HttpListenerOptions options;
    options.address = settings.listen.host;
    options.port = settings.listen.port;
    options.request_id_prefix = "a";
    options.limits.body_bytes = kPackageBytesMax;
    auto handler = [this](net::HttpRequest request) { return admin_->handle(std::move(request)); };
    try {
      admin_http_ = std::make_unique<net::HttpListener>(runtime_, std::move(options), std::move(handler));
    } catch (boost::system::system_error const& cannot) {
      return fhir::error(fhir::IssueType::exception,
                         "cannot listen on " + settings.listen.host + ":" +
                             std::to_string(settings.listen.port) + ": " + cannot.code().message(),
                         {}, "admin");
    }
    return {};
  }

  fhir::Result<void> open_http() {
    config::HttpSettings const& http = setup_.settings.http;
    std::shared_ptr<net::TlsContext> tls;
    if (!http.tls.certificate.empty()) {
      FHIR_TRY(tls, net::TlsContext::server({.certificate = http.tls.certificate,
                                             .private_key = http.tls.key,
                                             .client_ca = http.tls.ca,
                                             .crl = http.tls.crl}));
    }
    http_tls_ = tls;
    net::HttpListenerOptions options;
    options.address = http.listen.host;
    options.port = http.listen.port;
    options.tls = std::move(tls);
    options.limits.body_bytes = http.body_bytes_max;
    auto handler = [this](net::HttpRequest request) { return handle(this, std::move(request)); };
    try {
      http_ = std::make_unique<net::HttpListener>(runtime_, std::move(options), std::move(handler));
    } catch (boost::system::system_error const& cannot) {
      return fhir::error(fhir::IssueType::exception,
                         "cannot listen on " + http.listen.host + ":" + std::to_string(http.listen.port) +
                             ": " + cannot.code().message(),
                         {}, "http");
    }
    base_url_ = !http.base_url.empty() ? http.base_url : default_base_url();
    FHIR_TRY(auto const page_key, store::load_secret(setup_.settings.store_path, "page-links"));
    rest::ApiOptions api{
        .store = *setup_.store,
        .writer = intake_,
        .clock = setup_.clock,
        .ids = store::random_ids(),
        .run_on_pool = [this](std::function<void()> job) { return workers_.run(std::move(job)); },
        .page_key = page_key};
    api.settings.base_url = base_url_;
    api.settings.software_version = HANDOFF_VERSION;
    api.releases = releases_;
    FHIR_TRY(api.remote, make_remote(setup_.settings));
    api.tables = setup_.tables;
    api.archive = archive_;
    api.definitions = definitions_;
    api.judging = conformance::to_judging(http.validation).value_or(conformance::Judging::structure);
    api_ = std::make_unique<rest::Api>(std::move(api));
    return {};
  }

  std::string default_base_url() const {
    config::HttpSettings const& http = setup_.settings.http;
    std::string const host =
        http.listen.host.find(':') == std::string::npos ? http.listen.host : "[" + http.listen.host + "]";
    return (http.tls.certificate.empty() ? "http://" : "https://") + host + ":" +
           std::to_string(http_->port()) + "/fhir";
  }

  static asio::awaitable<net::HttpResponse> handle(Gateway* self, net::HttpRequest request) {
    std::string_view const path = request.path();
    if (path == "/healthz") co_return plain(200, "ok\n");
    if (path == "/readyz") {
      bool const is_ready = self->setup_.store->accepts_writes();
      co_return plain(is_ready ? 200 : 503, is_ready ? "ready\n" : "the store takes no writes\n");
    }
    if (path == "/metrics") co_return plain(200, self->metrics_.text());
    auto const client = self->clients_.identify(request.headers.get("Authorization"));
    if (!client) {
      auto refusal = net::make_refusal(401, client.error());
      refusal.headers.set("WWW-Authenticate", "Bearer");
      co_return refusal;
    }
    intake::Principal principal;
    if (*client != nullptr) {
      principal.name = (*client)->name;
      principal.source = (*client)->name;
      principal.organization = (*client)->organization;
      principal.judging = conformance::to_judging((*client)->validation);
    }
    auto response = co_await self->api_->handle(std::move(request), std::move(principal));
    co_return response;
  }

  static net::HttpResponse plain(int status, std::string body) {
    net::HttpResponse response;
    response.status = status;
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = std::move(body);
    return response;
  }

  void tick() {
    intake_.tick();
    asio::post(office_, [this] { requeue(); });
  }
  void look_at_outbox() { delivery_->wake(); }

  static asio::awaitable<void> repeat(Gateway* self, std::chrono::seconds every, void (Gateway::*work)()) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (!self->stopping_) {
      timer.expires_after(every);
      auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
      if (!self->stopping_) (self->*work)();
    }
  }

  /// No new work, then what is under way, then what goes out: at most kStopDeadline each way.
  asio::awaitable<void> stop() {
    ops::log_info("stopping", "a signal asked for it");
    stopping_ = true;
    for (auto const& feed : feeds_) co_await feed->stop(kStopDeadline / 3);
    if (admin_http_) co_await admin_http_->stop(kStopDeadline / 3);
    co_await http_->stop(kStopDeadline / 3);
    co_await delivery_->stop(kStopDeadline / 3);
    ops::log_info("stopped", "all that was acknowledged is on disk");
  }

  void reload() {
    for (auto const& feed : feeds_) {
      if (auto done = feed->reload(); !done) ops::log_issue("reload", done.error());
    }
    if (http_tls_) {
      if (auto done = http_tls_->reload(); !done) ops::log_issue("reload", done.error());
    }
    delivery_->reload();
    ops::log_info("reloaded", "certificates");
    asio::post(office_, [this] {
      if (auto done = reload_all(); !done) {
        ops::log_issue("reload", done.error());  // the old ones stand
        return;
      }
      requeue();
    });
  }

  void announce() {
    std::cout << "FHIR   " << base_url_ << "\n";
    for (auto const& feed : feeds_)
      std::cout << "MLLP   " << feed->name() << " port " << feed->port() << "\n";
    if (admin_http_) std::cout << "ADMIN  port " << admin_http_->port() << "\n";
    if (!one_time_token_.empty()) std::cout << "ADMIN  bearer token of this run " << one_time_token_ << "\n";
    std::cout << "ready" << std::endl;
    ops::log_info("started", base_url_);
  }

  void add_samplers() {
    metrics_.add([this](std::vector<ops::Sample>& into) { sample_intake(into); });
    metrics_.add([this](std::vector<ops::Sample>& into) { sample_store(into); });
    metrics_.add([this](std::vector<ops::Sample>& into) { sample_delivery(into); });
    metrics_.add([this](std::vector<ops::Sample>& into) { sample_net(into); });
    metrics_.add([this](std::vector<ops::Sample>& into) { sample_worklist(into); });
    metrics_.add([this](std::vector<ops::Sample>& into) { sample_outbox(into); });
  }

  static void counter(std::vector<ops::Sample>& into, char const* name, char const* help,
                      std::vector<std::pair<std::string, std::string>> labels, std::uint64_t value) {
    into.push_back({name, help, true, std::move(labels), static_cast<double>(value)});
  }

  void sample_intake(std::vector<ops::Sample>& into) const {
    auto const& counters = intake_.counters();
    auto const v2 = [&](char const* outcome, std::uint64_t value) {
      counter(into, "handoff_v2_messages_total", "HL7 v2 messages by what became of them",
              {{"outcome", outcome}}, value);
    };
    v2("accepted", counters.accepted);
    v2("error", counters.errors);
    v2("refused", counters.refused);
    v2("replayed", counters.replayed);
    v2("conflict", counters.conflicts);
    v2("not_stored", counters.not_stored);
    counter(into, "handoff_intake_faults_total", "Broken invariants of ours while a message was taken in", {},
            counters.faults);
    counter(into, "handoff_v2_sequence_gaps_total", "Gaps in MSH-13 too long to wait for", {},
            counters.sequence_gaps);
    counter(into, "handoff_fhir_writes_total", "FHIR writes committed", {}, counters.fhir_writes);
    counter(into, "handoff_fhir_writes_refused_total", "FHIR writes refused", {}, counters.fhir_refused);
    counter(into, "handoff_requeued_total", "Messages taken in again after an answer", {}, counters.requeued);
    counters.losses.visit_totals([&](std::string const& partner, char const* end, std::uint64_t value) {
      counter(into, "handoff_v2_leaves_total", "Non-empty v2 values by where they went",
              {{"partner", partner}, {"end", end}}, value);
    });
    sample_losses(into, counters.losses);
  }

  /// Which fields and elements were not carried over, by partner: names of the dictionary, never a value.
  static void sample_losses(std::vector<ops::Sample>& into, delivery::LossCounters const& losses) {
    losses.visit([&](std::string const& partner, char const* side, std::string const& field, char const* end,
                     std::uint64_t value) {
      counter(into, "handoff_translation_loss_total", "Values that stayed behind, by field or element",
              {{"partner", partner}, {"side", side}, {"field", field}, {"end", end}}, value);
    });
  }

  void sample_store(std::vector<ops::Sample>& into) const {
    auto const stats = setup_.store->stats();
    counter(into, "handoff_store_commits_total", "Units of work committed", {}, stats.commits);
    counter(into, "handoff_store_groups_total", "Synced commit groups", {}, stats.groups);
    counter(into, "handoff_store_recomputed_total", "Units computed again after a conflict", {},
            stats.recomputed);
    counter(into, "handoff_store_failed_groups_total", "Groups that could not be made durable", {},
            stats.failed_groups);
    counter(into, "handoff_store_corrupt_rows_total", "Rows whose checksum did not match", {},
            stats.corrupt_rows);
    counter(into, "handoff_store_sync_microseconds_total", "Time spent in commits", {},
            stats.sync_microseconds);
    counter(into, "handoff_store_checkpoints_total", "Times the log was copied into the database", {},
            stats.checkpoints);
    into.push_back({"handoff_store_checkpoint_seconds_total",
                    "Time spent so, while commits wait",
                    true,
                    {},
                    static_cast<double>(stats.checkpoint_microseconds) / 1e6});
    into.push_back({"handoff_store_accepts_writes",
                    "1 while the store takes writes",
                    false,
                    {},
                    setup_.store->accepts_writes() ? 1.0 : 0.0});
    into.push_back(
        {"handoff_store_commit_seq", "Last commit", false, {}, static_cast<double>(stats.last_commit_seq)});
  }

  void sample_delivery(std::vector<ops::Sample>& into) const {
    auto const& counters = delivery_->counters();
    sample_losses(into, counters.losses);
    counter(into, "handoff_delivery_attempts_total", "Messages and notifications written to the wire", {},
            counters.attempts);
    counter(into, "handoff_delivery_delivered_total", "Positively answered", {}, counters.delivered);
    counter(into, "handoff_delivery_errors_total", "Answered with an error that may pass", {},
            counters.errors);
    counter(into, "handoff_delivery_unknown_total", "Without an answer", {}, counters.unknown);
    counter(into, "handoff_delivery_stopped_total", "Rows that stopped their key", {}, counters.stopped);
    counter(into, "handoff_delivery_unconfirmed_total", "Sent to receivers that answer nothing", {},
            counters.unconfirmed);
    counter(into, "handoff_delivery_resent_total", "Sent again after a crash, outcome unknown", {},
            counters.resent);
    counter(into, "handoff_delivery_loops_total", "Keys stopped because messages run in a circle", {},
            counters.loops);
    counter(into, "handoff_delivery_unrenderable_total", "Rows that could not be written as v2", {},
            counters.unrenderable);
  }

  static std::string_view to_word(store::OutboxState state) {
    return state == store::OutboxState::stopped ? "stopped"
           : state == store::OutboxState::sent  ? "sent"
                                                : "waiting";
  }

  /// Queue depth and age, by destination.
  void sample_outbox(std::vector<ops::Sample>& into) const {
    auto const snapshot = setup_.store->snapshot();
    if (!snapshot) return;
    auto const counts = (*snapshot)->outbox_counts();
    if (!counts) return;
    for (store::OutboxCount const& count : *counts) {
      std::vector<std::pair<std::string, std::string>> const labels{
          {"destination", count.destination}, {"state", std::string(to_word(count.state))}};
      into.push_back(
          {"handoff_outbox_rows", "Not settled yet", false, labels, static_cast<double>(count.rows)});
      into.push_back({"handoff_outbox_oldest_seconds", "Age of the oldest of them", false, labels,
                      static_cast<double>(setup_.clock() - count.oldest_ms) / 1000});
    }
  }

  void sample_net(std::vector<ops::Sample>& into) const {
    for (auto const& feed : feeds_) {
      auto const& counters = feed->counters();
      std::vector<std::pair<std::string, std::string>> const labels{{"listener", feed->name()}};
      counter(into, "handoff_mllp_frames_total", "MLLP frames received", labels, counters.frames);
      counter(into, "handoff_mllp_damaged_total", "Frames that were not one whole message", labels,
              counters.damaged);
      counter(into, "handoff_mllp_refused_total", "Connections closed by a limit", labels, counters.refused);
      counter(into, "handoff_mllp_lost_total", "Connections closed for lost framing", labels, counters.lost);
      counter(into, "handoff_mllp_timed_out_total", "Connections closed by a timeout", labels,
              counters.timed_out);
      into.push_back(
          {"handoff_mllp_open", "Open connections", false, labels, static_cast<double>(counters.open)});
    }
    auto const& http = http_->counters();
    counter(into, "handoff_http_requests_total", "HTTP requests", {}, http.requests);
    counter(into, "handoff_http_bad_heads_total", "HTTP heads refused", {}, http.bad_heads);
    counter(into, "handoff_http_timed_out_total", "HTTP connections closed by a timeout", {}, http.timed_out);
  }

  /// What waits for a person, by kind.
  void sample_worklist(std::vector<ops::Sample>& into) const {
    auto const snapshot = setup_.store->snapshot();
    if (!snapshot) return;  // the other samples say that the store cannot be read
    for (std::string_view kind : record::work::kinds) {
      auto const open = (*snapshot)->count_records(kind);
      if (!open) return;
      into.push_back({"handoff_worklist_open",
                      "What only a person can settle",
                      false,
                      {{"kind", std::string(kind)}},
                      static_cast<double>(*open)});
    }
  }

  Setup setup_;
  std::string config_;
  net::Runtime runtime_;
  security::Clients clients_;
  delivery::Subscriptions subscriptions_;
  std::shared_ptr<conformance::Definitions> definitions_ =
      std::make_shared<conformance::Definitions>(conformance::make_r4());
  std::shared_ptr<terminology::ReleaseIndexes const> releases_;
  std::shared_ptr<ops::Packages> packages_;
  intake::Intake intake_;
  std::unique_ptr<delivery::Delivery> delivery_;
  std::unique_ptr<rest::Api> api_;
  std::shared_ptr<net::TlsContext> http_tls_;
  std::unique_ptr<net::HttpListener> http_;
  std::vector<std::unique_ptr<feeds::MllpFeed>> feeds_;
  ops::Metrics metrics_;
  std::shared_ptr<intake::TableArchive> archive_ = std::make_shared<intake::TableArchive>();
  std::unique_ptr<ops::Admin> admin_;
  std::unique_ptr<net::HttpListener> admin_http_;
  std::string one_time_token_;
  std::string base_url_;
  std::atomic<bool> stopping_{false};
  asio::thread_pool office_{1};  // ends before what its jobs reach for
  net::WorkerPool workers_;      // last: its jobs end before what they use
};

}  // namespace

int serve(ServeArguments const& arguments) {
  auto setup = make_setup(arguments.config);
  if (!setup) {
    print({setup.error()});
    return kRefused;
  }
  ops::open_log(setup->settings.log_level);
  Gateway gateway(std::move(*setup), arguments.config);
  if (auto opened = gateway.open(); !opened) {
    print({opened.error()});
    return kRefused;
  }
  gateway.run();
  return kDone;
}

}  // namespace gateway::command
