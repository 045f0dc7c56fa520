#include "gateway/delivery/subscriptions.hpp"

#include "fhir/definitions/definitions.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/search/match.hpp"
#include "fhir/search/query.hpp"
#include "gateway/identity/identity.hpp"
#include "gateway/identity/whole_person.hpp"
#include "gateway/net/url.hpp"

#include <algorithm>
#include <map>

namespace gateway::delivery {

using fhir::json::Element;

/// One Subscription, its criteria parsed once.
struct Subscriptions::Active {
  std::string id;
  std::string text;  ///< The criteria as they stand.
  std::shared_ptr<fhir::search::Query const> criteria;
};

namespace {

constexpr std::size_t kPageSize = 200;

/// "Task?owner=Organization/x" into a Query.
fhir::Result<fhir::search::Query> parse_criteria(std::string_view criteria) {
  auto const mark = criteria.find('?');
  std::string_view const type = criteria.substr(0, mark);
  if (!fhir::definitions::is_resource_type(type)) {
    return fhir::error(fhir::IssueType::value, "must start with a resource type", "Subscription.criteria");
  }
  auto query = fhir::search::parse_query(
      type, mark == std::string_view::npos ? "" : criteria.substr(mark + 1), fhir::search::Handling::strict);
  if (!query) {
    fhir::Issue issue = query.error();
    issue.expression = "Subscription.criteria";
    return issue;
  }
  return query;
}

bool is_active(Element const& subscription) {
  std::string_view const status = subscription.text_at("status");
  return status == "active" || status == "requested";  // this server activates what it accepted
}

/// The persons whose Patients a changed resource refers to.
class Persons {
 public:
  explicit Persons(store::Unit& unit) : unit_(unit) {}

  fhir::Result<void> read(fhir::search::IndexValues const& values) {
    patients_.clear();
    for (auto const& one : values.values) {
      auto const* const reference = std::get_if<fhir::search::ReferenceValue>(&one.value);
      if (reference == nullptr || reference->type != "Patient" || !reference->base.empty()) continue;
      std::string const id(reference->id);
      if (patients_.contains(id)) continue;
      FHIR_TRY(auto const person, unit_.find_key(identity::kPersonSpace, id));
      std::vector<std::string> all{id};
      if (person) {
        FHIR_TRY(all, unit_.keys_of(identity::kPersonSpace, *person));
      }
      for (std::string const& same : all) patients_[same] = all;
    }
    return {};
  }

  /// Whether the criteria hold once they ask for the whole person.
  fhir::Result<bool> match(std::string_view criteria, fhir::search::Query const& parsed,
                           fhir::search::MatchSubject const& subject,
                           fhir::search::IndexValues const& values) const {
    auto const named = identity::patients_named(parsed);
    if (std::ranges::none_of(named, [&](std::string_view id) { return beside(id).size() > 1; })) return false;
    FHIR_TRY(auto query, parse_criteria(criteria));
    FHIR_TRY(
        [[maybe_unused]] bool const widened,
        identity::widen_to_persons(query, [&](std::string_view id) -> fhir::Result<std::vector<std::string>> {
          return beside(id);
        }));
    return fhir::search::matches(query, subject, values);
  }

 private:
  std::vector<std::string> beside(std::string_view id) const {
    auto const found = patients_.find(id);
    return found == patients_.end() ? std::vector<std::string>{} : found->second;
  }

