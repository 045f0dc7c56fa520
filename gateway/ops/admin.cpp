#include "gateway/ops/admin.hpp"

#include "fhir/json/issues.hpp"
#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "fhir/search/query.hpp"
#include "gateway/intake/kept.hpp"
#include "gateway/ops/log.hpp"
#include "gateway/record/work_item.hpp"
#include "gateway/store/hash.hpp"
#include "gateway/store/instant.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace gateway::ops {

namespace {

using fhir::IssueType;

constexpr std::size_t kRowsMax = 1000;  // of one list
constexpr int kFailuresMax = 10;  // wrong tokens in kFailuresWindow, then 429 to whoever has no right one
constexpr std::int64_t kFailuresWindow = 60'000;
constexpr std::size_t kReasonMax = 500;
constexpr std::string_view kMethod = "method";  // the source of what only the method is wrong in

int status_of(fhir::Issue const& issue) {
  switch (issue.code) {
    case IssueType::not_found:
      return 404;
    case IssueType::conflict:
    case IssueType::duplicate:
      return 409;
    case IssueType::not_supported:
      return issue.source == kMethod ? 405 : 422;
    case IssueType::structure:
    case IssueType::value:
    case IssueType::required:
      return 400;
    case IssueType::no_store:
    case IssueType::transient:
    case IssueType::lock_error:
      return 503;
    default:
      return 422;
  }
}

net::HttpResponse json(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json; charset=utf-8");
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = std::move(body) + "\n";
  return response;
}

/// A JSON object in the making.
class Object {
 public:
  Object& add(std::string_view name, std::string_view text) {
    name_next(name);
    fhir::json::write_string(text, out_);
    return *this;
  }
  Object& add_number(std::string_view name, std::int64_t number) {
    return add_raw(name, std::to_string(number));
  }
  Object& add_raw(std::string_view name, std::string_view json_text) {
    name_next(name);
    out_.append(json_text);
    return *this;
  }
  Object& add_time(std::string_view name, std::int64_t ms) {
    return ms == 0 ? *this : add(name, store::to_instant(ms));
  }
  std::string text() const { return out_ + "}"; }

 private:
  void name_next(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    fhir::json::write_string(name, out_);
    out_ += ':';
  }
  std::string out_ = "{";
};

std::string list_of(std::vector<std::string> const& items) {
  std::string out = "[";
  for (std::string const& item : items) out.append(out.size() > 1 ? "," : "").append(item);
  return out + "]";
}

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::string summary_of(store::JournalRow const& row) {
  return Object()
      .add_number("id", row.id)
      .add_time("received", row.received_ms)
      .add("outcome", row.outcome)
      .add("kind", row.kind)
      .add("partner", row.partner)
      .add("feed", row.feed)
      .add("tables", row.maps_hash)
      .add_raw("issues", row.issues.empty() ? "[]" : row.issues)
      .text();
}

fhir::Result<std::string> item_of(store::Snapshot& snapshot, store::RecordRow const& row,
                                  bool with_messages) {
  FHIR_TRY(auto const seen, snapshot.sighting(row.record_id));
  Object item;
  item.add("id", row.record_id).add("kind", row.kind).add("state", row.state);
  item.add_number("seen", seen.seen)
      .add_time("first_seen", seen.first_seen_ms)
      .add_time("last_seen", seen.last_seen_ms);
  item.add_time("due", row.due_ms)
      .add("owner", row.owner)
      .add_raw("item", row.body.empty() ? "{}" : row.body);
  if (with_messages) {
    FHIR_TRY(auto const messages, snapshot.messages_of(row.record_id));
    std::vector<std::string> ids;
    for (std::int64_t const id : messages) ids.push_back(std::to_string(id));
    item.add_raw("messages", list_of(ids));
  }
  return item.text();
}

std::string package_of(conformance::PackageFacts const& facts) {
  std::vector<std::string> needs;
  for (auto const& one : facts.dependencies) {
    Object need;
    need.add("name", one.name).add("version", one.version);
    if (!one.loaded.empty()) need.add("loaded", one.loaded);
    needs.push_back(need.text());
  }
  Object package;
  package.add("name", facts.name).add("version", facts.version);
  if (!facts.source.empty()) package.add("file", facts.source);
  if (!facts.loaded_by.empty()) package.add("operator", facts.loaded_by);
  return package.add_time("loaded", facts.loaded_ms)
      .add_number("resources", static_cast<std::int64_t>(facts.resources))
      .add_raw("dependencies", list_of(needs))
      .text();
}

fhir::Issue no_such_path() { return fhir::error(IssueType::not_found, "there is nothing at this path"); }
fhir::Issue no_such_method() {
  return fhir::error(IssueType::not_supported, "this path has no such method", {}, std::string(kMethod));
}

}  // namespace

