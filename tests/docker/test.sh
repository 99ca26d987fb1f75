#!/usr/bin/env bash
# The image, with a real engine: built, run as it is meant to be, killed, starved; what it leaves is verified outside.
#
#   tests/docker/test.sh                        everything
#   PIXELWITNESS_DOCKER_SHORT=1 …               of the batches, the demo's scenarios alone
#   PIXELWITNESS_DOCKER_IMAGE=NAME …            an image that is there already, and none is built
#   PIXELWITNESS=PATH …                         the program that verifies outside (else target/release/pixelwitness)
#
# Ends with 0 if all held, 1 if not, and 77 if the tests could not be run: then it says so, loudly.
set -euo pipefail
cd "$(dirname "$0")/../.."
root="$PWD"
work="$(mktemp -d "${TMPDIR:-/tmp}/pixelwitness-docker.XXXXXX")"
# shellcheck source=tests/docker/lib.sh
. tests/docker/lib.sh

witness="$(realpath "${PIXELWITNESS:-target/release/pixelwitness}")"
evidence="$work/evidence"
failures=0
started_at=$SECONDS

take_away() {
    docker ps --all --quiet --filter "label=$label" | xargs --no-run-if-empty docker rm --force --volumes >/dev/null
    docker network ls --quiet --filter "label=$label" | xargs --no-run-if-empty docker network rm >/dev/null
}

end() {
    local code=$?
    trap - EXIT
    set +e
    if [ -n "${engine:-}" ]; then
        take_away
        # What the image's user wrote, if we are another who is not root.
        is_root || docker run --rm --user 0 --network none --volume "$work:/work" --entrypoint rm "$image" -rf /work/evidence
    fi
    end_engine
    rm -rf "$work"
    exit "$code"
}
trap end EXIT
trap 'exit 130' INT TERM

ok() { say "ok: $* ($((SECONDS - started_at)) s)"; }

failed() {
    failures=$((failures + 1))
    say "FAILED: $*"
    # What failed is at the beginning of what `verify` says, and at the end of what others say.
    [ ! -s "$work/log" ] || awk '{ line[NR] = substr($0, 1, 300) } END { for (n = 1; n <= NR; n++) if (n <= 8 || n > NR - 12) print "    " line[n] }' "$work/log"
}

# check WHAT COMMAND...: it must succeed.
check() {
    local what="$1"
    shift
    if "$@" >"$work/log" 2>&1; then ok "$what"; else failed "$what"; fi
}

# check_code CODE WHAT COMMAND...: it must end with that code.
check_code() {
    local wanted="$1" what="$2" code=0
    shift 2
    "$@" >"$work/log" 2>&1 || code=$?
    if [ "$code" = "$wanted" ]; then ok "$what"; else failed "$what: exit code $code, and $wanted was expected"; fi
}

check_said() {
    if grep -qi -- "$2" "$work/log"; then ok "$1"; else failed "$1: nothing was said about a $2"; fi
}

refused() { ! "$@"; }

listening() { docker exec "$1" bash -c 'exec 3<>/dev/tcp/127.0.0.1/8443'; }

# serve NAME BUILD: the demo site, for the others on the internal network.
serve() {
    docker run --detach --name "$prefix-$1" --network "$prefix" --network-alias "$1" "${contained[@]}" "$image" \
        demo --serve --build "$2" --listen 0.0.0.0:8443 >/dev/null
    for _ in $(seq 60); do
        listening "$prefix-$1" 2>/dev/null && return
        sleep 0.5
    done
    docker logs "$prefix-$1"
    return 1
}

# The bundle as sealed, by our own program and by one that knows nothing of it.
verifies() {
    "$witness" verify "$1" && (cd "$1" && sha256sum --quiet --check manifest-sha256.txt)
}

# Every bundle that the batch's index names.
all_verify() {
    local bundle paths
    paths="$(python3 tests/docker/look.py bundles "$1")"
    [ -n "$paths" ] || return 1
    while read -r bundle; do verifies "$bundle" || return 1; done <<<"$paths"
}

# Likewise: each was made in this image, with the sandbox on.
all_made_here() {
    local bundle paths
    paths="$(python3 tests/docker/look.py bundles "$1")"
    [ -n "$paths" ] || return 1
    while read -r bundle; do python3 tests/docker/look.py bundle "$bundle" --image "$image_id" || return 1; done <<<"$paths"
}

left_behind() { docker ps --all --quiet --no-trunc | sort; docker network ls --quiet --no-trunc | sort; docker volume ls --quiet | sort; }

[ -x "$witness" ] || { say "FAILED: there is no $witness: run \`cargo build --release\` first"; exit 1; }
command -v python3 >/dev/null || { say "FAILED: python3 is needed"; exit 1; }

# --- An engine, and the image.

find_engine
engine=yes
before="$(left_behind)"
image="${PIXELWITNESS_DOCKER_IMAGE:-}"
if [ -z "$image" ]; then
    image=pixelwitness:docker-test
    base_image
    build_image
    export_tree
    if build "$image"; then ok "the image is built, through all stages"; else failed "the image is not built"; exit 1; fi
