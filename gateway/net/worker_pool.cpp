#include "gateway/net/worker_pool.hpp"

#include "gateway/net/runtime.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gateway::net {

namespace {

asio::awaitable<void> task(std::function<void()> job) {
  job();
  co_return;
}

}  // namespace

struct WorkerPool::Impl {
  explicit Impl(unsigned threads) : pool(threads) {}
  asio::thread_pool pool;
};

WorkerPool::WorkerPool(unsigned threads)
    : impl_(std::make_unique<Impl>(threads != 0 ? threads : usable_cores())) {}

WorkerPool::~WorkerPool() = default;

asio::awaitable<void> WorkerPool::run(std::function<void()> job) {
  co_await asio::co_spawn(impl_->pool, task(std::move(job)), asio::use_awaitable);
}

asio::any_io_executor WorkerPool::executor() const { return impl_->pool.get_executor(); }

}  // namespace gateway::net
