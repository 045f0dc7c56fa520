#include "gateway/intake/intake.hpp"

#include "fhir/definitions/extra.hpp"
#include "fhir/json/issues.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/search/values.hpp"
#include "gateway/delivery/answers.hpp"
#include "gateway/identity/identity.hpp"
#include "gateway/intake/fitness.hpp"
#include "gateway/intake/invalid.hpp"
#include "gateway/intake/journey.hpp"
#include "gateway/intake/queries.hpp"
#include "gateway/intake/reconcile.hpp"
#include "gateway/record/subscribers.hpp"
#include "gateway/store/async_commit.hpp"
#include "gateway/store/hash.hpp"
#include "mappings/hl7v2/batch.hpp"
#include "mappings/hl7v2/timestamp.hpp"
#include "mappings/language/codes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/core/demangle.hpp>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <typeinfo>
#include <utility>

namespace gateway::intake {

namespace asio = boost::asio;
using mappings::hl7v2::Message;
using mappings::language::Draft;

namespace {

constexpr std::uint16_t kTimestampField = 7;
constexpr std::uint16_t kSequenceField = 13;
constexpr std::uint16_t kCharsetField = 18;

/// The message without MSH-7 and MSH-13: a copy that differs only in these is a resend (R5).
std::string resend_hash(Message const& message) {
  std::string bytes;
  std::size_t const fields = message.field_count(0);
  for (std::size_t field = 1; field <= fields; ++field) {
    if (field == kTimestampField || field == kSequenceField) continue;
    bytes.append(message.raw({0, static_cast<std::uint16_t>(field)})).push_back('\n');
  }
  for (std::size_t segment = 1; segment < message.segment_count(); ++segment) {
    bytes.append(message.segment_raw(segment)).push_back('\r');
  }
  return store::sha256_hex({bytes});
}

std::string duplicate_key_of(Envelope const& envelope, Message const& message, KnownPartner const& partner,
                             std::string_view content_hash) {
  std::string key = envelope.feed;
  key.append("|").append(message.sending_application()).append("|").append(message.sending_facility());
  key.append("|").append(message.control_id());
  switch (partner.settings.control_id_reuse) {
    case config::ControlIdReuse::never:
      break;
    case config::ControlIdReuse::daily:
      key.append("|").append(message.raw({0, kTimestampField, 1, 1}).substr(0, 8));
      break;
    case config::ControlIdReuse::any:
      key.append("|").append(content_hash);
      break;
  }
  return key;
}

/// Milliseconds of a fact that holds a dateTime; 0 when absent or unreadable.
std::int64_t time_of(Draft const& draft, std::string_view fact) {
  auto const value = fhir::search::to_date_value(draft.fact(fact));
  return value ? value->low : 0;
}

}  // namespace

record::Cause cause_of(Draft const& draft, KnownPartner const& partner, std::vector<std::string> patients,
                       std::vector<std::string> anchors, std::int64_t received_ms) {
  record::Cause cause;
  cause.door = record::Door::v2;
  cause.origin = partner.settings.name;
  cause.actor = partner.settings.organization;
  cause.message = std::string(draft.message_code) + "^" + std::string(draft.trigger_event);
  cause.message_id = draft.control_id;
  for (mappings::language::Fact const& fact : draft.facts) {
    cause.facts.push_back(
        {std::string(fact.name), std::string(fact.text()), to_string(*draft.message, fact.address)});
  }
  cause.patients = std::move(patients);
  cause.anchors = std::move(anchors);
  cause.asserted_ms = time_of(draft, "event.occurred");
  if (cause.asserted_ms == 0) cause.asserted_ms = time_of(draft, "event.recorded");
  if (auto const sent = fhir::search::to_date_value(draft.timestamp)) cause.source_ms = sent->low;
  cause.received_ms = received_ms;
  return cause;
}

namespace {

/// What the sender can mend by sending something else is refused; what another try or a mended table may take
/// is an error.
Verdict verdict_on(fhir::Issue const& issue) {
  switch (issue.code) {
    case fhir::IssueType::structure:
    case fhir::IssueType::security:
    case fhir::IssueType::too_costly:
    case fhir::IssueType::duplicate:
      return Verdict::refused;
    default:
      return Verdict::error;
  }
}

constexpr std::size_t kWarningsMax = 50;  // an answer stays short where every OBX of a message is odd

/// What the translation warns of is told to the sender and kept with the message.
void note_warnings(fhir::Issues const& warnings, fhir::Issues& issues) {
  auto const told = std::min(warnings.size(), kWarningsMax);
  issues.insert(issues.end(), warnings.begin(), warnings.begin() + static_cast<std::ptrdiff_t>(told));
  if (told < warnings.size()) {
    issues.push_back(fhir::warning(fhir::IssueType::incomplete,
                                   "and " + std::to_string(warnings.size() - told) + " more"));
  }
}

constexpr std::string_view kSequenceSpace = "sequence";  // partner -> the MSH-13 last taken in

/// What a place in the sequence has to be told of; nullopt: nothing.
std::optional<fhir::Issue> issue_of(SequenceStep const& step) {
  using Kind = SequenceStep::Kind;
  switch (step.kind) {
    case Kind::held:
      return fhir::error(fhir::IssueType::incomplete,
                         "messages before this one are missing; MSA-4 says from where", {}, "MSH-13");
    case Kind::behind:
      return fhir::error(fhir::IssueType::conflict, "this sequence number was taken in with another message",
                         {}, "MSH-13");
    case Kind::unusable:
      return fhir::error(fhir::IssueType::value,
                         "this sender's messages are numbered: -1, 0 or a count from 1", {}, "MSH-13");
    case Kind::passed:
      return fhir::warning(fhir::IssueType::incomplete, "more than 100 numbers were skipped", {}, "MSH-13");
    default:
      return std::nullopt;
  }
}

std::vector<std::string> in_order(DueAnswers due) {
  std::vector<std::string> all;
  if (!due.commit.empty()) all.push_back(std::move(due.commit));
  if (!due.application.empty()) all.push_back(std::move(due.application));
  return all;
}

/// Identity (gateway/identity) refuses what only a person can settle.
bool is_refused_identity(fhir::Issue const& why) {
  return why.code == fhir::IssueType::conflict && (why.source == "MRG-1" || why.source == "PID-3");
}

fhir::Issue conflict_issue() {
  return fhir::error(fhir::IssueType::duplicate,
                     "another message with this control id and other content was taken in before", {},
                     "MSH-10");
}

fhir::Result<void> put_organization(store::Unit& unit, std::string_view reference, std::string_view name) {
  constexpr std::string_view kPrefix = "Organization/";
  if (!reference.starts_with(kPrefix)) return {};
  std::string_view const id = reference.substr(kPrefix.size());
  FHIR_TRY(auto const known, unit.find("Organization", id));
  if (known && !known->deleted) return {};
  auto& arena = unit.arena();
  auto organization = fhir::json::Element::of_object();
  organization.set(arena, "resourceType", fhir::json::Element::of_string("Organization"));
  organization.set(arena, "id", fhir::json::Element::of_string(arena.copy(id)));
  organization.set(arena, "name", fhir::json::Element::of_string(name));
  FHIR_CHECK(unit.put(organization, "gateway", "PUT"));
  return {};
}

/// The definitions of what the gateway writes beyond R4 are there to be read like any resource.
fhir::Result<void> put_definitions(store::Unit& unit) {
  for (std::string_view const json : fhir::definitions::extra()) {
    FHIR_TRY(auto const definition, fhir::json::read(json, unit.arena()));
    FHIR_CHECK(unit.put(definition, "gateway", "PUT"));
  }
  return {};
}

/// Milliseconds since the epoch, in base 36: short, and larger at every start, so that control ids never
/// repeat.
std::string to_base36(std::uint64_t value) {
  std::string text;
  do {
    text.insert(text.begin(), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 36]);
    value /= 36;
  } while (value != 0);
  return text;
}

}  // namespace

