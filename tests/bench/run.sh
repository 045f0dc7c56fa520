#!/usr/bin/env bash
# The benchmark table of this machine: every path beside a ceiling that is measured in the same run, in turns.
# Nothing here fails for being slow; the figures that matter are the ratios and the instruction counts.
#
#   tests/bench/run.sh              about three minutes once built
#   BENCH_RESOURCES=20000 BENCH_MESSAGES=500 tests/bench/run.sh    a quicker look
#   JOBS=4 tests/bench/run.sh       how many compilers at once
set -euo pipefail
cd "$(dirname "$0")/../.."

cmake --preset release >/dev/null
cmake --build build/release --target benchmarks handoff -j "${JOBS:-$(nproc)}" | tail -1
programs=build/release/tests/bench

echo
echo "$(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(uname -sr), load $(cut -d' ' -f1 /proc/loadavg)"
echo "ratio: the median of the rounds' ratios. Translation: per second of one core's CPU time. Goals: design performance.md."
echo
printf '%-44s %10s %10s %6s %5s  %-20s %8s %8s %8s %8s\n' \
  path ours/s ceiling/s ratio goal 'first bar' 'p50 ms' 'p99 ms' 'CPU us' 'ceil. us'
"$programs/translate_bench"
"$programs/server_bench"

# Instruction counts do not depend on what else the machine does. Debian's valgrind stops at clang's DWARF 5.
instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no --toggle-collect=bench_items \
    "$programs/translate_bench_stripped" once "$1" 2>&1 | sed -n 's/.*Collected : *//p'
}
if command -v valgrind >/dev/null; then
  strip --strip-debug -o "$programs/translate_bench_stripped" "$programs/translate_bench"
  echo
  printf '%-44s %10s %10s %6s\n' 'instructions per item' ours ceiling ratio
  for path in forward reverse reverse-ref examine; do
    ours=$(instructions "$path")
    ceiling=$(instructions "$path-ceiling")
    awk -v path="$path" -v ours="$ours" -v ceiling="$ceiling" \
      'BEGIN { printf "%-44s %10d %10d %6.2f\n", path, ours / 100, ceiling / 100, ceiling / ours }'
  done
else
  echo "instructions per item: valgrind is not installed"
fi
