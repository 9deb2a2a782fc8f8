# shellcheck shell=bash
# Servers of other Debian releases, unpacked with their libraries into folders of the cache: sourced
# after lib.sh. It needs apt-get but no root, installs nothing and starts nothing; to be rid of a
# server is to remove its folder. What uses it sets, first:
#
#     NAME                of the folder
#     LAYOUT              a number, raised when what is made changes
#     SUITE               the release
#     WITH_LIBRARIES      the packages that the server runs on
#     ALONE               those of which only the files are wanted
#     PROGRAMS            below usr, those to be run; the first is the server

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/otaria
TOP=$CACHE/$NAME-$(dpkg --print-architecture)-$LAYOUT

# Prints the path of the server, and unpacks it first if it is not there. A function `finish` has
# the last word on what was unpacked into $work/root.
unpacked_server() {
    mkdir -p "$CACHE"
    # Two at once would fetch twice; the folder gets its name when it is complete.
    exec 9>"$TOP.lock"
    flock 9
    if [[ ! -d $TOP ]]; then
        echo "unpacking Debian's $NAME into $TOP" >&2
        need_packages debian-archive-keyring >&2
        work=$(mktemp --directory "$TOP.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        make >&2
        mv "$work/root" "$TOP"
    fi
    echo "$TOP/usr/${PROGRAMS[0]}"
}

make() {
    configure_apt
    apt update
    apt --no-install-recommends --download-only --yes install "${WITH_LIBRARIES[@]}"
    if ((${#ALONE[@]})); then
        (cd "$work/cache/archives" && apt download "${ALONE[@]}")
    fi
    local archive
    for archive in "$work"/cache/archives/*.deb; do
        dpkg-deb --extract "$archive" "$work/root"
    done
    wrap
    finish
    "$work/root/usr/${PROGRAMS[0]}" --version
}

# An apt that knows this one release, and believes that nothing is installed.
configure_apt() {
    mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
    touch "$work/status"
    echo "deb [signed-by=$KEYRING] http://deb.debian.org/debian $SUITE main" >"$work/sources.list"
    cat >"$work/apt.conf" <<APT
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "$work/state";
Dir::State::Status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "$(id --user --name)";
Acquire::Languages "none";
APT
}

apt() {
    APT_CONFIG=$work/apt.conf apt-get --quiet=2 "$@"
}

# The programs need the libraries beside them, and the loader that belongs to those: a script of a
# program's name calls it. What it starts with `exec` keeps the process id.
wrap() {
    local usr=$work/root/usr program loader libraries
    loader=$(cd "$usr" && echo lib/*/ld-linux*.so.*)
    libraries=${loader%/*}
    mkdir "$usr/programs"
    for program in "${PROGRAMS[@]}"; do
        mv "$usr/$program" "$usr/programs/"
        cat >"$usr/$program" <<SH
#!/bin/sh
usr=\${0%/*}/..
exec "\$usr/$loader" --library-path "\$usr/$libraries" "\$usr/programs/\${0##*/}" "\$@"
SH
        chmod 755 "$usr/$program"
    done
}
