#include "gateway/net/mllp_listener.hpp"

#include "gateway/net/runtime.hpp"
#include "gateway/net/server.hpp"

#include <boost/asio/buffer.hpp>

#include <array>
#include <utility>

namespace gateway::net {
namespace {

FramerOptions to_framer_options(MllpListenerOptions const& options) {
  FramerOptions framer;
  framer.framing = options.framing;
  framer.accept_unframed = options.accept_unframed;
  framer.frame_bytes = options.limits.frame_bytes;
  framer.junk_bytes = options.limits.junk_bytes;
  framer.junk_bytes_kept = options.limits.junk_bytes_kept;
  return framer;
}

MllpPeer to_peer(Connection& connection) {
  auto certificate = connection.stream().peer_certificate();
  auto name = certificate.name();
  return MllpPeer{connection.peer_address(), std::move(name), std::move(certificate.names)};
}

/// What the sessions share. Outlives the listener while sessions run: the server that runs them holds it.
struct MllpService : std::enable_shared_from_this<MllpService> {
  MllpService(Runtime& its_runtime, MllpListenerOptions its_options, MllpHandler its_handler)
      : runtime(its_runtime), options(std::move(its_options)), handler(std::move(its_handler)) {}

  asio::awaitable<void> serve(std::shared_ptr<Connection> connection);
  asio::awaitable<bool> serve_events(Connection& connection, MllpFramer& framer, MllpPeer const& peer);
  asio::awaitable<bool> answer(Connection& connection, MllpPeer const& peer, FramerEvent event);
  asio::awaitable<bool> write_reply(Connection& connection, MllpReply const& reply);
  void count(FramerEvent const& event);
  Duration read_timeout(MllpFramer const& framer) const;

  Runtime& runtime;
  MllpListenerOptions options;
  MllpHandler handler;
  MllpCounters counters;
};

Duration MllpService::read_timeout(MllpFramer const& framer) const {
  if (framer.ends_on_idle()) return options.limits.after_end_block;
  return framer.inside_frame() ? options.limits.read_inside_frame : options.limits.idle;
}

/// Serves one sender until it closes, stalls inside a frame, or leaves framing beyond what R10 tolerates.
asio::awaitable<void> MllpService::serve(std::shared_ptr<Connection> connection) {
  auto const self = shared_from_this();
  auto const peer = to_peer(*connection);
  auto& stream = connection->stream();
  MllpFramer framer(to_framer_options(options));
  std::string chunk(options.limits.read_chunk_bytes, '\0');
  for (;;) {
    connection->set_busy(framer.inside_frame());
    if (connection->stopping() && !framer.inside_frame()) break;
    auto const [error, bytes] = co_await stream.read_some(asio::buffer(chunk), read_timeout(framer));
    auto const silent = error == asio::error::timed_out;
    if (silent && !framer.ends_on_idle()) {
      ++counters.timed_out;
      co_return;
    }
    if (error == asio::error::operation_aborted) break;
    connection->set_busy(true);
    if (silent) {
      framer.on_idle();
    } else if (error) {
      framer.finish();
    } else {
      framer.feed({chunk.data(), bytes});
    }
    auto const go_on = co_await serve_events(*connection, framer, peer);
    if (!go_on || (error && !silent)) break;
  }
  co_await stream.linger_and_close(options.limits.accept.close_linger);
}

asio::awaitable<bool> MllpService::serve_events(Connection& connection, MllpFramer& framer,
                                                MllpPeer const& peer) {
  while (auto event = framer.next()) {
    count(*event);
    switch (event->kind) {
      case FramerEvent::Kind::frame:
      case FramerEvent::Kind::damaged: {
        auto const go_on = co_await answer(connection, peer, std::move(*event));
        if (!go_on) co_return false;
        break;
      }
      case FramerEvent::Kind::junk:
        if (options.on_junk) options.on_junk(peer, event->bytes, event->issues.back());
        break;
      case FramerEvent::Kind::lost:
        if (options.on_junk) options.on_junk(peer, event->bytes, event->issues.back());
        co_return false;
    }
  }
  co_return true;
}

asio::awaitable<bool> MllpService::answer(Connection& connection, MllpPeer const& peer, FramerEvent event) {
  MllpFrame frame{std::move(event.bytes), event.kind == FramerEvent::Kind::damaged, std::move(event.issues)};
  auto const reply = co_await handler(peer, std::move(frame));
  auto const written = co_await write_reply(connection, reply);
  co_return written && !reply.close;
}

asio::awaitable<bool> MllpService::write_reply(Connection& connection, MllpReply const& reply) {
  for (auto const& payload : reply.frames) {
    if (!fits_mllp_frame(payload)) {
      runtime.log(
          fhir::error(fhir::IssueType::exception, "an MLLP answer held VT or FS and was not written"));
      co_return false;
    }
    auto const frame = to_mllp_frame(payload);
    std::array<asio::const_buffer, 1> const buffers{asio::buffer(frame)};
    auto const [error, bytes] = co_await connection.stream().write(buffers, options.limits.write);
    if (error == asio::error::timed_out) ++counters.timed_out;
    if (error) co_return false;
    ++counters.replies;
  }
  co_return true;
}

void MllpService::count(FramerEvent const& event) {
  switch (event.kind) {
    case FramerEvent::Kind::frame:
      ++counters.frames;
      break;
    case FramerEvent::Kind::damaged:
      ++counters.damaged;
      break;
    case FramerEvent::Kind::junk:
      counters.junk_bytes += event.bytes_total;
      break;
    case FramerEvent::Kind::lost:
      counters.junk_bytes += event.bytes_total;
      ++counters.lost;
      break;
  }
  for (auto const& issue : event.issues) {
    if (issue.severity == fhir::Severity::warning) ++counters.warnings;
  }
}

}  // namespace

struct MllpListener::State {
  std::shared_ptr<MllpService> service;
  std::shared_ptr<Server> server;
};

MllpListener::MllpListener(Runtime& runtime, MllpListenerOptions options, MllpHandler handler)
    : state_(std::make_shared<State>()) {
  auto service = std::make_shared<MllpService>(runtime, std::move(options), std::move(handler));
  auto const& asked = service->options;
  auto& counters = service->counters;
  ServerOptions server{asked.address, asked.port, asked.tls, asked.limits.accept, asked.limits.tcp};
  ServerCounters const counted{counters.accepted, counters.open, counters.refused, counters.tls_failed,
                               counters.accept_failed};
  state_->server = std::make_shared<Server>(runtime, std::move(server), counted);
  state_->server->start(
      [service](std::shared_ptr<Connection> connection) { return service->serve(std::move(connection)); });
  state_->service = std::move(service);
}

MllpListener::~MllpListener() { state_->server->close(); }

std::uint16_t MllpListener::port() const { return state_->server->port(); }

MllpCounters const& MllpListener::counters() const { return state_->service->counters; }

asio::awaitable<bool> MllpListener::stop(Duration deadline) { return state_->server->stop(deadline); }

}  // namespace gateway::net
