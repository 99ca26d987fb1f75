# What can be done here
default:
    @just --list

# The main job, on the embedded demo
demo *args:
    cargo run --release -- demo --install-browser {{args}}

# All tests; Chromium is installed if it is missing
test *args:
    cargo test {{args}}

fmt:
    cargo fmt

lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings

# Licences and sources of what we depend on (needs cargo-deny)
deny:
    cargo deny check licenses bans sources

# A three-page journey beside a bare script doing the same
bench:
    cargo build --release
    benches/journey/run.sh

# A page that fires 3,000 pixels, watched and not: at once, and 300 a second
bench-pixels:
    cargo build --release
    node benches/pixels/run.mjs 7 3000
    node benches/pixels/run.mjs 3 3000 300

# `decode` on a HAR of 52 MB, beside a script and beside merely parsing it (needs node and GNU time)
bench-decode runs="9":
    cargo build --release
    cargo build --release --example parse_har
    node benches/decode/run.mjs {{runs}}

# The leak search: per request, on a large body, on what no page would send; and what it adds to `decode` on 52 MB
bench-leak:
    cargo build --release
    cargo build --release --example leak_search
    benches/leak/run.sh

# Each decoder's fuzz target for so many seconds (needs cargo-fuzz and a nightly compiler)
fuzz seconds="480":
    #!/usr/bin/env bash
    set -euo pipefail
    cd fuzz
    for target in url body multipart har leak; do
        mkdir -p "corpus/$target"
        cargo +nightly fuzz run --sanitizer none "$target" "corpus/$target" ../tests/fixtures/hars -- \
            -dict=dictionary.txt -max_total_time={{seconds}} -timeout=10 -rss_limit_mb=2048 -max_len=65536
    done

# A page that sends 20 requests a second for ten minutes: nothing lost, and how much memory it takes
soak:
    cargo build --release
    node benches/pixels/run.mjs 1 12000 20

# Reports that must not be filed: each way of sending one, and the demo's own form, so many times each
soak-reports runs="50":
    PIXELWITNESS_TRIAL_RUNS={{runs}} cargo test --test integration -- --test-threads 1 no_report_is_filed report_form_is_filed

# The journey through frames, shadow roots, tabs, dialogs and files, so many times
soak-obstacles runs="10":
    PIXELWITNESS_TRIAL_RUNS={{runs}} cargo test --test integration -- a_journey_gets_through

# The channel gallery, ten times one after the other
gallery:
    PIXELWITNESS_GALLERY_RUNS=10 cargo test --test integration gallery::everything -- --nocapture

# SARIF, JUnit and JSON Schemas, held against readers that others made (needs node, npm and python3)
validate-formats:
    cargo build --release
    tests/formats/validate.sh

# The vectors of the leak search, made anew (needs the packages that tests/leak-matrix/README.md names)
leak-matrix:
    python3 tests/leak-matrix/generate.py

# The bundle, held against tools that others made, and tampered with (needs openssl, ssh-keygen, node, npm and python3)
validate-bundle:
    cargo build --release
    tests/bundle/validate.sh

# Runs that are killed: at any moment, and as they submit, so many times each
soak-kill runs="50":
    PIXELWITNESS_TRIAL_RUNS={{runs}} cargo test --test integration -- --test-threads 1 killed::a_run

# What writing the bundle costs a journey, and how fast `verify` reads one of 1 GB, beside sha256sum
bench-bundle:
    cargo build --release
    benches/bundle/run.sh

# The report held against axe-core, hostile text and a telephone's width (needs node and npm)
validate-report:
    cargo build --release
    tests/report/validate.sh

# A report of 5,000 events: written, opened, searched (needs node)
bench-report runs="5":
    cargo build --release
    node benches/report/run.mjs {{runs}}

# The pictures of the report in docs/ and the README, made anew (needs node)
pictures:
    cargo build --release
    docs/pictures.sh

# Batches: journeys a minute at once, memory of each further one, and whether 200 of them grow (needs node)
bench-batch rounds="3" journeys="200":
    cargo build --release
    node benches/batch/run.mjs {{rounds}} {{journeys}}

# The image, built and run with a real Docker engine: the demo, all scenarios, kills, limits (as root; starts an engine where
# none runs, and makes the base image where no registry is reached)
docker-test:
    cargo build --release
    tests/docker/test.sh

# What CI runs
ci:
    bash .ci/run
