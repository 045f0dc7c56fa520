#include "fhir/terminology/run.hpp"

#include "fhir/terminology/grammar_codes.hpp"
#include "fhir/terminology/implicit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace fhir::terminology {

using json::Element;

namespace {

constexpr std::size_t kDepthMax = 32;             // of value sets within value sets
constexpr std::size_t kCachedCodesMax = 500'000;  // all of R4's own together have 33,000

Failure unknown_value_set(std::string_view canonical) {
  return fail(IssueType::not_found,
              fmt::format("A definition for the value Set '{}' could not be found", canonical), "not-found",
              std::string(kUnknownValueSet));
}

Failure too_costly(std::size_t codes) {
  return fail(IssueType::too_costly,
              fmt::format("The value set has too many codes to be worked out (more than {})", codes), "",
              "VALUESET_TOO_COSTLY");
}

/// The version that "system|version" entries of a parameter name for a system, "" for none.
std::string version_named(std::vector<std::string> const& entries, std::string_view system) {
  for (std::string const& entry : entries) {
    Canonical const canonical = parse_canonical(entry);
    if (canonical.url == system) return canonical.version;
  }
  return {};
}

SharedElement borrowed(Element const* element) {
  return SharedElement(SharedElement{}, element);  // the request outlives its run
}

}  // namespace

std::shared_ptr<CodeSystem const> Terminology::Cache::find_code_system(std::string const& key) {
  std::lock_guard const lock(mutex_);
  auto const found = code_systems_.find(key);
  return found == code_systems_.end() ? nullptr : found->second;
}

std::shared_ptr<ValueSet const> Terminology::Cache::find_value_set(std::string const& key) {
  std::lock_guard const lock(mutex_);
  auto const found = value_sets_.find(key);
  return found == value_sets_.end() ? nullptr : found->second;
}

void Terminology::Cache::keep(std::string const& key, std::shared_ptr<CodeSystem const> system) {
  std::lock_guard const lock(mutex_);
  make_room(1 + system->size());
  code_systems_[key] = std::move(system);
}

void Terminology::Cache::keep(std::string const& key, std::shared_ptr<ValueSet const> value_set) {
  std::lock_guard const lock(mutex_);
  std::size_t codes = 1 + value_set->expanded.size();
  for (auto const* const includes : {&value_set->includes, &value_set->excludes}) {
    for (Include const& include : *includes) codes += include.concepts.size();
  }
  make_room(codes);
  value_sets_[key] = std::move(value_set);
}

void Terminology::Cache::make_room(std::size_t codes) {
  if (codes_ + codes > kCachedCodesMax) {
    code_systems_.clear();
    value_sets_.clear();
    codes_ = 0;
  }
  codes_ += codes;
}

Shown choose(Names const& names, Languages const& languages) {
  if (languages.tags().empty()) return {names.base, names.base.empty() ? -2 : -1};
  auto const search = [&](auto matches) -> std::optional<Shown> {
    for (std::string const& tag : languages.tags()) {
      if (!names.base.empty() && matches(tag, names.base_language)) return Shown{names.base, -1};
      for (std::size_t i = 0; i < names.others.size(); ++i) {
        Designation const& other = names.others[i];
        if (other.is_display() && matches(tag, other.language))
          return Shown{other.value, static_cast<int>(i)};
      }
    }
    return std::nullopt;
  };
  if (auto found = search([](auto const& tag, auto const& language) { return in_language(tag, language); }))
    return *found;
  auto const wider = [](std::string const& tag, std::string const& language) {
    return !language.empty() && in_language(language, tag);
  };
  if (auto found = search(wider)) return *found;
  bool const may_stand_in = languages.takes_others() || names.base_language.empty();
  return !names.base.empty() && may_stand_in ? Shown{names.base, -1} : Shown{};
}

Run::Run(Terminology const& terminology, Inputs const& inputs, std::string_view accept_language)
    : terminology_(terminology), inputs_(inputs), active_only_(inputs.flag("activeOnly")) {
  std::string const asked = inputs.text("displayLanguage");
  languages_ = Languages(asked.empty() ? accept_language : std::string_view(asked));
  has_own_languages_ = !languages_.text().empty();
}

