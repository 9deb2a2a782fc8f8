# shellcheck shell=bash
# Docker, and bases of images out of Debian's packages: sourced after lib.sh.

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/otaria

# What it takes to run containers, for what sources this. A machine with an engine keeps it.
need_docker() {
    command -v docker >/dev/null && command -v docker-compose >/dev/null && has_engine && return
    need_packages ca-certificates docker.io docker-compose
    # Its command is a package of its own from Debian 13 on.
    command -v docker >/dev/null || need_packages docker-cli
}

# start_docker: an engine for this shell and its children, until stop_docker. It takes the one that
# answers, or starts one whose socket and images are in a folder of the cache. Containers are in the
# network of this machine, so it makes no bridge and no rules for packets.
start_docker() {
    docker version &>/dev/null && return
    local room=$CACHE/docker
    mkdir -p "$room"
    if ! has_engine; then
        echo "there is no dockerd" >&2
        return 1
    fi
    export DOCKER_HOST=unix://$room/socket
    # One that a run has left that was killed.
    docker version &>/dev/null && return
    echo "starting dockerd; its log is $room/log"
    as_root dockerd --host "$DOCKER_HOST" --group "$(id --group)" --bridge none --iptables=false \
        --data-root "$room/data" --exec-root "$room/exec" --pidfile "$room/pid" \
        >"$room/log" 2>&1 9>&- &
    DOCKER_JOB=$!
    for _ in $(seq 150); do
        docker version &>/dev/null && return
        kill -0 "$DOCKER_JOB" 2>/dev/null || break
        sleep 0.2
    done
    tail -n 20 "$room/log" >&2
    stop_docker
    echo "dockerd does not start" >&2
    return 1
}

# Ends what start_docker has started.
stop_docker() {
    [[ ${DOCKER_JOB-} ]] || return 0
    # dockerd is a child of the job, which ends with it.
    if kill -0 "$DOCKER_JOB" 2>/dev/null; then
        as_root kill "$(cat "$CACHE/docker/pid")" || true
    fi
    wait "$DOCKER_JOB" || true
    # It leaves this mount, by which the folder of the cache could not be removed.
    as_root umount "$CACHE/docker/exec/netns/default" 2>/dev/null || true
    DOCKER_JOB=
}

# Debian puts it where the PATH of most accounts does not lead.
has_engine() {
    PATH=$PATH:/usr/sbin command -v dockerd >/dev/null
}

# base SUITE: prints the name of an image of that Debian release, and pulls or makes it first. An
# engine that has it already is not asked for a newer one.
base() {
    local name
    for name in "otaria/debian:$1" "debian:$1"; do
        if docker image inspect "$name" &>/dev/null; then
            echo "$name"
            return
        fi
    done
    if timeout 300 docker pull "debian:$1" >&2; then
        echo "debian:$1"
    else
        make_base "$1" >&2 || return
        echo "otaria/debian:$1"
    fi
}

make_base() {
    echo "making the base of Debian $1 by debootstrap"
    need_packages debian-archive-keyring debootstrap
    local root
    root=$(mktemp --directory --tmpdir=/var/tmp otaria-base-XXXXXX)
    # A failure leaves the folder, and a log in it.
    as_root debootstrap --variant=minbase "$1" "$root" http://deb.debian.org/debian >/dev/null ||
        return
    as_root tar --directory "$root" --create . | docker import - "otaria/debian:$1" || return
    as_root rm -rf "$root"
}

# unpacked_image IMAGE: prints the folder of its file system, and unpacks it first if it is not
# there; those of earlier images of that name go.
unpacked_image() {
    local id name top container
    id=$(docker image inspect --format '{{.Id}}' "$1")
    name=${1//[\/:]/-}
    id=${id#sha256:}
    top=$CACHE/$name-${id:0:16}
    if [[ ! -d $top ]]; then
        as_root rm -rf "$CACHE/$name-"*
        mkdir -p "$top.part"
        container=$(docker create "$1")
        docker export "$container" | as_root tar --directory "$top.part" --extract
        docker rm "$container" >/dev/null
        mv "$top.part" "$top"
    fi
    echo "$top"
}
