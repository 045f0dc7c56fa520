/// The FHIR packages in force: files of the configuration, and what operators have loaded, which the store
/// keeps. Every change makes a whole new set of definitions, judged before it takes the old one's place.
///
/// Not thread-safe: for the one thread that does what operators do. May call: conformance, store.
#pragma once

#include "fhir/result.hpp"
#include "gateway/conformance/conformance.hpp"
#include "gateway/store/store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::ops {

class Packages {
 public:
  /// `releases`: code systems of the user's own release files; may be null.
  Packages(store::Store& store, std::shared_ptr<conformance::Definitions> definitions,
           std::shared_ptr<terminology::ReleaseIndexes const> releases, store::ClockMs clock)
      : store_(store),
        definitions_(std::move(definitions)),
        releases_(std::move(releases)),
        clock_(std::move(clock)) {}

  /// A set of definitions that is ready, and not yet in force.
  struct Prepared {
    std::vector<std::string> files;
    std::shared_ptr<conformance::Conformance const> conformance;
    fhir::Issues warnings;
  };

  /// The files and what operators have loaded; one that is both is the file's. Errors: those of read_packages
  /// and load_packages; processing (definitions of a file that cannot be used, named).
  fhir::Result<Prepared> prepare(std::vector<std::string> files) const;
  void put_in_force(Prepared prepared);

  /// Loads a package beside the others. Its own definitions must be usable: one that rests on itself or does
  /// not fit its base refuses the package. It is kept, with the act, before it is in force.
  /// Errors: those of read_package; duplicate (that name and version is loaded); processing (its definitions,
  /// named); the store's.
  struct Loaded {
    conformance::PackageFacts facts;
    fhir::Issues warnings;
  };
  fhir::Result<Loaded> load(std::string bytes, std::string const& operator_name);

  /// Takes away one that an operator loaded. Errors: not_found; conflict (a file of the configuration, or
  /// another package depends on it).
  fhir::Result<void> remove(std::string const& name, std::string const& version,
                            std::string const& operator_name);

  std::vector<conformance::PackageFacts> facts() const { return definitions_->current()->packages; }

 private:
  fhir::Result<std::vector<conformance::PackageSource>> sources(std::vector<std::string> const& files,
                                                                fhir::Issues& warnings) const;

  store::Store& store_;
  std::shared_ptr<conformance::Definitions> definitions_;
  std::shared_ptr<terminology::ReleaseIndexes const> releases_;
  store::ClockMs clock_;
  std::vector<std::string> files_;
};

}  // namespace gateway::ops
