#include "gateway/delivery/delivery.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/delivery/answers.hpp"
#include "gateway/delivery/queue.hpp"
#include "gateway/delivery/render.hpp"
#include "gateway/delivery/unwritable.hpp"
#include "gateway/net/http_client.hpp"
#include "gateway/net/mllp_client.hpp"
#include "gateway/net/tls.hpp"
#include "gateway/store/async_commit.hpp"
#include "mappings/hl7v2/ack.hpp"
#include "mappings/hl7v2/timestamp.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <utility>

namespace gateway::delivery {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kRowsAtATime = 64;
constexpr net::Duration kLookAgain = 5s;  // a wake-up that was missed costs this much, never a message
constexpr net::Duration kHookDeadline = 30s;
constexpr net::Duration kAliveAfterWrite =
    2s;  // record.md section 3: then a message without answer counts as sent

/// Trouble of the store's that leaves a row as good as it was.
bool is_passing(fhir::Issue const& issue) {
  return issue.code == fhir::IssueType::transient || issue.code == fhir::IssueType::no_store ||
         issue.code == fhir::IssueType::lock_error;
}

/// What came of one attempt.
struct Attempt {
  Disposition disposition = Disposition::unknown;
  std::string outcome;           ///< For the row and the record: "AA", "2xx", "timeout"; never a payload.
  std::string answer_message;    ///< A v2 message that came as the answer.
  fhir::Issues unwritable = {};  ///< Why no message could be made of the row, all of it.
};

/// How one kind of destination is spoken to. One coroutine uses it at a time.
class Channel {
 public:
  virtual ~Channel() = default;
  /// Fills row.rendered and row.control_id; called once per row, before its first attempt.
  /// All that stands in the way is in `refusals`, the error is the first of it.
  virtual fhir::Result<void> prepare(store::Snapshot& snapshot, store::OutboxRow& row, std::int64_t now_ms,
                                     fhir::Issues& refusals) = 0;
  virtual asio::awaitable<Attempt> send(store::OutboxRow const& row) = 0;
  virtual Patience patience() const = 0;
  /// What the peer said outside of any exchange, since it was last asked.
  virtual asio::awaitable<std::vector<std::string>> listen() { co_return std::vector<std::string>{}; }
  virtual void reload() {}
  virtual void close() = 0;
};

/// The set that delivery writes by at this moment.
using OutwardNow = std::function<std::shared_ptr<Outward const>()>;

Destination const* find_destination(Outward const& outward, std::string_view name) {
  for (Destination const& destination : outward.destinations) {
    if (destination.settings.name == name) return &destination;
  }
  return nullptr;
}

std::vector<mappings::language::PartnerProfile const*> profiles_of(Outward const& outward) {
  std::vector<mappings::language::PartnerProfile const*> profiles;
  for (Destination const& destination : outward.destinations) profiles.push_back(&destination.profile);
  return profiles;
}

class MllpChannel final : public Channel {
 public:
  MllpChannel(asio::any_io_executor executor, Destination const& destination, OutwardNow outward,
              LossCounters& losses, std::shared_ptr<net::TlsContext> tls)
      : settings_(destination.settings),
        outward_(std::move(outward)),
        losses_(losses),
        tls_(tls),
        client_(executor, to_options(destination, tls)) {}

  fhir::Result<void> prepare(store::Snapshot& snapshot, store::OutboxRow& row, std::int64_t now_ms,
                             fhir::Issues& refusals) override {
    row.control_id = control_id_of(row.id);
    auto const outward = outward_();
    Destination const* const destination = find_destination(*outward, settings_.name);
    if (destination == nullptr)
      return fhir::error(fhir::IssueType::not_found, "the configuration no longer names this destination");
    FHIR_TRY(auto rendered, render(snapshot, outward->maps, destination->profile, row, row.control_id,
                                   mappings::hl7v2::to_dtm(now_ms), &refusals, profiles_of(*outward)));
    losses_.note(settings_.name, rendered.loss);
    row.rendered = std::move(rendered.bytes);
    return {};
  }

