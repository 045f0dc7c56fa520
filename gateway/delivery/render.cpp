#include "gateway/delivery/render.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/identity/identity.hpp"
#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/message.hpp"
#include "mappings/language/actions.hpp"

#include <charconv>
#include <deque>
#include <map>
#include <optional>

namespace gateway::delivery {

namespace {

using fhir::json::Element;

/// The stored resources that one message is made of, each read once and kept until the message is written.
class Reader {
 public:
  Reader(store::Snapshot& snapshot, std::string_view partner) : snapshot_(snapshot), partner_(partner) {}

  /// "Type/id" is the current version, "Type/id/_history/3" that one; nullptr when there is none.
  Element const* find(std::string_view reference) {
    auto const [entry, is_new] = read_.try_emplace(std::string(reference), nullptr);
    if (is_new) entry->second = load(reference);
    return entry->second;
  }

  /// As find(), but a Patient is the destination's own Patient of that person where there is one.
  Element const* resolve(std::string_view reference) {
    if (!reference.starts_with(kPatientPrefix)) return find(reference);
    auto const own = own_patient(reference.substr(kPatientPrefix.size()));
    return own ? find(std::string(kPatientPrefix) + *own) : find(reference);
  }

 private:
  static constexpr std::string_view kPatientPrefix = "Patient/";
  static constexpr std::string_view kHistory = "/_history/";

  Element const* load(std::string_view reference) {
    auto const slash = reference.find('/');
    if (slash == std::string_view::npos) return nullptr;
    std::string_view const type = reference.substr(0, slash);
    std::string_view rest = reference.substr(slash + 1);
    auto const history = rest.find(kHistory);
    auto version = history == std::string_view::npos
                       ? snapshot_.find(store::AccessPolicy::all(), type, rest)
                       : find_version(type, rest.substr(0, history), rest.substr(history + kHistory.size()));
    if (!version || !*version || (*version)->deleted) return nullptr;
    auto document = fhir::json::read_document((*version)->content);
    if (!document) return nullptr;
    documents_.push_back(std::move(*document));
    return &documents_.back().root;
  }

  fhir::Result<std::optional<store::Version>> find_version(std::string_view type, std::string_view id,
                                                           std::string_view number) {
    std::int64_t version_id = 0;
    std::from_chars(number.data(), number.data() + number.size(), version_id);
    return snapshot_.find_version(store::AccessPolicy::all(), type, id, version_id);
  }

  std::optional<std::string> own_patient(std::string_view id) {
    auto const person = snapshot_.find_key(identity::kPersonSpace, id);
    if (!person || !*person) return std::nullopt;
    auto const patients = snapshot_.keys_of(identity::kPersonSpace, **person);
    if (!patients) return std::nullopt;
    for (std::string const& patient : *patients) {
      auto const version = snapshot_.find(store::AccessPolicy::all(), "Patient", patient);
      if (!version || !*version || (*version)->deleted || (*version)->source != partner_) continue;
      Element const* const resource = find(std::string(kPatientPrefix) + patient);
      if (resource != nullptr && resource->text_at("active") != "false") return patient;
    }
    return std::nullopt;
  }

