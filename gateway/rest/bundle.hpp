/// Bundles stitched together from stored bytes: nothing that is served is parsed again. Source: R4
/// bundle.html.
#pragma once

#include "gateway/rest/answer.hpp"
#include "gateway/store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway::rest {

/// Members in R4's order: type, total, links, entries.
class BundleWriter {
 public:
  BundleWriter(std::string_view type, std::string_view base_url);

  void total(std::int64_t count);
  void link(std::string_view relation, std::string_view url);
  /// `mode`: "match", "include", "outcome". `body` is the resource as it is to be shown.
  void add_match(store::Version const& version, std::string_view body, std::string_view mode);
  void add_outcome(fhir::Issues const& issues);
  void add_history(store::Version const& version, std::string_view body);
  /// An entry of a batch-response or transaction-response.
  void add_response(Answer const& answer);
  std::string finish();

 private:
  void open_entry();

  std::string_view base_url_;
  std::string out_;
  enum class Part : unsigned char { head, links, entries } part_ = Part::head;
};

}  // namespace gateway::rest
