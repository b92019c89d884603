# Asks the primary, in its own pod, every 100 ms for its replicas, until the file $1 is there. There
# have to be $0 that have confirmed something in the last two seconds, and the processes that serve
# them must stay the same: a new process is an interruption. Prints a line for each question: begin,
# end, and what went wrong if something did.
coproc psql { exec psql -U postgres -d postgres -Atq 2>&1; }
query="select pg_logical_emit_message(true, 'e2e', 'probe') is null;
  select count(*) || ' streaming by process ' || coalesce(string_agg(pid::text, ',' order by pid), '-')
    from pg_stat_replication where state = 'streaming' and clock_timestamp() - reply_time < '2s';"
first=
while [ ! -e "$1" ] && (( SECONDS < 1800 )); do
  begun=$EPOCHREALTIME
  echo "$query" >&"${psql[1]}" && read -r -t 5 _ <&"${psql[0]}" && read -r -t 5 answer <&"${psql[0]}" || answer="no answer"
  ended=$EPOCHREALTIME
  case $answer in "$0 streaming"*) first=${first:-$answer} ;; esac
  problem=
  [ "$answer" = "$first" ] || problem="$answer instead of ${first:-$0 streaming}"
  echo "$begun $ended $problem"
  sleep 0.1
done
kill "$psql_PID" 2>/dev/null
wait
exit 0