  asio::awaitable<Attempt> send(store::OutboxRow const& row) override {
    Attempt attempt;
    fhir::Result<std::string> answer = std::string{};
    if (is_answered(row)) {
      answer = co_await client_.send(row.rendered, row.control_id);
    } else {
      answer = co_await client_.send_and_watch(row.rendered, row.control_id, kAliveAfterWrite);
    }
    if (!answer) {
      attempt.outcome = to_code(answer.error().code);
      co_return attempt;
    }
    if (answer->empty()) {
      attempt.disposition = Disposition::unconfirmed;
      attempt.outcome = record::kUnconfirmedOutcome;
      co_return attempt;
    }
    auto const ack = mappings::hl7v2::parse_ack(*answer);
    if (!ack) {
      attempt.outcome = "malformed";
      co_return attempt;
    }
    attempt.outcome = ack->code;
    char const kind = ack->code.size() == 2 ? ack->code[1] : '?';
    attempt.disposition = kind == 'A'   ? Disposition::delivered
                          : kind == 'R' ? Disposition::refused
                          : kind == 'E' ? Disposition::error
                                        : Disposition::unknown;
    if (ack->has_application_content) attempt.answer_message = std::move(*answer);
    co_return attempt;
  }

  asio::awaitable<std::vector<std::string>> listen() override {
    co_await client_.listen();
    co_return std::exchange(others_, {});
  }

  Patience patience() const override {
    auto const& delivery = settings_.delivery;
    return {delivery.retry_delay_ms_min, delivery.retry_delay_ms_max, delivery.error_retries};
  }
  void reload() override {
    if (tls_)
      (void)
          tls_->reload();  // on error the old certificate stays in use, and the log says so at the next start
  }
  void close() override { client_.close(); }

 private:
  /// Whether the receiver says yes when it has the message. It was told in MSH-15 and MSH-16; an application
  /// answer of ours asks to be confirmed by itself.
  bool is_answered(store::OutboxRow const& row) const {
    auto const& delivery = settings_.delivery;
    auto const says_yes = [](std::string const& condition) { return condition == "AL" || condition == "SU"; };
    if (delivery.accept_ack.empty() && delivery.application_ack.empty()) return true;
    if (row.kind.starts_with(kAnswerKind))
      return delivery.accept_ack.empty() || says_yes(delivery.accept_ack);
    return says_yes(delivery.accept_ack) || says_yes(delivery.application_ack);
  }

  net::MllpClientOptions to_options(Destination const& destination, std::shared_ptr<net::TlsContext> tls) {
    net::MllpClientOptions options;
    options.on_other = [this](std::string payload) { others_.push_back(std::move(payload)); };
    options.host = destination.settings.delivery.mllp.host;
    options.port = destination.settings.delivery.mllp.port;
    options.tls = std::move(tls);
    options.limits.answer = net::Duration(destination.settings.delivery.ack_timeout_ms);
    return options;
  }

  config::Partner settings_;
  OutwardNow outward_;
  LossCounters& losses_;
  std::shared_ptr<net::TlsContext> tls_;
  std::vector<std::string> others_;
  net::MllpClient client_;
};

/// One Subscription's endpoint. Endpoint and headers are read from the Subscription as it stands at each
/// attempt.
class RestHookChannel final : public Channel {
 public:
  RestHookChannel(asio::any_io_executor executor, store::Store& store, bool loopback_hooks)
      : store_(store), loopback_hooks_(loopback_hooks), client_(executor, {}) {}

  fhir::Result<void> prepare(store::Snapshot&, store::OutboxRow& row, std::int64_t, fhir::Issues&) override {
    row.control_id = "hook-" + std::to_string(row.id);
    return {};
  }

  asio::awaitable<Attempt> send(store::OutboxRow const& row) override {
    Attempt attempt;
    auto hook = read_hook(row);
    if (!hook) {
      attempt.disposition =
          hook.error().code == fhir::IssueType::transient ? Disposition::unknown : Disposition::refused;
      attempt.outcome = to_code(hook.error().code);
      co_return attempt;
    }
    auto response = co_await client_.request(hook->origin, std::move(hook->request), kHookDeadline);
    if (!response) {
      attempt.outcome = to_code(response.error().code);
      co_return attempt;
    }
    attempt.outcome = std::to_string(response->status);
    if (response->status >= 200 && response->status < 300) {
      attempt.disposition = Disposition::delivered;
      attempt.outcome = "2xx";
    } else if (response->status == 410) {
      attempt.disposition = Disposition::refused;  // the endpoint says that it is gone for good
    }
    co_return attempt;
  }

