/// FHIR's definitions as they are loaded: R4 and packages, ready to judge and to answer by. One immutable
/// set, swapped whole while the gateway runs; who began with a set may end with it. Source: R4
/// validation.html; NPM Package Specification; design fhir.md section 4.
#pragma once

#include "fhir/packages/library.hpp"
#include "fhir/result.hpp"
#include "fhir/terminology/terminology.hpp"
#include "gateway/conformance/packages.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace fhir::validate {
class CodeChecker;
class Validator;
}  // namespace fhir::validate

namespace gateway::terminology {
class ReleaseIndexes;
}

namespace gateway::conformance {

/// Shared by all threads.
struct Conformance {
  std::shared_ptr<fhir::packages::Library const> library;
  std::shared_ptr<fhir::validate::Validator const> validator;
  std::shared_ptr<fhir::validate::CodeChecker const> codes;
  std::vector<PackageFacts> packages;  ///< Beyond R4 itself, in the order they were loaded.
  /// What terminology operations have made of the code systems and value sets of this set.
  std::shared_ptr<fhir::terminology::Terminology::Cache> terminology_cache;
};

/// `releases`: code systems of the user's own release files; may be null.
std::shared_ptr<Conformance const> make_conformance(
    LoadedPackages loaded, std::shared_ptr<terminology::ReleaseIndexes const> releases = nullptr);

/// R4 alone.
std::shared_ptr<Conformance const> make_r4();

/// The set in force. Thread-safe.
class Definitions {
 public:
  explicit Definitions(std::shared_ptr<Conformance const> first) : current_(std::move(first)) {}
  std::shared_ptr<Conformance const> current() const {
    std::lock_guard const lock(mutex_);
    return current_;
  }
  void replace(std::shared_ptr<Conformance const> next) {
    std::lock_guard const lock(mutex_);
    current_ = std::move(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Conformance const> current_;
};

}  // namespace gateway::conformance