/// One authenticated request.
struct Admin::Call {
  std::string const& operator_name;
  std::string method;
  std::vector<std::string> path;  ///< Below /admin.
  std::map<std::string, std::string> query;
  std::string const& body;

  std::string value(std::string const& name) const {
    auto const found = query.find(name);
    return found == query.end() ? std::string{} : found->second;
  }
  bool writes() const { return method == "POST"; }
};

net::asio::awaitable<net::HttpResponse> Admin::handle(net::HttpRequest request) {
  counters_.requests.fetch_add(1);
  // A page of another site may drive a browser here, but cannot leave out its Origin nor know the token.
  if (request.headers.contains("Origin"))
    co_return net::make_refusal(403, fhir::error(IssueType::security, "browsers are not served here"));
  config::Operator const* const who = operator_of(request.headers.get("Authorization"));
  if (who == nullptr) {
    counters_.unauthorised.fetch_add(1);
    std::int64_t const now = options_.clock();
    bool const locked = is_locked(now);
    note_failure(now);
    auto refusal = net::make_refusal(
        locked ? 429 : 401, fhir::error(IssueType::security, "an operator's bearer token is needed"));
    if (locked) {
      refusal.headers.set("Retry-After", "60");
    } else {
      refusal.headers.set("WWW-Authenticate", "Bearer");
    }
    co_return refusal;
  }
  net::HttpResponse response;
  std::string const name = who->name;
  std::function<void()> job = [&] { response = answer(request, name); };
  co_await options_.run(std::move(job));
  co_return response;
}

config::Operator const* Admin::operator_of(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return nullptr;
  std::string const digest = store::sha256_hex({authorization.substr(kScheme.size())});
  config::Operator const* found = nullptr;
  for (config::Operator const& one : options_.operators) {
    if (one.bearer_sha256.size() == digest.size() &&
        CRYPTO_memcmp(one.bearer_sha256.data(), digest.data(), digest.size()) == 0)
      found = &one;
  }
  return found;
}

bool Admin::is_locked(std::int64_t now_ms) {
  return failures_.load() >= kFailuresMax && now_ms - failures_since_ms_.load() < kFailuresWindow;
}

void Admin::note_failure(std::int64_t now_ms) {
  if (now_ms - failures_since_ms_.load() >= kFailuresWindow) {
    failures_since_ms_.store(now_ms);
    failures_.store(0);
  }
  failures_.fetch_add(1);
}