  Patience patience() const override { return {}; }
  void close() override { client_.close(); }

 private:
  struct Hook {
    net::Origin origin;
    net::HttpRequest request;
  };

  fhir::Result<Hook> read_hook(store::OutboxRow const& row) {
    FHIR_TRY(auto const snapshot, store_.snapshot());
    FHIR_TRY(auto const request, fhir::json::read_document(row.request));
    FHIR_TRY(auto const version, snapshot->find(store::AccessPolicy::all(), "Subscription",
                                                request.root.text_at("subscription")));
    if (!version || version->deleted)
      return fhir::error(fhir::IssueType::deleted, "the Subscription is gone");
    FHIR_TRY(auto const subscription, fhir::json::read_document(version->content));
    FHIR_CHECK(Subscriptions::check(subscription.root, loopback_hooks_));
    FHIR_TRY(auto const url, net::parse_url(subscription.root.text_of("channel", "endpoint")));

    Hook hook;
    hook.origin = url.origin;
    hook.request.method = "POST";
    hook.request.target = url.target;
    if (auto const* const headers = subscription.root.at("channel", "header")) {
      for (auto const& header : headers->items()) {
        auto const colon = header.text().find(':');
        auto const value = header.text().find_first_not_of(" \t", colon + 1);
        hook.request.headers.add(
            std::string(header.text().substr(0, colon)),
            std::string(value == std::string_view::npos ? "" : header.text().substr(value)));
      }
    }
    if (subscription.root.text_of("channel", "payload").empty()) return hook;

    // R4 subscription.html#2.46.7.1: with a payload the notification is an update of the resource at the
    // endpoint.
    std::string_view const reference = request.root.text_at("resource");
    auto const history = reference.find("/_history/");
    auto const slash = reference.find('/');
    FHIR_TRY(auto const resource, snapshot->find(store::AccessPolicy::all(), reference.substr(0, slash),
                                                 reference.substr(slash + 1, history - slash - 1)));
    if (!resource || resource->deleted) return fhir::error(fhir::IssueType::deleted, "the resource is gone");
    hook.request.method = "PUT";
    if (!hook.request.target.ends_with('/')) hook.request.target.push_back('/');
    hook.request.target.append(reference.substr(0, history));
    hook.request.headers.set("Content-Type", "application/fhir+json");
    hook.request.body = resource->content;
    return hook;
  }

  store::Store& store_;
  bool loopback_hooks_;
  net::HttpClient client_;
};

}  // namespace

struct Delivery::State : std::enable_shared_from_this<Delivery::State> {
  /// One destination's coroutine; all its members belong to its executor.
  struct Sender {
    Sender(std::string name, asio::any_io_executor on)
        : destination(std::move(name)), executor(on), timer(on) {}
    std::string destination;
    asio::any_io_executor executor;
    asio::steady_timer timer;
    std::unique_ptr<Channel> channel;
    bool woken = false;
    bool in_exchange = false;
    std::set<std::int64_t> tried;       ///< Rows that this process has sent and not seen settled.
    std::set<std::int64_t> told_loops;  ///< Stopped rows that were counted and logged.
    std::mt19937_64 random{std::random_device{}()};  // spreads retries only
  };

  explicit State(DeliveryOptions given) : options(std::move(given)) {}

  DeliveryOptions options;
  DeliveryCounters counters;
  mutable std::mutex outward_mutex;  // options.outward
  std::mutex mutex;                  // senders and what starts them
  std::map<std::string, std::shared_ptr<Sender>> senders;
  std::map<std::string, std::shared_ptr<net::TlsContext>> tls;
  std::atomic<bool> stopping{false};
  std::atomic<int> running{0};

  std::shared_ptr<Outward const> outward_now() const {
    std::lock_guard const lock(outward_mutex);
    return options.outward;
  }

