# Runs one scratch server for the process that holds the other end of standard input, and clears
# everything away when that end closes, however the process ended.
#   $1 folder of the programs   $2 folder of the cluster
bin=$1
dir=$2
pid=

clear_away() {
    trap '' HUP INT TERM
    if [ -n "$pid" ]; then
        # A server that has only just been started still ignores the signal: repeat it.
        (
            tries=0
            while kill -QUIT "$pid" 2>/dev/null; do
                tries=$((tries + 1))
                [ "$tries" -lt 100 ] || kill -KILL "$pid"
                sleep 0.1
            done
        ) &
        impatient=$!
        wait "$pid"
        kill "$impatient" 2>/dev/null
        wait "$impatient"
    fi
    rm -rf "$dir"
    exit 0
}
trap clear_away HUP INT TERM
trap '' PIPE

while read -r verb; do
    case $verb in
    init)
        "$bin/initdb" --pgdata="$dir/data" --username=supabase_admin --auth=trust --encoding=UTF8 \
            --locale=C.UTF-8 --no-sync --no-instructions --wal-segsize=4 \
            </dev/null >>"$dir/log" 2>&1
        echo "$?"
        ;;
    start)
        "$bin/postgres" -D "$dir/data" </dev/null >>"$dir/log" 2>&1 &
        pid=$!
        echo 0
        ;;
    stop)
        kill -INT "$pid"
        wait "$pid"
        echo "$?"
        pid=
        ;;
    crash)
        kill -QUIT "$pid"
        wait "$pid"
        echo 0
        pid=
        ;;
    esac
done
clear_away
