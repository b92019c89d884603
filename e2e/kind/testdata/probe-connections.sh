# Opens a new connection to the host $0 every 100 ms, until the file $1 is there. Prints a line for
# each attempt: begin, end, and what went wrong if something did.
while [ ! -e "$1" ] && (( SECONDS < 1800 )); do
  begun=$EPOCHREALTIME
  problem=$(psql -h "$0" -Atqc 'select' 2>&1) || problem=${problem:-failed}
  ended=$EPOCHREALTIME
  echo "$begun $ended ${problem//$'\n'/ }"
  used=$(( ${ended/[.,]/} - ${begun/[.,]/} ))
  (( used < 100000 )) && sleep "0.$(printf %06d $((100000 - used)))"
done
