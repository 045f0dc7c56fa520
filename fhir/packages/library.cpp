#include "fhir/packages/library.hpp"

#include "fhir/json/reader.hpp"
#include "fhir/packages/core.hpp"
#include "fhir/packages/gzip.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace fhir::packages {

namespace {

constexpr std::string_view kCoreName = "hl7.fhir.r4.core";
constexpr std::string_view kCoreVersion = "4.0.1";
constexpr std::size_t kCoreBytesMax = std::size_t{64} * 1024 * 1024;

struct Canonical {
  std::string_view url;
  std::string_view version;
};

Canonical split(std::string_view canonical) {
  canonical = canonical.substr(0, canonical.find('#'));
  std::size_t const bar = canonical.find('|');
  if (bar == std::string_view::npos) return {canonical, {}};
  return {canonical.substr(0, bar), canonical.substr(bar + 1)};
}

/// "4.0" asks for any 4.0.x.
bool is_version(std::string_view version, std::string_view wanted) {
  if (version == wanted) return true;
  return version.size() > wanted.size() && version.starts_with(wanted) && version[wanted.size()] == '.';
}

/// The texts at the head of a line that generate_conformance.py wrote: resourceType, url, version, id come
/// first and hold no escapes.
struct Head {
  std::string_view type, url, version, id;
};

Head read_head(std::string_view line) {
  Head head;
  std::size_t at = 1;
  while (at + 1 < line.size() && line[at] == '"') {
    std::size_t const name_end = line.find('"', at + 1);
    if (name_end == std::string_view::npos || line.substr(name_end, 3) != "\":\"") break;
    std::string_view const name = line.substr(at + 1, name_end - at - 1);
    std::size_t const from = name_end + 3;
    std::size_t const to = line.find('"', from);
    if (to == std::string_view::npos) break;
    std::string_view const value = line.substr(from, to - from);
    if (name == "resourceType") {
      head.type = value;
    } else if (name == "url") {
      head.url = value;
    } else if (name == "version") {
      head.version = value;
    } else if (name == "id") {
      head.id = value;
      break;
    } else {
      break;
    }
    at = to + 2;
  }
  return head;
}

bool is_preferred(Entry const& left, Entry const& right, Loaded const* from) {
  if (from != nullptr) {
    auto const near = [&](Entry const& entry) {
      return std::ranges::find(from->closure, entry.package) != from->closure.end();
    };
    if (near(left) != near(right)) return near(left);
  }
  return is_older(right.version, left.version);
}

}  // namespace

bool is_older(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    unsigned a = 0, b = 0;
    auto const a_end = std::from_chars(left.data(), left.data() + left.size(), a).ptr;
    auto const b_end = std::from_chars(right.data(), right.data() + right.size(), b).ptr;
    bool const both_numbers = a_end != left.data() && b_end != right.data();
    if (!both_numbers) break;
    if (a != b) return a < b;
    left.remove_prefix(static_cast<std::size_t>(a_end - left.data()));
    right.remove_prefix(static_cast<std::size_t>(b_end - right.data()));
    if (!left.starts_with('.') || !right.starts_with('.')) break;
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  // A pre-release ("-ballot") stands before the release itself.
  if (left.starts_with('-') != right.starts_with('-')) return left.starts_with('-');
  return left < right;
}

/// Fills a library with what the program carries.
struct CoreLoader {
  static std::shared_ptr<Library const> load() {
    auto library = std::make_shared<Library>();
    library->core_ = gunzip(core_gzip(), kCoreBytesMax).value();
    Loaded& core = library->loaded_.emplace_back();
    core.name = kCoreName;
    core.version = kCoreVersion;
    core.closure = {&core};
    std::string_view text = library->core_;
    while (!text.empty()) {
      std::string_view const line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      Head const head = read_head(line);
      library->index({head.type, head.id, head.url, head.version, line, &core});
      ++core.resources;
    }
    return library;
  }
};

Library::Library(std::shared_ptr<Library const> below) : below_(std::move(below)) {}
Library::~Library() = default;

