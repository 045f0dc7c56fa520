/// The io threads: one io_context and one thread per core, connections handed out round-robin. Source:
/// architecture.md section 2 "Threads".
///
/// A coroutine spawned on one executor stays on its thread: no strands and no locks among what one thread
/// owns.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/asio.hpp"
#include "gateway/net/limits.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

namespace gateway::net {

/// The cores that this process may run on (sched_getaffinity(2)): a container's share, not the machine.
unsigned usable_cores();

struct RuntimeOptions {
  unsigned threads = 0;                         ///< 0: one per usable core.
  std::function<void(fhir::Issue const&)> log;  ///< Called from any io thread; never given a payload.
};

class Runtime {
 public:
  explicit Runtime(RuntimeOptions options = {});
  ~Runtime();  ///< Stops and joins.
  Runtime(Runtime const&) = delete;
  Runtime& operator=(Runtime const&) = delete;

  /// Starts the threads; returns at once. Things spawned before wait for it.
  void start();
  /// Ends the threads when the handlers now running return; suspended coroutines are destroyed with the
  /// Runtime.
  void stop();
  void join();

  /// The next thread's executor, round-robin. Thread safe.
  asio::any_io_executor next_executor();
  asio::io_context& next_context();
  asio::any_io_executor executor(unsigned thread);
  unsigned threads() const { return static_cast<unsigned>(contexts_.size()); }

  /// Runs `task` on `executor` (or the next thread); an exception that leaves it is logged, never lost.
  void spawn(asio::any_io_executor executor, asio::awaitable<void> task);
  void spawn(asio::awaitable<void> task);

  struct Signals {
    std::function<asio::awaitable<void>()>
        on_stop;                      ///< First SIGTERM or SIGINT; the runtime stops when it returns.
    std::function<void()> on_reload;  ///< SIGHUP.
  };
  /// A second SIGTERM or SIGINT stops at once.
  void handle_signals(Signals signals);

  void log(fhir::Issue const& issue) const;

 private:
  struct Impl;
  RuntimeOptions options_;
  std::vector<asio::io_context*> contexts_;  // owned by impl_
  std::atomic<unsigned> next_{0};
  std::unique_ptr<Impl> impl_;
};

}  // namespace gateway::net
