#include "gateway/net/mllp_client.hpp"

#include "gateway/net/connect.hpp"
#include "gateway/net/mllp_framer.hpp"
#include "gateway/net/stream.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace gateway::net {
namespace {

using Clock = std::chrono::steady_clock;
using fhir::IssueType;
using fhir::Result;

// MLLP Release 2: <VT> ACK <FS> <CR> and <VT> NAK <FS> <CR> come from the transport, not from the
// application.
constexpr std::string_view kTransportAck = "\x06";
constexpr std::string_view kTransportNak = "\x15";

// Bytes seen waiting before a send are there; TLS may still have none for us (a session ticket).
constexpr Duration kUnaskedPatience = 5ms;

FramerOptions to_framer_options(MllpClientOptions const& options) {
  FramerOptions framer;
  framer.frame_bytes = options.limits.answer_bytes;
  framer.accept_unframed = options.accept_unframed_answer;
  return framer;
}

std::string_view take_field(std::string_view& rest, char separator) {
  auto const end = std::min(rest.find(separator), rest.size());
  auto const field = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return field;
}

}  // namespace

AnswerHead read_answer_head(std::string_view payload) {
  AnswerHead head;
  head.has_msh = payload.starts_with("MSH") && payload.size() > 3;
  char const separator = head.has_msh ? payload[3] : '|';
  for (auto rest = payload; !rest.empty();) {
    auto const end = std::min(rest.find_first_of("\r\n"), rest.size());
    auto segment = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!segment.starts_with("MSA") || segment.size() < 4 || segment[3] != separator) continue;
    segment.remove_prefix(4);
    head.has_msa = true;
    head.code = take_field(segment, separator);
    head.control_id = take_field(segment, separator);
    break;
  }
  return head;
}

struct MllpClient::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor its_executor, MllpClientOptions its_options)
      : executor(std::move(its_executor)), options(std::move(its_options)) {}

  asio::awaitable<Result<std::string>> send(std::string payload, std::string control_id,
                                            Duration answer_timeout, bool is_answer_due);
  asio::awaitable<Result<std::string>> exchange(std::string payload, std::string control_id,
                                                Duration timeout);
  asio::awaitable<Result<void>> make_ready();
  asio::awaitable<void> read_unasked();
  asio::awaitable<Result<void>> write(std::string frame);
  asio::awaitable<Result<std::string>> await_answer(std::string control_id, Clock::time_point until);
  std::optional<Result<std::string>> look_for_answer(std::string_view control_id);
  std::optional<Result<std::string>> judge(FramerEvent event, std::string_view control_id);
  void pass_on(std::string payload);
  bool ready() const { return stream && stream->is_open(); }
  void close();

  asio::any_io_executor executor;
  MllpClientOptions options;
  MllpClientCounters counters;
  std::optional<Stream> stream;
  MllpFramer framer;
  std::array<char, 4096> chunk;
  std::size_t other_frames = 0;  // since the last send began
  bool sending = false;
  bool given_up = false;  // close() was called during a send
};

asio::awaitable<Result<std::string>> MllpClient::State::send(std::string payload, std::string control_id,
                                                             Duration answer_timeout, bool is_answer_due) {
  auto const self = shared_from_this();
  if (sending) co_return fhir::error(IssueType::conflict, "MLLP: another message is in flight");
  struct Sending {
    bool& flag;
    explicit Sending(bool& its_flag) : flag(its_flag) { flag = true; }
    ~Sending() { flag = false; }
  } const in_flight(sending);
  if (!fits_mllp_frame(payload)) co_return fhir::error(IssueType::value, "MLLP: the message holds VT or FS");
  auto answer = co_await exchange(std::move(payload), std::move(control_id), answer_timeout);
  if (!is_answer_due && !answer && answer.error().code == IssueType::timeout && ready())
    co_return std::string{};
  // S4: whatever went wrong, nothing that comes late may meet the next message. A transport NAK is a clean
  // answer.
  if (!answer && answer.error().code != IssueType::no_store) close();
  co_return answer;
}

asio::awaitable<Result<std::string>> MllpClient::State::exchange(std::string payload, std::string control_id,
                                                                 Duration timeout) {
  other_frames = 0;
  given_up = false;
  auto const usable = co_await make_ready();
  if (!usable) co_return usable.error();
  if (given_up) co_return fhir::error(IssueType::transient, "MLLP: closed before the message was written");
  auto frame = to_mllp_frame(payload);
  auto const written = co_await write(std::move(frame));
  if (!written) co_return written.error();
  ++counters.sent;
  co_return co_await await_answer(std::move(control_id), Clock::now() + timeout);
}

/// An open connection with nothing old left to read on it.
asio::awaitable<Result<void>> MllpClient::State::make_ready() {
  if (ready()) co_await read_unasked();
  if (ready()) co_return Result<void>{};
  framer = MllpFramer(to_framer_options(options));
  ConnectOptions wanted{options.host, options.port, options.tls, nullptr, options.limits.tcp};
  auto connected = co_await connect(executor, std::move(wanted), options.limits.connect);
  if (!connected) {
    ++counters.connect_failures;
    auto issue = std::move(connected).error();
    if (issue.code == IssueType::timeout) issue.code = IssueType::transient;  // nothing was written
    co_return issue;
  }
  ++counters.connects;
  stream.emplace(std::move(*connected));
  co_return Result<void>{};
}

