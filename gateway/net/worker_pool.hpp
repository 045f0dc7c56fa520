/// Threads for what may take more than about a millisecond: searches that scan, record documents, large
/// histories. Source: architecture.md section 2 "Threads".
#pragma once

#include "gateway/net/asio.hpp"

#include <functional>
#include <memory>

namespace gateway::net {

/// Jobs wait in no bounded queue of their own: each belongs to a connection, and those are bounded.
class WorkerPool {
 public:
  explicit WorkerPool(unsigned threads = 0);  ///< 0: one per core.
  ~WorkerPool();                              ///< Waits for the jobs that run; what waits is dropped.
  WorkerPool(WorkerPool const&) = delete;
  WorkerPool& operator=(WorkerPool const&) = delete;

  /// Runs `job` on a worker and resumes the caller on its own executor. What the job throws is thrown there.
  asio::awaitable<void> run(std::function<void()> job);
  asio::any_io_executor executor() const;  ///< For what is more than one job.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gateway::net
