# Asks the primary, in its own pod, every 100 ms for its replicas, until the file $1 is there. There
# have to be $0 that have confirmed something in the last two seconds, and the processes that serve
# them must stay the same: a new process is an interruption, which is told once. Prints a line for each
# question: begin, end, exit code, and what was seen.
trap '' PIPE # whoever writes to a psql that is gone is told so
query="select pg_logical_emit_message(true, 'e2e', 'probe') is null;
  select count(*) || ' streaming by process ' || coalesce(string_agg(pid::text, ',' order by pid), '-')
    from pg_stat_replication where state = 'streaming' and clock_timestamp() - reply_time < '2s';"
first=
while [ ! -e "$1" ] && (( SECONDS < 10800 )); do
  coproc psql { exec psql -U postgres -d postgres -Atq 2>&1; }
  exec {to}>&"${psql[1]}" {from}<&"${psql[0]}"
  pid=$psql_PID
  broken=0
  while (( ! broken )) && [ ! -e "$1" ]; do
    begun=$EPOCHREALTIME code=0 seen=
    echo "$query" >&"$to" 2>/dev/null || broken=1
    for answer in 1 2; do
      until (( broken )) || read -r -t 1 seen <&"$from"; do
        # Above 128 is the time-out of read.
        if (( $? <= 128 )) || [ -e "$1" ]; then broken=1; fi
      done
    done
    case $seen in
    "$0 streaming"*)
      [ "$seen" = "${first:=$seen}" ] || code=1
      (( code )) && before=$first first=$seen seen="$seen instead of $before"
      ;;
    *) code=1 ;;
    esac
    echo "$begun $EPOCHREALTIME $code $seen"
    sleep 0.1
  done
  exec {to}>&- {from}<&-
  kill "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
done
exit 0