/// What came since the last answer: a late ACK, a message of the receiver's own, or its goodbye.
asio::awaitable<void> MllpClient::State::read_unasked() {
  // What came in one read with the last answer: an application answer behind a commit answer.
  if (auto const verdict = look_for_answer({}); verdict && !*verdict) close();
  while (ready() && stream->has_input()) {
    auto const [error, bytes] = co_await stream->read_some(asio::buffer(chunk), kUnaskedPatience);
    if (error == asio::error::timed_out) co_return;
    if (error) {
      close();
      co_return;
    }
    framer.feed({chunk.data(), bytes});
    auto const verdict = look_for_answer({});
    if (verdict && !*verdict) close();
  }
}

asio::awaitable<Result<void>> MllpClient::State::write(std::string frame) {
  std::array<asio::const_buffer, 1> const buffers{asio::buffer(frame)};
  auto const [error, bytes] = co_await stream->write(buffers, options.limits.write);
  if (!error) co_return Result<void>{};
  if (error == asio::error::timed_out) ++counters.timeouts;
  auto const code =
      bytes == 0 && error != asio::error::timed_out ? IssueType::transient : IssueType::incomplete;
  co_return fhir::error(code, "MLLP: cannot write the message: " + error.message());
}

asio::awaitable<Result<std::string>> MllpClient::State::await_answer(std::string control_id,
                                                                     Clock::time_point until) {
  for (;;) {
    auto const left = std::chrono::duration_cast<Duration>(until - Clock::now());
    if (left <= Duration::zero()) {
      ++counters.timeouts;
      co_return fhir::error(IssueType::timeout, "MLLP: no answer in time");
    }
    auto const patience = framer.ends_on_idle() ? std::min(left, options.limits.after_end_block) : left;
    auto const [error, bytes] = co_await stream->read_some(asio::buffer(chunk), patience);
    if (!error) framer.feed({chunk.data(), bytes});
    if (error == asio::error::timed_out) framer.on_idle();
    auto const ended = error && error != asio::error::timed_out;
    if (ended) framer.finish();
    auto verdict = look_for_answer(control_id);
    if (ended && !(verdict && *verdict)) {
      co_return fhir::error(IssueType::incomplete, "MLLP: the connection ended before an answer");
    }
    if (ended) close();
    if (verdict) co_return std::move(*verdict);
  }
}

/// The answer, or the error that ends the wait; nothing to go on waiting.
std::optional<Result<std::string>> MllpClient::State::look_for_answer(std::string_view control_id) {
  while (auto event = framer.next()) {
    if (auto verdict = judge(std::move(*event), control_id)) return verdict;
  }
  return std::nullopt;
}

std::optional<Result<std::string>> MllpClient::State::judge(FramerEvent event, std::string_view control_id) {
  auto const malformed = [this](std::string text) {
    ++counters.malformed;
    return Result<std::string>(fhir::error(IssueType::structure, "MLLP: " + std::move(text)));
  };
  switch (event.kind) {
    case FramerEvent::Kind::junk:
      return std::nullopt;
    case FramerEvent::Kind::lost:
      return malformed("what came back is not framed");
    case FramerEvent::Kind::damaged:
      return malformed("the answer is not one whole frame");
    case FramerEvent::Kind::frame:
      break;
  }
  if (event.bytes == kTransportAck) {
    ++counters.transport_acks;
    return std::nullopt;
  }
  if (event.bytes == kTransportNak) {
    ++counters.transport_acks;
    return Result<std::string>(fhir::error(IssueType::no_store, "MLLP: negative commit acknowledgement"));
  }
  auto const head = read_answer_head(event.bytes);
  auto const bare_msa = !head.has_msh && event.bytes.starts_with("MSA") && options.accept_bare_msa;
  if (!head.has_msh && !bare_msa) return malformed("the answer has no MSH");
  if (head.has_msa && !control_id.empty() && head.control_id == control_id) {
    ++counters.answers;
    return Result<std::string>(std::move(event.bytes));
  }
  if (head.has_msa) ++counters.other_control_ids;
  pass_on(std::move(event.bytes));
  if (++other_frames > options.limits.other_frames)
    return malformed("too many frames that answer something else");
  return std::nullopt;
}

void MllpClient::State::pass_on(std::string payload) {
  if (options.on_other) options.on_other(std::move(payload));
}

void MllpClient::State::close() {
  if (stream) stream->close();
}

MllpClient::MllpClient(asio::any_io_executor executor, MllpClientOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(options))) {}

MllpClient::~MllpClient() { close(); }

MllpClient::MllpClient(MllpClient&&) noexcept = default;
MllpClient& MllpClient::operator=(MllpClient&& other) noexcept {
  close();
  state_ = std::move(other.state_);
  return *this;
}

asio::awaitable<Result<std::string>> MllpClient::send(std::string payload, std::string control_id) {
  auto const timeout = state_->options.limits.answer;
  return state_->send(std::move(payload), std::move(control_id), timeout, true);
}

asio::awaitable<Result<std::string>> MllpClient::send(std::string payload, std::string control_id,
                                                      Duration answer_timeout) {
  return state_->send(std::move(payload), std::move(control_id), answer_timeout, true);
}

asio::awaitable<Result<std::string>> MllpClient::send_and_watch(std::string payload, std::string control_id,
                                                                Duration alive) {
  return state_->send(std::move(payload), std::move(control_id), alive, false);
}

asio::awaitable<void> MllpClient::listen() {
  auto const state = state_;
  if (!state->sending) co_await state->read_unasked();
}

void MllpClient::close() {
  if (state_ == nullptr) return;
  state_->given_up = true;
  state_->close();
}

bool MllpClient::connected() const { return state_->ready(); }

MllpClientCounters const& MllpClient::counters() const { return state_->counters; }

}  // namespace gateway::net
