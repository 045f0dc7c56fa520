/// An MLLP port: frames in, answers out, in order, one at a time per connection. Source: reliability.md
/// R1-R10, F36.
///
/// The handler decides what to answer and when; the connection reads nothing more until it has
/// (stop-and-wait, R6).
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/asio.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/mllp_framer.hpp"
#include "gateway/net/tls.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gateway::net {

class Runtime;

/// Who sent it.
struct MllpPeer {
  std::string address;                         ///< "192.0.2.7", without the port.
  std::string certificate_name;                ///< PeerCertificate::name(), "" without a client certificate.
  std::vector<std::string> certificate_names;  ///< Its subject alternative names.
};

/// One frame as it came.
struct MllpFrame {
  std::string payload;   ///< The bytes between VT and FS; a UTF-8 byte order mark is taken off.
  bool damaged = false;  ///< Not one whole message (see FramerEvent::damaged): keep it and NAK it, never AA.
  fhir::Issues issues;   ///< The framer's warnings; of a damaged frame the last one says what is wrong.
};

/// Payloads to frame and write, in order: none, one, or a commit answer and an application answer.
struct MllpReply {
  std::vector<std::string> frames;
  bool close = false;  ///< Close the connection when they are written.
};

/// Called on the connection's own thread. An exception closes the connection without an answer and is logged.
using MllpHandler = std::function<asio::awaitable<MllpReply>(MllpPeer, MllpFrame)>;

/// Told of bytes outside a frame (the first 256) and of lost streams, for the operator's eyes: may hold
/// anything.
using MllpJunkObserver =
    std::function<void(MllpPeer const&, std::string const& bytes, fhir::Issue const& why)>;

/// All only grow, but `open`.
struct MllpCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> open{0};
  std::atomic<std::uint64_t> refused{0};  ///< Closed at once: a connection limit (R9).
  std::atomic<std::uint64_t> tls_failed{0};
  std::atomic<std::uint64_t> accept_failed{0};  ///< Out of descriptors and the like.
  std::atomic<std::uint64_t> frames{0};
  std::atomic<std::uint64_t> damaged{0};
  std::atomic<std::uint64_t> warnings{0};
  std::atomic<std::uint64_t> junk_bytes{0};
  std::atomic<std::uint64_t> lost{0};       ///< Closed because the framing could not be followed.
  std::atomic<std::uint64_t> timed_out{0};  ///< Closed by a read or write timeout.
  std::atomic<std::uint64_t> replies{0};
};

struct MllpListenerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one, see port().
  std::shared_ptr<TlsContext> tls;
  Framing framing = Framing::lenient;
  bool accept_unframed = false;
  MllpLimits limits;
  MllpJunkObserver on_junk;
};

class MllpListener {
 public:
  /// Binds and listens at once. Throws boost::system::system_error when the address cannot be bound: an error
  /// of the start, for main to print. `runtime` must outlive the listener.
  MllpListener(Runtime& runtime, MllpListenerOptions options, MllpHandler handler);
  ~MllpListener();  ///< Stops accepting; sessions that still run end by themselves or with the runtime.
  MllpListener(MllpListener const&) = delete;
  MllpListener& operator=(MllpListener const&) = delete;

  std::uint16_t port() const;
  MllpCounters const& counters() const;

  /// Accepts no more, closes idle connections, lets the others finish the message they are in, and closes
  /// what is left after `deadline`. Returns true when nothing had to be cut off.
  asio::awaitable<bool> stop(Duration deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gateway::net
