#include "gateway/net/runtime.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <sched.h>
#include <thread>

namespace gateway::net {
namespace {

using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

std::string what_of(std::exception_ptr const& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (std::exception const& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace

namespace {

/// Can end in two steps: first every suspended coroutine of every context is destroyed, then the contexts.
/// One of them may own a socket of another.
struct Context : asio::io_context {
  using asio::io_context::io_context;
  void destroy_handlers() { shutdown(); }
};

}  // namespace

struct Runtime::Impl {
  std::vector<std::unique_ptr<Context>> contexts;
  std::vector<WorkGuard> work;
  std::vector<std::thread> threads;
  std::unique_ptr<asio::signal_set> stop_signals;
  std::unique_ptr<asio::signal_set> reload_signals;
  Signals signals;
};

namespace {

asio::awaitable<void> watch_reload(asio::signal_set& signals, Runtime::Signals const& handlers) {
  for (;;) {
    auto [error, signal] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
    if (handlers.on_reload) handlers.on_reload();
  }
}

asio::awaitable<void> run_stop(Runtime& runtime, Runtime::Signals const& handlers) {
  if (handlers.on_stop) {
    auto const task = handlers.on_stop;
    co_await task();
  }
  runtime.stop();
}

asio::awaitable<void> watch_stop(Runtime& runtime, asio::signal_set& signals,
                                 Runtime::Signals const& handlers) {
  auto [first_error, first] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  if (first_error) co_return;
  runtime.spawn(runtime.executor(0), run_stop(runtime, handlers));
  auto [second_error, second] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!second_error) runtime.stop();
}

}  // namespace

unsigned usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

Runtime::Runtime(RuntimeOptions options) : options_(std::move(options)), impl_(std::make_unique<Impl>()) {
  auto const wanted = options_.threads != 0 ? options_.threads : usable_cores();
  for (unsigned i = 0; i < wanted; ++i) {
    impl_->contexts.push_back(std::make_unique<Context>(1));  // one thread runs it
    contexts_.push_back(impl_->contexts.back().get());
    impl_->work.push_back(asio::make_work_guard(*contexts_.back()));
  }
}

Runtime::~Runtime() {
  stop();
  join();
  impl_->stop_signals.reset();
  impl_->reload_signals.reset();
  impl_->work.clear();
  for (auto const& context : impl_->contexts) context->destroy_handlers();
  impl_->contexts.clear();
}

void Runtime::start() {
  for (auto* const context : contexts_) {
    impl_->threads.emplace_back([this, &context = *context] {
      for (;;) {  // an exception out of a plain handler must not take the thread with it
        try {
          context.run();
          return;
        } catch (...) {
          log(fhir::error(fhir::IssueType::exception,
                          "an io handler threw: " + what_of(std::current_exception())));
        }
      }
    });
  }
}

void Runtime::stop() {
  for (auto* const context : contexts_) context->stop();
}

void Runtime::join() {
  for (auto& thread : impl_->threads) {
    if (thread.joinable()) thread.join();
  }
}

asio::io_context& Runtime::next_context() {
  return *contexts_[next_.fetch_add(1, std::memory_order_relaxed) % contexts_.size()];
}

asio::any_io_executor Runtime::next_executor() { return next_context().get_executor(); }

asio::any_io_executor Runtime::executor(unsigned thread) { return contexts_.at(thread)->get_executor(); }

void Runtime::spawn(asio::any_io_executor executor, asio::awaitable<void> task) {
  asio::co_spawn(executor, std::move(task), [this](std::exception_ptr const& thrown) {
    if (thrown) log(fhir::error(fhir::IssueType::exception, "a task threw: " + what_of(thrown)));
  });
}

void Runtime::spawn(asio::awaitable<void> task) { spawn(next_executor(), std::move(task)); }

void Runtime::handle_signals(Signals signals) {
  auto& context = *contexts_.front();
  impl_->signals = std::move(signals);
  impl_->stop_signals = std::make_unique<asio::signal_set>(context, SIGTERM, SIGINT);
  impl_->reload_signals = std::make_unique<asio::signal_set>(context, SIGHUP);
  spawn(executor(0), watch_stop(*this, *impl_->stop_signals, impl_->signals));
  spawn(executor(0), watch_reload(*impl_->reload_signals, impl_->signals));
}

void Runtime::log(fhir::Issue const& issue) const {
  if (options_.log) options_.log(issue);
}

}  // namespace gateway::net
