/// Another terminology server, asked for what is not known here.
///
/// A question is one operation with its Parameters; the answer is kept for a while. A server that does not
/// answer is left alone for a while as well, so that nobody waits for it twice. Asked from worker threads: a
/// question blocks its thread until the answer or the deadline.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/tls.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gateway::terminology {

struct RemoteOptions {
  std::string base_url;  ///< "https://tx.example.org/r4"
  std::shared_ptr<net::TlsContext> tls = {};
  net::Duration timeout = std::chrono::seconds(3);
  std::int64_t kept_ms = 3'600'000;  // code systems change by releases, not by the hour
  std::int64_t silence_ms = 30'000;  // after a question that was not answered
  std::size_t kept_max = 10'000;     // answers
  std::size_t answer_bytes_max = 4 * 1024 * 1024;
};

class RemoteServer {
 public:
  /// Errors: value (no http or https URL), security (http to another machine).
  static fhir::Result<std::shared_ptr<RemoteServer>> make(RemoteOptions options);
  ~RemoteServer();
  RemoteServer(RemoteServer const&) = delete;
  RemoteServer& operator=(RemoteServer const&) = delete;

  /// The resource that the server answers with status 200. `operation` is "ValueSet/$expand", `parameters`
  /// the JSON of a Parameters resource. Errors: not_found (any other answer below 500), transient (no answer,
  /// 5xx, or silent since less than silence_ms). Thread-safe.
  fhir::Result<std::string> ask(std::string_view operation, std::string_view parameters, std::int64_t now_ms);

 private:
  struct State;
  explicit RemoteServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gateway::terminology
