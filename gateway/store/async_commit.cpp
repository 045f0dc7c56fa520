#include "gateway/store/async_commit.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace gateway::store {

namespace asio = boost::asio;

asio::awaitable<fhir::Result<Receipt>> commit(Store& store, Compute compute) {
  auto start = [&store](auto handler, Compute work) {
    auto executor = asio::get_associated_executor(handler);
    // std::function copies its target, and a coroutine's handler can only move: so it lives behind a pointer.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto guard = std::make_shared<decltype(asio::make_work_guard(executor))>(asio::make_work_guard(executor));
    store.commit(std::move(work), [shared, executor, guard](fhir::Result<Receipt> receipt) {
      auto resume = [shared, receipt = std::move(receipt)]() mutable { (*shared)(std::move(receipt)); };
      asio::post(executor, std::move(resume));
      guard->reset();
    });
  };
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(fhir::Result<Receipt>)>(
      std::move(start), asio::use_awaitable, std::move(compute));
}

}  // namespace gateway::store
