/// Every limit and timeout of the room, with its default and its reason. Source: reliability.md R9, R10, F10,
/// F20.
///
/// All of them are members so that configuration and tests can set them; nothing else in net/ holds such a
/// number.
#pragma once

#include <chrono>
#include <cstddef>

namespace gateway::net {

using Duration = std::chrono::milliseconds;
using namespace std::chrono_literals;  // "10s" below reads as the design does

inline constexpr Duration kNever = Duration::max();

/// A dead peer is found by the kernel in about 90 s when idle and in 30 s when bytes are in flight; a healthy
/// but idle connection is never closed by us.
struct TcpLimits {
  Duration keepalive_idle = 60s;
  Duration keepalive_interval = 10s;
  int keepalive_probes = 3;
  Duration user_timeout = 30s;  // unacknowledged bytes older than this mean that the peer is gone
};

/// What a listener of either protocol grants before a single byte is understood.
struct AcceptLimits {
  std::size_t connections_max = 4096;  // well under the usual 64 Ki descriptors, two per connection at worst
  std::size_t connections_per_peer_max =
      256;                        // one address is one partner or one proxy; a leak in it stays its own
  Duration tls_handshake = 10s;   // a mutual handshake is two round trips; this bears a satellite link
  Duration accept_pause = 100ms;  // after EMFILE: waiting costs nothing, spinning costs a core
  Duration close_linger = 1s;     // for the peer to read our last bytes before the socket closes
};

struct MllpLimits {
  std::size_t frame_bytes =
      16 * 1024 * 1024;               // MDM and ORU with an embedded document; larger ones go by file
  std::size_t junk_bytes = 4 * 1024;  // outside a frame without a start block: not an MLLP sender, closed
  std::size_t junk_bytes_kept = 256;  // enough for an operator to recognise what is talking to us
  Duration read_inside_frame = 10s;   // silence between two bytes of one frame
  Duration after_end_block = 1s;      // some senders never send the CR after FS: then the frame is complete
  Duration idle = kNever;             // senders hold connections open over night; keepalive finds dead ones
  Duration write = 30s;               // a peer that sends but never reads
  std::size_t read_chunk_bytes = 16 * 1024;  // a common message in one read
  TcpLimits tcp;
  AcceptLimits accept;
};

struct HttpLimits {
  std::size_t head_bytes = 16 * 1024;         // request line and headers with a large token
  std::size_t header_fields = 100;            // browsers send about 20
  std::size_t body_bytes = 16 * 1024 * 1024;  // a Bundle with documents; 413 beyond
  Duration head = 10s;                        // from the first byte of a request to the end of its head
  Duration body = 30s;                        // the whole body
  Duration idle = 60s;                        // keep-alive between requests
  Duration write = 30s;
  std::size_t read_chunk_bytes = 16 * 1024;       // also bounds what a pipelining client can make us hold
  std::size_t requests_per_connection = 100'000;  // then Connection: close, so that load spreads again
  TcpLimits tcp;
  AcceptLimits accept;
};

/// One exchange with a destination.
struct ClientLimits {
  Duration connect = 10s;                  // name, TCP and TLS together
  Duration write = 30s;                    // a receiver that accepts and stops reading (F18)
  Duration answer = 30s;                   // from the last byte written to the complete answer
  std::size_t answer_bytes = 1024 * 1024;  // an ACK, an RRI; a FHIR client raises it for Bundles
  std::size_t other_frames = 64;  // frames that are not our answer, per message, then the peer is confused
  Duration after_end_block = 1s;  // as MllpLimits: an ACK that lacks its last CR
  std::size_t head_bytes = 16 * 1024;
  std::size_t header_fields = 100;
  TcpLimits tcp;
};

}  // namespace gateway::net
