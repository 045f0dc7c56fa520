// ValueSet/$expand. Source: R4 valueset-operation-expand.html; valueset.html#expansion.
#include "fhir/terminology/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace fhir::terminology {

namespace {

using json::Arena;
using json::Element;

constexpr int kNestedMax = 24;  // an expansion nests two levels of JSON for each, of json::kDepthMax
constexpr std::string_view kConceptProperties = "http://hl7.org/fhir/concept-properties#";
// R5's expansion.property and contains.property in R4.
constexpr std::string_view kPropertyDeclared =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.property";
constexpr std::string_view kPropertyGiven =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property";

/// Extensions of concepts that become properties of an expansion.
struct ExtensionProperty {
  std::string_view url;
  std::string_view code;
  std::string_view uri;
  std::string_view type;
};
constexpr std::array<ExtensionProperty, 5> kExtensionProperties{
    {{"http://hl7.org/fhir/StructureDefinition/codesystem-label", "label", "label", "valueString"},
     {"http://hl7.org/fhir/StructureDefinition/valueset-label", "label", "label", "valueString"},
     {"http://hl7.org/fhir/StructureDefinition/codesystem-conceptOrder", "order", "order", "valueDecimal"},
     {"http://hl7.org/fhir/StructureDefinition/valueset-conceptOrder", "order", "order", "valueDecimal"},
     {"http://hl7.org/fhir/StructureDefinition/itemWeight", "weight", "itemWeight", "valueDecimal"}}};

/// Extensions that go along with a concept, and with a designation.
constexpr std::array<std::string_view, 2> kRendering{
    "http://hl7.org/fhir/StructureDefinition/rendering-style",
    "http://hl7.org/fhir/StructureDefinition/rendering-xhtml"};
constexpr std::array<std::string_view, 5> kKeptOfListed{
    kRendering[0], kRendering[1], "http://hl7.org/fhir/StructureDefinition/valueset-deprecated",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
    "http://hl7.org/fhir/StructureDefinition/valueset-concept-definition"};
constexpr std::array<std::string_view, 2> kKeptOfDesignation{
    "http://hl7.org/fhir/StructureDefinition/coding-sctdescid",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"};

/// What an expansion tells of its value set when the definition is not asked for.
constexpr std::array<std::string_view, 14> kHead{
    "resourceType", "id",    "language", "contained",    "url",  "identifier", "version",
    "name",         "title", "status",   "experimental", "date", "publisher",  "copyright"};

bool is_any_of(std::string_view one, auto const& all) { return std::ranges::find(all, one) != all.end(); }

std::span<Element const> items_of(Element const* element, char const* name) {
  Element const* const list = element == nullptr ? nullptr : element->find(name);
  return list == nullptr ? std::span<Element const>{} : list->items();
}

/// Whether every word of the search text stands in the concept's code or one of its names.
bool is_found(ExpansionEntry const& entry, Names const& names, std::vector<std::string> const& words) {
  std::string text = folded(entry.code) + '\n' + folded(names.base);
  for (Designation const& other : names.others) text += '\n' + folded(other.value);
  return std::ranges::all_of(words,
                             [&](std::string const& word) { return text.find(word) != std::string::npos; });
}

class Writer {
 public:
  Writer(Run& run, ValueSet const& root, Request const& request)
      : run_(run), root_(root), request_(request) {}

  Outcome<json::Document> write() {
    FHIR_CHECK(read_parameters());
    FHIR_TRY(entries_, run_.collect(root_));
    search();
    FHIR_CHECK(cut());
    return build();
  }

 private:
  Outcome<void> read_parameters() {
    Inputs const& inputs = run_.inputs();
    for (char const* const name : {"count", "offset"}) {
      if (inputs.has(name) && !inputs.count(name))
        return fail(IssueType::value, fmt::format("The parameter {} is a whole number from 0", name),
                    "invalid");
    }
    count_ = inputs.count("count");
    offset_ = inputs.count("offset").value_or(0);
    nests_ = !inputs.flag("excludeNested");
    with_designations_ = inputs.flag("includeDesignations") || inputs.has("designation");
    properties_ = inputs.texts("property");
    std::string const filter = inputs.text("filter");
    for (std::string_view const word : split(filter, ' ')) {
      if (!word.empty()) words_.push_back(folded(word));
    }
    if (!run_.has_own_languages()) {
      Element const* const compose = root_.resource->find("compose");
      for (Element const& extension : items_of(compose, "extension")) {
        Element const* const name = find_extension(extension, "name");
        Element const* const value = find_extension(extension, "value");
        if (name == nullptr || value == nullptr) continue;
        if (value_of(*name).text == "displayLanguage") run_.set_languages(value_of(*value).text);
      }
      if (run_.languages().text().empty() && !root_.language.empty()) run_.set_languages(root_.language);
    }
    return {};
  }

  void search() {
    if (run_.inputs().flag("excludeNotForUI")) {
      std::erase_if(entries_, [](ExpansionEntry const& entry) {
        return entry.id && entry.system->is_abstract(*entry.id);
      });
    }
    if (words_.empty()) return;
    std::erase_if(entries_, [&](ExpansionEntry const& entry) {
      return !is_found(entry, run_.names_of(entry.system.get(), entry.id, entry.listed), words_);
    });
  }

  Outcome<void> cut() {
    total_ = entries_.size();
    std::size_t const asked = count_.value_or(total_);
    if ((!count_ && total_ > run_.limits().codes_max) || asked > run_.limits().page_max) {
      std::size_t const limit = count_ ? run_.limits().page_max : run_.limits().codes_max;
      if (std::min(asked, total_) > limit) {
        return fail(
            IssueType::too_costly,
            fmt::format("The value set has {} codes; ask for at most {} at once with count and offset",
                        total_, limit),
            "", "VALUESET_TOO_COSTLY");
      }
    }
    std::size_t const from = std::min(offset_, total_);
    std::size_t const size = std::min(asked, total_ - from);
    if (from != 0 || size != total_) nests_ = false;
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(from));
    entries_.resize(size);
    return {};
  }

  json::Document build() {
    Element const& source = *root_.resource;
    Element root = Element::of_object();
    bool const with_definition = run_.inputs().flag("includeDefinition");
    for (json::Member const& member : source.members()) {
      bool const is_told = with_definition ? member.name != "text" : is_any_of(member.name, kHead);
      if (!is_told || member.name == "expansion") continue;
      root.append_unchecked(arena(), arena().copy(member.name), json::deep_copy(arena(), member.value));
    }
    write_contains();  // first, for it finds out which properties are used
    Element expansion = Element::of_object();
    write_expansion_extensions(expansion);
    expansion.set(arena(), "identifier", text_element(arena(), request_.identifier));
    expansion.set(arena(), "timestamp", text_element(arena(), request_.now));
    expansion.set(arena(), "total", Element::of_number(arena().copy(std::to_string(total_))));
    if (count_ || offset_ != 0)
      expansion.set(arena(), "offset", Element::of_number(arena().copy(std::to_string(offset_))));
    write_parameters(expansion.set(arena(), "parameter", Element::of_array()));
    if (!contains_.empty()) expansion.set(arena(), "contains", contains_);
    if (expansion.find("parameter")->empty()) expansion.remove("parameter");
    root.set(arena(), "expansion", expansion);
    document_.root = root;
    return std::move(document_);
  }

  Arena& arena() { return document_.arena; }

  void write_expansion_extensions(Element& expansion) {
    auto const add = [&](std::string_view url, char const* type, Element value) {
      Element& extension = expansion.set(arena(), "extension").push(arena(), Element::of_object());
      extension.set(arena(), "url", Element::of_string(url));
      extension.set(arena(), type, value);
    };
    for (std::string const& fragment : run_.used_fragments) {
      add("http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean",
          Element::of_boolean(true));
      add("http://hl7.org/fhir/StructureDefinition/valueset-unclosed-reason", "valueString",
          text_element(arena(), "This extension is based on a fragment of the code system " +
                                    parse_canonical(fragment).url));
    }
    for (auto const& [code, uri] : used_properties_) {
      Element& extension = expansion.set(arena(), "extension").push(arena(), Element::of_object());
      extension.set(arena(), "url", Element::of_string(kPropertyDeclared));
      write_part(extension, "code", "valueCode", text_element(arena(), code));
      if (!uri.empty()) write_part(extension, "uri", "valueUri", text_element(arena(), uri));
    }
  }

  void write_part(Element& extension, char const* name, std::string_view type, Element value) {
    Element& part = extension.set(arena(), "extension").push(arena(), Element::of_object());
    part.set(arena(), "url", Element::of_string(name));
    part.set(arena(), arena().copy(type), value);
  }

  void write_parameters(Element& list) {
    ParameterWriter out(arena(), list);
    Inputs const& inputs = run_.inputs();
    for (char const* const name :
         {"activeOnly", "excludeNested", "includeDesignations", "includeDefinition"}) {
      if (inputs.has(name)) out.add(name, inputs.flag(name));
    }
    if (count_) out.add_number("count", "valueInteger", std::to_string(*count_));
    if (inputs.has("offset")) out.add_number("offset", "valueInteger", std::to_string(offset_));
    if (inputs.has("filter")) out.add("filter", "valueString", inputs.text("filter"));
    for (std::string const& designation : inputs.texts("designation"))
      out.add("designation", "valueString", designation);
    if (!run_.languages().text().empty()) out.add("displayLanguage", "valueCode", shown_languages());
    for (char const* const name : {"system-version", "force-system-version", "check-system-version"}) {
      for (std::string const& version : inputs.texts(name)) out.add(name, "valueUri", version);
    }
    for (std::string const& one : run_.used_code_systems) out.add("used-codesystem", "valueUri", one);
    for (std::string const& one : run_.used_value_sets) out.add("used-valueset", "valueUri", one);
    for (std::string const& one : run_.used_supplements) out.add("used-supplement", "valueUri", one);
    for (std::string const& one : run_.used_fragments) out.add("used-fragment", "valueUri", one);
    for (auto const& [status, kind, canonical] : run_.status_notes)
      out.add("warning-" + status, "valueUri", canonical);
  }

  /// As asked for; with weights, in the usual spacing.
  std::string shown_languages() const {
    std::string const& text = run_.languages().text();
    if (text.find(';') == std::string::npos) return text;
    std::string out;
    for (std::string_view const part : split(text, ',')) {
      if (!out.empty()) out += ", ";
      out += trimmed(part);
    }
    return out;
  }

  void write_contains() {
    contains_ = Element::of_array();
    if (!nests_) {
      for (ExpansionEntry const& entry : entries_) contains_.push(arena(), write_entry(entry));
      return;
    }
    std::map<std::pair<std::size_t, ConceptId>, std::size_t> places;
    auto const nests = [&](ExpansionEntry const& entry) {
      return entry.id && (words_.empty() ? entry.nests : entry.nests_in_search);
    };
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (nests(entries_[i])) places[{entries_[i].include, *entries_[i].id}] = i;
    }
    std::vector<std::optional<std::size_t>> above(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i)
      above[i] = nests(entries_[i]) ? place_above(entries_[i], places) : std::nullopt;
    if (!is_tree(above)) {
      for (ExpansionEntry const& entry : entries_) contains_.push(arena(), write_entry(entry));
      return;
    }
    std::vector<std::vector<std::size_t>> below(entries_.size());
    std::vector<std::size_t> top;
    for (std::size_t i = 0; i < entries_.size(); ++i) (above[i] ? below[*above[i]] : top).push_back(i);
    for (std::size_t const i : top) contains_.push(arena(), write_tree(i, below));
  }