  /// Nothing is sent to a destination that the configuration no longer reaches; its rows wait.
  std::unique_ptr<Channel> make_channel(std::string const& name, asio::any_io_executor const& executor) {
    if (name.starts_with(kRestHookPrefix)) {
      return std::make_unique<RestHookChannel>(executor, options.store, options.loopback_hooks);
    }
    auto const outward = outward_now();
    Destination const* const destination = find_destination(*outward, name);
    if (destination == nullptr || destination->settings.delivery.mllp.port == 0) return nullptr;
    OutwardNow now = [self = this] {  // a channel ends before the state that owns its sender
      return self->outward_now();
    };
    return std::make_unique<MllpChannel>(executor, *destination, std::move(now), counters.losses, tls[name]);
  }

  void wake_all() {
    if (stopping) return;
    auto const snapshot = options.store.snapshot();
    if (!snapshot) return;
    auto const waiting = (*snapshot)->outbox_destinations();
    if (!waiting) return;
    std::lock_guard const lock(mutex);
    for (std::string const& name : *waiting) {
      auto& sender = senders[name];
      if (!sender) start_sender(name, sender);
      if (sender) {
        asio::post(sender->executor, [sender] {
          sender->woken = true;
          sender->timer.cancel();
        });
      }
    }
  }

  void start_sender(std::string const& name, std::shared_ptr<Sender>& slot) {
    auto const executor = options.runtime.next_executor();
    auto sender = std::make_shared<Sender>(name, executor);
    sender->channel = make_channel(name, executor);
    if (!sender->channel) return;
    slot = sender;
    ++running;
    options.runtime.spawn(executor, run(shared_from_this(), sender));
  }

  static asio::awaitable<void> run(std::shared_ptr<State> state, std::shared_ptr<Sender> sender) {
    while (!state->stopping) {
      sender->woken = false;
      net::Duration pause = kLookAgain;
      auto row = state->next_row(*sender, pause);
      if (!row) {
        co_await hear(state, sender);
        if (!sender->woken) co_await wait(*sender, pause);
        continue;
      }
      sender->in_exchange = true;
      co_await deliver(state, sender, std::move(*row));
      co_await hear(state, sender);
      sender->in_exchange = false;
    }
    sender->channel->close();
    --state->running;
  }

  static asio::awaitable<void> wait(Sender& sender, net::Duration pause) {
    sender.timer.expires_after(pause);
    auto [error] = co_await sender.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    (void)error;  // cancelled means woken
  }

  std::optional<store::OutboxRow> next_row(Sender& sender, net::Duration& pause) {
    auto const snapshot = options.store.snapshot();
    if (!snapshot) return std::nullopt;
    std::int64_t const now = options.clock();
    Choice choice;
    // A key that waits or is stopped may have more rows than one look takes; the keys behind it are looked
    // for further on.
    for (std::size_t count = kRowsAtATime;; count *= 4) {
      auto rows = (*snapshot)->outbox(sender.destination, count);
      if (!rows) return std::nullopt;
      tell_loops(sender, *rows);
      choice = choose_next(*rows, now);
      if (choice.row) return std::move((*rows)[*choice.row]);
      if (rows->size() < count) break;
    }
    if (choice.wake_ms > now) pause = std::min(pause, net::Duration(choice.wake_ms - now));
    return std::nullopt;
  }

  /// S9: whoever stopped the key cannot log; here it is seen, once.
  void tell_loops(Sender& sender, std::vector<store::OutboxRow> const& rows) {
    for (store::OutboxRow const& row : rows) {
      bool const is_loop =
          row.state == store::OutboxState::stopped && row.last_outcome == record::kLoopOutcome;
      if (!is_loop || !sender.told_loops.insert(row.id).second) continue;
      counters.loops.fetch_add(1);
      options.log(fhir::error(fhir::IssueType::business_rule,
                              "messages run in a circle: outbox row " + std::to_string(row.id) + " to " +
                                  sender.destination + " stops its key (S9)"));
    }
  }