Intake::Intake(IntakeOptions options)
    : options_(std::move(options)), next_answer_(static_cast<std::uint64_t>(options_.clock()) * 1000) {}

fhir::Result<void> Intake::prepare() {
  auto const tables = options_.tables->current();
  FHIR_CHECK(options_.store.commit_and_wait([tables](store::Unit& unit) -> fhir::Result<void> {
    auto const& site = tables->partners->site();
    unit.put_table_set({.hash = tables->hash, .content = tables->content});
    FHIR_CHECK(put_definitions(unit));
    FHIR_CHECK(put_organization(unit, site.gateway_organization, "Handoff"));
    return put_organization(unit, site.care_coordinator, "Care coordination");
  }));
  return {};
}

mappings::hl7v2::AckHeader Intake::next_header() {
  return {"H" + to_base36(next_answer_.fetch_add(1)), mappings::hl7v2::to_dtm(options_.clock())};
}

asio::awaitable<std::vector<std::string>> Intake::accept_v2(Envelope envelope) {
  std::vector<std::string> answers;
  try {
    answers = co_await accept_file(envelope);
  } catch (...) {
    answers = {last_resort(envelope.bytes, note_fault(std::current_exception()))};
  }
  co_return answers;
}

/// A batch is taken apart, everything else is one message.
asio::awaitable<std::vector<std::string>> Intake::accept_file(Envelope& envelope) {
  std::vector<std::string> answers;
  if (envelope.damaged || !mappings::hl7v2::is_batch(envelope.bytes)) {
    auto accepted = co_await accept_one(std::move(envelope));
    co_return std::move(accepted.answers);
  }
  auto file = mappings::hl7v2::split_batch(envelope.bytes, envelope.warnings);
  if (!file) {
    // A batch that is cut or miscounted is held whole: kept and refused, none of it taken in.
    envelope.damaged = true;
    envelope.warnings.push_back(file.error());
    auto accepted = co_await accept_one(std::move(envelope));
    co_return std::move(accepted.answers);
  }
  for (mappings::hl7v2::Batch const& batch : file->batches) {
    std::vector<std::string> of_batch;
    for (std::string_view const message : batch.messages) {
      Envelope one = envelope;
      one.bytes = message;
      auto some = co_await accept_one(std::move(one));
      for (std::string& answer : some.answers) of_batch.push_back(std::move(answer));
    }
    answers.push_back(make_batch_ack(batch, of_batch, next_header()));
  }
  co_return answers;
}

