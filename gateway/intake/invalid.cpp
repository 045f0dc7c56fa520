#include "gateway/intake/invalid.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/intake/journey.hpp"
#include "gateway/record/work_item.hpp"
#include "gateway/store/instant.hpp"

#include <algorithm>
#include <optional>

namespace gateway::intake {

namespace language = mappings::language;

namespace {

constexpr std::size_t kErrorsMax = 20;  // of one message: who has read these knows enough

/// "Patient.name[1].given[0]" without its indexes.
std::string without_indexes(std::string_view path) {
  std::string out;
  bool inside = false;
  for (char const c : path) {
    if (c == '[') inside = true;
    if (!inside) out += c;
    if (c == ']') inside = false;
  }
  return out;
}

/// Whether `path` is the element at `of` or one that holds it.
bool holds(std::string_view path, std::string_view of) {
  return of.starts_with(path) &&
         (of.size() == path.size() || of[path.size()] == '.' || of[path.size()] == '[');
}

/// Finds the place in the message that an element came from.
class Places {
 public:
  explicit Places(language::Draft const& draft) : draft_(draft), origins_(language::provenance(draft)) {}

  /// The field of the nearest element that holds it, or of the first inside it; else the segment of the
  /// resource.
  std::string of(std::size_t resource, std::string_view expression) const {
    std::string const loose = without_indexes(expression);
    std::string const* exact = nullptr;
    std::string const* near = nullptr;
    std::string const* inside = nullptr;
    std::size_t exact_size = 0, near_size = 0;
    std::optional<std::uint32_t> segment;
    for (language::Provenance const& origin : origins_) {
      if (origin.resource != resource || origin.v2.empty()) continue;
      if (!segment) segment = origin.address.segment;
      if (holds(origin.path, expression) && origin.path.size() > exact_size) {
        exact = &origin.v2;
        exact_size = origin.path.size();
      }
      if (inside == nullptr && holds(expression, origin.path)) inside = &origin.v2;
      std::string const path = without_indexes(origin.path);
      if (holds(path, loose) && path.size() > near_size) {
        near = &origin.v2;
        near_size = path.size();
      }
    }
    if (exact != nullptr) return *exact;
    if (near != nullptr) return *near;
    if (inside != nullptr && expression.find('.') != std::string_view::npos) return *inside;
    return segment ? std::string(draft_.message->segment_id(*segment)) : std::string{};
  }

