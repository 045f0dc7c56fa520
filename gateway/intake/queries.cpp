#include "gateway/intake/queries.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/search/query.hpp"
#include "gateway/identity/identity.hpp"
#include "mappings/hl7v2/charset.hpp"
#include "mappings/hl7v2/dictionary.hpp"
#include "mappings/hl7v2/escape.hpp"
#include "mappings/hl7v2/image.hpp"
#include "mappings/language/program.hpp"
#include "mappings/types/pair.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace gateway::intake {

namespace {

namespace hl7v2 = mappings::hl7v2;
namespace language = mappings::language;
using fhir::json::Element;

constexpr std::size_t kMatchesMax = 1000;  // a question that finds more people than this names nobody
constexpr std::uint32_t kPage = 200;
constexpr int kMergesMax = 16;  // a chain longer than this is no history but damage

/// Search parameters of Patient that a demographics query may use; others would be left out unsaid.
constexpr std::string_view kParameters[] = {
    "family",       "given",         "birthdate",          "gender",          "phone",
    "address-city", "address-state", "address-postalcode", "address-country", "identifier"};

struct Found {
  std::string id;
  Element patient;
};

class Query {
 public:
  Query(store::Snapshot& snapshot, Tables const& tables, KnownPartner const& partner,
        hl7v2::Message const& message, language::Draft const& draft)
      : snapshot_(snapshot),
        tables_(tables),
        profile_(partner.profile),
        message_(message),
        draft_(draft),
        qpd_(static_cast<std::uint32_t>(message.find_segment("QPD").value_or(0))) {
    profile_.delimiters = message.delimiters();
    if (hl7v2::to_version(message.version())) profile_.version = std::string(message.version());
    context_ = {&arena_, &message, &profile_, &tables.maps.program().systems};
  }

  fhir::Result<QueryAnswer> run(hl7v2::AckHeader const& header) {
    if (qpd_ == 0) {
      refuse(fhir::IssueType::required, "the query has no QPD", "QPD");
    } else {
      FHIR_CHECK(draft_.trigger_event == "Q23" ? cross_reference() : demographics());
    }
    return write(header);
  }

 private:
  // What is asked.

  /// Refuses the question; the answer says so.
  void refuse(fhir::IssueType code, std::string why, std::string place) {
    issues_.push_back(fhir::error(code, std::move(why), {}, std::move(place)));
  }
  bool is_refused() const { return !issues_.empty(); }

  Element const* parameters() const {
    auto const* const query = draft_.find("query");
    return query == nullptr ? nullptr : query->content.find("parameter");
  }

  /// What a pair reads from escaped text that stands at `address`; null when nothing.
  Element read(std::string_view pair, std::string_view raw, hl7v2::Address const& address) {
    mappings::types::In in(context_, arena_.copy(raw), address);
    Element value;
    auto const* const found = mappings::types::find_pair(pair);
    if (raw.empty() || found == nullptr || !found->forward(in, value)) return {};
    return value;
  }

  /// The identifier systems that a field names by their authorities (`^^^HEART&1.2.9&ISO`); empty: all. One
  /// that nobody uses is refused by its place.
  fhir::Result<std::set<std::string>> domains(std::uint16_t field) {
    std::set<std::string> systems;
    std::size_t const count = message_.repetition_count(qpd_, field);
    for (std::uint16_t at = 1; at <= count; ++at) {
      hl7v2::Address const authority{qpd_, field, at, 4, 0};
      if (message_.raw(authority).empty()) continue;
      std::string const system(read("HD~uri", message_.raw(authority), authority).text());
      FHIR_TRY(bool const known, is_known_domain(system));
      if (!known)
        refuse(fhir::IssueType::not_found, "no patient has a number of this authority",
               "QPD[1]-" + std::to_string(field) + "(" + std::to_string(at) + ").4");
      systems.insert(system);
    }
    return systems;
  }

  fhir::Result<bool> is_known_domain(std::string const& system) {
    if (system.empty()) return false;
    for (KnownPartner const& partner : tables_.partners->all()) {
      for (auto const& authority : partner.profile.authorities)
        if (authority.system == system) return true;
    }
    FHIR_TRY(auto query,
             fhir::search::parse_query("Patient", "identifier=" + fhir::search::percent_encode(system + "|"),
                                       fhir::search::Handling::strict));
    query.count = 1;
    FHIR_TRY(auto const page, snapshot_.search(store::AccessPolicy::all(), query));
    return !page.entries.empty();
  }

