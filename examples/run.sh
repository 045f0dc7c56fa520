#!/usr/bin/env bash
# Plays Handoff's story on this machine: a referral there and back and a hospital stay, between a practice that speaks FHIR
# and two partners that speak HL7 v2, over real sockets on loopback. Installs what is missing, builds, and runs.
#   examples/run.sh          plays it and leaves the gateway running
#   examples/run.sh --once   plays it; exits 0 only if every expected fact was read back, else 1 naming the one that was not
# HANDOFF_EXAMPLE_FOLDER is where database, certificates and transcripts go (default: build/example).
set -euo pipefail
cd "$(dirname "$0")/.."

bash tests/install.sh
cmake --preset release
cmake --build --preset release --target handoff handoff_story

folder=${HANDOFF_EXAMPLE_FOLDER:-build/example}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ -f "$folder/certs/handoff.crt" ] || sh certs/make.sh "$folder/certs" handoff heart-clinic

exec build/release/handoff_story --handoff build/release/handoff --config examples/handoff.yaml --folder "$folder" "$@"
