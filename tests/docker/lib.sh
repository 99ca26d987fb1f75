# An engine, and the images that the container tests need. For test.sh, which sets `root` and `work`.
# shellcheck shell=bash

export DOCKER_CLI_HINTS=false
engine_pid=""
# The containers and networks that are made here carry it, and no others are touched.
label="pixelwitness-test=$$"
# Of an engine of our own.
bridge=""

say() { printf '%s\n' "$*"; }

# The tests did not run, and nobody may overlook that. The caller decides whether that is good enough.
not_run() {
    local line
    {
        printf '\n%s\n' "######################################################################"
        printf '#  %s\n' "THE CONTAINER TESTS DID NOT RUN." "" "$@" "" \
            "Nothing is known of the image, the sandbox in it, or the limits."
        printf '%s\n\n' "######################################################################"
    } >&2
    if [ -s "$work/engine.log" ]; then
        tail -n 5 "$work/engine.log" | while read -r line; do printf '   dockerd: %s\n' "${line:0:200}"; done >&2
    fi
    exit 77
}

is_root() { [ "$(id -u)" = 0 ]; }

install_packages() {
    is_root && command -v apt-get >/dev/null || return 1
    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install --yes --no-install-recommends "$@" >"$work/apt.log" 2>&1 && return
    timeout 120 apt-get update >"$work/apt.log" 2>&1 || return 1
    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install --yes --no-install-recommends "$@" >"$work/apt.log" 2>&1
}

answers() { command -v docker >/dev/null && timeout 20 docker version >/dev/null 2>&1; }

# The engine that answers; else one of our own, in a folder that goes with us.
find_engine() {
    if answers; then
        say "engine: the one that is there, $(docker version --format '{{.Server.Version}}')"
        return
    fi
    is_root || not_run "No Docker engine answers, and only root can start one."
    if ! command -v dockerd >/dev/null; then
        say "engine: none is installed; installing docker.io"
        install_packages docker.io iptables || not_run "No Docker engine answers, and docker.io could not be installed."
    fi
    command -v ip >/dev/null || install_packages iproute2 || not_run "No Docker engine answers, and \`ip\` is missing."
    export DOCKER_HOST="unix://$work/engine.sock"
    # A bridge of its own. One without a bridge (`--bridge none`) would take docker0 away from an engine that has one.
    bridge="pw$$"
    { ip link add "$bridge" type bridge && ip address add 172.29.77.1/24 dev "$bridge" && ip link set "$bridge" up; } \
        2>"$work/engine.log" || not_run "No Docker engine answers, and none can be given a network here."
    dockerd --data-root "$work/engine/data" --exec-root "$work/engine/run" --pidfile "$work/engine.pid" \
        --host "$DOCKER_HOST" --bridge "$bridge" >"$work/engine.log" 2>&1 &
    engine_pid=$!
    for _ in $(seq 60); do
        answers && break
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 0.5
    done
    answers || not_run "No Docker engine answers, and none could be started here."
    say "engine: one of our own, $(docker version --format '{{.Server.Version}}')"
}

end_engine() {
    [ -n "$engine_pid" ] || return 0
    kill "$engine_pid" 2>/dev/null || true
    # It ends its containerd and takes its mounts away.
    for _ in $(seq 60); do
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 0.5
    done
    kill -9 "$engine_pid" 2>/dev/null || true
    engine_pid=""
    ip link delete "$bridge"
    # It leaves the mount of its own network namespace.
    awk -v below="$work/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r | xargs --no-run-if-empty umount
}

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Whether Docker's own registry can be reached; told within seconds.
reaches_registry() {
    if [ -z "${registry:-}" ]; then
        registry=no
        timeout 5 bash -c 'exec 3<>/dev/tcp/registry-1.docker.io/443' 2>/dev/null && registry=yes
    fi
    [ "$registry" = yes ]
}

pull() { reaches_registry && timeout 300 docker pull --quiet "$1" >/dev/null 2>&1; }