  // Demographics.

  fhir::Result<void> demographics() {
    std::string const search = to_search();
    FHIR_TRY(auto const wanted, domains(8));
    if (is_refused()) return {};
    FHIR_CHECK(find(search));
    if (!wanted.empty()) {
      for (Found& one : found_) keep_numbers_of(one.patient, wanted);
      std::erase_if(found_, [](Found const& one) { return one.patient.find("identifier") == nullptr; });
    }
    total_ = found_.size();
    page();
    return {};
  }

  /// The FHIR search that the question stands for.
  std::string to_search() {
    std::string search, number, authority[3];
    Element const* const all = parameters();
    for (std::size_t at = 0; all != nullptr && at < all->size(); ++at) {
      Element const& one = all->items()[at];
      std::string_view name = one.text_at("name");
      std::string_view const value = one.text_at("valueString");
      if (value.empty()) continue;
      if (name == "identifier") {
        number = value;
      } else if (name.starts_with("@PID.3.4")) {
        bool const has_part = name.size() == 10 && name[9] >= '1' && name[9] <= '3';
        authority[has_part ? name[9] - '1' : 0] = value;
      } else if (std::ranges::find(kParameters, name) == std::end(kParameters)) {
        refuse(fhir::IssueType::not_supported, "patients are not searched by " + std::string(name),
               "QPD[1]-3");
      } else {
        add(search, name, to_value(name, value));
      }
    }
    if (!number.empty()) add(search, "identifier", with_system(number, authority));
    if (search.empty() && !is_refused())
      refuse(fhir::IssueType::required, "the query names nothing to search by", "QPD[1]-3");
    return search;
  }

  static void add(std::string& search, std::string_view name, std::string const& value) {
    search.append(search.empty() ? "" : "&").append(name).append("=");
    search += fhir::search::percent_encode(value);
  }

  /// As FHIR writes it: 19580314 is 1958-03-14, F is female; a "*" at the end says what a FHIR search does.
  std::string to_value(std::string_view name, std::string_view value) {
    if (name == "birthdate") {
      Element const date = read("DTM~date", value, {qpd_, 3, 1, 2, 0});
      if (date.text().empty()) refuse(fhir::IssueType::value, "this is no date", "QPD[1]-3");
      return std::string(date.text());
    }
    if (name == "gender") {
      auto const* const codes = tables_.maps.program().find_vocabulary("administrative-gender");
      auto const target = codes == nullptr ? std::nullopt : mappings::types::to_fhir(*codes, value, profile_);
      if (!target || target->is_fallback)
        refuse(fhir::IssueType::code_invalid, "this sex is not in the sender's table", "QPD[1]-3");
      return target ? std::string(target->code) : std::string{};
    }
    if (value.ends_with('*')) value.remove_suffix(1);
    return escaped(value);
  }

  /// R4 search.html#escaping
  static std::string escaped(std::string_view value) {
    std::string text;
    for (char const c : value) {
      if (c == ',' || c == '|' || c == '$' || c == '\\') text += '\\';
      text += c;
    }
    return text;
  }

  std::string with_system(std::string const& number, std::string const (&authority)[3]) {
    auto const& marks = message_.delimiters();
    std::string hd;
    for (std::string const& part : authority)
      hd.append(&part == &authority[0] ? "" : std::string(1, marks.subcomponent))
          .append(hl7v2::encode(part, marks));
    if (authority[0].empty() && authority[1].empty()) return escaped(number);
    std::string const system(read("HD~uri", hd, {qpd_, 3, 1, 4, 0}).text());
    return escaped(system) + "|" + escaped(number);
  }

