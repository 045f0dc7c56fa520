#!/usr/bin/env bash
# Installs what Handoff is built and tested with on Debian 12, where it is missing. Called by examples/run.sh and
# tests/run.sh; needs root or sudo only when something is missing.
set -euo pipefail

packages=(
  clang-16 clang-format-16 lld-16 libclang-rt-16-dev llvm-16 cmake ninja-build ccache git ca-certificates openssl
  libboost1.81-dev rapidjson-dev libssl-dev libsqlite3-dev tao-pegtl-dev libyaml-cpp-dev libcli11-dev libfmt-dev
  libspdlog-dev prometheus-cpp-dev libicu-dev zlib1g-dev libre2-dev libpugixml-dev
  libxml2-utils pkg-config
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