/// The journey of one message (architecture.md section 2; the numbers are its steps). Does not throw: what is
/// broken on the way is an error like any other, kept and answered AE.
asio::awaitable<Intake::Accepted> Intake::accept_one(Envelope envelope) {
  auto journey = std::make_shared<Journey>();
  journey->envelope = std::move(envelope);
  journey->tables = options_.tables->current();
  journey->issues = journey->envelope.warnings;
  try {
    journey->received_ms = options_.clock();
    decode(*journey);  // 2 and 4
  } catch (...) {
    journey->issues.push_back(note_fault(std::current_exception()));
    journey->verdict = Verdict::error;
  }
  Accepted accepted;
  try {
    // 3, 5, 6 and 7: see compute().
    auto receipt = co_await commit_journey(journey);
    accepted.is_stored = receipt.has_value();
    if (receipt) {
      accepted.answers = journey->answers;  // 8 Answer: all that it says is on disk.
      count(*journey);
    } else {
      counters_.not_stored.fetch_add(1);
      accepted.answers = not_stored(*journey, receipt.error());
    }
  } catch (...) {
    fhir::Issue const fault = note_fault(std::current_exception());
    // Once it is on disk the answer is what was stored with it, were it none.
    if (!accepted.is_stored) accepted.answers = {last_resort(journey->envelope.bytes, fault)};
  }
  co_return accepted;
}

/// Computes where the message arrived, unless it is judged in full: invariants and profiles are for a worker.
asio::awaitable<fhir::Result<store::Receipt>> Intake::commit_journey(std::shared_ptr<Journey> journey) {
  bool const is_long =
      options_.workers && journey->partner && journey->draft &&
      judge_of(journey->envelope.feed, *journey->partner).judging == conformance::Judging::full;
  auto work =
      store::commit(options_.store, [this, journey](store::Unit& unit) { return compute(unit, *journey); });
  if (!is_long) co_return co_await std::move(work);
  co_return co_await asio::co_spawn(options_.workers(), std::move(work), asio::use_awaitable);
}

asio::awaitable<bool> Intake::accept_answer(std::string partner, std::string bytes) {
  Envelope envelope;
  envelope.bytes = std::move(bytes);
  envelope.feed = "answer:" + partner;
  envelope.partners.push_back(std::move(partner));
  auto const accepted = co_await accept_one(std::move(envelope));
  co_return accepted.is_stored;
}

/// Step 2 and, because its result does not depend on the store, step 4. What is wrong sets the verdict.
void Intake::decode(Journey& journey) const {
  auto const stop = [&](fhir::Issue issue, Verdict verdict) {
    journey.issues.push_back(std::move(issue));
    journey.verdict = verdict;
  };
  if (journey.envelope.damaged) {
    journey.verdict = Verdict::refused;  // the framer's own issue says why
    return;
  }
  auto parsed = parse(*journey.tables, journey.envelope.bytes, journey.issues);
  if (!parsed) return stop(parsed.error(), verdict_on(parsed.error()));
  journey.message.emplace(std::move(*parsed));
  Message const& message = *journey.message;
  auto const sender = journey.tables->partners->sender_of(message, journey.envelope.partners,
                                                          journey.envelope.certificate_name);
  if (message.control_id().empty()) {
    return stop(fhir::error(fhir::IssueType::required, "MSH-10 is empty: no answer could be matched to it",
                            {}, "MSH-10"),
                Verdict::refused);
  }
  if (!sender) return stop(sender.error(), Verdict::refused);
  journey.partner = *sender;
  if (auto unfit = find_unfit(message, **sender, !journey.tables->partners->all().empty()))
    return stop(std::move(unfit->issue), unfit->verdict);
  journey.content_hash = resend_hash(message);
  journey.duplicate_key = duplicate_key_of(journey.envelope, message, *journey.partner, journey.content_hash);
  auto draft = mappings::language::forward(journey.tables->maps, message, journey.partner->profile);
  if (!draft) return stop(draft.error(), Verdict::error);
  // AA would say that it was answered. `handoff convert` says which FHIR search it stands for.
  if (draft->message_code == "QBP" && !is_answered_query(*draft)) {
    return stop(fhir::error(fhir::IssueType::not_supported, "this query is not answered here", {}, "MSH-9.2"),
                Verdict::error);
  }
  note_warnings(draft->warnings, journey.issues);
  journey.draft.emplace(std::move(*draft));
}

/// Where MSH-18 is silent the sender's profile says which character set the bytes are in.
fhir::Result<Message> Intake::parse(Tables const& tables, std::string const& bytes,
                                    fhir::Issues& warnings) const {
  fhir::Issues forgiven;
  auto message = Message::parse(bytes, {}, forgiven);
  if (message && message->raw({0, kCharsetField}).empty()) {
    auto const sender = tables.partners->sender_of(*message, {}, {});
    if (sender && !(*sender)->profile.charset.empty()) {
      forgiven.clear();
      mappings::hl7v2::ParseOptions options;
      options.charset = (*sender)->profile.charset;
      message = Message::parse(bytes, options, forgiven);
    }
  }
  warnings.insert(warnings.end(), forgiven.begin(), forgiven.end());
  return message;
}