fi
image_id="$(docker image inspect --format '{{.Id}}' "$image")"
weight="$(docker image inspect --format '{{.Size}}' "$image")"
check "it weighs $((weight / 1000000)) MB, under 700 MB" test "$weight" -lt 700000000
user="$(docker image inspect --format '{{.Config.User}}' "$image")"
check "its user is a number and not root: $user" grep -Eq '^[1-9][0-9]*(:[1-9][0-9]*)?$' <<<"$user"

# What every container gets here, and should elsewhere. No limit is near what a journey needs.
prefix="pixelwitness-test-$$"
# shellcheck disable=SC2054
confined=(--rm --label "$label" --read-only --tmpfs /tmp:mode=1777,size=1g --shm-size 256m --cap-drop ALL
    --security-opt no-new-privileges --env "PIXELWITNESS_IMAGE=$image_id")
contained=("${confined[@]}" --security-opt "seccomp=$root/docker/seccomp.json" --memory 2g --pids-limit 600)
mkdir "$evidence"
chmod 777 "$evidence"

inside() { docker run --network none "${contained[@]}" --entrypoint "$1" "$image" "${@:2}"; }

check "no file in it makes anybody another user" \
    test -z "$(docker run --network none "${contained[@]}" --user 0 --entrypoint find "$image" / -xdev -type f -perm /6000)"

# --- The sandbox, and what is not opened for it.

check_code 3 "with the engine's own seccomp profile Chromium refuses to start" \
    timeout 120 docker run --network none "${confined[@]}" --tmpfs /evidence:mode=1777 "$image" demo --build fixed
check "a user namespace can be made" inside unshare --user --map-root-user true
check "in it nothing can be mounted" refused inside unshare --user --map-root-user mount -t tmpfs none /mnt
check "in it nothing can be unmounted" refused inside unshare --user --map-root-user umount /tmp
for namespace in mount uts ipc cgroup time; do
    check "in it no $namespace namespace can be made" refused inside unshare --user --map-root-user "--$namespace" true
done
check "no other namespace can be entered" refused inside nsenter --target 1 --user true
# shellcheck disable=SC2016
check "neither netfilter, nor packets, nor the kernel's ciphers, nor the host by vsock: no such socket can be made" \
    inside perl -e 'for ([16, 3, 12], [16, 3, 15], [17, 3, 0], [38, 5, 0], [40, 1, 0]) { exit 1 if socket(S, $$_[0], $$_[1], $$_[2]) }'
# shellcheck disable=SC2016
check "packet filters cannot be replaced by socket options" \
    inside perl -e 'socket(S, 2, 2, 0) && setsockopt(S, 0, 2, pack("i", 64)) or exit 1; for (64, 0x100000040) { exit 1 if setsockopt(S, 0, $_, "x" x 96) || !$!{EPERM} }'

# --- The demo, without a network.

check_code 1 "the demo runs without a network, read-only, and ends with 1, since the leaky build contradicts a claim" \
    timeout 300 docker run --network none "${contained[@]}" --name "$prefix-demo" --volume "$evidence:/evidence" "$image" demo --out /evidence/demo
for build in leaky fixed; do
    check "demo, $build: sandbox on, made by this image, nothing went wrong" \
        python3 tests/docker/look.py bundle "$evidence/demo/$build" --image "$image_id"
    check "demo, $build: verifies outside" verifies "$evidence/demo/$build"
done

# --- All scenarios, against a replica of the sites, on a network that leads nowhere.

docker network create --internal --label "$label" "$prefix" >/dev/null
check "the demo site is served to other containers" serve site leaky
folder=scenarios
[ -z "${PIXELWITNESS_DOCKER_SHORT:-}" ] || folder=scenarios/demo
count="$(find "$folder" -name '*.yaml' ! -name '*.policy.yaml' | wc -l)"
replay=(timeout 600 docker run --network "$prefix" "${contained[@]}" --volume "$evidence:/evidence")
arguments=("/usr/share/pixelwitness/$folder" --connect-to ::site:8443 --insecure)

check_code 1 "$count scenarios are replayed, two at a time; 1, since they find leaks" \
    "${replay[@]}" "$image" run "${arguments[@]}" --jobs 2 --out /evidence/all
check "their index has each once, and all are completed" python3 tests/docker/look.py batch "$evidence/all" --scenarios "$count"
check "all were made with the sandbox on, and nothing went wrong" all_made_here "$evidence/all"
check "all verify outside" all_verify "$evidence/all"

# --- Killed in the middle, and gone on with.

