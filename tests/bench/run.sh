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

# What resources cost to read, judge and search for values: issue 4, figures 8 and 9.
echo
"$programs/validate_bench"

# FHIRPath beside fhirpath.js, in turns, median of the rounds; theirs comes from npm, once.
echo
javascript=build/release/fhirpath-js
if ! command -v npm >/dev/null; then
  echo "FHIRPath: skipped, npm is not installed"
elif ! { mkdir -p "$javascript" && { [ -d "$javascript/node_modules/fhirpath" ] ||
  npm install --silent --no-audit --no-fund --prefix "$javascript" fhirpath@5.2.2 >/dev/null; }; }; then
  echo "FHIRPath: skipped, npm could not fetch fhirpath"
else
  rm -f "$javascript"/round-*
  for round in 1 2 3; do
    "$programs/fhirpath_bench" "$javascript" >"$javascript/round-$round-ours"
    node tests/bench/fhirpath.mjs "$javascript/cases.json" "$PWD/$javascript" >"$javascript/round-$round-theirs"
  done
  printf '%-44s %12s %12s %8s\n' 'FHIRPath, evaluations per second' ours fhirpath.js ratio
  for round in 1 2 3; do
    paste "$javascript/round-$round-ours" "$javascript/round-$round-theirs"
  done | awk -F'\t' '
    function middle(a, b, c) { return a > b ? (b > c ? b : (a > c ? c : a)) : (a > c ? a : (b > c ? c : b)) }
    !($1 in seen) { seen[$1] = 0; order[++cases] = $1 }
    { n = ++seen[$1]; ours[$1, n] = $2; theirs[$1, n] = $5; ratio[$1, n] = $5 > 0 ? $2 / $5 : 0 }
    $3 != $6 { differ[$1] = " gives " $3 " items, theirs " $6 }
    END {
      for (i = 1; i <= cases; ++i) {
        name = order[i]
        r = middle(ratio[name, 1], ratio[name, 2], ratio[name, 3])
        product += log(r); met += r >= 20
        printf "%-44s %12d %12d %8.1f%s\n", name, middle(ours[name, 1], ours[name, 2], ours[name, 3]),
               middle(theirs[name, 1], theirs[name, 2], theirs[name, 3]), r, differ[name]
      }
      printf "%d of %d cases reach 20 x; geometric mean %.1f x\n", met, cases, exp(product / cases)
    }'
fi