fhir::Result<void> Intake::compute(store::Unit& unit, Journey& journey) {
  journey.answers.clear();
  journey.response.clear();
  journey.invalid.clear();
  journey.is_replay = false;
  journey.is_conflict = false;
  journey.replaces_journal_id = journey.kept_as;
  fhir::Issues issues = journey.issues;
  Verdict verdict = journey.verdict.value_or(Verdict::accepted);
  std::string duplicate_key = journey.duplicate_key;

  FHIR_TRY(auto const step, number(unit, journey));
  if (journey.is_about_link) duplicate_key.clear();  // its content comes again, with a number

  // 3 Known before?
  if (!duplicate_key.empty()) {
    FHIR_TRY(auto const before, unit.find_journal_by_key(duplicate_key));
    if (before && before->content_hash != journey.content_hash) {
      journey.is_conflict = true;
      FHIR_TRY(bool const is_settled, is_settled_conflict(unit, journey));
      if (is_settled) return {};
      FHIR_CHECK(open_conflict(unit, journey));
      duplicate_key.clear();  // the first message keeps the key; this one is kept beside it
      verdict = Verdict::refused;
      issues.push_back(conflict_issue());
    } else if (before && before->outcome == to_text(Verdict::accepted)) {
      journey.is_replay = true;
      journey.answers = split_answers(before->answer);
      return send_again(unit, journey);
    } else if (before) {
      journey.replaces_journal_id = before->id;
    }
  }

  if (step && verdict == Verdict::accepted) {
    if (auto const issue = issue_of(*step)) {
      issues.push_back(*issue);
      if (issue->severity == fhir::Severity::error) verdict = Verdict::error;
      if (step->kind == SequenceStep::Kind::passed) counters_.sequence_gaps.fetch_add(1);
    }
  }

  // What R4 requires and no table can say is for a person to answer: AE, kept, taken in again after that.
  if (verdict == Verdict::accepted && journey.draft && !journey.draft->unmapped.empty()) {
    for (fhir::Issue& issue : mappings::language::lacking_codes(*journey.draft)) {
      verdict = Verdict::error;
      issues.push_back(std::move(issue));
    }
  }

  // 5 Reconcile and 6 Fold. What refuses here leaves nothing but the journal row.
  if (verdict == Verdict::accepted && !journey.is_about_link) {
    fhir::Result<void> taken;
    try {
      taken = take_in(unit, journey);
    } catch (...) {
      taken = note_fault(std::current_exception());
    }
    if (!taken) {
      // Only what is wrong with the message is its fault; what is wrong with the store is the store's to
      // report.
      fhir::Issue const why = std::move(taken).error();
      if (is_of_store(why)) return why;
      unit.discard();
      if (journey.invalid.empty()) {
        verdict = verdict_on(why);
        issues.push_back(why);
      } else {
        verdict = Verdict::error;  // a mended table may take it
        issues.insert(issues.end(), journey.invalid.begin(), journey.invalid.end());
        FHIR_CHECK(open_invalid(unit, journey));
      }
      if (is_refused_identity(why)) FHIR_CHECK(open_identity(unit, journey, why));
    }
  }

  if (verdict == Verdict::accepted && !journey.is_about_link && is_answered_query(*journey.draft))
    FHIR_CHECK(look_up(unit, journey, verdict, issues));
  try {
    answer(unit, journey, verdict, issues);
  } catch (...) {
    // Nothing that cannot be answered positively is taken in: the sender would send it again.
    if (verdict == Verdict::accepted) unit.discard();
    verdict = Verdict::error;
    issues.push_back(note_fault(std::current_exception()));
    journey.answers = {last_resort(journey.envelope.bytes, issues.back())};
  }
  journey.outcome = verdict;
  // R8: with the message, in the same transaction. What is refused for good is not waited for either.
  if (step && step->number > 0 && verdict != Verdict::error)
    unit.put_key(kSequenceSpace, journey.partner->settings.name, std::to_string(step->number));
  if (step && step->kind == SequenceStep::Kind::resync)
    unit.remove_key(kSequenceSpace, journey.partner->settings.name);
  FHIR_CHECK(note_unmapped(unit, journey));

  auto& row = unit.journal();
  row.id = journey.replaces_journal_id;
  row.received_ms = journey.received_ms;
  row.feed = journey.envelope.feed;
  row.partner = journey.partner == nullptr ? "" : journey.partner->settings.name;
  row.format = "hl7v2";
  row.duplicate_key = duplicate_key;
  row.content_hash =
      journey.content_hash.empty() ? store::sha256_hex({journey.envelope.bytes}) : journey.content_hash;
  if (journey.message) {
    row.kind =
        std::string(journey.message->message_code()) + "^" + std::string(journey.message->trigger_event());
  }
  row.outcome = journey.is_conflict     ? "conflict"
                : journey.is_about_link ? "link"
                                        : std::string(to_text(verdict));
  row.answer = join_answers(journey.answers);
  row.issues = fhir::json::to_json(issues);
  row.maps_hash = journey.tables->hash;
  row.raw = journey.envelope.bytes;
  return {};
}

