# Prints the packets that the agent drops, each with the time in front of it, until the file $0 is there; and "alive" now and then.
coproc monitor { exec cilium-dbg monitor --type drop 2>&1; }
exec {from}<&"${monitor[0]}"
pid=$monitor_PID
( while [ ! -e "$0" ] && (( SECONDS < 10800 )); do
    sleep 0.2
    (( SECONDS < next )) || { echo alive; (( next = SECONDS + 5 )); }
  done
  kill "$pid" ) &
while read -r line <&"$from"; do echo "$EPOCHREALTIME $line"; done
exit 0
