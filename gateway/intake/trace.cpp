#include "gateway/intake/trace.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/json/writer.hpp"
#include "gateway/identity/ids.hpp"
#include "gateway/intake/kept.hpp"
#include "gateway/intake/reconcile.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace gateway::intake {

namespace language = mappings::language;
namespace hl7v2 = mappings::hl7v2;
using fhir::json::Element;
using language::Draft;

namespace {

constexpr std::size_t kVersionsMax = 200;  // read and compared for one question

// ---------------------------------------------------------------------------------------------------- paths

/// "name[0].family" as its names, indexes left out; "value[x]" stays.
std::vector<std::string> names_of(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    auto const dot = path.find('.');
    std::string_view name = path.substr(0, dot);
    if (auto const bracket = name.find('[');
        bracket != std::string_view::npos && name.substr(bracket) != "[x]")
      name = name.substr(0, bracket);
    names.emplace_back(name);
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return names;
}

std::string_view without_type(std::string_view path, std::string_view type) {
  if (path.starts_with(type) && path.size() > type.size() && path[type.size()] == '.')
    path.remove_prefix(type.size() + 1);
  return path == type ? std::string_view{} : path;
}

std::string without_indexes(std::string_view path) {
  std::string out;
  for (std::string const& name : names_of(path)) out.append(out.empty() ? "" : ".").append(name);
  return out;
}

bool is_within(std::string_view path, std::string_view ancestor) {
  return path.starts_with(ancestor) &&
         (path.size() == ancestor.size() || path[ancestor.size()] == '.' || path[ancestor.size()] == '[');
}

/// Whether an element is asked for: it lies in or above the path, which may leave indexes out.
bool is_asked(std::string const& element, std::string_view asked) {
  if (asked.empty()) return true;
  bool const exact = asked.find('[') != std::string_view::npos;
  std::string const own = exact ? element : without_indexes(element);
  return is_within(own, asked) || is_within(asked, own);
}

/// A leaf of a resource: where it stands, and what tells it from others whatever its index.
struct Leaf {
  std::vector<std::string> steps;  ///< "name[0]", "family"
  std::string key;                 ///< "name.family=\"Mason\""
  Element const* element = nullptr;

