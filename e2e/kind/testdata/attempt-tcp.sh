# Opens a TCP connection to port $1 of the address $0, says $2 if there is something to say, and reads
# a line, which has to contain $3; all within $4 seconds. Prints one line: begin, end, exit code, and
# what was seen.
begun=$EPOCHREALTIME code=0
seen=$(timeout "$4" bash -c '
  exec 3<>"/dev/tcp/$0/$1" || exit 1
  [ -z "$2" ] || printf "$2" >&3
  read -r line <&3 && printf %s "${line%%[[:cntrl:]]*}"' "$0" "$1" "$2" 2>&1) || code=$?
[[ "$seen" == *"$3"* ]] || (( code )) || code=1
echo "$begun $EPOCHREALTIME $code ${seen//$'\n'/ }"
