# Opens a new connection to the host $0 every 100 ms, until the file $1 is there. Prints a line for
# each attempt: begin, end, exit code, and what was seen.
while [ ! -e "$1" ] && (( SECONDS < 10800 )); do
  begun=$EPOCHREALTIME code=0
  seen=$(timeout 15 psql -h "$0" -Atqc 'select' 2>&1) || code=$?
  ended=$EPOCHREALTIME
  echo "$begun $ended $code ${seen//$'\n'/ }"
  used=$(( ${ended/[.,]/} - ${begun/[.,]/} ))
  if (( used < 100000 )); then sleep "0.$(printf %06d $((100000 - used)))"; fi
done
exit 0
