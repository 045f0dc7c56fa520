/// The one way in, whatever the door: decode, known before?, translate, reconcile, fold, commit, answer
/// (architecture.md section 2). Read intake.cpp first: accept_v2() is the journey of one message.
///
/// May call: mappings, store, identity, record, delivery's subscription matching. Doors (feeds, rest) call
/// this.
#pragma once

#include "fhir/result.hpp"
#include "gateway/conformance/judge.hpp"
#include "gateway/delivery/loss_counters.hpp"
#include "gateway/delivery/subscriptions.hpp"
#include "gateway/intake/acknowledge.hpp"
#include "gateway/intake/partners.hpp"
#include "gateway/intake/sequence.hpp"
#include "gateway/intake/tables.hpp"
#include "gateway/intake/writer.hpp"
#include "gateway/record/work_item.hpp"
#include "gateway/store/store.hpp"
#include "mappings/language/translator.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gateway::intake {

struct Reconciled;

/// Raw bytes as a door received them.
struct Envelope {
  std::string bytes;
  std::string feed;                   ///< "mllp:clinics"; part of the duplicate key.
  std::vector<std::string> partners;  ///< Who may send here; empty: all.
  std::string certificate_name;
  bool damaged = false;   ///< Framing says this is not one whole message: kept and refused, never AA.
  fhir::Issues warnings;  ///< The framing's.
};

/// All only grow; read by /metrics.
struct IntakeCounters {
  std::atomic<std::uint64_t> accepted{0}, errors{0}, refused{0}, replayed{0}, conflicts{0}, not_stored{0};
  std::atomic<std::uint64_t> faults{
      0};  ///< Broken invariants of ours: exceptions while a message was taken in.
  std::atomic<std::uint64_t> sequence_gaps{0};  ///< Gaps in MSH-13 too long to wait for (R8).
  std::atomic<std::uint64_t> fhir_writes{0}, fhir_refused{0};
  std::atomic<std::uint64_t> requeued{0};
  delivery::LossCounters losses;
};

struct IntakeOptions {
  store::Store& store;
  std::shared_ptr<LiveTables> tables;
  store::ClockMs clock;
  delivery::Subscriptions& subscriptions;
  bool loopback_hooks = false;  ///< See config::Settings.
  /// How what a message of that feed ("mllp:clinics") would store is judged, where its partner's profile says
  /// nothing; a feed that is not named here: structure.
  std::map<std::string, conformance::Judging> judging = {};
  std::shared_ptr<conformance::Definitions const> definitions = {};  ///< Needed to judge in full.
  std::function<void(fhir::Issue const&)> log = {};  ///< What an operator must hear; never a payload.
  /// Where a message is taken in that is judged in full, which may take long; empty: where it arrived.
  std::function<boost::asio::any_io_executor()> workers = {};
};

class Intake : public Writer {
 public:
  explicit Intake(IntakeOptions options);

  /// Puts what the gateway itself is as a party: its Organization and the care coordinators'. Called once,
  /// before traffic.
  fhir::Result<void> prepare();

  /// One frame, which may hold one message or a batch (FHS/BHS). Resumes when what it says is on disk, with
  /// the answers to write back in order: none, one or two per message, a batch of answers for a batch. Never
  /// AA before the commit (R1). A broken invariant of ours, an exception, is answered AE like any other error
  /// (R2), counted and logged by its kind; it does not leave this function.
  boost::asio::awaitable<std::vector<std::string>> accept_v2(Envelope envelope);

  /// A message that a partner sent as its answer to one of ours (R7): as accept_v2, but nobody waits for what
  /// we answer. True when it is on disk, whatever became of it.
  boost::asio::awaitable<bool> accept_answer(std::string partner, std::string bytes);

  /// Processes a kept message again, e.g. after its table was mended (`handoff journal replay`). A success
  /// replaces the stored outcome and answer. One that was accepted is translated anew: what changed tables
  /// say otherwise replaces what the message gave, where that still stands; with the same tables, and a
  /// second time, nothing changes. How many resources of an accepted one changed. Blocks; not for io threads.
  /// Errors: not_found (also the tables that took it in), or why it still fails.
  fhir::Result<std::size_t> replay(std::int64_t journal_id);

  /// Ends a conflict (R5) as a person decided: work::accepted takes the kept message in as a new one,
  /// work::dismissed leaves it out for good. Either way the same bytes are not asked about again. Blocks.
  /// Errors: not_found, conflict (no open conflict), required (no reason), or why it cannot be taken in.
  fhir::Result<void> settle_conflict(std::int64_t journal_id, record::Settlement const& settlement);

  boost::asio::awaitable<fhir::Result<store::Receipt>> commit(Principal principal, RequestFacts request,
                                                              store::Compute write) override;
  void returned(Principal const& principal, std::vector<std::string> references) override;

