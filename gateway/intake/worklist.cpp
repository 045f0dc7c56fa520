/// Codes that no table has: raised as work items, answered by a person or a file, their messages taken in
/// again. Source: translation.md section 2 point 9.
#include "fhir/json/reader.hpp"
#include "gateway/intake/invalid.hpp"
#include "gateway/intake/journey.hpp"
#include "gateway/intake/kept.hpp"
#include "gateway/intake/queries.hpp"
#include "gateway/intake/reconcile.hpp"
#include "gateway/record/work_item.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace gateway::intake {

namespace language = mappings::language;

namespace {

constexpr std::size_t kCodesPerMessage = 50;  // a message of garbage opens no more items than this
constexpr std::size_t kCodeBytesMax = 200;    // longer is no code but a text in the wrong field
constexpr std::size_t kMessagesAtATime = 256;
constexpr std::string_view kAnswered = "ANSWERED";

record::WorkItem item_of(language::UnmappedCode const& code, language::Draft const& draft,
                         KnownPartner const& partner, record::Site const& site) {
  std::string const& name = partner.settings.name;
  record::WorkItem item;
  item.kind = record::work::unmapped_code;
  item.seed = name + "|" + std::string(code.vocabulary) + "|" + std::string(code.code);
  item.reason = "no table has this code";
  item.owner = site.gateway_organization;
  item.data["partner"] = {name};
  item.data["vocabulary"] = {std::string(code.vocabulary)};
  item.data["code"] = {std::string(code.code)};
  if (!code.text.empty()) item.data["text"] = {std::string(code.text.substr(0, kCodeBytesMax))};
  item.data["field"] = {to_string(*draft.message, code.address)};
  return item;
}

/// What an unmapped code's item was opened with.
struct Question {
  std::string partner, vocabulary, code;
};

fhir::Result<Question> question_of(store::RecordRow const& row) {
  FHIR_TRY(auto const body, fhir::json::read_document(row.body));
  return Question{std::string(body.root.text_at("partner")), std::string(body.root.text_at("vocabulary")),
                  std::string(body.root.text_at("code"))};
}

/// Whether the tables have the code now, for that partner.
bool is_mapped(Tables const& tables, Question const& question) {
  KnownPartner const* const partner = tables.partners->find(question.partner);
  return partner != nullptr &&
         language::has_code(tables.maps, question.vocabulary, question.code, partner->profile);
}

bool holds_fact(language::Draft const& draft, language::Fact const& fact) {
  return std::ranges::any_of(draft.facts, [&](language::Fact const& one) {
    return one.name == fact.name && one.instance == fact.instance && one.value == fact.value;
  });
}

}  // namespace

fhir::Result<void> Intake::note_unmapped(store::Unit& unit, Journey const& journey) {
  if (!journey.draft || journey.partner == nullptr || journey.is_conflict) return {};
  std::set<std::string> told;
  for (language::UnmappedCode const& code : journey.draft->unmapped) {
    if (code.code.size() > kCodeBytesMax) continue;
    record::WorkItem const item =
        item_of(code, *journey.draft, *journey.partner, journey.tables->partners->site());
    if (told.size() == kCodesPerMessage || !told.insert(item.seed).second) continue;
    record::Cause cause;
    cause.door = record::Door::v2;
    cause.origin = journey.partner->settings.name;
    cause.message =
        std::string(journey.draft->message_code) + "^" + std::string(journey.draft->trigger_event);
    cause.message_id = journey.draft->control_id;
    cause.received_ms = journey.received_ms;
    FHIR_TRY(auto const id, record::open_work_item(unit, cause, journey.tables->partners->site(), item));
    unit.note_sighting(id);
  }
  return {};
}

fhir::Result<void> Intake::answer_code(std::string const& item, std::string const& system,
                                       std::string const& code, record::Settlement const& how,
                                       store::OperatorAct const& act) {
  auto const tables = options_.tables->current();
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  FHIR_TRY(auto const row, snapshot->find_record(item));
  if (!row) return fhir::error(fhir::IssueType::not_found, "no work item has this id");
  if (row->kind != record::work::unmapped_code)
    return fhir::error(fhir::IssueType::business_rule, "only an unmapped code is answered with a code");
  FHIR_TRY(auto const question, question_of(*row));
  FHIR_CHECK(language::check_answer(tables->maps, question.vocabulary, system, code));
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    auto const cause = record::operator_cause(unit, "answer", how.by);
    FHIR_CHECK(record::settle_work_item(unit, cause, tables->partners->site(), item, how));
    unit.put_partner_code({question.partner, question.vocabulary, question.code, system, code});
    unit.add_act(act);
    return {};
  }));
  return {};
}

fhir::Result<void> Intake::dismiss(std::string const& item, record::Settlement const& how,
                                   store::OperatorAct const& act) {
  auto const tables = options_.tables->current();
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    auto const cause = record::operator_cause(unit, "dismiss", how.by);
    FHIR_CHECK(record::settle_work_item(unit, cause, tables->partners->site(), item, how));
    unit.add_act(act);
    return {};
  }));
  return {};
}