  std::string path(std::size_t depth) const {
    std::string out;
    for (std::size_t at = 0; at < std::min(depth, steps.size()); ++at)
      out.append(at == 0 ? "" : ".").append(steps[at]);
    return out;
  }
};

void walk(Element const& element, std::vector<std::string>& steps, std::string const& names,
          std::vector<Leaf>& leaves) {
  if (element.is_object()) {
    for (auto const& member : element.members()) {
      steps.emplace_back(member.name);
      walk(member.value, steps,
           names.empty() ? std::string(member.name) : names + "." + std::string(member.name), leaves);
      steps.pop_back();
    }
    return;
  }
  if (element.is_array()) {
    std::string const name = steps.back();
    for (std::size_t at = 0; at < element.items().size(); ++at) {
      steps.back() = name + "[" + std::to_string(at) + "]";
      walk(element.items()[at], steps, names, leaves);
    }
    steps.back() = name;
    return;
  }
  leaves.push_back({steps, names + "=" + fhir::json::write(element), &element});
}

/// All leaves but what the server itself keeps.
std::vector<Leaf> leaves_of(Element const& resource) {
  std::vector<Leaf> leaves;
  std::vector<std::string> steps;
  for (auto const& member : resource.members()) {
    if (member.name == "resourceType" || member.name == "id" || member.name == "meta") continue;
    steps.assign(1, std::string(member.name));
    walk(member.value, steps, std::string(member.name), leaves);
  }
  return leaves;
}

// ---------------------------------------------------------------------------------------------------- values

/// Whether a stored element has everything that a row wrote; "~3" stands for whatever it was resolved to.
bool holds(Element const& stored, Element const& written) {
  if (written.is_object()) {
    return stored.is_object() && std::ranges::all_of(written.members(), [&](auto const& member) {
             Element const* const found = stored.find(member.name);
             return found != nullptr && holds(*found, member.value);
           });
  }
  if (written.is_array()) {
    return stored.is_array() && std::ranges::all_of(written.items(), [&](Element const& item) {
             return std::ranges::any_of(stored.items(), [&](Element const& one) { return holds(one, item); });
           });
  }
  if (written.is_string() && written.text().starts_with('~'))
    return stored.is_string() && stored.text().find('/') != std::string_view::npos;
  return stored == written;
}

/// The leaves of `stored` that `written` accounts for.
void claim(Element const& stored, Element const& written, std::set<Element const*>& into) {
  if (written.is_object()) {
    for (auto const& member : written.members()) {
      if (Element const* const found = stored.find(member.name)) claim(*found, member.value, into);
    }
  } else if (written.is_array()) {
    for (Element const& item : written.items()) {
      for (Element const& one : stored.items()) {
        if (holds(one, item)) claim(one, item, into);
      }
    }
  } else {
    into.insert(&stored);
  }
}

/// Every element that a path without indexes names. "value[x]" is its parent: the value's members say which.
void find_all(Element const& at, std::span<std::string const> names, std::vector<Element const*>& into) {
  if (at.is_array()) {
    for (Element const& item : at.items()) find_all(item, names, into);
    return;
  }
  if (names.empty() || names.front().ends_with("[x]")) {
    into.push_back(&at);
    return;
  }
  if (Element const* const next = at.find(names.front())) find_all(*next, names.subspan(1), into);
}

// ----------------------------------------------------------------------------------------------------
// messages

/// "Type/id" of each draft resource, as reconcile recognises them now.
std::vector<std::string> references_of(Past const& past, KeptMessage const& kept,
                                       store::JournalRow const& row) {
  KnownPartner const* const partner = past.now.partners->find(row.partner);
  std::vector<std::string> references;
  if (partner != nullptr) {
    auto const rehearsed =
        past.snapshot.rehearse(row.received_ms, [&](store::Unit& unit) -> fhir::Result<void> {
          FHIR_TRY(auto reconciled, reconcile(unit, *kept.draft, *partner, *past.now.partners));
          references = std::move(reconciled.references);
          return {};
        });
    if (rehearsed) return references;
  }
  references
      .clear();  // it could not be taken in now: its own resources are named by what their ids derive from
  for (auto const& resource : kept.draft->resources)
    references.push_back(std::string(resource.type) + "/" + identity::derived_id(row.partner, resource.key));
  return references;
}

/// The draft resource that became Type/id: by its derived id, else the only one of the type, else the one
/// that is recognised as it (by a number that was merged into another), else one that shares an identifier.
std::optional<std::size_t> draft_of(Past const& past, KeptMessage const& kept, store::JournalRow const& row,
                                    store::Version const& version, Element const& stored) {
  Draft const& draft = *kept.draft;
  std::vector<std::size_t> same_type;
  for (std::size_t at = 0; at < draft.resources.size(); ++at) {
    if (draft.resources[at].type != version.type) continue;
    // A partner's own resources have ids derived from its name; a shared one was recognised otherwise.
    if (identity::derived_id(row.partner, draft.resources[at].key) == version.id) return at;
    same_type.push_back(at);
  }
  if (same_type.empty()) return std::nullopt;
  if (same_type.size() == 1) return same_type.front();
  auto const references = references_of(past, kept, row);
  auto const found = std::ranges::find(references, version.type + "/" + version.id);
  if (found != references.end()) return static_cast<std::size_t>(found - references.begin());
  for (std::size_t const at : same_type) {
    Element const* const own = stored.find("identifier");
    if (own == nullptr) break;
    bool const shares = std::ranges::any_of(own->items(), [&](Element const& identifier) {
      std::string const key =
          std::string(identifier.text_at("system")) + "|" + std::string(identifier.text_at("value"));
      return std::ranges::find(draft.resources[at].identifiers, key) != draft.resources[at].identifiers.end();
    });
    if (shares) return at;
  }
  return std::nullopt;
}

/// What rows gave the leaves of one version.
struct Given {
  std::string v2, row;
  std::size_t depth = 0;  ///< Steps of the element that was written.
};

std::map<std::string, Given> given_by(Past const& past, KeptMessage const& kept, store::JournalRow const& row,
                                      Element const& stored, std::vector<Leaf> const& leaves,
                                      store::Version const& version) {
  std::map<std::string, Given> given;
  if (!kept.draft) return given;
  auto const resource = draft_of(past, kept, row, version, stored);
  if (!resource) return given;
  for (language::Provenance const& one : language::provenance(*kept.draft)) {
    if (one.resource != *resource) continue;
    auto const names = names_of(without_type(one.path, version.type));
    std::vector<Element const*> places;
    find_all(stored, names, places);
    std::set<Element const*> claimed;
    for (Element const* const place : places) {
      if (holds(*place, one.value)) claim(*place, one.value, claimed);
    }
    for (Leaf const& leaf : leaves) {
      if (claimed.contains(leaf.element))
        given.try_emplace(leaf.key, Given{one.v2, std::string(one.row), names.size()});
    }
  }
  return given;
}

/// A version of the history as it is looked at.
struct Seen {
  store::Version version;
  fhir::json::Document document;
  std::vector<Leaf> leaves;
  std::set<std::string> keys;
};

fhir::Result<std::vector<std::unique_ptr<Seen>>> read_history(Past const& past,
                                                              store::AccessPolicy const& policy,
                                                              std::string_view type, std::string_view id,
                                                              bool& complete) {
  FHIR_TRY(auto page, past.snapshot.history(policy, type, id, 0, kVersionsMax, {}));
  complete = page.next_cursor.empty();
  std::vector<std::unique_ptr<Seen>> all;
  for (store::Version& version : page.versions) {
    if (version.deleted) break;  // what stood before a deletion gave nothing that stands now
    auto seen = std::make_unique<Seen>();
    FHIR_TRY(seen->document, fhir::json::read_document(version.content));
    seen->version = std::move(version);
    seen->leaves = leaves_of(seen->document.root);
    for (Leaf const& leaf : seen->leaves) seen->keys.insert(leaf.key);
    all.push_back(std::move(seen));
  }
  return all;
}

TracedVersion describe(store::Version const& version) {
  TracedVersion traced;
  traced.version_id = version.version_id;
  traced.last_updated_ms = version.last_updated_ms;
  traced.source = version.source;
  return traced;
}

/// What `seen` brought to the leaves given, which stand in the newest version.
fhir::Result<TracedVersion> trace_version(Past const& past, Seen const& seen,
                                          std::vector<Leaf const*> const& leaves, std::string_view path) {
  TracedVersion traced = describe(seen.version);
  std::map<std::string, Given> given;
  if (seen.version.journal_id != 0) {
    FHIR_TRY(auto row, past.snapshot.find_journal(seen.version.journal_id));
    if (row) {
      FHIR_TRY(auto const kept, read_kept(past, *row));
      traced.exact = kept->exact;
      traced.control_id = kept->message->control_id();
      given = given_by(past, *kept, *row, seen.document.root, seen.leaves, seen.version);
      row->raw.clear();
      traced.message = std::move(*row);
    }
  }
  std::set<std::string> told;
  for (Leaf const* const leaf : leaves) {
    if (!is_asked(leaf->path(leaf->steps.size()), path)) continue;
    auto const found = given.find(leaf->key);
    TracedElement element;
    element.path = leaf->path(found == given.end() ? leaf->steps.size() : found->second.depth);
    if (found != given.end()) {
      element.v2 = found->second.v2;
      element.row = found->second.row;
    }
    bool const is_told = !told.insert(element.path + "|" + element.v2 + "|" + element.row).second;
    if (is_told) continue;
    element.path = seen.version.type + "." + element.path;
    traced.elements.push_back(std::move(element));
  }
  return traced;
}

}  // namespace