  store::Snapshot& snapshot_;
  std::string_view partner_;
  std::deque<fhir::json::Document> documents_;
  std::map<std::string, Element const*, std::less<>> read_;
};

/// A partner's kept message.
struct Kept {
  std::optional<mappings::hl7v2::Message> message;
  std::int64_t received_ms = 0;
};

/// The partner's newest message of this structure about one of these anchors.
fhir::Result<Kept> find_kept(store::Snapshot& snapshot, mappings::language::PartnerProfile const& partner,
                             std::vector<std::string> const& anchors, std::string_view structure) {
  Kept newest;
  for (std::string const& anchor : anchors) {
    FHIR_TRY(auto const complement, snapshot.find_complement(partner.name, anchor, structure));
    if (!complement) continue;
    FHIR_TRY(auto const row, snapshot.find_journal(complement->journal_id));
    if (!row || (newest.message && row->received_ms <= newest.received_ms)) continue;
    mappings::hl7v2::ParseOptions options;
    options.charset = partner.charset;  // counts where MSH-18 is silent
    fhir::Issues forgiven;
    FHIR_TRY(newest.message, mappings::hl7v2::Message::parse(row->raw, options, forgiven));
    newest.received_ms = row->received_ms;
  }
  return newest;
}

}  // namespace

fhir::Result<Rendered> render(store::Snapshot& snapshot, mappings::language::Maps const& maps,
                              mappings::language::PartnerProfile const& destination,
                              store::OutboxRow const& row, std::string_view control_id,
                              std::string_view timestamp, fhir::Issues* refusals,
                              std::vector<mappings::language::PartnerProfile const*> const& others) {
  FHIR_TRY(auto const request, fhir::json::read_document(row.request));
  std::string_view const message = request.root.text_at("message");
  auto const caret = message.find('^');
  if (caret == std::string_view::npos)
    return fhir::error(fhir::IssueType::value, "the outbox row names no v2 message");

  Reader reader(snapshot, destination.name);
  mappings::language::ReverseRequest reverse;
  reverse.message_code = message.substr(0, caret);
  reverse.trigger_event = message.substr(caret + 1);
  reverse.structure = request.root.text_at("structure");
  if (reverse.structure.empty())
    reverse.structure = mappings::hl7v2::structure_of_event(reverse.message_code, reverse.trigger_event);
  reverse.control_id = control_id;
  reverse.timestamp = timestamp;
  reverse.resolve = [&reader](std::string_view reference) { return reader.resolve(reference); };

  fhir::json::Arena arena;
  std::deque<Element> marked;
  Element const* const before = request.root.find("before");
  std::vector<std::string> about;
  if (Element const* const anchors = request.root.find("anchors")) {
    for (auto const& anchor : anchors->members()) {
      Element const* resource = reader.find(anchor.value.text());
      if (resource == nullptr) {
        return fhir::error(fhir::IssueType::not_found,
                           "a resource version of this message is gone: " + std::string(anchor.value.text()));
      }
      Element const* const earlier = before == nullptr ? nullptr : reader.find(before->text_at(anchor.name));
      if (earlier != nullptr) {
        auto with = mappings::language::with_actions(maps, reverse.structure, anchor.name, *earlier,
                                                     *resource, arena);
        if (with) resource = &marked.emplace_back(std::move(*with));
      }
      // "patient#2": a second one of the role (A24, A37).
      reverse.resources.push_back({anchor.name.substr(0, anchor.name.find('#')), resource});
      about.emplace_back(anchor.value.text().substr(0, anchor.value.text().find("/_history/")));
    }
  }
  if (Element const* const facts = request.root.find("facts")) {
    for (auto const& fact : facts->members()) reverse.facts.push_back({fact.name, fact.value.text()});
  }
  // What we write is laid over what the partner itself said last; else others may lend what no row reads.
  FHIR_TRY(auto const seed, find_kept(snapshot, destination, about, reverse.structure));
  Kept lent;
  if (seed.message) reverse.seed = &*seed.message;
  for (auto const* const other : others) {
    if (seed.message || !destination.forward_unmapped || other->name == destination.name) continue;
    FHIR_TRY(auto theirs, find_kept(snapshot, *other, about, reverse.structure));
    if (!theirs.message || (lent.message && theirs.received_ms <= lent.received_ms)) continue;
    lent = std::move(theirs);
    reverse.lender.profile = other;
  }
  if (lent.message) reverse.lender.message = &*lent.message;

  FHIR_TRY(auto reversed, mappings::language::reverse(maps, reverse, destination, refusals));
  FHIR_TRY(auto bytes, mappings::hl7v2::encode_charset(reversed.image.bytes(), destination.charset));
  return Rendered{std::move(bytes), std::move(reversed.warnings), std::move(reversed.loss)};
}

}  // namespace gateway::delivery