  /// Every living Patient that the search finds, each once, in the order of their ids.
  fhir::Result<void> find(std::string const& search) {
    FHIR_TRY(auto query, fhir::search::parse_query("Patient", search, fhir::search::Handling::strict));
    query.count = kPage;
    std::map<std::string, Element> living;
    do {
      FHIR_TRY(auto const page, snapshot_.search(store::AccessPolicy::all(), query));
      for (store::SearchEntry const& entry : page.entries) {
        if (living.size() >= kMatchesMax) {
          refuse(fhir::IssueType::too_costly, "more than 1000 patients: ask more narrowly", "QPD[1]-3");
          return {};
        }
        FHIR_TRY(auto survivor, survivor_of(entry.version));
        if (survivor) living.emplace(survivor->id, survivor->patient);
      }
      query.cursor = page.next_cursor;
    } while (!query.cursor.empty());
    for (auto& [id, patient] : living) found_.push_back({id, patient});
    return {};
  }

  /// The Patient itself, or whom it was merged into; nullopt when that one is gone.
  fhir::Result<std::optional<Found>> survivor_of(store::Version version) {
    for (int merges = 0; merges < kMergesMax; ++merges) {
      FHIR_TRY(Element const patient, fhir::json::read(version.content, arena_));
      std::string const next = replaced_by(patient);
      if (next.empty()) return std::optional<Found>(Found{version.id, patient});
      FHIR_TRY(auto survivor, snapshot_.find(store::AccessPolicy::all(), "Patient", next));
      if (!survivor || survivor->deleted) break;
      version = std::move(*survivor);
    }
    return std::optional<Found>{};
  }

  static std::string replaced_by(Element const& patient) {
    constexpr std::string_view kPrefix = "Patient/";
    Element const* const links = patient.find("link");
    if (links == nullptr) return {};
    for (Element const& link : links->items()) {
      std::string_view const other = link.text_of("other", "reference");
      if (link.text_at("type") == "replaced-by" && other.starts_with(kPrefix))
        return std::string(other.substr(kPrefix.size()));
    }
    return {};
  }

  void keep_numbers_of(Element& patient, std::set<std::string> const& systems) {
    Element kept = Element::of_array();
    if (Element const* const all = patient.find("identifier")) {
      for (Element const& one : all->items())
        if (systems.contains(std::string(one.text_at("system")))) kept.push(arena_, one);
    }
    patient.remove("identifier");
    if (!kept.empty()) patient.set(arena_, "identifier", kept);
  }

  /// RCP-2 says how many at once, DSC-1 after whom.
  void page() {
    std::size_t at_once = found_.size();
    Element const* const all = parameters();
    for (std::size_t at = 0; all != nullptr && at < all->size(); ++at) {
      if (all->items()[at].text_at("name") != "_count") continue;
      std::string_view const text = all->items()[at].text_at("valueInteger");
      std::from_chars(text.data(), text.data() + text.size(), at_once);
    }
    if (auto const dsc = message_.find_segment("DSC")) {
      std::string const after = message_.text({static_cast<std::uint32_t>(*dsc), 1});
      std::erase_if(found_, [&](Found const& one) { return one.id <= after; });
    }
    if (at_once == 0 || found_.size() <= at_once) return;
    remaining_ = found_.size() - at_once;
    found_.resize(at_once);
    pointer_ = found_.back().id;
  }

  // Cross-reference.

  fhir::Result<void> cross_reference() {
    std::string system, value;
    Element const* const all = parameters();
    for (std::size_t at = 0; all != nullptr && at < all->size(); ++at) {
      if (all->items()[at].text_at("name") != "sourceIdentifier") continue;
      system = all->items()[at].text_of("valueIdentifier", "system");
      value = all->items()[at].text_of("valueIdentifier", "value");
    }
    if (value.empty()) {
      refuse(fhir::IssueType::required, "the query names no patient identifier", "QPD[1]-3");
      return {};
    }
    FHIR_TRY(bool const known, is_known_domain(system));
    if (!known) refuse(fhir::IssueType::not_found, "this authority is not known", "QPD[1]-3(1).4");
    FHIR_TRY(auto const wanted, domains(4));
    if (is_refused()) return {};
    FHIR_CHECK(find("identifier=" + fhir::search::percent_encode(escaped(system) + "|" + escaped(value))));
    if (found_.empty()) {
      refuse(fhir::IssueType::not_found, "no patient has this number", "QPD[1]-3(1).1");
      return {};
    }
    FHIR_CHECK(gather_numbers(system, value, wanted));
    total_ = found_.size();
    return {};
  }

