# Stands by one scratch server for the process that holds the other end of standard input, and clears
# everything away when that end closes, however the process ended.
#   $1 folder of the programs   $2 folder of the cluster
bin=$1
dir=$2
pid=

clear_away() {
    trap '' HUP INT TERM
    # A server that was started and not told of yet has written who it is.
    [ -n "$pid" ] || read -r pid 2>/dev/null <"$dir/data/postmaster.pid"
    if [ -n "$pid" ]; then
        # A server that has only just been started still ignores the signal: repeat it. It is no child of ours: nobody says
        # when it has gone, and where nobody takes note of its end, it seems to stay.
        tries=0
        while [ "$tries" -lt 150 ] && kill -QUIT "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            [ "$tries" -lt 100 ] || kill -KILL "$pid"
            sleep 0.05
        done
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
    server*)
        pid=${verb#server }
        echo 0
        ;;
    gone)
        pid=
        echo 0
        ;;
    esac
done
clear_away