/// What a query finds is its answer.
fhir::Result<void> Intake::look_up(store::Unit& unit, Journey& journey, Verdict& verdict,
                                   fhir::Issues& issues) {
  auto header = next_header();
  header.expected_sequence = journey.expected_sequence;
  FHIR_TRY(auto answered, answer_query(unit.snapshot(), *journey.tables, *journey.partner, *journey.message,
                                       *journey.draft, header));
  journey.response = std::move(answered.bytes);
  if (!answered.issues.empty()) verdict = Verdict::error;
  std::ranges::move(answered.issues, std::back_inserter(issues));
  return {};
}

/// Steps 5 and 6 for a v2 message: its resources, its persons, its place in the record, who must be told.
fhir::Result<void> Intake::take_in(store::Unit& unit, Journey& journey) {
  Message const& message = *journey.message;
  if (is_answered_query(*journey.draft)) return {};  // it asks, and says nothing
  if (auto const msa = message.find_segment("MSA")) {
    auto const at = static_cast<std::uint32_t>(*msa);
    FHIR_CHECK(delivery::settle_by_answer(
        unit, {journey.partner->settings.name, message.raw({at, 1}), message.raw({at, 2}), false},
        journey.tables->partners->site()));
    if (message.message_code() == "ACK") return options_.subscriptions.notify(unit);  // it says no more
  }
  FHIR_TRY(auto const reconciled,
           reconcile(unit, *journey.draft, *journey.partner, *journey.tables->partners));
  FHIR_CHECK(judge(unit, journey, reconciled));
  if (!reconciled.complement_anchor.empty()) {
    unit.put_complement({.partner = journey.partner->settings.name,
                         .anchor = reconciled.complement_anchor,
                         .family = std::string(journey.draft->structure),
                         .journal_id = journey.replaces_journal_id});
  }
  return finish(unit, cause_of(*journey.draft, *journey.partner, reconciled.patients, reconciled.anchors,
                               journey.received_ms));
}

/// R4 subscription.html: a client asks with status requested; the server that can serve it makes it active.
fhir::Result<void> Intake::activate_subscriptions(store::Unit& unit) const {
  auto const changes = unit.changes();
  for (store::Unit::Change const& change : changes) {
    if (change.type != "Subscription" || change.after == nullptr || !change.changed) continue;
    FHIR_CHECK(delivery::Subscriptions::check(*change.after, options_.loopback_hooks));
    if (change.after->text_at("status") != "requested") continue;
    auto active = fhir::json::deep_copy(unit.arena(), *change.after);
    active.set(unit.arena(), "status", fhir::json::Element::of_string("active"));
    FHIR_CHECK(unit.put(active, change.source, change.before ? "PUT" : "POST"));
  }
  return {};
}

namespace {

std::optional<record::ChosenEvent> chosen_event(Tables const& tables, record::Party const& party,
                                                fhir::json::Element const* before,
                                                fhir::json::Element const& after, std::string_view told_by) {
  KnownPartner const* const partner = tables.partners->find(party.name);
  if (partner == nullptr) return std::nullopt;
  auto const event = mappings::language::choose_event(tables.maps, before, after, partner->profile, told_by);
  if (!event) return std::nullopt;
  record::ChosenEvent chosen;
  chosen.message = std::string(event->message_code) + "^" + std::string(event->trigger_event);
  chosen.structure = event->structure;
  chosen.role = event->role;
  chosen.row = event->row;
  for (auto const& fact : event->facts) chosen.facts.emplace(fact.name, fact.text);
  return chosen;
}

}  // namespace

/// The end of every door's way: fold the record over what was written, and queue what subscribers must hear.
fhir::Result<void> Intake::finish(store::Unit& unit, record::Cause const& cause) {
  auto const tables = options_.tables->current();
  auto const& partners = *tables->partners;
  record::ChooseEvent const choose = [&](auto const& party, auto const* before, auto const& after) {
    // A person's numbers that moved need what only the sender's message said (MRG): others hear of A31.
    bool const is_person = after.text_at("resourceType") == "Patient";
    return chosen_event(*tables, party, before, after, is_person ? std::string_view{} : cause.message);
  };
  FHIR_CHECK(record::tell_of_persons(unit, cause, partners.site(), choose));
  FHIR_CHECK(record::fold(unit, cause, partners.site()));
  FHIR_CHECK(record::tell_subscribers(unit, cause, partners.site(), choose));
  return options_.subscriptions.notify(unit);
}

std::vector<std::string> Intake::answers_to(Journey const& journey, Verdict verdict,
                                            fhir::Issues const& issues) {
  if (!journey.message)
    return {make_nak(journey.envelope.bytes, next_header(), issues, verdict == Verdict::error ? "AE" : "AR")};
  return in_order(due_to(journey, verdict, issues));
}