  /// Whether every way up ends, and soon: concepts that stand above one another, or in a very long line, are
  /// listed.
  static bool is_tree(std::vector<std::optional<std::size_t>> const& above) {
    return std::ranges::all_of(above, [&](std::optional<std::size_t> here) {
      for (int level = 0; level < kNestedMax && here; ++level) here = above[*here];
      return !here;
    });
  }

  /// The nearest concept above that is in the expansion too.
  std::optional<std::size_t> place_above(
      ExpansionEntry const& entry, std::map<std::pair<std::size_t, ConceptId>, std::size_t> const& places) {
    ConceptId here = *entry.id;
    for (int level = 0; level < kNestedMax; ++level) {
      auto const above = entry.system->parents(here);
      if (above.empty()) return std::nullopt;
      here = above.front();
      auto const found = places.find({entry.include, here});
      if (found != places.end()) return found->second;
    }
    return std::nullopt;
  }

  Element write_tree(std::size_t index, std::vector<std::vector<std::size_t>> const& below) {
    Element written = write_entry(entries_[index]);
    for (std::size_t const child : below[index]) {
      Element const tree = write_tree(child, below);
      written.set(arena(), "contains").push(arena(), tree);
    }
    return written;
  }

  Element write_entry(ExpansionEntry const& entry) {
    Names const names = run_.names_of(entry.system.get(), entry.id, entry.listed);
    Shown const shown = choose(names, run_.languages());
    Element out = Element::of_object();
    write_extensions(entry, out);
    if (!entry.system_url.empty()) out.set(arena(), "system", text_element(arena(), entry.system_url));
    if (entry.id && entry.system->is_abstract(*entry.id))
      out.set(arena(), "abstract", Element::of_boolean(true));
    if (entry.id && entry.system->is_inactive(*entry.id))
      out.set(arena(), "inactive", Element::of_boolean(true));
    out.set(arena(), "code", text_element(arena(), entry.code));
    if (!shown.text.empty()) out.set(arena(), "display", text_element(arena(), shown.text));
    if (with_designations_) write_designations(names, shown, out);
    write_properties(entry, out);
    return out;
  }

