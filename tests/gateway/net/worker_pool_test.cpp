#include "gateway/net/worker_pool.hpp"

#include "tests/gateway/net/loopback.hpp"

#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace gateway::net {
namespace {

struct Threads {
  std::thread::id before, worker, after;
};

asio::awaitable<Threads> cross(WorkerPool& pool) {
  Threads threads;
  threads.before = std::this_thread::get_id();
  std::function<void()> job = [&threads] { threads.worker = std::this_thread::get_id(); };
  co_await pool.run(std::move(job));
  threads.after = std::this_thread::get_id();
  co_return threads;
}

asio::awaitable<void> fail(WorkerPool& pool) {
  std::function<void()> job = [] { throw std::runtime_error("the reason"); };
  co_await pool.run(std::move(job));
}

class WorkerPoolTest : public Loopback {};

TEST_F(WorkerPoolTest, AJobRunsOnAWorkerAndItsCallerGoesOnAtHome) {
  WorkerPool pool(1);
  auto const threads = asio::co_spawn(runtime_.executor(0), cross(pool), asio::use_future).get();
  EXPECT_EQ(threads.before, threads.after);
  EXPECT_NE(threads.worker, threads.before);
}

TEST_F(WorkerPoolTest, WhatAJobThrowsReachesItsCaller) {
  WorkerPool pool(1);
  auto failed = asio::co_spawn(runtime_.executor(0), fail(pool), asio::use_future);
  EXPECT_THROW(failed.get(), std::runtime_error);
}

}  // namespace
}  // namespace gateway::net
