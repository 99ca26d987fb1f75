#!/usr/bin/env bash
# Holds the HTML report against axe-core and against Chromium: no serious violation in light, dark and on a telephone, nothing
# asked of anybody, nothing wider than the window, and nothing in it that captured text made, however hostile. Needs node, npm
# and Chromium; only npm's registry is contacted.
#
# Usage: tests/report/validate.sh [PIXELWITNESS]
#   PIXELWITNESS_BROWSER=path/to/chromium (default chromium, from the PATH)
set -euo pipefail
cd "$(dirname "$0")/../.."
pixelwitness=$(realpath "${1:-target/release/pixelwitness}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work/npm" axe-core@4.14.1 >/dev/null
# It exits with 1 for what it finds.
"$pixelwitness" demo -o "$work/demo" >"$work/talk" 2>&1 || [ $? = 1 ] || { cat "$work/talk"; exit 1; }
[ -s "$work/demo/fixed/data/findings.json" ] || { cat "$work/talk"; exit 1; }
node tests/report/validate.mjs "$pixelwitness" "$work/npm/node_modules/axe-core/axe.min.js" "$work"