  /// All numbers of the person but the one that was asked by, in one Patient that says no more than a name.
  fhir::Result<void> gather_numbers(std::string const& system, std::string const& value,
                                    std::set<std::string> const& wanted) {
    Element numbers = Element::of_array();
    Element names;
    std::set<std::string> seen{system + "|" + value};
    for (std::string const& id : persons_patients()) {
      FHIR_TRY(auto const version, snapshot_.find(store::AccessPolicy::all(), "Patient", id));
      if (!version || version->deleted) continue;
      FHIR_TRY(Element const patient, fhir::json::read(version->content, arena_));
      if (!replaced_by(patient).empty()) continue;
      if (Element const* const known = patient.find("name"); known != nullptr && names.is_null())
        names = *known;
      Element const* const identifiers = patient.find("identifier");
      for (std::size_t at = 0; identifiers != nullptr && at < identifiers->size(); ++at) {
        Element const& one = identifiers->items()[at];
        std::string const theirs(one.text_at("system"));
        if (!wanted.empty() && !wanted.contains(theirs)) continue;
        if (!theirs.empty() && seen.insert(theirs + "|" + std::string(one.text_at("value"))).second)
          numbers.push(arena_, one);
      }
    }
    found_.clear();
    if (numbers.empty()) return {};
    Element answer = Element::of_object();
    answer.set(arena_, "resourceType", Element::of_string("Patient"));
    answer.set(arena_, "identifier", numbers);
    if (!names.is_null()) answer.set(arena_, "name", names);
    found_.push_back({"1", answer});
    return {};
  }

  std::set<std::string> persons_patients() {
    std::set<std::string> ids;
    for (Found const& one : found_) {
      ids.insert(one.id);
      auto const person = snapshot_.find_key(identity::kPersonSpace, one.id);
      if (!person || !*person) continue;
      auto const all = snapshot_.keys_of(identity::kPersonSpace, **person);
      if (all) ids.insert(all->begin(), all->end());
    }
    return ids;
  }

  // The answer.

  fhir::Result<QueryAnswer> write(hl7v2::AckHeader const& header) {
    std::vector<hl7v2::Image> people;
    for (Found const& one : found_) {
      if (is_refused()) break;
      auto person = segments_of(one);
      if (person) {
        people.push_back(std::move(*person));
      } else {
        issues_.push_back(person.error());  // an answer that leaves somebody out is none
      }
    }
    if (is_refused()) people.clear();
    auto const acknowledged = hl7v2::make_ack(message_, is_refused() ? "AE" : "AA", header, issues_);
    fhir::Issues forgiven;
    hl7v2::ParseOptions options;
    options.charset = message_.charset();
    FHIR_TRY(auto const frame, hl7v2::Message::parse(acknowledged, options, forgiven));
    hl7v2::Image answer(frame);
    std::string_view const trigger = draft_.trigger_event == "Q23" ? "K23" : "K22";
    answer.set({0, 9, 1, 1}, "RSP");
    answer.set({0, 9, 1, 2}, trigger);
    answer.set({0, 9, 1, 3}, hl7v2::structure_of_event("RSP", trigger));
    if (qpd_ != 0) {
      add_status(answer, people.size());
      copy_question(answer);
    }
    std::size_t number = 0;
    for (hl7v2::Image const& person : people) add_person(answer, person, ++number);
    if (!pointer_.empty() && !is_refused()) {
      auto const dsc = static_cast<std::uint32_t>(answer.insert_segment(answer.segment_count(), "DSC"));
      answer.set_text({dsc, 1}, pointer_);
      answer.set_text({dsc, 2}, "I");
    }
    FHIR_TRY(auto bytes, hl7v2::encode_charset(answer.bytes(), message_.charset()));
    return QueryAnswer{std::move(bytes), std::move(issues_)};
  }

  void add_status(hl7v2::Image& answer, std::size_t shown) const {
    auto const qak = static_cast<std::uint32_t>(answer.insert_segment(answer.segment_count(), "QAK"));
    answer.set({qak, 1}, message_.raw({qpd_, 2}));
    answer.set_text({qak, 2}, is_refused() ? "AE" : total_ == 0 ? "NF" : "OK");
    answer.set({qak, 3}, message_.raw({qpd_, 1}));
    if (is_refused()) return;
    answer.set_text({qak, 4}, std::to_string(total_));
    answer.set_text({qak, 5}, std::to_string(shown));
    answer.set_text({qak, 6}, std::to_string(remaining_));
  }