  void write_extensions(ExpansionEntry const& entry, Element& out) {
    std::set<std::string_view> written;
    auto const keep = [&](Element const& extension, auto const& kept) {
      std::string_view const url = extension.text_at("url");
      if (!is_any_of(url, kept) || !written.insert(url).second) return;
      out.set(arena(), "extension").push(arena(), json::deep_copy(arena(), extension));
    };
    for (Element const& extension : items_of(entry.listed, "extension")) keep(extension, kKeptOfListed);
    if (!entry.id) return;
    for (Element const* const extension : entry.system->extensions(*entry.id)) keep(*extension, kRendering);
  }

  bool wants(Designation const& designation) const {
    auto const asked = run_.inputs().texts("designation");
    if (asked.empty()) return true;
    return std::ranges::any_of(asked, [&](std::string const& token) {
      Canonical const parts = parse_canonical(token);
      if (parts.url == "urn:ietf:bcp:47") return equal_folded(parts.version, designation.language);
      return parts.url == designation.use_system && parts.version == designation.use_code;
    });
  }

  void write_designations(Names const& names, Shown const& shown, Element& out) {
    std::vector<Designation> all;
    if (shown.index != -1 && !names.base.empty()) {
      all.push_back({names.base_language,
                     names.base,
                     "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra",
                     "preferredForLanguage",
                     "Preferred For Language",
                     {},
                     nullptr});
    }
    for (std::size_t i = 0; i < names.others.size(); ++i) {
      if (static_cast<int>(i) != shown.index) all.push_back(names.others[i]);
    }
    for (Designation const& one : all) {
      if (!wants(one)) continue;
      Element& written = out.set(arena(), "designation").push(arena(), Element::of_object());
      for (Element const& extension : items_of(one.element, "extension")) {
        if (is_any_of(extension.text_at("url"), kKeptOfDesignation))
          written.set(arena(), "extension").push(arena(), json::deep_copy(arena(), extension));
      }
      if (!one.language.empty()) written.set(arena(), "language", text_element(arena(), one.language));
      if (!one.use_code.empty()) {
        Element& use = written.set(arena(), "use", Element::of_object());
        if (!one.use_system.empty()) use.set(arena(), "system", text_element(arena(), one.use_system));
        use.set(arena(), "code", text_element(arena(), one.use_code));
        if (!one.use_display.empty()) use.set(arena(), "display", text_element(arena(), one.use_display));
      }
      written.set(arena(), "value", text_element(arena(), one.value));
    }
  }

