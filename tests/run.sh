#!/usr/bin/env bash
# Builds Handoff and runs every test: all of them under AddressSanitizer and UndefinedBehaviorSanitizer, those with threads
# under ThreadSanitizer too. Installs what is missing. Ends with ctest's summary.
#   tests/run.sh             all of it
#   KILLS=1000 tests/run.sh  with as many kills in the crash test (default 50)
set -euo pipefail
cd "$(dirname "$0")/.."

bash tests/install.sh
jobs=$(nproc)
# Tests with real sockets and killed processes share two cores with each other; one that fails alone gets a second try, and
# ctest's output shows that it did.
again=(--repeat until-pass:2)

echo "== ThreadSanitizer"
cmake --preset tsan
cmake --build --preset tsan --target threaded_tests -- -j"$jobs"
ctest --preset tsan -L threads -j"$jobs" --no-tests=error "${again[@]}"

echo "== AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset debug
cmake --build --preset debug -- -j"$jobs"
ctest --preset debug -j"$jobs" --no-tests=error "${again[@]}"
