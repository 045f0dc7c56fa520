/// The conformance resources that are loaded: R4's own and those of packages, found by canonical url.
/// Source: R4 references.html#canonical; the rule for a url without version is the newest one.
///
/// Resources are kept as bytes; a tree is built when first asked for and then kept. A Library is filled by
/// one thread
/// (`add`) and read by any number afterwards. What it gives lives as long as the Library itself.
#pragma once

#include "fhir/json/element.hpp"
#include "fhir/packages/package.hpp"
#include "fhir/result.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fhir::packages {

/// A package that is loaded.
struct Loaded {
  std::string name;
  std::string version;
  std::vector<Dependency> dependencies;
  std::vector<Loaded const*> closure;  ///< Itself and what it depends on, as far as loaded.
  std::size_t resources = 0;           ///< Of its own that are found here.
};

/// One conformance resource.
struct Entry {
  std::string_view type;
  std::string_view id;
  std::string_view url;
  std::string_view version;  ///< business version, ""
  std::string_view bytes;
  Loaded const* package = nullptr;
};

class Library {
 public:
  /// Looks into `below` where it has nothing itself.
  explicit Library(std::shared_ptr<Library const> below = nullptr);
  Library(Library const&) = delete;
  Library& operator=(Library const&) = delete;
  ~Library();

  /// R4 4.0.1 itself, as the program carries it.
  static std::shared_ptr<Library const> r4();

  /// Adds every resource of the package that has a url and is no example. Returns warnings: not_found for
  /// each dependency that is not loaded (load it before), duplicate for a url and version that stands in it
  /// twice. Errors: duplicate (that package and version is loaded already). Nothing is added on an error.
  Result<Issues> add(Package package);

  /// The resource of that type and canonical ("url", "url|4.0.1", "url|4.0"; a #fragment is ignored), or
  /// nullptr. Of several, one of `from`'s own dependencies comes first, then the highest version. `type` ""
  /// finds any type.
  Entry const* find(std::string_view type, std::string_view canonical, Loaded const* from = nullptr) const;

  /// All of a type, what lies below included, sorted by url then version.
  std::vector<Entry const*> list(std::string_view type) const;

  /// What is loaded, what lies below first.
  std::vector<Loaded const*> packages() const;

  /// The resource as a tree. Its bytes were read before, so it cannot fail.
  json::Element const& tree(Entry const& entry) const;

 private:
  friend struct CoreLoader;
  void index(Entry entry);

  std::shared_ptr<Library const> below_;
  std::deque<Package> kept_;
  std::string core_;
  std::deque<Loaded> loaded_;
  std::deque<Entry> entries_;
  std::unordered_map<std::string_view, std::vector<Entry const*>> by_url_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<Entry const*, std::unique_ptr<json::Document>> trees_;
};

/// Order of business versions: by dotted numbers, then by text ("4.0.1" after "4.0", "2.0.0" after
/// "2.0.0-ballot").
bool is_older(std::string_view left, std::string_view right);

}  // namespace fhir::packages
