// https://hl7.org/fhir/R4/http.html#transaction
#include "gateway/rest/bundle.hpp"
#include "gateway/rest/commit.hpp"
#include "gateway/rest/interactions/interactions.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/router.hpp"
#include "gateway/rest/status.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace gateway::rest {

namespace asio = net::asio;

namespace {

using fhir::Issue;
using fhir::IssueType;
using fhir::json::Element;

/// One entry as the request it stands for.
struct Entry {
  Request request;
  std::string full_url;
  std::string place;  ///< "Bundle.entry[2]"
};

// http.html#trules: DELETE, then POST, then PUT (and PATCH), then GET and HEAD.
constexpr std::array<std::string_view, 5> kOrder{"DELETE", "POST", "PUT", "PATCH", "GET"};

std::string place_of(std::size_t index) { return "Bundle.entry[" + std::to_string(index) + ']'; }

/// security.md A7: an entry's name is a urn or a plain URL; anything that could lead elsewhere than it says
/// is refused.
bool is_full_url(std::string_view text) {
  if (text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")) return true;
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  bool const plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  return plain && text.find('%') == std::string_view::npos && text.find("..") == std::string_view::npos;
}

/// `request.url`: relative to the base, as R4 says. Errors: value.
fhir::Result<void> read_url(std::string_view url, Request& request) {
  auto const mark = url.find('?');
  std::string_view const path = url.substr(0, mark);
  if (url.empty() || path.find(':') != std::string_view::npos || path.starts_with("//")) {
    return fhir::error(IssueType::value, "The url of an entry is relative to the base: Patient, Patient/1.");
  }
  FHIR_TRY(request.path, parse_path(path));
  if (request.path.empty())
    return fhir::error(IssueType::value, "An entry names a type; Bundles do not nest.");
  if (mark != std::string_view::npos) request.query = url.substr(mark + 1);
  return {};
}

/// A place inside the entry, "Bundle.entry[2].request.url".
fhir::Result<Entry> read_entry(Element const& element, std::size_t index, Request const& whole,
                               Input const& bundle) {
  Entry entry;
  entry.place = place_of(index);
  Request& request = entry.request;
  Element const* const asked = element.find("request");
  if (asked == nullptr || asked->text_at("method").empty()) {
    return fhir::error(IssueType::required,
                       "An entry of a batch or transaction has request.method and request.url.",
                       entry.place + ".request");
  }
  request.method = asked->text_at("method");
  if (request.method == "HEAD") request.method = "GET";
  if (auto const read = read_url(asked->text_at("url"), request); !read) {
    Issue issue = read.error();
    issue.expression = entry.place + ".request.url";
    return issue;
  }
  entry.full_url = element.text_at("fullUrl");
  if (!entry.full_url.empty() && !is_full_url(entry.full_url)) {
    return fhir::error(IssueType::value, "fullUrl is urn:uuid, urn:oid or a plain http(s) URL.",
                       entry.place + ".fullUrl");
  }
  request.if_match = asked->text_at("ifMatch");
  request.if_none_match = asked->text_at("ifNoneMatch");
  request.if_none_exist = asked->text_at("ifNoneExist");
  request.handling = whole.handling;
  request.returning = whole.returning;
  request.principal = whole.principal;
  request.request_id = whole.request_id;
  if (Element const* const resource = element.find("resource"))
    request.resource = Input{bundle.document, resource};
  return entry;
}

/// A write entry needs its resource here, for there is no body to parse.
fhir::Result<void> check_resource(Entry const& entry) {
  bool const needs =
      entry.request.method == "POST" || entry.request.method == "PUT" || entry.request.method == "PATCH";
  bool const searches = !entry.request.path.empty() && entry.request.path.back() == "_search";
  if (!needs || searches || entry.request.resource.root != nullptr) return {};
  return fhir::error(IssueType::required, "An entry that writes has a resource.", entry.place + ".resource");
}

struct Entries {
  std::vector<Entry> all;
  std::vector<std::optional<Issue>> issues;  ///< One per entry: why it cannot be done at all.
};

Entries read_entries(Request const& request, Input const& bundle) {
  Entries entries;
  Element const* const list = bundle.root->find("entry");
  if (list == nullptr) return entries;
  for (std::size_t i = 0; i < list->items().size(); ++i) {
    auto entry = read_entry(list->items()[i], i, request, bundle);
    std::optional<Issue> issue;
    if (!entry) {
      issue = entry.error();
    } else if (auto complete = check_resource(*entry); !complete) {
      issue = complete.error();
    }
    entries.issues.push_back(std::move(issue));
    entries.all.push_back(entry ? *std::move(entry) : Entry{});
  }
  return entries;
}

/// Indexes of the entries in R4's order; unknown methods last.
std::vector<std::size_t> processing_order(std::vector<Entry> const& entries) {
  std::vector<std::size_t> order(entries.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  auto const rank = [&](std::size_t i) {
    return std::ranges::find(kOrder, entries[i].request.method) - kOrder.begin();
  };
  std::ranges::stable_sort(order, {}, rank);
  return order;
}

std::string to_response(std::string_view type, std::vector<Answer> const& answers,
                        std::string const& base_url) {
  BundleWriter out(type, base_url);
  for (Answer const& answer : answers) out.add_response(answer);
  return out.finish();
}

asio::awaitable<Answer> batch(Context const& context, Entries entries) {
  std::vector<Answer> answers(entries.all.size());
  for (std::size_t const i : processing_order(entries.all)) {
    if (entries.issues[i]) {
      answers[i] = refuse(*entries.issues[i]);
    } else {
      answers[i] = co_await dispatch(context, entries.all[i].request);
    }
  }
  Answer answer;
  answer.body = to_response("batch-response", answers, context.settings.base_url);
  co_return answer;
}

/// A transaction's entries sorted into what is written in its Unit and what is read after it.
struct Plan {
  std::vector<Write> writes;
  std::vector<std::size_t> write_entries;  ///< writes[i] is of entry write_entries[i].
  std::vector<std::size_t> read_entries;
};

Planned plan_write(Context const& context, Request const& request) {
  if (request.method == "POST") return plan_create(context, request);
  if (request.method == "PATCH") return plan_patch(request);
  return request.method == "PUT" ? plan_update(context, request) : plan_remove(request);
}

void add_entry(Context const& context, Entry& entry, std::size_t index, Plan& plan, fhir::Issues& issues) {
  auto const route = find_route(entry.request);
  if (!route) {
    Issue issue = route.error();
    issue.expression = entry.place + ".request";
    issues.push_back(std::move(issue));
    return;
  }
  std::string_view const interaction = (*route)->interaction;
  bool const is_plain_post = interaction == "create" || entry.request.method != "POST";
  if (entry.request.method == "GET") {
    plan.read_entries.push_back(index);
  } else if (!is_plain_post) {
    issues.push_back(fhir::error(IssueType::not_supported,
                                 "A transaction takes create, update, patch, delete and reads.",
                                 entry.place + ".request"));
  } else {
    Planned planned = plan_write(context, entry.request);
    planned.write.place = entry.place;
    planned.write.full_url = entry.full_url;
    for (Issue& issue : planned.issues) issues.push_back(placed(std::move(issue), entry.place));
    plan.writes.push_back(std::move(planned.write));
    plan.write_entries.push_back(index);
  }
}

/// What the transaction reads must be there, or the whole of it fails before it is stored.
store::Compute check_reads(Entries const& entries, Plan const& plan) {
  struct Target {
    std::string type, id, place;
  };
  std::vector<Target> targets;
  for (std::size_t const i : plan.read_entries) {
    Request const& request = entries.all[i].request;
    if (!request.id.empty()) targets.push_back({request.type, request.id, entries.all[i].place});
  }
  return [targets = std::move(targets)](store::Unit& unit) -> fhir::Result<void> {
    for (Target const& target : targets) {
      FHIR_TRY(auto const version, unit.find(target.type, target.id));
      if (!version)
        return fhir::error(IssueType::not_found, "There is no resource of that type and id.", target.place);
    }
    return {};
  };
}

asio::awaitable<Answer> transaction(Context const& context, Request const& request, Entries entries) {
  Plan plan;
  fhir::Issues issues;
  std::function<void()> job = [&] {
    for (std::size_t i = 0; i < entries.all.size(); ++i) {
      if (entries.issues[i]) {
        issues.push_back(*entries.issues[i]);
      } else {
        add_entry(context, entries.all[i], i, plan, issues);
      }
    }
  };
  co_await run_planning(context, request, std::move(job));
  if (!issues.empty()) co_return refuse(issues);

  std::vector<Answer> answers(entries.all.size());
  store::Compute also = check_reads(entries, plan);
  std::vector<Write> writes = plan.writes;
  auto const committed = co_await commit_writes(context, request, std::move(writes), std::move(also));
  if (!committed) co_return refuse(committed.error());
  for (std::size_t i = 0; i < plan.writes.size(); ++i) {
    std::size_t const entry = plan.write_entries[i];
    answers[entry] = answer_committed(*committed, i, plan.writes[i], request.returning);
  }
  for (std::size_t const i : plan.read_entries)
    answers[i] = co_await dispatch(context, entries.all[i].request);
  Answer answer;
  answer.body = to_response("transaction-response", answers, context.settings.base_url);
  co_return answer;
}

fhir::Result<Input> read_bundle(Context const& context, Request const& request) {
  FHIR_TRY(auto const options, parse_options(request.query, {}, request.handling));
  FHIR_TRY(auto input, read_resource(request));
  if (input.root->text_at("resourceType") != "Bundle") {
    return fhir::error(IssueType::value, "The base takes a Bundle of type batch or transaction.",
                       "resourceType");
  }
  Element const* const list = input.root->find("entry");
  if (list != nullptr && list->size() > context.settings.bundle_entries_max) {
    return fhir::error(
        IssueType::too_costly,
        "A Bundle may have " + std::to_string(context.settings.bundle_entries_max) + " entries.",
        "Bundle.entry");
  }
  return input;
}

}  // namespace

asio::awaitable<Answer> bundle(Context const& context, Request const& request) {
  auto const input = read_bundle(context, request);
  if (!input) co_return refuse(input.error());
  std::string_view const type = input->root->text_at("type");
  Entries entries = read_entries(request, *input);
  if (type == "transaction") co_return co_await transaction(context, request, std::move(entries));
  if (type == "batch") co_return co_await batch(context, std::move(entries));
  co_return refuse(
      fhir::error(IssueType::value, "The base takes a Bundle of type batch or transaction.", "Bundle.type"));
}

}  // namespace gateway::rest
