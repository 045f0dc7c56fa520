/// A load generator: so many connections, each sends its next request when the answer to the last one has
/// come. One thread, epoll, and nothing of the gateway's code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Load {
  std::uint16_t port = 0;
  int connections = 1;
  std::size_t requests = 0;                                  ///< In all.
  std::function<std::string_view(std::size_t)> request;      ///< The n-th, whole; good until the next call.
  std::function<std::size_t(std::string_view)> answer_size;  ///< Of the first whole answer; 0: more to come.
  std::function<bool(std::string_view)> is_good;
};

struct LoadResult {
  double seconds = 0;
  std::size_t good = 0, bad = 0;
  std::vector<double> latency_ms;
  std::string first_bad;  ///< An answer that was not good: what went wrong, for a person.
};

/// Throws std::runtime_error when a connection is lost.
LoadResult run(Load const& load);

std::size_t mllp_answer_size(std::string_view received);
std::size_t http_answer_size(std::string_view received);
bool is_http_success(std::string_view answer);

/// This thread (and what it starts) on one core from now on; -1: on all.
void pin(int core);

}  // namespace bench