Outcome<void> Run::prepare() {
  for (std::string const& canonical : inputs_.texts("useSupplement")) {
    Canonical const wanted = parse_canonical(canonical);
    auto const found = find("CodeSystem", wanted.url, wanted.version);
    if (!found) {
      return fail(IssueType::not_found, "Required supplement not found: " + canonical, "not-found",
                  "VALUESET_SUPPLEMENT_MISSING");
    }
    supplements_.push_back(found->resource);
  }
  return {};
}

std::optional<Found> Run::find(std::string_view type, std::string_view url, std::string_view version) const {
  for (Element const* const given : inputs_.all("tx-resource")) {
    Element const* const resource = given->find("resource");
    bool const fits = resource != nullptr && resource->text_at("resourceType") == type &&
                      resource->text_at("url") == url &&
                      (version.empty() || resource->text_at("version") == version);
    if (fits) return Found{borrowed(resource), {}};
  }
  auto found = source().find(type, url, version);
  if (found || type != "ValueSet") return found;
  if (auto implicit = implicit_value_set(url)) found = Found{std::move(implicit), {}};
  return found;
}

Outcome<std::shared_ptr<ValueSet const>> Run::root_value_set() {
  std::shared_ptr<ValueSet const> root;
  if (Element const* const given = inputs_.resource("valueSet")) {
    FHIR_TRY(root, make_value_set(borrowed(given)));
    value_sets_["(given)"] = root;
  } else {
    std::string canonical = inputs_.text("url");
    if (canonical.empty())
      return fail(IssueType::required, "The value set is missing: url, or valueSet with a resource",
                  "invalid");
    std::string const version = inputs_.text("valueSetVersion");
    if (!version.empty() && canonical.find('|') == std::string::npos) canonical += '|' + version;
    FHIR_TRY(root, value_set(canonical, nullptr));
  }
  root_ = root.get();
  note_status("ValueSet", root->canonical(), root->status, root->experimental, root->standards_status, root_);
  Element const* const list = root->resource->find("extension");
  for (Element const& extension : list == nullptr ? std::span<Element const>{} : list->items()) {
    if (extension.text_at("url") != "http://hl7.org/fhir/StructureDefinition/valueset-supplement") continue;
    std::string const canonical = value_of(extension).text;
    Canonical const wanted = parse_canonical(canonical);
    auto const found = find("CodeSystem", wanted.url, wanted.version);
    if (!found) {
      return fail(IssueType::not_found, "Required supplement not found: " + canonical, "not-found",
                  "VALUESET_SUPPLEMENT_MISSING");
    }
    supplements_.push_back(found->resource);
  }
  FHIR_CHECK(check_cycles(*root));
  return root;
}

Outcome<std::shared_ptr<ValueSet const>> Run::value_set(std::string_view canonical, ValueSet const* from) {
  if (canonical.starts_with('#') && from != nullptr) {
    Element const* const list = from->resource->find("contained");
    for (Element const& one : list == nullptr ? std::span<Element const>{} : list->items()) {
      if (one.text_at("id") != canonical.substr(1)) continue;
      std::string const key = fmt::format("{}{}", static_cast<void const*>(&one), canonical);
      if (auto const known = value_sets_.find(key); known != value_sets_.end()) return known->second;
      FHIR_TRY(auto contained, make_value_set(borrowed(&one)));
      return value_sets_[key] = std::move(contained);
    }
    return unknown_value_set(canonical);
  }
  std::string const text(canonical);
  if (auto const known = value_sets_.find(text); known != value_sets_.end()) return known->second;
  Canonical const wanted = parse_canonical(canonical);
  auto const found = find("ValueSet", wanted.url, wanted.version);
  if (!found) return unknown_value_set(canonical);
  auto made = found->key.empty() ? nullptr : terminology_.cache_->find_value_set(found->key);
  if (made == nullptr) {
    FHIR_TRY(made, make_value_set(found->resource));
    if (!found->key.empty()) terminology_.cache_->keep(found->key, made);
  }
  return value_sets_[text] = std::move(made);
}