  void write_property(Element& out, std::string const& code, std::string const& uri, std::string_view type,
                      Element value) {
    used_properties_.emplace(code, uri);
    Element& extension = out.set(arena(), "extension").push(arena(), Element::of_object());
    extension.set(arena(), "url", Element::of_string(kPropertyGiven));
    write_part(extension, "code", "valueCode", text_element(arena(), code));
    write_part(extension, "value", type, value);
  }

  void write_properties(ExpansionEntry const& entry, Element& out) {
    if (!entry.id) return;
    CodeSystem const& system = *entry.system;
    if (std::string const status = system.status(*entry.id); !status.empty() && status != "active")
      write_property(out, "status", std::string(kConceptProperties) + "status", "valueCode",
                     text_element(arena(), status));
    if (is_any_of("definition", properties_)) {
      if (std::string const text = system.definition(*entry.id); !text.empty())
        write_property(out, "definition", std::string(kConceptProperties) + "definition", "valueString",
                       text_element(arena(), text));
    }
    write_extension_properties(entry, out);
    auto const defined = system.property_definitions();
    for (Property const& property : system.properties(*entry.id)) {
      if (!is_any_of(property.code, properties_) || property.code == "status") continue;
      auto const definition = std::ranges::find(defined, property.code, &PropertyDefinition::code);
      write_property(out, property.code, definition == defined.end() ? "" : definition->uri, property.type,
                     to_value(property));
    }
  }

