#!/usr/bin/env bash
# Two figures of the bundle, each as a ratio within one run:
#   - what writing it costs the demo's journey (the time spent in writing, of the time that the journey took; pictures, and the
#     compressing of Chromium's log after the browser is gone, aside), and how large it is;
#   - how fast `verify` reads a bundle of 1 GB, beside `sha256sum -c`, which does a part of it.
#
# Usage: benches/bundle/run.sh [PIXELWITNESS] [RUNS]
set -euo pipefail
cd "$(dirname "$0")/../.."
pixelwitness=$(realpath "${1:-target/release/pixelwitness}")
runs=${2:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for run in $(seq "$runs"); do
    began=$(date +%s%N)
    "$pixelwitness" -v demo --build leaky -o "$work/run$run" >/dev/null 2>"$work/talk" || [ $? = 1 ]
    took=$((($(date +%s%N) - began) / 1000000))
    # The log colours its fields on a terminal alone.
    wrote=$(sed -n 's/.*writing the bundle.*millis=\([0-9]*\).*/\1/p' "$work/talk")
    size=$(du -sb "$work/run$run" | cut -f1)
    echo "$wrote $took $size"
done | sort -n | awk '
    { share[NR] = 100 * $1 / $2; size = $3; line[NR] = $1 " ms of " $2 " ms" }
    END { n = int((NR + 1) / 2); printf "writing: %s, %.2f %% of the journey (median of %d); bundle: %.1f MB\n", line[n], share[n], NR, size / 1e6 }'

# Bodies that nothing names are no fault: under their own digest they are what they are.
bundle="$work/run1"
for number in $(seq 40); do
    head -c 25000000 /dev/urandom >"$work/body"
    mv "$work/body" "$bundle/data/bodies/$(sha256sum <"$work/body" | cut -d' ' -f1)"
done
(
    cd "$bundle"
    find data -type f | LC_ALL=C sort | xargs sha256sum >manifest-sha256.txt
    octets=$(find data -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%d", sum }')
    sed -i "s/^Payload-Oxum: .*/Payload-Oxum: $octets.$(wc -l <manifest-sha256.txt)/" bag-info.txt
    sha256sum VERIFY.md bag-info.txt bagit.txt manifest-sha256.txt >tagmanifest-sha256.txt
)
megabytes=$(du -sm --apparent-size "$bundle" | cut -f1)
# In turns, so that both meet the same machine; what is read is in memory for both after the first.
for turn in 0 $(seq "$runs"); do
    began=$(date +%s%N)
    "$pixelwitness" verify "$bundle" >/dev/null
    ours=$((($(date +%s%N) - began) / 1000000))
    began=$(date +%s%N)
    (cd "$bundle" && sha256sum --quiet -c manifest-sha256.txt tagmanifest-sha256.txt)
    theirs=$((($(date +%s%N) - began) / 1000000))
    [ "$turn" = 0 ] || echo "$ours $theirs"
done | sort -n | awk -v mb="$megabytes" '
    { ours[NR] = $1; theirs[NR] = $2 }
    END { n = int((NR + 1) / 2); printf "verify: %d MB in %d ms, %.0f MB/s; sha256sum -c: %d ms (%.2f times as long)\n", mb, ours[n], 1000 * mb / ours[n], theirs[n], theirs[n] / ours[n] }'