std::string Run::version_for(std::string_view url, std::string_view version) const {
  std::string forced = version_named(inputs_.texts("force-system-version"), url);
  if (!forced.empty()) return forced;
  if (!version.empty()) return std::string(version);
  return version_named(inputs_.texts("system-version"), url);
}

Outcome<std::shared_ptr<CodeSystem const>> Run::code_system(std::string_view url, std::string_view version) {
  std::string const wanted = version_for(url, version);
  std::string const key = std::string(url) + '|' + wanted;
  auto const known = code_systems_.find(key);
  if (known != code_systems_.end()) return known->second;
  std::shared_ptr<CodeSystem const> system = source().external(url, wanted);
  if (auto const found = find("CodeSystem", url, wanted);
      !system && found && found->resource->text_at("content") != "not-present" &&
      found->resource->text_at("content") != "supplement") {
    std::vector<SharedElement> supplements;
    for (SharedElement const& supplement : supplements_) {
      if (parse_canonical(supplement->text_at("supplements")).url == url) supplements.push_back(supplement);
    }
    bool const keeps = !found->key.empty() && supplements.empty();
    if (keeps) system = terminology_.cache_->find_code_system(found->key);
    if (!system) {
      system = make_code_system(found->resource, std::move(supplements));
      if (keeps) terminology_.cache_->keep(found->key, system);
    }
  }
  if (!system) {
    auto grammar = make_grammar(url);
    if (grammar && (wanted.empty() || wanted == grammar->facts().version)) system = std::move(grammar);
  }
  std::string const checked = version_named(inputs_.texts("check-system-version"), url);
  if (system && !checked.empty() && system->facts().version != checked) {
    return fail(IssueType::invalid,
                fmt::format("The version '{}' is not allowed for system '{}': required to be '{}' by a "
                            "version-check parameter",
                            system->facts().version, url, checked),
                "version-error", "VALUESET_VERSION_CHECK");
  }
  return code_systems_[key] = std::move(system);
}

void Run::note_status(std::string_view kind, std::string const& canonical, std::string_view status,
                      bool experimental, std::string_view standards_status, ValueSet const* root) {
  std::string_view note;
  if (standards_status == "deprecated" || standards_status == "withdrawn") {
    note = standards_status;
  } else if (experimental && (root == nullptr || !root->experimental)) {
    note = "experimental";
  } else if (status == "draft" && (root == nullptr || root->status != "draft")) {
    note = "draft";
  }
  if (!note.empty()) status_notes.insert({std::string(note), std::string(kind), canonical});
}

void Run::use(CodeSystem const& system) {
  CodeSystemFacts const& facts = system.facts();
  used_code_systems.insert(facts.canonical());
  if (facts.is_fragment) used_fragments.insert(facts.canonical());
  used_supplements.insert(facts.supplements.begin(), facts.supplements.end());
  note_status("CodeSystem", facts.canonical(), facts.status, facts.experimental, facts.standards_status,
              root_);
}

Outcome<void> Run::spend(std::size_t work) {
  work_ += work;
  if (work_ > limits().work_max) return too_costly(limits().work_max);
  return {};
}

Outcome<void> Run::check_cycles(ValueSet const& root) {
  std::vector<std::string> path;
  std::set<std::string> done;
  return check_cycles(root, path, done);
}

Outcome<void> Run::check_cycles(ValueSet const& value_set_, std::vector<std::string>& path,
                                std::set<std::string>& done) {
  std::string const name = value_set_.canonical();
  if (!name.empty() && std::ranges::find(path, name) != path.end()) {
    Failure failure =
        fail(IssueType::processing,
             fmt::format("The value set {} includes itself, by way of {}", name, fmt::join(path, ", ")),
             "vs-invalid", "VALUESET_CIRCULAR_REFERENCE");
    return failure;
  }
  if (path.size() > kDepthMax)
    return fail(IssueType::too_costly, "Value sets include one another too deeply", "too-costly");
  if (!name.empty() && !done.insert(name).second) return {};
  path.push_back(name);
  for (auto const* const includes : {&value_set_.includes, &value_set_.excludes}) {
    for (Include const& include : *includes) {
      for (std::string const& canonical : include.value_sets) {
        auto const next = value_set(canonical, &value_set_);
        if (next) {
          FHIR_CHECK(check_cycles(**next, path, done));
        } else if (next.error().message_id != kUnknownValueSet) {
          return next.error();
        }
      }
    }
  }
  path.pop_back();
  return {};
}

