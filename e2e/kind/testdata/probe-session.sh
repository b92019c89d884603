# Asks something every 100 ms in one connection to the host $0, until the file $1 is there. Prints a
# line for each question: begin, end, and what went wrong, which is also the end.
coproc psql { exec psql -h "$0" -Atq 2>&1; }
while [ ! -e "$1" ] && (( SECONDS < 1800 )); do
  begun=$EPOCHREALTIME
  echo 'select 1;' >&"${psql[1]}" && read -r -t 5 answer <&"${psql[0]}" || answer="no answer"
  ended=$EPOCHREALTIME
  echo "$begun $ended ${answer#1}"
  [ "$answer" = 1 ] || break
  sleep 0.1
done
kill "$psql_PID" 2>/dev/null
wait
exit 0
