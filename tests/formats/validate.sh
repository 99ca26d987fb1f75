#!/usr/bin/env bash
# Holds what is written against readers that others made: the SARIF against Microsoft's validator, the JUnit against
# junitparser and against the XSD that Jenkins reads by, schemas and files against the jsonschema package. Needs node, npm and
# python3, which fetch these; only the packages' registries are contacted.
#
# Usage: tests/formats/validate.sh [PIXELWITNESS]
set -euo pipefail
cd "$(dirname "$0")/../.."
pixelwitness=$(realpath "${1:-target/release/pixelwitness}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

npm install --silent --no-audit --no-fund --prefix "$work/npm" @microsoft/sarif-multitool >/dev/null
# Its program itself: the package's script takes the semicolons in arguments for the shell's. npm may leave it without the right to run.
multitool=$(echo "$work"/npm/node_modules/@microsoft/sarif-multitool-*/Sarif.Multitool)
chmod u+x "$multitool"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check junitparser jsonschema pyyaml rfc3339-validator

# A file in which every outcome occurs, and the demo's two builds in the real browser.
(
    "$pixelwitness" check tests/fixtures/policy/visit.har --policy tests/fixtures/policy/visit.policy.yaml \
        --canary email=xqj.dalv@example.com --date 2026-11-20 \
        --sarif "$work/visit.sarif" --junit "$work/visit.xml" || [ $? = 1 ]
    "$pixelwitness" demo -o "$work/demo" || [ $? = 1 ]
    for build in leaky fixed; do
        "$pixelwitness" check "$work/demo/$build" --sarif "$work/$build.sarif" --junit "$work/$build.xml" || [ $? = 1 ]
    done
    # A baseline with something new and something stale.
    printf '# pixelwitness baseline 1\n' >"$work/told.baseline"
    "$pixelwitness" check "$work/demo/leaky" --baseline "$work/told.baseline" --update-baseline || [ $? = 1 ]
    sed -i '/\tPageView\t/d' "$work/told.baseline"
    printf '/gone/\tMeta\twww.facebook.com/tr/\tPageView\t-\t-\n' >>"$work/told.baseline"
    "$pixelwitness" check "$work/demo/leaky" --baseline "$work/told.baseline" \
        --sarif "$work/baseline.sarif" --junit "$work/baseline.xml" || [ $? = 1 ]
) >"$work/talk" 2>&1 || { cat "$work/talk"; exit 1; }

for name in visit leaky fixed baseline; do
    "$multitool" validate "$work/$name.sarif" --rule-kind "Sarif;Ghas" --level "Error;Warning;Note" \
        --log ForceOverwrite --output "$work/$name.validated.sarif" >"$work/talk" 2>&1 || { cat "$work/talk"; exit 1; }
done
"$work/venv/bin/python" tests/formats/validate.py "$pixelwitness" "$work"