/// A code that a file or an overlay has meanwhile is answered by it.
fhir::Result<void> Intake::answer_from_tables() {
  auto const tables = options_.tables->current();
  FHIR_TRY(auto const rows, open_items(record::work::unmapped_code));
  for (store::RecordRow const& row : rows) {
    FHIR_TRY(auto const question, question_of(row));
    if (is_mapped(*tables, question))
      FHIR_CHECK(settle_by_tables(*tables, row.record_id, "the tables have it"));
  }
  return {};
}

fhir::Result<std::vector<store::RecordRow>> Intake::open_items(std::string_view kind) const {
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  return store::open_records(*snapshot, kind);
}

/// Other tables answer an item: what they refused is taken in again.
fhir::Result<void> Intake::settle_by_tables(Tables const& tables, std::string const& item,
                                            std::string reason) {
  record::Settlement const how{
      std::string(record::work::answered), std::move(reason), "tables " + tables.hash, {}};
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    auto const cause = record::operator_cause(unit, "reload", how.by);
    return record::settle_work_item(unit, cause, tables.partners->site(), item, how);
  }));
  return {};
}

fhir::Result<std::size_t> Intake::requeue() {
  FHIR_CHECK(answer_from_tables());
  FHIR_CHECK(try_invalid_again());
  std::size_t taken = 0;
  for (;;) {
    std::vector<store::SightingMessage> messages;
    {
      FHIR_TRY(auto const snapshot, options_.store.snapshot());
      FHIR_TRY(messages, snapshot->messages_to_requeue(kAnswered, kMessagesAtATime));
    }
    if (messages.empty()) return taken;
    for (store::SightingMessage const& message : messages) {
      FHIR_CHECK(take_again(message));
      ++taken;
      counters_.requeued.fetch_add(1);
    }
  }
}

fhir::Result<void> Intake::take_again(store::SightingMessage const& message) {
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  FHIR_TRY(auto const row, snapshot->find_journal(message.journal_id));
  if (row && row->outcome == to_text(Verdict::accepted)) {
    auto const patched = patch(*row, &message);
    if (patched) return {};
    if (is_of_store(patched.error())) return patched.error();
    if (options_.log) options_.log(patched.error());  // what it gave before stands
  }
  // What was refused goes the whole way again; that it may be refused for another reason is the journal's to
  // say.
  if (row && row->outcome == to_text(Verdict::error)) (void)replay(message.journal_id);
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    unit.finish_sighting(message);
    return {};
  }));
  return {};
}

/// An accepted message: what the tables now in force say otherwise than those that took it in. `waited`: the
/// item that waited for them, or nullptr. How many resources changed.
fhir::Result<std::size_t> Intake::patch(store::JournalRow const& row, store::SightingMessage const* waited) {
  auto const tables = options_.tables->current();
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  Past const past{*snapshot, archive_, *tables};
  FHIR_TRY(auto const before, read_kept(past, row));
  FHIR_TRY(auto const after, read_kept_now(past, row));
  KnownPartner const* const partner = tables->partners->find(row.partner);
  std::size_t changed = 0;
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    if (waited != nullptr) unit.finish_sighting(*waited);
    if (!before->draft || !after->draft || partner == nullptr) return {};
    FHIR_TRY(auto const reconciled,
             retranslate(unit, *before->draft, *after->draft, *partner, *tables->partners));
    auto const invalid = errors_in_stored(unit, judge_of(row.feed, *partner), *after->draft, reconciled);
    if (!invalid.empty()) return invalid.front();
    auto cause = cause_of(*after->draft, *partner, reconciled.patients, reconciled.anchors, row.received_ms);
    cause.facts.clear();  // what was said before was heard then
    for (language::Fact const& fact : after->draft->facts) {
      if (!holds_fact(*before->draft, fact))
        cause.facts.push_back(
            {std::string(fact.name), std::string(fact.text()), to_string(*after->message, fact.address)});
    }
    unit.journal() = row;
    unit.journal().maps_hash = tables->hash;
    changed = static_cast<std::size_t>(
        std::ranges::count_if(unit.changes(), [](auto const& change) { return change.changed; }));
    return finish(unit, cause);
  }));
  return changed;
}

/// The same tables say the same again: nothing to do. Other tables change what they say otherwise, and only
/// where the message's own word still stands.
fhir::Result<std::size_t> Intake::replay_accepted(store::JournalRow const& row) {
  auto const tables = options_.tables->current();
  if (row.format != "hl7v2" || row.maps_hash == tables->hash) return std::size_t{0};
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  Past const past{*snapshot, archive_, *tables};
  FHIR_TRY(auto const before, read_kept(past, row));
  if (!before->exact)
    return fhir::error(
        fhir::IssueType::not_found,
        "the tables that took it in are not kept: what they said cannot be told from what is new");
  FHIR_TRY(auto const after, read_kept_now(past, row));
  if (!after->draft)
    return fhir::error(fhir::IssueType::processing, "the tables in force refuse it: " + after->refused);
  if (tables->partners->find(row.partner) == nullptr)
    return fhir::error(fhir::IssueType::not_found,
                       "the configuration no longer names the partner it came from");
  if (is_answered_query(*after->draft)) return std::size_t{0};
  return patch(row, nullptr);
}

}  // namespace gateway::intake
