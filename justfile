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

# What CI runs
ci:
    bash .ci/run
