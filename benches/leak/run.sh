#!/usr/bin/env bash
# The leak search on the traffic of the demo's journey, beside decoding the same requests; then what it adds to `decode`
# on the decoder's HAR of 52 MB. All in one run, so that a noisy machine is noisy for all.
#
# Usage: benches/leak/run.sh      needs: node, and what `just bench-leak` builds
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
target="$here/../target/release"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Exit code 1: the leaky build is found out.
"$target/pixelwitness" demo --build leaky --out "$work/bundle" > "$work/summary" 2> "$work/said" || [ $? -eq 1 ]
"$target/examples/leak_search" "$work/bundle"

node "$here/decode/generate.mjs" "$work/bench.har"
node "$here/leak/har.mjs" "$target/pixelwitness" "$work/bench.har"