fhir::Result<ResourceTrace> trace_resource(Past const& past, store::AccessPolicy const& policy,
                                           std::string_view type, std::string_view id,
                                           std::string_view path) {
  FHIR_TRY(auto current, past.snapshot.find(policy, type, id));
  if (!current) return fhir::error(fhir::IssueType::not_found, "There is no such resource.");
  if (current->deleted) return fhir::error(fhir::IssueType::deleted, "The resource is deleted.");
  ResourceTrace trace;
  FHIR_TRY(auto const history, read_history(past, policy, type, id, trace.complete));
  trace.version = std::move(*current);
  if (history.empty()) return trace;

  // The version that brought a leaf: the oldest of those in which it stands without a break.
  std::map<std::size_t, std::vector<Leaf const*>> brought;
  for (Leaf const& leaf : history.front()->leaves) {
    std::size_t at = 0;
    while (at + 1 < history.size() && history[at + 1]->keys.contains(leaf.key)) ++at;
    brought[at].push_back(&leaf);
  }
  std::string_view const asked = without_type(path, type);
  for (auto const& [at, leaves] : brought) {
    FHIR_TRY(auto traced, trace_version(past, *history[at], leaves, asked));
    if (!traced.elements.empty()) trace.versions.push_back(std::move(traced));
  }
  return trace;
}

namespace {

// ---------------------------------------------------------------------------------------------------- fields

/// "PID-3(2).1": what part of a message is asked for; 0 is all.
struct Asked {
  std::string segment;
  unsigned field = 0, repetition = 0, component = 0, subcomponent = 0;

