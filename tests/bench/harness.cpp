#include "tests/bench/harness.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace bench {

namespace {

constexpr int kBatch = 16;  // items between two looks at the clock

double middle(std::vector<Measured> const& all, double Measured::*member) {
  std::vector<double> values;
  for (Measured const& one : all) values.push_back(one.*member);
  return median(std::move(values));
}

Measured middle(std::vector<Measured> const& all) {
  return {middle(all, &Measured::per_second), middle(all, &Measured::cpu_us), middle(all, &Measured::p50_ms),
          middle(all, &Measured::p99_ms)};
}

std::string or_dash(double value, int digits) {
  return value == 0 ? "-" : fmt::format("{:.{}f}", value, digits);
}

}  // namespace

Comparison compare(int rounds, std::function<Measured()> const& ours,
                   std::function<Measured()> const& ceiling) {
  std::vector<Measured> left, right;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    left.push_back(ours());
    right.push_back(ceiling());
    ratios.push_back(left.back().per_second / right.back().per_second);
  }
  return {middle(left), middle(right), median(std::move(ratios))};
}

Measured per_cpu_second(double seconds, std::function<void()> const& work) {
  double const start = thread_cpu_seconds();
  double used = 0;
  int items = 0;
  while (used < seconds) {
    for (int item = 0; item < kBatch; ++item) work();
    items += kBatch;
    used = thread_cpu_seconds() - start;
  }
  return {items / used, used * 1e6 / items, 0, 0};
}

void print_line(std::string const& path, Comparison const& result, std::string const& goal,
                std::string const& bar) {
  fmt::print("{:<44} {:>10.0f} {:>10.0f} {:>6.2f} {:>5}  {:<20} {:>8} {:>8} {:>8} {:>8}\n", path,
             result.ours.per_second, result.ceiling.per_second, result.ratio, goal, bar,
             or_dash(result.ours.p50_ms, 2), or_dash(result.ours.p99_ms, 2), or_dash(result.ours.cpu_us, 1),
             or_dash(result.ceiling.cpu_us, 1));
  std::fflush(stdout);
}

void print_note(std::string const& text) {
  fmt::print("    {}\n", text);
  std::fflush(stdout);
}

}  // namespace bench
