/// What a Bundle must be beyond its invariants. Source: R4 bundle.html, documents.html.
#include "fhir/validate/walk.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace fhir::validate {

using json::Element;

namespace {

bool is_http(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

bool is_absolute(std::string_view url) {
  std::size_t const colon = url.find(':');
  return colon != std::string_view::npos && colon > 0 && url.find('/') >= colon;
}

/// Whether a url ends as one of a RESTful server does: /Type/id.
bool looks_restful(std::string_view url) {
  if (!is_http(url)) return false;
  std::size_t const id = url.rfind('/');
  std::size_t const type = id == std::string_view::npos || id == 0 ? id : url.rfind('/', id - 1);
  if (type == std::string_view::npos) return false;
  return definitions::is_resource_type(url.substr(type + 1, id - type - 1)) && id + 1 < url.size();
}

class BundleRules {
 public:
  BundleRules(Walk& walk, Element const& bundle, Place const& place, Surroundings const& here)
      : walk_(walk), bundle_(bundle), place_(place), here_(here), type_(bundle.text_at("type")) {}

  void check() {
    check_links();
    Element const* const entries = bundle_.find("entry");
    if (entries == nullptr) return;
    int index = 0;
    for (Element const& entry : entries->items()) {
      Place const at{&place_, "entry", index++};
      check_full_url(entry, at);
    }
    if (type_ == "document") check_document(entries->items());
  }

 private:
  void check_links() {
    Element const* const links = bundle_.find("link");
    if (links == nullptr || type_ != "searchset") return;
    std::set<std::string_view> seen;
    int index = 0;
    for (Element const& link : links->items()) {
      Place const at{&place_, "link", index++};
      std::string_view const relation = link.text_at("relation");
      bool const is_single = relation == "self" || relation == "first" || relation == "previous" ||
                             relation == "prev" || relation == "next" || relation == "last";
      if (is_single && !seen.insert(relation).second)
        walk_.fail(IssueType::invalid, at,
                   "a Bundle has only one link of the relation " + std::string(relation));
    }
  }

  void check_full_url(Element const& entry, Place const& at) {
    std::string_view const url = entry.text_at("fullUrl");
    Element const* const resource = entry.find("resource");
    bool const may_lack = type_ == "batch" || type_ == "transaction" || type_ == "batch-response" ||
                          type_ == "transaction-response";
    if (type_ == "searchset" && resource != nullptr && resource->find("id") == nullptr &&
        resource->text_at("resourceType") != "OperationOutcome") {
      Place const below{&at, "resource"};
      walk_.fail(IssueType::invalid, below, "a resource that a search found has an id");
    }
    if (url.empty()) {
      if (!may_lack && resource != nullptr && entry.find("_fullUrl") == nullptr)
        walk_.fail(IssueType::invalid, at, "an entry needs a fullUrl, except in a batch or transaction");
      return;
    }
    if (!is_absolute(url)) return walk_.fail(IssueType::invalid, at, "the fullUrl must be an absolute URI");
    if (resource == nullptr || !looks_restful(url) || type_ == "transaction" || type_ == "batch") return;
    std::string_view const id = resource->text_at("id");
    if (id.empty()) {
      return walk_.fail(IssueType::invalid, at,
                        "the fullUrl is one of a RESTful server, and the resource has no id");
    }
    std::string const tail =
        std::string("/").append(resource->text_at("resourceType")).append("/").append(id);
    if (!url.ends_with(tail)) {
      walk_.fail(IssueType::invalid, at,
                 "the fullUrl is one of a RESTful server, so it must end with the resource's type and id");
    }
  }

  // documents.html

  void check_document(std::span<Element const> entries) {
    Element const* const composition = entries.empty() ? nullptr : entries[0].find("resource");
    if (composition == nullptr || composition->text_at("resourceType") != "Composition") return;
    Place const entry{&place_, "entry", 0};
    Place const place{&entry, "resource"};
    Surroundings outer = here_;
    Surroundings inside;
    inside.resource = inside.container = composition;
    inside.outer = &outer;
    inside.entry = &entries[0];
    inside.place = &place;
    check_members(*composition, place, inside);
    check_reach(entries);
  }

  /// References of the Composition itself must lead to entries of the document.
  void check_members(Element const& composition, Place const& place, Surroundings const& inside) {
    for (char const* name : {"subject", "encounter", "custodian"}) {
      Place const at{&place, name};
      if (Element const* one = composition.find(name)) check_member(*one, at, inside);
    }
    each(composition, "author", place,
         [&](Element const& one, Place const& at) { check_member(one, at, inside); });
    each(composition, "attester", place, [&](Element const& one, Place const& at) {
      Place const below{&at, "party"};
      if (Element const* party = one.find("party")) check_member(*party, below, inside);
    });
    each(composition, "event", place, [&](Element const& one, Place const& at) {
      each(one, "detail", at,
           [&](Element const& detail, Place const& below) { check_member(detail, below, inside); });
    });
    check_sections(composition, place, inside, 0);
  }

  void check_sections(Element const& parent, Place const& place, Surroundings const& inside, int depth) {
    if (depth > 20) return;
    each(parent, "section", place, [&](Element const& section, Place const& at) {
      each(section, "entry", at,
           [&](Element const& one, Place const& below) { check_member(one, below, inside); });
      check_sections(section, at, inside, depth + 1);
    });
  }

  template <class Visit>
  static void each(Element const& parent, char const* name, Place const& place, Visit visit) {
    Element const* const list = parent.find(name);
    if (list == nullptr) return;
    int index = 0;
    for (Element const& one : list->items()) {
      Place const at{&place, name, index++};
      visit(one, at);
    }
  }

  void check_member(Element const& reference, Place const& at, Surroundings const& inside) {
    std::string_view const text = reference.text_at("reference");
    if (text.empty() || text.starts_with('#')) return;
    auto const target = walk_.find_target(text, inside);
    if (target.where != Walk::Target::Where::bundled)
      return walk_.fail(IssueType::not_found, at, "the document has no entry that this reference leads to");
    if (target.matches > 1)
      walk_.fail(IssueType::invalid, at, "the document has several entries that this reference may lead to");
  }

  /// Every entry must be connected with the Composition, by references either way.
  void check_reach(std::span<Element const> entries) {
    std::vector<std::vector<std::size_t>> neighbours(entries.size());
    std::map<Element const*, std::size_t> places;
    for (std::size_t i = 0; i < entries.size(); ++i) places.emplace(entries[i].find("resource"), i);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Element const* const resource = entries[i].find("resource");
      if (resource == nullptr) continue;
      Place const entry{&place_, "entry", static_cast<int>(i)};
      Surroundings outer = here_;
      Surroundings inside;
      inside.resource = inside.container = resource;
      inside.outer = &outer;
      inside.entry = &entries[i];
      inside.place = &entry;
      collect(*resource, inside, 0, [&](Element const* target) {
        auto const found = places.find(target);
        if (found == places.end()) return;
        neighbours[i].push_back(found->second);
        neighbours[found->second].push_back(i);
      });
    }
    std::vector<bool> reached(entries.size(), false);
    std::vector<std::size_t> open{0};
    reached[0] = true;
    while (!open.empty()) {
      std::size_t const at = open.back();
      open.pop_back();
      for (std::size_t const next : neighbours[at]) {
        if (!reached[next]) {
          reached[next] = true;
          open.push_back(next);
        }
      }
    }
    std::string_view const stylesheet = link_of("stylesheet");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (reached[i] || entries[i].find("resource") == nullptr) continue;
      if (!stylesheet.empty() && entries[i].text_at("fullUrl") == stylesheet) continue;
      Place const at{&place_, "entry", static_cast<int>(i)};
      walk_.fail(IssueType::informational, at,
                 "no chain of references connects this entry with the Composition");
    }
  }

  std::string_view link_of(std::string_view relation) const {
    Element const* const links = bundle_.find("link");
    if (links == nullptr) return {};
    for (Element const& link : links->items()) {
      if (link.text_at("relation") == relation) return link.text_at("url");
    }
    return {};
  }

  template <class Found>
  void collect(Element const& element, Surroundings const& inside, int depth, Found const& found) {
    if (depth > 64 || !walk_.spend(1)) return;
    for (Element const& item : element.items()) collect(item, inside, depth + 1, found);
    for (json::Member const& member : element.members()) {
      if (member.name == "reference" && member.value.is_string()) {
        auto const target = walk_.find_target(member.value.text(), inside);
        if (target.where == Walk::Target::Where::bundled) found(target.resource);
      } else {
        collect(member.value, inside, depth + 1, found);
      }
    }
  }

  Walk& walk_;
  Element const& bundle_;
  Place const& place_;
  Surroundings const& here_;
  std::string_view type_;
};

}  // namespace

void check_bundle(Walk& walk, Element const& bundle, Place const& place, Surroundings const& here) {
  BundleRules(walk, bundle, place, here).check();
}

}  // namespace fhir::validate