  Element to_value(Property const& property) {
    if (property.type == "valueBoolean") return Element::of_boolean(property.text == "true");
    if (property.type == "valueInteger" || property.type == "valueDecimal")
      return Element::of_number(arena().copy(property.text));
    if (property.type != "valueCoding") return text_element(arena(), property.text);
    Element coding = Element::of_object();
    coding.set(arena(), "code", text_element(arena(), property.text));
    return coding;
  }

  /// What the value set says of a concept goes before what the code system says.
  void write_extension_properties(ExpansionEntry const& entry, Element& out) {
    std::set<std::string_view> written;
    auto const add = [&](Element const& extension) {
      auto const known =
          std::ranges::find(kExtensionProperties, extension.text_at("url"), &ExtensionProperty::url);
      if (known == kExtensionProperties.end() || !written.insert(known->code).second) return;
      std::string const text = value_of(extension).text;
      write_property(out, std::string(known->code), std::string(kConceptProperties).append(known->uri),
                     known->type,
                     known->type == "valueDecimal" ? Element::of_number(arena().copy(text))
                                                   : text_element(arena(), text));
    };
    for (Element const& extension : items_of(entry.listed, "extension")) add(extension);
    for (Element const* const extension : entry.system->extensions(*entry.id)) add(*extension);
  }

  Run& run_;
  ValueSet const& root_;
  Request const& request_;
  json::Document document_;
  std::vector<ExpansionEntry> entries_;
  Element contains_;
  std::optional<std::size_t> count_;
  std::size_t offset_ = 0;
  std::size_t total_ = 0;
  bool nests_ = true;
  bool with_designations_ = false;
  std::vector<std::string> properties_;
  std::vector<std::string> words_;
  std::map<std::string, std::string> used_properties_;
};

Outcome<json::Document> expand_value_set(Terminology const& terminology, Request const& request) {
  Inputs const inputs(*request.parameters);
  Run run(terminology, inputs, request.accept_language);
  FHIR_CHECK(run.prepare());
  FHIR_TRY(auto const root, run.root_value_set());
  return Writer(run, *root, request).write();
}

}  // namespace

Answer Terminology::expand(Request const& request) const {
  auto written = expand_value_set(*this, request);
  if (!written) return refused(written.error());
  return Answer{*std::move(written), std::nullopt};
}

}  // namespace fhir::terminology
