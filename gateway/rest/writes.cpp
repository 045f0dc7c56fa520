#include "gateway/rest/writes.hpp"

#include "gateway/rest/etag.hpp"
#include "gateway/rest/options.hpp"
#include "gateway/rest/references.hpp"
#include "gateway/rest/status.hpp"

#include <algorithm>
#include <set>

namespace gateway::rest {

namespace {

using fhir::Issue;
using fhir::IssueType;
using fhir::json::Element;

fhir::Result<Written> resolve(store::Unit& unit, Write const& write, WriteSetting const& setting) {
  switch (write.kind) {
    case WriteKind::create:
      return resolve_create(unit, write, setting);
    case WriteKind::update:
      if (write.patch) return resolve_patch(unit, write, setting);
      return resolve_update(unit, write, setting);
    case WriteKind::remove:
      break;
  }
  return resolve_remove(unit, write);
}

/// http.html#trules: one identity in two entries fails the transaction, also one that a condition found.
fhir::Result<void> check_identities(std::vector<Write> const& writes, std::vector<Written> const& written) {
  std::set<std::string> seen;
  std::set<std::string> conditions;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    bool fresh = written[i].id.empty() || seen.insert(writes[i].type + '/' + written[i].id).second;
    if (writes[i].kind == WriteKind::create && !writes[i].condition_text.empty()) {
      fresh = conditions.insert(writes[i].type + '?' + writes[i].condition_text).second && fresh;
    }
    if (!fresh) {
      return placed(fhir::error(IssueType::invariant, "Two entries of a transaction are about one resource."),
                    writes[i].place);
    }
  }
  return {};
}

/// "http://a/fhir/" of "http://a/fhir/Patient/1"; "" for a urn.
std::string base_of(Write const& write) {
  auto const tail = write.full_url.find("/" + write.type + "/");
  return write.full_url.starts_with("http") && tail != std::string::npos ? write.full_url.substr(0, tail + 1)
                                                                         : std::string{};
}

void add_full_urls(std::vector<Write> const& writes, std::vector<Written> const& written,
                   Rewrites& rewrites) {
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].full_url.empty() || written[i].id.empty()) continue;
    rewrites.emplace(writes[i].full_url, writes[i].type + '/' + written[i].id);
  }
}

/// Errors: value (nothing found), multiple_matches.
fhir::Result<std::string> resolve_reference(store::Unit& unit, std::string const& text,
                                            std::string const& expression) {
  Write asked;
  asked.type = text.substr(0, text.find('?'));
  FHIR_TRY(asked.condition,
           parse_condition(asked.type, std::string_view(text).substr(asked.type.size() + 1), ""));
  auto const found = match_one(unit, asked);
  if (!found) {
    Issue issue = found.error();
    issue.expression = expression;
    return issue;
  }
  if (!*found)
    return fhir::error(IssueType::value, "This conditional reference finds no resource.", expression);
  return asked.type + '/' + (*found)->id;
}

/// What a write stores but for its id: the resource sent, or what a patch has made; nullptr for a delete.
Element const* content_of(Write const& write, Written const& written) {
  return write.patch ? &written.patched : write.resource.root;
}

fhir::Result<void> add_conditional(store::Unit& unit, std::vector<Write> const& writes,
                                   std::vector<Written> const& written, Rewrites& rewrites) {
  for (std::size_t i = 0; i < writes.size(); ++i) {
    Write const& write = writes[i];
    Element const* const content = content_of(write, written[i]);
    if (content == nullptr) continue;
    for (auto const& [text, expression] : conditional_references(*content)) {
      if (rewrites.contains(text)) continue;
      auto target = resolve_reference(unit, text, expression);
      if (!target) return placed(std::move(target).error(), write.place);
      rewrites.emplace(text, *std::move(target));
    }
  }
  return {};
}

/// The resource under its id, with its references rewritten; the request's own tree stays as it is for the
/// next run.
Element to_stored(store::Unit& unit, Write const& write, Written const& written, Rewrites const& rewrites) {
  auto& arena = unit.arena();
  Element resource = Element::of_object();
  for (auto const& member : content_of(write, written)->members()) {
    if (member.name != "id") resource.append_unchecked(arena, member.name, member.value);
  }
  resource.append_unchecked(arena, "id", Element::of_string(arena.copy(written.id)));
  if (rewrites.empty()) return resource;
  Element copy = fhir::json::deep_copy(arena, resource);
  rewrite_references(arena, copy, rewrites, base_of(write));
  return copy;
}

fhir::Result<void> apply(store::Unit& unit, Write const& write, Written& written, Rewrites const& rewrites,
                         WriteSetting const& setting) {
  if (written.matched || written.nothing) return {};
  bool const exists = written.current.version_id != 0 && !written.current.deleted;
  // A resource stays its first source's; who may change it is the record's to judge.
  std::string const& source = exists ? written.current.source : setting.source;
  if (write.kind == WriteKind::remove) return unit.remove(write.type, written.id, source);
  Element const resource = to_stored(unit, write, written, rewrites);
  FHIR_TRY(auto const put, unit.put(resource, source, write.kind == WriteKind::create ? "POST" : "PUT"));
  written.created = put.created;
  return {};
}

fhir::Result<void> apply_kind(store::Unit& unit, WriteKind kind, std::vector<Write> const& writes,
                              std::vector<Written>& written, Rewrites const& rewrites,
                              WriteSetting const& setting) {
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].kind != kind) continue;
    if (auto done = apply(unit, writes[i], written[i], rewrites, setting); !done) {
      return placed(std::move(done).error(), writes[i].place);
    }
  }
  return {};
}