/// What a message is owed, as its sender's profile has it: a REF may be answered by an RRI at once (R7).
DueAnswers Intake::due_to(Journey const& journey, Verdict verdict, fhir::Issues const& issues,
                          std::string_view confirm) {
  Message const& message = *journey.message;
  auto const headers = [&] {
    auto header = next_header();
    header.expected_sequence = journey.expected_sequence;
    return header;
  };
  auto due = due_answers(message, verdict, headers, issues, confirm);
  if (!journey.response.empty() && !due.application.empty()) due.application = journey.response;
  bool const is_referral = message.message_code() == "REF" && message.trigger_event() == "I12";
  bool const says_rri = journey.partner != nullptr && journey.partner->settings.ref_reply == "rri";
  if (is_referral && says_rri && verdict == Verdict::accepted && !journey.is_about_link &&
      !due.application.empty()) {
    auto header = headers();
    header.accept_ack = confirm;
    due.application = make_receipt(message, header);
  }
  return due;
}

/// The journey's answers. A partner that takes application answers of the enhanced mode at its return address
/// gets them there: they wait in the outbox, as durable as the message, until it has them (R7).
void Intake::answer(store::Unit& unit, Journey& journey, Verdict verdict, fhir::Issues const& issues) {
  bool const returns = journey.message && journey.partner != nullptr && journey.kept_as == 0 &&
                       journey.partner->settings.application_answers == "return";
  if (!returns) {
    journey.answers = answers_to(journey, verdict, issues);
    return;
  }
  std::string const& asked = journey.partner->settings.delivery.accept_ack;
  auto due = due_to(journey, verdict, issues, asked.empty() ? "AL" : std::string_view(asked));
  if (!due.enhanced) {
    journey.answers = answers_to(journey, verdict, issues);
    return;
  }
  if (!due.application.empty()) send_later(unit, journey, std::exchange(due.application, {}));
  journey.answers = in_order(std::move(due));
}

namespace {

/// Where the answers to one message are found again.
std::string answers_record(std::string_view duplicate_key) { return "answer|" + std::string(duplicate_key); }

}  // namespace

void Intake::send_later(store::Unit& unit, Journey const& journey, std::string answer) {
  fhir::Issues ignored;
  auto const parsed = Message::parse(answer, {}, ignored);
  store::OutboxRow row;
  row.destination = journey.partner->settings.name;
  row.order_key = "answers";
  row.kind = std::string(delivery::kAnswerKind) + "^" + std::string(journey.message->trigger_event());
  row.control_id = parsed ? std::string(parsed->control_id()) : std::string{};
  row.rendered = std::move(answer);
  row.created_ms = unit.now_ms();
  row.next_attempt_ms = unit.now_ms();
  unit.add_outbox(std::move(row), answers_record(journey.duplicate_key));
}

/// A sender that asks again has not heard the application answer, whatever we think of it.
fhir::Result<void> Intake::send_again(store::Unit& unit, Journey const& journey) {
  if (journey.partner->settings.application_answers != "return") return {};
  FHIR_TRY(auto rows, unit.snapshot().outbox_of_record(answers_record(journey.duplicate_key)));
  for (store::OutboxRow& row : rows) {
    if (row.state != store::OutboxState::sent) row.state = store::OutboxState::waiting;
    row.next_attempt_ms = unit.now_ms();
    unit.update_outbox(std::move(row));
  }
  return {};
}

/// Which number it has on its link, and what is expected there; nullopt where its sender does not count.
fhir::Result<std::optional<SequenceStep>> Intake::number(store::Unit& unit, Journey& journey) {
  journey.expected_sequence.clear();
  journey.is_about_link = false;
  bool const counts = journey.partner != nullptr && journey.partner->settings.sequence_protocol;
  if (!counts || !journey.message || journey.kept_as != 0) return std::optional<SequenceStep>{};
  FHIR_TRY(auto const stored, unit.find_key(kSequenceSpace, journey.partner->settings.name));
  std::optional<std::int64_t> last;
  if (stored) last = std::atoll(stored->c_str());
  auto step = sequence_step(last, journey.message->raw({0, kSequenceField}));
  journey.expected_sequence = step.expected;
  journey.is_about_link = step.kind == SequenceStep::Kind::start || step.kind == SequenceStep::Kind::resync;
  return std::optional<SequenceStep>(std::move(step));
}

/// Counts and logs a broken invariant of ours. Its kind is told, its text is not: that may hold anything.
fhir::Issue Intake::note_fault(std::exception_ptr const& thrown) {
  counters_.faults.fetch_add(1);
  std::string kind = "an unknown exception";
  try {
    std::rethrow_exception(thrown);
  } catch (std::exception const& known) {
    kind = boost::core::demangle(typeid(known).name());
  } catch (...) {
  }
  auto fault = fhir::error(fhir::IssueType::exception, "a broken invariant of the gateway (" + kind + ")");
  if (options_.log) options_.log(fault);
  return fault;
}

/// AE where the usual way to an answer is the one that broke: by the bytes alone, at worst without a name.
std::string Intake::last_resort(std::string const& bytes, fhir::Issue const& fault) {
  mappings::hl7v2::AckHeader header;
  header.control_id = "H" + to_base36(next_answer_.fetch_add(1));
  try {
    return make_nak(bytes, header, {fault}, "AE");
  } catch (...) {
    return "MSH|^~\\&|||||||ACK|" + header.control_id + "|P|2.5.1\rMSA|AE|\r";
  }
}

