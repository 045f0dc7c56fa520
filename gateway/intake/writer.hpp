/// How a door writes FHIR: it puts resources into a Unit; intake links persons, folds the record and commits.
#pragma once

#include "fhir/result.hpp"
#include "gateway/conformance/judge.hpp"
#include "gateway/store/store.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gateway::intake {

/// Who acts. `source` is whose resources they become; "anonymous" on an open loopback server.
struct Principal {
  std::string name = "anonymous";
  std::string source = "anonymous";
  std::string organization;  ///< "Organization/riverside": which Task owner it is, "" when unknown.
  store::AccessPolicy policy = store::AccessPolicy::all();
  std::optional<conformance::Judging> judging =
      {};  ///< Of what it writes; nothing: as the door's setting has it.
};

/// What the door knows of the request, for journal and record: never a body, never a query.
struct RequestFacts {
  std::string summary;  ///< "PUT Task"
  std::string request_id;
};

class Writer {
 public:
  virtual ~Writer() = default;

  /// Runs `write` (which puts resources), then steps 5 to 7 of architecture.md section 2 in the same Unit,
  /// and resumes when it is on disk. `write` may run more than once. Its Issue, or one of the record's rules,
  /// refuses all of it.
  virtual boost::asio::awaitable<fhir::Result<store::Receipt>> commit(Principal principal,
                                                                      RequestFacts request,
                                                                      store::Compute write) = 0;

  /// Tells the record that these resources ("Task/abc") were returned to that principal: a read counts as
  /// receipt. Does nothing for most; never delays the answer.
  virtual void returned(Principal const& principal, std::vector<std::string> references) = 0;
};

}  // namespace gateway::intake
