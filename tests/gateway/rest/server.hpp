/// The Api on a real SQLite store in a temporary folder, called without sockets. Clock and ids are the
/// test's.
#pragma once

#include "fhir/json/reader.hpp"
#include "gateway/rest/api.hpp"
#include "gateway/store/secret.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdlib.h>
#include <string>
#include <vector>

namespace gateway::rest::testing {

/// A folder that goes away with its owner.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "handoff-rest-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(Folder const&) = delete;
  Folder& operator=(Folder const&) = delete;
  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Writes straight to the store, with one rule of its own to stand for the record's: an Encounter is never
/// deleted.
class PlainWriter : public intake::Writer {
 public:
  explicit PlainWriter(store::Store& store) : store_(store) {}

  net::asio::awaitable<fhir::Result<store::Receipt>> commit(intake::Principal, intake::RequestFacts,
                                                            store::Compute write) override {
    store::Compute compute = [write = std::move(write)](store::Unit& unit) -> fhir::Result<void> {
      FHIR_CHECK(write(unit));
      for (auto const& change : unit.changes()) {
        if (change.type == "Encounter" && change.after == nullptr) {
          return fhir::error(fhir::IssueType::conflict,
                             "A record names this Encounter; use entered-in-error.");
        }
      }
      return {};
    };
    co_return store_.commit_and_wait(std::move(compute));
  }

  void returned(intake::Principal const& principal, std::vector<std::string> references) override {
    std::lock_guard const lock(mutex_);
    for (auto& reference : references) shown.push_back(principal.name + ' ' + reference);
  }

  std::vector<std::string> shown;

 private:
  store::Store& store_;
  std::mutex mutex_;
};

struct Reply {
  int status = 0;
  net::HttpHeaders headers;
  std::string body;
  std::shared_ptr<fhir::json::Document> document;  ///< The body, parsed; null when it is empty.

  fhir::json::Element const& json() const {
    static fhir::json::Element const none;
    return document ? document->root : none;
  }
  std::string header(std::string_view name) const { return std::string(headers.get(name)); }
  template <class... Steps>
  std::string text(Steps... steps) const {
    return std::string(json().text_of(steps...));
  }
  std::size_t entries() const {
    auto const* const list = json().find("entry");
    return list == nullptr ? 0 : list->size();
  }
  /// The URL behind a Bundle's link, without the base; "" when there is none.
  std::string link(std::string_view relation) const {
    auto const* const links = json().find("link");
    if (links == nullptr) return "";
    for (auto const& link : links->items()) {
      if (link.text_at("relation") == relation) {
        return std::string(link.text_at("url").substr(std::string_view("http://127.0.0.1:8080").size()));
      }
    }
    return "";
  }
  /// "error not-found Patient.id" of the first issue.
  std::string issue() const {
    std::string out = text("issue", 0, "severity") + ' ' + text("issue", 0, "code");
    std::string const expression = text("issue", 0, "expression", 0);
    return expression.empty() ? out : out + ' ' + expression;
  }
};

class Server {
 public:
  explicit Server(Judging judging = Judging::structure) : judging_(judging) { start(); }

  /// As a process that ends and is started again on the same database.
  void restart() {
    api_.reset();
    writer_.reset();
    store_.reset();
    start();
  }

 private:
  void start() {
    store::SqliteOptions options;
    options.path = (folder_.path() / "handoff.db").string();
    auto opened = store::open_sqlite(options, [this] { return now_ms.load(); });
    if (!opened) throw std::runtime_error(fhir::to_line(opened.error()));
    store_ = *std::move(opened);
    writer_ = std::make_unique<PlainWriter>(*store_);
    auto const page_key = store::load_secret(options.path, "page-links");
    if (!page_key) throw std::runtime_error(fhir::to_line(page_key.error()));
    ApiOptions api{
        *store_, *writer_, [this] { return now_ms.load(); }, [this] { return std::to_string(++last_id); }, {},
        {},      *page_key};
    api.judging = judging_;
    api.remote = remote;
    api_ = std::make_unique<Api>(std::move(api));
  }

 public:
  Reply call(std::string method, std::string target, std::string body = {}, net::HttpHeaders headers = {}) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = std::move(headers);
    if (!body.empty() && !request.headers.contains("Content-Type")) {
      request.headers.add("Content-Type", "application/fhir+json");
    }
    request.body = std::move(body);
    request.request_id = "r-1";
    return send(std::move(request));
  }
  Reply get(std::string target, net::HttpHeaders headers = {}) {
    return call("GET", std::move(target), {}, std::move(headers));
  }
  Reply post(std::string target, std::string body, net::HttpHeaders headers = {}) {
    return call("POST", std::move(target), std::move(body), std::move(headers));
  }
  Reply put(std::string target, std::string body, net::HttpHeaders headers = {}) {
    return call("PUT", std::move(target), std::move(body), std::move(headers));
  }
  Reply remove(std::string target, net::HttpHeaders headers = {}) {
    return call("DELETE", std::move(target), {}, std::move(headers));
  }

  store::Store& store() { return *store_; }
  PlainWriter& writer() { return *writer_; }

  std::atomic<std::int64_t> now_ms{1'741'000'000'000};  // 2025-03-03T11:06:40Z
  std::atomic<int> last_id{0};
  std::string principal = "riverside";
  std::optional<Judging> judging;                     ///< Of what the principal writes.
  std::shared_ptr<terminology::RemoteServer> remote;  ///< From the next restart() on.

 private:
  Reply send(net::HttpRequest request) {
    net::asio::io_context io;
    net::HttpResponse response;
    std::exception_ptr failure;
    intake::Principal who;
    who.name = principal;
    who.source = principal;
    who.judging = judging;
    net::asio::co_spawn(io, api_->handle(std::move(request), std::move(who)),
                        [&](std::exception_ptr thrown, net::HttpResponse answer) {
                          failure = thrown;
                          response = std::move(answer);
                        });
    io.run();
    if (failure) std::rethrow_exception(failure);
    Reply reply{response.status, std::move(response.headers), std::move(response.body), nullptr};
    if (!reply.body.empty()) {
      auto parsed = fhir::json::read_document(reply.body);
      if (!parsed) throw std::runtime_error("The answer is no JSON: " + fhir::to_line(parsed.error()));
      reply.document = std::make_shared<fhir::json::Document>(*std::move(parsed));
    }
    return reply;
  }

  Judging judging_;
  Folder folder_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<PlainWriter> writer_;
  std::unique_ptr<Api> api_;
};

inline std::string patient(std::string_view id, std::string_view family, std::string_view identifier = {}) {
  std::string out = R"({"resourceType":"Patient")";
  if (!id.empty()) out += R"(,"id":")" + std::string(id) + '"';
  if (!identifier.empty()) {
    out += R"(,"identifier":[{"system":"urn:example:mrn","value":")" + std::string(identifier) + R"("}])";
  }
  return out + R"(,"name":[{"family":")" + std::string(family) + R"("}]})";
}

}  // namespace gateway::rest::testing