Outcome<Membership> Run::member_of_include(ValueSet const& from, Include const& include,
                                           std::string_view system, std::string_view version,
                                           std::string_view code) {
  Membership membership;
  FHIR_CHECK(spend(1 + include.filters.size()));
  if (!include.system.empty()) {
    bool const other_version = !version.empty() && !include.version.empty() && version != include.version;
    if (include.system != system || other_version) return membership;
    FHIR_TRY(auto const known, code_system(system, include.version.empty() ? version : include.version));
    auto const id = known ? known->find(code) : std::nullopt;
    if (known) use(*known);
    if (include.lists()) {
      membership.listed = include.listed(code, !known || known->facts().case_sensitive);
      membership.listed_in = membership.listed == nullptr ? nullptr : &from;
      bool const is_code = !known || id || known->facts().is_fragment;
      if (membership.listed == nullptr || !is_code) return membership;
    } else if (!known) {
      membership.unknown_system = include.system;
      return membership;
    } else if (!id && !(known->facts().is_fragment && include.filters.empty())) {
      return membership;
    }
    for (Filter const& filter : include.filters) {
      if (!id) return membership;
      FHIR_TRY(bool const passes, known->passes(filter, *id));
      if (!passes) return membership;
    }
    if (id && !from.takes_inactive && known->is_inactive(*id)) {
      membership.inactive_left_out = true;
      return membership;
    }
  }
  for (std::string const& canonical : include.value_sets) {
    FHIR_TRY(auto const imported, value_set(canonical, &from));
    if (!canonical.starts_with('#')) used_value_sets.insert(imported->canonical());
    note_status("ValueSet", imported->canonical(), imported->status, imported->experimental,
                imported->standards_status, root_);
    FHIR_TRY(Membership const inner, member(*imported, system, version, code));
    if (!inner.in) return inner;
    if (membership.listed == nullptr) {
      membership.listed = inner.listed;
      membership.listed_in = inner.listed_in;
    }
  }
  membership.in = !include.system.empty() || !include.value_sets.empty();
  return membership;
}

Outcome<Membership> Run::member(ValueSet const& of, std::string_view system, std::string_view version,
                                std::string_view code) {
  Membership result;
  if (!of.has_compose) {
    auto const found = of.by_expanded.find(std::string(system) + '|' + std::string(code));
    result.in = found != of.by_expanded.end();
    return result;
  }
  for (Include const& include : of.includes) {
    FHIR_TRY(Membership const one, member_of_include(of, include, system, version, code));
    result.inactive_left_out = result.inactive_left_out || one.inactive_left_out;
    if (result.unknown_system.empty()) result.unknown_system = one.unknown_system;
    if (!one.in) continue;
    result = one;
    break;
  }
  if (!result.in) return result;
  for (Include const& exclude : of.excludes) {
    FHIR_TRY(Membership const one, member_of_include(of, exclude, system, version, code));
    if (one.in) return Membership{};
  }
  if (active_only_) {
    FHIR_TRY(auto const known, code_system(system, version));
    auto const id = known ? known->find(code) : std::nullopt;
    if (id && known->is_inactive(*id)) {
      result.in = false;
      result.inactive_left_out = true;
    }
  }
  return result;
}

