/// The least that an HTTP server on Beast can do: parse the request, ask for a body, write it. The ceiling of
/// the REST paths. One io thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

class BareServer {
 public:
  /// Gives the body for a target; called on the server's thread.
  using Serve = std::function<std::string(std::string_view target)>;

  BareServer(Serve serve, int core);
  ~BareServer();
  BareServer(BareServer const&) = delete;
  BareServer& operator=(BareServer const&) = delete;

  std::uint16_t port() const;
  double cpu_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bench
