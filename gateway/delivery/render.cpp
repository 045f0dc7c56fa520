#include "gateway/delivery/render.hpp"

#include "fhir/json/reader.hpp"
#include "gateway/identity/identity.hpp"
#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/message.hpp"

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

/// The partner's own last message of this structure about this anchor, which what we write is laid over.
fhir::Result<std::optional<mappings::hl7v2::Message>> find_seed(store::Snapshot& snapshot,
                                                                std::string_view partner,
                                                                std::string_view anchor,
                                                                std::string_view structure) {
  FHIR_TRY(auto const complement,
           snapshot.find_complement(partner, anchor.substr(0, anchor.find("/_history/")), structure));
  if (!complement) return std::optional<mappings::hl7v2::Message>{};
  FHIR_TRY(auto const row, snapshot.find_journal(complement->journal_id));
  if (!row) return std::optional<mappings::hl7v2::Message>{};
  fhir::Issues forgiven;
  FHIR_TRY(auto message, mappings::hl7v2::Message::parse(row->raw, {}, forgiven));
  return std::optional<mappings::hl7v2::Message>(std::move(message));
}

}  // namespace

fhir::Result<Rendered> render(store::Snapshot& snapshot, mappings::language::Maps const& maps,
                              mappings::language::PartnerProfile const& destination,
                              store::OutboxRow const& row, std::string_view control_id,
                              std::string_view timestamp, fhir::Issues* refusals) {
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

  std::string_view first_anchor;
  if (Element const* const anchors = request.root.find("anchors")) {
    for (auto const& anchor : anchors->members()) {
      Element const* const resource = reader.find(anchor.value.text());
      if (resource == nullptr) {
        return fhir::error(fhir::IssueType::not_found,
                           "a resource version of this message is gone: " + std::string(anchor.value.text()));
      }
      // "patient#2": a second one of the role (A24, A37).
      reverse.resources.push_back({anchor.name.substr(0, anchor.name.find('#')), resource});
      if (first_anchor.empty()) first_anchor = anchor.value.text();
    }
  }
  if (Element const* const facts = request.root.find("facts")) {
    for (auto const& fact : facts->members()) reverse.facts.push_back({fact.name, fact.value.text()});
  }
  FHIR_TRY(auto const seed, find_seed(snapshot, destination.name, first_anchor, reverse.structure));
  if (seed) reverse.seed = &*seed;

  FHIR_TRY(auto reversed, mappings::language::reverse(maps, reverse, destination, refusals));
  FHIR_TRY(auto bytes, mappings::hl7v2::encode_charset(reversed.image.bytes(), destination.charset));
  return Rendered{std::move(bytes), std::move(reversed.warnings), std::move(reversed.loss)};
}

}  // namespace gateway::delivery