  void copy_question(hl7v2::Image& answer) const {
    auto const qpd = static_cast<std::uint32_t>(answer.insert_segment(answer.segment_count(), "QPD"));
    for (std::uint16_t field = 1; field <= message_.field_count(qpd_); ++field)
      answer.set({qpd, field}, message_.raw({qpd_, field}));
  }

  static void add_person(hl7v2::Image& answer, hl7v2::Image const& person, std::size_t number) {
    for (std::size_t from = 0; from < person.segment_count(); ++from) {
      std::string_view const id = person.segment_id(from);
      if (id != "PID" && id != "PD1" && id != "NK1") continue;
      auto const to = static_cast<std::uint32_t>(answer.insert_segment(answer.segment_count(), id));
      for (std::uint16_t field = 1; field <= person.field_count(from); ++field)
        answer.set({to, field}, person.raw({static_cast<std::uint32_t>(from), field}));
      if (id == "PID") answer.set_text({to, 1}, std::to_string(number));
    }
  }

  /// The Patient as the tables write it, in an answer of its own.
  fhir::Result<hl7v2::Image> segments_of(Found const& one) {
    std::string const reference = "Patient/" + one.id;
    Element match = Element::of_object(), value = Element::of_object(), list = Element::of_array();
    value.set(arena_, "reference", Element::of_string(reference));
    match.set(arena_, "name", Element::of_string("match"));
    match.set(arena_, "valueReference", value);
    list.push(arena_, match);
    Element query = Element::of_object();
    query.set(arena_, "resourceType", Element::of_string("Parameters"));
    query.set(arena_, "parameter", list);
    language::ReverseRequest request;
    request.message_code = "RSP";
    request.trigger_event = draft_.trigger_event == "Q23" ? "K23" : "K22";
    request.control_id = "1";
    request.timestamp = "20000101000000";
    request.resources = {{"query", &query, "Parameters/1"}};
    request.facts = {
        {"message.ack_code", "AA"}, {"message.ack_id", "1"}, {"query.tag", "1"}, {"query.status", "OK"}};
    request.resolve = [&](std::string_view wanted) -> Element const* {
      if (wanted == reference) return &one.patient;
      auto const slash = wanted.find('/');
      if (slash == std::string_view::npos) return nullptr;
      auto const version =
          snapshot_.find(store::AccessPolicy::all(), wanted.substr(0, slash), wanted.substr(slash + 1));
      if (!version || !*version || (*version)->deleted) return nullptr;
      auto const tree = fhir::json::read((*version)->content, arena_);
      if (!tree) return nullptr;
      return new (arena_.allocate(sizeof(Element), alignof(Element))) Element(*tree);
    };
    FHIR_TRY(auto reversed, language::reverse(tables_.maps, request, profile_));
    return std::move(reversed.image);
  }

  store::Snapshot& snapshot_;
  Tables const& tables_;
  language::PartnerProfile profile_;  ///< The asker's, as it speaks in this message.
  hl7v2::Message const& message_;
  language::Draft const& draft_;
  std::uint32_t qpd_;  ///< 0: it has none.
  fhir::json::Arena arena_;
  mappings::types::Context context_;
  fhir::Issues issues_;
  std::vector<Found> found_;
  std::size_t total_ = 0;
  std::size_t remaining_ = 0;
  std::string pointer_;
};

}  // namespace

bool is_answered_query(language::Draft const& draft) {
  return draft.message_code == "QBP" && (draft.trigger_event == "Q22" || draft.trigger_event == "Q23");
}

fhir::Result<QueryAnswer> answer_query(store::Snapshot& snapshot, Tables const& tables,
                                       KnownPartner const& partner, hl7v2::Message const& message,
                                       language::Draft const& draft, hl7v2::AckHeader const& header) {
  return Query(snapshot, tables, partner, message, draft).run(header);
}

}  // namespace gateway::intake
