#include "tests/support/scripted_hook.hpp"

#include "tests/support/scripted_receiver.hpp"

#include <sys/socket.h>

namespace support {

namespace {

using namespace std::chrono_literals;

/// Reads one HTTP/1.1 request with a Content-Length; false when the connection ended within it.
bool read_request(Socket const& socket, ScriptedHook::Request& request) {
  constexpr std::string_view kLength = "content-length:";
  std::string bytes;
  for (;;) {
    char chunk[4096];
    auto const count = recv(socket.descriptor(), chunk, sizeof chunk, 0);
    if (count <= 0) return false;
    bytes.append(chunk, static_cast<std::size_t>(count));
    auto const end = bytes.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    request.head = bytes.substr(0, end);
    std::string lower = request.head;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    auto const at = lower.find(kLength);
    std::size_t const size = at == std::string::npos ? 0 : std::stoul(lower.substr(at + kLength.size()));
    request.body = bytes.substr(end + 4);
    if (request.body.size() >= size) return true;
  }
}

}  // namespace

ScriptedHook::ScriptedHook(std::vector<int> answers)
    : answers_(std::move(answers)), thread_([this] { serve(); }) {}

ScriptedHook::~ScriptedHook() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  thread_.join();
}

std::vector<ScriptedHook::Request> ScriptedHook::wait_for(std::size_t count) const {
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
  return requests_;
}

/// One request a connection: simple, and every notification shows that it can open one.
void ScriptedHook::serve() {
  for (;;) {
    Socket const socket = listener_.accept(20ms);
    {
      std::lock_guard const lock(mutex_);
      if (stopping_) return;
    }
    Request request;
    if (!socket.is_open() || !read_request(socket, request)) continue;
    {
      std::lock_guard const lock(mutex_);
      request.status = requests_.size() < answers_.size() ? answers_[requests_.size()] : 204;
    }
    if (request.status != 0) {
      std::string const answer = "HTTP/1.1 " + std::to_string(request.status) +
                                 " Scripted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      send(socket.descriptor(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    {
      std::lock_guard const lock(mutex_);
      requests_.push_back(std::move(request));
    }
    arrived_.notify_all();
  }
}

}  // namespace support