  /// Late answers, and messages of the receiver's own that answer one of ours (R7).
  static asio::awaitable<void> hear(std::shared_ptr<State> state, std::shared_ptr<Sender> sender) {
    auto const others = co_await sender->channel->listen();
    for (std::string const& bytes : others) {
      auto const ack = mappings::hl7v2::parse_ack(bytes);
      if (!ack) continue;  // the client has counted it; nothing of ours is named
      if (ack->has_application_content) {
        bool const is_kept = co_await take_answer(state, sender->destination, bytes);
        if (!is_kept) continue;
      }
      store::Compute work = [state, destination = sender->destination,
                             ack = *ack](store::Unit& unit) -> fhir::Result<void> {
        FHIR_CHECK(settle_by_answer(unit, {destination, ack.code, ack.control_id, true},
                                    state->outward_now()->site));
        return state->options.subscriptions.notify(unit);
      };
      auto const receipt = co_await store::commit(state->options.store, std::move(work));
      if (!receipt) state->options.log(receipt.error());
    }
  }

  static asio::awaitable<bool> take_answer(std::shared_ptr<State> state, std::string partner,
                                           std::string bytes) {
    if (!state->options.on_answer) co_return true;
    bool const is_kept = co_await state->options.on_answer(std::move(partner), std::move(bytes));
    co_return is_kept;
  }

  static asio::awaitable<void> deliver(std::shared_ptr<State> state, std::shared_ptr<Sender> sender,
                                       store::OutboxRow row) {
    // A row that is `sent`, and not by this process, was cut off by a crash: what became of it is unknown, so
    // it goes again with its own bytes, and says so (S7).
    if (row.state == store::OutboxState::sent && !sender->tried.contains(row.id)) {
      ++row.resent;
      state->counters.resent.fetch_add(1);
    }
    if (row.state == store::OutboxState::waiting && row.control_id.empty()) {
      fhir::Issues refusals;
      auto prepared = state->prepare(*sender, row, refusals);
      if (!prepared && is_passing(prepared.error())) {
        co_await wait(*sender, kLookAgain);  // the store cannot be read now, which is no fault of the row
        co_return;
      }
      if (!prepared) {
        state->counters.unrenderable.fetch_add(1);
        state->options.log(prepared.error());
        if (refusals.empty()) refusals.push_back(prepared.error());
        Attempt const attempt{Disposition::refused,
                              "unrenderable: " + std::string(to_code(prepared.error().code)),
                              {},
                              std::move(refusals)};
        co_await settle(state, *sender, std::move(row), attempt);
        co_return;
      }
    }
    row.state = store::OutboxState::sent;
    bool const is_stored = co_await save(state, row);
    if (!is_stored) {
      co_await wait(*sender,
                    kLookAgain);  // the store is in trouble; nothing goes out that it does not know of
      co_return;
    }
    state->counters.attempts.fetch_add(1);
    sender->tried.insert(row.id);
    Attempt attempt = co_await sender->channel->send(row);
    if (!attempt.answer_message.empty()) {
      // First kept, then settled: the other way round a crash between the two would lose it.
      bool const is_kept = co_await take_answer(state, row.destination, std::move(attempt.answer_message));
      if (!is_kept) {
        attempt.disposition = Disposition::unknown;
        attempt.outcome = "answer not kept";
      }
    }
    co_await settle(state, *sender, std::move(row), attempt);
  }

  fhir::Result<void> prepare(Sender& sender, store::OutboxRow& row, fhir::Issues& refusals) {
    FHIR_TRY(auto const snapshot, options.store.snapshot());
    return sender.channel->prepare(*snapshot, row, options.clock(), refusals);
  }

  static asio::awaitable<bool> save(std::shared_ptr<State> state, store::OutboxRow row) {
    store::Compute work = [row = std::move(row)](store::Unit& unit) -> fhir::Result<void> {
      unit.update_outbox(row);
      return {};
    };
    auto const receipt = co_await store::commit(state->options.store, std::move(work));
    co_return receipt.has_value();
  }