/// Two conditional creates that differ in words may still be about one thing: then one finds the other's
/// resource.
fhir::Result<void> check_conditional_twins(store::Unit& unit, std::vector<Write> const& writes,
                                           std::vector<Written> const& written) {
  std::map<std::string, int> per_type;
  auto const created_if_none = [&](std::size_t i) {
    return writes[i].kind == WriteKind::create && writes[i].condition && !written[i].matched;
  };
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (created_if_none(i)) ++per_type[writes[i].type];
  }
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (!created_if_none(i) || per_type[writes[i].type] < 2) continue;
    FHIR_TRY(auto const found, unit.match(*writes[i].condition));
    if (std::ranges::any_of(found, [&](store::Version const& other) { return other.id != written[i].id; })) {
      return placed(fhir::error(IssueType::invariant, "Two entries of a transaction are about one resource."),
                    writes[i].place);
    }
  }
  return {};
}

std::string place_of(std::vector<Write> const& writes, std::vector<Written> const& written,
                     store::Unit::Change const& change) {
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (writes[i].type == change.type && written[i].id == change.id) return writes[i].place;
  }
  return {};
}

fhir::Result<void> check_all_references(store::Unit& unit, std::vector<Write> const& writes,
                                        std::vector<Written> const& written, std::string const& base_url) {
  std::set<std::string> known;
  for (auto const& change : unit.changes()) {
    if (change.after == nullptr || !change.changed) continue;
    if (auto checked = check_references(unit, *change.after, base_url, known); !checked) {
      return placed(std::move(checked).error(), place_of(writes, written, change));
    }
  }
  return {};
}

}  // namespace

fhir::Result<Write> plan_target(Request const& request, WriteKind kind) {
  Write write;
  write.kind = kind;
  write.type = request.type;
  write.id = request.id;
  if (request.id.empty()) {
    write.condition_text = request.query;
    FHIR_TRY(write.condition, parse_condition(write.type, request.query, ""));
  } else {
    FHIR_TRY(auto const options, parse_options(request.query, {}, request.handling));
  }
  if (!request.if_match.empty()) {
    FHIR_TRY(write.if_match, parse_etag(request.if_match, kIfMatch));
  }
  return write;
}

fhir::Issues judged(Judge const& judge, Element const& resource, std::string_view now) {
  auto findings = judge.errors_in(resource, now);
  if (findings.is_well_formed) {
    for (Issue& issue : findings.errors) issue.source = kRules;
  }
  return std::move(findings.errors);
}

Issue placed(Issue issue, std::string const& place) {
  if (place.empty()) return issue;
  auto const dot = issue.expression.find('.');
  bool const of_resource = !issue.expression.empty();
  std::string const below = dot == std::string::npos ? std::string{} : issue.expression.substr(dot);
  issue.expression = of_resource ? place + ".resource" + below : place;
  return issue;
}

fhir::Result<std::shared_ptr<fhir::search::Query const>> parse_condition(std::string_view type,
                                                                         std::string_view text,
                                                                         std::string_view source) {
  FHIR_TRY(auto query, fhir::search::parse_query(type, text, fhir::search::Handling::strict));
  if (query.criteria.empty()) {
    return fhir::error(IssueType::value,
                       "A condition needs a search criterion, or it would name every resource.", {},
                       std::string(source));
  }
  query.count = 2;  // none, one or several is all that matters
  return std::make_shared<fhir::search::Query const>(std::move(query));
}

fhir::Result<std::optional<store::Version>> match_one(store::Unit& unit, Write const& write) {
  FHIR_TRY(auto found, unit.match(*write.condition));
  if (found.size() > 1) {
    return fhir::error(IssueType::multiple_matches, "The condition finds more than one " + write.type + ".");
  }
  if (found.empty()) return std::optional<store::Version>{};
  return std::optional<store::Version>(std::move(found.front()));
}

fhir::Result<void> check_preconditions(Write const& write, std::optional<store::Version> const& current) {
  bool const exists = current && !current->deleted;
  if (write.if_match != 0 && (!exists || current->version_id != write.if_match)) {
    return fhir::error(IssueType::conflict,
                       "Another version is current; read it and apply the change to that one.", {},
                       std::string(kIfMatch));
  }
  if (write.only_if_absent && exists) {
    return fhir::error(IssueType::conflict, "The resource exists already.", {}, std::string(kIfNoneMatch));
  }
  return {};
}

// http.html#trules, in its order: resolve identities and references, then DELETE, POST, PUT; reads come after
// the commit.
fhir::Result<std::vector<Written>> apply_writes(store::Unit& unit, std::vector<Write> const& writes,
                                                WriteSetting const& setting) {
  std::vector<Written> written;
  written.reserve(writes.size());
  for (Write const& write : writes) {
    auto one = resolve(unit, write, setting);
    if (!one) return placed(std::move(one).error(), write.place);
    written.push_back(*std::move(one));
  }
  Rewrites rewrites;
  if (setting.in_bundle) {
    FHIR_CHECK(check_identities(writes, written));
    add_full_urls(writes, written, rewrites);
    FHIR_CHECK(add_conditional(unit, writes, written, rewrites));
  }
  for (WriteKind const kind : {WriteKind::remove, WriteKind::create, WriteKind::update}) {
    FHIR_CHECK(apply_kind(unit, kind, writes, written, rewrites, setting));
  }
  if (setting.in_bundle) FHIR_CHECK(check_conditional_twins(unit, writes, written));
  FHIR_CHECK(check_all_references(unit, writes, written, setting.base_url));
  return written;
}

store::Version version_of(store::Receipt const& receipt, Write const& write, Written const& written) {
  for (store::Version const& version : receipt.versions) {
    if (version.type == write.type && version.id == written.id) return version;
  }
  return written.current;
}

}  // namespace gateway::rest