net::HttpResponse Admin::answer(net::HttpRequest const& request, std::string const& operator_name) {
  Call call{operator_name, request.method == "HEAD" ? "GET" : request.method, {}, {}, request.body};
  std::string_view path = request.path();
  constexpr std::string_view kBase = "/admin/";
  if (!path.starts_with(kBase)) return net::make_refusal(404, no_such_path());
  path.remove_prefix(kBase.size());
  while (!path.empty()) {
    auto const slash = path.find('/');
    call.path.emplace_back(path.substr(0, slash));
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  auto pairs = fhir::search::parse_pairs(request.query());
  if (!pairs) return net::make_refusal(400, pairs.error());
  for (auto& [name, value] : *pairs) call.query.emplace(std::move(name), std::move(value));
  if (call.method != "GET" && call.method != "POST") return net::make_refusal(405, no_such_method());
  auto done = dispatch(call);
  if (done) return json(200, std::move(*done));
  fhir::Issue refused = done.error();
  if (!refused.source.empty()) refused.diagnostics = refused.source + ": " + refused.diagnostics;
  return net::make_refusal(status_of(refused), refused);
}

fhir::Result<std::string> Admin::dispatch(Call const& call) {
  if (call.path.empty()) return no_such_path();
  std::string const& room = call.path.front();
  if (room == "work") return work(call);
  if (room == "journal") return journal(call);
  if (room == "acts" && call.path.size() == 1) return call.writes() ? no_such_method() : acts(call);
  if (room == "reload" && call.path.size() == 1) {
    if (!call.writes()) return no_such_method();
    auto const done = options_.reload();
    FHIR_CHECK(note(call, "reload", "tables", done ? "done" : to_code(done.error().code)));
    if (!done) return done.error();
    return Object().add("tables", options_.tables->current()->hash).text();
  }
  if (room == "packages" && options_.packages != nullptr) return packages(call);
  if (room == "tables" && call.path.size() == 1) {
    if (call.writes()) return no_such_method();
    auto const tables = options_.tables->current();
    FHIR_TRY(auto const snapshot, options_.store.snapshot());
    FHIR_TRY(auto const set, snapshot->find_table_set(tables->hash));
    return Object()
        .add("hash", tables->hash)
        .add("maps", tables->maps.version())
        .add_time("first_used", set ? set->first_used_ms : 0)
        .add_number("structures", static_cast<std::int64_t>(tables->maps.structures().size()))
        .add_number("partners", static_cast<std::int64_t>(tables->partners->all().size()))
        .text();
  }
  return no_such_path();
}

/// An operator's act, on disk before it is answered, and in the log. Nothing of a patient: kinds and numbers.
fhir::Result<void> Admin::note(Call const& call, std::string_view action, std::string_view object,
                               std::string_view outcome) {
  FHIR_CHECK(options_.store.commit_and_wait([&](store::Unit& unit) -> fhir::Result<void> {
    unit.add_act({.operator_name = call.operator_name,
                  .action = std::string(action),
                  .object = std::string(object),
                  .outcome = std::string(outcome)});
    return {};
  }));
  log_info("admin", call.operator_name + " " + std::string(action) + " " + std::string(object) + " " +
                        std::string(outcome));
  return {};
}

fhir::Result<std::string> Admin::work(Call const& call) {
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  if (call.path.size() == 1) {
    if (call.writes()) return no_such_method();
    std::string const wanted = call.value("kind");
    std::string const after = call.value("after");
    store::RecordPlace place;
    if (!after.empty()) {
      FHIR_TRY(auto const last, snapshot->find_record(after));
      if (!last || wanted.empty())
        return fhir::error(IssueType::value, "after names the last item of a list of one kind", {}, "after");
      place = store::place_of(*last);
    }
    auto const asked =
        call.value("count").empty() ? std::optional<std::int64_t>(kRowsMax) : to_number(call.value("count"));
    if (!asked || *asked < 1) return fhir::error(IssueType::value, "count is a whole number", {}, "count");
    auto const count = std::min<std::size_t>(static_cast<std::size_t>(*asked), kRowsMax);
    std::vector<std::string> items;
    std::vector<std::string> more;  // kinds of which there are more
    bool known = wanted.empty();
    for (std::string_view const kind : record::work::kinds) {
      if (!wanted.empty() && kind != wanted) continue;
      known = true;
      FHIR_TRY(auto rows, snapshot->list_records(kind, "", "", count + 1, place));
      if (rows.size() > count) {
        rows.pop_back();
        more.push_back("\"" + std::string(kind) + "\"");
      }
      for (store::RecordRow const& row : rows) {
        FHIR_TRY(auto item, item_of(*snapshot, row, false));
        items.push_back(std::move(item));
      }
    }
    if (!known) return fhir::error(IssueType::value, "there are no work items of that kind", {}, "kind");
    return Object().add_raw("items", list_of(items)).add_raw("more", list_of(more)).text();
  }
  if (call.path.size() < 3 || call.path.size() > 4) return no_such_path();
  std::string const id = call.path[1] + "/" + call.path[2];
  FHIR_TRY(auto const row, snapshot->find_record(id));
  if (!row || !record::is_work_item(id)) return fhir::error(IssueType::not_found, "no work item has this id");
  if (call.path.size() == 3) {
    if (call.writes()) return no_such_method();
    return item_of(*snapshot, *row, true);
  }
  bool const answers = call.path[3] == "answer";
  if (!answers && call.path[3] != "dismiss") return no_such_path();
  if (!call.writes()) return no_such_method();
  return settle(call, id, answers);
}

fhir::Result<std::string> Admin::settle(Call const& call, std::string const& id, bool answers) {
  FHIR_TRY(auto const input, fhir::json::read_document(call.body));
  record::Settlement how{std::string(answers ? record::work::answered : record::work::dismissed),
                         std::string(input.root.text_at("reason")),
                         call.operator_name,
                         {}};
  if (how.reason.empty() || how.reason.size() > kReasonMax)
    return fhir::error(IssueType::required, "say why, in at most 500 characters: \"reason\"", {}, "reason");
  // The act and what it does are one commit.
  store::OperatorAct const act{.operator_name = call.operator_name,
                               .action = answers ? "answer" : "dismiss",
                               .object = "work/" + id,
                               .outcome = "done"};
  std::size_t requeued = 0;
  if (answers) {
    FHIR_CHECK(options_.intake.answer_code(id, std::string(input.root.text_at("system")),
                                           std::string(input.root.text_at("code")), how, act));
    FHIR_CHECK(options_.reload_tables());
    FHIR_TRY(requeued, options_.intake.requeue());
  } else {
    FHIR_CHECK(options_.intake.dismiss(id, how, act));
  }
  log_info("admin", call.operator_name + " " + act.action + " work/" + id);
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  FHIR_TRY(auto const row, snapshot->find_record(id));
  FHIR_TRY(auto const item, item_of(*snapshot, *row, true));
  return Object().add_raw("item", item).add_number("requeued", static_cast<std::int64_t>(requeued)).text();
}

fhir::Result<std::string> Admin::journal(Call const& call) {
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  if (call.path.size() == 1) {
    if (call.writes()) return no_such_method();
    std::string const count = call.value("count");
    auto const wanted = count.empty() ? std::optional<std::int64_t>(50) : to_number(count);
    auto const before =
        call.value("before").empty() ? std::optional<std::int64_t>(0) : to_number(call.value("before"));
    if (!wanted || !before) return fhir::error(IssueType::value, "before and count are whole numbers");
    FHIR_TRY(auto const rows, snapshot->list_journal(
                                  *before, std::min<std::size_t>(static_cast<std::size_t>(*wanted), kRowsMax),
                                  call.value("outcome")));
    std::vector<std::string> items;
    for (store::JournalRow const& row : rows) items.push_back(summary_of(row));
    return Object().add_raw("rows", list_of(items)).text();
  }
  auto const id = to_number(call.path[1]);
  if (!id || call.path.size() > 3) return no_such_path();
  FHIR_TRY(auto const row, snapshot->find_journal(*id));
  if (!row) return fhir::error(IssueType::not_found, "the journal has no row of that number");
  std::string const object = "journal/" + std::to_string(*id);
  if (call.path.size() == 2) {
    if (call.writes()) return no_such_method();
    return journal_row(call, *row);
  }
  if (call.path[2] == "diff") {
    if (call.writes()) return no_such_method();
    FHIR_CHECK(note(call, "diff", object, "done"));
    auto const tables = options_.tables->current();
    FHIR_TRY(auto const comparison, intake::compare({*snapshot, *options_.archive, *tables}, *row));
    return intake::to_json(comparison, *id);
  }
  if (call.path[2] != "replay") return no_such_path();
  if (!call.writes()) return no_such_method();
  auto const done = options_.intake.replay(*id);
  FHIR_CHECK(note(call, "replay", object, done ? "done" : to_code(done.error().code)));
  if (!done) return done.error();
  FHIR_TRY(auto const later, options_.store.snapshot());
  FHIR_TRY(auto const now, later->find_journal(*id));
  return summary_of(now ? *now : *row);
}

/// A row; with `raw` or `field` what shows a patient, which is noted first.
fhir::Result<std::string> Admin::journal_row(Call const& call, store::JournalRow const& row) {
  std::string const field = call.value("field");
  bool const raw = call.value("raw") == "true";
  if (field.empty() && !raw) return summary_of(row);
  FHIR_CHECK(note(call, "show", "journal/" + std::to_string(row.id), "done"));
  if (!field.empty()) {
    FHIR_TRY(auto const snapshot, options_.store.snapshot());
    auto const tables = options_.tables->current();
    FHIR_TRY(auto const trace, intake::trace_message({*snapshot, *options_.archive, *tables}, row, field));
    return intake::to_json(trace);
  }
  FHIR_TRY(auto const text, intake::readable(*options_.tables->current(), row));
  return Object().add_raw("row", summary_of(row)).add("text", text).text();
}

fhir::Result<std::string> Admin::packages(Call const& call) {
  if (call.path.size() == 1 && !call.writes()) {
    std::vector<std::string> all;
    for (conformance::PackageFacts const& one : options_.packages->facts()) all.push_back(package_of(one));
    return Object().add_raw("packages", list_of(all)).text();
  }
  if (call.path.size() == 1) {
    FHIR_TRY(auto const loaded, options_.packages->load(call.body, call.operator_name));
    log_info("admin", call.operator_name + " load package " + loaded.facts.name + " " + loaded.facts.version);
    return Object()
        .add_raw("package", package_of(loaded.facts))
        .add_raw("warnings", fhir::json::to_json(loaded.warnings))
        .text();
  }
  if (call.path.size() != 4 || call.path[3] != "remove") return no_such_path();
  if (!call.writes()) return no_such_method();
  FHIR_CHECK(options_.packages->remove(call.path[1], call.path[2], call.operator_name));
  log_info("admin", call.operator_name + " remove package " + call.path[1] + " " + call.path[2]);
  return Object().add("removed", call.path[1] + " " + call.path[2]).text();
}

fhir::Result<std::string> Admin::acts(Call const& call) {
  auto const before =
      call.value("before").empty() ? std::optional<std::int64_t>(0) : to_number(call.value("before"));
  if (!before) return fhir::error(IssueType::value, "before is a whole number", {}, "before");
  FHIR_TRY(auto const snapshot, options_.store.snapshot());
  FHIR_TRY(auto const rows, snapshot->list_acts(*before, kRowsMax));
  std::vector<std::string> items;
  for (store::OperatorAct const& act : rows) {
    items.push_back(Object()
                        .add_number("id", act.id)
                        .add_time("at", act.at_ms)
                        .add("operator", act.operator_name)
                        .add("action", act.action)
                        .add("object", act.object)
                        .add("outcome", act.outcome)
                        .text());
  }
  return Object().add_raw("acts", list_of(items)).text();
}

}  // namespace gateway::ops
