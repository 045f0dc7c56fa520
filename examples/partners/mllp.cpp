#include "examples/partners/mllp.hpp"

#include "examples/partners/v2.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <stdexcept>

namespace partners {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;

namespace {

constexpr char kStart = '\x0b';
constexpr std::string_view kEnd = "\x1c\r";

ssl::context make_context(Certificates const& files, bool server) {
  ssl::context context(server ? ssl::context::tls_server : ssl::context::tls_client);
  context.use_certificate_chain_file(files.certificate);
  context.use_private_key_file(files.key, ssl::context::pem);
  context.load_verify_file(files.ca);
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

template <class Stream>
void write_frame(Stream& stream, std::string const& message) {
  std::string const frame = kStart + message + std::string(kEnd);
  asio::write(stream, asio::buffer(frame));
}

/// The next frame's payload; throws at the end of the stream.
template <class Stream>
std::string read_frame(Stream& stream, std::string& buffer) {
  std::size_t const size = asio::read_until(stream, asio::dynamic_buffer(buffer), kEnd);
  std::string const frame = buffer.substr(0, size);
  buffer.erase(0, size);
  if (frame.empty() || frame.front() != kStart) throw std::runtime_error("not an MLLP frame");
  return frame.substr(1, frame.size() - 1 - kEnd.size());
}

template <class Stream>
std::string exchange(Stream& stream, std::string const& message) {
  write_frame(stream, message);
  std::string buffer;
  return read_frame(stream, buffer);
}

}  // namespace

void Transcript::write(std::string const& direction, std::string text) {
  for (char& c : text) {
    if (c == '\r') c = '\n';
  }
  std::lock_guard const lock(mutex_);
  file_ << "--- " << direction << "\n" << text << "\n" << std::flush;
}

std::string send_mllp(std::uint16_t port, Certificates const& certificates, std::string const& message) {
  asio::io_context context;
  tcp::endpoint const endpoint(asio::ip::address_v4::loopback(), port);
  if (certificates.certificate.empty()) {
    tcp::socket socket(context);
    socket.connect(endpoint);
    return exchange(socket, message);
  }
  auto tls = make_context(certificates, false);
  ssl::stream<tcp::socket> stream(context, tls);
  stream.lowest_layer().connect(endpoint);
  stream.set_verify_callback(ssl::host_name_verification("localhost"));
  stream.handshake(ssl::stream_base::client);
  return exchange(stream, message);
}

MllpSink::MllpSink(Certificates certificates, std::function<std::string(std::string const&)> answer,
                   Transcript& transcript)
    : certificates_(std::move(certificates)), answer_(std::move(answer)), transcript_(transcript) {
  tcp::endpoint const endpoint(asio::ip::address_v4::loopback(), 0);
  acceptor_.open(endpoint.protocol());
  acceptor_.bind(endpoint);
  acceptor_.listen();
  port_ = acceptor_.local_endpoint().port();
  thread_ = std::thread([this] { serve(); });
}

MllpSink::~MllpSink() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  // A blocking accept hears nothing of a close; a connection of our own wakes it.
  asio::io_context context;
  tcp::socket knock(context);
  boost::system::error_code ignored;
  knock.connect({asio::ip::address_v4::loopback(), port_}, ignored);
  thread_.join();
}

void MllpSink::serve() {
  for (;;) {
    tcp::socket socket(context_);
    boost::system::error_code failed;
    acceptor_.accept(socket, failed);
    {
      std::lock_guard const lock(mutex_);
      if (stopping_ || failed) return;
    }
    // One sender at a time, as many real receivers have it; the conversation ends when the sender closes.
    try {
      if (certificates_.certificate.empty()) {
        converse(socket);
      } else {
        auto tls = make_context(certificates_, true);
        ssl::stream<tcp::socket> stream(std::move(socket), tls);
        stream.handshake(ssl::stream_base::server);
        converse(stream);
      }
    } catch (std::exception const&) {
      // The sender hung up or spoke no MLLP: the next connection may do better.
    }
  }
}

template <class Stream>
void MllpSink::converse(Stream& stream) {
  std::string buffer;
  for (;;) {
    std::string const text = read_frame(stream, buffer);
    transcript_.write("received", text);
    std::string const answer = answer_(text);
    {
      std::lock_guard const lock(mutex_);
      received_.push_back(text);
      taken_.push_back(false);
    }
    arrived_.notify_all();
    transcript_.write("answered", answer);
    write_frame(stream, answer);
  }
}

std::string MllpSink::take(std::string const& event, std::chrono::milliseconds patience) {
  auto const until = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  for (;;) {
    for (std::size_t i = 0; i < received_.size(); ++i) {
      if (taken_[i] || event_of(received_[i]) != event) continue;
      taken_[i] = true;
      return received_[i];
    }
    if (arrived_.wait_until(lock, until) == std::cv_status::timeout) return {};
  }
}

std::vector<std::string> MllpSink::events() const {
  std::lock_guard const lock(mutex_);
  std::vector<std::string> all;
  for (std::string const& one : received_) all.push_back(event_of(one));
  return all;
}

}  // namespace partners