  /// Commits what an attempt came to, and lets the record know: a receipt moves a referral on, a refusal
  /// raises an alert.
  static asio::awaitable<void> settle(std::shared_ptr<State> state, Sender& sender, store::OutboxRow row,
                                      Attempt attempt) {
    double const jitter = std::uniform_real_distribution<double>(0, 1)(sender.random);
    auto after = after_attempt(std::move(row), attempt.disposition, attempt.outcome, state->options.clock(),
                               sender.channel->patience(), jitter);
    state->count(attempt.disposition, after);
    if (after.state != store::OutboxState::sent) sender.tried.erase(after.id);
    store::Compute work = [state, after, attempt](store::Unit& unit) -> fhir::Result<void> {
      // An answer may have come by another way meanwhile (settle_by_answer); what it said stands.
      FHIR_TRY(auto const now, unit.snapshot().find_outbox(after.id));
      bool const is_open =
          !now || now->state == store::OutboxState::waiting || now->state == store::OutboxState::sent;
      if (!is_open) return {};
      unit.update_outbox(after);
      if (after.state == store::OutboxState::sent) return {};
      auto const outward = state->outward_now();
      FHIR_CHECK(record::delivered(unit, after, attempt.outcome, outward->site));
      if (!attempt.unwritable.empty())
        FHIR_CHECK(open_unwritable(unit, after, attempt.unwritable, outward->site));
      return state->options.subscriptions.notify(unit);
    };
    auto const receipt = co_await store::commit(state->options.store, std::move(work));
    if (!receipt) state->options.log(receipt.error());  // stays `sent`: it is sent again with the same id
  }

  void count(Disposition disposition, store::OutboxRow const& row) {
    switch (disposition) {
      case Disposition::delivered:
        counters.delivered.fetch_add(1);
        break;
      case Disposition::error:
        counters.errors.fetch_add(1);
        break;
      case Disposition::unknown:
        counters.unknown.fetch_add(1);
        break;
      case Disposition::unconfirmed:
        counters.unconfirmed.fetch_add(1);
        break;
      case Disposition::refused:
        break;
    }
    if (row.state == store::OutboxState::stopped) counters.stopped.fetch_add(1);
  }
};

Delivery::Delivery(DeliveryOptions options) : state_(std::make_shared<State>(std::move(options))) {}

Delivery::~Delivery() { state_->stopping = true; }

fhir::Result<void> Delivery::start() {
  auto const outward = state_->outward_now();
  for (Destination const& destination : outward->destinations) {
    auto const& files = destination.settings.delivery.tls;
    if (files.ca.empty() && files.certificate.empty()) continue;
    FHIR_TRY(auto context, net::TlsContext::client({.ca = files.ca,
                                                    .certificate = files.certificate,
                                                    .private_key = files.key,
                                                    .crl = files.crl,
                                                    .expected_name = files.server_name}));
    state_->tls[destination.settings.name] = std::move(context);
  }
  state_->wake_all();
  return {};
}

void Delivery::replace(std::shared_ptr<Outward const> outward) {
  std::lock_guard const lock(state_->outward_mutex);
  state_->options.outward = std::move(outward);
}

void Delivery::wake() {
  auto const state = state_;
  asio::post(state->options.runtime.executor(0), [state] { state->wake_all(); });
}

asio::awaitable<void> Delivery::wait_for_senders(std::shared_ptr<State> state, net::Duration patience) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  auto const until = std::chrono::steady_clock::now() + patience;
  while (state->running > 0 && std::chrono::steady_clock::now() < until) {
    timer.expires_after(10ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> Delivery::stop(net::Duration deadline) {
  auto const state = state_;
  state->stopping = true;
  {
    std::lock_guard const lock(state->mutex);
    for (auto const& [name, sender] : state->senders) {
      if (!sender) continue;
      asio::post(sender->executor, [sender = sender] { sender->timer.cancel(); });
    }
  }
  co_await wait_for_senders(state, deadline / 2);
  {
    std::lock_guard const lock(state->mutex);
    for (auto const& [name, sender] : state->senders) {
      if (sender) asio::post(sender->executor, [sender = sender] { sender->channel->close(); });
    }
  }
  // A connection closed under an exchange ends it at once; what it came to is still to be written down.
  co_await wait_for_senders(state, deadline / 2);
}

void Delivery::reload() {
  std::lock_guard const lock(state_->mutex);
  for (auto const& [name, sender] : state_->senders) {
    if (sender) asio::post(sender->executor, [sender = sender] { sender->channel->reload(); });
  }
}

DeliveryCounters const& Delivery::counters() const { return state_->counters; }

}  // namespace gateway::delivery
