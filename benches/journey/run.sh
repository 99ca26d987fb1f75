#!/usr/bin/env bash
# Times a journey of three pages as a whole process, beside a bare script that does the same steps and records nothing.
# Both end right after the last page (--settle 0). They alternate, so that a noisy machine is noisy for both.
#
# Usage: benches/journey/run.sh [RUNS]       (default 15)
#   PIXELWITNESS=path/to/binary (default target/release/pixelwitness); needs Node 18 and Chromium.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=${1:-15}
tool=${PIXELWITNESS:-target/release/pixelwitness}
[ -x "$tool" ] || { echo "$tool is not there: cargo build --release" >&2; exit 2; }

work=$(mktemp -d)
"$tool" demo --serve --build leaky >"$work/served" 2>/dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
until address=$(grep -o '127\.0\.0\.1:[0-9]*' "$work/served"); do sleep 0.05; done

journey() {
    "$tool" run benches/journey/three-pages.yaml --connect-to "::$address" --insecure --settle 0 --json \
        --out "$work/$1" >/dev/null 2>"$work/stderr" || { cat "$work/stderr" >&2; exit 1; }
}
bare() { node benches/journey/bare-cdp.mjs "${address##*:}"; }
millis() {
    local began=$(date +%s%N)
    "$@"
    echo $((($(date +%s%N) - began) / 1000000))
}

journey warm-up
bare
for ((run = 0; run < runs; run++)); do
    millis bare >>"$work/bare.ms"
    millis journey "$run" >>"$work/journey.ms"
done

# Peak resident memory of our own process, Chromium apart.
"$tool" run benches/journey/three-pages.yaml --connect-to "::$address" --insecure --json --out "$work/memory" \
    >/dev/null 2>&1 &
process=$!
peak=0
while kill -0 "$process" 2>/dev/null; do
    now=$(awk '/VmHWM/ {print $2}' "/proc/$process/status" 2>/dev/null || true)
    [ -n "$now" ] && [ "$now" -gt "$peak" ] && peak=$now
    sleep 0.02
done
wait "$process"

figures() { sort -n "$1" | awk '{v[NR]=$1} END {printf "%d %d %d", v[1], v[int((NR+1)/2)], v[NR]}'; }
read -r bare_min bare_median bare_max <<<"$(figures "$work/bare.ms")"
read -r ours_min ours_median ours_max <<<"$(figures "$work/journey.ms")"
printf '%-14s %8s %8s %8s  (ms, %s runs)\n' "" min median max "$runs"
printf '%-14s %8d %8d %8d\n' "bare script" "$bare_min" "$bare_median" "$bare_max"
printf '%-14s %8d %8d %8d\n' pixelwitness "$ours_min" "$ours_median" "$ours_max"
awk -v a="$ours_median" -v b="$bare_median" -v c="$ours_min" -v d="$bare_min" \
    'BEGIN {printf "ratio          median %.2f, minimum %.2f\n", a / b, c / d}'
printf 'peak memory    %.1f MB (our process, Chromium apart)\n' "$(awk -v k="$peak" 'BEGIN {print k / 1024}')"
