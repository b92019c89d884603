# Resolves the name $0 within $1 seconds. Prints one line: begin, end, exit code, and what was seen.
begun=$EPOCHREALTIME code=0
seen=$(timeout "$1" getent hosts "$0" 2>&1) || code=$?
echo "$begun $EPOCHREALTIME $code ${seen//$'\n'/ }"