  /// Clocks that passed, and Subscriptions that could not be read when they changed; called once a minute.
  void tick();

  // worklist.cpp. Each blocks: not for io threads.

  /// An unmapped code gets its meaning for the partner that sent it; the new tables are the caller's to put
  /// in force, and requeue() after that. Errors: not_found; conflict (settled before); business_rule (another
  /// kind of item); code_invalid (an element that needs the code does not allow it).
  fhir::Result<void> answer_code(std::string const& item, std::string const& system, std::string const& code,
                                 record::Settlement const& how, store::OperatorAct const& act);
  /// Leaves an item as it is, for good.
  fhir::Result<void> dismiss(std::string const& item, record::Settlement const& how,
                             store::OperatorAct const& act);
  /// Answers what the tables in force have meanwhile (a code added to a file), then takes in again every
  /// message that waits for an answer. Elements that the answer changes are changed where they still hold
  /// what the message gave; newer facts stay. How many messages were taken in again.
  fhir::Result<std::size_t> requeue();

  IntakeCounters const& counters() const { return counters_; }

 private:
  struct Journey;
  boost::asio::awaitable<std::vector<std::string>> accept_file(Envelope& envelope);
  struct Accepted {
    std::vector<std::string> answers;
    bool is_stored = false;
  };
  boost::asio::awaitable<Accepted> accept_one(Envelope envelope);
  boost::asio::awaitable<fhir::Result<store::Receipt>> commit_journey(std::shared_ptr<Journey> journey);
  void decode(Journey& journey) const;
  void pass_time();
  fhir::Result<mappings::hl7v2::Message> parse(Tables const& tables, std::string const& bytes,
                                               fhir::Issues& warnings) const;
  fhir::Result<std::shared_ptr<Journey>> journey_of(store::JournalRow const& row);
  fhir::Result<void> compute(store::Unit& unit, Journey& journey);
  static record::Cause cause_of_journey(Journey const& journey);
  fhir::Result<bool> is_settled_conflict(store::Unit& unit, Journey& journey);
  fhir::Result<void> open_conflict(store::Unit& unit, Journey const& journey);
  fhir::Result<void> open_identity(store::Unit& unit, Journey const& journey, fhir::Issue const& why);
  fhir::Result<void> look_up(store::Unit& unit, Journey& journey, Verdict& verdict, fhir::Issues& issues);
  fhir::Result<void> take_in(store::Unit& unit, Journey& journey);
  std::vector<std::string> answers_to(Journey const& journey, Verdict verdict, fhir::Issues const& issues);
  DueAnswers due_to(Journey const& journey, Verdict verdict, fhir::Issues const& issues,
                    std::string_view confirm = {});
  void answer(store::Unit& unit, Journey& journey, Verdict verdict, fhir::Issues const& issues);
  static void send_later(store::Unit& unit, Journey const& journey, std::string answer);
  static fhir::Result<void> send_again(store::Unit& unit, Journey const& journey);
  static fhir::Result<std::optional<SequenceStep>> number(store::Unit& unit, Journey& journey);
  fhir::Issue note_fault(std::exception_ptr const& thrown);
  std::string last_resort(std::string const& bytes, fhir::Issue const& fault);
  fhir::Result<void> activate_subscriptions(store::Unit& unit) const;
  fhir::Result<void> finish(store::Unit& unit, record::Cause const& cause);
  mappings::hl7v2::AckHeader next_header();
  std::vector<std::string> not_stored(Journey const& journey, fhir::Issue const& why);
  void count(Journey const& journey);
  fhir::Result<void> note_unmapped(store::Unit& unit, Journey const& journey);
  conformance::Judge judge_of(std::string const& feed, KnownPartner const& partner) const;
  fhir::Result<void> judge(store::Unit& unit, Journey& journey, Reconciled const& reconciled) const;
  fhir::Result<void> open_invalid(store::Unit& unit, Journey const& journey);
  fhir::Result<void> answer_from_tables();
  fhir::Result<void> try_invalid_again();
  fhir::Result<std::vector<store::RecordRow>> open_items(std::string_view kind) const;
  fhir::Result<void> settle_by_tables(Tables const& tables, std::string const& item, std::string reason);
  fhir::Result<void> take_again(store::SightingMessage const& message);
  fhir::Result<std::size_t> patch(store::JournalRow const& row, store::SightingMessage const* waited);
  fhir::Result<std::size_t> replay_accepted(store::JournalRow const& row);

  IntakeOptions options_;
  IntakeCounters counters_;
  std::atomic<std::uint64_t> next_answer_;
  std::atomic<bool> is_walking_ = false;
  TableArchive archive_;
};

}  // namespace gateway::intake
