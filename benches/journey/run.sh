#!/usr/bin/env bash
# Times a journey of three pages as a whole process, beside a bare script that does the same steps and records nothing.
# Both end right after the last page (--settle 0). They alternate, so that a noisy machine is noisy for both.
# Then measures the peak resident memory of our own process, Chromium apart.
#
# Usage: benches/journey/run.sh [RUNS]       (default 15)
#   PIXELWITNESS=path/to/binary              (default target/release/pixelwitness; builds nothing)
#   PIXELWITNESS_BROWSER=path/to/chromium    (default chromium, from the PATH), the same for both
# Needs Node 18 or later, Chromium, and Linux for the memory.
set -euo pipefail
fail() {
    echo "run.sh: $*" >&2
    exit 2
}
runs=${1:-15}
[[ $runs =~ ^[1-9][0-9]*$ ]] || fail "RUNS is a number from 1 on, not \`$runs\`"
tool=$(realpath -m "${PIXELWITNESS:-$(dirname "$0")/../../target/release/pixelwitness}")
[[ -x $tool ]] || fail "$tool is not there: cargo build --release"
command -v node >/dev/null || fail "node is not there"
PIXELWITNESS_BROWSER=$(command -v "${PIXELWITNESS_BROWSER:-chromium}") || fail "chromium is not there"
export PIXELWITNESS_BROWSER
cd "$(dirname "$0")"

work=$(mktemp -d)
server=
end() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    wait || true
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

"$tool" demo --serve --build leaky >"$work/served" 2>"$work/server.err" &
server=$!
until address=$(grep -o '127\.0\.0\.1:[0-9]*' "$work/served" 2>/dev/null); do
    kill -0 "$server" 2>/dev/null || fail "the demo server ended: $(cat "$work/server.err")"
    sleep 0.05
done

journey=("$tool" run three-pages.yaml --connect-to "::$address" --insecure --settle 0 --json --out "$work/bundle")
bare=(node bare-cdp.mjs "${address##*:}")
# Appends the milliseconds that a command took to a file.
timed() {
    local to=$1 began ended
    shift
    began=$(date +%s%N)
    "$@" >/dev/null 2>"$work/stderr" || fail "failed: $* $(cat "$work/stderr")"
    ended=$(date +%s%N)
    rm -rf "$work/bundle"
    echo $(((ended - began) / 1000000)) >>"$to"
}

timed "$work/warm-up" "${bare[@]}"
timed "$work/warm-up" "${journey[@]}"
for ((run = 0; run < runs; run++)); do
    timed "$work/bare" "${bare[@]}"
    timed "$work/journey" "${journey[@]}"
done

# VmHWM only ever rises; the highest that was seen counts. (Asking for the resources of a process that ended would
# count Chromium, its child, too.)
peak=0
"${journey[@]}" >/dev/null 2>"$work/stderr" &
process=$!
while kill -0 "$process" 2>/dev/null; do
    now=$(awk '/^VmHWM/ {print $2}' "/proc/$process/status" 2>/dev/null || true)
    ((${now:-0} <= peak)) || peak=$now
    sleep 0.01
done
wait "$process" || fail "failed: ${journey[*]} $(cat "$work/stderr")"
((peak > 0)) || fail "there is no VmHWM in /proc here: memory was not measured"

figures() { sort -n "$1" | awk '{v[NR] = $1} END {print v[1], (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2, v[NR]}'; }
read -r bare_min bare_median bare_max <<<"$(figures "$work/bare")"
read -r our_min our_median our_max <<<"$(figures "$work/journey")"
printf '%-12s %8s %8s %8s   ms, %s runs each\n' '' min median max "$runs"
printf '%-12s %8.0f %8.0f %8.0f\n' 'bare script' "$bare_min" "$bare_median" "$bare_max"
printf '%-12s %8.0f %8.0f %8.0f\n' pixelwitness "$our_min" "$our_median" "$our_max"
awk -v a="$our_min" -v b="$bare_min" -v c="$our_median" -v d="$bare_median" \
    'BEGIN {printf "%-12s %8.2f %8.2f\n", "ratio", a / b, c / d}'
awk -v k="$peak" 'BEGIN {printf "peak memory  %8.1f MB, Chromium apart\n", k * 1024 / 1e6}'
