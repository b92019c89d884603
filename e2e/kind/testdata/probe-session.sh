# Asks something every 100 ms in one connection to the host $0, until the file $1 is there. When the
# connection is gone, it opens another one. Prints a line for each question: begin, end, exit code, and
# what was seen. A question waits for its answer as long as the connection lives.
trap '' PIPE # whoever writes to a psql that is gone is told so
while [ ! -e "$1" ] && (( SECONDS < 10800 )); do
  coproc psql { exec psql -h "$0" -Atq 2>&1; }
  exec {to}>&"${psql[1]}" {from}<&"${psql[0]}"
  pid=$psql_PID
  code=0
  while (( ! code )) && [ ! -e "$1" ]; do
    begun=$EPOCHREALTIME seen=
    echo 'select 1;' >&"$to" 2>/dev/null || code=1
    until (( code )) || read -r -t 1 seen <&"$from"; do
      # Above 128 is the time-out of read.
      if (( $? <= 128 )) || [ -e "$1" ]; then code=1; fi
    done
    [ "$seen" = 1 ] || code=1
    echo "$begun $EPOCHREALTIME $code $seen"
    sleep 0.1
  done
  exec {to}>&- {from}<&-
  kill "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
done
exit 0
