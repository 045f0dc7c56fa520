/// A FHIR partner's two ends: a REST client, and the endpoint that rest-hook notifications come to. Blocking,
/// with RapidJSON as any EHR's own code might have it; nothing of Handoff's.
#pragma once

#include "examples/partners/mllp.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <rapidjson/document.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace partners {

struct FhirAnswer {
  int status = 0;
  std::string etag;
  std::string location;
  std::string text;  ///< The body as it came.
  rapidjson::Document body;
};

class FhirClient {
 public:
  /// `base` is "http://127.0.0.1:8080/fhir".
  FhirClient(std::string const& base, std::string token, Transcript& transcript);

  FhirAnswer get(std::string const& path);
  FhirAnswer post(std::string const& path, std::string const& body, std::string const& if_none_exist = {});
  FhirAnswer put(std::string const& path, std::string const& body, std::string const& if_match = {});

 private:
  FhirAnswer request(std::string const& method, std::string const& path, std::string const& body,
                     std::vector<std::pair<std::string, std::string>> const& headers);

  std::string host_;
  std::uint16_t port_ = 0;
  std::string prefix_;
  std::string token_;
  Transcript& transcript_;
};

/// What a notification said: "PUT /hook/Task/1" and its body.
struct Notification {
  std::string method;
  std::string target;
  std::string body;
};

class HookSink {
 public:
  explicit HookSink(Transcript& transcript);
  ~HookSink();
  std::uint16_t port() const { return port_; }
  /// Waits for a notification, not taken before, that satisfies `wanted`; an empty method after `patience`.
  Notification take(std::function<bool(Notification const&)> const& wanted,
                    std::chrono::milliseconds patience);

 private:
  void serve();

  Transcript& transcript_;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_{context_};
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Notification> received_;
  bool stopping_ = false;
  std::thread thread_;
};

/// The value at a path of names and indexes ("entry", "0", "resource"); nullptr where it ends.
rapidjson::Value const* at(rapidjson::Value const& value, std::vector<std::string> const& path);
/// Its text (strings, numbers, booleans), "" when absent.
std::string text_at(rapidjson::Value const& value, std::vector<std::string> const& path);
std::string to_text(rapidjson::Value const& value);

}  // namespace partners
