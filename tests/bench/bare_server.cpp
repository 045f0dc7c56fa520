#include "tests/bench/bare_server.hpp"

#include "tests/bench/load.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <pthread.h>
#include <thread>
#include <time.h>

namespace bench {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr auto tuple = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> session(tcp::socket socket, BareServer::Serve const& serve) {
  socket.set_option(tcp::no_delay(true));
  beast::flat_buffer buffer;
  for (;;) {
    http::request<http::string_body> request;
    auto const [read_error, got] = co_await http::async_read(socket, buffer, request, tuple);
    if (read_error) co_return;
    http::response<http::string_body> response(http::status::ok, 11);
    response.set(http::field::content_type, "application/fhir+json; charset=utf-8");
    response.set(http::field::etag, "W/\"1\"");
    response.body() = serve({request.target().data(), request.target().size()});
    response.prepare_payload();
    auto const [write_error, put] = co_await http::async_write(socket, response, tuple);
    if (write_error) co_return;
  }
}

asio::awaitable<void> listen(tcp::acceptor& acceptor, BareServer::Serve const& serve) {
  for (;;) {
    auto [error, socket] = co_await acceptor.async_accept(tuple);
    if (error) co_return;
    asio::co_spawn(acceptor.get_executor(), session(std::move(socket), serve), asio::detached);
  }
}

}  // namespace

struct BareServer::State {
  explicit State(Serve what) : serve(std::move(what)) {}
  Serve serve;
  asio::io_context context{1};
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread;
};

BareServer::BareServer(Serve serve, int core) : state_(std::make_unique<State>(std::move(serve))) {
  asio::co_spawn(state_->context, listen(state_->acceptor, state_->serve), asio::detached);
  state_->thread = std::thread([state = state_.get(), core] {
    pin(core);
    state->context.run();
  });
}

BareServer::~BareServer() {
  state_->context.stop();
  state_->thread.join();
}

std::uint16_t BareServer::port() const { return state_->acceptor.local_endpoint().port(); }

double BareServer::cpu_seconds() const {
  clockid_t clock{};
  timespec used{};
  pthread_getcpuclockid(state_->thread.native_handle(), &clock);
  clock_gettime(clock, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

}  // namespace bench
