/// A store in a directory of its own, with a clock that the test owns.
#pragma once

#include "fhir/json/reader.hpp"
#include "gateway/store/store.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace gateway::store {

inline std::string unique_directory() {
  static std::atomic<int> next{0};
  auto const path = std::filesystem::temp_directory_path() /
                    ("handoff-store-" + std::to_string(::getpid()) + "-" + std::to_string(next.fetch_add(1)));
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path.string();
}

/// Which engine a contract test runs on.
struct Engine {
  std::string name;
  std::function<fhir::Result<std::unique_ptr<Store>>(std::string const& directory, ClockMs clock)> open;
};

inline Engine sqlite_engine() {
  return {"sqlite", [](std::string const& directory, ClockMs clock) {
            SqliteOptions options;
            options.path = directory + "/handoff.db";
            return open_sqlite(options, std::move(clock));
          }};
}

constexpr std::int64_t kStartMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

struct StoreHome {
  std::string directory = unique_directory();
  std::shared_ptr<std::atomic<std::int64_t>> now = std::make_shared<std::atomic<std::int64_t>>(kStartMs);
  Engine engine = sqlite_engine();
  std::unique_ptr<Store> store;

  explicit StoreHome(Engine chosen = sqlite_engine()) : engine(std::move(chosen)) { open(); }
  StoreHome(StoreHome const&) = delete;
  StoreHome& operator=(StoreHome const&) = delete;
  ~StoreHome() {
    store.reset();
    std::filesystem::remove_all(directory);
  }

  std::string path() const { return directory + "/handoff.db"; }
  ClockMs clock() const {
    return [now = now] { return now->load(); };
  }
  void open() {
    store.reset();
    auto opened = engine.open(directory, clock());
    ASSERT_TRUE(opened) << opened.error().diagnostics;
    store = std::move(*opened);
  }
};

inline Compute put_json(std::string json, std::string interaction = "PUT") {
  return [json = std::move(json), interaction = std::move(interaction)](Unit& unit) -> fhir::Result<void> {
    FHIR_TRY(auto const resource, fhir::json::read(json, unit.arena()));
    FHIR_CHECK(unit.put(resource, "test", interaction));
    return {};
  };
}

inline Receipt must(fhir::Result<Receipt> receipt) {
  EXPECT_TRUE(receipt) << (receipt ? "" : receipt.error().diagnostics);
  return receipt ? std::move(*receipt) : Receipt{};
}

inline std::unique_ptr<Snapshot> view(Store& store) {
  auto snapshot = store.snapshot();
  EXPECT_TRUE(snapshot) << (snapshot ? "" : snapshot.error().diagnostics);
  return snapshot ? std::move(*snapshot) : nullptr;
}

}  // namespace gateway::store