 private:
  language::Draft const& draft_;
  std::vector<language::Provenance> origins_;
};

/// Errors of what stands already.
fhir::Issues errors_before(store::Unit& unit, conformance::Judge const& judge, store::Version const* before,
                           std::string_view now) {
  if (before == nullptr || before->deleted) return {};
  auto const tree = fhir::json::read(before->content, unit.arena());
  return tree ? judge.errors_in(*tree, now).errors : fhir::Issues{};
}

bool is_same(fhir::Issue const& left, fhir::Issue const& right) {
  return left.code == right.code && left.expression == right.expression &&
         left.diagnostics == right.diagnostics;
}

std::string_view to_word(conformance::Judging judging) {
  return judging == conformance::Judging::full        ? "full"
         : judging == conformance::Judging::structure ? "structure"
                                                      : "off";
}

}  // namespace

bool is_of_store(fhir::Issue const& issue) {
  return issue.code == fhir::IssueType::no_store || issue.code == fhir::IssueType::transient ||
         issue.code == fhir::IssueType::lock_error;
}

fhir::Issues errors_in_stored(store::Unit& unit, conformance::Judge const& judge,
                              language::Draft const& draft, Reconciled const& reconciled) {
  fhir::Issues errors;
  if (judge.judging == conformance::Judging::off) return errors;
  std::string const now = store::to_instant(unit.now_ms());
  std::optional<Places> places;
  for (store::Unit::Change const& change : unit.changes()) {
    if (!change.changed || change.after == nullptr) continue;
    auto const found = std::ranges::find(reconciled.references, change.type + "/" + change.id);
    if (found == reconciled.references.end()) continue;
    auto const resource = static_cast<std::size_t>(found - reconciled.references.begin());
    auto wrong = judge.errors_in(*change.after, now).errors;
    if (wrong.empty()) continue;
    auto const old = errors_before(unit, judge, change.before.get(), now);
    std::erase_if(wrong, [&](fhir::Issue const& one) {
      return std::ranges::any_of(old, [&](fhir::Issue const& other) { return is_same(one, other); });
    });
    if (!wrong.empty() && !places) places.emplace(draft);
    for (fhir::Issue& one : wrong) {
      if (errors.size() == kErrorsMax) return errors;
      one.source = places->of(resource, one.expression);
      errors.push_back(std::move(one));
    }
  }
  return errors;
}

conformance::Judge Intake::judge_of(std::string const& feed, KnownPartner const& partner) const {
  auto const own = conformance::to_judging(partner.settings.validation);
  if (own) return {*own, options_.definitions};
  auto const of_feed = options_.judging.find(feed);
  return {of_feed == options_.judging.end() ? conformance::Judging::structure : of_feed->second,
          options_.definitions};
}

/// What is no valid FHIR is not stored. Errors: the first of journey.invalid.
fhir::Result<void> Intake::judge(store::Unit& unit, Journey& journey, Reconciled const& reconciled) const {
  journey.invalid =
      errors_in_stored(unit, judge_of(journey.envelope.feed, *journey.partner), *journey.draft, reconciled);
  if (!journey.invalid.empty()) return journey.invalid.front();
  return {};
}

/// One item for what is wrong alike in all messages of a kind from a partner, by the same tables. A person
/// mends a table or the profile, or asks the sender; the messages are kept.
fhir::Result<void> Intake::open_invalid(store::Unit& unit, Journey const& journey) {
  fhir::Issue const& first = journey.invalid.front();
  std::string const& partner = journey.partner->settings.name;
  std::string const judging(to_word(judge_of(journey.envelope.feed, *journey.partner).judging));
  auto const cause = cause_of_journey(journey);
  record::WorkItem item;
  item.kind = record::work::invalid;
  item.seed = partner + "|" + cause.message + "|" + std::string(to_code(first.code)) + "|" +
              without_indexes(first.expression) + "|" + journey.tables->hash + "|" + judging;
  item.reason = "what the message would store is no valid FHIR";
  item.owner = journey.tables->partners->site().gateway_organization;
  item.data["partner"] = {partner};
  item.data["field"] = {first.source};
  item.data["tables"] = {journey.tables->hash};
  item.data["validation"] = {judging};
  item.data["feed"] = {journey.envelope.feed};
  for (fhir::Issue const& one : journey.invalid) item.data["finding"].push_back(fhir::to_line(one));
  FHIR_TRY(auto const id, record::open_work_item(unit, cause, journey.tables->partners->site(), item));
  unit.note_sighting(id);
  return {};
}

/// Other tables, or another judgement, may take what these refused: their messages are taken in again, and
/// what is still wrong opens an item of its own.
fhir::Result<void> Intake::try_invalid_again() {
  auto const tables = options_.tables->current();
  FHIR_TRY(auto const rows, open_items(record::work::invalid));
  for (store::RecordRow const& row : rows) {
    FHIR_TRY(auto const body, fhir::json::read_document(row.body));
    KnownPartner const* const partner = tables->partners->find(body.root.text_at("partner"));
    if (partner == nullptr) continue;
    auto const judging = judge_of(std::string(body.root.text_at("feed")), *partner).judging;
    if (body.root.text_at("tables") == tables->hash && body.root.text_at("validation") == to_word(judging))
      continue;
    FHIR_CHECK(settle_by_tables(*tables, row.record_id, "tried again by other tables"));
  }
  return {};
}

}  // namespace gateway::intake