# One that is there, one from the registry, or Debian's packages put together here.
base_image() {
    base=debian:bookworm-slim
    if has_image "$base"; then
        say "base image: $base, which is there"
    elif pull "$base"; then
        say "base image: $base, from the registry"
    else
        say "base image: no registry can be reached; made with debootstrap"
        is_root || not_run "No registry can be reached, and only root can make the base image with debootstrap."
        command -v debootstrap >/dev/null || install_packages debootstrap debian-archive-keyring \
            || not_run "No registry can be reached, and debootstrap could not be installed."
        timeout 400 debootstrap --variant=minbase bookworm "$work/base" http://deb.debian.org/debian >"$work/debootstrap.log" 2>&1 \
            || not_run "debootstrap failed:" "$(tail -n 1 "$work/debootstrap.log")"
        # As Debian's own image has them: without the second, Chromium would be years old.
        printf 'deb http://deb.debian.org/%s main\n' 'debian bookworm' 'debian bookworm-updates' \
            'debian-security bookworm-security' >"$work/base/etc/apt/sources.list"
        # The slim image has no manuals, translations and packages lying about either.
        tar -C "$work/base" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./usr/share/man/*' \
            --exclude='./usr/share/locale/*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' -c . \
            | docker import --change 'CMD ["bash"]' - "$base" >/dev/null
        rm -rf "$work/base"
    fi
}

# A compiler: the official image, or this machine's own toolchain on the base image.
build_image() {
    builder=rust:1-slim-bookworm
    if has_image "$builder" || pull "$builder"; then
        say "build image: $builder"
        return
    fi
    local sysroot release
    command -v rustc >/dev/null || not_run "No registry can be reached, and there is no Rust toolchain here to build with."
    release="$(rustc --version)"
    builder=pixelwitness-build:local
    if [ "$(docker image inspect --format '{{index .Config.Labels "rustc"}}' "$builder" 2>/dev/null)" = "$release" ]; then
        say "build image: $builder, which is there ($release)"
        return
    fi
    sysroot="$(rustc --print sysroot)"
    case "$sysroot" in
        /usr | /) not_run "No registry can be reached, and the Rust toolchain here is the system's: it cannot be copied." ;;
    esac
    say "build image: no registry can be reached; made of $release and the base image"
    mkdir "$work/builder"
    # Whom this machine trusts: where a proxy looks into connections, crates come with its certificate.
    touch "$work/builder/ca-certificates.crt"
    [ ! -r /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$work/builder"
    cat >"$work/builder/Dockerfile" <<END
FROM $base
RUN apt-get update \\
    && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev \\
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY ca-certificates.crt /tmp/
RUN [ ! -s /tmp/ca-certificates.crt ] || mv /tmp/ca-certificates.crt /etc/ssl/certs/
COPY bin /usr/local/bin
COPY lib /usr/local/lib
LABEL rustc="$release"
END
    # To the builder as it is read: the toolchain is hundreds of megabytes, and not needed twice on the disk.
    tar -c -C "$work/builder" Dockerfile ca-certificates.crt -C "$sysroot" --exclude='lib/rustlib/src' --exclude='lib/rustlib/etc' bin lib \
        | docker build --tag "$builder" - >"$work/build.log" 2>&1 \
        || { tail -n 20 "$work/build.log"; not_run "The build image could not be made: see above."; }
}

# What is tracked and what would be, as it is now; so that target/ and what lies about besides is never sent.
export_tree() {
    mkdir "$work/tree"
    if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
        git -C "$root" ls-files -z --cached --others --exclude-standard \
            | (cd "$root" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) \
            | tar -C "$root" --null --files-from - -c | tar -C "$work/tree" -x
    else
        tar -C "$root" --exclude=./target --exclude=./evidence --exclude='./.*/' -c . | tar -C "$work/tree" -x
    fi
}

commit() {
    local commit
    commit="$(git -C "$root" rev-parse HEAD 2>/dev/null)" || return 0
    git -C "$root" diff --quiet HEAD 2>/dev/null || commit="$commit-dirty"
    printf '%s' "$commit"
}

# The image, through all its stages. With BuildKit where the client has it, else with the classic builder.
build() {
    docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
    local code=0
    timeout 1200 docker build --file "$work/tree/docker/Dockerfile" --tag "$1" \
        --build-arg BUILD_IMAGE="$builder" --build-arg RUNTIME_IMAGE="$base" \
        --build-arg PIXELWITNESS_COMMIT="$(commit)" "$work/tree" >"$work/build.log" 2>&1 || code=$?
    [ "$code" != 0 ] || return 0
    tail -n 20 "$work/build.log"
    [ "$code" != 124 ] || not_run "The image was not built within 20 minutes."
    # A fault of the network is none of the image.
    ! grep -Eqi 'could not resolve|temporary failure|could not connect|connection (timed out|refused|reset)|failed to (download|fetch)|spurious network' \
        "$work/build.log" || not_run "The image was not built: packages or crates could not be had. See above."
    return 1
}