  store::Unit& unit_;
  std::map<std::string, std::vector<std::string>, std::less<>> patients_;
};

std::string to_request(std::string const& subscription, store::Unit::Change const& change,
                       std::int64_t version_id) {
  fhir::json::Arena arena;
  Element request = Element::of_object();
  std::string const reference = change.type + "/" + change.id + "/_history/" + std::to_string(version_id);
  request.set(arena, "subscription", Element::of_string(subscription));
  request.set(arena, "resource", Element::of_string(reference));
  return fhir::json::write(request);
}

}  // namespace

fhir::Result<void> Subscriptions::reload(store::Store& store) {
  FHIR_TRY(auto const snapshot, store.snapshot());
  FHIR_TRY(auto query, fhir::search::parse_query("Subscription", "type=rest-hook&status=active,requested",
                                                 fhir::search::Handling::strict));
  query.count = kPageSize;
  auto found = std::make_shared<std::vector<Active>>();
  do {
    FHIR_TRY(auto const page, snapshot->search(store::AccessPolicy::all(), query));
    for (store::SearchEntry const& entry : page.entries) {
      FHIR_TRY(auto const subscription, fhir::json::read_document(entry.version.content));
      // What was accepted can be parsed; a row that cannot is a defect of ours and must not silence the
      // others.
      std::string const text(subscription.root.text_at("criteria"));
      auto criteria = parse_criteria(text);
      if (!criteria) continue;
      found->push_back(
          {entry.version.id, text, std::make_shared<fhir::search::Query const>(std::move(*criteria))});
    }
    query.cursor = page.next_cursor;
  } while (!query.cursor.empty());
  std::lock_guard const lock(mutex_);
  active_ = std::move(found);
  return {};
}

std::shared_ptr<std::vector<Subscriptions::Active> const> Subscriptions::list() const {
  std::lock_guard const lock(mutex_);
  return active_;
}

std::size_t Subscriptions::size() const {
  auto const all = list();
  return all ? all->size() : 0;
}

fhir::Result<void> Subscriptions::notify(store::Unit& unit) const {
  auto const all = list();
  if (!all || all->empty()) return {};
  fhir::search::IndexValues values;
  Persons persons(unit);
  for (store::Unit::Change const& change : unit.changes()) {
    if (!change.changed || change.after == nullptr) continue;
    bool extracted = false;
    for (Active const& subscription : *all) {
      if (subscription.criteria->resource_type != change.type) continue;
      if (!extracted) {
        fhir::search::extract(*change.after, values);
        FHIR_CHECK(persons.read(values));
      }
      extracted = true;
      fhir::search::MatchSubject const subject{change.type, change.id, unit.now_ms()};
      FHIR_TRY(bool is_match, fhir::search::matches(*subscription.criteria, subject, values));
      if (!is_match) {
        FHIR_TRY(is_match, persons.match(subscription.text, *subscription.criteria, subject, values));
      }
      if (!is_match) continue;
      store::OutboxRow row;
      row.destination = std::string(kRestHookPrefix) + subscription.id;
      row.order_key = change.type + "/" + change.id;
      row.kind = "rest-hook";
      row.request = to_request(subscription.id, change, change.before ? change.before->version_id + 1 : 1);
      unit.add_outbox(std::move(row), "");
    }
  }
  return {};
}

fhir::Result<void> Subscriptions::check(Element const& subscription, bool loopback_hooks) {
  if (!is_active(subscription)) return {};
  if (subscription.text_of("channel", "type") != "rest-hook") {
    return fhir::error(fhir::IssueType::not_supported, "only rest-hook channels are delivered here",
                       "Subscription.channel.type");
  }
  auto const url = net::parse_url(subscription.text_of("channel", "endpoint"));
  if (!url)
    return fhir::error(fhir::IssueType::value, url.error().diagnostics, "Subscription.channel.endpoint");
  bool const is_allowed_plain = loopback_hooks && net::is_loopback(url->origin);
  if (url->origin.scheme != "https" && !is_allowed_plain) {
    return fhir::error(fhir::IssueType::business_rule, "an endpoint must be https",
                       "Subscription.channel.endpoint");
  }
  std::string_view const payload = subscription.text_of("channel", "payload");
  if (!payload.empty() && payload != "application/fhir+json" && payload != "application/json") {
    return fhir::error(fhir::IssueType::not_supported, "a payload is application/fhir+json or absent",
                       "Subscription.channel.payload");
  }
  if (Element const* const headers = subscription.at("channel", "header")) {
    for (Element const& header : headers->items()) {
      if (header.text().find(':') == std::string_view::npos ||
          header.text().find_first_of("\r\n") != std::string_view::npos) {
        return fhir::error(fhir::IssueType::value, "a header is one line, 'Name: value'",
                           "Subscription.channel.header");
      }
    }
  }
  FHIR_TRY([[maybe_unused]] auto const criteria, parse_criteria(subscription.text_at("criteria")));
  fhir::search::IndexValues const nothing;
  FHIR_CHECK(fhir::search::matches(criteria, {criteria.resource_type, "", 0}, nothing));
  return {};
}

}  // namespace gateway::delivery
