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

# A page that sends 20 requests a second for ten minutes: nothing lost, and how much memory it takes
soak:
    cargo build --release
    node benches/pixels/run.mjs 1 12000 20

# The channel gallery, ten times one after the other
gallery:
    PIXELWITNESS_GALLERY_RUNS=10 cargo test --test integration gallery::everything -- --nocapture

# What CI runs
ci:
    bash .ci/run