std::shared_ptr<Library const> Library::r4() {
  static std::shared_ptr<Library const> const core = CoreLoader::load();
  return core;
}

void Library::index(Entry entry) {
  Entry const& kept = entries_.emplace_back(entry);
  by_url_[kept.url].push_back(&kept);
}

Result<Issues> Library::add(Package package) {
  auto const others = packages();
  for (Loaded const* other : others) {
    if (other->name == package.name && other->version == package.version) {
      return error(IssueType::duplicate,
                   "the package " + package.name + " " + package.version + " is loaded already");
    }
  }
  Issues warnings;
  Loaded& loaded = loaded_.emplace_back();
  loaded.name = package.name;
  loaded.version = package.version;
  loaded.dependencies = package.dependencies;
  loaded.closure.push_back(&loaded);
  for (Dependency const& dependency : package.dependencies) {
    Loaded const* found = nullptr;
    for (Loaded const* other : others) {
      if (other->name != dependency.name) continue;
      if (found == nullptr || other->version == dependency.version) found = other;
    }
    if (found == nullptr || found->version != dependency.version) {
      std::string text = package.name + " depends on " + dependency.name + " " + dependency.version +
                         ", which is not loaded";
      if (found != nullptr) text += "; " + found->version + " takes its place";
      warnings.push_back(warning(IssueType::not_found, std::move(text), {}, "package.json"));
    }
    if (found != nullptr) {
      for (Loaded const* one : found->closure) {
        if (std::ranges::find(loaded.closure, one) == loaded.closure.end()) loaded.closure.push_back(one);
      }
    }
  }
  std::erase_if(package.resources,
                [](PackageResource const& resource) { return resource.url.empty() || resource.is_example; });
  for (PackageResource const& resource : kept_.emplace_back(std::move(package)).resources) {
    Entry const entry{resource.type, resource.id, resource.url, resource.version, resource.bytes, &loaded};
    bool const twice = std::ranges::any_of(by_url_[entry.url], [&](Entry const* other) {
      return other->package == &loaded && other->type == entry.type && other->version == entry.version;
    });
    if (twice) {
      warnings.push_back(warning(IssueType::duplicate,
                                 "this canonical url stands twice in the package; the first is used", {},
                                 resource.url));
      continue;
    }
    index(entry);
    ++loaded.resources;
  }
  return warnings;
}

Entry const* Library::find(std::string_view type, std::string_view canonical, Loaded const* from) const {
  auto const [url, version] = split(canonical);
  Entry const* best = below_ == nullptr ? nullptr : below_->find(type, canonical, from);
  auto const at = by_url_.find(url);
  if (at == by_url_.end()) return best;
  for (Entry const* entry : at->second) {
    if (!type.empty() && entry->type != type) continue;
    if (!version.empty() && !is_version(entry->version, version)) continue;
    if (best == nullptr || is_preferred(*entry, *best, from)) best = entry;
  }
  return best;
}

std::vector<Entry const*> Library::list(std::string_view type) const {
  std::vector<Entry const*> all;
  if (below_ != nullptr) all = below_->list(type);
  for (Entry const& entry : entries_) {
    if (entry.type == type) all.push_back(&entry);
  }
  std::ranges::stable_sort(all, [](Entry const* left, Entry const* right) {
    return left->url != right->url ? left->url < right->url : is_older(left->version, right->version);
  });
  return all;
}

std::vector<Loaded const*> Library::packages() const {
  std::vector<Loaded const*> all;
  if (below_ != nullptr) all = below_->packages();
  for (Loaded const& one : loaded_) all.push_back(&one);
  return all;
}

json::Element const& Library::tree(Entry const& entry) const {
  if (below_ != nullptr &&
      (entries_.empty() ||
       std::ranges::find(loaded_, entry.package, [](Loaded const& one) { return &one; }) == loaded_.end())) {
    return below_->tree(entry);
  }
  std::lock_guard const lock(mutex_);
  auto& kept = trees_[&entry];
  if (kept == nullptr) kept = std::make_unique<json::Document>(json::read_document(entry.bytes).value());
  return kept->root;
}

}  // namespace fhir::packages
