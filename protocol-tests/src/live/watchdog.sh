# shellcheck shell=sh
# Runs a private server for as long as standard input stays open, then removes its directory.
# A process that is killed closes its pipes too, so the server cannot outlive its test.
# Environment: DIRECTORY, INSTALL, TMPDIR; BASE_DIRECTORY and SYSTEM_USER, which may be empty.
# Arguments: the server's command line. If it ends by itself, prints the end of its log.

# When the test dies while a process of this group is stopped, the kernel hangs up on all of it.
trap '' HUP PIPE
exec 3<&0 </dev/null
log=$DIRECTORY/log

timeout 60 "$INSTALL" --no-defaults ${BASE_DIRECTORY:+"--basedir=$BASE_DIRECTORY"} \
    ${SYSTEM_USER:+"--user=$SYSTEM_USER"} --datadir="$DIRECTORY/data" \
    --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
    --innodb-log-file-size=16M --innodb-doublewrite=OFF --loose-innodb-use-native-aio=OFF \
    >"$log" 2>&1 3<&- && {
    : >"$log"
    {
        read -r _
        : >"$DIRECTORY/stops"
        server=$(cat "$DIRECTORY/server")
        kill "$server"
        for _ in $(seq 50); do
            sleep 0.1
            kill -0 "$server" || exit
        done
        kill -KILL "$server"
    } <&3 >/dev/null 2>&1 &
    stopper=$!
    # A server that ends while the file `down` is there is started again when it has gone.
    while
        "$@" >>"$log" 2>&1 3<&- &
        server=$!
        echo "$server" >"$DIRECTORY/server"
        [ ! -e "$DIRECTORY/stops" ] || kill "$server"
        wait "$server"
        [ -e "$DIRECTORY/down" ]
    do
        while [ -e "$DIRECTORY/down" ]; do
            [ ! -e "$DIRECTORY/stops" ] || break 2
            sleep 0.02
        done
    done
    kill "$stopper"
}
tail -c 8000 "$log"
rm -rf "$DIRECTORY"
