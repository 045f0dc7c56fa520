/// What every benchmark here shares: alternating rounds, medians, and one line of the table per path.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <time.h>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// CPU time of the calling thread: what other programs on the machine do does not enter it.
inline double thread_cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The value that a share of all values does not exceed.
inline double quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  auto const at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

/// What one side of a comparison did in one round.
struct Measured {
  double per_second = 0;
  double cpu_us = 0;  ///< Per item; 0 where it is not known.
  double p50_ms = 0, p99_ms = 0;
};

struct Comparison {
  Measured ours, ceiling;
  double ratio = 0;  ///< Median of the rounds' ratios.
};

/// One round of each, over and over (A B A B), and the medians.
Comparison compare(int rounds, std::function<Measured()> const& ours,
                   std::function<Measured()> const& ceiling);

/// Items per second of CPU, on this thread alone: `work` is called until `seconds` of CPU are used up.
Measured per_cpu_second(double seconds, std::function<void()> const& work);

/// One line: path, both rates, ratio, goal and first bar as performance.md section 2 states them.
void print_line(std::string const& path, Comparison const& result, std::string const& goal,
                std::string const& bar);
/// A remark below the line before.
void print_note(std::string const& text);

}  // namespace bench
