/// gateway/net: sockets, TLS, MLLP and HTTP/1.1, and nothing of what the bytes mean.
///
/// Listeners hand each complete message to a handler and write its answer back in order; clients send one
/// message and return the answer. Pure parts (mllp_framer, http_head_check, url) do no I/O and are tested
/// without a socket. The room may call fhir/result.hpp for its errors and nothing else of ours: no store, no
/// translation, no logging of payloads. Every limit and timeout stands in limits.hpp. Threads: one io_context
/// and one thread per core (runtime.hpp); a connection stays on the thread it was given to, so nothing here
/// takes a lock per message. Only http_parser.cpp includes Beast, only tls.cpp and stream.cpp include Asio's
/// TLS.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace gateway::net {
namespace asio = boost::asio;
}
