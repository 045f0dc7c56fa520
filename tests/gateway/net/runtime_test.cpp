#include "gateway/net/runtime.hpp"

#include "tests/gateway/net/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <set>
#include <stdexcept>
#include <thread>

namespace gateway::net {
namespace {

asio::awaitable<std::thread::id> own_thread() { co_return std::this_thread::get_id(); }

asio::awaitable<void> throw_something() {
  throw std::runtime_error("the reason");
  co_return;
}

asio::awaitable<void> fulfil(std::promise<void>& promise) {
  promise.set_value();
  co_return;
}

asio::awaitable<void> sleep_forever(std::shared_ptr<int> held) {
  asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
  co_await timer.async_wait(asio::use_awaitable);
  ++*held;
}

class RuntimeTest : public Loopback {};

TEST_F(RuntimeTest, HandsOutItsThreadsInTurn) {
  std::set<std::thread::id> threads;
  for (int i = 0; i < 4; ++i) {
    threads.insert(asio::co_spawn(runtime_.next_executor(), own_thread(), asio::use_future).get());
  }
  EXPECT_EQ(threads.size(), 2U);
}

TEST_F(RuntimeTest, AnExceptionOutOfATaskIsLoggedAndTheThreadGoesOn) {
  runtime_.spawn(runtime_.executor(0), throw_something());
  std::promise<void> alive;
  runtime_.spawn(runtime_.executor(0), fulfil(alive));
  alive.get_future().wait();
  auto const lines = logged(1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines.front().find("the reason"), std::string::npos);
}

TEST(Runtime, WhatIsStillSuspendedAtTheEndIsDestroyed) {
  auto held = std::make_shared<int>(0);
  std::weak_ptr<int> const watched = held;
  {
    Runtime runtime(RuntimeOptions{2, {}});
    runtime.spawn(sleep_forever(std::move(held)));
    runtime.start();
    std::promise<void> ran;
    runtime.spawn(runtime.executor(0), fulfil(ran));
    ran.get_future().wait();
  }
  EXPECT_TRUE(watched.expired());
}

TEST(Runtime, SighupReloadsAndSigtermStopsGracefully) {
  Runtime runtime(RuntimeOptions{1, {}});
  std::promise<void> reloaded;
  std::promise<void> stopping;
  Runtime::Signals signals;
  signals.on_reload = [&] { reloaded.set_value(); };
  signals.on_stop = [&]() { return fulfil(stopping); };
  runtime.handle_signals(signals);
  runtime.start();
  ::raise(SIGHUP);
  reloaded.get_future().wait();
  ::raise(SIGTERM);
  stopping.get_future().wait();
  runtime.join();  // ends because on_stop has returned
}

}  // namespace
}  // namespace gateway::net