  bool covers(hl7v2::Message const& message, hl7v2::Address const& at) const {
    auto const fits = [](unsigned wanted, unsigned has) { return wanted == 0 || has == 0 || wanted == has; };
    return segment.empty() || (message.segment_id(at.segment) == segment && fits(field, at.field) &&
                               fits(repetition, at.repetition) && fits(component, at.component) &&
                               fits(subcomponent, at.subcomponent));
  }
};

fhir::Result<Asked> parse_asked(std::string_view text) {
  Asked asked;
  if (text.empty()) return asked;
  auto const refused = fhir::error(fhir::IssueType::value, "a field is written PID-5, PID-3(2) or PID-5.1",
                                   {}, std::string(text.substr(0, 32)));
  auto const dash = text.find('-');
  asked.segment = text.substr(0, dash);
  if (asked.segment.size() != 3) return refused;
  if (dash == std::string_view::npos) return asked;
  char const* at = text.data() + dash + 1;
  char const* const end = text.data() + text.size();
  auto const number = [&](unsigned& into) {
    auto const [next, failed] = std::from_chars(at, end, into);
    if (failed != std::errc{} || into == 0) return false;
    at = next;
    return true;
  };
  if (!number(asked.field)) return refused;
  if (at != end && *at == '(') {
    ++at;
    if (!number(asked.repetition) || at == end || *at != ')') return refused;
    ++at;
  }
  for (unsigned* const part : {&asked.component, &asked.subcomponent}) {
    if (at == end) break;
    if (*at != '.') return refused;
    ++at;
    if (!number(*part)) return refused;
  }
  if (at != end) return refused;
  return asked;
}

/// The version of "Type/id" that the message gave, and whether the current one still has the value.
void place(Past const& past, std::int64_t journal_id, language::Provenance const& one, TracedField& field) {
  auto const slash = field.reference.find('/');
  std::string const type = field.reference.substr(0, slash);
  std::string const id = field.reference.substr(slash + 1);
  auto const page = past.snapshot.history(store::AccessPolicy::all(), type, id, 0, kVersionsMax, {});
  if (!page) return;
  for (store::Version const& version : page->versions) {
    if (version.journal_id != journal_id) continue;
    field.reference += "/_history/" + std::to_string(version.version_id);
    break;
  }
  if (page->versions.empty() || page->versions.front().deleted) return;
  auto const document = fhir::json::read_document(page->versions.front().content);
  if (!document) return;
  std::vector<Element const*> places;
  auto const names = names_of(without_type(one.path, type));
  find_all(document->root, names, places);
  field.stands = std::ranges::any_of(places, [&](Element const* at) { return holds(*at, one.value); });
}

}  // namespace

fhir::Result<MessageTrace> trace_message(Past const& past, store::JournalRow const& row,
                                         std::string_view field) {
  FHIR_TRY(auto const asked, parse_asked(field));
  FHIR_TRY(auto const kept, read_kept(past, row));
  MessageTrace trace;
  trace.message = row;
  trace.exact = kept->exact;
  hl7v2::Message const& message = *kept->message;
  auto const add_losses = [&](std::vector<language::Loss> const& losses, char const* end) {
    for (language::Loss const& loss : losses) {
      if (!asked.covers(message, loss.address)) continue;
      TracedField traced;
      traced.v2 = to_string(message, loss.address);
      traced.end = end;
      traced.reason = loss.reason;
      trace.fields.push_back(std::move(traced));
    }
  };
  if (!kept->draft) {
    add_losses(language::account(message, kept->refused).kept, "kept");
    return trace;
  }
  auto const references = references_of(past, *kept, row);
  for (language::Provenance const& one : language::provenance(*kept->draft)) {
    if (one.v2.empty() || !asked.covers(message, one.address)) continue;
    TracedField traced;
    traced.v2 = one.v2;
    traced.end = "mapped";
    traced.path = one.path;
    traced.row = one.row;
    traced.value = fhir::json::write(one.value);
    if (one.resource < references.size()) {
      traced.reference = references[one.resource];
      place(past, row.id, one, traced);
    }
    trace.fields.push_back(std::move(traced));
  }
  for (language::Fact const& fact : kept->draft->facts) {
    if (!asked.covers(message, fact.address)) continue;
    TracedField traced;
    traced.v2 = to_string(message, fact.address);
    traced.end = "fact";
    traced.reason = fact.name;
    traced.value = fhir::json::write(fact.value);
    trace.fields.push_back(std::move(traced));
  }
  auto const account = language::account(message, *kept->draft);
  add_losses(account.kept, "kept");
  add_losses(account.dropped, "dropped");
  return trace;
}

