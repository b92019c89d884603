# Prints the packets that the agent drops, until the file $0 is there.
cilium-dbg monitor --type drop 2>&1 &
while [ ! -e "$0" ] && (( SECONDS < 1800 )); do sleep 0.2; done
kill $!
wait
exit 0