killed="$evidence/killed"
while_running() {
    "${replay[@]}" --detach --name "$prefix-killed" "$image" run "${arguments[@]}" --jobs 2 --resume /evidence/killed || return 1
    for _ in $(seq 600); do
        [ "$(python3 tests/docker/look.py completed "$killed" 2>/dev/null || echo 0)" -ge 1 ] && break
        docker inspect "$prefix-killed" >/dev/null 2>&1 || { say "it ended by itself"; return 1; }
        sleep 0.1
    done
    docker kill --signal KILL "$prefix-killed" || return 1
    # With --rm it is soon gone; two containers must not write to one folder.
    for _ in $(seq 100); do docker inspect "$prefix-killed" >/dev/null 2>&1 || return 0; sleep 0.1; done
    return 1
}
check "a batch's container is killed" while_running
done_before="$(python3 tests/docker/look.py completed "$killed" 2>/dev/null || echo 0)"
check "in the middle: $done_before of $count were done" test "$done_before" -ge 1 -a "$done_before" -lt "$count"
python3 tests/docker/look.py kept "$killed" >"$work/before.kept" 2>&1 || true
check_code 1 "the same command goes on with it in another container" \
    "${replay[@]}" "$image" run "${arguments[@]}" --jobs 2 --resume /evidence/killed
check "now its index has each once, and all are completed" python3 tests/docker/look.py batch "$killed" --scenarios "$count"
python3 tests/docker/look.py kept "$killed" >"$work/after.kept" 2>&1 || true
not_made_again() { [ -s "$work/before.kept" ] && [ -z "$(comm -23 <(sort "$work/before.kept") <(sort "$work/after.kept"))" ]; }
check "what was done was not made again" not_made_again
check "all verify outside" all_verify "$killed"

# --- As a Kubernetes Job does it: the command of docker/kubernetes.yaml, in two pods, with scenarios as a ConfigMap is mounted.

mounted="$work/configmap"
mkdir "$mounted" "$mounted/..2026_11_26"
cp scenarios/demo/*.yaml "$mounted/..2026_11_26"
ln -s ..2026_11_26 "$mounted/..data"
for file in scenarios/demo/*.yaml; do ln -s "..data/$(basename "$file")" "$mounted/"; done
chmod -R go+rX "$mounted"
command="$(sed -n '/exec pixelwitness run/,/--jobs/p' docker/kubernetes.yaml | tr -s '\n ' ' ')"
pod() {
    "${replay[@]}" --volume "$mounted:/scenarios:ro" --env "JOB_COMPLETION_INDEX=$1" --env SHARDS=2 --env BATCH=job \
        --entrypoint /usr/bin/tini "$image" -- /bin/sh -c "$command --connect-to ::site:8443 --insecure"
}
check_code 1 "the Job's first pod replays its share" pod 0
check_code 1 "the Job's second pod replays its share" pod 1
check_code 1 "the shares are merged" "${replay[@]}" --entrypoint /bin/sh "$image" \
    -c 'exec pixelwitness merge /evidence/job/shard-* -o /evidence/job/all'
check "the merged index has each of the demo's scenarios once" python3 tests/docker/look.py batch "$evidence/job/all" \
    --scenarios "$(find scenarios/demo -name '*.yaml' ! -name '*.policy.yaml' | wc -l)"
check "all verify outside" all_verify "$evidence/job/all"

# --- Limits.

# sealed_or_partial NAME: what is there afterwards is sealed, or said to be partial.
sealed_or_partial() {
    local code=0
    [ -f "$evidence/$1/bagit.txt" ] || { [ ! -e "$evidence/$1" ]; return; }
    "$witness" verify "$evidence/$1" || code=$?
    [ "$code" = 0 ] || [ "$code" = 3 ]
}
# Well above the bounds that the tool sets itself: it ends by itself, or this fails.
limited=(timeout 150 docker run --network "$prefix" "${confined[@]}" --security-opt "seccomp=$root/docker/seccomp.json"
    --volume "$evidence:/evidence")
check "the demo's fixed build is served" serve fixed fixed
fixed=(--connect-to ::fixed:8443 --insecure --timeout 60)
check_code 3 "a page takes more than the container's memory of 1 GB: inconclusive, by itself" \
    "${limited[@]}" --memory 1g --memory-swap 1g --pids-limit 600 --volume "$root/tests/docker/hungry.yaml:/scenarios/hungry.yaml:ro" \
    "$image" run /scenarios/hungry.yaml --out /evidence/hungry "${fixed[@]}"
check_said "it says that it was the memory limit" "memory limit of 1"
check "its bundle is sealed, or said to be partial" sealed_or_partial hungry
for limit in 30 60; do
    check_code 3 "$limit processes are not enough for a browser: inconclusive, by itself" \
        "${limited[@]}" --memory 1g --pids-limit "$limit" \
        "$image" run /usr/share/pixelwitness/scenarios/demo/read-advice.yaml --out "/evidence/few-$limit" "${fixed[@]}"
    check_said "it says that it was the limit of processes" "limit of $limit processes"
    check "its bundle is sealed, or said to be partial" sealed_or_partial "few-$limit"
done

# --- Nothing stays.

take_away
after="$(left_behind)"
check "no container, network or volume is left behind" test "$before" = "$after"
if [ "$failures" = 0 ]; then
    say "All held. $((SECONDS - started_at)) s, image $image of $((weight / 1000000)) MB."
else
    say "$failures did not hold."
    exit 1
fi