namespace {

// ---------------------------------------------------------------------------------------------------- tables

using Values = std::map<std::string, std::string>;

Values values_of(Draft const& draft) {
  Values values;
  for (language::DraftResource const& resource : draft.resources) {
    std::string role(resource.type);
    if (!resource.role.empty()) role.append("#").append(resource.role);
    if (resource.instance > 1) role += "(" + std::to_string(resource.instance) + ")";
    while (values.contains(role)) role += "'";  // those that a type pair made have no role of their own
    values.emplace(role, resource.key);
    for (Leaf const& leaf : leaves_of(resource.content))
      values.emplace(role + "." + leaf.path(leaf.steps.size()), fhir::json::write(*leaf.element));
  }
  for (language::Fact const& fact : draft.facts) {
    std::string name = "@" + std::string(fact.name);
    if (fact.instance > 1) name += "(" + std::to_string(fact.instance) + ")";
    values.emplace(name, fhir::json::write(fact.value));
  }
  return values;
}

std::vector<Difference> differences(Values const& before, Values const& after) {
  std::vector<Difference> all;
  for (auto const& [path, value] : before) {
    auto const now = after.find(path);
    if (now == after.end()) {
      all.push_back({path, value, {}});
    } else if (now->second != value) {
      all.push_back({path, value, now->second});
    }
  }
  for (auto const& [path, value] : after) {
    if (!before.contains(path)) all.push_back({path, {}, value});
  }
  std::ranges::sort(all, {}, &Difference::path);
  return all;
}

}  // namespace

fhir::Result<Comparison> compare(Past const& past, store::JournalRow const& row) {
  FHIR_TRY(auto const before, read_kept(past, row));
  FHIR_TRY(auto const after, read_kept_now(past, row));
  Comparison comparison;
  comparison.tables_before = row.maps_hash;
  comparison.tables_after = past.now.hash;
  comparison.exact = before->exact;
  comparison.refused_before = before->refused;
  comparison.refused_after = after->refused;
  comparison.differences = differences(before->draft ? values_of(*before->draft) : Values{},
                                       after->draft ? values_of(*after->draft) : Values{});
  return comparison;
}

namespace {

void add(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  if (out.back() != '{') out += ',';
  fhir::json::write_string(name, out);
  out += ':';
  fhir::json::write_string(text, out);
}

void add_raw(std::string& out, std::string_view name, std::string_view json) {
  if (json.empty()) return;
  if (out.back() != '{') out += ',';
  fhir::json::write_string(name, out);
  out.append(":").append(json);
}

}  // namespace

std::string to_json(MessageTrace const& trace) {
  std::string out = "{";
  add_raw(out, "journal", std::to_string(trace.message.id));
  add(out, "kind", trace.message.kind);
  add(out, "partner", trace.message.partner);
  add(out, "tables", trace.message.maps_hash);
  add_raw(out, "exact", trace.exact ? "true" : "false");
  std::string fields = "[";
  for (TracedField const& field : trace.fields) {
    std::string one = "{";
    add(one, "v2", field.v2);
    add(one, "end", field.end);
    add(one, field.end == "fact" ? "fact" : "reason", field.reason);
    add(one, "reference", field.reference);
    add(one, "path", field.path);
    add(one, "row", field.row);
    add_raw(one, "value", field.value);
    if (field.end == "mapped") add_raw(one, "stands", field.stands ? "true" : "false");
    fields.append(fields.size() > 1 ? "," : "").append(one).append("}");
  }
  add_raw(out, "fields", fields + "]");
  return out + "}";
}

std::string to_json(Comparison const& comparison, std::int64_t journal_id) {
  std::string out = "{";
  add_raw(out, "journal", std::to_string(journal_id));
  add(out, "tables_before", comparison.tables_before);
  add(out, "tables_after", comparison.tables_after);
  add_raw(out, "exact", comparison.exact ? "true" : "false");
  add(out, "refused_before", comparison.refused_before);
  add(out, "refused_after", comparison.refused_after);
  std::string list = "[";
  for (Difference const& difference : comparison.differences) {
    std::string one = "{";
    add(one, "path", difference.path);
    add(one, "before", difference.before);
    add(one, "after", difference.after);
    list.append(list.size() > 1 ? "," : "").append(one).append("}");
  }
  add_raw(out, "differences", list + "]");
  return out + "}";
}

}  // namespace gateway::intake
