# shellcheck shell=bash
# Shared by the scripts beside it, which source it first.

SCRIPT=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

# step NAME COMMAND…: runs the command under a headline and says how long it took.
step() {
    local start=$SECONDS
    CURRENT_STEP=$1
    shift
    printf '\n== %s\n' "$CURRENT_STEP"
    trap 'echo "== $CURRENT_STEP: failed" >&2' EXIT
    "$@"
    trap - EXIT
    printf '== %s: %d s\n' "$CURRENT_STEP" $((SECONDS - start))
}

# usage: how the script is called, by the comment at its beginning.
usage() {
    sed -n 's/^#   //p' "$SCRIPT" >&2
    exit 2
}

# need_packages PACKAGE…: installs those Debian packages that are missing, and says so first.
need_packages() {
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ! command -v apt-get >/dev/null; then
        echo "not a Debian machine: make sure that it has ${missing[*]}"
        return 0
    fi
    echo "installing: ${missing[*]}"
    as_root apt-get update --quiet=2
    without_services as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}"
}

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# without_services COMMAND…: runs the command while packages may not start their services.
without_services() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    "$@"
)

as_root() {
    if ((EUID)); then sudo "$@"; else "$@"; fi
}

# What it takes to build.
need_build_tools() {
    need_packages gcc libc6-dev jq
}

# A server for the live tests, or only the client when they are told of one.
need_server() {
    if [[ ${OTARIA_TEST_URL-}${OTARIA_MARIADBD-} ]]; then
        need_packages mariadb-client
    else
        need_packages mariadb-client mariadb-server
    fi
}

# need_component COMPONENT SUBCOMMAND: a part of the toolchain that a minimal one lacks.
need_component() {
    cargo "$2" --version &>/dev/null && return
    echo "installing: $1"
    rustup component add "$1"
}

# need_cargo_tool NAME VERSION: builds the tool unless that version is there, and says so first.
need_cargo_tool() {
    [[ $("$1" --version 2>/dev/null) == "$1 $2" ]] && return
    echo "installing: $1 $2 (built from source, some minutes)"
    env --unset=CARGO_TARGET_DIR cargo install --locked --quiet --force "$1@$2"
}