std::vector<std::string> Intake::not_stored(Journey const& journey, fhir::Issue const& why) {
  return answers_to(journey, Verdict::error,
                    {fhir::error(why.code, "the message could not be stored; send it again", {}, {})});
}

void Intake::count(Journey const& journey) {
  if (journey.is_conflict) counters_.conflicts.fetch_add(1);
  if (journey.is_replay) {
    counters_.replayed.fetch_add(1);
    return;
  }
  if (journey.message) {
    std::string_view const partner =
        journey.partner == nullptr ? "other" : std::string_view(journey.partner->settings.name);
    counters_.losses.note(partner, *journey.message,
                          journey.draft ? mappings::language::account(*journey.message, *journey.draft)
                                        : mappings::language::account(*journey.message, "no table"));
  }
  switch (journey.outcome) {
    case Verdict::accepted:
      counters_.accepted.fetch_add(1);
      break;
    case Verdict::error:
      counters_.errors.fetch_add(1);
      break;
    case Verdict::refused:
      counters_.refused.fetch_add(1);
      break;
  }
}

fhir::Result<std::size_t> Intake::replay(std::int64_t journal_id) {
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  FHIR_TRY(auto const row, snapshot->find_journal(journal_id));
  if (!row) return fhir::error(fhir::IssueType::not_found, "the journal has no row of that number");
  if (row->outcome == to_text(Verdict::accepted)) return replay_accepted(*row);
  if (row->outcome == record::work::conflict) {
    return fhir::error(fhir::IssueType::business_rule,
                       "a conflict is taken in by a person's decision: journal accept, or journal dismiss");
  }
  FHIR_TRY(auto const journey, journey_of(*row));
  FHIR_CHECK(
      options_.store.commit_and_wait([this, journey](store::Unit& unit) { return compute(unit, *journey); }));
  count(*journey);
  if (journey->outcome == Verdict::accepted) return std::size_t{0};
  return fhir::error(fhir::IssueType::processing, "it is still refused; the journal row says why");
}

/// A kept message on its way again.
fhir::Result<std::shared_ptr<Intake::Journey>> Intake::journey_of(store::JournalRow const& row) {
  auto journey = std::make_shared<Journey>();
  journey->received_ms = row.received_ms;
  journey->envelope.bytes = row.raw;
  journey->envelope.feed = row.feed;
  journey->tables = options_.tables->current();
  FHIR_TRY(auto message, parse(*journey->tables, journey->envelope.bytes, journey->issues));
  journey->message.emplace(std::move(message));
  journey->partner = journey->tables->partners->find(row.partner);
  if (journey->partner == nullptr) {
    return fhir::error(fhir::IssueType::not_found,
                       "the configuration no longer names the partner it came from");
  }
  if (auto unfit =
          find_unfit(*journey->message, *journey->partner, !journey->tables->partners->all().empty()))
    return std::move(unfit->issue);
  journey->content_hash = row.content_hash;
  journey->duplicate_key = row.duplicate_key;
  FHIR_TRY(auto draft,
           mappings::language::forward(journey->tables->maps, *journey->message, journey->partner->profile));
  note_warnings(draft.warnings, journey->issues);
  journey->draft.emplace(std::move(draft));
  return journey;
}

namespace {

std::string conflict_id(std::string_view feed, std::string_view content_hash) {
  return record::work_item_id(record::work::conflict, std::string(feed) + "|" + std::string(content_hash));
}

}  // namespace

/// The same conflicting bytes again: kept already, and a person's or still everybody's to decide. The answer
/// is what was decided.
fhir::Result<bool> Intake::is_settled_conflict(store::Unit& unit, Journey& journey) {
  FHIR_TRY(auto const item, unit.find_record(conflict_id(journey.envelope.feed, journey.content_hash)));
  if (!item) return false;
  bool const accepted = item->state == "ACCEPTED";
  journey.outcome = accepted ? Verdict::accepted : Verdict::refused;
  fhir::Issues issues;
  if (!accepted) issues.push_back(conflict_issue());
  journey.answers = answers_to(journey, journey.outcome, issues);
  journey.is_replay = true;
  return true;
}

record::Cause Intake::cause_of_journey(Journey const& journey) {
  record::Cause cause;
  cause.door = record::Door::v2;
  cause.origin = journey.partner->settings.name;
  cause.message =
      std::string(journey.message->message_code()) + "^" + std::string(journey.message->trigger_event());
  cause.message_id = journey.message->control_id();
  cause.received_ms = journey.received_ms;
  return cause;
}

fhir::Result<void> Intake::open_conflict(store::Unit& unit, Journey const& journey) {
  record::WorkItem item;
  item.kind = record::work::conflict;
  item.seed = journey.envelope.feed + "|" + journey.content_hash;
  item.reason = conflict_issue().diagnostics;
  item.owner = journey.tables->partners->site().gateway_organization;
  item.data["feed"] = {journey.envelope.feed};
  item.data["content_hash"] = {journey.content_hash};
  FHIR_CHECK(record::open_work_item(unit, cause_of_journey(journey), journey.tables->partners->site(), item));
  return {};
}

