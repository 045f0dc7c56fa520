/// One MLLP connection to one destination: write a message, wait for its answer. Source: reliability.md S3,
/// S4, S8.
///
/// Never more than one connection and never more than one message in flight. It connects when there is
/// something to send and keeps the connection for the next message. All calls come from one executor, the one
/// it was made with.
#pragma once

#include "fhir/result.hpp"
#include "gateway/net/asio.hpp"
#include "gateway/net/limits.hpp"
#include "gateway/net/tls.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace gateway::net {

struct MllpClientOptions {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;  ///< A client context; none: plain.
  ClientLimits limits;
  bool accept_unframed_answer = false;  ///< Opt-in: an answer without VT (corpus vector 44).
  bool accept_bare_msa = false;         ///< Opt-in: an answer that starts with MSA (corpus vector 46).
  /// Every complete frame that is not the awaited answer: a late ACK, an application ACK after a commit ACK,
  /// a message of the receiver's own. Nothing is answered to it here.
  std::function<void(std::string payload)> on_other;
};

struct MllpClientCounters {
  std::atomic<std::uint64_t> connects{0};
  std::atomic<std::uint64_t> connect_failures{0};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::uint64_t> other_control_ids{0};  ///< S3: answers to some other message, ignored.
  std::atomic<std::uint64_t> transport_acks{
      0};  ///< MLLP R2 commit acknowledgements: not an application's answer.
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> timeouts{0};
};

class MllpClient {
 public:
  MllpClient(asio::any_io_executor executor, MllpClientOptions options);
  ~MllpClient();
  MllpClient(MllpClient&&) noexcept;
  MllpClient& operator=(MllpClient&&) noexcept;

  /// Sends `payload` (without VT, FS, CR) and returns the payload of the answer whose MSA-2 is `control_id`,
  /// byte for byte, whatever its MSA-1 and MSH-9 say: an RRI that answers a REF is returned as it is.
  ///
  /// Errors, and what is known of the message then (S7):
  ///   transient   nothing was written: no connection, or the peer had closed it
  ///   security    nothing was written: TLS failed; a retry will not help soon (S8)
  ///   incomplete  written in part or whole, then the connection ended: unknown
  ///   timeout     written, no answer in time: unknown; the socket is closed, so no late answer can be
  ///   mistaken (S4) structure   written, and what came back is no HL7 answer: unknown; the socket is closed
  ///   no-store    written, and the receiver's MLLP R2 layer said that it was not stored
  ///   value       nothing was written: the payload holds VT or FS
  ///   conflict    nothing was written: another send on this client has not ended
  /// Errors of the wire close the connection; the next send opens a new one.
  asio::awaitable<fhir::Result<std::string>> send(std::string payload, std::string control_id);
  asio::awaitable<fhir::Result<std::string>> send(std::string payload, std::string control_id,
                                                  Duration answer_timeout);

  /// Sends to a receiver that was asked for no answer (MSH-15 and MSH-16 NE): "" when the connection is still
  /// there `alive` after the last byte was written, which stays open; an answer that comes nevertheless is
  /// returned as send() returns it. Errors: those of send() without timeout.
  asio::awaitable<fhir::Result<std::string>> send_and_watch(std::string payload, std::string control_id,
                                                            Duration alive);

  /// Reads what came since the last exchange, for on_other; does not wait for anything. Nothing while a send
  /// is under way.
  asio::awaitable<void> listen();

  void close();  ///< A send in progress ends with incomplete or transient.
  bool connected() const;
  MllpClientCounters const& counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// What MSA says, as far as a transport must know. Views into `payload`.
struct AnswerHead {
  bool has_msh = false;
  bool has_msa = false;
  std::string_view code;        ///< MSA-1.
  std::string_view control_id;  ///< MSA-2.
};
AnswerHead read_answer_head(std::string_view payload);

}  // namespace gateway::net