Outcome<std::vector<ExpansionEntry>> Run::collect_listed(Include const& include,
                                                         std::shared_ptr<CodeSystem const> const& system) {
  std::vector<ExpansionEntry> entries;
  FHIR_CHECK(spend(include.concepts.size()));
  for (Element const* const listed : include.concepts) {
    ExpansionEntry entry;
    entry.system = system;
    entry.listed = listed;
    entry.code = listed->text_at("code");
    if (system) {
      entry.id = system->find(entry.code);
      if (!entry.id && !system->facts().is_fragment) continue;
      bool passes = true;
      for (Filter const& filter : include.filters) {
        if (!entry.id) continue;
        FHIR_TRY(bool const one, system->passes(filter, *entry.id));
        passes = passes && one;
      }
      if (!passes) continue;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Outcome<std::vector<ExpansionEntry>> Run::collect_system(Include const& include,
                                                         std::shared_ptr<CodeSystem const> const& system) {
  std::vector<ExpansionEntry> entries;
  if (!system) {
    return fail(
        IssueType::not_found,
        fmt::format("A definition for CodeSystem '{}' could not be found, so the value set cannot be "
                    "expanded",
                    include.version.empty() ? include.system : include.system + '|' + include.version),
        "not-found", "UNKNOWN_CODESYSTEM_EXP");
  }
  FHIR_TRY(auto const ids, system->select(include.filters, limits().work_max));
  FHIR_CHECK(spend(ids.size()));
  for (ConceptId const id : ids) {
    ExpansionEntry entry;
    entry.system = system;
    entry.id = id;
    entry.code = system->code(id);
    entry.nests = include.value_sets.empty();
    entry.nests_in_search = entry.nests && !include.filters.empty();
    entries.push_back(std::move(entry));
  }
  return entries;
}

Outcome<void> Run::collect_include(ValueSet const& from, Include const& include,
                                   std::vector<ExpansionEntry>& into) {
  std::vector<ExpansionEntry> entries;
  std::size_t const number = ++includes_;
  std::span<std::string const> limiting(include.value_sets);
  if (!include.system.empty()) {
    FHIR_TRY(auto const system, code_system(include.system, include.version));
    if (system) {
      use(*system);
    } else {
      used_code_systems.insert(include.version.empty() ? include.system
                                                       : include.system + '|' + include.version);
    }
    if (include.lists()) {
      FHIR_TRY(entries, collect_listed(include, system));
    } else {
      FHIR_TRY(entries, collect_system(include, system));
    }
    for (ExpansionEntry& entry : entries) {
      entry.system_url = include.system;
      entry.version = system ? system->facts().version : include.version;
      entry.include = number;
    }
  } else if (!limiting.empty()) {
    FHIR_TRY(auto const first, value_set(limiting[0], &from));
    if (!first->url.empty() && !limiting[0].starts_with('#')) used_value_sets.insert(first->canonical());
    note_status("ValueSet", first->canonical(), first->status, first->experimental, first->standards_status,
                root_);
    FHIR_TRY(entries, collect(*first));
    for (ExpansionEntry& entry : entries) entry.nests = entry.nests_in_search = false;
    limiting = limiting.subspan(1);
  }
  for (std::string const& canonical : limiting) {
    FHIR_TRY(auto const other, value_set(canonical, &from));
    if (!other->url.empty() && !canonical.starts_with('#')) used_value_sets.insert(other->canonical());
    note_status("ValueSet", other->canonical(), other->status, other->experimental, other->standards_status,
                root_);
    std::vector<ExpansionEntry> kept;
    for (ExpansionEntry& entry : entries) {
      FHIR_TRY(Membership const membership, member(*other, entry.system_url, entry.version, entry.code));
      if (membership.in) kept.push_back(std::move(entry));
    }
    entries = std::move(kept);
  }
  bool const takes_inactive = from.takes_inactive && !active_only_;
  for (ExpansionEntry& entry : entries) {
    if (!takes_inactive && entry.id && entry.system->is_inactive(*entry.id)) continue;
    into.push_back(std::move(entry));
  }
  return {};
}

Outcome<std::vector<ExpansionEntry>> Run::collect(ValueSet const& of) {
  if (++depth_ > kDepthMax)
    return fail(IssueType::too_costly, "Value sets include one another too deeply", "too-costly");
  std::vector<ExpansionEntry> all;
  for (ExpandedCode const& code : of.expanded) {
    FHIR_CHECK(spend(1));
    ExpansionEntry entry;
    FHIR_TRY(entry.system, code_system(code.system, code.version));
    entry.code = code.element->text_at("code");
    if (entry.system) entry.id = entry.system->find(entry.code);
    entry.system_url = code.system;
    entry.version = code.version;
    entry.listed = code.element;
    all.push_back(std::move(entry));
  }
  for (Include const& include : of.includes) FHIR_CHECK(collect_include(of, include, all));
  std::set<std::string> seen;
  std::vector<ExpansionEntry> kept;
  for (ExpansionEntry& entry : all) {
    if (!seen.insert(entry.system_url + '|' + entry.code).second) continue;
    bool excluded = false;
    for (Include const& exclude : of.excludes) {
      FHIR_TRY(Membership const membership,
               member_of_include(of, exclude, entry.system_url, entry.version, entry.code));
      excluded = excluded || membership.in;
    }
    if (!excluded) kept.push_back(std::move(entry));
  }
  for (Include const& exclude : of.excludes) {  // also named where nothing is left to be excluded
    if (exclude.system.empty()) continue;
    FHIR_TRY(auto const system, code_system(exclude.system, exclude.version));
    if (system) use(*system);
  }
  --depth_;
  return kept;
}

Outcome<void> Run::add_systems(ValueSet const& of, std::set<std::string>& systems) {
  for (ExpandedCode const& code : of.expanded) systems.insert(code.system);
  for (Include const& include : of.includes) {
    FHIR_CHECK(spend(1));
    if (!include.system.empty()) {
      systems.insert(include.system);
      continue;
    }
    for (std::string const& canonical : include.value_sets) {
      FHIR_TRY(auto const imported, value_set(canonical, &of));
      FHIR_CHECK(add_systems(*imported, systems));
    }
  }
  return {};
}

Names Run::names_of(CodeSystem const* system, std::optional<ConceptId> id, Element const* listed) const {
  Names names;
  if (system != nullptr && id) {
    names.base = system->display(*id);
    names.base_language = system->facts().language;
    names.others = system->designations(*id);
  }
  if (listed == nullptr) return names;
  if (auto const display = listed->text_at("display"); !display.empty()) {
    names.base = display;
    if (root_ != nullptr && !root_->language.empty()) names.base_language = root_->language;
  }
  Element const* const list = listed->find("designation");
  for (Element const& one : list == nullptr ? std::span<Element const>{} : list->items()) {
    names.others.push_back({std::string(one.text_at("language")),
                            std::string(one.text_at("value")),
                            std::string(one.text_of("use", "system")),
                            std::string(one.text_of("use", "code")),
                            std::string(one.text_of("use", "display")),
                            {},
                            &one});
  }
  return names;
}

void add_issue(json::Arena& arena, Element& list, Severity severity, Failure const& failure) {
  Element& issue = list.push(arena, Element::of_object());
  if (!failure.message_id.empty()) {
    Element& extension = issue.set(arena, "extension").push(arena, Element::of_object());
    extension.set(arena, "url",
                  Element::of_string("http://hl7.org/fhir/StructureDefinition/operationoutcome-message-id"));
    extension.set(arena, "valueString", text_element(arena, failure.message_id));
  }
  issue.set(arena, "severity", Element::of_string(to_code(severity)));
  issue.set(arena, "code", Element::of_string(to_code(failure.issue.code)));
  Element& details = issue.set(arena, "details", Element::of_object());
  if (!failure.detail.empty()) {
    Element& coding = details.set(arena, "coding").push(arena, Element::of_object());
    coding.set(arena, "system", Element::of_string("http://hl7.org/fhir/tools/CodeSystem/tx-issue-type"));
    coding.set(arena, "code", text_element(arena, failure.detail));
  }
  details.set(arena, "text", text_element(arena, failure.issue.diagnostics));
  if (failure.issue.expression.empty()) return;
  for (char const* const name : {"location", "expression"})
    issue.set(arena, name).push(arena, text_element(arena, failure.issue.expression));
}

Answer refused(Failure const& failure) {
  Answer answer;
  answer.failure = failure.issue;
  auto& arena = answer.document.arena;
  Element root = Element::of_object();
  root.set(arena, "resourceType", Element::of_string("OperationOutcome"));
  add_issue(arena, root.set(arena, "issue", Element::of_array()), Severity::error, failure);
  answer.document.root = root;
  return answer;
}

}  // namespace fhir::terminology