/// A merge that runs in a circle, an unlink of what is one: a person must say who is who.
fhir::Result<void> Intake::open_identity(store::Unit& unit, Journey const& journey, fhir::Issue const& why) {
  record::WorkItem item;
  item.kind = record::work::identity;
  item.seed = journey.envelope.feed + "|" + journey.content_hash;
  item.reason = why.diagnostics;
  item.owner = journey.tables->partners->site().gateway_organization;
  item.data["content_hash"] = {journey.content_hash};
  FHIR_CHECK(record::open_work_item(unit, cause_of_journey(journey), journey.tables->partners->site(), item));
  return {};
}

fhir::Result<void> Intake::settle_conflict(std::int64_t journal_id, record::Settlement const& settlement) {
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  FHIR_TRY(auto const row, snapshot->find_journal(journal_id));
  if (!row) return fhir::error(fhir::IssueType::not_found, "the journal has no row of that number");
  if (row->outcome != record::work::conflict)
    return fhir::error(fhir::IssueType::conflict, "that row is no open conflict but " + row->outcome);
  std::string const item = conflict_id(row->feed, row->content_hash);
  auto const settle = [&](store::Unit& unit) {
    auto const cause = record::operator_cause(unit, "journal " + settlement.how, settlement.by);
    return record::settle_work_item(unit, cause, options_.tables->current()->partners->site(), item,
                                    settlement);
  };
  if (settlement.how == record::work::dismissed) {
    FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(settle(unit));
      unit.journal() = *row;
      unit.journal().outcome = record::work::dismissed;
      return {};
    }));
    return {};
  }
  FHIR_TRY(auto const journey, journey_of(*row));
  journey->kept_as = row->id;
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    FHIR_CHECK(compute(unit, *journey));
    if (journey->outcome != Verdict::accepted)
      return fhir::error(fhir::IssueType::processing, "it cannot be taken in; the conflict stays open");
    return settle(unit);
  }));
  count(*journey);
  return {};
}

asio::awaitable<fhir::Result<store::Receipt>> Intake::commit(Principal principal, RequestFacts request,
                                                             store::Compute write) {
  auto compute_fhir = [this, principal, request,
                       write = std::move(write)](store::Unit& unit) -> fhir::Result<void> {
    FHIR_CHECK(write(unit));
    FHIR_CHECK(activate_subscriptions(unit));
    FHIR_CHECK(identity::keep_links(unit));
    auto const tables = options_.tables->current();
    FHIR_CHECK(identity::link_patients(unit, tables->partners->trust()));
    FHIR_CHECK(identity::follow_client_links(unit, tables->partners->trust()));
    FHIR_CHECK(register_keys(unit, true));
    record::Cause cause;
    cause.door = record::Door::fhir;
    cause.origin = principal.source;
    cause.actor = principal.organization;
    cause.message = request.summary;
    cause.message_id = request.request_id;
    cause.received_ms = unit.now_ms();
    return finish(unit, cause);
  };
  store::Compute work = std::move(compute_fhir);
  auto receipt = co_await store::commit(options_.store, std::move(work));
  if (receipt) {
    counters_.fhir_writes.fetch_add(1);
    bool const is_about_subscriptions = std::ranges::any_of(
        receipt->versions, [](store::Version const& version) { return version.type == "Subscription"; });
    // The write stands whatever becomes of this read; tick() reads them again.
    if (is_about_subscriptions) (void)options_.subscriptions.reload(options_.store);
  } else {
    counters_.fhir_refused.fetch_add(1);
  }
  co_return receipt;
}

void Intake::returned(Principal const& principal, std::vector<std::string> references) {
  if (principal.organization.empty()) return;
  for (std::string const& reference : references) {
    if (!reference.starts_with("Task/")) continue;
    auto note = [this, reader = principal.organization,
                 task = reference.substr(5)](store::Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(record::returned(unit, task, reader, options_.tables->current()->partners->site()));
      return options_.subscriptions.notify(unit);
    };
    // The answer has gone out already; a receipt that is lost here is taken at the next read.
    options_.store.commit(std::move(note), [](fhir::Result<store::Receipt> const&) {});
  }
}

void Intake::tick() {
  (void)options_.subscriptions.reload(
      options_.store);  // what is in force stays so while the store cannot be read
  if (is_walking_.exchange(true)) return;
  if (!options_.workers) return pass_time();
  asio::post(options_.workers(), [this] { pass_time(); });
}

/// One commit for each step, so that many records keep nobody else waiting.
void Intake::pass_time() {
  record::Walk at;
  while (!at.kind.empty()) {
    auto const next = std::make_shared<record::Walk>(record::Walk{"", {}});
    auto const known = std::make_shared<bool>(false);  // computed again later: this thread has gone on
    options_.store.commit(
        [this, at, next, known](store::Unit& unit) -> fhir::Result<void> {
          FHIR_TRY(auto const reached, record::tick(unit, options_.tables->current()->partners->site(), at));
          if (!std::exchange(*known, true)) *next = reached;
          return options_.subscriptions.notify(unit);
        },
        [](fhir::Result<store::Receipt> const&) {});
    at = *next;
  }
  is_walking_ = false;
}

}  // namespace gateway::intake
